from .checkpoint import Checkpoint, CheckpointError, nano_root, open_checkpoint, read_json, same_tokenizer
from .conditions import Conditions, conditions_of, processor_of
from .processor import ANY_SIZE, PROCESSOR_FILES, ImageProcessor, Pixels, read_processor, write_processor
from .prompts import PromptRenderer
from .templates import ChatTemplate, TemplateError
from .unused import unused_of
from .weights import read_header

__all__ = [
    "ANY_SIZE",
    "PROCESSOR_FILES",
    "ChatTemplate",
    "Checkpoint",
    "CheckpointError",
    "Conditions",
    "ImageProcessor",
    "Pixels",
    "PromptRenderer",
    "TemplateError",
    "conditions_of",
    "nano_root",
    "open_checkpoint",
    "processor_of",
    "read_header",
    "read_json",
    "read_processor",
    "same_tokenizer",
    "unused_of",
    "write_processor",
]
