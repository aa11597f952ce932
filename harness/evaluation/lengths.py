"""Lengths: whether every item of a suite, its prompt, its images and the budget of its answer, fits; found before an
engine starts.

An answer that ran out of positions would be cut short of its budget in one evaluation and not in another. What an image
takes is known of its processor alone; an item that is too long because of its images fails in the engine, by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

from harness.checkpoints import NO_PICTURES, ImageTokens, Pictures, PromptRenderer, image_tokens, processor_of
from harness.errors import RetentionError
from harness.evaluation.plan import Plan
from harness.evaluation.work import NO_WORK, Work
from harness.lmeval import LoadedTask, decoding_of, is_written, questions_of


@dataclass(frozen=True)
class Longest:
    """The longest item of a task: the tokens of its prompt, and at most of its answer; and all that the task asks."""

    task: str
    prompt: int
    answer: int
    pictures: Pictures = NO_PICTURES
    work: Work = NO_WORK

    @property
    def total(self) -> int:
        return self.prompt + self.answer


def fitted(plan: Plan, tasks: Mapping[str, LoadedTask]) -> Plan:
    """``plan`` with the images of its items, and a length in which all items fit: the user's, or without one what the
    longest item needs.

    ``RetentionError`` names the item's task where it does not fit into what the user chose, or the model has.
    """
    length, positions = plan.conditions.record.max_model_len, plan.conditions.positions
    images = image_tokens((plan.base.base or plan.base).path, processor_of(plan.conditions))
    each = [_longest(name, task, plan.prompts.shared, images) for name, task in tasks.items()]
    repeats = plan.sampling.repeats if plan.sampling else 1
    work = sum((item.work.times(repeats if is_written(tasks[item.task]) else 1) for item in each), NO_WORK)
    plan = replace(plan.showing(reduce(or_, (item.pictures for item in each))), work=work)
    found = max(each, key=lambda item: item.total)
    if found.total <= length:
        return plan
    item = f"task {found.task}: its longest prompt has {found.prompt} tokens and its answer up to {found.answer}"
    if positions is not None and found.total > positions:
        raise RetentionError(
            f"{item}, more than the {positions} positions that {_names(plan)} have; leave the task out of the suite, "
            "or give it a smaller budget"
        )
    if plan.settings.max_model_len is not None:
        raise RetentionError(f"{item}, more than --max-model-len {length}; give {found.total}, or leave the option out")
    return plan.lengthened(found.total)


def _names(plan: Plan) -> str:
    return " and ".join(each.record.name for each in (plan.base, *plan.tuned))


def _longest(name: str, task: LoadedTask, renderer: PromptRenderer, tokens: ImageTokens) -> Longest:
    budget, _ = decoding_of(task)
    found, pictures, work = Longest(name, 0, 0), NO_PICTURES, NO_WORK
    for question in questions_of(task):
        prompt = renderer.render(question.text, (b"",) * len(question.images))
        length = len(prompt.token_ids) + sum(tokens(*size) - 1 for size in question.images)
        for width, height in question.images:
            pictures |= Pictures(len(question.images), width, height, tokens(width, height))
        scored = 0 if budget else sum(map(len, renderer.continuations(prompt, question.options)))
        work += Work(1, 0, length, scored, budget or 0, len(question.images))
        # Of options the scores of their tokens are read, and vLLM writes one token more.
        answer = budget or 1 + max(map(len, renderer.continuations(prompt, question.options)), default=0)
        if length + answer > found.total:
            found = Longest(name, length, answer)
    return replace(found, pictures=pictures, work=work)
