"""Plan of a dynamics measurement: base, training data, suite and checkpoints, opened before a model is loaded."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.checkpoints import Checkpoint, open_checkpoint, same_tokenizer
from harness.dynamics.probes import ProbedSuite, open_probes
from harness.engines import checked, choose
from harness.errors import RetentionError
from harness.scoring import TrainingSet
from harness.suites import find_tasks
from harness.training import (
    ABOUT_FILE,
    DATA_FORMS,
    SOURCES,
    Data,
    Example,
    ExampleSet,
    load_examples,
    read_about,
    read_examples,
)


@dataclass(frozen=True)
class Size:
    """How much is measured; fields as in :class:`harness.scoring.dynamics.document.Settings`."""

    limit: int = 64
    examples: int = 8
    probes: int = 4
    prompts: int = 16
    answer_tokens: int = 64
    seed: int = 0


@dataclass(frozen=True)
class Plan:
    """Everything known before a model is loaded; ``examples`` are the measured examples by label."""

    base: Checkpoint
    checkpoints: tuple[Checkpoint, ...]
    sets: tuple[TrainingSet, ...]
    examples: dict[str, list[Example]]
    probed: ProbedSuite | None
    target: str
    size: Size
    threads: int


def plan_dynamics(
    base: str,
    training: Sequence[str],
    *,
    probe: str | None = None,
    checkpoints: Sequence[str] = (),
    target: str | None = None,
    size: Size | None = None,
    threads: int = 1,
) -> Plan:
    """Open the base, the training data, the suite and the checkpoints.

    Each of ``training`` is ``[LABEL=]DATA``: a folder of examples, or a named source (``nano-math``,
    ``nano-math/worked``). ``target`` is the trained family, by default that of the examples' tasks. Raises
    ``RetentionError`` if one of them cannot be used.
    """
    size = size or Size()
    choose("transformers")
    opened = checked(open_checkpoint(base))
    if opened.base is not None:
        raise RetentionError(f"{base}: an adapter; the dynamics are those of its base, {opened.base.record.name}")
    others = tuple(checked(open_checkpoint(each, opened)) for each in checkpoints)
    for other in others:
        same_tokenizer(opened, other)
    sets: list[TrainingSet] = []
    chosen: dict[str, list[Example]] = {}
    for reference in training:
        label, made, found = _open_set(reference, size)
        sets.append(made)
        for kind, examples in _chosen(found, size).items():
            name = kind if label is None else label if len(found.kinds) == 1 else f"{label} {kind}"
            if name in chosen:
                raise RetentionError(
                    f"--train {reference}: {name} examples were already given; write LABEL={reference}"
                )
            chosen[name] = examples
    if target is None:
        target = _target(example for examples in chosen.values() for example in examples)
    probed = None if probe is None else open_probes(probe, target)
    return Plan(opened, others, tuple(sets), chosen, probed, target, size, threads)


@dataclass(frozen=True)
class _Set:
    examples: ExampleSet
    kinds: Mapping[str, int]


def _open_set(reference: str, size: Size) -> tuple[str | None, TrainingSet, _Set]:
    label, named, where = reference.rpartition("=")
    folder = Path(where).expanduser()
    if (folder / ABOUT_FILE).is_file():
        about = read_about(folder)
        found = read_examples(folder)
        made = TrainingSet(
            source=about.source,
            digest=about.digest,
            examples=about.examples,
            policy_weights_digest=about.policy_weights_digest,
        )
        kinds: Mapping[str, int] = about.kinds
    else:
        source, _, form = where.partition("/")
        if source not in SOURCES or form not in ("", *DATA_FORMS):
            raise RetentionError(
                f"--train {reference}: neither a folder of examples (with {ABOUT_FILE}) nor a source of examples; "
                f"sources are {', '.join(SOURCES)}, each also as NAME/worked (and those of nano2 as NAME/other)"
            )
        stated = {"source": source, "form": form or "bare", "count": size.limit, "seed": size.seed}
        data = Data.model_validate(stated)
        found = load_examples(data)
        made = TrainingSet(source=where, digest=found.digest, examples=len(found))
        kinds = {data.form: len(found)}
    if not len(found):
        raise RetentionError(f"--train {reference}: it has no examples")
    return (label if named else None), made, _Set(found, kinds)


def _chosen(found: _Set, size: Size) -> dict[str, list[Example]]:
    """At most ``size.limit`` examples of each kind, drawn by the seed."""
    order = list(range(len(found.examples)))
    random.Random(f"dynamics:{size.seed}").shuffle(order)
    chosen: dict[str, list[Example]] = {kind: [] for kind in found.kinds}
    missing = {kind: min(count, size.limit) for kind, count in found.kinds.items()}
    for place in order:
        if not any(missing.values()):
            break
        example = found.examples[place]
        if missing[example.kind]:
            missing[example.kind] -= 1
            chosen[example.kind].append(example)
    return chosen


def _target(examples: Iterator[Example]) -> str:
    families = {name: task.family for name, task in find_tasks().items()}
    found = {families.get(example.task) for example in examples}
    family = found.pop() if len(found) == 1 else None
    if family is None:
        raise RetentionError("--target: the examples are not of one known family; give the trained family")
    return family
