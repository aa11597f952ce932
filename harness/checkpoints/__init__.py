"""Checkpoints: whose weights these are, proven by their files, and how a checkpoint is asked."""
