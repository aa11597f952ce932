"""lm-eval, behind one door: the only package that imports it.

lm-eval reads the tasks' YAML, builds the requests and applies the tasks' own scoring; our ``LM`` answers from an
:class:`~harness.protocol.Engine`. What lm-eval would get wrong is kept out here (README.md): its caches are
off, its default tasks are not scanned, documents are asked for in their order, images stay encoded bytes, nothing
is bootstrapped, and finish reason and token counts are kept beside each answer.
"""

import logging
import os

import lazy_loader as lazy

# Read by lm-eval when it is imported: do not re-encode every image to hash it, and leave progress to us.
os.environ["LMEVAL_HASHMM"] = "0"
os.environ.setdefault("TQDM_DISABLE", "1")

logging.getLogger("lm_eval").setLevel(logging.ERROR)

# The names and where they come from are in __init__.pyi; a module is imported when a name of it is first used.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
