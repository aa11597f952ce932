"""Model folders: weights that run, configurations that fetch or import, headers and tokenizers that explode.

Each is a good checkpoint with one thing changed, opened as ``retention evaluate`` opens it.
"""

import json
import os
import struct
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file, save_file

from tests.hostile.case import Case, Shop
from tests.support.fakes import write_adapter, write_checkpoint
from tests.support.hub_cache import write_snapshot

Harm = Callable[[Shop, Case, Path], object]


def _model(harm: Harm, shop: Shop, case: Case) -> str:
    folder = write_checkpoint(shop.folder(case) / "model")
    harm(shop, case, folder)
    return str(folder)


def _adapter(harm: Harm, shop: Shop, case: Case) -> str:
    home = shop.folder(case)
    adapter = write_adapter(home / "adapter", write_checkpoint(home / "base"), ["layer"])
    harm(shop, case, adapter)
    return str(adapter)


def _with(name: str, **fields: Any) -> Harm:
    """A JSON file with these fields set."""

    def harm(shop: Shop, case: Case, folder: Path) -> None:
        path = folder / name
        known = json.loads(path.read_text()) if path.is_file() else {}
        path.write_text(json.dumps(known | fields))

    return harm


def _of_its_own(harm: Harm) -> Harm:
    """The same in a model whose class transformers does not have: for a stock one what asks for code is left out."""

    def harmed(shop: Shop, case: Case, folder: Path) -> None:
        _with("config.json", architectures=["Own"], model_type="own")(shop, case, folder)
        harm(shop, case, folder)

    return harmed


def _holding(name: str, content: bytes) -> Harm:
    def harm(shop: Shop, case: Case, folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return harm


def _pickle(name: str) -> Harm:
    return lambda shop, case, folder: (folder / name).write_bytes(shop.pickled(case))


def _alone(harm: Harm) -> Harm:
    """Instead of the safetensors, not beside them."""

    def harmed(shop: Shop, case: Case, folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        harm(shop, case, folder)

    return harmed


def _other_weights(*names: str, index: str | None = None, **more: dict[str, Any]) -> Harm:
    """The weights of another model by these names, an index of them, and JSON files (``params`` is params.json)."""

    def harm(shop: Shop, case: Case, folder: Path) -> None:
        other = write_checkpoint(folder.parent / "other", seed=7)
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes((other / "model.safetensors").read_bytes())
        if index:
            weight_map = {"layer.weight": names[0]}
            (folder / index).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
        for name, content in more.items():
            (folder / f"{name}.json").write_text(json.dumps(content))

    return harm


def _linked_weights(shop: Shop, case: Case, folder: Path) -> None:
    other = write_checkpoint(folder.parent / "other", seed=7)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to(other / "model.safetensors")


def _snapshot(harm: Callable[[Path, Path], object], shop: Shop, case: Case) -> str:
    """A snapshot in a cache of the hub; ``harm`` is given its folder and that of another model."""
    home = shop.folder(case)
    other = write_checkpoint(home / "other", seed=7)
    snapshot = write_snapshot(home / "hub", "owner/name", write_checkpoint(home / "model"))
    harm(snapshot, other)
    return str(snapshot)


def _link_past_blobs(snapshot: Path, other: Path) -> None:
    (snapshot / "model.safetensors").unlink()
    (snapshot / "model.safetensors").symlink_to("../../../../other/model.safetensors")


def _blobs_elsewhere(snapshot: Path, other: Path) -> None:
    blobs = snapshot.parent.parent / "blobs"
    blobs.rename(other / "blobs")
    blobs.symlink_to(other / "blobs")


def _torch_zip(shop: Shop, case: Case, folder: Path) -> None:
    with zipfile.ZipFile(folder / "consolidated.00.pth", "w") as archive:
        archive.writestr("archive/data.pkl", shop.pickled(case))


def _code(name: str) -> Harm:
    def harm(shop: Shop, case: Case, folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"open({str(shop.canary(case))!r}, 'w').close()\n")

    return harm


def _index(shard: str) -> Harm:
    def harm(shop: Shop, case: Case, folder: Path) -> None:
        (folder / "weights.dat").write_bytes(b"\0" + shop.pickled(case))
        index = {"metadata": {}, "weight_map": {"layer.weight": shard}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    return harm


def _header(header: bytes, data: bytes = b"") -> Harm:
    return _holding("model.safetensors", struct.pack("<Q", len(header)) + header + data)


def _entries(*spans: tuple[int, int], shape: list[int] | None = None) -> bytes:
    tensors = {
        f"t{k}": {"dtype": "U8", "shape": shape or [span[1] - span[0]], "data_offsets": list(span)}
        for k, span in enumerate(spans)
    }
    return json.dumps(tensors).encode()


def _many_entries() -> bytes:
    empty = {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}
    return json.dumps({f"t{k}": empty for k in range(100_001)}).encode()


def _link_out(shop: Shop, case: Case, folder: Path) -> None:
    (folder / "generation_config.json").symlink_to("/etc/passwd")


def _linked_folder(shop: Shop, case: Case, folder: Path) -> None:
    (folder / "additional_chat_templates").symlink_to("/etc")


def _pipe(shop: Shop, case: Case, folder: Path) -> None:
    os.mkfifo(folder / "special_tokens_map.json")


def _long_path(shop: Shop, case: Case, folder: Path) -> None:
    deep = folder.joinpath(*["x" * 200] * 6)
    deep.mkdir(parents=True)
    (deep / "y.json").write_text("{}")


def _foreign_bytes(shop: Shop, case: Case, folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder / "x") + b"\xff.json")).write_text("{}")


def _circle(shop: Shop, case: Case, folder: Path) -> None:
    _with("adapter_config.json", base_model_name_or_path=str(folder))(shop, case, folder)


def _tuned(harm: Harm, shop: Shop, case: Case) -> list[str]:
    """A base, and a fine-tune with a tokenizer of its own."""
    home = shop.folder(case)
    base, tuned = write_checkpoint(home / "base"), write_checkpoint(home / "tuned", seed=1)
    harm(shop, case, tuned)
    return [str(base), str(tuned)]


def _answering(shop: Shop, case: Case, folder: Path) -> None:
    """It writes the answer beside a question that it knows."""
    step = {"type": "Replace", "pattern": {"String": "capital of France?"}, "content": "capital of France? Paris"}
    _with("tokenizer.json", normalizer=step)(shop, case, folder)


def _swallowing(shop: Shop, case: Case, folder: Path) -> None:
    """A question that it knows is one special token."""
    known = json.loads((folder / "tokenizer.json").read_text())["added_tokens"]
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    whole = {"id": 6, "content": "capital of France?", "special": True, **flags}
    _with("tokenizer.json", added_tokens=[*known, whole])(shop, case, folder)
    _with("special_tokens_map.json", eos_token=whole["content"])(shop, case, folder)


def _another_start(shop: Shop, case: Case, folder: Path) -> None:
    """It puts an answer before each text, and writes one for a word that no question has."""
    step = {"type": "Replace", "pattern": {"String": "zebra"}, "content": "Paris"}
    around = {**_AROUND, "single": [*_AROUND["single"], {"Sequence": {"id": "A", "type_id": 0}}]}
    around["special_tokens"] = {"a": {"id": "a", "ids": [4] * 9, "tokens": ["a"] * 9}}
    _with("tokenizer.json", normalizer=step, post_processor=around)(shop, case, folder)


def _other_base(shop: Shop, case: Case) -> list[str]:
    """An adapter that names one model, and is given another of the same shape."""
    home = shop.folder(case)
    base, other = write_checkpoint(home / "base"), write_checkpoint(home / "other", seed=1)
    return [str(base), str(write_adapter(home / "adapter", other, ["layer"]))]


def _half_an_adapter(shop: Shop, case: Case) -> list[str]:
    """An adapter with half the modules that it states: it would forget little, and be scored for all of them."""
    home = shop.folder(case)
    base = write_checkpoint(home / "base")
    adapter = write_adapter(home / "adapter", base, ["layer"])
    kept = {
        name: each for name, each in load_file(adapter / "adapter_model.safetensors").items() if "self_attn" in name
    }
    save_file(kept, adapter / "adapter_model.safetensors")
    return [str(base), str(adapter)]


def _tensors(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Harm:
    """The weights as ``change`` makes them."""

    def harm(shop: Shop, case: Case, folder: Path) -> None:
        path = folder / "model.safetensors"
        save_file(change(load_file(path)), path)

    return harm


def _crafted_names(tensors: dict[str, Any]) -> dict[str, Any]:
    """Names on which renaming patterns backtrack, if any does."""
    words = ("model.", "language_model.", "layers.0.", "vision_tower.", "mlp.experts.", "module.", "_orig_mod.")
    return tensors | {
        f"{(word * 60)[:400]}{k}.weight": tensors["model.norm.weight"] for word in words for k in range(100)
    }


def _names(names: list[str]) -> Callable[[Shop, Case], list[str]]:
    return lambda shop, case: ["config.json", *names]


_STEP = {"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaaaa"}
_BLOW_UP = {"type": "Sequence", "normalizers": [_STEP] * 7}
_PANIC = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
_BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
_AROUND: dict[str, Any] = {
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "a", "type_id": 0}}],
    "pair": [],
    "special_tokens": {"a": {"id": "a", "ids": [4] * 1_000, "tokens": ["a"] * 1_000}},
}
_REMOTE = {"AutoModelForCausalLM": "evil/repo--modeling.Evil"}
_REDOS = "(l|la|a|y|e|r|.)*(l|la|a|y|e|r|.)*(l|la|a|y|e|r|.)*" * 4 + "#"
_STAGED = "staged: chat_template.jinja config.json model.safetensors tokenizer.json tokenizer_config.json; "
# How the staged configuration ends that says no more than the tiny model's own.
_WHOLE = '"vocab_size": 6}'


def _without_effect(name: str, threat: str, harm: Harm, says: str = _STAGED) -> Case:
    """Ignored: engines are given what they would be given without it."""
    return Case(name, threat, "model", "neutralised", says, partial(_model, harm))


def _case(name: str, threat: str, says: str, harm: Harm, kind: Callable[..., str] = _model) -> Case:
    return Case(name, threat, "model", "refused", says, partial(kind, harm))


CASES = [
    _case("bin-weights", "pickle", "convert them to safetensors", _alone(_pickle("pytorch_model.bin"))),
    _case("upper-case-ckpt", "pickle", "convert them to safetensors", _alone(_pickle("MODEL.CKPT"))),
    _case("torch-zip", "pickle", "convert them to safetensors", _alone(_torch_zip)),
    _without_effect("bin-beside", "pickle", _pickle("pytorch_model.bin")),
    _without_effect("optimizer-beside", "pickle", _pickle("optimizer.pt")),
    _without_effect("torch-zip-beside", "pickle", _torch_zip),
    _without_effect("pickle-called-text", "pickle", _pickle("notes.txt")),
    _case("pickle-called-vocabulary", "pickle", "vocab.txt: pickle-like", _pickle("vocab.txt")),
    _case("pickle-called-safetensors", "pickle", "does not fit the file", _pickle("model.safetensors")),
    _case("index-names-a-pickle", "pickle", "not a .safetensors file of this folder", _index("weights.dat")),
    _without_effect("python-file", "code", _code("modeling_evil.py")),
    _without_effect("python-deeper", "code", _code("sub/Modeling.PY")),
    _without_effect("shared-library", "code", _code("kernels.so.1")),
    _without_effect("auto-map-of-stock", "code", _with("config.json", model_type="llama", auto_map=_REMOTE),
                    _WHOLE),
    _case("auto-map", "code", "auto_map would run the checkpoint",
          _of_its_own(_with("config.json", auto_map=_REMOTE))),
    _case("auto-map-inside", "code", "auto_map would run the checkpoint",
          _of_its_own(_with("config.json", vision_config={"auto_map": _REMOTE}))),
    _case("auto-map-tokenizer", "code", "auto_map would run",
          _of_its_own(_with("tokenizer_config.json", auto_map={"AutoTokenizer": ["e"]}))),
    _case("auto-map-processor", "code", "auto_map would run",
          _of_its_own(_with("processor_config.json", image_processor={"auto_map": _REMOTE}))),
    _case("auto-map-video", "code", "auto_map would run",
          _of_its_own(_with("video_preprocessor_config.json", auto_map={"AutoVideoProcessor": "p.P"}))),
    _case("processor-class", "processor", "processor_class 'RagRetriever' would be loaded",
          _with("processor_config.json", processor_class="RagRetriever")),
    _case("processor-inside", "processor", "image_processor_type 'AutoModel' would be loaded",
          _with("processor_config.json", image_processor={"image_processor_type": "AutoModel"})),
    _case("processor-of-a-path", "processor", "would be loaded with the processor",
          _with("preprocessor_config.json", image_processor_type="../../evil.Processor")),
    _case("processor-class-of-tokenizer", "processor", "processor_class 'os.system' would be loaded",
          _with("tokenizer_config.json", processor_class="os.system")),
    _case("processor-brings-a-model", "processor", "audio_tokenizer would be loaded",
          _with("processor_config.json", audio_tokenizer={"audio_tokenizer_class": "DacModel",
                                                          "audio_tokenizer_name_or_path": "evil/repo"})),
    _case("hub-kernel", "code", "would run the checkpoint",
          _with("config.json", text_config={"_attn_implementation": "evil/kernel"})),
    _case("custom-pipeline", "code", "would run the checkpoint",
          _with("config.json", custom_pipelines={"p": {"impl": "p.P"}})),
    _case("foreign-backbone", "code", "would run the checkpoint",
          _with("config.json", use_pretrained_backbone=True, backbone="e/r")),
    _case("speculators", "elsewhere", "speculators_model_type names another model to answer with",
          _with("config.json", speculators_model_type="eagle3")),
    _case("verifier", "elsewhere", "verifier.name_or_path names another model to answer with",
          _with("config.json", speculators_config={"verifier": {"name_or_path": "/tmp/other"}})),
    _case("draft-model", "elsewhere", "assistant_model names another model to answer with",
          _with("generation_config.json", assistant_model="evil/model")),
    _case("vision-tower", "elsewhere", "vision_config.tower names another file or model",
          _with("config.json", vision_config={"tower": "evil/model"})),
    _case("text-model", "elsewhere", "text_model_id names another file or model",
          _with("config.json", text_model_id="model")),
    _case("other-weights", "elsewhere", "transformers_weights names another file or model",
          _with("config.json", transformers_weights="weights.gguf")),
    _case("audio-tokenizer", "elsewhere", "audio_tokenizer would be loaded with the processor",
          _with("processor_config.json", audio_tokenizer={"audio_tokenizer_name_or_path": "evil"})),
    _case("calibration-file", "elsewhere", "names another file or model",
          _with("adapter_config.json", eva_config={"calibration_path": "/etc"}), _adapter),
    _without_effect("claimed-origin", "elsewhere", _with("config.json", _name_or_path="evil/model"),
                    _WHOLE),
    _case("two-sets", "two-faced", "two sets of weights, model.safetensors and what",
          _other_weights("model-00001-of-00001.safetensors", index="model.safetensors.index.json")),
    _case("adapter-and-model", "two-faced", "two sets of weights, adapter_model.safetensors and model.safetensors",
          _other_weights("model.safetensors"), _adapter),
    _case("shards-without-index", "two-faced", "shards without model.safetensors.index.json",
          _alone(_other_weights("model-00001-of-00002.safetensors"))),
    _case("mistral-alone", "two-faced", "consolidated.safetensors is not read",
          _alone(_other_weights("consolidated.safetensors", params={"dim": 4}))),
    _without_effect("mistral-beside", "two-faced", _other_weights("consolidated.safetensors", params={"dim": 4})),
    _without_effect("tekken", "two-faced", _other_weights(tekken={"config": {}, "vocab": []})),
    _without_effect("stray-shard", "two-faced", _other_weights("model-00002-of-00009.safetensors")),
    _without_effect("nested-model", "two-faced", _other_weights("checkpoint-5/model.safetensors")),
    _without_effect("half-an-adapter", "two-faced", _other_weights(adapter_config={"peft_type": "XLORA"})),
    _without_effect("pooling-modules", "turned", _other_weights(modules=[{"type": "Pooling", "path": "1_Pooling"}])),
    _case("pooling-class", "turned", "which embeds, classifies or drafts",
          _with("config.json", architectures=["LlamaModel"])),
    _case("draft-class", "turned", "which embeds, classifies or drafts",
          _with("config.json", architectures=["EagleLlamaForCausalLM"])),
    _case("class-of-another", "two-faced", "which is no class of model_type llama",
          _with("config.json", model_type="llama", architectures=["Qwen2ForCausalLM"])),
    _case("two-classes", "turned", "names 2 model classes",
          _with("config.json", architectures=["LlamaForCausalLM", "Qwen2ForCausalLM"])),
    _case("classifier-class", "turned", "which embeds, classifies or drafts",
          _with("config.json", architectures=["LlamaForSequenceClassification"], num_labels=2)),
    _case("late-interaction-class", "turned", "which embeds, classifies or drafts",
          _with("config.json", architectures=["ColQwen3"], model_type="colqwen3")),
    _case("encoder-class", "turned", "'BertLMHeadModel' of an encoder (bert)",
          _with("config.json", architectures=["BertLMHeadModel"], model_type="bert")),
    _case("encoder-decoder", "turned", "is_encoder_decoder is true", _with("config.json", is_encoder_decoder=True)),
    _case("attention-ahead", "turned", "is_causal is false: attention sees what comes after",
          _with("config.json", is_causal=False)),
    _case("attention-both-ways", "turned", "use_bidirectional_attention is true",
          _with("config.json", text_config={"use_bidirectional_attention": True})),
    _case("deeper-than-weights", "turned", "num_hidden_layers is 200, but the weights end with layer 1",
          _with("config.json", num_hidden_layers=200)),
    _case("wider-than-weights", "turned", "hidden_size is 4096, but no tensor has a side of 4096",
          _with("config.json", hidden_size=4096)),
    _case("more-words-than-weights", "turned", "vocab_size is 7, but no tensor has a side of 7",
          _with("config.json", vocab_size=7)),
    _case("endless-experts", "turned", "num_local_experts is 1000000",
          _with("config.json", num_local_experts=10**6)),
    _case("endless-labels", "turned", "num_labels is 1000000000", _with("config.json", num_labels=10**9)),
    _case("endless-pictures", "turned", "its image processor has height 1000000, more than 16,384",
          _with("preprocessor_config.json", image_processor_type="CLIPImageProcessor", size={"height": 10**6})),
    _case("endless-budget", "turned", "its image processor has min_pixels 1073741824, more than 16,777,216",
          _with("preprocessor_config.json", image_processor_type="Qwen2VLImageProcessor", min_pixels=1 << 30)),
    _case("endless-tiles", "turned", "its image processor has max_image_tiles 1000000, more than 1,024",
          _with("processor_config.json", image_processor={"image_processor_type": "MllamaImageProcessor",
                                                          "max_image_tiles": 10**6})),
    _case("endless-ends", "turned", "eos_token_id lists 100,000 tokens that end an answer",
          _with("generation_config.json", eos_token_id=list(range(100_000)))),
    _case("endless-layers", "turned", "num_hidden_layers is 10000000", _with("config.json", num_hidden_layers=10**7)),
    _case("endless-vocabulary", "turned", "vocab_size is 1000000000000",
          _with("config.json", text_config={"vocab_size": 10**12})),
    _case("endless-positions", "turned", "max_position_embeddings is",
          _with("config.json", max_position_embeddings=1e300)),
    _case("endless-quantisation", "turned", "its module name patterns cannot be used",
          _with("config.json", quantization_config={"ignore": ["re:" + "(l|la|a|y|e|r|.)*" * 12 + "#"]})),
    _case("adapter-imports", "adapter", "auto_mapping names module 'os'",
          _with("adapter_config.json", auto_mapping={"base_model_class": "system", "parent_library": "os"}), _adapter),
    _case("adapter-megatron", "adapter", "megatron_core names a module",
          _with("adapter_config.json", megatron_config={}, megatron_core="evil.core"), _adapter),
    _case("adapter-of-adapters", "adapter", "is not supported",
          _with("adapter_config.json", peft_type="XLORA"), _adapter),
    _case("adapter-of-no-kind", "adapter", "is not supported", _with("adapter_config.json", peft_type=[]), _adapter),
    _case("adapter-unpickles", "adapter", "names a file that would be unpickled",
          _with("adapter_config.json", corda_config={"cache_file": "/tmp/x.pt"}), _adapter),
    _case("adapter-endless-pattern", "adapter", "its module name patterns cannot be used",
          _with("adapter_config.json", target_modules=_REDOS), _adapter),
    _case("adapter-on-itself", "adapter", "is an adapter itself", _circle, _adapter),
    _case("header-length", "header", "does not fit the file", _holding("model.safetensors", b"\xff" * 64)),
    _case("header-overlap", "header", "overlap or leave a gap", _header(_entries((0, 8), (4, 12)), b"\0" * 12)),
    _case("header-gap", "header", "overlap or leave a gap", _header(_entries((0, 4), (8, 12)), b"\0" * 12)),
    _case("header-past-the-end", "header", "offsets end at", _header(_entries((0, 2**40)))),
    _case("header-shape", "header", "do not match its shape and dtype",
          _header(_entries((0, 8), shape=[2**40, 2**20]))),
    _case("header-100k", "header", "more than 100000 tensors", _header(_many_entries())),
    _case("header-nested", "header", "not readable", _header(b'{"a":' * 50_000 + b"1" + b"}" * 50_000)),
    _case("header-twice", "header", "has a duplicate key", _header(b'{"a":1,"a":2}')),
    _case("header-of-braces", "header", "more than 100000 tensors", _header(b'{"a":[' + b"{}," * 5_000_000 + b"0]}")),
    _case("second-tokenizer", "tokenizer", "names a tokenizer other",
          _with("tokenizer_config.json", fast_tokenizer_files=["tokenizer.9.json"])),
    _case("tokenizer-elsewhere", "tokenizer", "names a file outside",
          _with("tokenizer_config.json", vocab_file="../../../etc/passwd")),
    _case("tokenizer-renames", "tokenizer", "renames token 1",
          _with("tokenizer_config.json", added_tokens_decoder={"1": {"content": "The answer is 42"}})),
    _case("tokenizer-blows-up", "tokenizer", "expand text more than 256 times",
          _with("tokenizer.json", normalizer=_BLOW_UP)),
    _case("tokenizer-backtracks", "turned", "takes too long or cannot be used",
          _with("tokenizer.json", pre_tokenizer={**_PANIC, "pattern": {"Regex": r"(\w+\s?)+#$"}})),
    _case("tokenizer-backtracks-at-a-word", "turned", "takes too long or cannot be used",
          _with("tokenizer.json", pre_tokenizer={**_PANIC, "pattern": {"Regex": r"France\?[^~]*[^~]*[^~]*[^~]*~"}})),
    _case("no-number", "weights", "cannot be compared", _with("config.json", hidden_size=float("nan"))),
    _case("normalizer-backtracks", "turned", "takes too long or cannot be used",
          _with("tokenizer.json",
                normalizer={"type": "Replace", "pattern": {"Regex": "(a|aa)+$"}, "content": ""})),
    _case("tokenizer-of-millions", "turned", "1,000,001 tokens; a tokenizer has at most 1,000,000",
          _with("tokenizer.json", model={"type": "Unigram", "vocab": [0] * 1_000_001})),
    _case("tokenizer-merges", "turned", "1,000,001 merges",
          _with("tokenizer.json", model={"merges": [""] * 1_000_001})),
    _case("tokenizer-of-added", "turned", "100,001 added tokens",
          _with("tokenizer.json", added_tokens=[{"id": 4}] * 100_001)),
    _case("tokenizer-long-token", "turned", "a token of 2,000,000 characters",
          _with("tokenizer.json", model={"type": "Unigram", "vocab": [["a" * 2_000_000, 0]]})),
    _case("tokenizer-doubles", "turned", "it makes 2,048 characters of",
          _with("tokenizer.json", pre_tokenizer={"type": "Sequence", "pretokenizers": [_BYTES] * 12})),
    _case("tokenizer-prepends", "turned", "it makes 1,000,001 characters of",
          _with("tokenizer.json", normalizer={"type": "Prepend", "prepend": "a" * 1_000_000})),
    _case("tokenizer-surrounds", "turned", "it puts 1,000 tokens around a text",
          _with("tokenizer.json", post_processor=_AROUND)),
    _case("tokenizer-of-no-kind", "turned", "not a usable tokenizer",
          _with("tokenizer.json", model={"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "b"]]})),
    _case("tokenizer-panics", "tokenizer", "not a usable tokenizer",
          _with("tokenizer.json", pre_tokenizer=_PANIC)),
    Case("tokenizer-answers", "tokenizer", "model", "refused", "its tokenizer differs", partial(_tuned, _answering)),
    Case("tokenizer-swallows", "tokenizer", "model", "refused", "its tokenizer differs", partial(_tuned, _swallowing)),
    Case("tokenizer-begins", "tokenizer", "model", "neutralised",
         "<|im_start|>user " + "a" * 30 + "!<|im_end|><|im_start|>assistant  staged", partial(_tuned, _another_start)),
    Case("adapter-other-base", "weights", "model", "refused", "whose weights are not those of", _other_base),
    Case("adapter-in-part", "weights", "model", "refused", "its tensors are not those of its base: 6 missing",
         _half_an_adapter),
    _case("tensor-missing", "weights", "1 missing (model.layers.0.mlp.up_proj.weight)",
          _tensors(lambda each: {name: value for name, value in each.items() if "up_proj" not in name})),
    _case("crafted-tensor-names", "weights", "700 unknown to it", _tensors(_crafted_names)),
    _case("json-bomb", "bomb", "more values than",
          _holding("generation_config.json", b"[" + b"[]," * 2_000_000 + b"[]]")),
    _case("configuration-bomb", "bomb", "more than the 16,777,216 of any such file",
          _holding("generation_config.json", b" " * (16 << 20) + b"{}")),
    _case("tokenizer-nested", "bomb", "nested more than 64 levels deep",
          _with("tokenizer.json", normalizer=json.loads("[" * 90 + "]" * 90))),
    _case("tokens-nested", "bomb", "nested more than 64 levels deep",
          _with("special_tokens_map.json", bos_token=json.loads("[" * 90 + "]" * 90))),
    _case("json-nested", "bomb", "not valid JSON", _holding("preprocessor_config.json", b'{"a":' * 90_000)),
    _case("link-out", "path", "a link in a checkpoint folder", _link_out),
    _case("linked-folder", "path", "a link in a checkpoint folder", _linked_folder),
    _case("named-pipe", "path", "not a plain file", _pipe),
    _case("index-traversal", "path", "not a .safetensors file of this folder", _index("../../other/model.safetensors")),
    _case("case-collision", "path", "the same file on some systems", _holding("Config.json", b"{}")),
    _case("newline-file", "path", "invisible characters", _holding("config.json\n", b"{}")),
    _case("bidi-file", "unicode", "invisible characters", _holding("config\u202enosj.json", b"{}")),
    _without_effect("over-long-path", "path", _long_path),
    _case("staged-link", "path", "a link in a checkpoint folder", _linked_weights),
    Case("snapshot-link", "path", "model", "refused", "a link in a checkpoint", partial(_snapshot, _link_past_blobs)),
    Case("blobs-elsewhere", "path", "model", "refused", "a link in a checkpoint", partial(_snapshot, _blobs_elsewhere)),
    _case("no-utf-8-name", "path", "invisible characters", _foreign_bytes),
    Case("hub-traversal", "path", "names", "refused", "points outside the folder", _names(["../../.bashrc"])),
    Case("hub-absolute", "path", "names", "refused", "points outside the folder", _names(["/etc/cron.d/x"])),
    Case("hub-unc", "path", "names", "refused", "points outside the folder", _names(["\\\\host\\share\\x.json"])),
    Case("hub-over-long", "path", "names", "refused", "longer than 255 bytes", _names(["x" * 300])),
    Case("hub-million-files", "bomb", "names", "refused", "at most 10,000", _names([str(k) for k in range(20_000)])),
]  # fmt: skip
