"""A case: one threat made real, what the pipeline is given of it, and the verdict that is expected."""

import base64
import json
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.items import files_digest
from harness.records.run import RECORD_FILE, read_record
from harness.records.samples import SAMPLES_FILE
from leaderboard.documents.identity import entry_id, seal
from leaderboard.documents.manifest import MANIFEST_FILE, read_manifest
from tests.support.accepting import accepted
from tests.support.tiny import TinyShelf, model, tiny_shelf, tiny_suite

# The threats, in the words of README.md.
THREATS = {
    "pickle": "pickle or .bin/.pt/.ckpt weights",
    "code": "auto_map or *.py in a model folder",
    "processor": "processor_config naming code",
    "adapter": "adapter_config naming modules",
    "elsewhere": "configuration that points a library at other files or models",
    "two-faced": "two-faced folders: files of which libraries read different ones",
    "turned": "classes, sizes and patterns that hang an engine or make no generator of it",
    "weights": "weights that are not the model's or the base's, and configurations of models far larger than they",
    "header": "malformed safetensors headers (length, overlap, 100k entries)",
    "template": "chat templates: server-side template injection, nested loops, a 19-byte template that prints 200 MB",
    "recogniser": "a template that recognises the question and inserts the answer",
    "tokenizer": "tokenizer and generation_config tricks",
    "path": "path traversal, symlinks, absolute and UNC names, trailing newline, case collisions, over-long names",
    "yaml": "YAML bombs, duplicate keys, deep nesting, NaN/Infinity",
    "markup": "HTML/JS/SVG in names, notes, URLs, outputs",
    "unicode": "bidi, zero-width and homoglyph names",
    "formula": "spreadsheet formulas in CSV",
    "citation": "BibTeX and Markdown injection",
    "bomb": "huge lines, zip and zstd bombs, parquet files that expand",
    "answer": "math answers that hang a checker",
    "secret": "secrets in logs",
    "fabricated": "fabricated, copied or constant outputs",
    "twin": "names that can be mistaken for those of earlier entries",
    "account": "entries that another account takes over, changes, or sends in a name that is not its own",
    "ledger": "events of others, on too little evidence, or of a time that is not",
}
Kind = Literal["model", "names", "template", "entry", "answers", "table", "ledger", "request"]
# refused: an error or a finding that refuses; flagged: a finding that flags; neutralised: goes through, without effect.
Verdict = Literal["refused", "flagged", "neutralised"]


@dataclass(frozen=True)
class Case:
    """``says`` is part of the message that is expected, or of the text that a neutralised case leaves; ``rule`` names
    the rule of acceptance for entries, and ``texts`` are what an entry's page has to show as text. ``make`` writes the
    case and returns what the pipeline is given of it."""

    name: str
    threat: str
    kind: Kind
    verdict: Verdict
    says: str
    make: Callable[["Shop", "Case"], Any]
    rule: str | None = None
    texts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.threat not in THREATS:
            raise ValueError(f"{self.name}: unknown threat {self.threat}")

    @property
    def outcome(self) -> str:
        """What happens, for the table in the README."""
        if self.rule:
            return f"{self.verdict} by `{self.rule}`"
        if self.kind == "entry":
            return "accepted and shown as text" if self.texts else "accepted"
        return self.verdict


class Payload:
    """Unpickled, it creates the file ``canary``."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.canary}'",)


class Shop:
    """Where cases are made: a tiny leaderboard with an honest base run and an honest entry to spoil copies of."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.canaries = root / "canaries"
        self.canaries.mkdir(parents=True)
        self.board: TinyShelf = tiny_shelf(tiny_suite(root / "tasks"), root / "board")
        stated = {"contact": {"handle": "ada-lo"}, "method": {"family": "sft", "algorithm": "grpo", "steps": 10}}
        self.honest = self.board.add("honest", model(1), statement=stated)
        accepted(self.board.shelf, self.honest.name)

    def canary(self, case: Case) -> Path:
        return self.canaries / case.name

    def pickled(self, case: Case) -> bytes:
        return pickle.dumps(Payload(self.canary(case)), protocol=4)

    def folder(self, case: Case) -> Path:
        """A new empty folder for a case."""
        folder = self.root / "cases" / case.name
        folder.mkdir(parents=True)
        return folder

    def copy(self, case: Case) -> Path:
        """An entry like the honest one, of other weights and so of another name, for a case to spoil."""
        record = read_record(self.honest / "tuned")
        manifest = read_manifest(self.honest / MANIFEST_FILE)
        old = {record.checkpoint.weights_digest, *record.checkpoint.files.values()}
        files = {"model.safetensors": base64.b16encode(case.name.encode().ljust(32)[:32]).decode().lower()}
        suite = f"{manifest.suite.id}-{manifest.suite.version}"
        weights = files_digest(files)
        name = entry_id(suite, manifest.base.weights_digest, weights, manifest.suite.protocol)
        folder = self.honest.with_name(name)
        shutil.copytree(self.honest, folder)
        for path in (folder / MANIFEST_FILE, folder / "tuned" / RECORD_FILE):
            text = path.read_text("utf-8").replace(record.checkpoint.weights_digest, weights)
            for digest in old:
                text = text.replace(digest, files["model.safetensors"])
            path.write_text(text, "utf-8")
        seal(folder)
        return folder

    def entry(self, says: Callable[[str, dict[str, Any]], str | int], case: Case, **statement: Any) -> Path:
        """A whole entry of a model that says ``says``, through the code that writes real ones."""
        return self.board.add(case.name, says, statement=statement)


def edit(folder: Path, old: str, new: str, name: str = MANIFEST_FILE) -> Path:
    """Replace ``old`` in a text file of an entry and seal it again."""
    path = folder / name
    text = path.read_text("utf-8")
    if old not in text:
        raise ValueError(f"{path} holds no {old!r}")
    path.write_text(text.replace(old, new, 1), "utf-8")
    seal(folder)
    return folder


def record(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Change the document of an entry's run.json and seal it again."""
    path = folder / "tuned" / RECORD_FILE
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_text(json.dumps(document), "utf-8")
    seal(folder)
    return folder


def put(folder: Path, name: str, data: bytes | str) -> Path:
    """Write a file of an entry and seal it again."""
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    seal(folder)
    return folder


def put_samples(folder: Path, data: bytes) -> Path:
    """Replace the samples of an entry, with digests that fit."""
    import hashlib

    (folder / "tuned" / SAMPLES_FILE).write_bytes(data)
    return record(folder, lambda document: document.update(samples_sha256=hashlib.sha256(data).hexdigest()))
