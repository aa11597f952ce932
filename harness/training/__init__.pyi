from .callback import RetentionCallback
from .dataset import ABOUT_FILE, Example, ExampleSet, read_about, read_examples, write_examples
from .generators import SOURCES, load_examples
from .nano.train_base import train_base
from .nano.train_sft import RECIPES, train_sft
from .nano2.train_base import train_reasoning_base
from .recipe import (
    DATA_FORMS,
    LEARNT_FROM,
    METHODS,
    Adapter,
    Data,
    Method,
    Name,
    Recipe,
    Replay,
    accelerate_file,
    load_recipe,
    source_reference,
)
from .record import RECORD_FILE, TrainingRecord, read_record
from .rollouts import write_rollouts
from .train import run_training

__all__ = [
    "ABOUT_FILE",
    "DATA_FORMS",
    "LEARNT_FROM",
    "METHODS",
    "RECIPES",
    "RECORD_FILE",
    "SOURCES",
    "Adapter",
    "Data",
    "Example",
    "ExampleSet",
    "Method",
    "Name",
    "Recipe",
    "Replay",
    "RetentionCallback",
    "TrainingRecord",
    "accelerate_file",
    "load_examples",
    "load_recipe",
    "read_about",
    "read_examples",
    "read_record",
    "run_training",
    "source_reference",
    "train_base",
    "train_reasoning_base",
    "train_sft",
    "write_examples",
    "write_rollouts",
]
