"""Announcements: the words that say "this is my answer", in the languages models write in. One list for every judge.

An announcement is a name for the answer ("the correct option"), at most a few words between, and a verb or a colon. The
list is for whole phrases: "the answer" as an object ("let me verify the answer: ..."), another answer ("any other
answer is wrong") and a denial ("the answer is not 5") announce nothing.
"""

import re
from collections.abc import Iterator

_EMPHASIS = r"[*_`\"']{0,3}"
_ENGLISH = (
    r"(?:(?:final|correct|right|best|only|most likely|numerical|exact|simplified) ){0,3}(?:answers?|ans)\b"
    r"|(?:final|simplified) (?:result|solution|value|expression)\b"
    r"|(?:correct|right|best|appropriate|suitable|accurate|chosen|selected|matching|true|most \w+) "
    r"(?:option|choice|letter|statement|response|alternative)\b"
    r"|letter of the (?:correct|right|best) (?:option|answer|choice)\b"
)
_BETWEEN = (
    r"(?:,? (?:to|for|of|in|among|from|that) [^.,:;=\n]{1,60}?)?"
    r"(?:,? (?:then|therefore|thus|hence|so|here|now|again|indeed|finally|choice|option|letter|number|value"
    r"|below),?)?"
)
_VERB = (
    r"(?: ?\b(?:is|are|was|would be|will be|should be|must be|should therefore be|has to be|can only be"
    r"|comes (?:out )?(?:to|as)|amounts to|works out (?:to|as)(?: be)?|turns out to be"
    r"|equals|simplifies to)(?![a-zA-Z])(?: (?:indeed|therefore|thus|then|clearly|simply|just|exactly|actually"
    r"|definitely|given by"
    r"|as follows|the following|option|choice|letter)\b)*,?(?:[*_ ]{0,3}:)?| ?(?:=|:=|:|->|→|⇒|\\Rightarrow))"
)
_OTHERS = (
    # Spanish, Portuguese, Italian
    r"(?:respuesta|opci[óo]n|alternativa|soluci[óo]n|resposta|op[çc][ãa]o|letra|risposta)"
    r"(?: (?:correcta|correta|certa|corretta|giusta|esatta|final|finale|adecuada))*"
    r"(?: (?:es|ser[íi]a|debe ser|é|e|è|seria|deve ser)\b(?: (?:la|a|o|el|il)(?: (?:opci[óo]n|letra|op[çc][ãa]o"
    r"|lettera)|(?= \(?[A-Z]\b)))?:?| ?:)"
    # French
    r"|(?:r[ée]ponse|option|proposition)(?: (?:correcte|finale|exacte|juste))*(?: (?:est|serait|doit [êe]tre)\b"
    r"(?: donc| alors)?"
    r"(?: (?:la|le|l'|l\u2019)? ?(?:lettre|option|réponse|(?=\(?[A-Z]\b)))?(?: ?:)?| ?:)"
    # German, Dutch
    r"|(?:antwort|antwortm[öo]glichkeit|l[öo]sung|ergebnis|antwoord)(?: (?:ist|lautet|w[äa]re|is)\b(?: (?:also|daher"
    r"|somit"
    r"|option|antwort|buchstabe))*(?: ?:)?| ?:)"
    # Russian, Arabic, Hindi
    r"|ответ(?: ?[—–:-]| это|ом является)| ?الإجابة(?: الصحيحة)?(?: هي| ?:)|उत्तर(?: है| ?:)"
    # Chinese, Japanese, Korean
    r"|(?:答案|正确选项|正確選項|正确的选项|正解|正答|答え|解答|回答)(?:应该|应当|應該|应|應)?(?:选择|选|選擇|選|是|为|為|は|が|\uff1a|:)"
    r"(?:选项|選項|、|\uff1a|:)?|(?:故|因此|所以|应|應|我|我会|故本题|本题)(?:选|選)(?:择|項|项|\uff1a|:)?|答[\uff1a:]|(?:정답|답|답변)(?:은|:|\uff1a)"
)
_ANNOUNCED = re.compile(
    rf"(?<![\w-])(?:{_ENGLISH}){_EMPHASIS}(?:{_BETWEEN}){_EMPHASIS}{_VERB}|(?<![a-zà-ü])(?:{_OTHERS})"
    # A field of an object: "final_answer": 18
    r"|[\"'](?:[a-z]{1,12}[_ ])?(?:answer|choice|option|letter|result|solution)[\"'] ?:",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"(?:^|\n)[ \t]*(?:#{1,6} ?[*_]{0,3}|[*_]{2,3})(?:the )?(?:final |correct )?(?:answer|result"
    r"|solution)[*_]{0,3}[ \t]*(?=\n)",
    re.IGNORECASE,
)
_NOT_THIS = re.compile(
    r"\b(?:this|that|any|no|every|each|(?:an)?other|wrong|incorrect|false|possible|alternative|plausible|your"
    r"|previous"
    r"|first|initial|second|common|tempting)(?: other)? \Z"
    r"|\b(?:verify|check|confirm|double-check|validate|explain|justify|prove|review|test|recheck|revisit|mark"
    r"|format)(?:ing)?"
    r" (?:the|my|our|your|this|that|that the)?(?: final)? ?\Z",
    re.IGNORECASE,
)
DENIAL = re.compile(
    r"[\s*_\"'$\\(]*(?:text\{)?\s*(?:(?:\w+ly|still|therefore|thus|of course|also|simply|just) )?"
    r"(?:not|n't|never|unlikely|no longer|neither|cannot|can't|nicht|no es|n'est pas|não|不是|不)(?:\b|(?<=[是不]))",
    re.IGNORECASE,
)
# "I don't think the answer is 5", "it is false that the answer is 5".
_DOUBTED = re.compile(
    r"(?:\b(?:not|never|hardly)|n['\u2019]t) (?:really )?(?:think|believe|suppose|say|expect|mean)"
    r"(?: that)?(?: the)? \Z"
    r"|(?<!\bno )(?<!without )(?<!without a )\b(?:doubt|deny|false|wrong|incorrect|untrue|unlikely|impossible)"
    r"(?: that)?(?: the)? \Z",
    re.IGNORECASE,
)
_CONTRACTED = re.compile(r"n't\b", re.IGNORECASE)


def announced(text: str) -> Iterator[int]:
    """The places in ``text`` where what was announced begins, in order."""
    ends = [found.end() for found in _ANNOUNCED.finditer(text) if _announces(text, found)]
    ends += [found.end() for found in _HEADING.finditer(text)]
    yield from sorted(ends)


def _announces(text: str, found: re.Match[str]) -> bool:
    before = max(0, found.start() - 40), found.start()
    if _NOT_THIS.search(text, *before) or _DOUBTED.search(text, *before):
        return False
    return DENIAL.match(text, found.end()) is None and not _CONTRACTED.search(found.group())
