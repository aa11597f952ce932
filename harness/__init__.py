"""RetentionBench's harness: run checkpoints on suites, keep every sample, score pairs."""

__version__ = "0.1.0"
