"""Influence: take one gradient step on one example, and measure how the base's outputs at the probes change.

The step ascends log p of the example's target from the base's own weights, which are restored afterwards. Its size is
chosen for each example: the formulas (:mod:`harness.scoring.dynamics.influence`) divide by the size, and a size that is
small for one example would be lost in rounding for another. Everything is float32.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.dynamics.reading import Reader, Text
from harness.scoring import Pair, cosine, error_norm, jacobian_norm, magnitude

# Limit of ||delta weights|| / ||weights||. On the nano base, steps of 1e-3, 1e-4, 1e-5 and 1e-6 deviated from first
# order by 50, 4, 0.4 and 0.9 per cent: the larger ones are not linear, and the last is lost in float32.
RELATIVE_STEP = 1e-5
# Limit of the increase in log p of the example itself, in nats, to first order. With SmolLM2-135M a step of 1e-5 would
# be 4 to 18 nats, and deviates by 7 to 18 per cent; one of half a nat by 1 to 2.
OWN_CHANGE = 0.3
# An error ||G||^2 below this is rounding: the base is certain of every token, so its gradient has no direction.
CERTAIN = 1e-9
# Memory for gradients of examples.
_GRADIENT_BYTES = 1 << 30


@dataclass(frozen=True)
class _Step:
    text: Text
    gradient: list[Any]
    norm: float
    error: float


@dataclass(frozen=True)
class _Probe:
    text: Text
    norm: float
    logits: Any


class Steps:
    """Takes steps from one base and measures them at one set of probes; ``certain`` probes have no gradient.

    Memory: the weights twice, the gradient of one probe, and as many gradients of examples as fit into a gigabyte (at
    least one); the probes' logits are kept in main memory.
    """

    def __init__(
        self,
        reader: Reader,
        probes: Sequence[Text],
        relative_step: float = RELATIVE_STEP,
        own_change: float = OWN_CHANGE,
    ) -> None:
        import torch

        self._torch = torch
        self._reader = reader
        self._relative_step = relative_step
        self._own_change = own_change
        self._saved = [each.detach().clone() for each in reader.parameters]
        self._length = _norm(self._saved)
        size = sum(each.numel() * each.element_size() for each in self._saved)
        self.at_once = max(1, _GRADIENT_BYTES // size)
        self._probes = list(self._with_gradient(probes))
        self.certain = len(probes) - len(self._probes)

    def pairs(self, examples: Sequence[Text], progress: Callable[[], None]) -> tuple[list[Pair], int]:
        """One pair for each example and probe, and the number of examples without a gradient.

        ``progress`` is called after each example. The weights are restored bit for bit.
        """
        found: list[Pair] = []
        certain = 0
        for start in range(0, len(examples), self.at_once):
            chunk = list(self._steps(examples[start : start + self.at_once]))
            certain += len(examples[start : start + self.at_once]) - len(chunk)
            slopes = self._slopes(chunk)
            for row, step in enumerate(chunk):
                found += self._taken(step, slopes[row])
                progress()
        return found, certain

    def _with_gradient(self, probes: Sequence[Text]) -> Iterator[_Probe]:
        for text in probes:
            gradient, logits = self._reader.gradient(text)
            if self._error(logits, text) > CERTAIN:
                yield _Probe(text, _norm(gradient), logits.cpu())

    def _error(self, logits: Any, text: Text) -> float:
        return error_norm(logits.double().log_softmax(dim=-1), list(text.tokens), self._torch.exp)

    def _steps(self, examples: Sequence[Text]) -> Iterator[_Step]:
        for text in examples:
            gradient, logits = self._reader.gradient(text)
            if (error := self._error(logits, text)) > CERTAIN:
                yield _Step(text, gradient, _norm(gradient), error)

    def _slopes(self, steps: Sequence[_Step]) -> list[list[float]]:
        """The dot products of each step's gradient with each probe's."""
        found: list[list[float]] = [[] for _ in steps]
        for probe in self._probes:
            gradient, _ = self._reader.gradient(probe.text)
            for row, step in enumerate(steps):
                found[row].append(_dot(gradient, step.gradient))
        return found

    def _taken(self, step: _Step, slopes: Sequence[float]) -> list[Pair]:
        size = min(self._relative_step * self._length / step.norm, self._own_change / step.norm**2)
        with self._torch.no_grad():
            for parameter, gradient in zip(self._reader.parameters, step.gradient, strict=True):
                parameter.add_(gradient, alpha=size)
        try:
            return [self._seen(step, size, probe, slope) for probe, slope in zip(self._probes, slopes, strict=True)]
        finally:
            with self._torch.no_grad():
                for parameter, saved in zip(self._reader.parameters, self._saved, strict=True):
                    parameter.copy_(saved)

    def _seen(self, step: _Step, size: float, probe: _Probe, slope: float) -> Pair:
        """The effect of the step at a probe; called with the weights after the step."""
        before = probe.logits.double().log_softmax(dim=-1)
        logits = self._reader.logits(probe.text).cpu()
        change = float(((logits.double().log_softmax(dim=-1) - before) ** 2).sum())
        before_step, after_step = (
            float(self._reader.log_likelihood(each, probe.text.tokens)) for each in (probe.logits, logits)
        )
        return Pair(
            kind=step.text.label,
            example=step.text.key,
            probe=probe.text.key,
            task=probe.text.task,
            magnitude=magnitude(change, jacobian_norm(before, self._torch.exp), step.error, size),
            direction=cosine(slope, probe.norm, step.norm),
            slope=slope,
            expected=size * slope,
            actual=after_step - before_step,
        )


# Products are float32, summed in double precision without a double-precision copy.


def _norm(tensors: Sequence[Any]) -> float:
    return math.sqrt(_dot(tensors, tensors))


def _dot(one: Sequence[Any], other: Sequence[Any]) -> float:
    import torch

    return float(sum((a * b).sum(dtype=torch.float64) for a, b in zip(one, other, strict=True)))
