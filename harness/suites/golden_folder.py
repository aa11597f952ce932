"""The folder of a golden set: its file and pictures as they are, a task file for each part, and the frozen suite.

All paths in it are relative to it, so that it can be moved and sent. It is made whole or not at all.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.golden import Asking, GoldenRow, Judge, chance_of
from harness.records import DRAFT, Draft, SuiteError, file_sha256
from harness.suites.freezing import CHANGES_FILE, LOCK_SUFFIX, freeze
from harness.temporary import passing_folder

CODE_FILE = "items.py"

# What stands in for the file is executed: only literals are put in, where Python reads them as such.
_CODE = '''"""The questions of the file below as tasks; written by `retention suite from-csv`."""

from pathlib import Path

from harness.golden import GoldenFile

GOLDEN = GoldenFile(
    Path(__file__).parent,
    {file!a},
    sha256={sha256!a},
    judge={judge!a},
    instruction={instruction!a},
    index_from={index_from},
    # Task: the kind and the group of its questions.
    parts={parts!a},
)
TASKS, load, images = GOLDEN.tasks, GOLDEN.load, GOLDEN.images
'''
_PROCESS: dict[Judge, str] = {
    "letter": "harness.plugin.judge_lettered",
    "math": "harness.plugin.judge_math",
    "exact": "harness.golden.judge_exact",
    "contains": "harness.golden.judge_contains",
    "box": "harness.golden.judge_box",
}
_MEANS = ("acc", "score", "unparsed")
# What the judges report that read an answer twice, for its content and for its form.
_READ_TWICE = ("off_list", "strict", "strict_unparsed")
_LOWER_IS_BETTER = frozenset({"unparsed", "off_list", "strict_unparsed"})


@dataclass(frozen=True)
class Part:
    """The kind and the group that the questions of one task share."""

    kind: str
    group: str

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.group.casefold()


class _Function(str):
    """A function that a task file names."""


class _Dumper(yaml.SafeDumper):
    """Writes ``!function harness.plugin.question`` as lm-eval reads it."""


_Dumper.add_representer(_Function, lambda dumper, name: dumper.represent_scalar("!function", str(name)))


@dataclass(frozen=True)
class GoldenFolder:
    """What is to be written: the draft of a suite on ``file``, whose ``rows`` are asked in ``parts``."""

    file: Path
    asking: Asking
    index_from: int | None
    draft: Draft
    parts: Mapping[str, Part]
    rows: Sequence[GoldenRow]

    def write(self, target: Path, note: str) -> Path:
        """Write and freeze the suite in ``target``; returns its file. ``SuiteError`` where it cannot be written, or
        would replace something."""
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with passing_folder(beside=target) as draft:
                self._check_free(target)
                suite = self._freeze(draft, note)
                target.mkdir(exist_ok=True)
                self._move(draft, target)
        except OSError as error:
            raise SuiteError(
                f"{target}: cannot be written ({error.strerror or error}); choose another folder with --out"
            ) from error
        return target / suite.name

    @property
    def _suite_name(self) -> str:
        return self.draft.id.removesuffix(DRAFT)

    def _copied(self) -> dict[str, Path]:
        """The file and its pictures, by their places in the folder."""
        pictures = dict.fromkeys(name for row in self.rows for name in row.images)
        return {self.file.name: self.file, **{name: self.file.parent / name for name in pictures}}

    def _check_free(self, target: Path) -> None:
        """Refuse what would replace a file; the questions and the pictures may be there already."""
        suite = target / f"{self._suite_name}.yaml"
        if suite.exists():
            raise SuiteError(
                f"{suite}: already exists, and a frozen suite is never replaced; give the new one another version "
                "(--version 2), or another --out"
            )
        made = (CODE_FILE, CHANGES_FILE, f"{self._suite_name}{LOCK_SUFFIX}", *(f"{task}.yaml" for task in self.parts))
        taken = [name for name in made if (target / name).exists()]
        taken += [name for name, source in self._copied().items() if _differs(target / name, source)]
        if taken:
            raise SuiteError(
                f"{target / taken[0]}: already exists, and would be replaced; choose another folder with --out"
            )

    def _freeze(self, folder: Path, note: str) -> Path:
        for name, source in self._copied().items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / name)
        (folder / CODE_FILE).write_text(self._code(), encoding="utf-8")
        for task in self.parts:
            (folder / f"{task}.yaml").write_text(self._task(task), encoding="utf-8")
        draft = folder / f"{self.draft.id}.yaml"
        text = yaml.safe_dump(self.draft.model_dump(exclude_defaults=True, mode="json"), sort_keys=False)
        draft.write_text(text, encoding="utf-8")
        suite = freeze(str(draft), note)
        draft.unlink()
        return suite

    def _move(self, made: Path, target: Path) -> None:
        """The suite last, so that an interrupted move leaves none that looks whole."""
        files = [path for path in made.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        for path in sorted(files, key=lambda path: path.name == f"{self._suite_name}.yaml"):
            place = target / path.relative_to(made)
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(path, place)

    def _code(self) -> str:
        parts = {task: (part.kind, part.group) for task, part in self.parts.items()}
        return _CODE.format(
            file=self.file.name,
            sha256=file_sha256(self.file),
            judge=self.asking.judge,
            instruction=self.asking.instruction,
            index_from=self.index_from,
            parts=parts,
        )

    def _task(self, task: str) -> str:
        rows = [row for row in self.rows if row.part == self.parts[task].key]
        chance = sum(map(chance_of, rows)) / len(rows)
        metrics = (*_MEANS, *(() if self.asking.judge == "math" else _READ_TWICE))
        fields: dict[str, Any] = {
            "task": task,
            "custom_dataset": _Function("items.load"),
            "dataset_kwargs": {"task": task, "seed": 1},
            "test_split": "test",
            "output_type": "generate_until",
            "doc_to_text": _Function("harness.plugin.question"),
            "doc_to_target": "answer",
            **({"doc_to_image": _Function("items.images")} if any(row.images for row in rows) else {}),
            "process_results": _Function(_PROCESS[self.asking.judge]),
            "generation_kwargs": {"until": [], "max_gen_toks": self.asking.max_tokens, "do_sample": False},
            "metric_list": [*map(_mean, metrics), *map(_distinct, ("extracted", "layer"))],
            "metadata": {"version": 1, "items": len(rows), "chance": round(chance, 6)},
        }
        return str(yaml.dump(fields, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


def _mean(metric: str) -> dict[str, Any]:
    return {"metric": metric, "aggregation": "mean", "higher_is_better": metric not in _LOWER_IS_BETTER}


def _distinct(metric: str) -> dict[str, Any]:
    return {"metric": metric, "aggregation": _Function("harness.plugin.distinct"), "higher_is_better": True}


def _differs(place: Path, source: Path) -> bool:
    """Whether something else than ``source`` is at ``place``."""
    if not place.exists():
        return False
    return not place.samefile(source) and (not place.is_file() or file_sha256(place) != file_sha256(source))
