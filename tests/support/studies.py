"""Results of studies that never ran: what each seed kept is given, and everything that follows from it is computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.records import SuiteRecord
from harness.scoring import (
    CurvePoint,
    Made,
    Matched,
    NoiseFloor,
    Predictor,
    SeedCurve,
    StudyResults,
    TargetResult,
    TrainingResult,
    check_claims,
    count_verdicts,
)
from harness.scoring.study.comparison import STUDY_LEVELS, matched_over_seeds
from harness.scoring.study.results import Last

BASE = 0.2
SUITE = {"name": "nano", "version": "1", "digest": "0" * 64, "protocol": "chat-greedy", "tasks": {"a": 100, "b": 100}}


@dataclass(frozen=True)
class Arm:
    """A made-up training: what each seed has kept by the end (None: that seed gains nothing), and what else is known.

    Between the base and the end a seed keeps evenly less, so that it keeps 1 - gain * (1 - end) where it has gained
    ``gain``; ``reach`` is the normalised gain of the last checkpoint.
    """

    ends: Sequence[float | None]
    method: str = "sft"
    title: str = ""
    rate: float | None = 3e-4
    reach: float = 1.0
    perplexity: float | None = None
    kl: float | None = None


def study(arms: Mapping[str, Arm], claims: Sequence[tuple[str, str]] = (), **fields: Any) -> StudyResults:
    """A study of one target with these trainings; each claim is (keeps, than)."""
    made = target(arms, claims, **fields.pop("target", {}))
    known = {
        "name": "made-up",
        "title": "A made-up study",
        "quick": False,
        "base": "nano:base",
        "base_weights_digest": "a" * 64,
        "suite": SuiteRecord.model_validate(SUITE),
        "seeds": tuple(range(max(len(arm.ends) for arm in arms.values()))),
        "environment": "none",
        "packages": {"numpy": "2"},
        "commit": "b" * 40,
        "data_as_of": "2026-01-01",
        "targets": (made,),
        "missing": (),
        "seconds": {"train/sft": 3600.0},
        "scorer": 2,
    }
    return StudyResults.model_validate({**known, **fields})


def target(arms: Mapping[str, Arm], claims: Sequence[tuple[str, str]] = (), **fields: Any) -> TargetResult:
    trainings = tuple(_training(name, arm) for name, arm in arms.items())
    matched = {training.name: training.matched for training in trainings}
    tests = check_claims(matched, [(keeps, than, "arXiv 2506.23508: one keeps more") for keeps, than in claims])
    known = {
        "target": "jigsaw",
        "part": SuiteRecord.model_validate(SUITE),
        "detectable": 0.02,
        "base_score": BASE,
        "noise": NoiseFloor(forgotten_rate=0.0, outputs_differ=0),
        "trainings": trainings,
        "claims": tests,
        "agreement": count_verdicts(tests),
        "predictors": (),
    }
    return TargetResult.model_validate({**known, **fields})


def along(name: str, interval: tuple[float, float] | None, rho: float | None = 0.5) -> Predictor:
    """A predictor over checkpoints with this interval."""
    of = "forgetting (1 - retention) over checkpoints"
    fields: dict[str, Any] = {"spearman": rho, "spearman_ci": interval}
    why = {field: "too few" for field, value in fields.items() if value is None}
    return Predictor(name=name, of=of, pairs=9, trainings=3, **fields, reasons=why)


def _training(name: str, arm: Arm) -> TrainingResult:
    curves = tuple(_curve(seed, end, arm) for seed, end in enumerate(arm.ends))
    last = tuple(SeedCurve(seed=curve.seed, points=curve.points[-1:]) for curve in curves)
    ends = [curve.points[-1].retention_macro for curve in curves]
    fields: dict[str, Any] = {"target_perplexity": arm.perplexity}
    return TrainingResult(
        name=name,
        method=arm.method,
        title=arm.title or name.upper(),
        learning_rate=arm.rate,
        settings={},
        made=tuple(
            Made(
                seed=seed, recipe="c" * 64, examples="d" * 64, note="", steps=20, tokens=1, rollouts=0, wall_seconds=60
            )
            for seed in range(len(arm.ends))
        ),
        curves=curves,
        matched=tuple(_matched(level, arm) for level in STUDY_LEVELS),
        last=Last(
            by_seed=last,
            score=curves[0].points[-1].score,
            gain=curves[0].points[-1].gain,
            retention_macro=sum(value or 0.0 for value in ends) / len(ends),
            forgotten_rate=0.0,
        ),
        **fields,
        reasons={} if arm.perplexity is not None else {"target_perplexity": "not measured for every seed"},
    )


def _matched(level: float, arm: Arm) -> Matched:
    kept = [None if end is None or level > arm.reach else 1 - level / arm.reach * (1 - end) for end in arm.ends]
    # The interval of a single seed is over its items; any will do.
    return matched_over_seeds(level, kept, alone=(0.0, 1.0))


def _curve(seed: int, end: float | None, arm: Arm) -> SeedCurve:
    shares = (0.5, 1.0)
    return SeedCurve(seed=seed, points=tuple(_point(place, share, end, arm) for place, share in enumerate(shares)))


def _point(place: int, share: float, end: float | None, arm: Arm) -> CurvePoint:
    gain = 0.0 if end is None else share * arm.reach
    fields: dict[str, Any] = {"kl_target": arm.kl, "kl_prior": arm.kl}
    return CurvePoint(
        step=10 * (place + 1),
        weights_digest=f"{place:064x}",
        score=BASE + gain * (1 - BASE),
        gain=gain * (1 - BASE),
        gain_ci=None,
        normalised_gain=gain,
        retention_macro=1.0 if end is None else 1 - share * (1 - end),
        retention_macro_ci=None,
        forgotten_rate=0.0,
        unparsed=0.0,
        **fields,
        reasons={"gain_ci": "made up", "retention_macro_ci": "made up"}
        | ({} if arm.kl is not None else {"kl_target": "not measured", "kl_prior": "not measured"}),
    )
