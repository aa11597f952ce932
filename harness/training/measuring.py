"""Measuring: a pair of a base and a model in training, evaluated again and again on one part of a suite."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from harness.checkpoints import open_checkpoint
from harness.engines import Dtype, EngineSettings, LiveEngine, TransformersEngine, choose, default_dtype, device_class
from harness.errors import RetentionError
from harness.evaluation import LiveEvaluation, make_plan, only_first, run_plan
from harness.records import Run, read_run
from harness.training.in_memory import ModelInTraining


@dataclass(frozen=True)
class Measured:
    """One measurement: the runs of base and tuned model, and the tuned one's folder."""

    base: Run
    tuned: Run
    folder: Path


@dataclass(frozen=True)
class Questions:
    """What is asked: ``items`` of each task of ``suite`` (None: all), for the skill ``target``; runs go below ``out``.

    ``settings`` are fields of the engine's settings.
    """

    base: str
    suite: str
    items: int | None
    target: str | None
    out: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def engine(self, name: str, dtype: Dtype) -> EngineSettings:
        try:
            return EngineSettings(name=choose(name), **{"dtype": dtype, **self.settings})
        except TypeError as error:
            unknown = str(error).rpartition(" ")[2]
            raise RetentionError(f"RetentionCallback: {unknown} is neither an argument nor an engine setting") from None


class Measuring(Protocol):
    """Measures a model in training against its base. ``suite`` is the id of the part that is asked."""

    suite: str

    def base(self) -> Path:
        """Evaluate the base, as far as its answers are not stored; returns its run folder."""

    def measure(self, name: str, saved: Path) -> Measured:
        """Evaluate the model as it is now, called ``name``; its trainer saves it in the folder ``saved``."""


class InMemory:
    """The model as it is in memory, by transformers in this process; the base by the same engine, loaded beside it."""

    def __init__(self, questions: Questions, model: Any, processing_class: Any) -> None:
        dtype = str(model.dtype).removeprefix("torch.")
        settings = questions.engine("transformers", dtype)  # type: ignore[arg-type]
        if settings.dtype != dtype:
            raise RetentionError(
                f"dtype={settings.dtype!r}: the model in training is in {dtype}, so its base is evaluated in that; "
                "leave dtype out"
            )
        base = open_checkpoint(questions.base)
        self._student = ModelInTraining(model, processing_class, base.base or base)
        plan = make_plan(questions.base, (), questions.suite, questions.target, settings, questions.out)
        _check_device(self._student.model, plan.placement_of(plan.base).record.device)
        plan = only_first(plan, questions.items)
        self.suite = plan.suite.id
        self._evaluation = LiveEvaluation(plan, self._student.before(), _Silent())

    def base(self) -> Path:
        folder, self._base = self._evaluation.evaluate_base(TransformersEngine)
        return folder

    def measure(self, name: str, saved: Path) -> Measured:
        folder, run = self._evaluation.evaluate(
            self._student.checkpoint(name), lambda placement: LiveEngine(placement, self._student.model)
        )
        return Measured(self._base, run, folder)


class Saved:
    """The checkpoint that the trainer has saved, by an engine in a process of its own."""

    def __init__(self, questions: Questions, engine: str) -> None:
        self._questions = questions
        self._settings = questions.engine(engine, default_dtype(device_class()))
        self.suite = self._plan().suite.id

    def base(self) -> Path:
        return run_plan(self._plan(), _Silent())[0]

    def measure(self, name: str, saved: Path) -> Measured:
        first, *_, last = run_plan(self._plan(saved, name), _Silent())
        return Measured(read_run(first), read_run(last), last)

    def _plan(self, saved: Path | None = None, name: str = "") -> Any:
        asked = self._questions
        tuned = ((), ()) if saved is None else ((str(saved),), (name,))
        plan = make_plan(asked.base, tuned[0], asked.suite, asked.target, self._settings, asked.out, names=tuned[1])
        return only_first(plan, asked.items)


def _check_device(model: Any, recorded: str) -> None:
    """The base's engine takes the GPU where there is one, and the processor where there is none."""
    wanted = "cpu" if recorded == "cpu" else "cuda"
    if model.device.type != wanted:
        raise RetentionError(
            f"the model in training is on {model.device.type}, and its base would be evaluated on {wanted}; train "
            "there, or evaluate the saved checkpoints by `retention evaluate BASE checkpoint-*`"
        )


class _Silent:
    """A watcher that shows nothing: the training has a display of its own."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None
