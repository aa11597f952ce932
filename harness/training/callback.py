"""Callback: what a training has made the model learn and forget so far, measured while it goes on.

trainer = SFTTrainer(..., callbacks=[RetentionCallback("nano:base", "nano-1", every=50, target="jigsaw")])
"""

import re
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

# Before what evaluates, which turns off the bars of those that import it afterwards: a trainer's bar is its own.
from tqdm import tqdm

from harness.errors import RetentionError, install_command
from harness.records import read_record, read_run
from harness.scoring import LEAST_RUNS, Scorecard, apply_rule, parse_rule, score_pair
from harness.training.aside import aside
from harness.training.best import Best
from harness.training.card_log import in_one_line, logged
from harness.training.host import log, refuse_processes, trainer_of
from harness.training.measuring import InMemory, Measuring, Questions, Saved

try:
    from transformers import TrainerCallback
except ImportError:
    TrainerCallback = object

ENGINES = ("transformers", "vllm")
_STATE_FILE = "trainer_state.json"
_LONGEST_NAME = 80


class RetentionCallback(TrainerCallback):  # type: ignore[misc]
    """Evaluates the model in training against ``base``, logs gain and retention, and can stop the training.

    A callback of transformers' ``Trainer`` and TRL's ``SFTTrainer``, ``GRPOTrainer`` and others, for full weights and
    adapters of PEFT. ``every`` is "save" (at each checkpoint that the trainer saves) or a number of steps; the last
    step is always evaluated. ``base`` is the checkpoint that the training started from and ``suite`` a shipped suite or
    a YAML file, of which ``items`` of each task are asked, always the same ones (None: all of them). ``target`` is the
    task family that is trained; without it only forgetting is measured. Data sets are read as by :func:`evaluate`.

    ``engine`` "transformers" evaluates the model in memory, in evaluation mode, and leaves weights, modes and random
    states as they were: the training is the same with and without it. "vllm" evaluates the saved checkpoint in a
    process of its own. ``settings`` are the engine's: ``batch`` (256), ``threads`` (1), ``max_model_len``, ``dtype``...
    The base is evaluated once, in the same way, and stored. Runs go below ``out``, where ``retention trajectory`` reads
    them, called ``name`` (by default the trainer's output folder) and the step.

    Logged are ``PREFIX/gain`` and ``PREFIX/macro`` (retention), each with ``_low`` and ``_high`` of its 95 % interval,
    ``PREFIX/worst_group``, ``PREFIX/group/NAME``, ``PREFIX/balance`` (rates in [0, 1]), ``PREFIX/forgot`` (a number of
    prior tasks), ``PREFIX/alarms``, ``PREFIX/seconds`` and ``PREFIX/share_of_time`` (of the training so far).

    ``stop_if`` is a rule, or several, as of ``--fail-if``: "retention < 95" (per cent, or .95) ends the training where
    the loss is shown, the whole 95 % interval below. ``keep_best`` is "balance", "gain unless retention < 95" and so
    on: the best checkpoint so far is saved, kept from ``save_total_limit``, and is the trainer's
    ``state.best_model_checkpoint``. ``say`` is called with a line of text now and then.

    One process trains: under DDP, FSDP or DeepSpeed it refuses with the way out. Raises :class:`RetentionError` for
    wrong arguments, and for what does not fit the trainer or its model when the training begins; an evaluation that
    fails later is reported, and the training goes on.

    >>> Trainer(..., callbacks=[RetentionCallback("./base", "core-text-1", every=200, stop_if="retention < 95")])
    """

    def __init__(
        self,
        base: str | Path,
        suite: str | Path,
        *,
        every: Literal["save"] | int = "save",
        items: int | None = 100,
        target: str | None = None,
        out: str | Path = "runs",
        name: str | None = None,
        engine: Literal["transformers", "vllm"] = "transformers",
        stop_if: str | Sequence[str] = (),
        keep_best: str | None = None,
        prefix: str = "retention",
        say: Callable[[str], None] | None = None,
        **settings: Any,
    ) -> None:
        if TrainerCallback is object:
            raise RetentionError(f"RetentionCallback: needs transformers; run `{install_command('train')}`")
        _check(every, items, engine)
        if engine == "vllm" and every != "save":
            raise RetentionError("RetentionCallback: engine='vllm' evaluates what is saved; give every='save'")
        self.every, self.engine, self.prefix = every, engine, prefix
        self.questions = Questions(str(base), str(suite), items, target, Path(out), settings)
        self.rules = [parse_rule(text) for text in ([stop_if] if isinstance(stop_if, str) else stop_if)]
        self.best = None if keep_best is None else Best(keep_best)
        if target is None and (any(each.needs_target for each in self.rules) or (self.best and self.best.needs_target)):
            raise RetentionError("RetentionCallback: a rule is about the gain, which needs target=FAMILY")
        self.folders: dict[int, Path] = {}
        self.scorecards: dict[int, Scorecard] = {}
        self._name, self._say = name, say or _print
        self._measuring: Measuring | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Check everything, and evaluate the base where it is not stored."""
        self._trainer = trainer_of(self)
        self._refuse(args)
        self._began = time.monotonic()
        self._spent = 0.0
        self.folders, self.scorecards = {}, {}
        self.label = self._name or _label(args.output_dir)
        with aside(), self._timed():
            self._measuring = self._start(given)
            self._say(f"{self.prefix}: evaluates the base on {self._asked} before the first step, unless it is stored")
            self.base_folder = self._measuring.base()
            self._try_rules()
        self.folders = dict(self._measured_before(state.log_history))

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Measure where a step is due; what will be saved at the last step is measured then."""
        last = state.global_step >= state.max_steps and not (self.every == "save" and control.should_save)
        if last or (self.every != "save" and state.global_step % self.every == 0):
            self._measure(args, state, control)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Measure what was saved, if that is due, and write the trainer's state again with what was logged."""
        if self.every == "save":
            self._measure(args, state, control)
        folder = _saved(args, state)
        if self.best is not None and state.best_global_step == state.global_step:
            state.best_model_checkpoint = str(folder)
        if (folder / _STATE_FILE).is_file():
            state.save_to_json(str(folder / _STATE_FILE))

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Say what it cost, which checkpoint was best, and what reads the runs."""
        whole, count = time.monotonic() - self._began, len(self.scorecards)
        self._say(
            f"{self.prefix}: {count} evaluation{'s' * (count != 1)} of {self._asked} and of the base took "
            f"{self._spent:.1f} s, {100 * self._spent / whole:.1f} % of the {whole:.1f} s of this training"
        )
        if self.best is not None:
            self._say(f"{self.prefix}: {self._kept(self.best.metric, state)}")
        if len(runs := self._curve()) >= LEAST_RUNS:
            of_target = "" if self.questions.target is None else f" --target {self.questions.target}"
            self._say(f"Next: retention trajectory {shlex.join(map(str, runs))}{of_target}")
        self._measuring = None

    def _refuse(self, args: Any) -> None:
        refuse_processes(self._trainer, self.engine)
        alike = [each for each in self._trainer.callback_handler.callbacks if isinstance(each, RetentionCallback)]
        if sum(each.prefix == self.prefix for each in alike) > 1:
            raise RetentionError(
                f"RetentionCallback: two of this trainer log as {self.prefix!r}; leave one out, or give it prefix=NAME"
            )
        if self.best is not None and args.metric_for_best_model is not None:
            raise RetentionError(
                f"keep_best: the trainer keeps its best by {args.metric_for_best_model}; leave out "
                "metric_for_best_model and load_best_model_at_end, or keep_best"
            )

    def _start(self, given: dict[str, Any]) -> Measuring:
        if self.engine == "transformers":
            return InMemory(self.questions, given["model"], given.get("processing_class"))
        return Saved(self.questions, self.engine)

    def _try_rules(self) -> None:
        """On the base against itself, so that a task or group that a rule names wrongly ends no training half way."""
        base = read_run(self.base_folder)
        card = score_pair(base, base, self.questions.target)
        for rule in self.rules:
            apply_rule(rule, card)
        if self.best is not None:
            self.best.value(card)

    def _measure(self, args: Any, state: Any, control: Any) -> None:
        step = state.global_step
        if self._measuring is None or step in self.folders:
            return
        before = self._spent
        try:
            with aside(), self._timed():
                measured = self._measuring.measure(f"{self.label}-step-{step:06d}", _saved(args, state))
                card = score_pair(measured.base, measured.tuned, self.questions.target)
        except RetentionError as error:  # Hours of training are not lost to it.
            self._say(f"{self.prefix}, step {step}: not evaluated: {error}")
            return
        _keep(card, measured.folder, self.questions.target)
        self.folders[step], self.scorecards[step] = measured.folder, card
        share = self._spent / (time.monotonic() - self._began)
        cost = {"seconds": self._spent - before, "share_of_time": share}
        log(self._trainer, control, {f"{self.prefix}/{name}": value for name, value in (logged(card) | cost).items()})
        self._say(f"{self.prefix}, step {step}: {in_one_line(card)}; {100 * share:.1f} % of the time so far")
        self._decide(card, state, control)

    def _decide(self, card: Scorecard, state: Any, control: Any) -> None:
        """Stop by the rules; let the trainer save this step where it is the best so far."""
        for result in (apply_rule(rule, card) for rule in self.rules):
            if result.state == "shown":
                control.should_training_stop = True
            if result.state in ("shown", "undefined"):
                stops = "the training stops" if result.state == "shown" else "the training goes on"
                self._say(f"{self.prefix}, step {state.global_step}: {stops}: {result.said}")
        value = None if self.best is None else self.best.value(card)
        if value is not None and (state.best_metric is None or value > state.best_metric):
            state.best_metric, state.best_global_step = value, state.global_step
            control.should_save = control.should_save or self.every != "save"

    def _measured_before(self, history: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, Path]]:
        """The steps that a resumed training had measured, with their run folders as far as they are there."""
        for row in history:
            if f"{self.prefix}/seconds" in row:
                name = f"{self.label}-step-{row['step']:06d}"
                found = (self.questions.out / self._asked).glob(f"{name}-*/*/run.json")
                if newest := max(found, key=lambda path: path.stat().st_mtime, default=None):
                    yield row["step"], newest.parent

    def _curve(self) -> list[Path]:
        """The runs of a trajectory in their order, the base first: of those that answered alike the first."""
        runs = [self.base_folder, *(self.folders[step] for step in sorted(self.folders))]
        found: dict[str, Path] = {}
        for folder in runs:
            found.setdefault(read_record(folder).samples_sha256, folder)
        return list(found.values())

    def _kept(self, metric: str, state: Any) -> str:
        if state.best_global_step is None:
            return f"no checkpoint is the best: none has a {metric} that counts"
        return f"best {metric} at step {state.best_global_step}: {state.best_model_checkpoint}"

    @property
    def _asked(self) -> str:
        return "" if self._measuring is None else self._measuring.suite

    @contextmanager
    def _timed(self) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self._spent += time.monotonic() - began


def _keep(card: Scorecard, folder: Path, target: str | None) -> None:
    name = "scorecard" if target is None else f"scorecard-{target}"
    (folder / f"{name}.json").write_text(card.to_json(), encoding="utf-8")


def _saved(args: Any, state: Any) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}"


def _label(output: str) -> str:
    """The name of a training's folder as one of a run: letters, digits and what a name may have beside them."""
    return re.sub(r"[^A-Za-z0-9._+=@-]+", "-", Path(output).resolve().name).strip("-. ")[:_LONGEST_NAME] or "training"


def _check(every: object, items: object, engine: str) -> None:
    for name, value, words in (("every", every, ("save",)), ("items", items, (None,))):
        if value not in words and (type(value) is not int or value < 1):
            raise RetentionError(f"RetentionCallback: {name}={value!r}: a number from 1 on, or {words[0]!r}")
    if engine not in ENGINES:
        raise RetentionError(
            f"RetentionCallback: engine={engine!r}: 'transformers' (the model in memory) or 'vllm' (what was saved)"
        )


def _print(line: str) -> None:
    """Above the trainer's progress bar."""
    tqdm.write(line)
