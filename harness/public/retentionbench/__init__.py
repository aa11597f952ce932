"""RetentionBench: how much did a fine-tune teach a model, and how much did it make the model forget?"""

from harness import __version__

__all__ = ["__version__"]
