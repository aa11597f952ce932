"""Preparing a submission: two run folders and the author's statement become one folder of ``submissions/``."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import CheckFailedError, RetentionError
from harness.records import (
    RECORD_FILE,
    SAMPLES_FILE,
    CheckpointRecord,
    ConditionsRecord,
    RunRecord,
    read_record,
    read_run,
    write_record,
)
from harness.scoring import Scorecard, pair, score_pair
from leaderboard.documents import (
    DYNAMICS_FILE,
    MANIFEST_FILE,
    TEMPLATE_FILE,
    TUNED_FOLDER,
    base_folder,
    clean_document,
    entry_id_of,
    parse_manifest,
    seal,
    suite_name,
    write_manifest,
)
from leaderboard.entries import MAX_FILE_BYTES, MAX_RECORD_BYTES, BaseRuns, Judges, read_entry
from leaderboard.submit.hub import upload_log
from leaderboard.submit.shortening import shorten, too_large

_DRAFTS = ".draft-"
_STALE_SECONDS = 24 * 3600


class SubmissionError(RetentionError):
    """A pair of runs that cannot become a submission as it is."""


@dataclass(frozen=True)
class Prepared:
    """The written entry: its folder, its base run's folder, and their scores.

    ``cut`` outputs were truncated so that the run fits into the repository.
    """

    entry_id: str
    folder: Path
    base_folder: Path
    scorecard: Scorecard
    cut: int = 0


def find_base(tuned: Path, bases: Path) -> Path:
    """The base's run that ``tuned`` was evaluated with: next to it, or among the ``bases`` of the leaderboard.

    It has the same suite and engine. An adapter names its base; for a full checkpoint it is the only other full
    checkpoint there. Raises ``SubmissionError`` if there is none, or more than one.
    """
    record = read_record(tuned)
    stored = bases / suite_name(record)
    found: dict[str, Path] = {}
    for path in [*sorted(stored.glob(f"*/{RECORD_FILE}")), *sorted(tuned.parent.parent.glob(f"*/*/{RECORD_FILE}"))]:
        try:
            other = read_record(path.parent)
        except RetentionError:
            continue
        if _is_base_of(other, record):
            found[other.checkpoint.weights_digest] = path.parent
    if len(found) == 1:
        return next(iter(found.values()))
    why = f"several runs may be its base ({', '.join(map(str, found.values()))})" if found else "no run of its base"
    raise SubmissionError(f"{tuned}: {why}; give the folder of the base's run with --base")


def prepare_entry(
    tuned: Path,
    base: Path,
    statement: dict[str, Any],
    submissions: Path,
    bases: Path,
    *,
    suites: Sequence[Path] = (),
    to_hub: str | None = None,
    template: Path | None = None,
    dynamics: Path | None = None,
) -> Prepared:
    """Write ``submissions/<entry_id>/`` and, if it is new, the base run into ``bases``.

    ``statement`` has the manifest fields that the runs do not know (target, method, training_data, selection, license,
    contact, ...; ``adapter_type`` only for adapters). The outputs of a run above the size cap are truncated, which
    needs its suite's items (``suites`` are files of the user's own suites). ``to_hub`` names a data set to upload full
    logs to. ``template`` is the chat template of a run that used its own, ``dynamics`` a file written by ``retention
    dynamics``. Nothing is left behind if the result would not be a valid entry.
    """
    base_record, tuned_record = read_record(base), read_record(tuned)
    for folder, record in ((tuned, tuned_record), (base, base_record)):
        if record.screened is not None:
            raise SubmissionError(f"{folder}: a screened run has only part of its suite; evaluate it without --screen")
        if record.suite.is_part:
            raise SubmissionError(
                f"{folder}: a run of {suite_name(record)}, which is a part of a suite; run the whole suite with "
                "`retention evaluate`"
            )
        if record.sampling is not None:
            raise SubmissionError(
                f"{folder}: its answers were sampled at temperature {record.sampling.temperature:g}, and the board "
                "takes greedy answers alone; evaluate it without --temperature and --repeats"
            )
        if record.suite.is_draft:
            raise SubmissionError(
                f"{folder}: suite {suite_name(record)} is a draft, whose items are not fixed; evaluate on a frozen one"
            )
    own = tuned_record.has_custom_prompts or tuned_record.own_processor or tuned_record.own_pixels
    known = {
        "schema": "retentionbench-manifest-1",
        "suite": {
            "id": base_record.suite.name,
            "version": base_record.suite.version,
            "protocol": base_record.suite.protocol,
        },
        "track": "custom" if own else "standard",
        "base": _model_ref(base_record.checkpoint, base_record),
        "tuned": _tuned_ref(tuned_record, statement.get("adapter_type", "lora")),
    }
    stated = {field: value for field, value in statement.items() if field != "adapter_type"}
    manifest = parse_manifest(clean_document(known | stated), "manifest")
    name = entry_id_of(base_record, tuned_record)
    home = base_folder(bases, suite_name(base_record), base_record.checkpoint.weights_digest)
    new_base = not home.exists()
    if not new_base:
        _check_stored(home, tuned)
    # Next to the final folders, so that moving is atomic and a failure leaves existing files alone.
    drafts = _drafts_folder(submissions)
    draft, base_draft = drafts / name, drafts / "base"
    judges = Judges(suites)
    moved = False
    try:
        cut = _write_run(tuned, draft / TUNED_FOLDER, judges, to_hub, name)
        write_manifest(draft / MANIFEST_FILE, manifest)
        if template is not None:
            shutil.copyfile(template, draft / TUNED_FOLDER / TEMPLATE_FILE)
        if dynamics is not None:
            shutil.copyfile(dynamics, draft / DYNAMICS_FILE)
        seal(draft)
        if new_base:
            _write_run(base, base_draft, judges, to_hub, f"bases/{suite_name(base_record)}/{home.name}")
            seal(base_draft)
            moved = _moved(base_draft, home)
            if not moved:
                _check_stored(home, tuned)
        entry = read_entry(draft, BaseRuns(bases))
        scorecard = score_pair(entry.base, entry.tuned, manifest.target)
    except BaseException:
        if moved:
            shutil.rmtree(home, ignore_errors=True)
        raise
    else:
        shutil.rmtree(submissions / name, ignore_errors=True)
        draft.replace(submissions / name)
    finally:
        shutil.rmtree(drafts, ignore_errors=True)
    return Prepared(name, submissions / name, home, scorecard, cut)


def _drafts_folder(submissions: Path) -> Path:
    """A folder of this process alone below ``submissions``; those of processes that were killed are removed."""
    submissions.mkdir(parents=True, exist_ok=True)
    for left in submissions.glob(f"{_DRAFTS}*"):
        if time.time() - left.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=_DRAFTS, dir=submissions))


def _moved(draft: Path, home: Path) -> bool:
    """Move ``draft`` to ``home``; False where another process has put its run of the same base there meanwhile."""
    home.parent.mkdir(parents=True, exist_ok=True)
    try:
        draft.replace(home)
    except OSError:
        if home.is_dir():
            return False
        raise
    return True


def _check_stored(home: Path, tuned: Path) -> None:
    """The board keeps one run of a base on a suite: a tuned run on another engine, for example, cannot join it."""
    try:
        pair(read_run(home), read_run(tuned))
    except CheckFailedError as error:
        raise SubmissionError(
            f"{home}: the board keeps this one run of the base on the suite, and {tuned} cannot be compared with it "
            f"({error}). Evaluate the tuned checkpoint as that run.json says: on its engine, with the suite's prompts, "
            "the base's image processor and the base's stop tokens (a fine-tune's own are eos_token_id in its "
            "generation_config.json)"
        ) from error


def _is_base_of(other: RunRecord, tuned: RunRecord) -> bool:
    own_base = tuned.checkpoint.base
    return (
        other.suite == tuned.suite
        and other.engine.environment == tuned.engine.environment
        and (other.replicate, other.screened, other.sampling) == (0, None, tuned.sampling)
        and other.checkpoint.kind == "full"
        and other.checkpoint.weights_digest != tuned.checkpoint.weights_digest
        and (own_base is None or other.checkpoint.weights_digest == own_base.weights_digest)
        and _alike(other.conditions, tuned.conditions)
    )


def _alike(base: ConditionsRecord | None, tuned: ConditionsRecord | None) -> bool:
    """Whether answers of both end at the same tokens and lengths; a base may have a run for each of several ends."""
    if base is None or tuned is None:
        return True  # Pairing says what an older record lacks.
    return (base.max_model_len, base.stop_token_ids) == (tuned.max_model_len, tuned.stop_token_ids)


def _write_run(source: Path, target: Path, judges: Judges, to_hub: str | None, name: str) -> int:
    """Write a run into an entry, truncating outputs if it is too large; returns how many were truncated."""
    target.mkdir(parents=True)
    record = read_record(source)
    if (source / RECORD_FILE).stat().st_size > MAX_RECORD_BYTES:
        raise SubmissionError(f"{source / RECORD_FILE}: larger than {MAX_RECORD_BYTES // 1024**2} MB")
    if not (source / SAMPLES_FILE).is_file():
        raise SubmissionError(
            f"{source / SAMPLES_FILE}: no such file; run `retention evaluate` again to finish the run"
        )
    log = record.full_log
    if too_large(source / SAMPLES_FILE):
        suite = judges.suite(suite_name(record))
        if suite is None:
            raise SubmissionError(
                f"{source / SAMPLES_FILE}: larger than {MAX_FILE_BYTES // 1024**2} MB; truncating its outputs needs "
                f"suite {suite_name(record)}: give its file with --suite"
            )
        log = shorten(source, target, judges.recomputer(suite))
    else:
        for file in (RECORD_FILE, SAMPLES_FILE):
            shutil.copyfile(source / file, target / file)
    if to_hub is not None:
        uploaded = upload_log(to_hub, name, source)
        log = uploaded.model_copy(update={"cut": 0 if log is None else log.cut})
        write_record(target, read_record(target).model_copy(update={"full_log": log}))
    return 0 if log is None else log.cut


def _tuned_ref(record: RunRecord, adapter_type: str) -> dict[str, Any]:
    reference = _model_ref(record.checkpoint, record)
    return {"adapter": reference, "adapter_type": adapter_type} if record.checkpoint.kind == "adapter" else reference


def _model_ref(checkpoint: CheckpointRecord, record: RunRecord) -> dict[str, Any]:
    source: dict[str, Any] = (
        {"repo": checkpoint.name, "revision": checkpoint.revision}
        if checkpoint.source == "hub"
        # A local name may be a path; only its last part means anything to others.
        else {"local": Path(checkpoint.name).name}
    )
    return source | {
        "weights_digest": checkpoint.weights_digest,
        "files": checkpoint.files,
        "dtype": record.engine.dtype,
        "architecture": checkpoint.architecture,
    }
