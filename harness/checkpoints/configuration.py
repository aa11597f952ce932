"""Configuration: what a JSON file of a checkpoint may make a library do, beside describing the model in its folder.

A library follows a name that it finds: vLLM answers with the "verifier" of a draft model, others load a vision tower or
an audio tokenizer from the hub. So every value that may name a file or a repository is refused, but for claims, which
say where a model came from: those are known by name, and are left out of the copy that libraries are given.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness.checkpoints.weights import Tensor

# Where a model came from: kept as a claim, and given to no library. `_model_name_or_path` is the title of a GGUF file,
# which transformers writes into the configuration of what it converts.
_CLAIMS = frozenset({
    "_name_or_path", "name_or_path", "_model_name_or_path", "model_name_or_path", "base_model_name_or_path",
    "model_name", "base_model", "special_tokens_map_file",
})  # fmt: skip
# Values that are text, patterns or names of things that no library opens when it loads a model.
_TEXT = frozenset({
    "chat_template", "id2label", "label2id", "stop_strings", "task_specific_params", "license", "license_link",
    "license_name", "target_modules", "exclude_modules", "layers_pattern", "rank_pattern", "alpha_pattern",
    "modules_to_save", "target_parameters", "auto_mapping", "auto_map",
})  # fmt: skip
# What only a quantisation needs, which is over.
_QUANTISING = frozenset({
    "dataset", "tokenizer", "meta", "quantizer", "model_name_or_path", "model_file_base_name", "producer",
})  # fmt: skip
_NAMING = re.compile(
    r"(name_or_path|_paths?|\Apaths?|_files?|\Afiles?|_dirs?|_folder|_repo|repo_ids?|model_ids?|_hub_id|_urls?|\Aurls?|"
    r"transformers_weights|_checkpoint)\Z"
)
# The scan of a tokenizer's configuration has rules of its own for these.
_TOKENIZER_FILES = re.compile(r"_file\Z|\Afast_tokenizer_files\Z")
_PATH_LIKE = re.compile(
    r"/|\A~|\A\.\.?\Z|\A\\\\|\A[A-Za-z]:\\|\.(safetensors|bin|pt|pth|ckpt|json|jsonl|gguf|onnx|py|model|pkl)\Z", re.I
)
# A template's token, like </s> or [/INST], and prose: of what has spaces in it, only an absolute path leads anywhere.
_TOKEN_OR_PROSE = re.compile(r"\A<[^<>\s]*>\Z|\A\[/?\w+\]\Z|\A(?![/~.\\]).*\s", re.DOTALL)
_DRAFT = re.compile(r"speculat|(\A|_)(draft|assistant|verifier)(_model|_config)?\Z", re.I)

_QUANTISATION = "quantization_config"
_WHOLE = frozenset({"BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64"})
_PLAIN_MODULE = re.compile(r"\A[\w.-]*\Z", re.ASCII)
_PARTS = ("text_config", "llm_config", "language_config", "thinker_config")
_DEPTH = re.compile(r"(layers?|blocks|depths?|stages)\Z")
_COUNT = re.compile(r"(experts|labels|codebooks|queries)\Z")
_WIDTH = re.compile(r"(size|dim|heads|n_head|embd|n_inner|d_model|d_ff|d_kv|channels|width|rank)\Z")
_LENGTH = re.compile(r"(max_position_embeddings|n_positions|n_ctx|max_seq_len(gth)?)\Z")
_LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
_LAYER = re.compile(r"(?:\A|\.)(?:layers?|h|blocks?)\.(\d{1,9})\.")
# What a small model's configuration may state beyond its own weights, as defaults of its family.
_FLOOR_DEPTH = 256
_FLOOR_COUNT = 4_096
_FLOOR_WIDTH = 1 << 20
_MOST_POSITIONS = 1 << 24


def is_configuration(name: str) -> bool:
    """Whether a file of this name tells a library what to do, and is no vocabulary or index."""
    return name == "config.json" or name.endswith("_config.json")


def text_config(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of ``config.json`` that describes the language model; all of it, where the model is nothing else."""
    for name in _PARTS:
        part = config.get(name)
        if isinstance(part, dict):
            return text_config(part)
    return config


def names_elsewhere(content: Any, *, quantisation: bool = False) -> str | None:
    """The field, and its value, that may name another file or model; None if there is none."""
    for key, value in _strings({_QUANTISATION: content} if quantisation else content):
        last = key.rpartition(".")[2]
        if any(map(_DRAFT.search, key.split("."))) and value:
            return f"{key} names another model to answer with ({_brief(value)})"
        if last not in _CLAIMS and value and (_NAMING.search(last) or _leads_somewhere(value)):
            return f"{key} names another file or model ({_brief(value)})"
    return None


def names_file(content: dict[str, Any]) -> str | None:
    """The same of a tokenizer's configuration, whose values are tokens: by the names of its fields alone."""
    for key, value in _strings(content):
        last = key.rpartition(".")[2]
        if last not in _CLAIMS and not _TOKENIZER_FILES.search(last) and _NAMING.search(last) and value:
            return f"{key} names another file or model ({_brief(value)})"
    return None


def without_claims(content: Any, *, auto_map: bool) -> Any:
    """``content`` without what only says where a model came from, and without ``auto_map`` if that is not needed."""
    if isinstance(content, list):
        return [without_claims(each, auto_map=auto_map) for each in content]
    if not isinstance(content, dict):
        return content
    left_out = _CLAIMS | ({"auto_map"} if auto_map else set())
    return {
        key: without_claims(value, auto_map=auto_map)
        for key, value in content.items()
        if key not in left_out or isinstance(value, int | float)
    }


def absurd_size(config: dict[str, Any], tensors: Sequence[Tensor]) -> str | None:
    """The field whose number does not fit weights of these shapes, so that building the model would hang or fail."""
    largest = max((max(tensor.shape, default=1) for tensor in tensors), default=1)
    many, longest = f"the weights have {len(tensors):,} tensors", f"the longest side of a tensor is {largest:,}"
    limits = (
        (_DEPTH, max(_FLOOR_DEPTH, len(tensors)), many),
        (_COUNT, max(_FLOOR_COUNT, len(tensors), largest), f"{many} and {longest}"),
        (_WIDTH, max(_FLOOR_WIDTH, 64 * largest), longest),
        (_LENGTH, _MOST_POSITIONS, f"at most {_MOST_POSITIONS:,} can be"),
    )
    for key, value in _numbers(config):
        for pattern, most, why in limits:
            if pattern.search(key) and value > most:
                return f"{key} is {_brief(value)}, but {why}; restore the configuration of these weights"
    return _deeper_than_weights(config, tensors) or _of_other_width(config, tensors)


def _deeper_than_weights(config: Mapping[str, Any], tensors: Sequence[Tensor]) -> str | None:
    """The number of layers, where the weights have far fewer; some models have a few layers without a tensor."""
    numbers = (int(found[1]) for tensor in tensors if (found := _LAYER.search(tensor.name)))
    there = 1 + max(numbers, default=-1)
    for key, value in text_config(config).items():
        if key in _LAYERS and type(value) is int and value > 2 * there + 8 > 8:
            return (
                f"{key} is {value}, but the weights end with layer {there}; restore the configuration of these weights"
            )
    return None


def _of_other_width(config: Mapping[str, Any], tensors: Sequence[Tensor]) -> str | None:
    """A side of the embedding that no tensor has; packed tensors have other sides."""
    sides = {side for tensor in tensors for side in tensor.shape}
    if not sides or config.get(_QUANTISATION) is not None:
        return None
    for key in ("hidden_size", "vocab_size"):
        value = text_config(config).get(key)
        if type(value) is int and value not in sides:
            return f"{key} is {value}, but no tensor has a side of {value}; restore the configuration of these weights"
    return None


def rounded_weights(config: dict[str, Any], tensors: Sequence[Tensor]) -> str | None:
    """Weights of whole numbers that no quantisation explains, which libraries would take for the numbers themselves."""
    if config.get(_QUANTISATION) is not None:
        return None
    for tensor in tensors:
        if tensor.dtype in _WHOLE and len(tensor.shape) > 1 and tensor.name.endswith(".weight"):
            return (
                f"no {_QUANTISATION}, but tensor {tensor.name[:80]!a} has dtype {tensor.dtype}; save the configuration "
                "of the quantised model beside its weights, or the weights unquantised"
            )
    return None


def quantisation_patterns(config: dict[str, Any]) -> list[str]:
    """What a quantisation library matches against module names as regular expressions."""
    stated = config.get(_QUANTISATION)
    fields = stated if isinstance(stated, dict) else {}
    found: list[Any] = []
    for each in _objects({name: value for name, value in fields.items() if name not in _QUANTISING}):
        found += each
        for value in each.values():
            found += value if isinstance(value, list) else [value]
    texts = [each.removeprefix("re:") for each in found if isinstance(each, str)]
    return [each for each in texts if not _PLAIN_MODULE.match(each)]


def _leads_somewhere(value: str) -> bool:
    return _PATH_LIKE.search(value) is not None and not _TOKEN_OR_PROSE.search(value) and not value.startswith("re:")


def _strings(content: Any) -> Iterator[tuple[str, str]]:
    """Every string in ``content`` with the dotted names of the fields that lead to it; lists add no name."""
    waiting: list[tuple[str, Any]] = [("", content)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, list):
            waiting.extend((path, each) for each in value)
        elif isinstance(value, dict):
            text = _TEXT | _QUANTISING if path.startswith(_QUANTISATION) else _TEXT
            waiting.extend((f"{path}.{name}".lstrip("."), each) for name, each in value.items() if name not in text)


def _numbers(config: dict[str, Any]) -> Iterator[tuple[str, int | float]]:
    """Every number outside the quantisation, with the name of its field."""
    for each in _objects({name: value for name, value in config.items() if name != _QUANTISATION}):
        for name, value in each.items():
            for number in value if isinstance(value, list) else [value]:
                if isinstance(number, int | float) and not isinstance(number, bool):
                    yield name, number


def _objects(content: Any) -> Iterable[dict[str, Any]]:
    waiting = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
        if isinstance(value, dict | list):
            waiting.extend(value.values() if isinstance(value, dict) else value)


def _brief(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 80 else f"{text[:80]}.."
