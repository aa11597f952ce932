from .checkpoint import Checkpoint, CheckpointError, nano_root, open_checkpoint, read_json, same_tokenizer
from .prompts import PromptRenderer
from .templates import ChatTemplate, TemplateError
from .weights import read_header

__all__ = [
    "ChatTemplate",
    "Checkpoint",
    "CheckpointError",
    "PromptRenderer",
    "TemplateError",
    "nano_root",
    "open_checkpoint",
    "read_header",
    "read_json",
    "same_tokenizer",
]
