r"""Notation: one spelling for what is written in many ways, before numbers and formulas are read.

Dashes, digits of other scripts, spaces, fonts, money, degrees, simple fractions. Nothing here changes what is meant.
"""

import re
import unicodedata

from harness.answers.extraction import DASHES

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_CHARACTERS = str.maketrans(
    {"\uff0c": ",", "\uff0e": ".", "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2044": "/", "\u2248": "≈"}
    | {"\u00b7": "*", "\u2126": "\u03a9", "\u00b5": "\u03bc", "\u2019": "'"}
)
_POWERED = re.compile(r"(?<=[0-9A-Za-z)])[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+")
_FONT = re.compile(
    r"\\(?:text(?:bf|it|rm|tt|sf|normal)?|math(?:rm|bf|it|sf|tt|bb)|mbox|operatorname|boldsymbol|bm|pmb|underline"
    r"|emph|hbox"
    r"|fbox|framebox|boxed|ensuremath) ?\{((?:[^{}]|\{[^{}]{0,60}\})*)\}"
)
_BOLD = re.compile(r"\*\*(?=[^*\s])([^*]{1,200}?)\*\*(?![0-9(])")
_SPACED = re.compile(
    r"(?<!\\)\\[,;:! ]|~|\\q?quad(?![a-zA-Z])|\\(?:left|right|displaystyle|textstyle|Large|large|bf|rm"
    r"|it)(?![a-zA-Z])"
)
_GROUP = re.compile(r"\{,\}|(?<=[0-9])\\[,!;](?=[0-9]{3})|(?<=[0-9]),\\!(?=[0-9]{3})")
_DEGREES = re.compile(r" ?(?:\^ ?(?:\{ ?)?\\circ(?: ?\})?|\\degrees?(?![a-zA-Z])|°)")
_FRAC = re.compile(r"\\[dtc]?frac ?(?:\{ ?([-+]?[0-9.,]+) ?\}|([0-9])) ?(?:\{ ?([0-9.,]+) ?\}|([0-9]))")
_OVER = re.compile(r"\{ ?([^{}\\]{1,40}) ?\\over(?![a-zA-Z]) ?([^{}\\]{1,40}) ?\}")
# "minus 5" is -5, "7 minus 5" is not.
_MINUS = re.compile(r"(?<![0-9a-z)}])(?<![0-9a-z)}] )(?:minus|negative) ?(?=\.?[0-9])", re.IGNORECASE)
_BASE_WORDS = {
    word: str(base)
    for base, word in enumerate(["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], 2)
}
_BASE_WORD = re.compile(rf"(?<=_)\{{?\s*({'|'.join(_BASE_WORDS)})\s*\}}?")
_MONEY = re.compile(r"\\?[$€£¥₹]")
_APPROXIMATELY = re.compile(r"\\(?:approx(?:eq)?|simeq|doteq|thickapprox)(?![a-zA-Z])|~=|≃|≅|≒")
_UNITS = (
    (re.compile(r"\\Omega(?![a-zA-Z])"), "\u03a9"),
    (re.compile(r"\\(?:mu|micro)(?![a-zA-Z]) ?"), "\u03bc"),
)
_PREFIXED = re.compile(r"\b([kMGm\u03bc]) (?=\u03a9)")
# "18\u3067\u3059", "18\u5143": a copula or a unit of a script that has no spaces.
_ASIAN_UNIT = re.compile(r"(?<=[0-9]) ?[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]{1,6}\Z")
# What a quantity is a quantity of: 41.0 g of Ca(NO3)2.
_SUBSTANCE = re.compile(
    r" of (?:\\?[A-Z][A-Za-z]?(?:_?\{?[0-9]{1,3}\}?)?"
    r"|\((?:[A-Z][a-z]?(?:_?\{?[0-9]{1,2}\}?)?)+\)(?:_?\{?[0-9]{1,2}\}?)?)+(?=[\s.,;]|\Z)"
)


def one_spelling(text: str) -> str:
    """``text`` with one spelling for dashes, digits, fonts and spaces; formulas stay formulas."""
    if not text.isascii():
        text = "".join(map(_plain, text)).translate(DASHES).translate(_CHARACTERS)
    text = _POWERED.sub(lambda found: "^" + found.group().translate(_SUPERSCRIPTS), text)
    text = _BOLD.sub(r"\1", _GROUP.sub("", text))
    for _ in range(2):  # a font within a font
        text = _FONT.sub(r" \1", text)
    text = bases_in_digits(text)
    return _APPROXIMATELY.sub("≈", _OVER.sub(r"\\frac{\1}{\2}", text))


def bases_in_digits(text: str) -> str:
    """``text`` with the base of a numeral as a number: 2516_{eight} is 2516_8."""
    return _BASE_WORD.sub(lambda found: _BASE_WORDS[found[1]], text)


def as_number(text: str) -> str:
    """``text`` as numbers are read from it: without money, degrees and substances, fractions with a stroke."""
    euros = "€" in text
    text = _SPACED.sub(" ", one_spelling(text))
    for unit, form in _UNITS:
        text = unit.sub(form, text)
    text = _SUBSTANCE.sub(" ", _DEGREES.sub(" ", text))
    text = _MINUS.sub("-", text)
    text = _FRAC.sub(lambda found: f" {found[1] or found[2]}/{found[3] or found[4]} ", text)
    text = " ".join(_MONEY.sub("", text.replace("\\(", "").replace("\\)", "")).split())
    text = _PREFIXED.sub(r"\1", _ASIAN_UNIT.sub("", text))
    return f"{text} euros" if euros and text[-1:].isdigit() else text


def _plain(character: str) -> str:
    if character.isascii():
        return character
    if unicodedata.category(character) == "Nd":
        return str(unicodedata.decimal(character))
    folded = unicodedata.normalize("NFKC", character)
    return f" {folded}" if "\u2044" in folded else character
