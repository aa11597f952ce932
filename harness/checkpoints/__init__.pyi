from .checkpoint import Checkpoint, CheckpointError, nano_root, open_checkpoint, read_json, same_tokenizer
from .conditions import Conditions, conditions_of
from .contents import Contents
from .listing import contents_of
from .naming import renamed, told_apart
from .prompts import PromptRenderer
from .templates import ChatTemplate, TemplateError
from .weights import read_header

__all__ = [
    "ChatTemplate",
    "Checkpoint",
    "CheckpointError",
    "Conditions",
    "Contents",
    "PromptRenderer",
    "TemplateError",
    "conditions_of",
    "contents_of",
    "nano_root",
    "open_checkpoint",
    "read_header",
    "read_json",
    "renamed",
    "same_tokenizer",
    "told_apart",
]
