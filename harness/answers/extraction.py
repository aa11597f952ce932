"""Outcomes: read the answer a model stated, and judge it. Shared by every task, nano and big.

Three states (harness/scoring/METRICS.md, "Notation"): **correct**, **wrong** (an admissible answer, but not the gold
one) and **unparsed** (nothing admissible was stated, or the output was cut off). Outputs are hostile text: every scan
here is linear in its length and an answer longer than ``MAX_ANSWER`` characters counts as none.
"""

import re
import unicodedata
from collections import deque
from dataclasses import dataclass, replace

from harness.records import Outcome

MAX_ANSWER = 1000

_TAG = re.compile(r"<(/?)answer>", re.IGNORECASE)
_BRACE = re.compile(r"\\boxed ?\{|\\[{}]|[{}]")
_HASHES = re.compile(r"(?<!#)####(?!#)")
_ANSWER_IS = re.compile(r"\banswer(?: is:?|:)(?! not\b)", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")

WRAPPED_TEXT = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\{([^{}]*)\}")


@dataclass(frozen=True)
class Judgement:
    """What became of one output: the answer as the model stated it, its outcome, and a score in [0, 1].

    ``extracted`` stays beside an unparsed outcome when something was stated that is no admissible answer. ``layer``
    names the part of the extraction that found it.
    """

    extracted: str | None
    outcome: Outcome
    score: float
    layer: str | None = None

    def metrics(self) -> dict[str, float]:
        """The three numbers a task reports for one item: ``acc`` and ``unparsed`` are 0 or 1, ``score`` in [0, 1]."""
        return {
            "acc": int(self.outcome is Outcome.CORRECT),
            "score": self.score,
            "unparsed": int(self.outcome is Outcome.UNPARSED),
        }


def extract_answer(text: str) -> str | None:
    """The answer ``text`` states, or None; see :func:`extract_layer`."""
    return extract_layer(text)[1]


def extract_layer(text: str) -> tuple[str | None, str | None]:
    """The layer that found the answer ``text`` states, and the answer; (None, None) where it states none.

    The first layer that finds one decides: the last complete ``<answer>..</answer>`` ("tag"), the last balanced
    ``\\boxed{..}`` ("boxed"), the last ``#### ..`` ("hashes"), the last "answer is .." or "answer: .." ("said").
    Whitespace, markdown emphasis and a trailing full stop are stripped; an empty answer is none.
    """
    for layer, read in (("tag", _tagged), ("boxed", _boxed), ("hashes", _hashed), ("said", _said)):
        found = read(text)
        if found is not None and (answer := _bare(found)):
            return (layer, answer) if len(answer) <= MAX_ANSWER else (None, None)
    return None, None


def judge_text(output: str, gold: str, *, case_sensitive: bool = False) -> Judgement:
    """Judge a short free-form answer by equality after normalisation (case, width, spaces, a leading article).

    ``case_sensitive`` is for answers whose case carries the meaning (Co is cobalt, CO a gas).
    """
    stated = extract_answer(output)
    if stated is None:
        return unparsed(stated)
    return decided(stated, normal(stated, case_sensitive) == normal(gold, case_sensitive))


def cut_off(judgement: Judgement) -> Judgement:
    """The judgement of an output that hit the token budget (``finish_reason`` "length"): unparsed, score 0."""
    return replace(judgement, outcome=Outcome.UNPARSED, score=0.0)


def decided(stated: str | None, correct: bool) -> Judgement:
    """The judgement of an admissible answer."""
    return Judgement(stated, Outcome.CORRECT, 1.0) if correct else Judgement(stated, Outcome.WRONG, 0.0)


def unparsed(stated: str | None) -> Judgement:
    """The judgement of an output that states no admissible answer; ``stated`` is what it says instead."""
    return Judgement(stated, Outcome.UNPARSED, 0.0)


def _tagged(text: str) -> str | None:
    start, found = -1, None
    for tag in _TAG.finditer(text):
        if not tag.group(1):
            start = tag.end()
        elif start >= 0:
            found, start = text[start : tag.start()], -1
    return found


def _boxed(text: str) -> str | None:
    opened: list[tuple[int, bool]] = []
    best, found = -1, None
    for brace in _BRACE.finditer(text):
        kind = brace.group()
        if kind in ("\\{", "\\}"):
            continue
        if kind != "}":
            opened.append((brace.end(), kind != "{"))
        elif opened:
            start, boxed = opened.pop()
            # Of nested boxes the inner one is the answer, so the latest start wins, not the latest end.
            if boxed and start > best:
                best, found = start, (start, brace.start())
    return None if found is None else text[slice(*found)]


def _hashed(text: str) -> str | None:
    return _line_after(_HASHES, text)


def _said(text: str) -> str | None:
    line = _line_after(_ANSWER_IS, text)
    return None if line is None else _SENTENCE_END.split(line, maxsplit=1)[0]


def _line_after(mark: re.Pattern[str], text: str) -> str | None:
    last = deque(mark.finditer(text), maxlen=1)
    return text[last[0].end() :].lstrip("* \t\r\n").partition("\n")[0] if last else None


def _bare(text: str) -> str:
    return text.strip().strip("*`\"'“”").strip().rstrip(".,;:!").strip()


def normal(text: str, case_sensitive: bool = False) -> str:
    """``text`` as short answers are compared: width, spaces, case, a leading article and a trailing stop taken away."""
    text = unicodedata.normalize("NFKC", WRAPPED_TEXT.sub(r"\1", text))
    text = " ".join(_bare(text).strip("$").split())
    folded = text if case_sensitive else text.casefold()
    return re.sub(r"^(?:an?|the) (?=.)", "", folded, flags=re.IGNORECASE)
