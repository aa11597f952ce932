"""Workload: what a plan asks of its checkpoints, counted from the requests that an engine would be sent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.checkpoints import ImageTokens, PromptRenderer, image_tokens, processor_of
from harness.engines import Member, Placement
from harness.evaluation.execution import Execution
from harness.evaluation.store import Variant, request_keys
from harness.evaluation.work import NO_WORK, Work
from harness.lmeval import Draws, picture_size, run_tasks
from harness.protocol import Completion, ContinuationScore, GenerateRequest, ScoreAnswer, ScoreRequest
from harness.records import EngineRecord

Request = GenerateRequest | ScoreRequest


@dataclass(frozen=True)
class Load:
    """What one checkpoint is asked: its requests by task, and which of them are in no store."""

    member: Member
    placement: Placement
    tasks: dict[str, Work]
    missing: tuple[Request, ...]

    @property
    def total(self) -> Work:
        return sum(self.tasks.values(), NO_WORK)


def workload(execution: Execution) -> Iterator[Load]:
    """What each checkpoint of a plan that fits is asked, the base first; no engine is started, nothing is written."""
    plan = execution.plan
    asked: dict[int, dict[str, list[Request]]] = {}
    tokens = image_tokens((plan.base.base or plan.base).path, processor_of(plan.conditions))
    for placement in plan.placements:
        for member in placement.members:
            renderer = plan.prompts.of(member.checkpoint)
            if id(renderer) not in asked:
                asked[id(renderer)] = _requests(execution, renderer)
            yield _load(execution, placement, member, asked[id(renderer)], tokens)


def _load(
    execution: Execution,
    placement: Placement,
    member: Member,
    requests: dict[str, list[Request]],
    tokens: ImageTokens,
) -> Load:
    variant = Variant.of(member, placement.conditions, execution.plan.replicate)
    works: dict[str, Work] = {}
    missing: list[Request] = []
    for task, its in requests.items():
        keys = request_keys(variant, its)
        known = execution.store.get(keys)
        left = [each for each, key in zip(its, keys, strict=True) if key not in known]
        works[task] = sum((_work(each, tokens) for each in left), Work(len(its) - len(left), len(its) - len(left)))
        missing += left
    return Load(member, placement, works, tuple(missing))


def _work(request: Request, tokens: ImageTokens) -> Work:
    sizes = [picture_size(each) for each in request.prompt.images]
    prompt = len(request.prompt.token_ids) + sum(tokens(*size) - 1 for size in sizes)
    if isinstance(request, GenerateRequest):
        return Work(1, 0, prompt, 0, request.decoding.max_tokens, len(sizes))
    return Work(1, 0, prompt, sum(map(len, request.continuations)), 0, len(sizes))


def _requests(execution: Execution, renderer: PromptRenderer) -> dict[str, list[Request]]:
    """The requests of every task, as an evaluation sends them."""
    plan = execution.plan
    recorder = _Recorder(plan.placements[0].record)
    draws = None if plan.sampling is None else Draws(plan.sampling, plan.replicate)
    found: dict[str, list[Request]] = {}
    for samples in run_tasks(plan.suite, execution.tasks, recorder, renderer, lambda _: None, draws):
        for sample in samples:
            found.setdefault(sample.task, []).append(recorder.seen[sample.item_id, sample.seed])
    return found


class _Recorder:
    """An engine that answers nothing, and keeps what it was asked."""

    def __init__(self, record: EngineRecord) -> None:
        self.record = record
        # By item, and the seed of an answer that is drawn.
        self.seen: dict[tuple[str, int | None], Request] = {}

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            drawn = request.decoding.seed if request.decoding.temperature else None
            self.seen[request.item_id, drawn] = request
            yield index, Completion("", "stop", 0, 0)

    def score(self, requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, ScoreAnswer]]:
        for index, request in enumerate(requests):
            self.seen[request.item_id, None] = request
            yield index, tuple(ContinuationScore(0.0, False) for _ in request.continuations)

    def close(self) -> None: ...
