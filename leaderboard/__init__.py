"""Submissions, the board and its static site. Imports only the core of ``harness``, never an engine."""
