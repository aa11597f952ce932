"""Probes: what the base itself answers to the items of a suite, as texts that can be read again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from harness.checkpoints import PromptRenderer
from harness.errors import RetentionError
from harness.lmeval import first, load_frozen, run_tasks
from harness.protocol import Completion, Engine, GenerateRequest, Prompt, ScoreAnswer, ScoreRequest
from harness.records import EngineRecord, Suite, suite_path
from harness.suites import open_suite

Role = Literal["target", "prior"]


@dataclass(frozen=True)
class Answer:
    """One prompt and the base's own output to it, as tokens; ``stopped`` where the base ended it by itself."""

    key: str
    task: str
    prompt: Prompt
    output: tuple[int, ...]
    stopped: bool


@dataclass(frozen=True)
class Suited:
    """A suite whose items are asked, and what each task of it is to the target; tasks that are neither target nor
    prior (transfer, target-adjacent) are not asked."""

    suite: Suite
    reference: str
    roles: dict[str, Role]


def open_probes(reference: str, target: str | None) -> Suited:
    """The suite to probe with; ``target`` is the family that is trained, which the suite need not ask.

    Raises ``RetentionError`` where no prior task is left.
    """
    suite = open_suite(reference)
    roles: dict[str, Role] = {}
    for name, task in suite.tasks.items():
        if target is not None and task.family == target:
            if not task.transfer:
                roles[name] = "target"
        elif target not in task.adjacent:
            roles[name] = "prior"
    if "prior" not in roles.values():
        raise RetentionError(f"--probe {reference}: it has no task but those of {target}; nothing prior is asked")
    return Suited(suite, reference, roles)


def ask(
    suited: Suited,
    engine: Engine,
    renderer: PromptRenderer,
    per_task: int,
    answer_tokens: int,
    progress: Callable[[int], None],
) -> list[Answer]:
    """What the engine answers to the first ``per_task`` items of each task, which are a sample of it.

    No more than ``answer_tokens`` tokens of an answer are written. An item that cannot be answered raises
    ``RetentionError``.
    """
    asked = suited.suite.model_copy(
        update={"tasks": {name: task for name, task in suited.suite.tasks.items() if name in suited.roles}}
    )
    loaded = load_frozen(asked, suite_path(suited.reference).parent)
    recording = _RecordingEngine(engine, renderer, answer_tokens)
    for samples in run_tasks(
        asked, {name: first(task, per_task) for name, task in loaded.items()}, recording, renderer, progress
    ):
        for sample in samples:
            if sample.error is not None:
                raise RetentionError(f"--probe {suited.reference}: {sample.task}: the base failed: {sample.error}")
            recording.tasks[sample.item_id] = sample.task
    return [recording.answer(key) for key in recording.tasks]


@dataclass
class _RecordingEngine:
    """An engine that passes requests on to another, and records the answers."""

    engine: Engine
    renderer: PromptRenderer
    answer_tokens: int
    tasks: dict[str, str] = field(default_factory=dict)
    said: dict[str, tuple[Prompt, tuple[int, ...], bool]] = field(default_factory=dict)

    @property
    def record(self) -> EngineRecord:
        return self.engine.record

    def answer(self, key: str) -> Answer:
        prompt, output, stopped = self.said[key]
        return Answer(key, self.tasks[key], prompt, output, stopped)

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        short = [self._cut(request) for request in requests]
        for index, completion in self.engine.generate(short):
            asked = requests[index]
            output = self.renderer.continuation(asked.prompt, completion.text)
            # Where the task has stops of its own, they may have ended the answer rather than the base.
            stopped = completion.finish_reason == "stop" and not asked.decoding.stop
            self.said[asked.item_id] = (asked.prompt, output, stopped)
            yield index, completion

    def score(self, requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, ScoreAnswer]]:
        for index, scores in self.engine.score(requests):
            asked = requests[index]
            if isinstance(scores, tuple):
                best = max(range(len(scores)), key=lambda option: scores[option].logprob)
                # The option was given, not written: there is no decision to stop after it.
                self.said[asked.item_id] = (asked.prompt, asked.continuations[best], False)
            yield index, scores

    def _cut(self, request: GenerateRequest) -> GenerateRequest:
        budget = min(request.decoding.max_tokens, self.answer_tokens)
        return replace(request, decoding=replace(request.decoding, max_tokens=budget))

    def close(self) -> None:
        """The engine is its owner's to close."""
