"""Files and folders of other tools that hold no answers, or not in a form that is read: named, with the way out."""

from collections.abc import Callable
from pathlib import Path

from harness.records.logs.choices import some_names
from harness.records.logs.log_path import LogPath

_OWN = "write the items as CSV or JSON lines with item_id, task, family and outcome"
_PICKLE = (
    "a Python pickle, which can run code when it is read and is never opened: in the tool that wrote it, "
    "write it as CSV (pandas: pd.read_pickle(FILE).to_csv(...))"
)
# What the first bytes say, where they are sure.
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"SQLite format 3\0", f"an SQLite database (of trackio, MLflow or others), which has curves but no items; {_OWN}"),
    (b"ARROW1\0\0", "an Arrow file: write it as parquet (datasets: Dataset.from_file(FILE).to_parquet(...))"),
    (b"\x1f\x8b", "compressed by gzip: unpack it (gunzip) and give what was in it"),
    (b"BZh", "compressed by bzip2: unpack it (bunzip2) and give what was in it"),
    (b"\xfd7zXZ\0", "compressed by xz: unpack it (unxz) and give what was in it"),
    (b"\x28\xb5\x2f\xfd", "compressed by Zstandard: unpack it (zstd -d) and give what was in it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it and give what was in it"),
    (b"\xd0\xcf\x11\xe0", f"an old Excel file (.xls): save it as .xlsx or CSV; {_OWN}"),
    (b"GGUF", "weights of a model (GGUF): evaluate the model (`retention evaluate`), and give its run"),
    (b"%PDF", f"a PDF; {_OWN}"),
    (b"\x89PNG", f"a picture; {_OWN}"),
    (b"\xff\xd8\xff", f"a picture; {_OWN}"),
    (b"GIF8", f"a picture; {_OWN}"),
    (b"II*\0", f"a picture; {_OWN}"),
    (b"MM\0*", f"a picture; {_OWN}"),
)
# The names of files whose bytes say too little, or of pictures in a folder.
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".svg")
_SUFFIXES = {
    ".pkl": _PICKLE,
    ".pickle": _PICKLE,
    ".pt": _PICKLE,
    ".pth": _PICKLE,
    ".joblib": _PICKLE,
    ".npy": f"an array of numpy; {_OWN}",
    ".npz": f"arrays of numpy; {_OWN}",
    ".wandb": "the record of a Weights & Biases run, which has curves but no items; give the evaluation's own log, "
    "or a table that was logged (wandb.Table) as CSV",
    ".safetensors": "weights of a model: evaluate the model (`retention evaluate`), and give its run",
    ".html": f"a web page; {_OWN}",
    ".ipynb": f"a notebook; {_OWN} (rb.compare takes data frames too)",
    ".onnx": "weights of a model: evaluate the model (`retention evaluate`), and give its run",
    **dict.fromkeys((".md", ".rst"), f"a text to read, not answers; {_OWN}"),
    **dict.fromkeys((".py", ".sh"), f"a program, not answers; {_OWN}"),
    **dict.fromkeys((".mp4", ".webm", ".mov", ".avi", ".mkv"), f"a video; {_OWN}"),
    **dict.fromkeys((".docx", ".pptx", ".odt", ".ods"), f"an office document: save its table as CSV; {_OWN}"),
    ".yaml": "a YAML file: a suite or a configuration, not the answers of a run; give a run's folder, a table or a log",
    ".yml": "a YAML file: a suite or a configuration, not the answers of a run; give a run's folder, a table or a log",
}
# What the fields of a JSON document say, most particular first.
_DOCUMENTS: tuple[tuple[frozenset[str], str], ...] = (
    (
        frozenset({"config_general", "results"}),
        "lighteval's results without items: run it with --save-details and give details/MODEL/DATE",
    ),
    (
        frozenset({"results", "configs", "model_configs"}),
        "lmms-eval's results without items: run it with --log_samples and give the *_samples_*.jsonl beside it",
    ),
    (
        frozenset({"results", "configs", "n-shot"}),
        "lm-eval's results without items: run it with --log_samples and give the samples_*.jsonl beside it, or their "
        "folder",
    ),
    (frozenset({"evaluation_results", "evaluation_id"}), "an aggregate record of Every Eval Ever without items: give "
     "its instance-level file (detailed_evaluation_results, *.jsonl)"),
    (frozenset({"transitions", "tasks", "provenance"}), "a scorecard, the result of a comparison: give the two runs "
     "that it was made of"),
    (frozenset({"retention_macro", "tasks"}), "a scorecard, the result of a comparison: give the two runs that it was "
     "made of"),
    (frozenset({"samples_sha256", "checkpoint"}), "the record of a run: give its folder"),
    (frozenset({"log_history", "global_step"}), "the state of a Trainer, which has loss curves but no items: evaluate "
     "the checkpoint (`retention evaluate`), and give its run"),
    (frozenset({"adapter_spec", "scenario_spec"}), "the description of a HELM run: give its folder"),
    (frozenset({"evalId", "results"}), f"an output of promptfoo, which is not read; {_OWN}"),
    (frozenset({"testCases"}), f"an output of DeepEval, which is not read; {_OWN}"),
    (frozenset({"architectures"}), "the configuration of a model: evaluate the model, and give its run"),
)  # fmt: skip
# What the first row of JSON lines says.
_ROWS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"_step", "_runtime"}), _SUFFIXES[".wandb"]),
    (frozenset({"loss", "step"}), f"the curve of a training, which has no items; {_OWN}"),
    (frozenset({"loss", "epoch"}), f"the curve of a training, which has no items; {_OWN}"),
    (frozenset({"run_id", "event_id", "type"}), f"a log of OpenAI Evals, which is not read; {_OWN}"),
    (frozenset({"spec"}), f"a log of OpenAI Evals, which is not read; {_OWN}"),
)
READ = (
    "lm-eval, Inspect, lighteval, lmms-eval, VLMEvalKit, OpenCompass, HELM and Every Eval Ever logs are read "
    "(`retention compare --help`)"
)


def why_unreadable(log: LogPath) -> str | None:
    """One line on what lies at the path and how to convert it; None where a reader of runs or tables should say."""
    for check in (_missing, _empty, _by_folder, _by_name, _by_content, _by_document, _by_row, _by_text):
        if why := check(log):
            return f"{log.path}: {why}"
    return None


def _missing(log: LogPath) -> str | None:
    return None if log.path.exists() or log.suffix != ".eval" else "no such file"


def _empty(log: LogPath) -> str | None:
    if not log.path.is_file() or log.path.stat().st_size:
        return None
    return "an empty file: was it written to the end?"


def _by_name(log: LogPath) -> str | None:
    if not log.path.is_file():
        return None
    if "tfevents" in log.path.name:
        return (
            "an event file of TensorBoard, which has curves but no items: give the evaluation's own log, or a run of "
            "`retention evaluate`"
        )
    return f"a picture; {_OWN}" if log.suffix in _PICTURES else _SUFFIXES.get(log.suffix)


def _by_content(log: LogPath) -> str | None:
    head = log.head
    for signature, what in _SIGNATURES:
        if head.startswith(signature):
            return what
    if head.startswith(b"PK\x03\x04"):
        return "a zip archive: unpack it and give the file or folder in it"
    if head[257:262] == b"ustar":
        return "a tar archive: unpack it and give the file or folder in it"
    if len(head) > 1 and head[0] == 0x80 and head[1] in (2, 3, 4, 5):
        return _PICKLE
    if log.suffix == ".eval":
        return "not a log of Inspect, which is a zip archive: is the file complete?"
    if head.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        return f"a web page; {_OWN}"
    return None


def _by_document(log: LogPath) -> str | None:
    document = log.document
    if isinstance(document, dict):
        for fields, what in _DOCUMENTS:
            if fields <= log.fields:
                return what
        if _one_row(log):
            return None
        if log.path.parent.parent.name == "results":
            return "OpenCompass's result without items: run it with --dump-eval-details"
        held = f"JSON with the fields {_shown(log.fields)}" if document else "an empty JSON object"
        return f"{held}, which is no log that is known; {READ}; or {_OWN}"
    if isinstance(document, str | int | float | list) and not (document and isinstance(document, list)):
        return f"JSON without any rows; {_OWN}"
    if isinstance(document, list) and document and isinstance(document[0], dict):
        name = document[0].get("name")
        if isinstance(name, dict) and "split" in name:
            return "HELM's statistics without items: give the run's folder, with per_instance_stats.json in it"
        if "instance_id" in document[0]:
            return "a part of a HELM run: give the run's folder, with per_instance_stats.json in it"
    return None


def _by_row(log: LogPath) -> str | None:
    fields = log.first_row.keys()
    for needed, what in _ROWS:
        if needed <= fields:
            return what
    return None


def _by_text(log: LogPath) -> str | None:
    """A file that is neither JSON nor a table by its name: quoted, as nothing else is known of it."""
    head = log.head.lstrip()
    if not head or head.startswith(b"PAR1") or log.suffix in (".csv", ".tsv", ".jsonl", ".ndjson"):
        return None
    if log.suffix == ".xlsx":
        return "not an Excel file: is it complete?"
    if head.startswith((b"{", b"[")):
        broken = log.suffix == ".json" and log.document is None and not _json_lines(head)
        return "broken JSON: is the file complete?" if broken else None
    start = ascii(head[:30].decode(errors="replace"))
    return f"not a table or log that is known (it begins with {start}); {READ}; or {_OWN}"


def _json_lines(head: bytes) -> bool:
    """Whether what begins so is a first line that is an object, or may be one."""
    line, newline, _ = head.partition(b"\n")
    return not newline or line.rstrip().endswith(b"}")


def _one_row(log: LogPath) -> bool:
    """JSON lines of a single row are a JSON document too."""
    return "item_id" in log.fields or "outcome" in log.fields


def _by_folder(log: LogPath) -> str | None:
    if not log.is_folder or (log.path / "run.json").exists():
        return None
    found: Callable[[str], list[Path]] = lambda pattern: sorted(log.path.glob(pattern))  # noqa: E731
    for pattern in ("results_*.json", "*_results.json", "*/results_*.json", "*/*_results.json"):
        for path in found(pattern)[:1]:
            return why.partition(": ")[2] if (why := why_unreadable(LogPath(path))) else None
    if (log.path / "config.json").is_file() and found("*.safetensors"):
        return "a checkpoint, not a run: evaluate it (`retention evaluate BASE TUNED`), and give the runs"
    if found("events.out.tfevents*"):
        return "a log folder of TensorBoard, which has curves but no items: give the evaluation's own log"
    if (log.path / "files" / "wandb-summary.json").is_file() or log.path.name == "wandb":
        return _SUFFIXES[".wandb"]
    if found("*.xlsx"):
        return f"a folder of VLMEvalKit: name one file, such as {found('*.xlsx')[0].name}"
    return _held(log)


def _held(log: LogPath) -> str:
    """What is in a folder with neither a run nor a log."""
    names = sorted(path.name for path in log.path.iterdir())
    pictures = [name for name in names if name.lower().endswith(_PICTURES)]
    what = "an empty folder" if not names else "a folder of pictures" if len(pictures) == len(names) else "a folder"
    runs = sorted(path.parent for pattern in ("*/run.json", "*/*/run.json") for path in log.path.glob(pattern))
    if runs:
        shown = ", ".join(ascii(str(run.relative_to(log.path)))[1:-1] for run in runs[:4])
        return f"a folder of {len(runs)} run{'s' * (len(runs) != 1)} ({shown}): name one of them"
    held = f" (it has {some_names(names, 3)})" if names else ""
    return f"{what} without a run (run.json) or a log that is known{held}; {READ}"


def _shown(fields: set[str]) -> str:
    return ", ".join(ascii(name)[1:-1][:30] for name in sorted(fields)[:6]) + (", ..." if len(fields) > 6 else "")
