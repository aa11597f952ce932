"""Tests, one file a module; a package, so that helpers import as tests.NAME."""
