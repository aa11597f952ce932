"""Alarms: what makes a number suspect (METRICS.md, "Why"; README.md, cases 3 and 4)."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from harness.records import RunRecord
from harness.scoring.answered import Answered
from harness.scoring.binomial import up_to
from harness.scoring.clusters import Clusters, standard_error
from harness.scoring.knowledge import corrected_items
from harness.scoring.pairing import Pair
from harness.scoring.repeats import by_item, whole
from harness.scoring.scorecard import Alarm, AlarmKind, TaskScore
from harness.scoring.sign_flip import sign_flip
from harness.scoring.statistics import ALPHA, holm, mcnemar
from harness.scoring.task_scores import Measured
from harness.scoring.transitions import Bools, Floats
from harness.scoring.wording import share

Side = Literal["base", "tuned"]
_SIDES: tuple[Side, Side] = ("base", "tuned")
_CONSTANT_SHARE = 0.9
_FEW_ITEMS = 20
_LENGTH_FACTOR = 2.0
_Z = 1.96


def find_alarms(
    pair: Pair, tasks: Mapping[str, TaskScore], measured: Mapping[str, Measured], answered: Mapping[str, Answered]
) -> tuple[Alarm, ...]:
    """All alarms of a pair: of each task in the order of ``tasks``, then of the prompts.

    - below_chance: ``is_below_chance`` of a side.
    - unparsed_differs, off_list_differs, truncated_differs: exact McNemar between the sides' rates, p < .05 after
      Holm over the tasks; of sampled answers the sign flip over items.
    - length_differs: one side's mean output is at least twice the other's, of 20 items or more, and it is the longer
      one more often than chance (exact sign test, p < .05 after Holm). In tokens, or characters where those are
      unknown.
    - constant_answers: one answer makes up 90 % of a side's items (of 20 or more) without being right that often.
    - screened: both runs hold only the part of the suite that a screening asked.
    - double_bos, no_bos, bos_differs, template_differs: what the prompts began with and were wrapped in; the last two
      are possible only under the template policy "native", anything else is refused.
    - prompts_chosen: prompts that are not what suite and base set by default.
    - processor_differs: what images went through, where the tuned run asked for an image processor of its own.
    """
    tests = [test for name in tasks for test in _differences(measured[name], answered[name])]
    significant = _after_holm(tests)
    found: list[Alarm] = []
    for name, task in tasks.items():
        found += [*_below_chance(task, measured[name]), *_constant(measured[name], answered[name])]
        found += [Alarm(kind=t.kind, task=name, side=None, message=t.message) for t in significant if t.task == name]
    return (*_screened(pair), *found, *_prompts(pair))


def is_below_chance(correct: Bools | Floats, guess_rate: Floats, clusters: Clusters | None = None) -> bool:
    """Whether a side scores below chance, beyond what chance does.

    A model exactly at chance has a negative corrected score half of the time, so here the score must be negative with
    confidence: P(X <= number correct) < .025 for X binomial with the mean guess rate (conservative where guess rates
    differ; Hoeffding 1956), and with clusters also mean + 1.96 standard errors < 0 in the cluster-robust form. The
    shares of an item's sampled answers are added up, and their sum is rounded up.
    """
    if up_to(len(correct) - whole(1 - correct.astype(float)), len(correct), float(guess_rate.mean())) >= ALPHA / 2:
        return False
    if clusters is None:
        return True
    corrected = corrected_items(correct, guess_rate)
    error = standard_error(corrected, clusters)
    return error is not None and float(corrected.mean()) + _Z * error < 0


def _screened(pair: Pair) -> Iterator[Alarm]:
    screened = pair.tuned.screened if isinstance(pair.tuned, RunRecord) else None
    if screened is not None:
        message = (
            f"screened: not for submission; stopped at look {screened.look} of {screened.looks} "
            f"(|Z| {abs(screened.z):.2f}, boundary {screened.boundary:.2f}), so intervals and verdicts are optimistic"
        )
        yield Alarm(kind="screened", task=None, side=None, message=message)


def _below_chance(score: TaskScore, task: Measured) -> Iterator[Alarm]:
    for side, right, corrected in zip(_SIDES, task.shares, (score.corrected_base, score.corrected_tuned), strict=True):
        if is_below_chance(right, task.guess_rate, task.clusters):
            message = f"{side} is below chance on {task.name} (corrected score {corrected:.3f}): a sign of lost format"
            yield Alarm(kind="below_chance", task=task.name, side=side, message=message)


@dataclass(frozen=True)
class _Test:
    """One difference between the sides of one task, with the p-value of its paired test."""

    kind: AlarmKind
    task: str
    p: float
    message: str


def _after_holm(tests: list[_Test]) -> list[_Test]:
    found: list[_Test] = []
    for kind in dict.fromkeys(test.kind for test in tests):
        alike = [test for test in tests if test.kind == kind]
        found += [test for test, p in zip(alike, holm([test.p for test in alike]), strict=True) if p < ALPHA]
    return found


def _differences(task: Measured, answered: Answered) -> Iterator[_Test]:
    kinds: tuple[tuple[AlarmKind, str, tuple[Bools, Bools]], ...] = (
        ("unparsed_differs", "unparsed", answered.unparsed),
        ("off_list_differs", "off-list", answered.off_list),
        ("truncated_differs", "cut off", answered.truncated),
    )
    for kind, word, (base, tuned) in kinds:
        p = _sides_differ(base, tuned, task.repeats)
        message = f"{word} answers on {task.name}: base {share(base.mean())}, tuned {share(tuned.mean())}"
        yield _Test(kind, task.name, p, message)
    yield _length_test(task.name, answered.items, task.repeats)


def _sides_differ(base: Bools, tuned: Bools, repeats: int) -> float:
    """Exact McNemar over items; of sampled answers its form for units of several, the sign flip."""
    if repeats == 1:
        return mcnemar(int((base & ~tuned).sum()), int((~base & tuned).sum()))
    return sign_flip((tuned.astype(np.int64) - base).reshape(-1, repeats).sum(axis=1))


def _length_test(name: str, items: pd.DataFrame, repeats: int) -> _Test:
    unit = "tokens"
    base, tuned = (items[f"{side}_n_output_tokens"].to_numpy(dtype=float) for side in _SIDES)
    if np.isnan(base).any() or np.isnan(tuned).any():
        unit = "characters"
        base, tuned = (items[f"{side}_output"].str.len().to_numpy(dtype=float) for side in _SIDES)
    base, tuned = (by_item(side, repeats) for side in (base, tuned))
    means = sorted((float(base.mean()), float(tuned.mean())))
    apart = len(base) >= _FEW_ITEMS and means[1] > 0 and means[1] >= _LENGTH_FACTOR * means[0]
    p = mcnemar(int((base > tuned).sum()), int((base < tuned).sum())) if apart else 1.0
    message = f"outputs on {name}: base {base.mean():.0f} {unit} on average, tuned {tuned.mean():.0f}"
    return _Test("length_differs", name, p, message)


def _constant(task: Measured, answered: Answered) -> Iterator[Alarm]:
    if task.n < _FEW_ITEMS:
        return
    for side, correct, said in zip(_SIDES, (task.base, task.tuned), answered.said, strict=True):
        alike, right = _most_alike(said) / len(said), float(correct.mean())
        if alike >= _CONSTANT_SHARE > right:
            message = f"{side} gives the same answer to {share(alike)} of {task.name} and is right on {share(right)}"
            yield Alarm(kind="constant_answers", task=task.name, side=side, message=message)


def _most_alike(said: Sequence[object]) -> int:
    """How often the most common answer was given, whatever its case and the white space around it."""
    alike: Counter[str] = Counter()
    for text, times in Counter(text for text in said if isinstance(text, str)).items():
        alike[text.casefold().strip()] += times
    return max(alike.values(), default=0)


def _prompts(pair: Pair) -> Iterator[Alarm]:
    base, tuned = pair.base, pair.tuned
    if not isinstance(base, RunRecord) or not isinstance(tuned, RunRecord):
        return
    for side, record in zip(_SIDES, (base, tuned), strict=True):
        if record.bos_count > 1:
            message = f"{side}: every prompt begins with {record.bos_count} BOS tokens, which can cost several points"
            yield Alarm(kind="double_bos", task=None, side=side, message=message)
    if base.bos_count != tuned.bos_count:
        message = (
            f"prompts begin with {base.bos_count} BOS tokens for the base and {tuned.bos_count} for the tuned model"
        )
        yield Alarm(kind="bos_differs", task=None, side=None, message=message)
    if base.template_digest != tuned.template_digest:
        message = (
            f"chat templates differ (base {base.template_digest[:12]}, tuned {tuned.template_digest[:12]}): "
            "the two were not asked in the same words, so a change may be the template's"
        )
        yield Alarm(kind="template_differs", task=None, side=None, message=message)
    yield from _chosen(tuned)
    yield from _processors(base, tuned)


def _chosen(tuned: RunRecord) -> Iterator[Alarm]:
    prompts = tuned.prompts
    if prompts is None:
        return
    if prompts.lacks_bos:
        message = (
            "the chat template begins with no BOS, although the tokenizer puts one before every text; none was added "
            "(--chat-template FILE asks in a template that has it)"
        )
        yield Alarm(kind="no_bos", task=None, side=None, message=message)
    if prompts.custom and tuned.template_policy == "shared":
        told = ", ".join(f"{name}={value}" for name, value in sorted(prompts.template_arguments.items()))
        whose = {"base": "the base's", "tuned": "the tuned checkpoint's", "file": "a file's"}[prompts.template_origin]
        whose = "no" if tuned.suite.protocol.startswith("plain") else whose
        message = (
            f"prompts of one's own: {tuned.suite.protocol}, {whose} chat template"
            + (f" with {told}" if told else "")
            + "; not comparable with runs of the suite's own prompts"
        )
        yield Alarm(kind="prompts_chosen", task=None, side=None, message=message)


def _processors(base: RunRecord, tuned: RunRecord) -> Iterator[Alarm]:
    if tuned.own_processor:
        digests = [str(each.conditions and each.conditions.processor)[:12] for each in (base, tuned)]
        message = (
            f"image processors differ (base {digests[0]}, tuned {digests[1]}): the two were not shown the same pixels, "
            "so a change may be the processor's"
        )
        yield Alarm(kind="processor_differs", task=None, side=None, message=message)
