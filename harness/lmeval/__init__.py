"""lm-eval: the only package that imports it.

lm-eval reads the tasks' YAML, builds the requests and applies the tasks' own scoring; our ``LM`` answers from an
:class:`~harness.protocol.Engine`. This package works around lm-eval's pitfalls (README.md): its caches are off, its
default tasks are not scanned, documents are requested in order, images stay encoded, nothing is bootstrapped, and the
finish reason and token counts of each answer are kept.
"""

import logging
import os

import lazy_loader as lazy

# Read by lm-eval on import: do not re-encode every image to hash it, and show no progress bars.
os.environ["LMEVAL_HASHMM"] = "0"
os.environ.setdefault("TQDM_DISABLE", "1")

logging.getLogger("lm_eval").setLevel(logging.ERROR)

# The names and where they come from are in __init__.pyi; a module is imported when a name of it is first used.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
