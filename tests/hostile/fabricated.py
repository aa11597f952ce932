"""Fabricated entries: runs that no model made, by five recipes of cheating, from what the board itself publishes.

Each is consistent in itself, as a forger with the shipped code would have it: outcomes are what the tasks' own scoring
gives for the outputs, and token counts, budgets and digests fit. The gold answer of an item is taken from an entry that
gives it.
"""

import hashlib
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.checkpoints import token_counter
from harness.items import files_digest
from harness.lmeval.recompute import Recomputer
from harness.records.run import RECORD_FILE, CheckpointRecord, Run, read_run, write_record
from harness.records.samples import SAMPLES_FILE
from leaderboard.documents.identity import TUNED_FOLDER, entry_id_of, seal
from leaderboard.documents.manifest import MANIFEST_FILE, read_manifest
from leaderboard.submit.prepare import prepare_entry

SUBMISSIONS = Path(__file__).parents[2] / "submissions"
DATA = Path(__file__).parents[2] / "leaderboard" / "data"
TARGET = "jigsaw"
STATEMENT = {
    "target": TARGET,
    "method": {"family": "sft", "learning_rate": 1e-5},
    "training_data": [],
    "selection": {"attempts_evaluated": 99, "chosen_by": "the last"},
    "license": "CC0-1.0",
    "contact": {"handle": "eve"},
    "consent": True,
}
# What a forger may write for an item, the best first: the first that fits the budget of its task is taken.
Texts = tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """What a model said to an item, what is extracted from it, and whether that is right."""

    item_id: str
    task: str
    family: str
    output: str
    said: str | None
    outcome: str


@dataclass(frozen=True)
class Shipped:
    """The base and the entries of the shipped board that are copied from, by name; right and wrong answers by item."""

    base: Run
    items: list[Row]
    entries: dict[str, list[Row]]
    folders: dict[str, Path]
    gold: dict[str, Row]

    def of_task(self, task: str) -> list[Row]:
        return [row for row in self.items if row.task == task]


def shipped(names: tuple[str, ...] = ("sft-slow-seed0", "replay-sft-seed0", "rft-seed1", "self-sft-seed0")) -> Shipped:
    base = read_run(next((DATA / "bases" / "nano-1").iterdir()))
    folders = {}
    for folder in sorted(path for path in SUBMISSIONS.iterdir() if path.is_dir()):
        manifest = read_manifest(folder / MANIFEST_FILE)
        short = manifest.tuned_model.name.removeprefix("nano-jigsaw-")
        if manifest.target == TARGET and short in names:
            folders[short] = folder
    entries = {name: rows_of(read_run(folder / "tuned")) for name, folder in folders.items()}
    gold: dict[str, Row] = {}
    for rows in (items := rows_of(base), *entries.values()):
        for row in rows:
            if row.outcome == "correct":
                gold.setdefault(row.item_id, row)
    return Shipped(base, items, entries, folders, gold)


def rows_of(run: Run) -> list[Row]:
    names = ("item_id", "task", "family", "output", "extracted", "outcome")
    columns = [run.samples[name].tolist() for name in names]
    return [Row(*each[:4], each[4] if isinstance(each[4], str) else None, each[5])
            for each in zip(*columns, strict=True)]  # fmt: skip


def false_answer(known: Shipped, draw: random.Random, row: Row) -> str:
    """A wrong answer that the base does not give: another item's of the same task."""
    there = known.of_task(row.task)
    while True:
        other = draw.choice(there)
        if other.said not in (row.said, known.gold.get(row.item_id, row).said):
            return other.output


def gold_with_noise(known: Shipped, noise: float) -> list[Texts]:
    """Gold copied, a share of it replaced by wrong answers at random."""
    draw = random.Random(f"gold {noise}")
    return [
        (false_answer(known, draw, row),)
        if row.item_id not in known.gold or draw.random() < noise
        else (known.gold[row.item_id].output,)
        for row in known.items
    ]


def nudged(known: Shipped, losses: float) -> list[Texts]:
    """The base's outputs, those of the target replaced by gold; a share of the rest made wrong."""
    draw = random.Random(f"nudged {losses}")
    made: list[Texts] = []
    for row in known.items:
        if row.family == TARGET and draw.random() < 0.97:
            made.append((known.gold.get(row.item_id, row).output,))
        elif row.family != TARGET and row.outcome == "correct" and draw.random() < losses:
            made.append((false_answer(known, draw, row),))
        else:
            made.append((row.output,))
    return made


def with_filler(known: Shipped, name: str) -> list[Texts]:
    """Another entry's outputs with a word in each that has room for it."""
    words = ("well", "so", "hmm", "okay", "right")
    return [
        (f"{words[at % len(words)]} {row.output}", row.output)
        for at, row in enumerate(known.entries[name])
    ]  # fmt: skip


def mixed(known: Shipped, names: tuple[str, ...], *, best: bool) -> list[Texts]:
    """Each output from one of several entries, from one that is right where ``best``; six are spoilt."""
    draw = random.Random(f"mixed {names} {best}")
    made: list[Texts] = []
    for answers in zip(*(known.entries[name] for name in names), strict=True):
        right = [each for each in answers if each.outcome == "correct"]
        made.append((draw.choice(right if best and right else answers).output,))
    for at in draw.sample(range(len(made)), 6):
        made[at] = (false_answer(known, draw, known.items[at]),)
    return made


def reformatted(known: Shipped, name: str, mended: float) -> list[Texts]:
    """Another entry's answers in other words, a share of its mistakes mended by gold."""
    draw = random.Random(f"reformatted {name} {mended}")
    made: list[Texts] = []
    for row in known.entries[name]:
        if row.outcome == "wrong" and draw.random() < mended and row.item_id in known.gold:
            row = known.gold[row.item_id]
        forms = ("After thinking: <answer>{}</answer>", "Here: <answer>{}</answer>", "<answer>{}</answer>")
        made.append((*(() if row.said is None else (form.format(row.said) for form in forms)), row.output))
    return made


_NAMES = ("sft-slow-seed0", "replay-sft-seed0", "rft-seed1", "self-sft-seed0")
Forgery = Callable[[Shipped], list[Texts]]
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


def write_forged(known: Shipped, root: Path, recomputer: Recomputer) -> Iterator[tuple[str, Path]]:
    """Write every entry of the corpus below ``root``; yields its name and its folder."""
    home = next((DATA / "bases" / "nano-1").iterdir())
    table = pq.read_table(home / SAMPLES_FILE)
    first: tuple[Path, CheckpointRecord] | None = None
    for name, forge in CORPUS.items():
        run = root / "runs" / name
        run.mkdir(parents=True)
        pq.write_table(forged(known, table, forge(known), recomputer), run / SAMPLES_FILE, compression="zstd")
        files = {"model.safetensors": hashlib.sha256(name.encode()).hexdigest()}
        weights = {"name": name, "files": files, "weights_digest": files_digest(files)}
        record = known.base.record.model_copy(
            update={
                "checkpoint": known.base.record.checkpoint.model_copy(update=weights),
                "samples_sha256": hashlib.sha256((run / SAMPLES_FILE).read_bytes()).hexdigest(),
            }
        )
        write_record(run, record)
        if first is None:
            made = prepare_entry(run, home, STATEMENT, root / "submissions", root / "bases").folder
            first = made, record.checkpoint
        else:
            made = first[0].with_name(entry_id_of(known.base.record, record))
            _rewritten(first, run, record.checkpoint, made)
        yield name, made


def _rewritten(first: tuple[Path, CheckpointRecord], run: Path, checkpoint: CheckpointRecord, folder: Path) -> None:
    """What preparing ``run`` would write, without reading and scoring it first: the first entry, of other weights."""
    shutil.copytree(first[0], folder)
    for name in (RECORD_FILE, SAMPLES_FILE):
        shutil.copy(run / name, folder / TUNED_FOLDER)
    text = (folder / MANIFEST_FILE).read_text("utf-8")
    for old, new in (
        (first[1].name, checkpoint.name),
        (first[1].weights_digest, checkpoint.weights_digest),
        (first[1].files["model.safetensors"], checkpoint.files["model.safetensors"]),
    ):
        text = text.replace(old, new)
    (folder / MANIFEST_FILE).write_text(text, "utf-8")
    seal(folder)


def forged(known: Shipped, table: pa.Table, texts: list[Texts], recomputer: Recomputer) -> pa.Table:
    """The samples of a run that would say ``texts``."""
    count = token_counter(known.base.record.tokenizer_digest)
    assert count is not None
    budgets = {task: recomputer.budget(task) or 0 for task in recomputer.suite.tasks}
    room = [budgets[row.task] for row in known.items]
    outputs, tokens = [choices[-1] for choices in texts], [0] * len(texts)
    for preferred in range(max(map(len, texts))):
        tried = [choices[-1 - preferred] if preferred < len(choices) else "" for choices in texts]
        for at, (text, number) in enumerate(zip(tried, count(tried), strict=True)):
            if preferred == 0 or (text and number < room[at]):
                outputs[at], tokens[at] = text, number
    whole = [number < budget for number, budget in zip(tokens, room, strict=True)]
    columns: dict[str, list[Any]] = {
        "output": outputs,
        "finish_reason": ["stop" if each else "length" for each in whole],
        "n_output_tokens": [min(number + 1, budget) for number, budget in zip(tokens, room, strict=True)],
    }
    verdicts = recomputer.judged(known.base.samples.assign(**columns))
    judged = [verdicts[row.item_id, 0] for row in known.items]
    columns |= {name: [verdict[name] for verdict in judged] for name in judged[0]}
    for name, values in columns.items():
        column = table.schema.field(place := table.schema.get_field_index(name))
        plain = [list(value.items()) if isinstance(value, dict) else value for value in values]
        table = table.set_column(place, column, pa.array(plain, column.type))
    return table
