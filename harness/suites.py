"""Suites: frozen, versioned lists of tasks, and where tasks are found (by path, never by ``import tasks``)."""

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.errors import RetentionError
from harness.items import items_digest
from harness.samples import Digest, SuiteRecord

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]


class SuiteError(RetentionError):
    """A suite that is unknown, malformed, or whose items are not the frozen ones."""


class SuiteTask(BaseModel):
    """A task's place in a suite: its family, its capability group, and the digest over its item ids in order.

    ``guess_rate`` is for tasks whose documents do not carry one each (lm-eval's own); ``metric`` names the number of
    such a task that is 1 for a correct answer. ``transfer`` marks a variant of the family on which nobody trains: where
    the family is the target it counts as transfer gain, not as gain. ``adjacent`` names families whose training is
    known to move this task: where one of them is the target, the task is listed apart from the prior tasks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: Name
    group: Name
    count: Annotated[int, Field(gt=0)]
    digest: Digest
    guess_rate: Annotated[float, Field(ge=0, lt=1)] | None = None
    metric: str = "acc"
    transfer: bool = False
    adjacent: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _own_family_is_not_adjacent(self) -> "SuiteTask":
        if self.family in self.adjacent:
            raise ValueError(f"adjacent names the task's own family {self.family}")
        return self

    @property
    def marks(self) -> str:
        """What the marks add to the suite's digest: nothing where there are none."""
        return ":transfer" * self.transfer + "".join(f":adjacent-{family}" for family in sorted(self.adjacent))


class Suite(BaseModel):
    """A list of tasks that is never changed, only succeeded (design.md, "Nouns")."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    version: Annotated[str, Field(pattern=r"^[0-9]+[a-z]?$")]
    title: str
    prompt: Literal["chat", "plain"] = "chat"
    tasks: dict[str, SuiteTask]

    @property
    def id(self) -> str:
        return f"{self.name}-{self.version}"

    @property
    def protocol(self) -> str:
        return f"{self.prompt}-greedy"

    @property
    def families(self) -> list[str]:
        return sorted({task.family for task in self.tasks.values()})

    @property
    def digest(self) -> str:
        """sha256 over the digests of all tasks and their marks, in suite order: a mark decides what is forgetting."""
        return items_digest(f"{name}:{task.digest}{task.marks}" for name, task in self.tasks.items())

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
                "so scores would not be comparable: restore them, or freeze a new version"
            )


def tasks_root() -> Path:
    """The folder of the shipped tasks: inside the wheel, or the checkout's ``tasks/``."""
    packaged = Path(__file__).parent / "_tasks"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "tasks"


def suite_names() -> list[str]:
    return sorted(path.stem for path in (tasks_root() / "suites").glob("*.yaml"))


def suite_path(reference: str) -> Path:
    """The file of a shipped suite (``nano-1``) or of a user's own (a path to a YAML file)."""
    own = Path(reference).expanduser()
    if own.suffix in (".yaml", ".yml"):
        if not own.is_file():
            raise SuiteError(f"{reference}: no such suite file")
        return own
    if reference not in suite_names():
        raise SuiteError(f"{reference}: unknown suite; there are {', '.join(suite_names())}, or give a .yaml file")
    return tasks_root() / "suites" / f"{reference}.yaml"


def load_suite(reference: str) -> Suite:
    """Read a suite by its id or file; ``SuiteError`` names the file and the field that is wrong."""
    path = suite_path(reference)
    try:
        suite = Suite.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise SuiteError(f"{path}: not valid YAML ({str(error).splitlines()[0]})") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise SuiteError(f"{path}: {'.'.join(map(str, first['loc'])) or 'document'}: {first['msg']}") from error
    if path.stem != suite.id:
        raise SuiteError(f"{path}: the file is named {path.stem}, but holds suite {suite.id}; rename one of them")
    return suite


@cache
def load_task_module(path: Path) -> ModuleType:
    """Load one task file by its path, under a name that cannot meet a module of the user's."""
    name = f"retentionbench_task_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
