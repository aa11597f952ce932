"""Suites: frozen, versioned lists of tasks, and where tasks are found (by path, never with ``import tasks``)."""

import importlib.util
import json
import shlex
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

import harness
from harness.errors import RetentionError, first_problem
from harness.items import items_digest
from harness.records.run import DRAFT, SuiteRecord
from harness.records.samples import Digest
from harness.records.strict import StrictModel

# libyaml reads ten times as fast as PyYAML's own reader, which serves where it is missing.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Name = Annotated[str, Field(pattern=r"\A[a-z0-9][a-z0-9_.-]{0,63}\z")]
Count = Annotated[int, Field(gt=0)]
# A folder below lm-eval's own tasks, which it cannot leave.
StockFolder = Annotated[str, Field(pattern=r"\A[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*\z")]


class SuiteError(RetentionError):
    """A suite that is unknown, malformed, or whose items are not the frozen ones."""


class DraftTask(StrictModel):
    """A task in a suite: its family, capability group and number of items, and what fixes them.

    ``guess_rate`` is for tasks whose documents have none (lm-eval's own); ``metric`` is the metric of such a task that
    is 1 for a correct answer, and ``stock`` the folder of its YAML among lm-eval's tasks. ``transfer`` marks an
    untrained variant of the family: if the family is the target, it counts as transfer gain, not as gain. ``adjacent``
    lists families whose training is known to affect this task: if one of them is the target, the task is listed apart
    from the prior tasks. ``max_tokens`` and ``stop`` pin the token budget and the stop strings of an answer;
    ``sources`` the published data sets, each ``owner/name@revision``. ``shots`` is the number of answered examples
    before each question, where it is not the task's own. In a draft, ``count`` and ``digest`` may be missing: without
    a count, all items are taken.
    """

    family: Name
    group: Name
    count: Count | None = None
    stock: StockFolder | None = None
    guess_rate: Annotated[float, Field(ge=0, lt=1)] | None = None
    metric: str = "acc"
    transfer: bool = False
    adjacent: tuple[Name, ...] = ()
    max_tokens: Count | None = None
    stop: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    shots: Annotated[int, Field(ge=0, le=100)] | None = None
    digest: Digest | None = None

    @model_validator(mode="after")
    def _own_family_is_not_adjacent(self) -> "DraftTask":
        if self.family in self.adjacent:
            raise ValueError(f"adjacent names the task's own family {self.family}")
        return self


class SuiteTask(DraftTask):
    """A frozen task: ``digest`` covers its item ids in order.

    ``clusters`` is how many groups of dependent items it has, such as those on one picture; None where a suite is older
    than this field.
    """

    count: Count
    digest: Digest
    clusters: Count | None = None

    @property
    def marks(self) -> str:
        """Everything else that affects a score or its meaning, for the suite's digest; empty if nothing is set."""
        return (
            ":transfer" * self.transfer
            + "".join(f":adjacent-{family}" for family in sorted(self.adjacent))
            + (f":metric-{self.metric}" if self.metric != "acc" else "")
            + (f":guess-{self.guess_rate}" if self.guess_rate is not None else "")
            + (f":shots-{self.shots}" if self.shots is not None else "")
            + (f":budget-{self.max_tokens}:stop-{json.dumps(self.stop)}" if self.max_tokens is not None else "")
        )


# The part of a version that can be frozen where the hub cannot be reached: a suite of its own, compared with none.
LOCAL = "-local"


class _Suite(StrictModel):
    """``min_pixels`` and ``max_pixels`` are the pixel budget of an image, for processors that have one; where a suite
    states none, the base's own holds."""

    name: Name
    version: Annotated[str, Field(pattern=rf"\A[0-9]+[a-z]?({LOCAL})?({DRAFT})?\z")]
    title: str
    prompt: Literal["chat", "plain"] = "chat"
    min_pixels: Count | None = None
    max_pixels: Count | None = None

    @model_validator(mode="after")
    def _pixels_are_a_range(self) -> Self:
        if self.min_pixels is not None and self.max_pixels is not None and self.min_pixels > self.max_pixels:
            raise ValueError(f"min_pixels {self.min_pixels} is more than max_pixels {self.max_pixels}")
        return self

    @property
    def id(self) -> str:
        return f"{self.name}-{self.version}"

    @property
    def is_draft(self) -> bool:
        """Whether its items may still change: its version, and that of its runs, ends in ``-draft``."""
        return self.version.endswith(DRAFT)


class Draft(_Suite):
    """A suite that is not frozen yet. It can be run, but its runs carry its version and cannot be submitted."""

    tasks: dict[str, DraftTask]


class Suite(_Suite):
    """A frozen list of tasks, never changed, only succeeded by a new version (harness/README.md, "Nouns").

    Scores of two versions with the same number are comparable; a letter after it (``1a``) says that something else has
    changed. ``1a`` therefore has the digest of ``1``. ``2-local`` is the part of ``2`` that needs no hub.
    """

    tasks: dict[str, SuiteTask]

    @property
    def protocol(self) -> str:
        return f"{self.prompt}-greedy"

    @property
    def families(self) -> list[str]:
        return sorted({task.family for task in self.tasks.values()})

    @property
    def digest(self) -> str:
        """sha256 over the digests of all tasks and their marks, in suite order: a mark affects what is forgetting.

        A pixel budget is part of it, as it is of every image's question.
        """
        lines = [f"{name}:{task.digest}{task.marks}" for name, task in self.tasks.items()]
        if self.min_pixels or self.max_pixels:
            lines.append(f":pixels-{self.min_pixels}-{self.max_pixels}")
        return items_digest(lines)

    @property
    def record(self) -> SuiteRecord:
        return SuiteRecord(
            name=self.name,
            version=self.version,
            digest=self.digest,
            protocol=self.protocol,
            tasks={name: task.count for name, task in self.tasks.items()},
            transfer=tuple(name for name, task in self.tasks.items() if task.transfer),
            adjacent={name: task.adjacent for name, task in self.tasks.items() if task.adjacent},
        )

    def check_items(self, task: str, item_ids: list[str]) -> None:
        """Raise ``SuiteError`` unless ``item_ids`` are exactly the frozen items of ``task``, in order."""
        expected = self.tasks[task]
        if len(item_ids) != expected.count or items_digest(item_ids) != expected.digest:
            raise SuiteError(
                f"suite {self.id}: task {task} has {len(item_ids)} items with digest {items_digest(item_ids)[:12]}, "
                f"the frozen suite has {expected.count} with {expected.digest[:12]}; the data or the task has changed, "
                "so scores would not be comparable: restore them, or freeze a new version "
                f"(`retention suite verify {self.id}` names the first item that differs)"
            )

    def check_decoding(self, task: str, max_tokens: int | None, stop: tuple[str, ...]) -> None:
        """Raise ``SuiteError`` unless ``task`` is decoded as the suite pins it; any decoding is fine if it does not."""
        pinned = self.tasks[task]
        if pinned.max_tokens is not None and (max_tokens, stop) != (pinned.max_tokens, pinned.stop):
            raise SuiteError(
                f"suite {self.id}: task {task} generates up to {max_tokens} tokens until {list(stop)}, the frozen "
                f"suite {pinned.max_tokens} until {list(pinned.stop)}; restore its generation_kwargs, or freeze a new "
                "version"
            )


def tasks_root() -> Path:
    """The folder of the shipped tasks: inside the wheel, or the checkout's ``tasks/``."""
    packaged = Path(harness.__file__).parent / "_tasks"
    return packaged if packaged.is_dir() else Path(harness.__file__).parent.parent / "tasks"


def suite_names(*, drafts: bool = False) -> list[str]:
    """The names of the shipped suites: the released ones, or the drafts."""
    found = sorted(path.stem for path in (tasks_root() / "suites").glob("*.yaml"))
    return [name for name in found if name.endswith(DRAFT) == drafts]


def suite_path(reference: str) -> Path:
    """The file of a shipped suite (``nano-1``) or of a user's own suite (a path to a YAML file)."""
    own = Path(reference).expanduser()
    if own.suffix in (".yaml", ".yml"):
        if not own.is_file():
            raise SuiteError(f"{reference}: no such suite file")
        return own
    if reference not in suite_names() + suite_names(drafts=True):
        raise SuiteError(f"{reference}: unknown suite; there are {', '.join(suite_names())}, or give a .yaml file")
    return tasks_root() / "suites" / f"{reference}.yaml"


def read_suite(reference: str) -> Suite | Draft:
    """Read a suite or a draft by its id or file; ``SuiteError`` names the file and the field at fault."""
    path = suite_path(reference)
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader
        draft = isinstance(document, dict) and str(document.get("version")).endswith(DRAFT)
        suite = (Draft if draft else Suite).model_validate(document)
    except yaml.YAMLError as error:
        raise SuiteError(f"{path}: not valid YAML ({str(error).splitlines()[0]})") from error
    except ValidationError as error:
        first = error.errors()[0]
        way_out = _TO_FREEZE if first["type"] == "missing" and first["loc"][-1] in ("count", "digest") else ""
        raise SuiteError(f"{path}: {first_problem(error)}{way_out}") from error
    if path.stem != suite.id:
        raise SuiteError(f"{path}: the file is named {path.stem}, but holds suite {suite.id}; rename one of them")
    return suite


_TO_FREEZE = f"; give the suite and its file a version that ends in {DRAFT}, and run `retention suite freeze` on it"


def load_suite(reference: str) -> Suite:
    """Read a frozen suite by its id or file; raises ``SuiteError`` for a draft too."""
    suite = read_suite(reference)
    if isinstance(suite, Draft):
        raise SuiteError(
            f"{reference}: a draft, whose items are not fixed; run "
            f"`retention suite freeze {shlex.quote(reference)} --note 'Why this version.'`"
        )
    return suite


@cache
def load_task_module(path: Path) -> ModuleType:
    """Load one task file by its path, under a name that cannot clash with a module of the user's."""
    name = f"retentionbench_task_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
