"""Tests, one file a module; a package, so that helpers import as tests.NAME."""

from hypothesis import settings

# A busy machine must not fail a law: examples have no time limit of their own.
settings.register_profile("retentionbench", deadline=None)
settings.load_profile("retentionbench")
