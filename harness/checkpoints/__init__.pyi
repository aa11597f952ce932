from .cache import cached_answer
from .checkpoint import Checkpoint, CheckpointError, nano_root, open_checkpoint, read_json, same_tokenizer
from .conditions import Conditions, conditions_of
from .contents import Contents
from .identity import same_tensors
from .listing import contents_of
from .naming import renamed, told_apart
from .parameters import Fit, Shapes, WeightsReport, compare_tensors, refuse_misfit, tied_tensors
from .prompts import PromptRenderer
from .quantised import quantisation, unpack
from .renaming import write_renamed
from .templates import ChatTemplate, TemplateError
from .weights import Tensor, read_header

__all__ = [
    "ChatTemplate",
    "Checkpoint",
    "CheckpointError",
    "Conditions",
    "Contents",
    "Fit",
    "PromptRenderer",
    "Shapes",
    "TemplateError",
    "Tensor",
    "WeightsReport",
    "cached_answer",
    "compare_tensors",
    "conditions_of",
    "contents_of",
    "nano_root",
    "open_checkpoint",
    "quantisation",
    "read_header",
    "read_json",
    "refuse_misfit",
    "renamed",
    "same_tensors",
    "same_tokenizer",
    "tied_tensors",
    "told_apart",
    "unpack",
    "write_renamed",
]
