"""Scorer: from two runs to one scorecard."""

import re
from collections.abc import Mapping

import pandas as pd

from harness import __version__
from harness.errors import RetentionError
from harness.records import RunRecord, SuiteRecord
from harness.scoring import statistics
from harness.scoring.alarms import find_alarms
from harness.scoring.answered import Answered, by_task
from harness.scoring.drift import ItemDrift, summarise
from harness.scoring.noise import score_noise
from harness.scoring.pairing import Pair, Source, lacks_conditions, pair, visible
from harness.scoring.scorecard import Bootstrap, ModelIdentity, Provenance, Role, Scorecard
from harness.scoring.summary import NO_TARGET, one_number, score_groups, score_target
from harness.scoring.task_scores import adjusted_p, measure, one_answer, reasons, score_task

SCORER_VERSION = 2
_UNSTATED = (
    "the base run is of an older version and does not state its conditions (length, end of answers, image processor); "
    "its answers would be the same in those of the tuned run"
)
_TABLE = "a bare table does not say"


def paired_items(base: Source, tuned: Source) -> pd.DataFrame:
    """One row an item of the pair: its ``transition`` (learned, kept, forgotten, never) and both sides' answers.

    Where answers were sampled, one row an answer, with its ``repeat``.
    Columns as in ``pairing.Pair.items``; refuses what ``pairing.pair`` refuses (METRICS.md, "Notation").
    """
    return pair(base, tuned).items


def score_pair(
    base: Source,
    tuned: Source,
    target: str | None,
    *,
    noise: Source | None = None,
    drift: Mapping[str, ItemDrift] | None = None,
    margin: float = statistics.MARGIN,
) -> Scorecard:
    """Score ``tuned`` against ``base``: gain on the ``target`` family, forgetting on every other task.

    Without a target every task is a prior task and nothing is said of learning. ``noise`` is a second run of the base,
    ``drift`` what ``harness.dynamics.drift.measure_drift`` measured, ``margin`` the loss that "retained" rules out, in
    (0, 1). Raises ``CheckFailedError`` when the runs may not be compared and ``RetentionError`` when no task of the
    suite belongs to ``target`` (METRICS.md, all sections).
    """
    check_margin(margin)
    joined = pair(base, tuned)
    answered = by_task(joined.items)
    roles = _roles(answered, joined.base.suite, target)
    measured = measure({name: task.items for name, task in answered.items()})
    p_holm = adjusted_p(measured, roles)
    tasks = {
        name: score_task(measured[name], task, roles[name], p_holm.get(name), len(p_holm), margin)
        for name, task in answered.items()
    }
    learned = None if target is None else score_target(tasks, measured, target)
    groups, kept = score_groups(tasks, measured)
    targets = [] if learned is None else [measured[name] for name in learned.tasks]
    fields, why = one_number(learned, targets, groups, kept)
    fields |= {
        "engine": joined.base.engine,
        "judge": joined.base.judge if isinstance(joined.base, RunRecord) else None,
        "template_policy": joined.base.template_policy,
        "target": learned,
        "noise": None if noise is None else score_noise(joined, base, noise),
        "drift": None if drift is None else summarise(drift, tasks),
    }
    why |= {
        "engine": _TABLE,
        "judge": _TABLE,
        "template_policy": _TABLE,
        "target": NO_TARGET,
        "noise": "no second run of the base was given (--noise)",
        "drift": "not asked for (--drift)",
    }
    return Scorecard(
        base=ModelIdentity.of(joined.base),
        tuned=ModelIdentity.of(joined.tuned),
        provenance=_provenance(joined),
        screened=isinstance(joined.tuned, RunRecord) and joined.tuned.screened is not None,
        suite=joined.base.suite,
        decoding=joined.base.decoding,
        tasks=tasks,
        target_adjacent=tuple(name for name, role in roles.items() if role == "adjacent"),
        groups=groups,
        **fields,
        alarms=find_alarms(joined, tasks, measured, answered),
        margin=margin,
        bootstrap=Bootstrap(resamples=statistics.RESAMPLES, seed=statistics.SEED),
        signature=_signature(joined, target, margin),
        reasons=reasons(fields, why),
    )


def check_margin(margin: float) -> None:
    """``RetentionError`` where ``margin`` is not a loss in (0, 1)."""
    if not 0 < margin < 1:
        raise RetentionError(f"--margin {margin:g}: a loss between 0 and 1, such as 0.02 for 2 points")


def _roles(tasks: Mapping[str, Answered], suite: SuiteRecord, target: str | None) -> dict[str, Role]:
    """What each task is to the target; ``RetentionError`` when no task that is trained on belongs to it."""
    families = {name: task.family for name, task in tasks.items()}
    if not families or (target is not None and target not in families.values()):
        there = visible(", ".join(sorted(set(families.values())))) or "no items"
        raise RetentionError(f"--target {target}: no such family; this suite has {there}")
    roles: dict[str, Role] = {}
    for name, family in families.items():
        if target is not None and family == target:
            roles[name] = "transfer" if name in suite.transfer else "target"
        else:
            roles[name] = "adjacent" if target in suite.adjacent.get(name, ()) else "prior"
    if target is not None and "target" not in roles.values():
        raise RetentionError(f"--target {target}: every task of this family is marked as a transfer task")
    return roles


def _provenance(joined: Pair) -> Provenance:
    base, tuned = joined.base, joined.tuned
    if isinstance(base, RunRecord) and isinstance(tuned, RunRecord):
        unstated = (_UNSTATED,) if lacks_conditions(base, tuned) else ()
        return Provenance(checked=True, notes=(*unstated, *tuned.notes))
    return Provenance(checked=False, notes=tuple(dict.fromkeys((*base.notes, *tuned.notes))))


def _images(base: RunRecord, tuned: RunRecord) -> dict[str, object]:
    """What images went through; nothing where no item has one."""
    facts: dict[str, object] = {}
    if (stated := base.conditions) is not None and stated.processor is not None:
        facts["processor"] = stated.processor[:12]
        if stated.min_pixels or stated.max_pixels:
            facts["pixels"] = f"{stated.min_pixels or 0}-{stated.max_pixels or ''}"
    if (own := tuned.conditions) is not None and tuned.own_processor:
        facts["processor-tuned"] = str(own.processor)[:12]
    return facts


def _signature(joined: Pair, target: str | None, margin: float) -> str:
    """One line that quotes a result whole, after sacrebleu: what was asked, of which models, how, how scored."""
    base, tuned = joined.base, joined.tuned
    facts: dict[str, object] = {
        "retentionbench": __version__,
        "scorer": SCORER_VERSION,
        "suite": f"{base.suite.name}@{base.suite.version}",
        "items": base.suite.digest[:12],
        "protocol": base.suite.protocol,
        "target": target or "none",
        "n": len(one_answer(joined.items)),
    }
    if isinstance(base, RunRecord) and isinstance(tuned, RunRecord):
        facts |= {
            "engine": base.engine.environment,
            "judge": base.judge,
            "decoding": ",".join(f"{name}={value}" for name, value in sorted(base.decoding.items())),
            **_images(base, tuned),
            "base": base.checkpoint.weights_digest[:12],
            "tuned": tuned.checkpoint.weights_digest[:12],
        }
        if base.conditions is not None:
            facts |= {"length": base.conditions.max_model_len, "conditions": base.conditions.digest[:12]}
        if tuned.screened is not None:
            facts["screened"] = f"{tuned.screened.look}/{tuned.screened.looks}@{tuned.screened.seed}"
    else:
        facts |= {
            "provenance": "not-checked",
            **base.decoding,
            "base-samples": base.samples_sha256[:12],
            "tuned-samples": tuned.samples_sha256[:12],
        }
    if margin != statistics.MARGIN:
        facts["margin"] = f"{margin:g}"
    facts["bootstrap"] = f"{statistics.RESAMPLES}@{statistics.SEED}"
    # Names come from files anyone may write: one that holds a separator must not forge a field.
    return "|".join(f"{name}:{re.sub(r'[^A-Za-z0-9@/.,=_+-]', '_', str(value))}" for name, value in facts.items())
