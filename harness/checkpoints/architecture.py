"""Architecture: does the class that a configuration names write text, and does the configuration leave it a generator?

An engine goes by the name of a class and by fields beside it: where one says that attention looks ahead, vLLM reads a
language model as an embedder, transformers does not, and neither fails.
"""

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.checkpoints.configuration import text_config

_WRITES_NO_TEXT = re.compile(
    r"For\w*Classification\Z|For(MaskedLM|QuestionAnswering|MultipleChoice|Retrieval|Ranking|PreTraining|JointSchema)\Z|"
    r"For(NextSentencePrediction|CTC|RNNT|\w*Detection|\w*Segmentation|DepthEstimation)\Z|Reward|Embedding|ColBERT|"
    r"\ACol[A-Z]|\AGritLM\Z|\ATerratorch|MTP(Model)?\Z|Eagle3\Z|\AP?[Ee]agle(?!2)|Medusa|Draft|DSpark|DFlash|"
    r"(?<!LMHead)(?<!LM)(?<!Chat)(?<!Omni)(?<!GLM)(?<!Ultravox)(?<!Audio)(?<!Decoder)Model\Z"
)
# Attention that sees what comes after, by the field that makes a model do so.
_LOOKS_AHEAD = {"is_causal": (False,), "use_bidirectional_attention": (True, "all")}


def is_stock(config: dict[str, Any]) -> bool:
    """Whether the installed transformers defines the model's class, so that no code of a checkpoint is needed."""
    known, names = _stock_classes(config.get("model_type")), config.get("architectures")
    return isinstance(names, list) and bool(names) and all(isinstance(each, str) and each in known for each in names)


def _stock_classes(model_type: Any) -> set[str]:
    """The classes that the installed transformers defines for ``model_type``, none where it has no module of that name.

    Looked up in the library's files: importing it takes seconds.
    """
    library = importlib.util.find_spec("transformers")
    if library is None or library.origin is None or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(model_type)):
        return set()
    module = str(model_type).replace("-", "_")
    # A module may lie in the folder of its kin, as data2vec-text does in data2vec.
    paths = sorted((Path(library.origin).parent / "models").glob(f"*/modeling_{module}.py"))
    source = "".join(path.read_text(encoding="utf-8") for path in paths)
    return set(re.findall(r"^class (\w+)\(", source, re.MULTILINE))


def wrong_architecture(config: dict[str, Any]) -> str | None:
    """Why the model class that ``config`` names cannot be evaluated; None if it can."""
    names = config.get("architectures")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        return "architectures is missing; it names the model class"
    if len(names) > 1:
        return f"architectures names {len(names)} model classes, of which engines choose differently; name one"
    if _WRITES_NO_TEXT.search(names[0]):
        return (
            f"architectures names {names[0][:80]!a}, which embeds, classifies or drafts and writes no text; save the "
            "language model, a class like ...ForCausalLM"
        )
    if found := _looks_ahead(config, names[0]):
        return found
    known = _stock_classes(config.get("model_type"))
    if known and names[0] not in known:
        return (
            f"architectures names {names[0][:80]!a}, which is no class of model_type {config['model_type']}: vLLM "
            "goes by the one and transformers by the other; restore the configuration of these weights"
        )
    return None


def _looks_ahead(config: Mapping[str, Any], name: str) -> str | None:
    """Why a model of this class reads a text as a whole, as an encoder does; None if it goes on with it."""
    text = text_config(config)
    for part in (config, text):
        if part.get("is_encoder_decoder") is True:
            return (
                "is_encoder_decoder is true: an encoder reads the question and another model answers, which no engine "
                "here runs; evaluate a model that goes on with a text"
            )
        for key, values in _LOOKS_AHEAD.items():
            if part.get(key) in values:
                return (
                    f"{key} is {str(part[key]).lower()}: attention sees what comes after, as in an embedder; restore "
                    "the configuration of the language model"
                )
    kind = config.get("model_type")
    if _fills_gaps(kind) and config.get("is_decoder") is not True:
        return (
            f"architectures names {name[:80]!a} of an encoder ({kind}), which fills gaps and writes no text unless it "
            "was trained with is_decoder; evaluate a decoder"
        )
    return None


def _fills_gaps(model_type: Any) -> bool:
    """Whether the installed transformers has a class of ``model_type`` for masked words, as of encoders alone."""
    return any(name.endswith("ForMaskedLM") for name in _stock_classes(model_type))
