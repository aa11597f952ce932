"""Rows: the samples of a run in their order, with what each of them asked where it is known."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from harness.answers import golds_of
from harness.exports.asked import Asked, Questions
from harness.records import Outcome, Run, Sample

UNPARSED = "no admissible answer was stated"
CUT_OFF = "the answer was cut off at the token budget"


@dataclass(frozen=True)
class ExportRow:
    """One answer: its sample, and its question where that is known."""

    sample: Sample
    asked: Asked | None

    @property
    def references(self) -> list[str]:
        """The accepted answers."""
        return [] if self.asked is None else golds_of(self.asked.answer)

    @property
    def explanation(self) -> str:
        """What became of the answer, in a sentence."""
        sample = self.sample
        if sample.error is not None:
            return f"failed: {sample.error}"
        if sample.outcome is Outcome.UNPARSED:
            return f"unparsed: {CUT_OFF if sample.finish_reason == 'length' else UNPARSED}"
        return f"{sample.outcome}, off-list: none of the options" if sample.off_list else str(sample.outcome)

    def facts(self) -> dict[str, Any]:
        """What else a record has of the answer."""
        sample = self.sample
        kept = ("item_id", "task", "family", "group", "cluster_id", "guess_rate", "finish_reason", "prompt_digest")
        found: dict[str, Any] = {name: getattr(sample, name) for name in kept}
        found |= {"outcome": str(sample.outcome), "off_list": sample.off_list, "score": sample.score}
        if sample.seed is not None:
            found |= {"repeat": sample.repeat, "seed": sample.seed}
        # A task may call a metric of its own by any name: what is said of every answer goes before it.
        return dict(sample.details) | found | ({} if sample.layer is None else {"layer": sample.layer})


def export_rows(questions: Questions, samples: Iterable[Sample]) -> Iterator[ExportRow]:
    """The samples with their questions."""
    for sample in samples:
        yield ExportRow(sample, questions.known.get(sample.item_id))


def evaluation_name(run: Run) -> str:
    """The suite's id."""
    return f"{run.record.suite.name}-{run.record.suite.version}"
