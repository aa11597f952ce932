"""Files of an entry: names and links, YAML, JSON and parquet that no honest entry has, and secrets.

Each is an honest entry with one thing changed and every digest made to fit again, so that nothing but its own rule
stands in its way.
"""

import io
import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.records.run import RECORD_FILE
from harness.records.samples import SAMPLES_FILE
from harness.records.samples_file import ARROW_SCHEMA
from leaderboard.documents.identity import DYNAMICS_FILE
from leaderboard.documents.manifest import MANIFEST_FILE, read_manifest
from tests.hostile.case import Case, Shop, edit, put, put_samples, record
from tests.support.explaining import document, written_for

Harm = Callable[[Shop, Case, Path], Path | None]
_TUNED = Path("tuned")


def _entry(harm: Harm, shop: Shop, case: Case) -> str:
    folder = shop.copy(case)
    return str(harm(shop, case, folder) or folder)


def _case(name: str, threat: str, rule: str, says: str, harm: Harm) -> Case:
    return Case(name, threat, "entry", "refused", says, partial(_entry, harm), rule)


def _edit(old: str, new: str) -> Harm:
    return lambda shop, case, folder: edit(folder, old, new.replace("CANARY", str(shop.canary(case))))


def _manifest(data: bytes) -> Harm:
    return lambda shop, case, folder: put(folder, MANIFEST_FILE, data)


def _record(**fields: Any) -> Harm:
    return lambda shop, case, folder: record(folder, lambda document: document.update(fields))


def _raw_record(old: str, new: str) -> Harm:
    return lambda shop, case, folder: edit(folder, old, new, f"tuned/{RECORD_FILE}")


def _extra(name: str, content: bytes) -> Harm:
    def harm(shop: Shop, case: Case, folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.replace(b"CANARY", str(shop.canary(case)).encode()))

    return harm


def _link(name: str, target: str) -> Harm:
    def harm(shop: Shop, case: Case, folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(target)

    return harm


def _linked_folder(shop: Shop, case: Case, folder: Path) -> None:
    shutil.move(folder / "tuned", shop.root / "elsewhere")
    (folder / "tuned").symlink_to(shop.root / "elsewhere")


def _linked_entry(shop: Shop, case: Case, folder: Path) -> None:
    shutil.move(folder, shop.root / "linked-entry")
    folder.symlink_to(shop.root / "linked-entry")


def _pipe(shop: Shop, case: Case, folder: Path) -> None:
    (folder / "tuned" / SAMPLES_FILE).unlink()
    os.mkfifo(folder / "tuned" / SAMPLES_FILE)


def _linked_dynamics(shop: Shop, case: Case, folder: Path) -> None:
    (folder / DYNAMICS_FILE).symlink_to("/etc/passwd")


def _renamed(name: Callable[[str], str]) -> Harm:
    return lambda shop, case, folder: folder.rename(folder.with_name(name(folder.name)))


def _many_files(shop: Shop, case: Case, folder: Path) -> None:
    for number in range(2_000):
        (folder / f"{number}.txt").touch()


def _sums_elsewhere(shop: Shop, case: Case, folder: Path) -> None:
    with (folder / "SHA256SUMS").open("a") as file:
        file.write(f"{'0' * 64}  ../../../../etc/passwd\n")


def _bomb_of_aliases() -> bytes:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{y}: &{y} [{', '.join([f'*{x}'] * 9)}]" for x, y in zip("abcdefgh", "bcdefghi", strict=True)]
    return "\n".join(lines).encode()


def _table(rows: int = 1, **columns: Any) -> pa.Table:
    """A table of the samples' columns, every value the same but those given."""
    fields = {name: pa.array(columns[name], kind) if name in columns else _same(name, kind, rows)
              for name, kind in zip(ARROW_SCHEMA.names, ARROW_SCHEMA.types, strict=True)}  # fmt: skip
    return pa.table(fields, schema=ARROW_SCHEMA)


def _same(name: str, kind: pa.DataType, rows: int) -> pa.Array:
    if pa.types.is_nested(kind):
        return pa.nulls(rows, kind)
    value: Any = "0" * 64 if pa.types.is_string(kind) else False if pa.types.is_boolean(kind) else 0
    return pa.array([value], kind).take(pa.array([0] * rows, pa.int32()))


def _parquet(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **{"compression": "zstd", **options})
    return sink.getvalue()


def _samples(make: Callable[[Shop, Case], bytes]) -> Harm:
    return lambda shop, case, folder: put_samples(folder, make(shop, case))


def _one_page(shop: Shop, case: Case) -> bytes:
    """A page of 70 MB, all one letter, that zstd writes in some 10 KB."""
    table = _table(output=["x" * 70_000_000])
    return _parquet(table, use_dictionary=False, compression_level=1, write_statistics=False)


def _dictionary(shop: Shop, case: Case) -> bytes:
    """One text of a megabyte, named by 90,000 rows: 90 GB that a dictionary writes in a few KB."""
    text = pa.array(["x" * 1_000_000]).dictionary_encode()
    rows = pa.DictionaryArray.from_arrays(pa.array([0] * 90_000, pa.int32()), text.dictionary)
    table = _table(90_000)
    place = table.column_names.index("output")
    return _parquet(table.set_column(place, "output", rows), dictionary_pagesize_limit=2_000_000)


def _rows(shop: Shop, case: Case) -> bytes:
    return _parquet(_table(100_001))


def _groups(shop: Shop, case: Case) -> bytes:
    return _parquet(pa.table({"a": [0] * 1_001}), row_group_size=1)


def _columns(shop: Shop, case: Case) -> bytes:
    return _parquet(pa.table({f"c{number}": [0] for number in range(5_000)}))


def _unpickling_type(shop: Shop, case: Case) -> bytes:
    """The extension type that pyarrow unpickled from a file's metadata (CVE-2023-47248)."""
    marks = {"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": shop.pickled(case)}
    table = pq.read_table(shop.honest / "tuned" / SAMPLES_FILE)
    field = pa.field("output", pa.string(), metadata=marks)
    place = table.column_names.index("output")
    return _parquet(table.set_column(place, field, table.column("output")))


def _endless_version(shop: Shop, case: Case) -> bytes:
    """A version of the schema with more digits than a number may have."""
    table = pq.read_table(shop.honest / "tuned" / SAMPLES_FILE)
    return _parquet(table.replace_schema_metadata({"retentionbench_samples": "9" * 5_000}))


def _no_text(shop: Shop, case: Case) -> bytes:
    path = shop.honest / "tuned" / SAMPLES_FILE
    data = _parquet(pq.read_table(path), compression="none", use_dictionary=False)
    return data.replace(b"The answer is ", b"\xff\xfe\xff answer is ")


def _cut_footer(shop: Shop, case: Case) -> bytes:
    data = (shop.honest / "tuned" / SAMPLES_FILE).read_bytes()
    return data[:-4] + b"\xff\xff\xff\x7f"


def _huge_line(shop: Shop, case: Case) -> bytes:
    """An honest run but for one output, a line of 20 MB."""
    table = pq.read_table(shop.honest / "tuned" / SAMPLES_FILE)
    outputs = table.column("output").to_pylist()
    outputs[0] = "The answer is " + "1" * 20_000_000
    place = table.column_names.index("output")
    return _parquet(table.set_column(place, "output", pa.array(outputs)))


def _deep(field: str) -> Harm:
    return lambda shop, case, folder: put(folder, f"tuned/{RECORD_FILE}", f'{{"{field}":' + "[" * 100_000)


def _dynamics(old: str = "", new: str = "") -> Harm:
    """A document of dynamics that fits the entry, with one text in it replaced."""

    def harm(shop: Shop, case: Case, folder: Path) -> Path:
        manifest = read_manifest(folder / MANIFEST_FILE)
        target = {"probes": {"suite": "tiny-1", "digest": "e" * 64, "target": manifest.target}}
        digests = manifest.base.weights_digest, manifest.tuned_model.weights_digest
        text = written_for(*digests, folder, **target).read_text("utf-8")
        if old not in text:
            raise ValueError(f"no {old!r} in the document")
        return put(folder, DYNAMICS_FILE, text.replace(old, new) if old else text)

    return harm


_ZIP = b"PK\x03\x04" + b"\0" * 100
_TOKEN = "hf_" + "aBcD" * 9
_FIRST = "schema: retentionbench-manifest-1"

CASES = [
    # Names and links.
    _case("extra-python", "path", "files", "unexpected file", _extra("conftest.py", b"open('CANARY', 'w')")),
    _case("extra-deeper", "path", "files", "unexpected", _extra("tuned/a/b/c.json", b"{}")),
    _case("extra-zip", "bomb", "files", "unexpected file", _extra("full-log.zip", _ZIP)),
    _case("link-to-a-secret", "path", "files", "symbolic link", _link(f"tuned/{RECORD_FILE}", "/etc/passwd")),
    _case("link-to-nothing-that-ends", "path", "files", "symbolic link", _link(MANIFEST_FILE, "/dev/zero")),
    _case("link-of-a-folder", "path", "files", "symbolic link", _linked_folder),
    _case("link-of-an-entry", "path", "files", "symbolic link", _linked_entry),
    _case("pipe-for-samples", "path", "files", "not a plain file", _pipe),
    _case("too-many-files", "bomb", "files", "more than 50 files", _many_files),
    _case("upper-case-entry", "path", "entry-id", "the folder is named", _renamed(str.upper)),
    _case("newline-entry", "path", "entry-id", "the folder is named", _renamed(lambda name: f"{name}\n")),
    _case("bidi-entry", "unicode", "entry-id", "the folder is named", _renamed(lambda name: f"\u202e{name}\u200b")),
    _case("markup-entry", "markup", "entry-id", "the folder is named",
          _renamed(lambda name: f"{name}\x1b[2J<img src=x onerror=alert(1)>")),
    _case("sums-elsewhere", "path", "changed", "which does not exist", _sums_elsewhere),
    _case("files-traverse", "path", "manifest-schema", "relative path",
          _edit("model.safetensors:", "../../x.safetensors:")),
    _case("files-absolute", "path", "manifest-schema", "relative path", _edit("model.safetensors:", "/etc/passwd:")),
    _case("files-unc", "path", "manifest-schema", "relative path", _edit("model.safetensors:", "'\\\\host\\share':")),
    _case("files-device", "path", "manifest-schema", "are devices", _edit("model.safetensors:", "aux.safetensors:")),
    _case("files-over-long", "path", "manifest-form", "a key longer than",
          _edit("model.safetensors:", "x" * 300 + ":")),
    _case("suite-traverses", "path", "manifest-schema", "suite.id", _edit("id: tiny", "id: ../../../etc")),
    _case("newline-after-digest", "path", "manifest-schema", "64 lower-case hex digits",
          _edit("weights_digest: ", 'weights_digest: "' + "0" * 64 + '\\n" #')),
    # YAML.
    _case("yaml-aliases", "yaml", "manifest-form", "the anchor &a", _manifest(_bomb_of_aliases())),
    _case("yaml-runs", "yaml", "manifest-form", "the tag",
          _edit(_FIRST, f"{_FIRST}\nx: !!python/object/apply:os.system ['touch CANARY']")),
    _case("yaml-escape-of-nothing", "yaml", "manifest-form", "a character that there is none of",
          _edit(_FIRST, f'{_FIRST}\nnotes: "\\U00110000"')),
    _case("yaml-hidden-line", "unicode", "manifest-form", "the line break U+2028",
          _edit(_FIRST, f"{_FIRST} # seen\u2028track: custom")),
    _case("yaml-merges", "yaml", "manifest-form", "the merge key", _edit(_FIRST, f"{_FIRST}\n<<: {{track: custom}}")),
    _case("yaml-twice", "yaml", "manifest-form", "twice", _edit(_FIRST, f"{_FIRST}\n{_FIRST}")),
    _case("yaml-nested", "yaml", "manifest-form", "nesting deeper than 8", _manifest(b"a: " + b"[" * 60_000)),
    _case("yaml-large", "yaml", "manifest-form", "larger than 64 KB", _manifest(b"a: " + b"x" * 4_000_000)),
    _case("yaml-second-document", "yaml", "manifest-form", "a second document", _edit(_FIRST, f"{_FIRST}\n---\nx: 1")),
    _case("yaml-no-text", "yaml", "manifest-form", "not UTF-8", _manifest(b"a: \xff\xfe")),
    _case("yaml-nan", "yaml", "manifest-schema", "plain decimal number",
          _edit("family: sft", "family: sft\n  learning_rate: .nan")),
    _case("yaml-infinity", "yaml", "manifest-schema", "finite number",
          _edit("family: sft", "family: sft\n  learning_rate: 1e999")),
    _case("yaml-largest-number", "yaml", "manifest-schema", "write 0 or a number between",
          _edit("family: sft", "family: sft\n  learning_rate: 1e308")),
    _case("yaml-smallest-number", "yaml", "manifest-schema", "write 0 or a number between",
          _edit("family: sft", "family: sft\n  learning_rate: 5e-324")),
    _case("yaml-vanishing-number", "yaml", "manifest-schema", "write 0 or a number between",
          _edit("family: sft", "family: sft\n  kl_coefficient: 1e-400")),
    _case("yaml-other-number", "yaml", "manifest-schema", "whole number", _edit("steps: 10", "steps: 1_000")),
    _case("yaml-other-truth", "yaml", "manifest-schema", "true or false", _edit("consent: true", "consent: yes")),
    _case("yaml-unknown-key", "yaml", "manifest-schema", "Extra inputs", _edit(_FIRST, f"{_FIRST}\n\"\\e[2J\": 1")),
    # JSON.
    _case("json-nested-record", "bomb", "record-schema", "", _deep("checkpoint")),
    _case("json-nan", "yaml", "record-schema", "wall_seconds",
          _raw_record('"wall_seconds": 1.0', '"wall_seconds": NaN')),
    _case("json-infinity", "yaml", "record-schema", "wall_seconds",
          _raw_record('"wall_seconds": 1.0', '"wall_seconds": 1e999')),
    _case("json-endless-number", "bomb", "record-schema", "n_items",
          _raw_record('"n_items": 180', f'"n_items": {"9" * 4000}')),
    _case("json-number-in-quotes", "yaml", "record-schema", "n_items",
          _raw_record('"n_items": 180', '"n_items": "180"')),
    _case("json-truth-for-a-number", "yaml", "record-schema", "replicate",
          _raw_record('"replicate": 0', '"replicate": false')),
    _case("json-twice", "yaml", "record-schema", "the key 'n_items' twice",
          _raw_record('"n_items": 180', '"n_items": 999, "n_items": 180')),
    _case("json-twice-inside", "yaml", "record-schema", "the key 'device' twice",
          _raw_record('"device": "cpu"', '"device": "gpu", "device": "cpu"')),
    _case("json-endless-seed", "bomb", "record-schema", "seed", _raw_record('"seed": 0', f'"seed": {"7" * 400}')),
    _case("json-endless-decoding", "bomb", "record-schema", "decoding", _record(decoding={"top_k": 10**400})),
    _case("json-endless-token", "bomb", "record-schema", "stop_token_ids",
          _record(conditions={"max_model_len": 9, "stop_token_ids": [10**400]})),
    _case("json-endless-packages", "bomb", "record-schema", "packages",
          _record(packages={f"p{k}": "1" for k in range(20_000)})),
    _case("date-that-is-none", "yaml", "record-schema", "not a moment", _record(created="2026-19-39T00:00:00Z")),
    _case("date-in-the-future", "yaml", "record-schema", "in the future", _record(created="2099-01-01T00:00:00Z")),
    _case("date-of-markup", "markup", "record-schema", "not a moment", _record(created="2026-01-01T00:00:00Z <b>")),
    _case("json-half-a-character", "unicode", "record-schema", "",
          _raw_record('"device": "cpu"', '"device": "\\ud800"')),
    _case("json-newline-in-a-key", "yaml", "record-schema", "Extra inputs", _record(**{"a\n\x1b[2Jb": 1})),
    _case("json-huge", "bomb", "files", "larger than 1 MB", _record(packages={"x": "y" * 2_000_000})),
    # Dynamics.
    _case("dynamics-nested", "bomb", "dynamics-schema", "not JSON that is accepted",
          lambda shop, case, folder: put(folder, DYNAMICS_FILE, "[" * 100_000)),
    _case("dynamics-large", "bomb", "dynamics-schema", "larger than 256 KB",
          lambda shop, case, folder: put(folder, DYNAMICS_FILE, " " * 300_000)),
    _case("dynamics-huge", "bomb", "files", "larger than 1 MB",
          lambda shop, case, folder: put(folder, DYNAMICS_FILE, " " * 2_000_000)),
    _case("dynamics-link", "path", "files", "symbolic link", _linked_dynamics),
    _case("dynamics-twice", "yaml", "dynamics-schema", "duplicate key",
          _dynamics('"n": 10', '"n": 10, "n": 1000')),
    _case("dynamics-nan", "yaml", "dynamics-schema", "NaN is not a number", _dynamics("402.5", "NaN")),
    _case("dynamics-infinity", "yaml", "dynamics-schema", "finite number", _dynamics("402.5", "1e999")),
    _case("dynamics-markup", "markup", "dynamics-schema", "", _dynamics('"bare"', '"<img src=x onerror=alert(1)>"')),
    _case("dynamics-impossible", "fabricated", "dynamics-schema", "histogram counts",
          _dynamics('"n": 10,', '"n": 1000,')),
    _case("dynamics-of-another", "fabricated", "dynamics-other", "a base other than",
          lambda shop, case, folder: put(folder, DYNAMICS_FILE, json.dumps(document()))),
    _case("dynamics-secret", "secret", "secret", "a Hugging Face token", _dynamics('"cpu"', f'"{_TOKEN}"')),
    # Parquet.
    _case("parquet-no-parquet", "bomb", "samples-form", "", _samples(lambda shop, case: shop.pickled(case))),
    _case("parquet-one-page", "bomb", "samples-form", "", _samples(_one_page)),
    _case("parquet-dictionary", "bomb", "samples-form", "", _samples(_dictionary)),
    _case("parquet-rows", "bomb", "samples-form", "rows, more than", _samples(_rows)),
    _case("parquet-groups", "bomb", "samples-form", "groups of rows", _samples(_groups)),
    _case("parquet-columns", "bomb", "samples-form", "columns in", _samples(_columns)),
    _case("parquet-footer", "bomb", "samples-form", "", _samples(_cut_footer)),
    Case("parquet-unpickles", "pickle", "entry", "neutralised", "", partial(_entry, _samples(_unpickling_type))),
    Case("parquet-endless-version", "bomb", "entry", "neutralised", "", partial(_entry, _samples(_endless_version))),
    _case("parquet-no-text", "unicode", "samples-schema", "not a readable samples file", _samples(_no_text)),
    _case("parquet-huge-line", "bomb", "token-counts", "more text than their tokens", _samples(_huge_line)),
    # Secrets.
    _case("secret-environment", "secret", "record-schema", "environ: Extra inputs",
          _record(environ={"PATH": "/usr/bin", "HOME": "/home/ada"})),
    _case("secret-token", "secret", "secret", "a Hugging Face token", _record(commit=_TOKEN)),
    _case("secret-in-packages", "secret", "secret", "a secret beside its name",
          _record(packages={"WANDB_API_KEY": "0123456789abcdef"})),
    _case("secret-in-a-note", "secret", "secret", "a password in an address",
          _edit("chosen_by: ", "chosen_by: see https://ada:hunter22@example.org ")),
]  # fmt: skip
