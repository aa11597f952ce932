"""Dynamics: why training data changes a base: perplexity, influence and drift, measured on models."""

import lazy_loader as lazy

# The names and where they come from are in __init__.pyi; a module is imported when a name of it is first used.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
