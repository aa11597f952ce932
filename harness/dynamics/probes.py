"""Probes: the base's own answers to the items of a suite, as texts to score."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from harness.checkpoints import PromptRenderer
from harness.errors import RetentionError
from harness.lmeval import first_items, load_frozen, run_tasks
from harness.protocol import Completion, Engine, GenerateRequest, Prompt, ScoreAnswer, ScoreRequest
from harness.records import EngineRecord, Suite, suite_path
from harness.suites import open_suite

Role = Literal["target", "prior"]


@dataclass(frozen=True)
class Answer:
    """One prompt and the base's own output, as tokens; ``stopped`` if the base ended it by itself."""

    key: str
    task: str
    prompt: Prompt
    output: tuple[int, ...]
    stopped: bool


@dataclass(frozen=True)
class ProbedSuite:
    """A suite to probe with, and the role of each task; tasks that are neither target nor prior (transfer,
    target-adjacent) are not used."""

    suite: Suite
    reference: str
    roles: dict[str, Role]


def open_probes(reference: str, target: str | None) -> ProbedSuite:
    """The suite to probe with; ``target`` is the trained family, which the suite need not have.

    Raises ``RetentionError`` if it has no prior task.
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
        raise RetentionError(f"--probe {reference}: it has only tasks of {target}, so there is no prior task")
    return ProbedSuite(suite, reference, roles)


def collect_answers(
    probed: ProbedSuite,
    engine: Engine,
    renderer: PromptRenderer,
    per_task: int,
    answer_tokens: int,
    progress: Callable[[int], None],
) -> list[Answer]:
    """The engine's answers to the first ``per_task`` items of each task, which are a random sample of it.

    At most ``answer_tokens`` tokens are generated for each. Raises ``RetentionError`` if an item fails.
    """
    suite = probed.suite.model_copy(
        update={"tasks": {name: task for name, task in probed.suite.tasks.items() if name in probed.roles}}
    )
    loaded = load_frozen(suite, suite_path(probed.reference).parent)
    recording = _RecordingEngine(engine, renderer, answer_tokens)
    tasks = {name: first_items(task, per_task) for name, task in loaded.items()}
    for samples in run_tasks(suite, tasks, recording, renderer, progress):
        for sample in samples:
            if sample.error is not None:
                raise RetentionError(f"--probe {probed.reference}: {sample.task}: the base failed: {sample.error}")
            recording.tasks[sample.item_id] = sample.task
    return [recording.answer(key) for key in recording.tasks]


@dataclass
class _RecordingEngine:
    """An engine that forwards requests to another one, and records its answers."""

    engine: Engine
    renderer: PromptRenderer
    answer_tokens: int
    tasks: dict[str, str] = field(default_factory=dict)
    answers: dict[str, tuple[Prompt, tuple[int, ...], bool]] = field(default_factory=dict)

    @property
    def record(self) -> EngineRecord:
        return self.engine.record

    def answer(self, key: str) -> Answer:
        prompt, output, stopped = self.answers[key]
        return Answer(key, self.tasks[key], prompt, output, stopped)

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        short = [self._cut(request) for request in requests]
        for index, completion in self.engine.generate(short):
            request = requests[index]
            output = self.renderer.continuation(request.prompt, completion.text)
            # If the task has stop strings, one of them may have ended the answer rather than the base.
            stopped = completion.finish_reason == "stop" and not request.decoding.stop
            self.answers[request.item_id] = (request.prompt, output, stopped)
            yield index, completion

    def score(self, requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, ScoreAnswer]]:
        for index, scores in self.engine.score(requests):
            request = requests[index]
            if isinstance(scores, tuple):
                best = max(range(len(scores)), key=lambda option: scores[option].logprob)
                # The option was given, not generated: there is no decision to stop after it.
                self.answers[request.item_id] = (request.prompt, request.continuations[best], False)
            yield index, scores

    def _cut(self, request: GenerateRequest) -> GenerateRequest:
        budget = min(request.decoding.max_tokens, self.answer_tokens)
        return replace(request, decoding=replace(request.decoding, max_tokens=budget))

    def close(self) -> None:
        """The wrapped engine is closed by its owner."""
