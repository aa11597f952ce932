"""Evaluating checkpoints: run a base and its fine-tunes on a suite, score each pair, keep scorecard and report."""

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack, overload

from harness.api.commands import command_line
from harness.checkpoints import Pixels, PromptSettings, open_checkpoint
from harness.engines import Dtype, EngineSettings, choose, choose_for_sampling, default_dtype, device_class
from harness.errors import CheckFailedError, RetentionError
from harness.evaluation import (
    Estimate,
    NoiseFloor,
    Plan,
    PlanFailedError,
    Watcher,
    complete,
    estimate,
    make_plan,
    measure_noise,
    noise_run,
    run_plan,
    screen,
)
from harness.records import Run, Sampling, ScreenRecord, choose_sampling, read_run
from harness.report import render_pair_page
from harness.scoring import MARGIN, Scorecard, check_margin, score_pair
from harness.suites import suite_for

Reference = str | os.PathLike[str]


class Settings(TypedDict, total=False):
    """How an engine runs the checkpoints; what is not given is as in ``retention evaluate``.

    ``engine`` is "vllm", "transformers", "openai" (a server, at address ``server``) or "lm-eval:NAME"; by default vLLM
    where it is installed. ``dtype``: by default float32 on a CPU. ``max_model_len`` is the longest prompt plus answer
    in tokens, by default what suite and model need, ``batch`` (256) the requests at once, ``threads`` (1) the CPU
    threads, ``time_limit`` the seconds of one item, ``tensor_parallel`` (1) the GPUs that share one model.
    ``adapters``: "merge" them into a copy of the base, or apply them beside it ("lora"); "auto" merges on a CPU.
    ``executor`` "ray" takes ``workers`` processes of the cluster at ``address``. ``processor`` "tuned" gives each
    tuned checkpoint its own image processor in place of the base's (custom track). ``pixels`` are the fewest and the
    most pixels that an image is resized to, within what the suite allows (custom track).

    Of vLLM alone: ``gpu_memory_utilization`` is the share of a GPU's memory, in (0, 1], that it takes,
    ``max_num_seqs`` the sequences in one of its steps (by default ``batch``), ``quantization`` the method ("fp8",
    "bitsandbytes", ...) by which it quantises the weights while it loads them, and ``engine_args`` any other argument
    of it by name. The last two change answers and are in the run record.

    ``prompt`` is "chat", "plain" or "native" (each model in its own chat template) where it is not to be the suite's.
    ``chat_template`` is a file, or "tuned" for the tuned checkpoint's, which both models are asked in instead of the
    base's; ``template_args`` is what the template is told, such as ``{"enable_thinking": False}``. All but the suite's
    own prompts are for the custom track.

    Answers are greedy unless ``temperature`` (0.01 or more) says otherwise: then ``repeats`` (1) answers to an item are
    drawn, each with a seed that follows from item, repeat and ``sampling_seed`` (0), from the likeliest tokens that
    hold ``top_p`` (1) of the probability. The item stays the unit of every interval and test, and pass@k is beside the
    mean. Sampled runs are not for the board.
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
    gpu_memory_utilization: float | None
    max_num_seqs: int | None
    quantization: str | None
    engine_args: Mapping[str, Any]
    pixels: tuple[int, int] | None
    temperature: float | None
    repeats: int | None
    top_p: float | None
    sampling_seed: int | None


# The settings that are not the engine's.
_OF_SAMPLING = ("temperature", "repeats", "top_p", "sampling_seed")
_OF_PLAN = ("engine", "dtype", "processor", "prompt", "chat_template", "template_args", "pixels", *_OF_SAMPLING)


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
    suite: Reference | None = None,
    target: str | None = None,
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
    suite: Reference | None = None,
    target: str | None = None,
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
    suite: Reference | None = None,
    target: str | None = None,
    out: Reference = "runs",
    watcher: Watcher | None = None,
    fail_on_error: float = 0,
    models: Sequence[str] = (),
    names: Sequence[str] = (),
    **settings: Unpack[Settings],
) -> Scorecard | list[Scorecard]:
    """Run ``base`` and ``tuned`` on a suite, and score each pair: one scorecard, or for a list of checkpoints a list.

    A checkpoint is a local folder, a hub id ``owner/name[@revision]``, a PEFT adapter (folder or id), or a shipped
    ``nano:NAME``. ``suite`` is a shipped suite ("nano-1", see :func:`suites`) or a YAML file; without it the error
    names the suite that fits the base (:func:`check` takes a part of that one by itself). ``target`` is the task family
    that was trained; without it every task is a prior task, and only forgetting is measured. Runs go below the folder
    ``out``; the same call again, or ``retention evaluate``, reuses every stored answer and finishes what is
    missing. Data sets are read from the folder that the environment variable RETENTION_DATA names, else from the hub.

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
    suite: Reference | None = None,
    target: str | None = None,
    out: Reference = "runs",
    watcher: Watcher | None = None,
    fail_on_error: float = 0,
    models: Sequence[str] = (),
    names: Sequence[str] = (),
    margin: float = MARGIN,
    **settings: Unpack[Settings],
) -> list[Evaluation]:
    """As :func:`evaluate`, with the run folder and the report page of each pair beside its scorecard.

    ``margin``, a rate in (0, 1), is the loss that "retained" must rule out.
    """
    check_margin(margin)
    told = complete(watcher)
    plan = plan_pairs(base, tuned, suite, target, out, models, names, settings, stage=told.stage)
    return run_pairs(plan, target, told, fail_on_error, margin)


def run_pairs(
    plan: Plan, target: str | None, watcher: Watcher | None, fail_on_error: float, margin: float = MARGIN
) -> list[Evaluation]:
    """Run the checkpoints of ``plan`` and score each pair, with its report page beside the tuned run."""
    told = complete(watcher)
    try:
        folders = run_plan(plan, told, fail_on_error=fail_on_error)
    except PlanFailedError as error:
        raise EvaluationFailedError(str(error), _score_folders(plan, error.finished, target, margin)) from error
    told.stage("scoring the pairs and writing their reports")
    return _score_folders(plan, folders, target, margin)


def plan(
    base: Reference,
    tuned: Reference | Sequence[Reference],
    *,
    suite: Reference | None = None,
    target: str | None = None,
    out: Reference = "runs",
    items: int | None = None,
    calibrate: bool = False,
    watcher: Watcher | None = None,
    models: Sequence[str] = (),
    names: Sequence[str] = (),
    **settings: Unpack[Settings],
) -> Estimate:
    """What :func:`evaluate` would cost with the same arguments, and what it could show, without running it.

    Items, tokens and images of each checkpoint that are not answered yet, memory for weights and cache, time, and the
    smallest losses that would be found. Time is measured by stored runs of the same suite and engine below ``out``, or
    with ``calibrate`` by answering for at most 30 s, which starts an engine and stores its answers; else it is None.
    With ``items`` it is the cost of :func:`check`, which asks the first so many of each task.

    Raises :class:`RetentionError` as :func:`evaluate` does.

    >>> plan("nano:base", "nano:sft", suite="nano-1", target="jigsaw").total.prompt_tokens
    """
    several: Sequence[Reference] = [tuned] if isinstance(tuned, str | os.PathLike) else tuned
    told = complete(watcher)
    if items is not None and items < 1:
        raise RetentionError(f"items {items}: a part has at least one item of each task")
    made = plan_pairs(base, several, suite, target, out, models, names, settings, items=items, stage=told.stage)
    return estimate(made, told, calibrate=calibrate)


def screen_pairs(
    base: Reference,
    tuned: Sequence[Reference],
    *,
    suite: Reference | None = None,
    target: str | None = None,
    out: Reference = "runs",
    watcher: Watcher | None = None,
    models: Sequence[str] = (),
    names: Sequence[str] = (),
    **settings: Unpack[Settings],
) -> list[Evaluation]:
    """As :func:`evaluate_pairs`, but leave each tuned checkpoint as soon as its gain on ``target`` is decided.

    The gain is looked at after 20, 40, 60, 80 and 100 % of the items, by a rule fixed beforehand (O'Brien and Fleming,
    two-sided 5 %). For sorting many checkpoints: what comes out is marked as screened, and is not for publication.
    Raises :class:`RetentionError` without a target, beside what :func:`evaluate` raises.
    """
    told = complete(watcher)
    plan = plan_pairs(base, tuned, suite, target, out, models, names, settings, stage=told.stage)
    if target is None:
        raise RetentionError(
            "--screen: a screening is decided by the gain on the family that was trained; name it with --target "
            f"({', '.join(plan.suite.families)}), or evaluate in full, without --screen"
        )
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
    plan = make_plan(
        os.fspath(base),
        (),
        os.fspath(suite),
        None,
        _engine_settings(**settings),
        Path(out),
        asked=_asked(settings),
        pixels=_pixels(settings),
        sampling=_sampling(settings),
        remarks=_remarks(settings),
        stage=told.stage,
    )
    return measure_noise(plan, told, seed=seed)


def plan_pairs(
    base: Reference,
    tuned: Sequence[Reference],
    suite: Reference | None,
    target: str | None,
    out: Reference,
    models: Sequence[str],
    names: Sequence[str],
    settings: Settings,
    *,
    items: int | None = None,
    without: Collection[str] = (),
    stage: Callable[[str], None] = lambda what: None,
) -> Plan:
    """The plan of an evaluation; with ``items`` of the first so many of each task, but the tasks in ``without``."""
    if not tuned:
        raise RetentionError("tuned: no checkpoint is named; give one fine-tune of the base or several")
    paths = [os.fspath(each) for each in tuned]
    if suite is None:
        raise _no_suite(os.fspath(base), paths, target, settings)
    chosen, sampling = _engine_settings(**settings), _sampling(settings)
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
        _pixels(settings),
        sampling=sampling,
        remarks=_remarks(settings),
        items=items,
        without=without,
        stage=stage,
    )


def _pixels(settings: Settings) -> Pixels:
    return Pixels(*(settings.get("pixels") or ()))


def _no_suite(base: str, tuned: Sequence[str], target: str | None, settings: Settings) -> RetentionError:
    """The error of an evaluation without a suite: which one fits the base, and how to run it, in full or in part."""
    choice = suite_for(open_checkpoint(base), templated=templated(settings))
    whole = command_line("evaluate", [base, *tuned], {"suite": choice.suite, "target": target}, settings)
    part = command_line("check", [base, *tuned], {"target": target}, settings)
    lacking = f"; data for {len(choice.missing)} of its tasks is not here" if choice.missing else ""
    return RetentionError(f"--suite: none is named; {choice} fits this base{lacking}: `{whole}`, or a part: `{part}`")


def templated(settings: Settings) -> bool | None:
    """Whether prompts are made by a chat template, where the settings say so whatever the base has."""
    if settings.get("prompt") == "plain":
        return False
    return True if settings.get("chat_template") is not None else None


def _asked(settings: Settings) -> PromptSettings:
    template = settings.get("chat_template")
    return PromptSettings(
        policy=settings.get("prompt"),
        template=None if template is None else os.fspath(template),
        arguments=dict(settings.get("template_args") or {}),
    )


def _sampling(settings: Settings) -> Sampling | None:
    return choose_sampling(
        settings.get("temperature"), settings.get("repeats"), settings.get("top_p"), settings.get("sampling_seed")
    )


def engine_note(**settings: Unpack[Settings]) -> str:
    """Why the engine is not the default one; empty where it is. ``RetentionError`` where none can do what is asked."""
    if _sampling(settings) is None:
        return ""
    return choose_for_sampling(settings.get("engine"), device_class())[1]


def _remarks(settings: Settings) -> tuple[str, ...]:
    return tuple(filter(None, [engine_note(**settings)]))


def _engine_settings(**settings: Unpack[Settings]) -> EngineSettings:
    chosen = {name: value for name, value in settings.items() if name not in _OF_PLAN}
    named, sampled = settings.get("engine"), _sampling(settings) is not None
    return EngineSettings(
        name=choose_for_sampling(named, device_class())[0] if sampled else choose(named),
        dtype=settings.get("dtype") or default_dtype(device_class()),
        **chosen,  # type: ignore[arg-type]
    )


def _score_folders(plan: Plan, folders: Sequence[Path], target: str | None, margin: float) -> list[Evaluation]:
    """Score the runs of ``folders``, each against the base's in the same conditions, where that is there."""
    found: dict[Path, Evaluation] = {}
    for part in plan.parts():
        first = part.folder(part.base)
        tuned = [folder for each in part.tuned if (folder := part.folder(each)) in folders]
        if first in folders and tuned:
            base, noise = read_run(first), noise_run(first)
            found |= {each: _score(each, base, read_run(each), noise, target, plan.n_items, margin) for each in tuned}
    return [found[folder] for folder in folders if folder in found]


def _score(
    folder: Path, base: Run, tuned: Run, noise: Run | None, target: str | None, n_items: int, margin: float = MARGIN
) -> Evaluation:
    """Score one pair, and keep its scorecard and report beside the tuned run."""
    card = score_pair(base, tuned, target, noise=noise, margin=margin)
    on = f"-{target}" if target else ""
    (folder / f"scorecard{on}.json").write_text(card.to_json(), encoding="utf-8")
    report = folder / f"report{on}.html"
    report.write_text(render_pair_page(card, base, tuned), encoding="utf-8")
    return Evaluation(card, folder, report, tuned.record.n_items / n_items, tuned.record.screened)
