"""Options: what a cell offers, and which of them an answer names: by its text, its letter or its number."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.answers.extraction import normal
from harness.answers.options import LETTERS
from harness.golden.cells import Cell, GoldenError, Line
from harness.golden.lists import json_list
from harness.sources import tidy

_LETTER = re.compile(r"[(\[]?([A-Za-z])[)\].:]{0,2}")
_LABEL = re.compile(r"[(\[]?([A-Z])[)\].:]{1,2}\s+")


def read_options(cell: Cell, where: str) -> tuple[str, ...]:
    """The options of a cell, without labels that number them through; ``GoldenError`` if they are no choice."""
    listed = cell if isinstance(cell, tuple) else json_list(cell, where, "options")
    if listed is None and isinstance(cell, str) and cell.strip().startswith("["):
        raise GoldenError(f"{where}: column options is no JSON list of texts; write texts in double quotes, or A|B|C")
    texts = tuple(map(tidy, listed if listed is not None else str(cell).split("|")))
    if not any(texts):
        raise GoldenError(f"{where}: column options is empty; write A|B|C or a JSON list")
    if not 2 <= len(texts) <= len(LETTERS):
        raise GoldenError(
            f"{where}: column options has {len(texts)} option{'s' * (len(texts) != 1)}, not 2 to {len(LETTERS)}; write "
            "A|B|C or a JSON list"
        )
    texts = _without_labels(texts)
    if not all(texts):
        raise GoldenError(f"{where}: column options has an empty option; remove it")
    _check_distinct(texts, where)
    return texts


def index_base(path: Path, lines: Iterable[Line], stated: int | None) -> int | None:
    """The number of the first option in answers that are numbers: as ``stated``, or as the answers tell; None where no
    answer is a number. ``GoldenError`` where both readings are possible."""
    numbered = []
    for line in lines:
        answer = _plain(line.cells.get("answer", ""))
        if answer.isdecimal() and line.cells.get("options"):
            options = read_options(line.cells["options"], f"{path}: {line.place}")
            if _texts(answer, options) is None:
                numbered.append((line.place, int(answer), len(options)))
    first = next((place for place, number, _ in numbered if number == 0), None)
    last = next((place for place, number, count in numbered if number == count), None)
    if stated is not None or not numbered:
        return stated
    if first and last:
        raise GoldenError(
            f"{path}: column answer counts options from 0 in {first} and from 1 in {last}; count from one of them"
        )
    if not first and not last:
        place, number, _ = numbered[0]
        raise GoldenError(
            f"{path}: {place}, column answer: {number} may count options from 0 or from 1; say which with --index-from "
            "0 or 1, or write the letter"
        )
    return 0 if first else 1


def gold_place(cell: Cell, options: Sequence[str], base: int | None, where: str) -> int:
    """The place of the option that an answer names; ``GoldenError`` where it names none, or one by its text and
    another by its letter."""
    answer = _plain(cell)
    by_text, found = _texts(answer, options), _LETTER.fullmatch(answer)
    by_letter = LETTERS.index(found[1].upper()) if found else None
    by_letter = by_letter if by_letter is not None and by_letter < len(options) else None
    if by_text is not None and by_letter is not None and by_text != by_letter:
        raise GoldenError(
            f"{where}: column answer is {answer!a}, the text of option {LETTERS[by_text]} and the letter of another; "
            f"write the letter of the right one, and its text differently"
        )
    place = by_text if by_text is not None else by_letter
    if place is None and base is not None and answer.isdecimal():
        place = int(answer) - base
    if place is None or not 0 <= place < len(options):
        raise GoldenError(
            f"{where}: column answer is {answer[:40]!a}, none of the options {' | '.join(options)[:120]!a}; write the "
            f"letter (A to {LETTERS[len(options) - 1]}) or the text of one"
        )
    return place


def _plain(cell: Cell) -> str:
    return tidy(cell) if isinstance(cell, str) else tidy(cell[0]) if len(cell) == 1 else ""


def _texts(answer: str, options: Sequence[str]) -> int | None:
    """The one option whose text ``answer`` is."""
    if answer in options:
        return options.index(answer)
    alike = [place for place, option in enumerate(options) if normal(option) == normal(answer)]
    return alike[0] if len(alike) == 1 else None


def _without_labels(texts: tuple[str, ...]) -> tuple[str, ...]:
    labels = [_LABEL.match(text) for text in texts]
    if "".join(label[1] for label in labels if label) != LETTERS[: len(texts)]:
        return texts
    return tuple(text[label.end() :] for text, label in zip(texts, labels, strict=True) if label)


def _check_distinct(options: Sequence[str], where: str) -> None:
    seen: dict[str, str] = {}
    for option in options:
        if normal(option) in seen:
            raise GoldenError(
                f"{where}: column options has {seen[normal(option)][:40]!a} and {option[:40]!a}, which no answer can "
                "tell apart; make them differ in more than case, spaces and an article"
            )
        seen[normal(option)] = option
