"""Samples: the row schema of a run, one :class:`Sample` an item.

Their file is read in ``samples_file`` alone, so that reading a record loads neither pandas nor pyarrow.
"""

import hashlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field

from harness.errors import RetentionError
from harness.records.strict import StrictModel

SAMPLES_FILE = "samples.parquet"

# The version of the rules by which an output is read and compared. Verdicts of two versions are never compared: 1 is
# what records say nothing about, 2 reads whole sentences in several languages, and knows thoughts and off-list
# answers.
JUDGE_VERSION = 2

Digest = Annotated[str, Field(pattern=r"\A[0-9a-f]{64}\z")]


class RunError(RetentionError):
    """A run folder or sample table that cannot be read; the message names the file and the field."""


class Outcome(StrEnum):
    """The outcome of one answer: unparsed is not wrong, and truncated answers count as unparsed."""

    CORRECT = "correct"
    WRONG = "wrong"
    UNPARSED = "unparsed"


class Sample(StrictModel):
    """One row of a run: one item and its answer.

    ``layer`` names the extraction rule that found the answer ("tag", "boxed", ...). ``details`` are further metrics of
    the task by name (a jigsaw's neighbour accuracy, the verdict of a more lenient parser). Both were added in version 2
    of the schema; in a file of version 1 they read as None and empty. ``off_list`` marks a wrong answer that is
    readable but none of the options; it was added in version 3, and is false in older files. ``logprobs`` is the
    log-probability of each option in nats, in the item's order, where options were compared by it; it was added in
    version 4, and is None in older files. ``repeat`` counts the sampled answers to one item from 0, and ``seed`` is
    what this one was drawn with; only files of sampled runs have them (version 5). An answer that compares options is
    not drawn: it is there once, without a seed.
    """

    item_id: Digest
    task: str
    family: str
    group: str
    cluster_id: str
    guess_rate: Annotated[float, Field(ge=0, lt=1)]
    output: str
    extracted: str | None
    outcome: Outcome
    score: Annotated[float, Field(ge=0, le=1)]
    finish_reason: str
    n_prompt_tokens: Annotated[int, Field(ge=0)]
    n_output_tokens: Annotated[int, Field(ge=0)]
    prompt_digest: Digest
    error: str | None
    layer: str | None = None
    details: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = {}
    off_list: bool = False
    logprobs: tuple[Annotated[float, Field(allow_inf_nan=False)], ...] | None = None
    repeat: Annotated[int, Field(ge=0)] = 0
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None


def brief(error: Exception) -> str:
    """A library's error message on a hostile file, on one short line, as it may quote the file."""
    return " ".join("".join(char if char.isprintable() else " " for char in str(error)[:1_000]).split())[:160]


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
