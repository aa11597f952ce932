"""Evaluation: checkpoints on suites, from the plan to finished runs."""
