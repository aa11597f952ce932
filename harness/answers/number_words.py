"""Number words: a number that is written out in English: "twenty-five", "one hundred and five dollars"."""

import re
from fractions import Fraction

_LONGEST = 200
_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_ONES = {word: value for value, word in enumerate(_SMALL)}
_TENS = {
    word: 10 * ten
    for ten, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
_SCALES = {"thousand": 1000, "million": 10**6, "billion": 10**9}
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8}
_PARTS |= {"ninth": 9, "tenth": 10, "hundredth": 100}
_PLURALS = {f"{word}s": value for word, value in _PARTS.items()} | {"halves": 2}
# Behind a number in words these make it another one, or none.
_SPELT = {
    *_ONES,
    *_TENS,
    *_SCALES,
    *_PARTS,
    *_PLURALS,
    "hundred",
    "of",
    "or",
    "point",
    "times",
    "percent",
    "per",
    "less",
}
_SPELT |= {"more", "fewer", "than"}
_PLAIN = re.compile(r"[A-Za-z ,-]*")
_MOST_WORDS_BEHIND = 3


def spelled(text: str) -> Fraction | None:
    """The number in words that ``text`` is, up to 999,999,999,999, with up to three words of a unit behind it."""
    if len(text) > _LONGEST or not _PLAIN.fullmatch(text):
        return None
    words = re.findall(r"[a-z]+", text.lower())
    sign = 1
    if words[:1] in (["minus"], ["negative"]):
        sign, words = -1, words[1:]
    for read in (_part, _mixed, _dozen, _whole):
        found, used = read(words)
        if found is not None and not (len(words) - used > _MOST_WORDS_BEHIND or _SPELT & set(words[used:])):
            return sign * found
    return None


def _part(words: list[str]) -> tuple[Fraction | None, int]:
    """ "half", "a third", "one half", "three quarters"."""
    if words[:1] == ["half"]:
        return Fraction(1, 2), 1
    over = 1 if words[:1] in (["a"], ["an"]) else _ONES.get(words[0]) if words else None
    under = (_PARTS if over == 1 else _PLURALS).get(words[1]) if len(words) > 1 else None
    return (None, 0) if over is None or under is None else (Fraction(over, under), 2)


def _mixed(words: list[str]) -> tuple[Fraction | None, int]:
    """ "two and a half", "one and three quarters"."""
    if "and" not in words[:6]:
        return None, 0
    joint = words.index("and")
    part, used = _part(words[joint + 1 :])
    whole, read = _whole(words[:joint])
    return (None, 0) if part is None or whole is None or read != joint else (whole + part, joint + 1 + used)


def _dozen(words: list[str]) -> tuple[Fraction | None, int]:
    """ "a dozen", "two dozen", "half a dozen"."""
    if words[:3] == ["half", "a", "dozen"]:
        return Fraction(6), 3
    if "dozen" not in words[:4]:
        return None, 0
    place = words.index("dozen")
    many, used = (Fraction(1), place) if words[:place] in ([], ["a"]) else _whole(words[:place])
    return (None, 0) if many is None or used != place else (12 * many, place + 1)


def _whole(words: list[str]) -> tuple[Fraction | None, int]:
    total = current = used = 0
    for word in words:
        if word in _ONES:
            if current % 10 or (current % 100 and _ONES[word] > 9) or (used and _ONES[word] == 0):
                return None, 0
            current += _ONES[word]
        elif word in _TENS:
            if current % 100:
                return None, 0
            current += _TENS[word]
        elif word == "hundred":
            current = (current or 1) * 100
        elif word in _SCALES:
            total += (current or 1) * _SCALES[word]
            current = 0
        elif not (word == "and" and used):
            break
        used += 1
    return (None, 0) if not used or words[used - 1] == "and" else (Fraction(total + current), used)
