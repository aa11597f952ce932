"""Dynamics: why training data moves a base. Perplexity, influence and drift, measured on models."""
