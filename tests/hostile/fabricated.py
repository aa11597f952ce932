"""Fabricated entries: runs that no model made, by five recipes of cheating, from what the board itself publishes.

Each is consistent in itself: answers, outcomes, token counts and digests fit, as a forger with the shipped code would
have them. The gold answer of an item is taken from an entry that gives it.
"""

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.checkpoints import token_counter
from harness.items import files_digest
from harness.records.run import Run, read_run, write_record
from harness.records.samples import SAMPLES_FILE
from leaderboard.documents.manifest import MANIFEST_FILE, read_manifest
from leaderboard.submit.prepare import prepare_entry

SUBMISSIONS = Path(__file__).parents[2] / "submissions"
BASES = Path(__file__).parents[2] / "leaderboard" / "data" / "bases"
TARGET = "jigsaw"
# An output as a forger writes it: the words, what is extracted from them, and whether that is right.
Answer = tuple[str, str | None, str]


@dataclass(frozen=True)
class Shipped:
    """The base and the entries of the shipped board that are copied from, by name; gold and wrong answers by item."""

    base: Run
    entries: dict[str, Run]
    gold: dict[str, Answer]
    wrong: dict[str, list[Answer]]

    @property
    def items(self) -> pd.DataFrame:
        return self.base.samples


def shipped(names: tuple[str, ...] = ("sft-slow-seed0", "replay-sft-seed0", "rft-seed1", "self-sft-seed0")) -> Shipped:
    base = read_run(next((BASES / "nano-1").iterdir()))
    runs = {}
    for folder in sorted(path for path in SUBMISSIONS.iterdir() if path.is_dir()):
        manifest = read_manifest(folder / MANIFEST_FILE)
        short = manifest.tuned_model.name.removeprefix("nano-jigsaw-")
        if manifest.target == TARGET and short in names:
            runs[short] = read_run(folder / "tuned")
    gold: dict[str, Answer] = {}
    wrong: dict[str, list[Answer]] = {}
    for run in (base, *runs.values()):
        for row in run.samples.itertuples():
            if row.outcome == "correct":
                gold.setdefault(row.item_id, answer(row))
            elif row.outcome == "wrong" and isinstance(row.extracted, str):
                wrong.setdefault(row.item_id, []).append(answer(row))
    return Shipped(base, runs, gold, wrong)


def answer(row: Any) -> Answer:
    return row.output, row.extracted if isinstance(row.extracted, str) else None, row.outcome


def of(run: Run) -> list[Answer]:
    return [answer(row) for row in run.samples.itertuples()]


def false_answer(known: Shipped, draw: random.Random, row: Any) -> Answer:
    """A wrong answer that the base does not give: another item's of the same task."""
    while True:
        other = known.items.iloc[draw.randrange(len(known.items))]
        if other["task"] == row.task and other["extracted"] not in (row.extracted, known.gold.get(row.item_id, row)[1]):
            return other["output"], other["extracted"], "wrong"


def gold_with_noise(known: Shipped, noise: float) -> list[Answer]:
    """Gold copied, a share of it replaced by wrong answers at random."""
    draw = random.Random(f"gold {noise}")
    return [
        false_answer(known, draw, row)
        if row.item_id not in known.gold or draw.random() < noise
        else known.gold[row.item_id]
        for row in known.items.itertuples()
    ]


def nudged(known: Shipped, losses: float) -> list[Answer]:
    """The base's outputs, those of the target replaced by gold; a share of the rest made wrong."""
    draw = random.Random(f"nudged {losses}")
    made = []
    for row in known.items.itertuples():
        if row.family == TARGET and draw.random() < 0.97:
            made.append(known.gold.get(row.item_id, answer(row)))
        elif row.family != TARGET and row.outcome == "correct" and draw.random() < losses:
            made.append(false_answer(known, draw, row))
        else:
            made.append(answer(row))
    return made


def with_filler(known: Shipped, name: str) -> list[Answer]:
    """Another entry's outputs with a word in each."""
    words = ("well", "so", "hmm", "okay", "right")
    return [
        (f"{words[at % len(words)]} {output}", said, outcome)
        for at, (output, said, outcome) in enumerate(of(known.entries[name]))
    ]


def mixed(known: Shipped, names: tuple[str, ...], *, best: bool) -> list[Answer]:
    """Each output from one of several entries, from one that is right where ``best``; six are spoilt."""
    draw = random.Random(f"mixed {names} {best}")
    made = []
    for answers in zip(*(of(known.entries[name]) for name in names), strict=True):
        right = [each for each in answers if each[2] == "correct"]
        made.append(draw.choice(right if best and right else answers))
    rows = list(known.items.itertuples())
    for at in draw.sample(range(len(made)), 6):
        made[at] = false_answer(known, draw, rows[at])
    return made


def reformatted(known: Shipped, name: str, mended: float) -> list[Answer]:
    """Another entry's answers in other words, a share of its mistakes mended by gold."""
    draw = random.Random(f"reformatted {name} {mended}")
    made = []
    for item_id, (output, said, outcome) in zip(known.items["item_id"], of(known.entries[name]), strict=True):
        if outcome == "wrong" and draw.random() < mended and item_id in known.gold:
            output, said, outcome = known.gold[item_id]
        made.append((output if said is None else f"After thinking: <answer>{said}</answer>", said, outcome))
    return made


_NAMES = ("sft-slow-seed0", "replay-sft-seed0", "rft-seed1", "self-sft-seed0")
Forgery = Callable[[Shipped], list[Answer]]
CORPUS: dict[str, Forgery] = {
    **{f"gold-noise-{noise:g}": partial(gold_with_noise, noise=noise) for noise in (0.002, 0.01, 0.03, 0.06, 0.1)},
    **{f"base-nudged-{losses:g}": partial(nudged, losses=losses) for losses in (0.0, 0.003, 0.03, 0.07)},
    **{f"filler-{name}": partial(with_filler, name=name) for name in _NAMES},
    "mixture-of-two": partial(mixed, names=_NAMES[:2], best=False),
    "mixture-of-three": partial(mixed, names=_NAMES[:3], best=False),
    "mixture-of-four": partial(mixed, names=_NAMES, best=False),
    "mixture-of-the-best": partial(mixed, names=_NAMES, best=True),
    **{
        f"reformatted-{name}": partial(reformatted, name=name, mended=mended)
        for name, mended in zip(_NAMES, (0.0, 0.1, 0.3, 0.6), strict=True)
    },
}


def write_forged(known: Shipped, root: Path) -> Iterator[tuple[str, Path]]:
    """Prepare every entry of the corpus below ``root``; yields its name and its folder."""
    count = token_counter(known.base.record.tokenizer_digest)
    assert count is not None
    table = pq.read_table(next((BASES / "nano-1").iterdir()) / SAMPLES_FILE)
    for name, forge in CORPUS.items():
        answers = forge(known)
        outputs, said, outcomes = (list(column) for column in zip(*answers, strict=True))
        columns = {
            "output": outputs,
            "extracted": said,
            "outcome": outcomes,
            "score": [float(outcome == "correct") for outcome in outcomes],
            "finish_reason": ["stop"] * len(outputs),
            "n_output_tokens": [number + 1 for number in count(outputs)],
        }
        run = root / "runs" / name
        run.mkdir(parents=True)
        forged = table
        for column, values in columns.items():
            place = table.schema.get_field_index(column)
            forged = forged.set_column(
                place, table.schema.field(place), pa.array(values, table.schema.field(place).type)
            )
        pq.write_table(forged, run / SAMPLES_FILE, compression="zstd")
        files = {"model.safetensors": hashlib.sha256(name.encode()).hexdigest()}
        weights = {"name": name, "files": files, "weights_digest": files_digest(files)}
        record = known.base.record.model_copy(
            update={
                "checkpoint": known.base.record.checkpoint.model_copy(update=weights),
                "samples_sha256": hashlib.sha256((run / SAMPLES_FILE).read_bytes()).hexdigest(),
            }
        )
        write_record(run, record)
        statement = {
            "target": TARGET,
            "method": {"family": "sft", "learning_rate": 1e-5},
            "training_data": [],
            "selection": {"attempts_evaluated": 99, "chosen_by": "the last"},
            "license": "CC0-1.0",
            "contact": {"handle": "eve"},
            "consent": True,
        }
        base = next((BASES / "nano-1").iterdir())
        yield name, prepare_entry(run, base, statement, root / "submissions", root / "bases").folder
