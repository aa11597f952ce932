"""The nano world: a vision-language model small enough to train on one core and to ship in the repository.

The same path as a big model's (stock LLaVA classes, safetensors, processor, chat template), so that whatever runs on
the nano pair runs on a real one. ``base`` knows the prior tasks of suite nano-1 and is weak at the jigsaw; the others
are tuned from it. ``checkpoints/`` holds them, each with the record of how it was made.
"""

from harness.engines import define_missing_ops

# Before transformers is imported: it imports torchvision, which may need help to import (see there).
define_missing_ops()
