"""Views: a study as its page shows it, its targets one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from harness.scoring import (
    CLAIM_WORDS,
    Across,
    Claim,
    Matched,
    Outcome,
    StudyResults,
    TargetResult,
    Tested,
    TrainingResult,
    across_arms,
    claims_of,
    common_level,
    mean_over_seeds,
    missing_sentence,
    seeds_there,
    toy_sentence,
    verdict_sentence,
)
from leaderboard.documents import clean
from leaderboard.site.charts import Axis, axis, coordinate
from leaderboard.site.findings import pictures, sentences
from leaderboard.site.findings.drawing import Drawing, Label
from leaderboard.site.findings.looks import Look, looks
from leaderboard.site.findings.pictures import Pair, Panel, at_end
from leaderboard.site.views import slug

_ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")
_STRIP = (5.0, 175.0)


@dataclass(frozen=True)
class Kept:
    """What one training kept: its seeds on an axis, and the mean over them."""

    look: Look
    matched: Matched | None
    end: tuple[float | None, ...]

    @property
    def end_mean(self) -> float | None:
        return mean_over_seeds(self.end)


@dataclass(frozen=True)
class Foretold:
    """A quantity against forgetting across trainings: drawing, reading, and who is missing."""

    across: Across
    drawing: Drawing | None
    sentence: str
    absent: tuple[str, ...]


@dataclass(frozen=True)
class TargetView:
    """One target of a study of ``planned`` seeds; ``id`` begins the anchors of its sections."""

    id: str
    target: TargetResult
    planned: int

    @cached_property
    def verdict(self) -> str:
        return verdict_sentence(self.target, self.planned)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        return tuple(sentences.notes(self.target))

    @cached_property
    def looks(self) -> dict[str, Look]:
        return looks(self.target.trainings)

    @cached_property
    def statements(self) -> tuple[tuple[str, tuple[Claim, ...]], ...]:
        """The claims by where they were stated, in the order in which they were."""
        claims = claims_of(self.target)
        return tuple(
            (source, tuple(claim for claim in claims if claim.source == source))
            for source in dict.fromkeys(claim.source for claim in claims)
        )

    @cached_property
    def levels(self) -> tuple[float, ...]:
        """The gains at which claims are tested."""
        return tuple(sorted({test.normalised_gain for test in self.target.claims}))

    def outcome(self, test: Tested) -> Outcome:
        return CLAIM_WORDS[test.verdict]

    def told(self, claim: Claim, test: Tested) -> str:
        """What pointing at a cell of the matrix tells."""
        if test.difference is None:
            short = (f"{self.looks[name].title} gets there with {self._reach(name, test)}" for name in _both(claim))
            return "; ".join(short)
        return sentences.compared(self.target, claim, test)

    def _reach(self, name: str, test: Tested) -> str:
        matched = _at(self._training(name), test.normalised_gain)
        return f"{matched.reached} of {matched.seeds} seeds"

    def _training(self, name: str) -> TrainingResult:
        return next(training for training in self.target.trainings if training.name == name)

    @cached_property
    def level(self) -> float | None:
        return common_level(self.target)

    @cached_property
    def kept(self) -> tuple[Kept, ...]:
        return tuple(
            Kept(
                self.looks[training.name],
                None if self.level is None else _at(training, self.level),
                tuple(at_end(training)),
            )
            for training in self.target.trainings
        )

    @cached_property
    def strip(self) -> Axis:
        """The axis that what was kept shares: from nothing, or what lies below it, to all."""
        values = [value for each in self.kept for value in (*each.end, *(each.matched.by_seed if each.matched else ()))]
        return axis(values, *_STRIP, include=(0.0, 1.0), ticks=5)

    @cached_property
    def curves(self) -> Pair | None:
        return pictures.curves(self.target)

    @cached_property
    def panels(self) -> tuple[Panel, ...]:
        return pictures.panels(self.target) if self.curves else ()

    @cached_property
    def rates(self) -> tuple[tuple[str, Drawing], ...]:
        return pictures.rates(self.target)

    @cached_property
    def foretold(self) -> tuple[Foretold, ...]:
        return tuple(
            Foretold(
                across,
                pictures.arms(self.target, across),
                sentences.across_arms(across),
                tuple(sentences.absent_arms(across)),
            )
            for across in across_arms(self.target)
        )

    @cached_property
    def drawn(self) -> tuple[Foretold, ...]:
        return tuple(each for each in self.foretold if each.drawing)

    def lettered(self, drawings: Iterable[Drawing]) -> tuple[Label, ...]:
        """What the letters of some drawings stand for, each once."""
        every = [label for drawing in drawings for label in drawing.labels]
        return tuple({label.look.letter: label for label in every}.values())

    @property
    def several(self) -> bool:
        """Whether any training has more than one seed."""
        return any(len(training.curves) > 1 for training in self.target.trainings)

    @cached_property
    def along(self) -> str:
        return sentences.along(self.target)

    @cached_property
    def thumbnail(self) -> Drawing | None:
        return pictures.thumbnail(self.target)


@dataclass(frozen=True)
class Finding:
    """A study and its page."""

    study: StudyResults
    targets: tuple[TargetView, ...]

    @property
    def page(self) -> str:
        return f"findings/{slug(self.study.name)}.html"

    @property
    def toy(self) -> str:
        """That the base is a toy; empty where it is a model."""
        return toy_sentence(self.study)

    @property
    def missing(self) -> str:
        """What was planned and is not there; empty where the study is complete."""
        return missing_sentence(self.study)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that the numbers are of."""
        return seeds_there(self.study)

    @property
    def hours(self) -> float:
        """Hours that all steps of the study took together."""
        return sum(self.study.seconds.values()) / 3600


def findings(studies: Iterable[StudyResults]) -> tuple[Finding, ...]:
    """The pages of ``studies``, in their order."""
    return tuple(Finding(study, _targets(study)) for study in studies)


def _targets(study: StudyResults) -> tuple[TargetView, ...]:
    names = [slug(target.target).lower() for target in study.targets]
    return tuple(
        TargetView(name if names.count(name) == 1 else f"{name}-{place}", target, len(study.seeds))
        for place, (name, target) in enumerate(zip(names, study.targets, strict=True), start=1)
    )


def cited_works(source: str) -> dict[str, str]:
    """The addresses of the arXiv papers that a text names."""
    return {found.group(0): f"https://arxiv.org/abs/{found.group(1)}" for found in _ARXIV.finditer(clean(source, 400))}


def settings(training: TrainingResult) -> str:
    """The overrides of a training's recipe, as they were given."""
    return ", ".join(f"{name}={value}" for name, value in training.settings.items())


def minutes(seconds: float) -> str:
    return coordinate(seconds / 60)


def _both(claim: Claim) -> tuple[str, str]:
    return claim.keeps, claim.than


def _at(training: TrainingResult, level: float) -> Matched:
    return next(each for each in training.matched if each.normalised_gain == level)
