"""Runs: what lies in a folder of runs, whether each is complete, and what nothing uses any more."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.answers import f1_of_yes, share_all_right
from harness.errors import RetentionError
from harness.evaluation.store import STORE_FILE, ResponseStore, source_of
from harness.records import RECORD_FILE, Outcome, Run, RunRecord, read_record, read_run

if TYPE_CHECKING:
    import pandas as pd

_PARTIAL = "*.partial"
# A partial file younger than this may belong to an evaluation that is still writing it.
_SETTLED_SECONDS = 3600


@dataclass(frozen=True)
class FoundRun:
    """A run folder. ``state`` is complete, screened, failed items, unfinished or damaged; ``detail`` says why."""

    folder: Path
    record: RunRecord | None
    state: str
    detail: str
    size: int


@dataclass(frozen=True)
class Garbage:
    """What can be deleted below ``out``: partial files, and stored answers by their source; and what is kept."""

    out: Path
    partial: tuple[Path, ...]
    sources: dict[str, int]
    kept_answers: int
    unfinished: tuple[Path, ...]

    @property
    def store(self) -> Path:
        return self.out / STORE_FILE

    @property
    def partial_size(self) -> int:
        return sum(path.stat().st_size for path in self.partial)


def find_runs(out: Path) -> list[FoundRun]:
    """Every run folder below ``out``, by path; a missing folder is a ``RetentionError``."""
    if not out.is_dir():
        raise RetentionError(f"{out}: no such folder; name the --out folder of `retention evaluate`")
    folders = {path.parent for name in (RECORD_FILE, _PARTIAL) for path in out.rglob(name)}
    return [_look_at(folder) for folder in sorted(folders)]


def summarise(run: Run) -> dict[str, dict[str, Any]]:
    """Per task: items, failed answers, and the rates of correct, unparsed and cut-off ones among all answers; of a
    sampled run also ``answers``, how many there are.

    ``all_right`` is the share of clusters (pictures, passages) all of whose items are right, None where each item is a
    cluster; ``yes`` is the share of the answers that are yes and ``f1`` its F1, None where something else is asked for.
    """
    return {str(task): _summary(rows) for task, rows in run.samples.groupby("task", sort=True)}


def find_garbage(out: Path, *, unfinished: bool = False, now: float | None = None) -> Garbage:
    """What no run below ``out`` needs.

    A stored answer is needed as long as a run folder of its weights, engine and replicate is there. While a run is
    unfinished no answer is dropped: it may be one of those that the same command would reuse, or of a fine-tune that
    shared its engine. ``unfinished`` gives such runs up. A partial file is needed by nothing, but is left alone for an
    hour, as it may be in the writing.
    """
    runs = find_runs(out)
    settled = (time.time() if now is None else now) - _SETTLED_SECONDS
    waiting = [run for run in runs if run.record is None and run.state == "unfinished"]
    given_up = {run.folder for run in waiting if unfinished and _newest(run.folder) < settled}
    kept = [run.folder for run in waiting if run.folder not in given_up]
    partial = [
        path
        for run in runs
        if run.folder not in kept
        for path in sorted(run.folder.glob(_PARTIAL))
        if path.stat().st_mtime < settled
    ]
    stored: dict[str, int] = {}
    if (out / STORE_FILE).is_file():
        with ResponseStore(out / STORE_FILE) as store:
            stored = store.sources()
    dropped = {} if kept else {source: count for source, count in stored.items() if not _is_used(source, runs)}
    return Garbage(out, tuple(partial), dropped, sum(stored.values()) - sum(dropped.values()), tuple(kept))


def collect(garbage: Garbage) -> int:
    """Delete it; returns the bytes that the disk got back."""
    before = store_size(garbage.out) + garbage.partial_size
    if garbage.sources:
        with ResponseStore(garbage.store) as store:
            store.drop(garbage.sources)
    for path in garbage.partial:
        path.unlink()
    return before - store_size(garbage.out)


def store_size(out: Path) -> int:
    """Bytes of the response store with its journal."""
    return _size(out.glob(f"{STORE_FILE}*"))


def _look_at(folder: Path) -> FoundRun:
    size = _size(path for path in folder.iterdir() if path.is_file())
    if not (folder / RECORD_FILE).is_file():
        return FoundRun(folder, None, "unfinished", "the same `retention evaluate` command finishes it", size)
    record = None
    try:
        record = read_record(folder)
        read_run(folder)
    except RetentionError as error:
        return FoundRun(folder, record, "damaged", str(error), size)
    if record.n_errors:
        of = f"of {record.n_items} items" if record.sampling is None else "answers"
        return FoundRun(folder, record, "failed items", f"{record.n_errors} {of} failed", size)
    if record.screened:
        look = f"stopped at look {record.screened.look} of {record.screened.looks}"
        return FoundRun(folder, record, "screened", f"{look}; not for submission", size)
    if record.n_items != (expected := sum(record.suite.tasks.values())):
        return FoundRun(folder, record, "damaged", f"{record.n_items} items, but its suite has {expected}", size)
    return FoundRun(folder, record, "complete", "", size)


def _is_used(source: str, runs: Iterable[FoundRun]) -> bool:
    for run in runs:
        record = run.record
        if record is not None and source == source_of(
            record.checkpoint.weights_digest, record.engine.fingerprint, record.replicate
        ):
            return True
        # A record that cannot be read does not identify its answers; its folder's name still carries the weights.
        if record is None and run.state == "damaged" and run.folder.parent.name.endswith(f"-{source[:12]}"):
            return True
    return False


def _newest(folder: Path) -> float:
    return max(path.stat().st_mtime for path in folder.glob(_PARTIAL))


def _size(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


def _summary(rows: "pd.DataFrame") -> dict[str, Any]:
    return {
        "n": len(_firsts(rows)),
        **({"answers": len(rows)} if "repeat" in rows else {}),
        "failed": int(rows["error"].notna().sum()),
        "correct": float((rows["outcome"] == Outcome.CORRECT).mean()),
        "unparsed": float((rows["outcome"] == Outcome.UNPARSED).mean()),
        "off_list": float(rows["off_list"].mean()),
        "truncated": float((rows["finish_reason"] == "length").mean()),
        "output_tokens": float(rows["n_output_tokens"].mean()),
        "all_right": _all_right(rows),
        **_closed(rows),
    }


def _firsts(rows: "pd.DataFrame") -> "pd.DataFrame":
    """One row an item: of sampled answers the first."""
    return rows[rows["repeat"] == 0] if "repeat" in rows else rows


def _all_right(rows: "pd.DataFrame") -> float | None:
    if _firsts(rows)["cluster_id"].is_unique:
        return None
    # All questions of a picture, as one draw answers them.
    draws = rows["repeat"] if "repeat" in rows else [0] * len(rows)
    labels = [f"{repeat} {cluster}" for repeat, cluster in zip(draws, rows["cluster_id"], strict=True)]
    return share_all_right(zip(labels, rows["outcome"] == Outcome.CORRECT, strict=True))


def _closed(rows: "pd.DataFrame") -> dict[str, float | None]:
    """Of answers that are yes or no: what their task wrote down of each (harness/answers/yes_no.py)."""
    known = [each if isinstance(each, dict) else {} for each in rows["details"]]
    if not all("yes" in each and "gold_yes" in each for each in known):
        return {"yes": None, "f1": None}
    read = rows["outcome"] != Outcome.UNPARSED
    pairs = [(each["yes"] * kept, each["gold_yes"]) for each, kept in zip(known, read, strict=True)]
    return {"yes": sum(said for said, _ in pairs) / len(pairs), "f1": f1_of_yes(pairs)}
