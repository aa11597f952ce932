"""Preparing a submission: two run folders and the author's statement become one folder of ``submissions/``."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import RetentionError
from harness.records import (
    RECORD_FILE,
    SAMPLES_FILE,
    CheckpointRecord,
    ConditionsRecord,
    Run,
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
    answers_digest,
    base_folder,
    base_run_id,
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

    It has the same suite, engine and tokens that end an answer. An adapter names its base; for a full checkpoint it is
    the only other full checkpoint there. Raises ``SubmissionError`` if there is none, or more than one.
    """
    record = read_record(tuned)
    stored = _runs_of_base(sorted((bases / suite_name(record)).glob(f"*/{RECORD_FILE}")), record)
    beside = _runs_of_base(sorted(tuned.parent.parent.glob(f"*/*/{RECORD_FILE}")), record)
    # The one it was evaluated with goes before a stored one.
    found = stored | {weights: runs[-1:] for weights, runs in beside.items()}
    runs = [run for alike in found.values() for run in alike]
    if len(runs) == 1:
        return runs[0]
    why = f"several runs may be its base ({', '.join(map(str, runs))})" if runs else "no run of its base"
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

    The pair is made with this very run of the base: one that says the same and is comparable with ``tuned`` is shared;
    any other is put beside the first one, under its own id, which the manifest names.

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
    # Next to the final folders, so that moving is atomic and a failure leaves existing files alone.
    drafts = _drafts_folder(submissions)
    draft, base_draft = drafts / name, drafts / "base"
    judges = Judges(suites)
    added: Path | None = None
    try:
        cut = _write_run(tuned, draft / TUNED_FOLDER, judges, to_hub, name)
        _check_finished(base)
        runs = read_run(base), read_run(tuned)
        pair(*runs)
        home = _stored(*runs, bases)
        if home is None:
            log = f"bases/{suite_name(base_record)}/{base_record.checkpoint.weights_digest[:12]}"
            _write_run(base, base_draft, judges, to_hub, log)
            seal(base_draft)
            home, added = _put(base_draft, *runs, bases)
        if (run_id := _further_id(home)) is not None:
            manifest = manifest.model_copy(update={"base_run": run_id})
        write_manifest(draft / MANIFEST_FILE, manifest)
        if template is not None:
            shutil.copyfile(template, draft / TUNED_FOLDER / TEMPLATE_FILE)
        if dynamics is not None:
            shutil.copyfile(dynamics, draft / DYNAMICS_FILE)
        seal(draft)
        entry = read_entry(draft, BaseRuns(bases))
        scorecard = score_pair(entry.base, entry.tuned, manifest.target)
    except BaseException:
        if added is not None:
            shutil.rmtree(added, ignore_errors=True)
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


def _stored(base: Run, tuned: Run, bases: Path) -> Path | None:
    """The stored run of the base that says the same as ``base`` and can be compared with ``tuned``; None if none is."""
    first = base_folder(bases, suite_name(base.record), base.record.checkpoint.weights_digest)
    for home in sorted(first.parent.glob(f"{first.name}*")):
        try:
            stored = read_run(home)
            pair(stored, tuned)
        except RetentionError:
            continue
        log = stored.record.full_log
        cut_here = log is not None and log.samples_sha256 == base.record.samples_sha256
        if cut_here or answers_digest(stored) == answers_digest(base):
            return home
    return None


def _put(draft: Path, base: Run, tuned: Run, bases: Path) -> tuple[Path, Path | None]:
    """Move a base run to its place, the first one where there is none yet: its folder, and again where it is new.

    Another process may have put a run there meanwhile, the same one or another.
    """
    run = read_run(draft)
    suite, weights = suite_name(run.record), run.record.checkpoint.weights_digest
    first, further = base_folder(bases, suite, weights), base_folder(bases, suite, weights, base_run_id(run))
    for home in (first, further):
        if not home.exists() and _moved(draft, home):
            return home, home
        if (found := _stored(base, tuned, bases)) is not None:
            return found, None
    raise SubmissionError(f"{further}: in the way of the base's run, and not this run; remove it")


def _further_id(home: Path) -> str | None:
    """The id of a further run of a base, which its entries name; None for a first one."""
    return base_run_id(read_run(home)) if "-" in home.name else None


def _runs_of_base(records: Sequence[Path], tuned: RunRecord) -> dict[str, list[Path]]:
    """The runs among ``records`` that may be the base's of ``tuned``, by their weights."""
    found: dict[str, list[Path]] = {}
    for path in records:
        try:
            other = read_record(path.parent)
        except RetentionError:
            continue
        if _is_base_of(other, tuned):
            found.setdefault(other.checkpoint.weights_digest, []).append(path.parent)
    return found


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
    _check_finished(source)
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


def _check_finished(run: Path) -> None:
    if not (run / SAMPLES_FILE).is_file():
        raise SubmissionError(f"{run / SAMPLES_FILE}: no such file; run `retention evaluate` again to finish the run")


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
