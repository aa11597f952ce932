"""Measuring dynamics: why one kind of training data changes a base more than another.

On the base: how surprising are the training targets, and how strongly and in which direction does a step on one of them
change its answers to prior tasks. On its checkpoints: how far did they drift.
"""

from collections.abc import Callable, Mapping, Sequence

from harness.checkpoints import ANY_SIZE, Checkpoint, Pixels, PromptRenderer, conditions_of
from harness.dynamics.influence import OWN_CHANGE, RELATIVE_STEP, Steps
from harness.dynamics.plan import Plan
from harness.dynamics.probes import Answer, Role, collect_answers
from harness.dynamics.reading import Reader, Text
from harness.engines import EngineSettings, default_dtype, device_class
from harness.errors import RetentionError
from harness.protocol import Decoding, GenerateRequest
from harness.scoring import (
    CheckpointDrift,
    Divergence,
    Dynamics,
    InfluenceScore,
    ItemDrift,
    Model,
    PerplexityScore,
    ProbeSuite,
    Settings,
    drift,
)
from harness.scoring.dynamics import influence, perplexity
from harness.training import Example

Progress = Callable[[str, int, int], None]


def measure_dynamics(plan: Plan, progress: Progress) -> Dynamics:
    """Measure perplexity, influence and drift; ``progress`` is called with phase, done and total."""
    reader = Reader(plan.base, plan.threads, _pixels(plan))
    try:
        renderer = PromptRenderer(plan.base.path, plan.probed.suite.prompt if plan.probed else "chat")
        texts = {
            label: [_text(example, label, renderer, reader) for example in examples]
            for label, examples in plan.examples.items()
        }
        perplexities = _perplexities(texts, reader, progress)
        answers = _answers(plan, reader, renderer, progress)
        influences, no_influence = _influences(plan, texts, answers, reader, progress)
        prompts, prompt_source = _prompts(plan, texts, answers, reader, renderer, progress)
    finally:
        reader.close()
    drifts = tuple(_drift(plan, checkpoint, prompts, progress) for checkpoint in plan.checkpoints) or None
    why = {
        "probes": "no suite was given (--probe)",
        "influence": no_influence,
        "drift": "no checkpoint was given (--checkpoint)",
        "target_prompts": "no checkpoint was given (--checkpoint)",
    }
    probed = plan.probed
    roles = None if probed is None else set(probed.roles.values())
    fields = {
        "probes": probed
        and ProbeSuite(
            suite=probed.suite.id,
            digest=probed.suite.digest,
            target=plan.target if roles and "target" in roles else None,
        ),
        "influence": influences,
        "target_prompts": prompt_source if drifts else None,
        "drift": drifts,
    }
    return Dynamics(
        base=_model(plan.base),
        training=plan.sets,
        settings=_settings(plan),
        perplexity=perplexities,
        reasons={name: why[name] for name, value in fields.items() if value is None},
        **fields,
    )


def _pixels(plan: Plan) -> Pixels:
    """The pixel budget of the suite that is probed; that of the base without one."""
    return Pixels(plan.probed.suite.min_pixels, plan.probed.suite.max_pixels) if plan.probed else ANY_SIZE


def _model(checkpoint: Checkpoint) -> Model:
    return Model(name=checkpoint.record.name[-200:], weights_digest=checkpoint.record.weights_digest)


def _settings(plan: Plan) -> Settings:
    size, device = plan.size, device_class()
    return Settings(
        device=device,
        seed=size.seed,
        limit=size.limit,
        examples=size.examples,
        probes=size.probes,
        prompts=size.prompts,
        answer_tokens=size.answer_tokens,
        relative_step=RELATIVE_STEP,
        own_change=OWN_CHANGE,
        drift_dtype=default_dtype(device),
    )


def _text(example: Example, label: str, renderer: PromptRenderer, reader: Reader) -> Text:
    prompt = renderer.render(example.question, example.images)
    return Text(example.example_id, example.task, label, prompt, reader.engine.target_ids(example.target))


def _perplexities(
    texts: Mapping[str, Sequence[Text]], reader: Reader, progress: Progress
) -> dict[str, PerplexityScore]:
    total = sum(map(len, texts.values()))
    done = 0
    found = {}
    for label, each in texts.items():
        readings = []
        for text in each:
            readings.append(reader.read(text))
            done += 1
            progress("reading targets", done, total)
        try:
            found[label] = perplexity.score(label, readings)
        except ValueError as error:
            raise RetentionError(f"{label} examples: {error}") from error
    return found


def _answers(plan: Plan, reader: Reader, renderer: PromptRenderer, progress: Progress) -> list[Answer]:
    """The base's answers to the suite's items: to prior tasks for the influence, to all for the drift."""
    if plan.probed is None:
        return []
    size = plan.size
    per_task = max(size.probes, size.prompts if plan.checkpoints else 0)
    total = per_task * len(plan.probed.roles)
    done = 0

    def answered(count: int) -> None:
        nonlocal done
        done += count
        progress("answers of the base", min(done, total), total)

    answers = collect_answers(plan.probed, reader.engine, renderer, per_task, size.answer_tokens, answered)
    return [_cut(answer, size.answer_tokens) for answer in answers if answer.output or answer.stopped]


def _cut(answer: Answer, tokens: int) -> Answer:
    """The answer truncated to ``tokens``, as tokenising its text may give more than were generated."""
    stopped = answer.stopped and len(answer.output) <= tokens
    return Answer(answer.key, answer.task, answer.prompt, answer.output[:tokens], stopped)


def _first(answers: Sequence[Answer], roles: Mapping[str, Role], role: Role, per_task: int) -> list[Answer]:
    """The first ``per_task`` answers of each task of one role."""
    return [
        answer
        for name, its in roles.items()
        if its == role
        for answer in [each for each in answers if each.task == name][:per_task]
    ]


def _influences(
    plan: Plan,
    texts: Mapping[str, Sequence[Text]],
    answers: Sequence[Answer],
    reader: Reader,
    progress: Progress,
) -> tuple[dict[str, InfluenceScore] | None, str]:
    """The influence of each kind, or None and the reason."""
    if plan.probed is None:
        return None, "no suite was given (--probe)"
    end = reader.engine.target_ids("")
    probes = [
        Text(answer.key, answer.task, "", answer.prompt, answer.output + (end if answer.stopped else ()))
        for answer in _first(answers, plan.probed.roles, "prior", plan.size.probes)
    ]
    steps = Steps(reader, probes)
    if steps.certain == len(probes):
        return None, "the base is certain of every answer to prior tasks, which then have no gradient"
    found: dict[str, InfluenceScore] = {}
    chosen = {label: each[: plan.size.examples] for label, each in texts.items()}
    total = sum(map(len, chosen.values()))
    done = 0

    def stepped() -> None:
        nonlocal done
        done += 1
        progress("steps on examples", done, total)

    for label, each in chosen.items():
        pairs, certain = steps.pairs(each, stepped)
        if pairs:
            found[label] = influence.score(label, pairs, certain, steps.certain)
    return (found, "") if found else (None, "the base is certain of every target, which then have nothing to teach")


def _prompts(
    plan: Plan,
    texts: Mapping[str, Sequence[Text]],
    answers: Sequence[Answer],
    reader: Reader,
    renderer: PromptRenderer,
    progress: Progress,
) -> tuple[dict[Role, list[Answer]], str]:
    """The answers of the base along which checkpoints are compared with it, and the source of the target prompts."""
    if not plan.checkpoints:
        return {}, "training data"
    prompts = plan.size.prompts
    roles: Mapping[str, Role] = plan.probed.roles if plan.probed else {}
    prior = _first(answers, roles, "prior", prompts)
    target = _first(answers, roles, "target", prompts)
    if target:
        return {"target": target, "prior": prior}, "suite"
    distinct = list({text.prompt.digest: text for each in texts.values() for text in each}.values())[:prompts]
    requests = [GenerateRequest(text.key, text.prompt, Decoding(plan.size.answer_tokens)) for text in distinct]
    for done, (index, completion) in enumerate(reader.engine.generate(requests), start=1):
        if completion.error is not None:
            raise RetentionError(f"--train: the base failed on a question: {completion.error}")
        text = distinct[index]
        output = renderer.continuation(text.prompt, completion.text)
        target.append(Answer(text.key, text.task, text.prompt, output, completion.finish_reason == "stop"))
        progress("answers to training questions", done, len(distinct))
    target.sort(key=lambda answer: answer.key)
    return {"target": [each for each in target if each.output or each.stopped], "prior": prior}, "training data"


def _drift(
    plan: Plan, checkpoint: Checkpoint, prompts: Mapping[Role, Sequence[Answer]], progress: Progress
) -> CheckpointDrift:
    from harness.dynamics.two_models import TwoModels

    dtype = default_dtype(device_class())
    settings = EngineSettings(name="transformers", dtype=dtype, threads=plan.threads)
    shared = conditions_of(plan.base, settings.max_model_len, pixels=_pixels(plan))
    models = TwoModels(plan.base, checkpoint, settings, (shared, shared))
    total = sum(map(len, prompts.values()))
    items: dict[Role, list[ItemDrift]] = {role: [] for role in prompts}
    done = 0
    try:
        for role, answers in prompts.items():
            for answer in answers:
                n_tokens, forward, reverse = models.divergence(answer.prompt, answer.output, answer.stopped)
                items[role].append(ItemDrift(answer.task, n_tokens, forward, reverse))
                done += 1
                progress(f"drift of {checkpoint.record.name}", done, total)
    finally:
        models.close()
    every = [item for its in items.values() for item in its]
    tasks = {name: [item for item in every if item.task == name] for name in dict.fromkeys(i.task for i in every)}
    parts = {role: _divergence(role, items[role]) for role in ("target", "prior")}
    return CheckpointDrift(
        model=_model(checkpoint),
        target=parts["target"],
        prior=parts["prior"],
        tasks={name: found for name, its in tasks.items() if (found := _divergence(name, its)) is not None},
        reasons={role: f"no {role} prompt was read" for role, part in parts.items() if part is None},
    )


def _divergence(name: str, items: Sequence[ItemDrift]) -> Divergence | None:
    if not items:
        return None
    try:
        return Divergence.model_validate(drift.score(name, items).model_dump())
    except ValueError as error:
        raise RetentionError(f"drift: {error}") from error
