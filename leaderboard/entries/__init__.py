"""Entries: submissions on the board, their files, limits and rules."""
