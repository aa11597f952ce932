"""Acceptance: the steps that a submission passes, and what they found."""
