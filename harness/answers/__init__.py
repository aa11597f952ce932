"""Answers: what a model's output says, and whether it is the answer. Pure."""
