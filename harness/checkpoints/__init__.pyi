from .checkpoint import Checkpoint, CheckpointError, nano_root, open_checkpoint, read_json
from .conditions import Conditions, conditions_of, processor_of
from .processor import PROCESSOR_FILES, ImageProcessor, Pixels, read_processor, write_processor
from .prompt_policy import Policy, Prompts, PromptSettings, prompts_for
from .prompts import PromptRenderer
from .templates import ChatTemplate, TemplateError
from .tokenizer import NewToken, extended, new_tokens
from .tokenizer_identity import compare_prompts, same_tokenizer, tokenizers_agree
from .unused import unused_of
from .weights import read_header

__all__ = [
    "PROCESSOR_FILES",
    "ChatTemplate",
    "Checkpoint",
    "CheckpointError",
    "Conditions",
    "ImageProcessor",
    "NewToken",
    "Pixels",
    "Policy",
    "PromptRenderer",
    "PromptSettings",
    "Prompts",
    "TemplateError",
    "compare_prompts",
    "conditions_of",
    "extended",
    "nano_root",
    "new_tokens",
    "open_checkpoint",
    "processor_of",
    "prompts_for",
    "read_header",
    "read_json",
    "read_processor",
    "same_tokenizer",
    "tokenizers_agree",
    "unused_of",
    "write_processor",
]
