"""Sampling in transformers: every request draws with a generator of its own, so that what it is batched with, and in
which order, changes none of its draws.

``model.generate`` has one generator for a whole batch. Here it decodes greedily from disturbed scores instead: the
largest of log p_k - log e_k, with e_k exponential, is a draw from p (the Gumbel-max trick; Maddison et al. 2014,
arXiv 1411.0030, section 2).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import LogitsProcessor, TopPLogitsWarper


class Drawn(LogitsProcessor):  # type: ignore[misc]
    """Scores whose largest entry is a draw from softmax(scores / ``temperature``); row k draws with ``seeds[k]``.

    With ``top_p`` below 1 the draw is among the likeliest tokens that hold this share of the probability.
    """

    def __init__(self, temperature: float, seeds: Sequence[int], top_p: float = 1.0) -> None:
        self._temperature = temperature
        self._nucleus = TopPLogitsWarper(top_p) if top_p < 1 else None
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """``scores``: logits (rows x vocabulary); ``input_ids`` decides nothing here."""
        draws = torch.empty(len(self._generators), scores.shape[-1])
        for row, generator in zip(draws, self._generators, strict=True):
            row.exponential_(generator=generator)
        warmed = scores.float() / self._temperature
        likely = warmed if self._nucleus is None else self._nucleus(input_ids, warmed)
        return likely - draws.log().to(scores.device)
