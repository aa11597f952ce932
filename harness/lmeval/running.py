"""Our ``LM``: passes lm-eval's requests to an engine, and keeps what lm-eval would drop of each answer."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

import lm_eval
import lm_eval.tasks
import numpy as np
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from harness.answers import likeliest, opened_thought
from harness.checkpoints import PromptRenderer
from harness.lmeval.judging import choices_of, judgement_of, options_of, place_of
from harness.lmeval.loading import LoadedTask, TaskError, build_requests, decoding, select_documents
from harness.pictures import encode_png
from harness.protocol import (
    Completion,
    Decoding,
    Engine,
    Failed,
    GenerateRequest,
    Prompt,
    ScoreAnswer,
    ScoreRequest,
)
from harness.records import Sample, Sampling, Suite, SuiteTask

# Items per call of lm-eval: bounds our memory, and is large enough to keep an engine's batch full. An item with images
# counts as one item more for every ``_PIECE`` bytes of them.
SLAB = 2048
_PIECE = 128 * 1024


def run_tasks(
    suite: Suite,
    tasks: dict[str, LoadedTask],
    engine: Engine,
    renderer: PromptRenderer,
    progress: Callable[[int], None],
    draws: "Draws | None" = None,
) -> Iterator[list[Sample]]:
    """Yield the samples of all tasks, in suite and document order, a slab at a time; with ``draws`` all answers to an
    item, one after the other.

    ``progress`` is called with the number of newly answered requests. Memory is bounded by ``SLAB``.
    """
    sizes = {name: (len(each.item_ids), _weight(each) * _answers(each, draws)) for name, each in tasks.items()}
    for slab in _slabs(sizes):
        documents = {name: (tasks[name], ids, suite.tasks[name].metric) for name, ids in slab.items()}
        lm = _EngineLM(engine, renderer, progress, documents, draws)
        answered = [_judged(suite, tasks, slab, lm, repeat) for repeat in range(draws.sampling.repeats if draws else 1)]
        yield [each[key] for key in answered[0] for each in answered if key in each]


@dataclass(frozen=True)
class Draws:
    """Whose draws the answers are: those of a sampling, in one replicate of its run."""

    sampling: Sampling
    replicate: int = 0

    def decoding(self, greedy: Decoding, item_id: str, repeat: int) -> Decoding:
        """The decoding of one answer to an item."""
        seed = self.sampling.seed_of(item_id, repeat, self.replicate)
        return replace(greedy, temperature=self.sampling.temperature, top_p=self.sampling.top_p, seed=seed)


def is_written(loaded: LoadedTask) -> bool:
    """Whether a model writes its answers to a task, which can be sampled, where else it compares options."""
    return bool(loaded.task.OUTPUT_TYPE == "generate_until")


def _answers(loaded: LoadedTask, draws: Draws | None) -> int:
    return draws.sampling.repeats if draws is not None and is_written(loaded) else 1


def _judged(
    suite: Suite, tasks: dict[str, LoadedTask], slab: dict[str, range], lm: "_EngineLM", repeat: int
) -> dict[tuple[str, int], Sample]:
    """The samples of one answer to each item of the slab, by task and position; options are compared once alone."""
    part = {name: rows for name, rows in slab.items() if not repeat or is_written(tasks[name])}
    if not part:
        return {}
    lm.repeat = repeat
    results = lm_eval.evaluate(
        lm=lm,
        task_dict={"tasks": {name: select_documents(tasks[name].task, rows) for name, rows in part.items()}},
        log_samples=True,
        bootstrap_iters=0,
    )
    return {
        (name, position): _sample(name, suite.tasks[name], logged, lm.answers[name, position, repeat])
        for name in part
        for position, logged in enumerate(_filtered(results["samples"][name], suite.tasks[name].metric))
    }


def prompts_of(tasks: dict[str, LoadedTask], renderer: PromptRenderer) -> Iterator[Prompt]:
    """The prompt of every item of ``tasks``, in their order; of a choice between options, what they all follow."""
    for loaded in tasks.values():
        for doc in loaded.task.eval_docs:
            first = build_requests(loaded.task, doc)[0]
            yield renderer.render(first.args[0], images_of(first))


def _weight(loaded: LoadedTask) -> int:
    """How many items' worth of a slab one item of the task takes; a task's images are of about the same size."""
    if loaded.task.config.doc_to_image is None or not loaded.item_ids:
        return 1
    images = loaded.task.doc_to_image(loaded.task.eval_docs[0])
    return 1 + sum(map(len, map(_encoded, images))) // _PIECE


def _slabs(tasks: dict[str, tuple[int, int]]) -> Iterator[dict[str, range]]:
    """Ranges of documents by task; ``tasks`` has the number of items of each, and the weight of one of them."""
    slab: dict[str, range] = {}
    room = SLAB
    for name, (count, weight) in tasks.items():
        start = 0
        while start < count:
            # An item too large for any slab gets its own.
            taken = min(max(room // weight, 0 if slab else 1), count - start)
            if taken > 0:
                slab[name] = range(start, start + taken)
                start, room = start + taken, room - taken * weight
            if start < count:
                yield slab
                slab, room = {}, SLAB
    if slab:
        yield slab


@dataclass(frozen=True)
class _Answer:
    item_id: str
    prompt_digest: str
    completion: Completion
    logprobs: tuple[float, ...] | None = None
    repeat: int = 0
    seed: int | None = None


class _EngineLM(LM):  # type: ignore[misc]
    """An engine as an lm-eval ``LM``; ``answers`` keeps what lm-eval drops, by task, position in this call, and repeat.

    lm-eval judges one answer to an item at a time: that of ``repeat``. The engine is asked for all of them at once.
    """

    MULTIMODAL = True

    def __init__(
        self,
        engine: Engine,
        renderer: PromptRenderer,
        progress: Callable[[int], None],
        documents: dict[str, tuple[LoadedTask, range, str]],
        draws: Draws | None = None,
    ) -> None:
        super().__init__()
        self._engine = engine
        self._renderer = renderer
        self._progress = progress
        self._item_ids = {
            (name, position): loaded.item_ids[index]
            for name, (loaded, indices, _) in documents.items()
            for position, index in enumerate(indices)
        }
        self._tasks = {name: (loaded.task, metric) for name, (loaded, _, metric) in documents.items()}
        self._draws = draws
        self.repeat = 0
        self.answers: dict[tuple[str, int, int], _Answer] = {}

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        keys = [(each.task_name, each.doc_id, self.repeat) for each in requests]
        self._generate([each for key, each in zip(keys, requests, strict=True) if key not in self.answers])
        return [self.answers[key].completion.text for key in keys]

    def _generate(self, requests: list[Instance]) -> None:
        """Have the engine write all answers to ``requests``."""
        asked = [(each, repeat) for each in requests for repeat in range(self._repeats)]
        prompts = {id(each): self._prompt(each) for each in requests}
        sent = [self._request(each, prompts[id(each)], repeat) for each, repeat in asked]
        for index, answered in self._engine.generate(sent):
            completion = _with_thought(sent[index].prompt, answered)
            instance, repeat = asked[index]
            drawn = None if self._draws is None else sent[index].decoding.seed
            self._keep(instance, sent[index].prompt, completion, repeat=repeat, seed=drawn)
            self._progress(1)

    @property
    def _repeats(self) -> int:
        return 1 if self._draws is None else self._draws.sampling.repeats

    def _request(self, instance: Instance, prompt: Prompt, repeat: int) -> GenerateRequest:
        item_id, greedy = self._item_id(instance), decoding(instance.args[1])
        how = greedy if self._draws is None else self._draws.decoding(greedy, item_id, repeat)
        return GenerateRequest(item_id, prompt, how)

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        # All options of a document share its prompt, so they go into one request.
        documents: dict[tuple[str, int], list[int]] = {}
        for index, each in enumerate(requests):
            documents.setdefault((each.task_name, each.doc_id), []).append(index)
        groups = list(documents.values())
        sent = [self._score_request([requests[index] for index in group]) for group in groups]
        results: list[tuple[float, bool]] = [(0.0, False)] * len(requests)
        for position, scores in self._engine.score(sent):
            group = groups[position]
            failed = _failed(scores)
            if isinstance(scores, Failed) or failed:
                self._keep(requests[group[0]], sent[position].prompt, Completion("", "error", 0, 0, error=failed))
                self._progress(1)
                continue
            for index, score in zip(group, scores, strict=True):
                results[index] = (score.logprob, score.is_greedy)
            logprobs = tuple(score.logprob for score in scores)
            chosen = self._chosen(requests[group[0]], logprobs)
            self._keep(requests[group[0]], sent[position].prompt, chosen, logprobs)
            self._progress(1)
        return results

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        raise TaskError(f"task {requests[0].task_name}: rolling log-likelihood (perplexity) tasks are not supported")

    def _score_request(self, options: list[Instance]) -> ScoreRequest:
        task, _ = self._tasks[options[0].task_name]
        if len(options) != len(choices_of(task, options[0].doc)):
            raise TaskError(f"task {options[0].task_name}: it asks for more than its options (acc_mutual_info, say)")
        if len({option.args[0] for option in options}) == 1:
            prompt, space = self._context(options[0])
            continuations = self._renderer.continuations(prompt, [space + option.args[1] for option in options])
            return ScoreRequest(self._item_id(options[0]), prompt, continuations)
        return self._in_context(options)

    def _in_context(self, options: list[Instance]) -> ScoreRequest:
        """Options that stand in the context: what all contexts start with is the prompt, and the text after the option
        counts.
        """
        contexts = [self._context(option) for option in options]
        added = [
            self._renderer.continuation(prompt, space + option.args[1])
            for (prompt, space), option in zip(contexts, options, strict=True)
        ]
        whole = [prompt.token_ids + each for (prompt, _), each in zip(contexts, added, strict=True)]
        shared = min(_alike(whole), *(len(prompt.token_ids) for prompt, _ in contexts))
        first, texts = contexts[0][0], [prompt.text for prompt, _ in contexts]
        prompt = Prompt(first.text[: _alike(texts)], whole[0][:shared], first.images)
        counted = tuple(map(len, added))
        return ScoreRequest(self._item_id(options[0]), prompt, tuple(each[shared:] for each in whole), counted=counted)

    def _context(self, option: Instance) -> tuple[Prompt, str]:
        """The prompt of an option, and the white space that is left of its context."""
        context = option.args[0]
        # As in lm-eval: white space at the end of a context belongs to the continuation's tokens.
        kept = context.rstrip() if self._renderer.style == "plain" else context
        return self._renderer.render(kept, images_of(option)), context[len(kept) :]

    def _chosen(self, option: Instance, logprobs: tuple[float, ...]) -> Completion:
        """The option that the suite's metric takes, as an answer."""
        task, metric = self._tasks[option.task_name]
        place = likeliest(logprobs, choices_of(task, option.doc), metric)
        return Completion(options_of(task, option.doc)[place], "stop", 0, 0)

    def _prompt(self, instance: Instance) -> Prompt:
        return self._renderer.render(instance.args[0], images_of(instance))

    def _item_id(self, instance: Instance) -> str:
        return self._item_ids[instance.task_name, instance.doc_id]

    def _keep(
        self,
        instance: Instance,
        prompt: Prompt,
        completion: Completion,
        logprobs: tuple[float, ...] | None = None,
        *,
        repeat: int = 0,
        seed: int | None = None,
    ) -> None:
        key = (instance.task_name, instance.doc_id)
        self.answers[*key, repeat] = _Answer(self._item_ids[key], prompt.digest, completion, logprobs, repeat, seed)


def _with_thought(prompt: Prompt, completion: Completion) -> Completion:
    """The answer with the mark of a thought that its prompt begins, without which the thought would be the answer."""
    opened = "" if completion.error else opened_thought(prompt.text)
    return replace(completion, text=opened + completion.text) if opened else completion


def _alike(rows: Sequence[Sequence[object]]) -> int:
    """How many of their first elements all rows share."""
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, zip(*rows, strict=False)))


def _failed(scores: ScoreAnswer) -> str | None:
    """Why a request has no scores, None if it has."""
    if isinstance(scores, Failed):
        return scores.error
    return None if all(math.isfinite(each.logprob) for each in scores) else "a log-probability is not a finite number"


def images_of(instance: Instance) -> tuple[bytes, ...]:
    """The encoded images of one request."""
    if len(instance.args) < 3:
        return ()
    return tuple(_encoded(image) for image in instance.args[2].get("visual", ()))


def _encoded(image: Any) -> bytes:
    """The image as encoded bytes: as stored, for our own tasks, else encoded as PNG."""
    encoded: bytes | None = image if isinstance(image, bytes) else getattr(image, "encoded", None)
    return encode_png(np.asarray(image.convert("RGB"))) if encoded is None else encoded


def _filtered(logged: list[dict[str, Any]], metric: str) -> list[dict[str, Any]]:
    """The rows of the filter that ``metric`` names after a comma, as lm-eval's results do; by default, the first."""
    chosen = metric.partition(",")[2] or logged[0]["filter"]
    rows = [row for row in logged if row["filter"] == chosen]
    if not rows:
        raise TaskError(
            f"metric {metric}: no such filter; choose one of {', '.join({row['filter'] for row in logged})}"
        )
    return rows


def _sample(name: str, task: SuiteTask, logged: dict[str, Any], answer: _Answer) -> Sample:
    completion = answer.completion
    place = place_of(name, task, logged["doc"], answer.item_id)
    try:
        judged = judgement_of(task, logged, completion.text, completion.finish_reason, completion.error)
    except TaskError as error:
        raise TaskError(f"task {name}: {error}") from error
    return Sample(
        item_id=answer.item_id,
        task=name,
        **vars(place),
        output=completion.text,
        **vars(judged),
        finish_reason=completion.finish_reason,
        n_prompt_tokens=completion.n_prompt_tokens,
        n_output_tokens=completion.n_output_tokens,
        prompt_digest=answer.prompt_digest,
        error=completion.error,
        logprobs=answer.logprobs,
        repeat=answer.repeat,
        seed=answer.seed,
    )
