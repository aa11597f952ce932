"""Exports: a run in the forms of other tools, so that their viewers and their archives take it."""

import lazy_loader as lazy

# The names and where they come from are in __init__.pyi; a module is imported when a name of it is first used.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
