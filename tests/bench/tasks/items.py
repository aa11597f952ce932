"""GSM8K and ARC as benchmark tasks: rows from the JSON lines that their authors publish.

    bench_gsm8k  Question: Tom has 3 pens and buys 4 more. How many has he?\\nAnswer:        -> ... 7
    bench_arc    Question: Which of these is a gas?\\nA. iron\\nB. air\\nC. salt\\nAnswer:    -> B

Chance level: 0 for GSM8K, 1/k for an ARC item of k options (3, 4 or 5; some are labelled 1 to 5). The data folder is
the one that ``RETENTION_DATA`` names; without it procedural items of the nano tasks stand in, of the same two kinds.
"""

import hashlib
import itertools
import json
import math
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from harness.pictures import pixels as pictures
from harness.records.suites import load_task_module, tasks_root

SIZE = (504, 336)
SHOTS = 4
_JIGSAW = (
    "This picture was cut into 9 tiles and shuffled. The tiles are numbered 1 to 9 row by row as shown. "
    "List the tile numbers of the restored picture row by row, separated by commas, inside <answer> tags."
)
# What the "flexible-extract" filter of lm-eval's gsm8k takes: the last number.
_NUMBER = re.compile(r"-?[$0-9.,]{2,}|-?[0-9]+")


def load(source: str, count: int, **_: Any) -> dict[str, Any]:
    """``custom_dataset`` of both tasks: the first ``count`` items, each with its id as in our own tasks."""
    from datasets import Dataset

    rows = [row for row, _ in zip(_ROWS[source](), range(count), strict=False)]
    if len(rows) < count:
        raise ValueError(f"{source}: {count} items wanted, {len(rows)} found")
    ids = [hashlib.sha256(repr((source, sorted(row.items()))).encode()).hexdigest() for row in rows]
    return {"test": Dataset.from_list([{**row, "item_id": key} for row, key in zip(rows, ids, strict=True)])}


def load_pictures(source: str, count: int, **_: Any) -> dict[str, Any]:
    """The same items with their images as lm-eval's vision tasks hold them: pictures of ``datasets``, not bytes."""
    import datasets

    found = load(source, count)["test"]
    return {"test": found.cast_column("images", datasets.List(datasets.Image()))}


def images(doc: dict[str, Any]) -> list[Any]:
    return list(doc["images"])


def question(doc: dict[str, Any]) -> str:
    return str(doc["question"])


def choices(doc: dict[str, Any]) -> list[str]:
    """The labels; lm-eval puts a blank before each."""
    return list(doc["labels"])


def target(doc: dict[str, Any]) -> int:
    return list(doc["labels"]).index(doc["answer"])


def judge(doc: dict[str, Any], results: list[str]) -> dict[str, float]:
    """``process_results`` of GSM8K: the last number of the output, without ``$`` and thousands separators."""
    stated = _NUMBER.findall(results[0])
    right = bool(stated) and stated[-1].replace(",", "").replace("$", "").rstrip(".") == doc["answer"]
    return {"acc": float(right), "score": float(right), "unparsed": float(not stated)}


def _gsm8k() -> Iterator[dict[str, Any]]:
    path = _data() / "gsm8k" / "test.jsonl"
    if not path.is_file():
        yield from _sums()
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        answer = row["answer"].rpartition("####")[2].strip().replace(",", "")
        yield {"question": f"Question: {row['question']}\nAnswer:", "answer": answer, "guess_rate": 0.0}


def _gsm8k_shots() -> Iterator[dict[str, Any]]:
    """GSM8K as lm-eval's own task asks it: the first questions of the train split with solutions, then one more."""
    folder = _data() / "gsm8k"
    train, test = (
        [json.loads(line) for line in (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()]
        for split in ("train", "test")
    )
    shots = "".join(f"Question: {row['question']}\nAnswer: {row['answer']}\n\n" for row in train[:SHOTS])
    for row in test:
        answer = row["answer"].rpartition("####")[2].strip().replace(",", "")
        yield {"question": f"{shots}Question: {row['question']}\nAnswer:", "answer": answer, "guess_rate": 0.0}


def _arc() -> Iterator[dict[str, Any]]:
    path = _data() / "arc" / "ARC-Challenge-Test.jsonl"
    if not path.is_file():
        yield from _facts()
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        options = row["question"]["choices"]
        yield _lettered(
            row["question"]["stem"],
            [option["text"] for option in options],
            [option["label"] for option in options],
            row["answerKey"],
        )


def _sums() -> Iterator[dict[str, Any]]:
    for item in load_task_module(tasks_root() / "math" / "nano.py").TASKS["math_word"]("test", 300, 1):
        yield {"question": f"Question: {item.question}\nAnswer:", "answer": item.answer, "guess_rate": 0.0}


def _facts() -> Iterator[dict[str, Any]]:
    """Sums with four offered answers: the shape of an ARC item, for a machine without its data."""
    rng = random.Random(0)
    for item in load_task_module(tasks_root() / "math" / "nano.py").TASKS["math_arithmetic"]("test", 300, 1):
        texts = [str(int(item.answer) + step) for step in rng.sample([0, 1, 2, 10], 4)]
        yield _lettered(item.question, texts, list("ABCD"), "ABCD"[texts.index(item.answer)])


def _lettered(stem: str, texts: list[str], labels: list[str], answer: str) -> dict[str, Any]:
    options = "\n".join(f"{label}. {text}" for label, text in zip(labels, texts, strict=True))
    return {
        "question": f"Question: {stem}\n{options}\nAnswer:",
        "labels": labels,
        "answer": answer,
        "guess_rate": 1 / len(labels),
    }


def _data() -> Path:
    return Path(os.environ.get("RETENTION_DATA", "data"))


def _counted() -> Iterator[dict[str, Any]]:
    """As many different questions as are wanted, for measurements of memory."""
    for number in itertools.count():
        yield {"question": f"What is {number} + {number + 1}?", "answer": str(2 * number + 1), "guess_rate": 0.0}


def _jigsaws() -> Iterator[dict[str, Any]]:
    """3x3 jigsaws of one picture, 504 x 336 pixels: a photograph of the data folder, or noise."""
    photos = sorted(_data().glob("photos/images/*.jpg"))
    if photos:
        with Image.open(photos[0]) as photo:
            picture = np.asarray(photo.convert("RGB").resize(SIZE))
    else:
        picture = np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    rng = random.Random(0)
    while True:
        answer = pictures.draw_answer(rng, 9)
        image = pictures.encode_png(pictures.shuffle(picture, 3, 3, answer))
        text = ",".join(map(str, answer))
        yield {"question": _JIGSAW, "images": [image], "answer": text, "guess_rate": 1 / math.factorial(9)}


_ROWS = {"gsm8k": _gsm8k, "gsm8k_shots": _gsm8k_shots, "arc": _arc, "sums": _counted, "jigsaw": _jigsaws}
