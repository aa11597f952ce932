"""Catalogue: the available tasks and the fields of their YAML, read without lm-eval and without any data.

lm-eval's own loader imports the functions that a YAML names; here they stay strings, so listing all tasks is quick and
runs no code. Only :meth:`TaskFile.sources` loads a task's Python file, to see which published data it uses.
"""

import contextlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO

import yaml

from harness.errors import RetentionError
from harness.records import Draft, Suite, load_task_module, tasks_root
from harness.sources import LocalFile, hub_has


class CatalogueError(RetentionError):
    """A task that does not exist, or whose YAML cannot be read."""


# libyaml reads ten times as fast as PyYAML's own reader, which serves where it is missing.
class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as lm-eval writes it; ``!function name.of`` becomes the path that it names, as a string."""

    def __init__(self, file: TextIO) -> None:
        super().__init__(file)
        self.folder = Path(file.name).parent


def _function(loader: _Loader, node: yaml.Node) -> str:
    return str(loader.folder / str(node.value))


_Loader.add_constructor("!function", _function)


@dataclass(frozen=True)
class DataSet:
    """A published data set that a task uses, with its revision if it is pinned; or a file that is on no hub, by its
    path in the data folder and its sha256."""

    repo: str
    revision: str | None

    def __str__(self) -> str:
        return f"{self.repo}@{self.revision}" if self.revision else self.repo


@dataclass(frozen=True)
class TaskFile:
    """One task: its YAML file and its fields, merged with those of the files it includes.

    ``metadata`` may state what otherwise only the data could: ``items`` (of the full set), ``chance`` (mean guess rate)
    and ``licence``; ``publish`` says that its questions may be put on the web.
    """

    name: str
    path: Path
    fields: dict[str, Any]

    @property
    def family(self) -> str:
        return self.path.parent.name

    @property
    def output_type(self) -> str:
        return str(self.fields.get("output_type", "generate_until"))

    @property
    def answer(self) -> Literal["writes", "letter", "options"]:
        """Whether an answer is written, or log-probabilities of letters or of whole options are compared."""
        if self.output_type == "generate_until":
            return "writes"
        return "letter" if str(self.fields.get("process_results")).endswith("judge_letters") else "options"

    @property
    def max_tokens(self) -> int | None:
        """The token budget of an answer; None for a multiple-choice task."""
        return self._decoding.get("max_gen_toks")

    @property
    def stop(self) -> tuple[str, ...]:
        until = self._decoding.get("until") or ()
        return (until,) if isinstance(until, str) else tuple(until)

    @property
    def items(self) -> int | None:
        """The number of items of the full set, if the YAML states it."""
        items: int | None = self._metadata.get("items", (self.fields.get("dataset_kwargs") or {}).get("count"))
        return items

    @property
    def chance(self) -> float | None:
        chance: float | None = self._metadata.get("chance")
        return chance

    @property
    def licence(self) -> str | None:
        licence: str | None = self._metadata.get("licence")
        return licence

    @property
    def publish(self) -> bool:
        """Whether a site may show its questions; only where the YAML says so."""
        return self._metadata.get("publish") is True

    @property
    def shows_images(self) -> bool:
        return self.fields.get("doc_to_image") is not None

    @property
    def readme(self) -> Path:
        return self.path.parent / "README.md"

    def sources(self) -> tuple[DataSet, ...]:
        """The published data sets and local files that the task uses; none for a procedural task."""
        file = self._module
        if file is None:
            repo = self.fields.get("dataset_path")
            return (DataSet(repo, (self.fields.get("dataset_kwargs") or {}).get("revision")),) if repo else ()
        return tuple(dict.fromkeys(map(_data_set, self._used(file))))

    def missing(self) -> tuple[DataSet, ...]:
        """Those of :meth:`sources` that are neither in the data folder, nor on the hub, nor in the hub's cache."""
        file = self._module
        if file is None:
            return tuple(each for each in self.sources() if not hub_has(each.repo, each.revision))
        return tuple(dict.fromkeys(_data_set(each) for each in self._used(file) if not _listing(each).is_here()))

    @property
    def _module(self) -> Path | None:
        """The Python file beside the YAML that makes the items."""
        module, _, _ = Path(self.fields.get("custom_dataset", "")).name.rpartition(".")
        file = self.path.parent / f"{module}.py"
        return file if module and file.is_file() else None

    def _used(self, file: Path) -> tuple[Any, ...]:
        named = (self.fields.get("dataset_kwargs") or {}).get("task", self.name)
        task = getattr(load_task_module(file), "TASKS", {}).get(named)
        shown = (*getattr(task, "pictures", ()), *getattr(getattr(task, "shots", None), "sources", ()))
        return (*getattr(task, "sources", ()), *shown)

    @property
    def _decoding(self) -> dict[str, Any]:
        return self.fields.get("generation_kwargs") or {} if self.output_type == "generate_until" else {}

    @property
    def _metadata(self) -> dict[str, Any]:
        return self.fields.get("metadata") or {}


def _listing(source: Any) -> Any:
    """What is looked for: of pictures that a local file lists, that file."""
    listing = getattr(source, "listing", None)
    return listing if isinstance(listing, LocalFile) else source


def _data_set(source: Any) -> DataSet:
    file = _listing(source)
    if isinstance(file, LocalFile):
        return DataSet(file.path, f"sha256:{file.sha256}")
    return DataSet(source.repo, source.revision)


def find_tasks(extra_root: Path | None = None) -> dict[str, TaskFile]:
    """All shipped tasks and, if given, those of a user's folder, which take precedence; sorted by family and name."""
    if extra_root is not None and not extra_root.is_dir():
        raise CatalogueError(f"{extra_root}: no such folder of tasks; give one that holds their YAML files")
    roots = [tasks_root(), *([] if extra_root is None else [extra_root])]
    found = {task.name: task for root in roots for task in _tasks_below(root)}
    return dict(sorted(found.items(), key=lambda each: (each[1].family, each[0])))


def find_task(name: str, extra_root: Path | None = None) -> TaskFile:
    """One task by its name; ``CatalogueError`` suggests similar names."""
    tasks = find_tasks(extra_root)
    if name not in tasks:
        import difflib

        close = difflib.get_close_matches(name, tasks, n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise CatalogueError(f"task {name}: no such task{hint}; `retention tasks list` shows all")
    return tasks[name]


def image_tasks(suite: Suite, folder: Path) -> tuple[str, ...]:
    """The tasks of ``suite`` whose items have images, by their YAML; ``folder`` may contain a user's own tasks."""
    return tuple(name for name, task in tasks_of(suite, folder).items() if task.shows_images)


def tasks_of(suite: Suite | Draft, folder: Path) -> dict[str, TaskFile]:
    """The YAML files of the tasks of ``suite``, without reading all there are; ``folder`` may contain a user's own.

    Of lm-eval's own tasks, those whose files are written otherwise are not in it.
    """
    own = folder.resolve() != (tasks_root() / "suites").resolve()
    found = {task.name: task for task in _tasks_below(folder)} if own else {}
    for name, place in suite.tasks.items():
        if name not in found:
            found |= _stock_file(name, place.stock) if place.stock else _shipped_file(name)
    return {name: found[name] for name in suite.tasks if name in found}


def _shipped_file(name: str) -> dict[str, TaskFile]:
    paths = list(tasks_root().glob(f"*/{name}.yaml"))
    return {name: TaskFile(name, paths[0], _read(paths[0]))} if paths else {}


def _stock_file(name: str, folder: str) -> dict[str, TaskFile]:
    """One of lm-eval's own tasks, found without importing lm-eval; nothing where its files are written otherwise."""
    spec = importlib.util.find_spec("lm_eval")
    if spec is None or spec.origin is None:
        return {}
    paths = sorted((Path(spec.origin).parent / "tasks" / folder).glob("*.yaml"), key=lambda path: path.stem != name)
    for path in paths:
        with contextlib.suppress(CatalogueError):
            fields = _read(path)
            if fields.get("task") == name:
                return {name: TaskFile(name, path, fields)}
    return {}


def _tasks_below(root: Path) -> Iterator[TaskFile]:
    for path in sorted(root.rglob("*.yaml")):
        fields = _read(path)
        # As in lm-eval's index: a file without `task` is a group, a suite, or only included by others.
        if isinstance(name := fields.get("task"), str):
            yield TaskFile(name, path, fields)


def _read(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    if path in above:
        raise CatalogueError(f"{path}: includes itself")
    try:
        with path.open(encoding="utf-8") as file:
            loader = _Loader(file)
            fields = loader.get_single_data() or {}
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path}: not a readable task file ({str(error).splitlines()[0]})") from error
    if not isinstance(fields, dict):
        return {}
    included: dict[str, Any] = {}
    names = fields.pop("include", [])
    for name in [names] if isinstance(names, str) else names:
        included |= _read((path.parent / name).resolve(), (*above, path))
    return included | fields
