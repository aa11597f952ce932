"""Common sense: HellaSwag, WinoGrande and CommonsenseQA, validation splits (the tests' answers are not public).

    general_commonsenseqa  What do people aim to do at work?
                           A. complete job  B. learn from each other  C. kill animals  D. wear hats
                           E. talk to each other                                                     -> A
    general_hellaswag_cloze  Roof shingle removal: A man is sitting on a roof. He  -> one of four whole endings

Chance level 1/4, 1/2 and 1/5.
"""

import bz2
import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path

from harness import plugin
from harness.answers import forms
from harness.items import Item
from harness.plugin import Reader, with_letters, with_options
from harness.sources import Row, Source, one_line, read_rows, tidy

_BRACKETS = re.compile(r"\[[^\[\]]*\]")
_BEGUN = re.compile(r"(?<=[.!?] )[a-z](?=[^.!?]*$)")
_LINES = 6


def _hellaswag_copy(folder: Path) -> Iterator[Row]:
    """Six lines a question: "activity: context", the place of the right ending, four endings."""
    lines = bz2.decompress((folder / "hellaswag_val_full.txt.bz2").read_bytes()).decode("utf-8").splitlines()
    for start in range(0, len(lines), _LINES):
        asked, gold, *endings = lines[start : start + _LINES]
        activity, _, context = asked.partition(": ")
        yield {"activity_label": activity, "ctx": context, "endings": endings, "label": gold}


def _hellaswag(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        context = _without_brackets(f"{row['activity_label']}: {row['ctx']}")
        options = [_without_brackets(ending) for ending in row["endings"]]
        stem = f"Which ending continues the text best?\n\n{context}"
        if item := forms.lettered(task, stem, options, int(row["label"]), cluster_id=plugin.cluster(context)):
            yield item


def _hellaswag_cloze(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        context = _without_brackets(f"{row['activity_label']}: {_capitalised(row['ctx'])}")
        options = [_without_brackets(ending) for ending in row["endings"]]
        if item := forms.whole(task, context, options, int(row["label"]), cluster_id=plugin.cluster(context)):
            yield item


def _capitalised(context: str) -> str:
    """The data begin the sentence to be continued with a small letter ("A man is on a roof. he"), lm-eval with a
    capital one.
    """
    return _BEGUN.sub(lambda found: found[0].upper(), context)


def _without_brackets(text: str) -> str:
    """WikiHow's marks taken out as lm-eval's ``hellaswag`` takes them out."""
    return one_line(_BRACKETS.sub("", text.strip().replace(" [title]", ". ")))


def _winogrande_copy(folder: Path) -> Iterator[Row]:
    for row in read_rows(folder / "winogrande.jsonl"):
        sentence, options = _blank(row["context_options"], row["continuation"])
        yield {"sentence": sentence, "option1": options[0], "option2": options[1], "answer": str(row["gold"] + 1)}


def _winogrande(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        before, _, after = row["sentence"].partition("_")
        sentence, options = _blank([before + row["option1"], before + row["option2"]], after)
        stem = f"Which option fills the blank?\n\n{sentence}"
        if item := forms.lettered(task, stem, options, int(row["answer"]) - 1, cluster_id=_twins(options)):
            yield item


def _winogrande_cloze(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    """The sentence itself is the question; :func:`filled` puts each option into its blank."""
    for row in rows:
        before, _, after = row["sentence"].partition("_")
        sentence, options = _blank([before + row["option1"], before + row["option2"]], after)
        if item := forms.whole(task, sentence, options, int(row["answer"]) - 1, cluster_id=_twins(options)):
            yield item


def filled(doc: plugin.Document) -> list[str]:
    """``doc_to_choice``: the sentence up to the blank, and what fills it."""
    before, _, _ = doc["question"].partition("_")
    return [before + option for option in doc["options"]]


def rest(doc: plugin.Document) -> str:
    """``doc_to_target``: the sentence after the blank, whose probability decides (partial evaluation)."""
    return str(doc["question"].partition("_")[2].strip())


def _blank(starts: Sequence[str], rest: str) -> tuple[str, list[str]]:
    """A sentence with a blank, and what may fill it: the words in which the two ``starts`` of the sentence differ.

    Copies of the set disagree on whether an article belongs to the blank; what two starts share never does here.
    """
    first, second = (one_line(start).split(" ") for start in starts)
    pairs = zip(first[:-1], second[:-1], strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    rest = one_line(rest)
    glue = "" if re.match(r"[.,;:!?']", rest) else " "
    return f"{' '.join([*first[:shared], '_'])}{glue}{rest}", [" ".join(first[shared:]), " ".join(second[shared:])]


def _twins(options: Sequence[str]) -> str:
    """Questions come in pairs that differ in a word; the two things to choose from are what a pair shares."""
    return plugin.cluster("\n".join(sorted(options)))


def _commonsenseqa_copy(folder: Path) -> Iterator[Row]:
    for row in read_rows(folder / "dev_rand_split.jsonl"):
        choices = row["question"]["choices"]
        yield {
            "question": row["question"]["stem"],
            "choices": {"text": [each["text"] for each in choices], "label": [each["label"] for each in choices]},
            "answerKey": row["answerKey"],
        }


def _commonsenseqa_cloze(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        gold = row["choices"]["label"].index(row["answerKey"])
        context = f"Question: {tidy(row['question'])}\nAnswer:"
        if item := forms.whole(task, context, [tidy(text) for text in row["choices"]["text"]], gold):
            yield item


def _commonsenseqa(task: str, rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        gold = row["choices"]["label"].index(row["answerKey"])
        if item := forms.lettered(task, tidy(row["question"]), [tidy(text) for text in row["choices"]["text"]], gold):
            yield item


_HELLASWAG = Source(
    "Rowan/hellaswag", "218ec52e09a7e7462a5400043bb9a69a41d06b76", "validation", "hellaswag", copy=_hellaswag_copy
)
_WINOGRANDE = Source(
    "allenai/winogrande",
    "01e74176c63542e6b0bcb004dcdea22d94fb67b5",
    "validation",
    "winogrande",
    config="winogrande_xl",
    copy=_winogrande_copy,
)
_COMMONSENSEQA = Source(
    "tau/commonsense_qa",
    "94630fe30dad47192a8546eb75f094926d47e155",
    "validation",
    "commonsense_qa",
    copy=_commonsenseqa_copy,
)

TASKS: dict[str, Reader] = {
    **with_letters("general_hellaswag", (_HELLASWAG,), _hellaswag),
    **with_letters("general_winogrande", (_WINOGRANDE,), _winogrande),
    **with_letters("general_commonsenseqa", (_COMMONSENSEQA,), _commonsenseqa),
    **with_options("general_hellaswag", (_HELLASWAG,), _hellaswag_cloze),
    **with_options("general_winogrande", (_WINOGRANDE,), _winogrande_cloze),
    **with_options("general_commonsenseqa", (_COMMONSENSEQA,), _commonsenseqa_cloze),
}

load = plugin.reader(TASKS)
