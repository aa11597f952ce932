"""A suite of a user's own with a few dozen items of each kind of task, and runs of it answered by a script.

Everything goes through real lm-eval and the code that writes real runs, so that what is stored can be recomputed.
"""

import hashlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from harness.checkpoints.prompts import PromptRenderer
from harness.items import files_digest, items_digest
from harness.lmeval import VERSION, LoadedTask, load_frozen, load_tasks, run_tasks
from harness.protocol import Completion, ContinuationScore, GenerateRequest, ScoreRequest
from harness.records.run import CheckpointRecord, Run, RunRecord, read_record, read_run, write_record
from harness.records.samples import JUDGE_VERSION, SAMPLES_FILE, Sample
from harness.records.samples_file import read_samples, write_samples
from harness.records.suites import Suite, load_suite
from leaderboard.acceptance.coverage import Surroundings
from leaderboard.documents.identity import seal
from leaderboard.entries.shelf import Shelf
from leaderboard.submit.prepare import prepare_entry
from tests.support.fakes import RECORD, FakeEngine, write_checkpoint

COUNT = 60
_CODE = """
import random

from datasets import Dataset

from harness import plugin
from harness.items import Item

COLOURS = ("red", "green", "blue", "white")


def sums(split, count, seed):
    for k in range(count):
        yield Item(task="tiny_sums", question=f"What is {k} + 7?", answer=str(k + 7), target="", guess_rate=0,
                   cluster_id=f"pair-{k // 2}")


def colours(split, count, seed):
    for k in range(count):
        options = random.Random(k).sample(COLOURS, 4)
        yield Item(task="tiny_colours", question=f"Colour {k}: " + ", ".join(options) + "?", answer=options[k % 4],
                   target="", guess_rate=0.25, options=tuple(options))


TASKS = {"tiny_sums": sums, "tiny_colours": colours}
load = plugin.loader(TASKS)


def load_letters(count, **_):
    return {"test": Dataset.from_list([{"question": f"a b {k}", "gold": k % 3} for k in range(count)])}


def judge(doc, results):
    return {**plugin.judge(doc, results), "layer": "said" if "answer" in results[0] else None,
            "words": len(results[0].split())}
"""
_LETTERS = """
task: tiny_letters
custom_dataset: !function tiny.load_letters
dataset_kwargs: {{count: {count}}}
test_split: test
output_type: multiple_choice
doc_to_text: question
doc_to_choice: ["A", "B", "C"]
doc_to_target: gold
metric_list:
  - {{metric: acc, aggregation: mean, higher_is_better: true}}
  - {{metric: acc_norm, aggregation: mean, higher_is_better: true}}
"""
_METRICS = {
    "acc": "mean",
    "score": "mean",
    "unparsed": "mean",
    "extracted": "!function harness.plugin.distinct",
}


@dataclass(frozen=True)
class Tiny:
    """The suite, its file, and its loaded tasks."""

    path: Path
    suite: Suite
    tasks: dict[str, LoadedTask]
    renderer: PromptRenderer

    @property
    def folder(self) -> Path:
        return self.path.parent


# What a model says to one item: (task, document) -> its words, or of letters the option's place.
Says = Callable[[str, dict[str, Any]], str | int]


def tiny_suite(folder: Path, count: int = COUNT) -> Tiny:
    """Write the suite ``tiny-1`` with ``count`` items a task, and its task files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.py").write_text(_CODE)
    own = {"layer": "!function harness.plugin.distinct", "words": "mean"}
    _write_task(folder, "tiny_sums", count, "tiny.judge", {**_METRICS, **own})
    _write_task(folder, "tiny_colours", count, "harness.plugin.judge", _METRICS)
    (folder / "tiny_letters.yaml").write_text(_LETTERS.format(count=count))
    families = {"tiny_sums": "math", "tiny_colours": "vision", "tiny_letters": "science"}
    places = {
        name: {"family": families[name], "group": families[name], "count": count}
        | {"digest": items_digest(loaded.item_ids)}
        | ({"guess_rate": 0.25} if name == "tiny_letters" else {})
        for name, loaded in load_tasks(list(families), folder).items()
    }
    suite = {"name": "tiny", "version": "1", "title": "Tiny", "prompt": "plain", "tasks": places}
    path = folder / "tiny-1.yaml"
    path.write_text(yaml.safe_dump(suite, sort_keys=False))
    loaded_suite = load_suite(str(path))
    renderer = PromptRenderer(write_checkpoint(folder / "renderer", words=("a", "b", "A", "B", "C")), "plain")
    return Tiny(path, loaded_suite, load_frozen(loaded_suite, folder), renderer)


def tiny_run(tiny: Tiny, folder: Path, says: Says, name: str = "base", **record: Any) -> Run:
    """Write the run of a model that says ``says``; ``record`` replaces fields of its record."""
    engine = _Scripted(tiny, says)
    chunks = run_tasks(tiny.suite, tiny.tasks, engine, tiny.renderer, lambda _: None)
    sha256 = write_samples(folder / SAMPLES_FILE, chunks)
    fields: dict[str, Any] = {
        "checkpoint": tiny_checkpoint(name),
        "suite": tiny.suite.record,
        "engine": RECORD,
        "decoding": {"temperature": 0.0},
        "seed": 0,
        "template_digest": tiny.renderer.template_digest,
        "template_policy": "shared",
        "bos_count": 0,
        "packages": {"lm-eval": VERSION},
        "n_items": sum(place.count for place in tiny.suite.tasks.values()),
        "n_errors": 0,
        "judge": JUDGE_VERSION,
        "samples_sha256": sha256,
        "created": "2026-01-01T00:00:00Z",
        "wall_seconds": 1.0,
    }
    write_record(folder, RunRecord(**(fields | record)))
    return read_run(folder)


def tiny_checkpoint(name: str) -> CheckpointRecord:
    files = {"model.safetensors": hashlib.sha256(name.encode()).hexdigest()}
    return CheckpointRecord(
        name=name,
        kind="full",
        source="local",
        weights_digest=files_digest(files),
        tokenizer_digest=hashlib.sha256(b"tokenizer").hexdigest(),
        files=files,
        architecture="TinyForCausalLM",
    )


def model(seed: int, **accuracy: float) -> Says:
    """A model that is right on a share of each task (0.8 where none is named), on items of its own."""

    def says(task: str, doc: dict[str, Any]) -> str | int:
        draw = random.Random(f"{seed} {task} {doc['question']}")
        right = draw.random() < accuracy.get(task, 0.8)
        if task == "tiny_letters":
            return doc["gold"] if right else (doc["gold"] + draw.choice((1, 2))) % 3
        if task == "tiny_sums":
            number = int(doc["answer"]) + (0 if right else draw.randint(1, 30))
            return f"Seven more makes {number}, so the answer is {number}."
        others = [option for option in doc["options"] if option != doc["answer"]]
        return f"The answer is {doc['answer'] if right else draw.choice(others)}."

    return says


class _Scripted(FakeEngine):
    def __init__(self, tiny: Tiny, says: Says) -> None:
        super().__init__()
        self._says = says
        self._docs = {
            item_id: (name, dict(doc))
            for name, loaded in tiny.tasks.items()
            for item_id, doc in zip(loaded.item_ids, loaded.task.eval_docs, strict=True)
        }

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            text = str(self._says(*self._docs[request.item_id]))
            yield index, Completion(text, "stop", len(request.prompt.token_ids), len(text.split()))

    def score(self, requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, tuple[ContinuationScore, ...]]]:
        for index, request in enumerate(requests):
            chosen = self._says(*self._docs[request.item_id])
            yield index, tuple(ContinuationScore(0.0 if k == chosen else -5.0, k == chosen) for k in range(3))


def _write_task(folder: Path, name: str, count: int, judge: str, metrics: Mapping[str, str]) -> None:
    listed = "".join(
        f"  - {{metric: {metric}, aggregation: {aggregation}, higher_is_better: true}}\n"
        for metric, aggregation in metrics.items()
    )
    (folder / f"{name}.yaml").write_text(
        f"task: {name}\ncustom_dataset: !function tiny.load\n"
        f"dataset_kwargs: {{task: {name}, count: {count}, seed: 1}}\ntest_split: test\noutput_type: generate_until\n"
        "doc_to_text: !function harness.plugin.question\ndoc_to_target: answer\n"
        f"process_results: !function {judge}\n"
        "generation_kwargs: {until: [], max_gen_toks: 24, do_sample: false}\n"
        f"metric_list:\n{listed}"
    )


STATEMENT: dict[str, Any] = {
    "target": "math",
    "method": {"family": "sft", "steps": 10},
    "training_data": [],
    "selection": {"attempts_evaluated": 9, "chosen_by": "the last checkpoint"},
    "license": "CC0-1.0",
    "contact": {"handle": "ada"},
    "consent": True,
}


@dataclass(frozen=True)
class TinyShelf:
    """A leaderboard of one's own in ``root``, with the run of one base, and its entries."""

    tiny: Tiny
    root: Path

    @property
    def shelf(self) -> Shelf:
        return Shelf(*(self.root / name for name in ("submissions", "bases", "events", "releases")))

    @property
    def around(self) -> Surroundings:
        return Surroundings(self.shelf, [self.tiny.path])

    def run(self, name: str) -> Path:
        return self.root / "runs" / name

    def add(self, name: str, says: Says, *, statement: dict[str, Any] | None = None, **record: Any) -> Path:
        """Write the run of a fine-tune and prepare its entry; returns its folder."""
        tiny_run(self.tiny, self.run(name), says, name, **record)
        stated = {**STATEMENT, **(statement or {})}
        shelf = self.shelf
        return prepare_entry(self.run(name), self.run("base"), stated, shelf.submissions, shelf.bases).folder

    def rewrite(self, folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame | None], **record: Any) -> None:
        """Change the samples of an entry as a forger would: every sum and digest is made to fit again."""
        tuned = folder / "tuned"
        frame = read_samples(tuned / SAMPLES_FILE)
        changed = change(frame)
        frame = frame if changed is None else changed
        samples = [Sample.model_validate(_row(fields)) for fields in frame.to_dict("records")]
        sha256 = write_samples(tuned / SAMPLES_FILE, [samples])
        written = read_record(tuned).model_copy(update={"samples_sha256": sha256, "n_items": len(samples), **record})
        write_record(tuned, written)
        seal(folder)


def tiny_shelf(tiny: Tiny, root: Path) -> TinyShelf:
    """An empty leaderboard beside the run of a base that is right on 60 % of the sums and 90 % of the rest."""
    made = TinyShelf(tiny, root)
    made.shelf.submissions.mkdir(parents=True)
    tiny_run(tiny, made.run("base"), model(0, tiny_sums=0.6, tiny_colours=0.9, tiny_letters=0.9))
    return made


def _row(fields: dict[Any, Any]) -> dict[str, Any]:
    optional = ("extracted", "error", "layer")
    return {str(name): None if name in optional and not isinstance(value, str) else value
            for name, value in fields.items()}  # fmt: skip
