"""Ten languages: which one an open question is answered in, and arithmetic word problems (chance level 0).

    general_language      Schreibe drei Sätze über folgendes Thema: Vulkane.                              -> de
    general_multilingual  Ein Buch hat 93 Seiten. Max liest an 4 Tagen je 12 Seiten. Wie viele Seiten
                          bleiben übrig?                                                                  -> 45

A model that was tuned on English alone tends to answer everything in it. The language of an answer is what langdetect
finds, with its draws seeded; an answer of too few letters to tell is unparsed. A problem's numbers are drawn alike in
every language, and problems with the same numbers share a cluster. The texts are in ``texts/languages.json``.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from harness import plugin
from harness.answers import without_thoughts
from harness.items import Item, Split, draw_items
from harness.plugin import Generator

# Of boys: several of the texts refer back to a name with a pronoun.
_NAMES = ("Max", "Leo", "Tom", "Ben", "Paul", "Erik", "Hugo", "Jan")
# Letters from which langdetect tells a language; in Chinese and Japanese a letter is about a word.
_ENOUGH = {"zh": 8, "ja": 8}
_LETTERS = 25
# What langdetect calls a language that it tells from its closest neighbour only in long texts.
_SAME = {"af": "nl"}


@cache
def _texts() -> dict[str, Any]:
    texts: dict[str, Any] = json.loads((Path(__file__).parent / "texts" / "languages.json").read_text(encoding="utf-8"))
    return texts


def general_language(split: Split, count: int, seed: int) -> Iterator[Item]:
    """Open questions about everyday subjects; the answer is the code of the language they are asked in.

    There is no training part: they measure what a model does by default. ``ValueError`` when more than all are wanted.
    """
    items = [
        Item(
            task="general_language",
            question=ask.format(topic=topic),
            answer=language,
            target="",
            guess_rate=0,
            group=language,
            cluster_id=f"topic-{place}",
        )
        for language, texts in sorted(_texts().items())
        for place, topic in enumerate(texts["topics"])
        for ask in texts["ask"]
    ]
    if split != "test" or count > len(items):
        raise ValueError(f"general_language: {len(items)} items, all of the test split; {count} of {split} are wanted")
    return iter(plugin.sampled(items, seed)[:count])


def general_multilingual(split: Split, count: int, seed: int) -> Iterator[Item]:
    """Two-step word problems with whole numbers below 1,000, in all languages alike."""

    def propose(rng: random.Random) -> tuple[str, Item]:
        language, kind = rng.choice(sorted(_texts())), rng.choice(sorted(_PROBLEMS))
        a, b, c, answer = _PROBLEMS[kind](rng)
        texts = _texts()[language]
        problem = texts["problems"][kind].format(name=rng.choice(_NAMES), a=a, b=b, c=c)
        key = f"multilingual:{kind}:{a}:{b}:{c}"
        item = Item(
            task="general_multilingual",
            question=f"{problem}\n\n{texts['number']}",
            answer=str(answer),
            target="",
            guess_rate=0,
            group=language,
            cluster_id=key,
        )
        return key, item

    return draw_items(split, count, random.Random(f"general_multilingual:{split}:{seed}"), propose)


# Three numbers and the result that they have in a problem.
Numbers = tuple[int, int, int, int]


def _buy(rng: random.Random) -> Numbers:
    a, b, c = rng.randint(3, 12), rng.randint(2, 9), rng.randint(2, 15)
    return a, b, c, a * b + c


def _give(rng: random.Random) -> Numbers:
    a = rng.randint(20, 90)
    b, c = rng.randint(5, a - 5), rng.randint(3, 40)
    return a, b, c, a - b + c


def _share(rng: random.Random) -> Numbers:
    b, each, c = rng.randint(3, 9), rng.randint(4, 15), rng.randint(2, 9)
    return b * each, b, c, each + c


def _walk(rng: random.Random) -> Numbers:
    a, b, c = rng.randint(3, 15), rng.randint(3, 9), rng.randint(5, 40)
    return a, b, c, a * b + c


def _pages(rng: random.Random) -> Numbers:
    b, c = rng.randint(3, 9), rng.randint(11, 40)
    left = rng.randint(5, 99)
    return b * c + left, b, c, left


_PROBLEMS: dict[str, Callable[[random.Random], Numbers]] = {
    "buy": _buy,
    "give": _give,
    "share": _share,
    "walk": _walk,
    "pages": _pages,
}


def judge_language(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """``process_results`` of general_language: ``extracted`` is the language of the output without its thoughts."""
    found = _language(without_thoughts(results[0]) or "", _ENOUGH.get(doc["answer"], _LETTERS))
    right = int(found == doc["answer"])
    return {"acc": right, "score": float(right), "unparsed": int(found is None), "extracted": found, "layer": None}


def _language(text: str, enough: int) -> str | None:
    """The code of the most probable language; None where ``text`` has fewer letters than ``enough``."""
    import langdetect

    letters = [character for character in text if character.isalpha()]
    if len(letters) < enough:
        return None
    if written := _by_script(letters):
        return written
    langdetect.DetectorFactory.seed = 0  # It draws at random, and would not repeat.
    try:
        found: str = langdetect.detect(text)
    except langdetect.LangDetectException:
        return None
    return _SAME.get(found, found)


def _by_script(letters: Sequence[str]) -> str | None:
    """Chinese and Japanese by their letters: langdetect takes short texts in them for Korean."""
    kana = sum("\u3040" <= letter <= "\u30ff" for letter in letters)
    ideographs = sum("\u4e00" <= letter <= "\u9fff" for letter in letters)
    if 2 * (kana + ideographs) < len(letters):
        return None
    return "ja" if 10 * kana > len(letters) else "zh"


TASKS: dict[str, Generator] = {"general_language": general_language, "general_multilingual": general_multilingual}

load = plugin.loader(TASKS)
