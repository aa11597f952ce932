from .checkpoint import Checkpoint, CheckpointError, nano_root, open_checkpoint, read_json, same_tokenizer
from .conditions import Conditions, conditions_of
from .endings import Vocabulary, declared_ends
from .images import ImageTokens, image_tokens
from .limits import longest, vocabulary_size
from .prompts import PromptRenderer
from .templates import ChatTemplate, TemplateError
from .weights import read_header

__all__ = [
    "ChatTemplate",
    "Checkpoint",
    "CheckpointError",
    "Conditions",
    "ImageTokens",
    "PromptRenderer",
    "TemplateError",
    "Vocabulary",
    "conditions_of",
    "declared_ends",
    "image_tokens",
    "longest",
    "nano_root",
    "open_checkpoint",
    "read_header",
    "read_json",
    "same_tokenizer",
    "vocabulary_size",
]
