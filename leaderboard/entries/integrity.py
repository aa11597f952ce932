"""Steps 1 to 4 of acceptance: an entry's files, their format, names and hashes, checked against each other.

Each step is a function that reads what it needs into a :class:`Submission` and yields its findings. No task, data or
model is needed, so the board runs the same steps on every entry it shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from harness.errors import RetentionError
from harness.items import files_digest
from harness.records import (
    RECORD_FILE,
    SAMPLES_FILE,
    CheckpointRecord,
    Run,
    RunError,
    RunRecord,
    file_sha256,
    read_record,
    read_samples,
)
from harness.scoring import Dynamics
from leaderboard.documents import (
    BASE_FILES,
    DYNAMICS_FILE,
    ENTRY_FILES,
    MANIFEST_FILE,
    OPTIONAL_FILES,
    SUMS_FILE,
    TEMPLATE_FILE,
    TUNED_FOLDER,
    AdapterRef,
    Manifest,
    ModelRef,
    Node,
    PlainYamlError,
    base_folder,
    base_home,
    base_run_id,
    entry_id,
    file_names,
    is_further,
    parse_manifest,
    read_plain_yaml,
    read_sums,
    suite_name,
)
from leaderboard.entries.dynamics import DynamicsError, contradictions, read_dynamics
from leaderboard.entries.limits import MAX_FILE_BYTES, LimitError, check_files, check_samples, is_cut
from leaderboard.entries.rules import Finding, finding
from leaderboard.entries.secrets import find_secret

Side = Literal["base", "tuned"]
Findings = Iterator[Finding]
# Base runs by their places: the wrong ones, each with the one that takes its place.
Replaced = tuple[tuple[str, str], ...]

_FIELD = re.compile(r"([A-Za-z_][\w.\[\]-]{0,100}): (.+)", re.DOTALL)
_DIGEST = r"\A[0-9a-f]{64}\z"
_ENDINGS = frozenset({"stop", "length", "error"})
_LONGEST_LABEL = 200
_MOMENT = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|\+00:00)", re.ASCII)


@dataclass
class BaseRun:
    """A stored run of a base: its place among the base runs, the run itself, and what is wrong with it."""

    home: str
    run: Run | None
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        """What its files begin with in findings and ledgers."""
        return f"bases/{self.home}/"


@dataclass
class BaseRuns:
    """The folder of base runs; each is read once, however many entries need it."""

    root: Path
    known: dict[str, BaseRun] = field(default_factory=dict)

    def get(self, home: str) -> BaseRun | None:
        """The run at ``home`` (:func:`leaderboard.documents.base_home`), or None if there is none."""
        folder = self.root / home
        if not folder.is_dir() and not folder.is_symlink():
            return None
        if home not in self.known:
            self.known[home] = _read_base(folder, home)
        return self.known[home]


@dataclass
class Submission:
    """An entry's folder, the base runs, and what the steps have read so far.

    ``broken`` are files that must not be opened, or are missing; ``replaced`` are the base runs that the entry's
    ledger replaces, with those that take their place, in order.
    """

    folder: Path
    bases: BaseRuns
    replaced: Replaced = ()
    broken: set[str] = field(default_factory=set)
    document: Node = None
    manifest: Manifest | None = None
    base: BaseRun | None = None
    record: RunRecord | None = None
    samples: pd.DataFrame | None = None
    dynamics: Dynamics | None = None

    @property
    def tuned(self) -> Run | None:
        return Run(self.record, self.samples) if self.record is not None and self.samples is not None else None

    @property
    def expected_id(self) -> str | None:
        """The folder name that follows from the manifest."""
        if self.manifest is None:
            return None
        suite = self.manifest.suite
        return entry_id(
            f"{suite.id}-{suite.version}",
            self.manifest.base.weights_digest,
            self.manifest.tuned_model.weights_digest,
            suite.protocol,
        )


def files(entry: Submission) -> Findings:
    """1: only the files of an entry, regular and small; manifest and samples have a format that is safe to read."""
    yield from _files(entry.folder, ENTRY_FILES, OPTIONAL_FILES, "", entry.broken)
    if MANIFEST_FILE not in entry.broken:
        manifest = entry.folder / MANIFEST_FILE
        try:
            entry.document = read_plain_yaml(manifest)
        except PlainYamlError as error:
            entry.broken.add(MANIFEST_FILE)
            yield finding("manifest-form", MANIFEST_FILE, _without_path(error, manifest))
    yield from _form(entry.folder, f"{TUNED_FOLDER}/", "", entry.broken)
    texts = [MANIFEST_FILE, f"{TUNED_FOLDER}/{RECORD_FILE}"]
    if _has_dynamics(entry):
        texts.append(DYNAMICS_FILE)
    yield from _secrets(entry.folder, texts, "", entry.broken)


def schema(entry: Submission) -> Findings:
    """2: manifest, record and samples have all fields, each of the right type and in range."""
    if MANIFEST_FILE not in entry.broken:
        try:
            entry.manifest = parse_manifest(entry.document, MANIFEST_FILE)
        except RetentionError as error:
            place, why = _blame(error, Path(MANIFEST_FILE))
            yield finding("manifest-schema", MANIFEST_FILE, why, place)
    entry.record, entry.samples, found = _read_run(entry.folder, f"{TUNED_FOLDER}/", "", entry.broken)
    yield from found
    if _has_dynamics(entry):
        file = entry.folder / DYNAMICS_FILE
        try:
            entry.dynamics = read_dynamics(file)
        except DynamicsError as error:
            place, why = _blame(error, file)
            yield finding("dynamics-schema", DYNAMICS_FILE, why, place)


def path(entry: Submission) -> Findings:
    """3: the folder's name matches its content, the base's run exists, and manifest and runs agree."""
    manifest = entry.manifest
    if manifest is None:
        return
    if entry.folder.name != entry.expected_id:
        why = f"the folder is named {entry.folder.name}, but by its manifest it must be {entry.expected_id}"
        yield finding("entry-id", MANIFEST_FILE, why, expected=entry.expected_id)
    home = paired_home(manifest, entry.replaced)
    entry.base = entry.bases.get(home)
    if entry.base is None:
        why = f"no run of this base at {home} among the base runs"
        yield finding("base-missing", MANIFEST_FILE, why, "base")
    else:
        yield from (each for each in entry.base.findings if each.step <= 3)
        if entry.base.run is not None:
            yield from _side("base", manifest, manifest.base, entry.base.run.record)
            named = manifest.base_run if home == base_home(manifest) else None
            if named is not None and named != base_run_id(entry.base.run):
                yield finding("base-missing", MANIFEST_FILE, f"the run at {home} is another one", "base_run")
    if entry.record is not None:
        yield from _side("tuned", manifest, manifest.tuned_model, entry.record)
        yield from _adapter(manifest, entry.record.checkpoint)
        yield from _template(entry, entry.record)
    if entry.dynamics is not None:
        for place, why in contradictions(entry.dynamics, manifest):
            yield finding("dynamics-other", DYNAMICS_FILE, why, place)
    if entry.samples is not None and manifest.target not in (families := sorted(entry.samples["family"].unique())):
        why = f"the suite has no family {manifest.target!r}; it has {', '.join(families)}"
        yield finding("contradiction", MANIFEST_FILE, why, "target")


def hashes(entry: Submission) -> Findings:
    """4: every file matches its sha256, and every digest matches its content."""
    yield from _sums(entry.folder, "", entry.broken)
    if entry.base is not None:
        yield from (each for each in entry.base.findings if each.step == 4)
    if entry.record is not None:
        yield from _samples_hash(entry.folder, f"{TUNED_FOLDER}/", "", entry.record, entry.broken)
        yield from _full_log(f"{TUNED_FOLDER}/", entry.record, entry.samples)
    if entry.manifest is not None:
        model = "tuned.adapter" if isinstance(entry.manifest.tuned, AdapterRef) else "tuned"
        for place, reference in (("base", entry.manifest.base), (model, entry.manifest.tuned_model)):
            if files_digest(reference.files) != reference.weights_digest:
                why = "is not the digest of the listed files"
                yield finding("weights-digest", MANIFEST_FILE, why, f"{place}.weights_digest")


def _has_dynamics(entry: Submission) -> bool:
    """Whether there is a dynamics.json that is safe to open."""
    return DYNAMICS_FILE not in entry.broken and (entry.folder / DYNAMICS_FILE).is_file()


STEPS: tuple[Callable[[Submission], Findings], ...] = (files, schema, path, hashes)


def paired_home(manifest: Manifest, replaced: Replaced) -> str:
    """Where the base run lies that an entry is scored with: the one that its manifest names, or what replaced it."""
    home = base_home(manifest)
    for wrong, right in replaced:
        home = right if home == wrong else home
    return home


def _read_base(home: Path, where: str) -> BaseRun:
    shown, broken = f"bases/{where}/", set[str]()
    found = [*_files(home, BASE_FILES, frozenset(), shown, broken), *_form(home, "", shown, broken)]
    found += _secrets(home, (RECORD_FILE,), shown, broken)
    record, samples, more = _read_run(home, "", shown, broken)
    found += [*more, *_sums(home, shown, broken)]
    if record is not None:
        found += [*_samples_hash(home, "", shown, record, broken), *_full_log(shown, record, samples)]
        if (expected := _expected_home(where, record, samples)) != where:
            found.append(finding("entry-id", f"{shown}{RECORD_FILE}", f"the folder is {where}, its run is {expected}"))
        if record.checkpoint.kind == "adapter":
            why = "a base cannot be an adapter"
            found.append(finding("contradiction", f"{shown}{RECORD_FILE}", why, "checkpoint.kind"))
    run = Run(record, samples) if record is not None and samples is not None else None
    return BaseRun(where, run, tuple(found))


def _expected_home(where: str, record: RunRecord, samples: pd.DataFrame | None) -> str:
    """Where a base run belongs by its content: a first one has no id in its place, which a further one has."""
    run_id = base_run_id(Run(record, samples)) if is_further(where) and samples is not None else None
    return base_folder(Path(), suite_name(record), record.checkpoint.weights_digest, run_id).as_posix()


# Below, ``inside`` leads from an entry's folder to its run, and ``shown`` from its name in findings to the folder.


def _files(folder: Path, expected: frozenset[str], optional: frozenset[str], shown: str, broken: set[str]) -> Findings:
    for trouble in check_files(folder, expected, optional):
        name, _, why = trouble.partition(": ")
        broken.add(name)
        yield finding("files", f"{shown}{name}", why)
    if folder.name in broken:
        broken |= expected


def _form(folder: Path, inside: str, shown: str, broken: set[str]) -> Findings:
    name = f"{inside}{SAMPLES_FILE}"
    if name not in broken:
        try:
            check_samples(folder / name)
        except LimitError as error:
            broken.add(name)
            yield finding("samples-form", f"{shown}{name}", _without_path(error, folder / name))


def _secrets(folder: Path, names: Sequence[str], shown: str, broken: set[str]) -> Findings:
    for name in names:
        if name not in broken and (kind := find_secret((folder / name).read_bytes().decode("utf-8", "replace"))):
            yield finding("secret", f"{shown}{name}", f"contains what looks like {kind}")


def _read_run(
    folder: Path, inside: str, shown: str, broken: set[str]
) -> tuple[RunRecord | None, pd.DataFrame | None, list[Finding]]:
    """Record and samples of a run as far as they can be read, and what cannot."""
    record, samples = None, None
    found: list[Finding] = []
    name = f"{inside}{RECORD_FILE}"
    if name not in broken:
        try:
            record = read_record(folder / inside)
        except RunError as error:
            place, why = _blame(error, folder / name)
            found.append(finding("record-schema", f"{shown}{name}", why, place))
    if f"{inside}{SAMPLES_FILE}" not in broken:
        name = f"{inside}{SAMPLES_FILE}"
        try:
            rows = read_samples(folder / name)
            _check_values(rows, folder / name)
            samples = rows
        except RunError as error:
            place, why = _blame(error, folder / name)
            found.append(finding("samples-schema", f"{shown}{name}", why, place))
        except Exception as error:  # a hostile file may make the reader raise anything
            found.append(finding("samples-schema", f"{shown}{name}", f"cannot be read ({type(error).__name__})"))
    if record is not None and samples is not None and (count := samples["item_id"].nunique()) != record.n_items:
        why = f"{record.n_items}, but there are {count} items"
        found.append(finding("record-schema", f"{shown}{inside}{RECORD_FILE}", why, "n_items"))
    if record is not None and samples is not None and (record.sampling is None) == ("repeat" in samples.columns):
        why = "differs from the samples, whose columns are those of a sampled run where it has none, or the reverse"
        found.append(finding("record-schema", f"{shown}{inside}{RECORD_FILE}", why, "decoding"))
    return record, samples, found


def _check_values(samples: pd.DataFrame, path: Path) -> None:
    """The rules of :class:`~harness.records.samples.Sample` that its reader does not check, column by column."""
    for column in ("item_id", "prompt_digest"):
        wrong = pc.index(pc.match_substring_regex(pa.array(samples[column]), _DIGEST), False).as_py()
        if wrong >= 0:
            raise RunError(f"{path}: {column}: row {wrong}: not 64 lower-case hex digits")
    if strange := sorted(set(samples["finish_reason"].unique()) - _ENDINGS):
        raise RunError(f"{path}: finish_reason: {strange[0][:40]!r}; expected one of {', '.join(sorted(_ENDINGS))}")
    failed = samples["error"].notna()
    if ((samples["finish_reason"] == "error") != failed).any():
        raise RunError(f"{path}: finish_reason: is error where column error says nothing, or the reverse")
    for column in ("n_prompt_tokens", "n_output_tokens"):
        if (samples[column] < 0).any():
            raise RunError(f"{path}: {column}: a negative number of tokens")
    for column in ("task", "family", "group", "cluster_id"):
        if (pc.max(pc.utf8_length(pa.array(samples[column]))).as_py() or 0) > _LONGEST_LABEL:
            raise RunError(f"{path}: {column}: longer than {_LONGEST_LABEL} characters")


def _side(side: Side, manifest: Manifest, model: ModelRef, record: RunRecord) -> Findings:
    record_name = f"the {side} run's {RECORD_FILE}"
    stated_and_run: dict[str, tuple[Any, Any]] = {
        "suite.id": (manifest.suite.id, record.suite.name),
        "suite.version": (manifest.suite.version, record.suite.version),
        "suite.protocol": (manifest.suite.protocol, record.suite.protocol),
        f"{side}.weights_digest": (model.weights_digest, record.checkpoint.weights_digest),
        f"{side}.revision": (model.revision, record.checkpoint.revision if model.repo else None),
        f"{side}.files": (model.files, record.checkpoint.files),
        f"{side}.architecture": (model.architecture, record.checkpoint.architecture),
        f"{side}.dtype": (model.dtype, record.engine.dtype),
    }
    if model.repo is not None:
        stated_and_run[f"{side}.repo"] = (model.repo, record.checkpoint.name)
    elif side == "base":
        # A base's name heads a whole track: it is that of its run, whoever submits a fine-tune of it.
        stated_and_run["base.local"] = (model.local, Path(record.checkpoint.name).name)
    for place, (stated, run) in stated_and_run.items():
        if stated != run:
            yield finding("contradiction", MANIFEST_FILE, f"differs from {record_name}", place)
    if why := _no_moment(record.created):
        yield finding("record-schema", _record_file(side), f"{side}: {why}", "created")
    if record.screened is not None:
        why = f"{side}: the run was screened and has only part of its suite"
        yield finding("partial-run", _record_file(side), why, "screened")
    if record.sampling is not None:
        why = f"{side}: the answers were sampled, and the board takes greedy answers alone"
        yield finding("sampled-run", _record_file(side), why, "decoding")
    if record.replicate != 0:
        why = f"{side}: a repetition that measures noise, not a run of its own"
        yield finding("partial-run", _record_file(side), why, "replicate")
    if record.has_custom_prompts and manifest.track != "custom":
        why = "a run with its own chat template, or arguments for it, belongs to the custom track"
        yield finding("native-on-standard", MANIFEST_FILE, why, "track")
    if record.own_processor and manifest.track != "custom":
        why = "a run with its own image processor belongs to the custom track"
        yield finding("native-on-standard", MANIFEST_FILE, why, "track")
    if record.own_pixels and manifest.track != "custom":
        why = "a run with a pixel budget of its own belongs to the custom track"
        yield finding("native-on-standard", MANIFEST_FILE, why, "track")


def _no_moment(created: str) -> str | None:
    """Why ``created`` is no moment that a run can have ended at; None where it is one."""
    try:
        moment = datetime.fromisoformat(created) if _MOMENT.fullmatch(created) else None
    except ValueError:
        moment = None
    if moment is None:
        return "not a moment of the calendar, YYYY-MM-DDThh:mm:ssZ"
    # A day, for clocks that are wrong.
    return "in the future" if moment > datetime.now(UTC) + timedelta(days=1) else None


def _record_file(side: Side) -> str:
    return f"{TUNED_FOLDER}/{RECORD_FILE}" if side == "tuned" else f"bases/{RECORD_FILE}"


def _adapter(manifest: Manifest, checkpoint: CheckpointRecord) -> Findings:
    if isinstance(manifest.tuned, AdapterRef) != (checkpoint.kind == "adapter"):
        why = f"the checkpoint of the run is {checkpoint.kind}"
        yield finding("contradiction", MANIFEST_FILE, why, "tuned")
    if checkpoint.base is not None and checkpoint.base.weights_digest != manifest.base.weights_digest:
        yield finding("contradiction", MANIFEST_FILE, "the adapter was made for another base", "base")


def _template(entry: Submission, record: RunRecord) -> Findings:
    name = f"{TUNED_FOLDER}/{TEMPLATE_FILE}"
    there = (entry.folder / name).is_file()
    if there and not record.has_own_template:
        yield finding("files", name, "unexpected file: the run used its base's template")
    if not there and record.has_own_template:
        yield finding("files", name, "is missing: the run used a chat template of its own")


def _samples_hash(folder: Path, inside: str, shown: str, record: RunRecord, broken: set[str]) -> Findings:
    name = f"{inside}{SAMPLES_FILE}"
    if name not in broken and (actual := file_sha256(folder / name)) != record.samples_sha256:
        why = f"sha256 differs from samples_sha256 in {RECORD_FILE}; the file was changed after the run"
        yield finding("samples-hash", f"{shown}{name}", why, stated=record.samples_sha256[:12], actual=actual[:12])


def _full_log(shown: str, record: RunRecord, samples: pd.DataFrame | None) -> Findings:
    """The number of truncated outputs, and the full log's sha256 if none was truncated."""
    name, log = f"{shown}{RECORD_FILE}", record.full_log
    marked = 0 if samples is None else sum(map(is_cut, samples["output"].tolist()))
    stated = 0 if log is None else log.cut
    if samples is not None and marked != stated:
        yield finding("full-log", name, f"states {stated} truncated outputs, but {marked} are", "full_log.cut")
    if log is not None and log.cut == 0 and log.samples_sha256 != record.samples_sha256:
        yield finding(
            "full-log", name, "names another samples file, but no output was truncated", "full_log.samples_sha256"
        )


def _sums(folder: Path, shown: str, broken: set[str]) -> Findings:
    """Every file of ``folder`` against its line in SHA256SUMS."""
    if SUMS_FILE in broken:
        return
    name = f"{shown}{SUMS_FILE}"
    try:
        sums = read_sums(folder / SUMS_FILE)
    except RetentionError as error:
        yield finding("changed", name, _without_path(error, folder / SUMS_FILE))
        return
    there = file_names(folder) - {SUMS_FILE}
    for file in sorted(there):
        if (folder / file).is_symlink() or (folder / file).stat().st_size > MAX_FILE_BYTES:
            continue  # reported in step 1, and unsafe to read
        if file not in sums:
            yield finding("changed", name, f"has no line for {file}")
        elif (actual := file_sha256(folder / file)) != sums[file]:
            why = f"sha256 differs from {SUMS_FILE}"
            yield finding("changed", f"{shown}{file}", why, stated=sums[file][:12], actual=actual[:12])
    for file in sorted(sums.keys() - there):
        yield finding("changed", name, f"lists {file}, which does not exist")


def _blame(error: Exception, path: Path) -> tuple[str | None, str]:
    """The field that an error names, if any, and the rest of its message."""
    message = _without_path(error, path)
    found = _FIELD.fullmatch(message)
    return (None, message) if found is None else (found[1], found[2])


def _without_path(error: Exception, path: Path) -> str:
    # Findings are published, and must not reveal the folders of whoever validates.
    message = str(error).replace(f"{path}: ", "", 1)
    for folder in (path, path.parent, path.parent.parent):
        if len(folder.parts) > 1:
            message = message.replace(str(folder), folder.name)
    return message
