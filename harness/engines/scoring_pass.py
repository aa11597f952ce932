"""Scoring a batch of text requests in two passes: their prompts once, then all their options on the prompts' keys and
values, which the options of a request share.

A request's options cost their own tokens and nothing more: the prompt is not computed again for each, options of one
token (letters) are read from a single position, and logits are made for the positions that are read alone.
"""

import copy
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from harness.protocol import ContinuationScore, ScoreRequest

# Logits of one pass: 512 MiB of float32.
_MOST_LOGITS = 1 << 27
# Rows of one pass are at most this much longer than its shortest, so that little is padded.
_ALIKE = 1.25
# Layers whose keys and values can be given to several rows; a recurrent state cannot be cut into tokens.
_SHAREABLE = ("DynamicLayer", "DynamicSlidingWindowLayer")


@dataclass(frozen=True)
class _Row:
    """What one row of the second pass reads: the last token of its request's prompt, and an option but its last one."""

    owner: int
    tokens: tuple[int, ...]


class ScoringPass:
    """Scores requests without images by ``model``, a causal language model of transformers.

    ``without_gradients`` is the context that it computes in, by default torch's inference mode.
    """

    def __init__(
        self,
        model: Any,
        device: Any,
        pad: int,
        without_gradients: Callable[[], AbstractContextManager[Any]] | None = None,
    ) -> None:
        import torch

        self._torch = torch
        self._model = model
        self._device = device
        self._pad = pad
        self._without_gradients = without_gradients or torch.inference_mode
        trimmed = "logits_to_keep" in inspect.signature(model.forward).parameters
        self._trim = {"logits_to_keep": 1} if trimmed else {}
        self._vocabulary = int(model.get_output_embeddings().weight.shape[0])

    def serves(self, request: ScoreRequest) -> bool:
        """Whether a request can be batched: text, for a model that keeps plain keys and values."""
        if request.prompt.images or hasattr(self._model.config, "vision_config") or len(request.prompt.token_ids) < 2:
            return False
        from transformers import DynamicCache

        layers = DynamicCache(config=self._model.config).layers
        return all(type(layer).__name__ in _SHAREABLE for layer in layers)

    def score(self, batch: Sequence[ScoreRequest]) -> list[tuple[ContinuationScore, ...]]:
        """The scores of each request's continuations; equal to those of one request at a time but for rounding."""
        with self._without_gradients():
            cache, mask, starts = self._prompts([each.prompt.token_ids[:-1] for each in batch])
            rows = list(dict.fromkeys(row for owner, each in enumerate(batch) for row in _rows(owner, each)))
            read: dict[_Row, _Read] = {}
            for part in self._parts(sorted(rows, key=lambda row: len(row.tokens))):
                read.update(zip(part, self._options(part, cache, mask, starts, _targets(part, batch)), strict=True))
        return [tuple(_scores(owner, each, read)) for owner, each in enumerate(batch)]

    def _prompts(self, prompts: Sequence[tuple[int, ...]]) -> tuple[Any, Any, Any]:
        """The prompts' keys and values, left-padded; their mask, and the position that follows each."""
        width = max(map(len, prompts))
        ids = self._tensor([(self._pad,) * (width - len(each)) + each for each in prompts])
        mask = self._tensor([[0] * (width - len(each)) + [1] * len(each) for each in prompts])
        positions = (mask.cumsum(-1) - 1).clamp_min(0)
        cache = self._model(
            input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=True, **self._trim
        ).past_key_values
        return cache, mask, mask.sum(-1)

    def _parts(self, rows: list[_Row]) -> Iterator[list[_Row]]:
        """Rows in the order of their length, as many as have room for their logits and are alike in it."""
        part: list[_Row] = []
        for row in rows:
            length = len(row.tokens)
            full = (len(part) + 1) * length * self._vocabulary > _MOST_LOGITS
            if part and (full or length > _ALIKE * len(part[0].tokens) + 1):
                yield part
                part = []
            part.append(row)
        yield part

    def _options(
        self, rows: list[_Row], cache: Any, mask: Any, starts: Any, targets: list[list[tuple[int, ...]]]
    ) -> "Iterator[_Read]":
        width = max(len(row.tokens) for row in rows)
        owners = self._tensor([row.owner for row in rows])
        padding = [width - len(row.tokens) for row in rows]
        ids = self._tensor([row.tokens + (self._pad,) * more for row, more in zip(rows, padding, strict=True)])
        own = self._tensor([[1] * (width - more) + [0] * more for more in padding])
        logits = self._model(
            input_ids=ids,
            attention_mask=self._torch.cat([mask[owners], own], dim=1),
            position_ids=starts[owners][:, None] + self._torch.arange(width, device=self._device),
            past_key_values=_shared(cache, owners),
            use_cache=True,
        ).logits.float()
        normaliser, best = logits.logsumexp(-1), logits.argmax(-1)
        for place, row in enumerate(rows):
            wanted = self._tensor([list(each) for each in targets[place]])
            length = len(row.tokens)
            picked = logits[place, :length].gather(1, wanted.T).T - normaliser[place, :length]
            found = zip(targets[place], picked.tolist(), (wanted == best[place, :length]).tolist(), strict=True)
            yield {target: (logprobs, greedy) for target, logprobs, greedy in found}

    def _tensor(self, values: Any) -> Any:
        return self._torch.tensor(values, device=self._device)


# By continuation: the log-probability of each of its tokens, and whether it is the most probable one.
_Read = dict[tuple[int, ...], tuple[list[float], list[bool]]]


def _row(owner: int, request: ScoreRequest, continuation: tuple[int, ...]) -> _Row:
    return _Row(owner, (request.prompt.token_ids[-1], *continuation[:-1]))


def _rows(owner: int, request: ScoreRequest) -> Iterator[_Row]:
    return (_row(owner, request, each) for each in request.continuations)


def _targets(rows: Sequence[_Row], batch: Sequence[ScoreRequest]) -> list[list[tuple[int, ...]]]:
    """The continuations that each row reads: one, or several that differ in their last token alone."""
    found: dict[_Row, dict[tuple[int, ...], None]] = {row: {} for row in rows}
    for owner in dict.fromkeys(row.owner for row in rows):
        for each in batch[owner].continuations:
            if (row := _row(owner, batch[owner], each)) in found:
                found[row][each] = None
    return [list(found[row]) for row in rows]


def _scores(owner: int, request: ScoreRequest, read: dict[_Row, _Read]) -> Iterator[ContinuationScore]:
    for each, counted in zip(request.continuations, request.counts, strict=True):
        logprobs, greedy = read[_row(owner, request, each)][each]
        yield ContinuationScore(sum(logprobs[-counted:]), all(greedy[-counted:]))


def _shared(cache: Any, owners: Any) -> Any:
    """The keys and values of each row's prompt; ``cache`` itself stays as it is."""
    view = copy.copy(cache)
    view.layers = [copy.copy(layer) for layer in cache.layers]
    view.batch_select_indices(owners)
    return view
