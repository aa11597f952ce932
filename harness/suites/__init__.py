"""Suites: the tasks there are, how a suite is frozen and verified, and what an item looks like."""
