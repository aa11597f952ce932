"""Likelihoods: which option a metric takes, from the log-probability of the whole text of each.

A longer text is less probable, whatever it says. ``acc`` compares the texts as they are, ``acc_norm`` divides by their
characters and ``acc_bytes`` by their bytes in UTF-8: the three of lm-eval's ``multiple_choice``.
"""

from collections.abc import Callable, Sequence

_LENGTHS: dict[str, Callable[[str], int]] = {
    "acc": lambda _: 1,
    "acc_norm": len,
    "acc_bytes": lambda text: len(text.encode("utf-8", errors="surrogatepass")),
}
LIKELIHOOD_METRICS = tuple(_LENGTHS)


def normalised(logprobs: Sequence[float], options: Sequence[str], metric: str) -> list[float]:
    """The scores that ``metric`` compares; any other metric than the three compares what ``acc`` does."""
    length = _LENGTHS.get(metric, _LENGTHS["acc"])
    return [logprob / max(1, length(option)) for logprob, option in zip(logprobs, options, strict=True)]


def likeliest(logprobs: Sequence[float], options: Sequence[str], metric: str = "acc") -> int:
    """The place of the option that ``metric`` takes, the first in a tie."""
    scores = normalised(logprobs, options, metric)
    return scores.index(max(scores))
