from .cache import cached_answer
from .checkpoint import Checkpoint, CheckpointError, nano_root, open_checkpoint, read_json, shipped_checkpoints
from .conditions import NO_PICTURES, Conditions, Pictures, conditions_of, processor_of
from .contents import Contents
from .delta import restore_delta, write_delta
from .endings import Vocabulary, declared_ends
from .identity import same_tensors
from .images import ImageTokens, image_tokens
from .limits import longest, vocabulary_size
from .listing import contents_of
from .live import checkpoint_in_memory
from .memory import Cache, cache_in, cache_of, weights_of, weights_size
from .naming import renamed, told_apart
from .parameters import Fit, Shapes, WeightsReport, compare_tensors, refuse_misfit, tied_tensors
from .processor import ANY_SIZE, PROCESSOR_FILES, ImageProcessor, Pixels, read_processor, write_processor
from .prompt_policy import Policy, Prompts, PromptSettings, prompts_for
from .prompts import PromptRenderer, PromptStyle
from .quantised import quantisation, unpack
from .renaming import write_renamed
from .staging import staged_folder
from .template_files import template_of
from .templates import ChatTemplate, TemplateError
from .token_counts import token_counter
from .tokenizer import NewToken, extended, new_tokens
from .tokenizer_identity import compare_prompts, same_tokenizer, tokenizers_agree
from .unused import unused_of
from .weights import Tensor, read_header

__all__ = [
    "ANY_SIZE",
    "NO_PICTURES",
    "PROCESSOR_FILES",
    "Cache",
    "ChatTemplate",
    "Checkpoint",
    "CheckpointError",
    "Conditions",
    "Contents",
    "Fit",
    "ImageProcessor",
    "ImageTokens",
    "NewToken",
    "Pictures",
    "Pixels",
    "Policy",
    "PromptRenderer",
    "PromptSettings",
    "PromptStyle",
    "Prompts",
    "Shapes",
    "TemplateError",
    "Tensor",
    "Vocabulary",
    "WeightsReport",
    "cache_in",
    "cache_of",
    "cached_answer",
    "checkpoint_in_memory",
    "compare_prompts",
    "compare_tensors",
    "conditions_of",
    "contents_of",
    "declared_ends",
    "extended",
    "image_tokens",
    "longest",
    "nano_root",
    "new_tokens",
    "open_checkpoint",
    "processor_of",
    "prompts_for",
    "quantisation",
    "read_header",
    "read_json",
    "read_processor",
    "refuse_misfit",
    "renamed",
    "restore_delta",
    "same_tensors",
    "same_tokenizer",
    "shipped_checkpoints",
    "staged_folder",
    "template_of",
    "tied_tensors",
    "token_counter",
    "tokenizers_agree",
    "told_apart",
    "unpack",
    "unused_of",
    "vocabulary_size",
    "weights_of",
    "weights_size",
    "write_delta",
    "write_processor",
    "write_renamed",
]
