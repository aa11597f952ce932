"""The reference study: a declared plan of trainings and evaluations, run as resumable steps, and its results.

``plan`` is the declaration (YAML), ``steps`` turns it into child processes, ``runner`` runs them, ``results`` reads
their output. The formulas are in :mod:`harness.scoring.study.comparison`.
"""

import lazy_loader as lazy

# The names and where they come from are in __init__.pyi; a module is imported when a name of it is first used.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
