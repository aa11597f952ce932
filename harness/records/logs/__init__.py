"""Logs of other tools as plain tables: one module a tool, and ``detection``, which says which of them reads a path."""
