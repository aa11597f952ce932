"""Extraction: the answer that an output states, and what became of it. Shared by every task, nano and big.

Three states (harness/scoring/METRICS.md, "Notation"): **correct**, **wrong** (an admissible answer, but not the gold
one; marked **off-list** if options were given and it is none of them) and **unparsed** (nothing admissible was stated,
or the output was cut off).
"""

import re
import unicodedata
from dataclasses import dataclass, replace

from harness.answers.statements import MAX_ANSWER, answer_of, bare, stated
from harness.records import Outcome

WRAPPED_TEXT = re.compile(r"\\(?:text(?:bf|it|rm|tt)?|math(?:rm|bf|it|tt|sf)|mbox|operatorname) ?\{([^{}]*)\}")
DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d", "-"))
_ARTICLE = re.compile(r"^(?:an?|the) (?=.)", re.IGNORECASE)


@dataclass(frozen=True)
class Judgement:
    """What became of one output: the answer as the model stated it, its outcome, and a score in [0, 1].

    ``extracted`` stays beside an unparsed outcome when something was stated that is no admissible answer. ``layer``
    names the part of the extraction that found it. ``off_list`` marks a wrong answer that is none of the options.
    """

    extracted: str | None
    outcome: Outcome
    score: float
    layer: str | None = None
    off_list: bool = False

    def metrics(self) -> dict[str, float]:
        """The three numbers a task reports for one item: ``acc`` and ``unparsed`` are 0 or 1, ``score`` in [0, 1]."""
        return {
            "acc": int(self.outcome is Outcome.CORRECT),
            "score": self.score,
            "unparsed": int(self.outcome is Outcome.UNPARSED),
        }


def extract_answer(output: str) -> str | None:
    """The answer that ``output`` states, or None; see :func:`extract_layer`."""
    return extract_layer(output)[1]


def extract_layer(output: str) -> tuple[str | None, str | None]:
    """The layer and the text of the best statement; (None, None) where there is none, or it is too long."""
    best = next(stated(answer_of(output)), None)
    if best is None or len(best.text) > MAX_ANSWER:
        return None, None
    return best.layer, best.text


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
    return replace(judgement, outcome=Outcome.UNPARSED, score=0.0, off_list=False)


def decided(stated: str | None, correct: bool) -> Judgement:
    """The judgement of an admissible answer."""
    return Judgement(stated, Outcome.CORRECT, 1.0) if correct else Judgement(stated, Outcome.WRONG, 0.0)


def off_list(stated: str | None) -> Judgement:
    """The judgement of an answer that can be read and is none of the options."""
    return Judgement(stated, Outcome.WRONG, 0.0, off_list=True)


def unparsed(stated: str | None) -> Judgement:
    """The judgement of an output that states no admissible answer; ``stated`` is what it says instead."""
    return Judgement(stated, Outcome.UNPARSED, 0.0)


def normal(text: str, case_sensitive: bool = False) -> str:
    """``text`` as short answers are compared: width, spaces, dashes, case, an article and a trailing stop unified."""
    text = unicodedata.normalize("NFKC", WRAPPED_TEXT.sub(r"\1", text)).translate(DASHES)
    text = " ".join(bare(text).strip("$").split())
    folded = text if case_sensitive else text.casefold()
    return _ARTICLE.sub("", folded)
