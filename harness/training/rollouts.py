"""Rollouts: sample a policy on training items, keep the correct samples, and write them as a set of examples.

Three kinds (harness/study/README.md, "Methods"):

- **rollout**: the correct samples of a policy trained by reinforcement fine-tuning;
- **self**: the correct samples of the initial base;
- **simulated**: samples of an early policy, right or wrong, with their own answer replaced by the gold answer. The text
  before the answer stays the policy's, and need not lead to it.

A sample counts as correct if its rewards for exactness and format are both 1. If a model gives bare answers, as the
nano base does for a jigsaw, all three kinds have the same text for an item, and the sets differ only in their items;
``about.json`` says how many targets are the bare answer.

All answers go through the response store, so a killed run resumes where it stopped.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.checkpoints import (
    Checkpoint,
    Conditions,
    PromptRenderer,
    Prompts,
    conditions_of,
    open_checkpoint,
    same_tokenizer,
)
from harness.engines import Dtype, EngineSettings, choose, device_class, place, starting
from harness.errors import CheckFailedError, RetentionError
from harness.evaluation import ResponseStore, StoredEngine, Variant
from harness.protocol import Completion, Decoding, GenerateRequest
from harness.records import read_suite
from harness.training.dataset import ABOUT_FILE, About, Example, ExampleSet, Kind, read_about, write_examples
from harness.training.generators import load_examples
from harness.training.recipe import Recipe, RecipeError, Rollouts, seedless_name
from harness.training.record import Progress, RecordError, read_record
from harness.training.rewards import reward, stated_answer, stops_of

STORE = "samples.sqlite"
_ITEMS_AT_ONCE = 256


@dataclass
class Sampling:
    """Counts of samples: requested, correct, truncated, and failed (and why)."""

    sampled: int = 0
    correct: int = 0
    cut_off: int = 0
    failed: int = 0
    first_failure: str | None = None


def write_rollouts(recipe: Recipe, out: Path, progress: Progress) -> About:
    """Sample as ``recipe.rollouts`` says and write the set into ``out``, unless it is already there.

    Raises ``RecipeError`` for a policy that does not fit the kind, ``RetentionError`` if ``out`` has another set or no
    sample is kept, ``CheckFailedError`` if samples failed (the same command tries those again).
    """
    chosen, policy, base = _policy(recipe)
    if (out / ABOUT_FILE).is_file():
        return _finished(recipe, policy, out)
    examples = load_examples(recipe.data)
    counts = Sampling()
    with ResponseStore(out / STORE) as store:
        style = read_suite(recipe.suite).prompt
        renderer = PromptRenderer(base.path, style)
        # As an evaluation ends answers, so does what is learned from.
        fine_tunes = [] if policy == base else [policy]
        conditions = conditions_of(
            base, tuned=fine_tunes, prompts=Prompts(style, renderer, style), budget=chosen.max_tokens
        )
        engine = _engine(chosen, recipe.optimisation.dtype, policy, conditions, store)
        try:
            samples = _samples(engine, renderer, examples, recipe, counts, progress)
            kept = list(keep(samples, chosen))
        finally:
            engine.close()
    if counts.failed:
        raise CheckFailedError(
            f"{out}: {counts.failed} of {counts.sampled} samples failed (first: {counts.first_failure}); run the same "
            "command again to retry them"
        )
    if not kept:
        raise RetentionError(
            f"{out}: none of {counts.sampled} samples of {policy.record.name} is correct; train the policy further, or "
            "sample more with --set rollouts.per_item=N"
        )
    about = write_examples(
        out,
        [example for example, _ in kept],
        source=recipe.data.source or "examples",
        recipe_digest=recipe.digest,
        recipe=made_by(recipe, policy, base),
        seed=recipe.seed,
        policy_weights_digest=policy.record.weights_digest,
        policy=policy.record.name,
        sampled=counts.sampled,
        correct=counts.correct,
        note=_note(counts, [same for _, same in kept], recipe.data.form == "bare"),
    )
    for path in out.glob(f"{STORE}*"):
        path.unlink()
    return about


def made_by(recipe: Recipe, policy: Checkpoint, base: Checkpoint) -> str | None:
    """The name of a set of rollouts without its seed and that of its policy, which is ``base`` or a training's
    checkpoint; None for any other policy."""
    own = recipe.published()
    if policy.record.weights_digest == base.record.weights_digest:
        return seedless_name(own)
    try:
        trained = read_record(policy.path)
    except RecordError:
        return None
    # The step of its folder: a rule may have ended the policy's training before.
    return seedless_name(own, seedless_name(trained.recipe), policy.path.name)


def keep(samples: Iterable[tuple[Example, Sequence[Completion]]], chosen: Rollouts) -> Iterator[tuple[Example, bool]]:
    """The samples of each example to learn from, and whether the text equals the example's own target.

    Distinct texts only, at most ``keep_per_item`` per item, in the order of the samples, and ``keep`` in all.
    """
    left = chosen.keep
    for example, answers in samples:
        texts = dict.fromkeys(
            text for answer in answers if answer.error is None and (text := learnt_text(example, answer, chosen.kind))
        )
        for text in list(texts)[: chosen.keep_per_item]:
            yield example.model_copy(update={"target": text, "kind": chosen.kind}), text == example.target
            left = None if left is None else left - 1
            if left == 0:
                return  # Before the next block of samples is requested.


def learnt_text(example: Example, answer: Completion, kind: Kind) -> str | None:
    """The text to learn from one sample: its own if correct; for "simulated", its text with the gold answer."""
    finished = answer.finish_reason == "stop"
    text = with_gold(example, answer.text) if kind == "simulated" and finished else answer.text
    if text is None:
        return None
    earned = reward(example, text, finished=finished)
    return text if earned.exact == earned.format == 1 else None


def with_gold(example: Example, text: str) -> str | None:
    """``text`` with its stated answer replaced by the gold answer; None if it states none."""
    stated = stated_answer(example, text)
    # The judge takes the last answer of a text, so the last occurrence is the stated one.
    place = -1 if not stated else text.rfind(stated)
    if place < 0 or stated is None:
        return None
    return text[:place] + example.answer + text[place + len(stated) :]


def _policy(recipe: Recipe) -> tuple[Rollouts, Checkpoint, Checkpoint]:
    """How to sample, the policy to sample, and the base whose template renders the prompts."""
    chosen = recipe.rollouts
    assert chosen is not None, "checked when the recipe is made"
    if (chosen.kind == "self") != (chosen.policy is None):
        needs = "samples the base and takes no policy" if chosen.kind == "self" else "needs the checkpoint of a policy"
        raise RecipeError(f"rollouts.policy: kind {chosen.kind} {needs}; --set rollouts.policy=FOLDER names it")
    base = open_checkpoint(recipe.base)
    policy = base if chosen.policy is None else open_checkpoint(chosen.policy, base)
    same_tokenizer(base, policy)
    return chosen, policy, base


def _finished(recipe: Recipe, policy: Checkpoint, out: Path) -> About:
    about = read_about(out)
    if (about.recipe_digest, about.policy_weights_digest) != (recipe.digest, policy.record.weights_digest):
        raise RetentionError(f"{out}: has the samples of another recipe or policy; give another --out")
    return about


def _engine(
    chosen: Rollouts, dtype: Dtype, policy: Checkpoint, conditions: Conditions, store: ResponseStore
) -> StoredEngine:
    device = device_class()
    # The CPU build of vLLM (0.32) cannot give a request a seed of its own: "CPU Generator does not use offset".
    name = chosen.engine or ("transformers" if device == "cpu" else None)
    settings = EngineSettings(name=choose(name), dtype=dtype, batch=chosen.batch)
    (placement,) = place(settings, [policy], conditions)
    (member,) = placement.members
    return StoredEngine(store, Variant.of(member, placement.conditions), lambda: starting.start(placement))


def _samples(
    engine: StoredEngine,
    renderer: PromptRenderer,
    examples: ExampleSet,
    recipe: Recipe,
    counts: Sampling,
    progress: Progress,
) -> Iterator[tuple[Example, list[Completion]]]:
    """Each example with its samples, in order, requested in blocks so that unneeded ones are not generated."""
    chosen = recipe.rollouts
    assert chosen is not None, "checked when the recipe is made"
    total = len(examples) * chosen.per_item
    for start in range(0, len(examples), _ITEMS_AT_ONCE):
        block = list(examples[start : start + _ITEMS_AT_ONCE])
        requests = [
            GenerateRequest(
                example.item_id,
                renderer.render(example.question, example.images),
                _decoding(recipe, example, turn),
            )
            for example in block
            for turn in range(chosen.per_item)
        ]
        answers: dict[int, Completion] = {}
        for index, answer in engine.generate(requests):
            answers[index] = answer
            progress("sampling", counts.sampled + len(answers), total)
        for row, example in enumerate(block):
            own = [answers[k] for k in range(row * chosen.per_item, (row + 1) * chosen.per_item)]
            _count(counts, example, own)
            yield example, own


def _decoding(recipe: Recipe, example: Example, turn: int) -> Decoding:
    chosen = recipe.rollouts
    assert chosen is not None, "checked when the recipe is made"
    return Decoding(
        chosen.max_tokens, stops_of(example), chosen.temperature, sample_seed(recipe, example.item_id, turn)
    )


def sample_seed(recipe: Recipe, item_id: str, turn: int) -> int:
    """The seed of one sample, independent of what else is sampled."""
    assert recipe.rollouts is not None, "checked when the recipe is made"
    name = f"{recipe.rollouts.seed}:{recipe.seed}:{item_id}:{turn}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])


def _count(counts: Sampling, example: Example, answers: Sequence[Completion]) -> None:
    for answer in answers:
        counts.sampled += 1
        if answer.error is not None:
            counts.failed += 1
            counts.first_failure = counts.first_failure or answer.error
        elif answer.finish_reason == "length":
            counts.cut_off += 1
        else:
            counts.correct += reward(example, answer.text).exact == 1


def _note(counts: Sampling, same: Sequence[bool], bare: bool) -> str:
    """What the counts in ``about.json`` do not say."""
    said = [f"{sum(same)} of {len(same)} targets are the {'bare answer' if bare else 'own target of their item'}"]
    if counts.cut_off:
        said.append(f"{counts.cut_off} samples were cut off")
    return "; ".join(said)
