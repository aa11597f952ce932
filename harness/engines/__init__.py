"""Engines: who answers. Beside training and dynamics the only wing that imports torch, vLLM or transformers."""
