"""Questions that ask for a solution and a final answer: one user turn, and the form the answer is to have.

Three forms. "said" ends with a line that starts with "The answer is"; a model of 135 million parameters keeps to it,
while it copies any example of a number and leaves ``\\boxed{}`` out. "boxed" is what models of mathematics were trained
on, and keeps LaTeX apart from the sentence around it. "think" is the protocol of reasoning models
(harness/study/README.md): a thought in ``<think>``, then the answer alone in ``<answer>``. The checker reads all of
them, whichever was asked for.
"""

import json
from collections.abc import Sequence
from typing import Literal

from harness.answers import choices
from harness.answers.options import LETTERS
from harness.items import Item, image_digest

ASK_FOR_LETTER = "Answer with the letter of the correct option only."
ASK_FOR_WORDS = "Answer with a single word, number or phrase, and nothing else."
ASK_YES_OR_NO = "Answer with yes or no only."
ANSWER_ONLY = "Answer only."

Form = Literal["said", "boxed", "think"]

_ASK = {
    "said": 'Think step by step, then end with a last line that starts with "The answer is" and gives {what}.',
    "boxed": "Think step by step, then put {what} inside \\boxed{{}}.",
    "think": "First think step by step inside <think> and </think>, "
    "then give {what} alone inside <answer> and </answer>.",
}
ASK_FOR_SOLUTION = _ASK["said"].format(what="the final answer")
_TARGET = {
    "said": "{solution}\nThe answer is {answer}.",
    "boxed": "{solution}\nThe answer is \\boxed{{{answer}}}.",
    "think": "<think>{solution}</think>\n<answer>{answer}</answer>",
}


def lettered(
    task: str,
    stem: str,
    options: Sequence[str],
    gold: int,
    *,
    group: str = "",
    cluster_id: str = "",
    images: tuple[bytes, ...] = (),
) -> Item | None:
    """A question whose options stand below it with a letter each; the letter of ``options[gold]`` is the answer.

    None where the right option stands there twice: such a question has no one answer.
    """
    if list(options).count(options[gold]) > 1:
        return None
    return _by_letter_alone(task, f"{stem}\n\n{choices.listed(options)}", options, gold, images, group, cluster_id)


def whole(
    task: str, context: str, options: Sequence[str], gold: int, *, group: str = "", cluster_id: str = ""
) -> Item | None:
    """A text that each of ``options`` may continue, and the one that does; for models that complete rather than answer.

    None where the right option stands there twice: such a question has no one answer.
    """
    if list(options).count(options[gold]) > 1:
        return None
    return Item(
        task=task,
        question=context,
        answer=options[gold],
        target=options[gold],
        guess_rate=1 / len(options),
        options=tuple(options),
        group=group,
        cluster_id=cluster_id,
    )


def asked_freely(
    task: str,
    question: str,
    answer: str,
    solution: str,
    *,
    form: Form = "said",
    group: str = "",
    cluster_id: str = "",
) -> Item:
    """A question with a free answer (guess rate 0); ``solution`` is the reasoning that a training target writes."""
    return Item(
        task=task,
        question=f"{question}\n\n{_ASK[form].format(what='the final answer')}",
        answer=answer,
        target=_target(form, solution, answer),
        guess_rate=0,
        group=group,
        cluster_id=cluster_id,
    )


def completed(task: str, question: str, answer: str, solution: str, *, group: str = "") -> Item:
    """A question with a free answer for a model that completes: examples before it show the form of the answer."""
    return Item(
        task=task,
        question=f"Question: {question}\nAnswer:",
        answer=answer,
        target=_target("said", solution, answer),
        guess_rate=0,
        group=group,
    )


def asked_by_letter(
    task: str,
    stem: str,
    options: Sequence[str],
    gold: int,
    solution: str = "",
    *,
    form: Form = "said",
    group: str = "",
    cluster_id: str = "",
) -> Item | None:
    """A question whose options stand below it with a letter each; the letter is asked for at the end of a solution.

    None where the right option stands there twice: such a question has no one answer.
    """
    if list(options).count(options[gold]) > 1:
        return None
    letter = LETTERS[gold]
    what = "the letter of the correct option"
    return Item(
        task=task,
        question=f"{stem}\n\n{choices.listed(options)}\n\n{_ASK[form].format(what=what)}",
        answer=letter,
        target=_target(form, solution, letter),
        guess_rate=1 / len(options),
        options=tuple(options),
        group=group,
        cluster_id=cluster_id,
    )


def asked_by_letter_below(
    task: str, text: str, options: Sequence[str], gold: int, images: tuple[bytes, ...], *, group: str = ""
) -> Item:
    """A published question about pictures whose ``text`` lists its own options, in whatever way: it stays as it is."""
    return _by_letter_alone(task, text, options, gold, images, group, picture_cluster(images))


def _by_letter_alone(
    task: str, text: str, options: Sequence[str], gold: int, images: tuple[bytes, ...], group: str, cluster_id: str
) -> Item:
    """``text`` shows the options with their letters; nothing but the right one's letter is asked for."""
    letter = LETTERS[gold]
    return Item(
        task=task,
        question=f"{text}\n\n{ASK_FOR_LETTER}",
        answer=letter,
        target=letter,
        guess_rate=1 / len(options),
        options=tuple(options),
        images=images,
        group=group,
        cluster_id=cluster_id,
    )


def asked_for_words(
    task: str,
    question: str,
    golds: Sequence[str],
    images: tuple[bytes, ...],
    *,
    ask: str = ASK_FOR_WORDS,
    group: str = "",
) -> Item:
    """A question about pictures with a short answer; ``answer`` is the one gold, or several as a JSON list.

    The guess rate is 1/2 where most of the golds are yes or no.
    """
    closed = sum(gold.strip().casefold() in ("yes", "no") for gold in golds)
    return Item(
        task=task,
        question=f"{question}\n\n{ask}",
        answer=golds[0] if len(golds) == 1 else json.dumps(list(golds), ensure_ascii=False),
        target=golds[0],
        guess_rate=0.5 if 2 * closed > len(golds) else 0,
        images=images,
        group=group,
        cluster_id=picture_cluster(images),
    )


def golds_of(answer: str) -> list[str]:
    """The golds of an answer as :func:`asked_for_words` wrote it."""
    if answer.startswith("["):
        try:
            found = json.loads(answer)
        except ValueError:
            return [answer]
        if isinstance(found, list) and all(isinstance(each, str) for each in found):
            return found
    return [answer]


def with_working(
    task: str,
    question: str,
    working: str,
    answer: str,
    *,
    answer_only: bool = False,
    options: Sequence[str] = (),
    guess_rate: float | None = None,
    images: tuple[bytes, ...] = (),
    group: str = "",
    cluster_id: str = "",
) -> Item:
    """A question whose target writes a short ``working`` before the tagged answer, or the answer alone where
    ``answer_only`` asks for that. Each option has the same chance, unless ``guess_rate`` says another."""
    by_options = 1 / len(options) if options else 0.0
    return Item(
        task=task,
        question=f"{question} {ANSWER_ONLY}" if answer_only else question,
        answer=answer,
        target=tagged("" if answer_only else working, answer),
        guess_rate=by_options if guess_rate is None else guess_rate,
        options=tuple(options),
        images=images,
        group=group or ("answer only" if answer_only else "working"),
        cluster_id=cluster_id,
    )


def tagged(working: str, answer: str) -> str:
    """A working, if there is one, and the answer in its tags."""
    return f"{working} <answer>{answer}</answer>".strip()


def picture_cluster(images: Sequence[bytes]) -> str:
    """The cluster of the questions on one picture, the first of those shown: 16 hex digits of its sha256."""
    return image_digest(images[0])[:16] if images else ""


def _target(form: Form, solution: str, answer: str) -> str:
    return _TARGET[form].format(solution=solution, answer=answer).strip()
