from .checkpoint import Checkpoint, CheckpointError, nano_root, open_checkpoint, read_json
from .conditions import Conditions, conditions_of, processor_of
from .endings import Vocabulary, declared_ends
from .images import ImageTokens, image_tokens
from .limits import longest, vocabulary_size
from .processor import PROCESSOR_FILES, ImageProcessor, Pixels, read_processor, write_processor
from .prompt_policy import Policy, Prompts, PromptSettings, prompts_for
from .prompts import PromptRenderer
from .template_files import template_of
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
    "ImageTokens",
    "NewToken",
    "Pixels",
    "Policy",
    "PromptRenderer",
    "PromptSettings",
    "Prompts",
    "TemplateError",
    "Vocabulary",
    "compare_prompts",
    "conditions_of",
    "declared_ends",
    "extended",
    "image_tokens",
    "longest",
    "nano_root",
    "new_tokens",
    "open_checkpoint",
    "processor_of",
    "prompts_for",
    "read_header",
    "read_json",
    "read_processor",
    "same_tokenizer",
    "template_of",
    "tokenizers_agree",
    "unused_of",
    "vocabulary_size",
    "write_processor",
]
