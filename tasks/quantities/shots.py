"""quantities_two_steps_shots: the stories of quantities_two_steps for a model that completes, after three with answers.

    Question: Tom has 5 shells and finds 9 more. Then Tom sells 6. How many shells does Tom have now?
    Answer: 5 plus 9 is 14. 14 minus 6 is 8. The answer is 8.

    (two more)

    Question: Lena has 4 marbles and gets 9 more. Then Lena sells 2. How many marbles does Lena have now?
    Answer:

The three stories, of three kinds, are the same before every question, of the training split, and no training item.
They show a working, so that a pretrained model writes one; the answer ends where it begins the next question. A story
belongs to the same split as in nano-2, by its numbers and steps.

``WRITERS`` has the texts that a training may learn: the working of the examples (``worked``), the answer alone
(``bare``), and the wording of another teacher (``other``).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

from harness.answers import completed
from harness.items import Item, Split, draw_items, split_of
from harness.plugin import Generator, loader
from harness.records import load_task_module, tasks_root

TASK = "quantities_two_steps_shots"
_nano2 = load_task_module(tasks_root() / "quantities" / "nano2.py")
_SHOTS = 3


def worked(told: Any) -> str:
    """The wording of the examples: each step as it is computed."""
    first = f"{told.a} {told.first} {told.b} is {told.between}."
    return f"{first} {told.between} {told.second} {told.c} is {told.answer}. {bare(told)}"


def bare(told: Any) -> str:
    """The answer alone."""
    return f"The answer is {told.answer}."


def other(told: Any) -> str:
    """Another teacher: the same two steps, in other words. Numbers come before their result: a small model that states
    a result first has to guess it."""
    first = {"times": f"In {told.a} groups of {told.b} there are", "plus": f"{told.a} and {told.b} together make"}
    second = {"plus": f"With {told.c} extra it comes to", "minus": f"Without {told.c} of them there remain"}
    return f"Let us see. {first[told.first]} {told.between}. {second[told.second]} {told.answer}. {bare(told)}"


WRITERS: dict[str, Callable[[Any], str]] = {"worked": worked, "bare": bare, "other": other}


def quantities_two_steps_shots(split: Split, count: int, seed: int, form: str = "worked") -> Iterator[Item]:
    """Stories of two steps after three with answers; ``form`` names the writer of their targets, and changes nothing of
    the questions."""
    write, (examples, shown) = WRITERS[form], _examples()

    def propose(rng: random.Random) -> tuple[str, Item]:
        key = next(iter(shown))
        while key in shown:
            told, story = _nano2.draw_story(rng)
            key = told.key
        item = completed(TASK, story, str(told.answer), "", group=told.group)
        # A target goes on from "Answer:" as the examples do, with a space.
        changed = {"question": examples + item.question, "target": f" {write(told)}", "cluster_id": key}
        return key, item.model_copy(update=changed)

    return draw_items(split, count, random.Random(f"{TASK}:{split}:{seed}"), propose)


@cache
def _examples() -> tuple[str, frozenset[str]]:
    """The text before every question, and what its stories are held out by."""
    rng, shown = random.Random(f"{TASK}:examples"), {}
    while len(shown) < _SHOTS:
        told, story = _nano2.draw_story(rng)
        if split_of(told.key) == "train" and told.group not in shown:
            text = f"{completed(TASK, story, '', '').question} {worked(told)}\n\n"
            shown[told.group] = told.key, text
    return "".join(text for _, text in shown.values()), frozenset(key for key, _ in shown.values())


TASKS: dict[str, Generator] = {TASK: quantities_two_steps_shots}
FORMS: dict[str, dict[str, Generator]] = {
    form: {TASK: partial(quantities_two_steps_shots, form=form)} for form in WRITERS
}

load = loader(TASKS)
