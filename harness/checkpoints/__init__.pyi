from .checkpoint import Checkpoint, CheckpointError, nano_root, open_checkpoint, read_json
from .conditions import Conditions, conditions_of
from .prompt_policy import Prompts, PromptSettings, prompts_for
from .prompts import PromptRenderer
from .templates import ChatTemplate, TemplateError
from .tokenizer_identity import compare_prompts, same_tokenizer, tokenizers_agree
from .weights import read_header

__all__ = [
    "ChatTemplate",
    "Checkpoint",
    "CheckpointError",
    "Conditions",
    "PromptRenderer",
    "PromptSettings",
    "Prompts",
    "TemplateError",
    "compare_prompts",
    "conditions_of",
    "nano_root",
    "open_checkpoint",
    "prompts_for",
    "read_header",
    "read_json",
    "same_tokenizer",
    "tokenizers_agree",
]
