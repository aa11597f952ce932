"""Evaluating checkpoints: run a base and its fine-tunes on a suite, score each pair, keep scorecard and report."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict, Unpack, overload

from harness.checkpoints import PromptSettings
from harness.engines import Dtype, EngineSettings, choose, default_dtype, device_class
from harness.errors import CheckFailedError, RetentionError
from harness.evaluation import (
    FullWatcher,
    NoiseFloor,
    Plan,
    PlanFailedError,
    Watcher,
    complete,
    make_plan,
    measure_noise,
    noise_run,
    run_plan,
    screen,
)
from harness.records import Run, ScreenRecord, read_run
from harness.report import render_pair_page
from harness.scoring import Scorecard, score_pair

Reference = str | os.PathLike[str]


class Settings(TypedDict, total=False):
    """How an engine runs the checkpoints; what is not given is as in ``retention evaluate``.

    ``engine`` is "vllm", "transformers", "openai" (a server, at address ``server``) or "lm-eval:NAME"; by default vLLM
    where it is installed. ``dtype``: by default float32 on a CPU. ``max_model_len`` is the longest prompt plus answer
    in tokens, by default what suite and model need, ``batch`` (256) the requests at once, ``threads`` (1) the CPU
    threads, ``time_limit`` the seconds of one item, ``tensor_parallel`` (1) the GPUs that share one model.
    ``adapters``: "merge" them into a copy of the base, or apply them beside it ("lora"); "auto" merges on a CPU.
    ``executor`` "ray" takes ``workers`` processes of the cluster at ``address``. ``processor`` "tuned" gives each
    tuned checkpoint its own image processor in place of the base's (custom track).

    ``prompt`` is "chat", "plain" or "native" (each model in its own chat template) where it is not to be the suite's.
    ``chat_template`` is a file, or "tuned" for the tuned checkpoint's, which both models are asked in instead of the
    base's; ``template_args`` is what the template is told, such as ``{"enable_thinking": False}``. All but the suite's
    own prompts are for the custom track.
    """

    engine: str | None
    dtype: Dtype | None
    max_model_len: int | None
    batch: int
    threads: int
    adapters: Literal["auto", "merge", "lora"]
    time_limit: float | None
    tensor_parallel: int
    server: str | None
    executor: Literal["local", "ray"]
    workers: int | None
    address: str | None
    processor: Literal["base", "tuned"]
    prompt: Literal["chat", "plain", "native"] | None
    chat_template: Reference | None
    template_args: Mapping[str, str | int | float | bool | None]


# The settings that are not the engine's.
_OF_PLAN = ("engine", "dtype", "processor", "prompt", "chat_template", "template_args")


@dataclass(frozen=True)
class Evaluation:
    """One evaluated pair: its scorecard, and the run folder of the tuned checkpoint, with the report page in it.

    ``asked`` is the share of the suite's items that were asked; below 1 only after a screening, whose end ``screened``
    tells.
    """

    scorecard: Scorecard
    folder: Path
    report: Path
    asked: float = 1.0
    screened: ScreenRecord | None = None


class EvaluationFailedError(CheckFailedError):
    """Some checkpoints could not be evaluated; ``evaluations`` are the pairs that could, scored and written."""

    def __init__(self, message: str, evaluations: Iterable[Evaluation]) -> None:
        super().__init__(message)
        self.evaluations = tuple(evaluations)


@overload
def evaluate(
    base: Reference,
    tuned: Reference,
    *,
    suite: Reference,
    target: str,
    out: Reference = "runs",
    watcher: Watcher | None = None,
    fail_on_error: float = 0,
    models: Sequence[str] = (),
    names: Sequence[str] = (),
    **settings: Unpack[Settings],
) -> Scorecard: ...


@overload
def evaluate(
    base: Reference,
    tuned: list[str] | list[Path] | tuple[Reference, ...],
    *,
    suite: Reference,
    target: str,
    out: Reference = "runs",
    watcher: Watcher | None = None,
    fail_on_error: float = 0,
    models: Sequence[str] = (),
    names: Sequence[str] = (),
    **settings: Unpack[Settings],
) -> list[Scorecard]: ...


def evaluate(
    base: Reference,
    tuned: Reference | list[str] | list[Path] | tuple[Reference, ...],
    *,
    suite: Reference,
    target: str,
    out: Reference = "runs",
    watcher: Watcher | None = None,
    fail_on_error: float = 0,
    models: Sequence[str] = (),
    names: Sequence[str] = (),
    **settings: Unpack[Settings],
) -> Scorecard | list[Scorecard]:
    """Run ``base`` and ``tuned`` on a suite, and score each pair: one scorecard, or for a list of checkpoints a list.

    A checkpoint is a local folder, a hub id ``owner/name[@revision]``, a PEFT adapter (folder or id), or a shipped
    ``nano:NAME``. ``suite`` is a shipped suite ("nano-1", see :func:`suites`) or a YAML file, ``target`` the task
    family that was trained. Runs go below the folder ``out``; the same call again, or ``retention evaluate``, reuses
    every stored answer and finishes what is missing. Data sets are read from the folder that the environment variable
    RETENTION_DATA names, else from the hub.

    ``watcher`` is told what happens, for a progress display; by default nothing is shown. ``fail_on_error`` is how many
    failed items a run may have: a count, or below 1 a share. ``models`` are the names that a server calls the
    checkpoints, the base's first; ``names`` what the tuned ones are called in records, by default their folder or id.
    ``settings`` are those of :class:`Settings`.

    Raises :class:`RetentionError` for what can be known beforehand (an unknown suite, target or engine, a checkpoint
    that cannot be read), before any engine starts, and :class:`EvaluationFailedError` when a checkpoint failed; those
    that did not are scored all the same, and are in it.

    >>> evaluate("nano:base", "nano:sft", suite="nano-1", target="jigsaw").retention_macro
    >>> evaluate("./base", ["./tuned-a", "./tuned-b"], suite="nano-1", target="math", engine="transformers", batch=16)
    """
    several: Sequence[Reference] = [tuned] if isinstance(tuned, str | os.PathLike) else tuned
    found = evaluate_pairs(
        base,
        several,
        suite=suite,
        target=target,
        out=out,
        watcher=watcher,
        fail_on_error=fail_on_error,
        models=models,
        names=names,
        **settings,
    )
    cards = [each.scorecard for each in found]
    return cards if several is tuned else cards[0]


def evaluate_pairs(
    base: Reference,
    tuned: Sequence[Reference],
    *,
    suite: Reference,
    target: str,
    out: Reference = "runs",
    watcher: Watcher | None = None,
    fail_on_error: float = 0,
    models: Sequence[str] = (),
    names: Sequence[str] = (),
    **settings: Unpack[Settings],
) -> list[Evaluation]:
    """As :func:`evaluate`, with the run folder and the report page of each pair beside its scorecard."""
    told = complete(watcher)
    plan = _plan(base, tuned, suite, target, out, models, names, settings, told)
    try:
        folders = run_plan(plan, told, fail_on_error=fail_on_error)
    except PlanFailedError as error:
        raise EvaluationFailedError(str(error), _score_folders(plan, error.finished, target)) from error
    told.stage("scoring the pairs and writing their reports")
    return _score_folders(plan, folders, target)


def screen_pairs(
    base: Reference,
    tuned: Sequence[Reference],
    *,
    suite: Reference,
    target: str,
    out: Reference = "runs",
    watcher: Watcher | None = None,
    models: Sequence[str] = (),
    names: Sequence[str] = (),
    **settings: Unpack[Settings],
) -> list[Evaluation]:
    """As :func:`evaluate_pairs`, but leave each tuned checkpoint as soon as its gain on ``target`` is decided.

    The gain is looked at after 20, 40, 60, 80 and 100 % of the items, by a rule fixed beforehand (O'Brien and Fleming,
    two-sided 5 %). For sorting many checkpoints: what comes out is marked as screened, and is not for publication.
    """
    told = complete(watcher)
    plan = _plan(base, tuned, suite, target, out, models, names, settings, told)
    screened, failures = screen(plan, target, told)
    found = [_score(each.folder, each.base, each.tuned, None, target, plan.n_items) for each in screened]
    if failures:
        raise EvaluationFailedError("; ".join(failures), found)
    return found


def measure_base_noise(
    base: Reference,
    *,
    suite: Reference,
    out: Reference = "runs",
    seed: int = 1,
    watcher: Watcher | None = None,
    **settings: Unpack[Settings],
) -> tuple[Path, NoiseFloor]:
    """Run ``base`` twice, the second time in the order of ``seed`` and in batches of another size: what moved.

    Returns the first run's folder, where the noise floor is stored and :func:`evaluate` finds it, and the floor. Raises
    :class:`CheckFailedError` when either run has failed items.
    """
    told = complete(watcher)
    engine, asked = _engine_settings(**settings), _asked(settings)
    plan = make_plan(os.fspath(base), (), os.fspath(suite), None, engine, Path(out), asked=asked, stage=told.stage)
    return measure_noise(plan, told, seed=seed)


def _plan(
    base: Reference,
    tuned: Sequence[Reference],
    suite: Reference,
    target: str,
    out: Reference,
    models: Sequence[str],
    names: Sequence[str],
    settings: Settings,
    watcher: FullWatcher,
) -> Plan:
    if not tuned:
        raise RetentionError("tuned: no checkpoint is named; give one fine-tune of the base or several")
    paths = [os.fspath(each) for each in tuned]
    chosen = _engine_settings(**settings)
    return make_plan(
        os.fspath(base),
        paths,
        os.fspath(suite),
        target,
        chosen,
        Path(out),
        models,
        names,
        settings.get("processor", "base"),
        _asked(settings),
        watcher.stage,
    )


def _asked(settings: Settings) -> PromptSettings:
    template = settings.get("chat_template")
    return PromptSettings(
        policy=settings.get("prompt"),
        template=None if template is None else os.fspath(template),
        arguments=dict(settings.get("template_args") or {}),
    )


def _engine_settings(**settings: Unpack[Settings]) -> EngineSettings:
    chosen = {name: value for name, value in settings.items() if name not in _OF_PLAN}
    return EngineSettings(
        name=choose(settings.get("engine")),
        dtype=settings.get("dtype") or default_dtype(device_class()),
        **chosen,  # type: ignore[arg-type]
    )


def _score_folders(plan: Plan, folders: Sequence[Path], target: str) -> list[Evaluation]:
    """Score the runs of ``folders``, each against the base's in the same conditions, where that is there."""
    found: dict[Path, Evaluation] = {}
    for part in plan.parts():
        first = part.folder(part.base)
        tuned = [folder for each in part.tuned if (folder := part.folder(each)) in folders]
        if first in folders and tuned:
            base, noise = read_run(first), noise_run(first)
            found |= {each: _score(each, base, read_run(each), noise, target, plan.n_items) for each in tuned}
    return [found[folder] for folder in folders if folder in found]


def _score(folder: Path, base: Run, tuned: Run, noise: Run | None, target: str, n_items: int) -> Evaluation:
    """Score one pair, and keep its scorecard and report beside the tuned run."""
    card = score_pair(base, tuned, target, noise=noise)
    (folder / f"scorecard-{target}.json").write_text(card.to_json(), encoding="utf-8")
    report = folder / f"report-{target}.html"
    report.write_text(render_pair_page(card, base, tuned), encoding="utf-8")
    return Evaluation(card, folder, report, tuned.record.n_items / n_items, tuned.record.screened)
