"""Thoughts: what a model writes for itself before its answer. What stands in a thought is not the answer.

One rule for every judge. A thought is what stands between an opening and a closing mark of one of the kinds below,
or before a closing mark that nothing opened (templates open it in the prompt). A thought that never closes leaves no
answer. A mark in the middle of a sentence ("I will think inside <think> and </think>") is a mention and opens nothing.
"""

import re

_NAMES = r"(?:think(?:ing)?|thoughts?|reasoning|reflection|scratchpad|seed:think)"
_MARK = re.compile(
    rf"<(?:/?{_NAMES}>|\|(?:(?:begin|end)_of_thought|(?:start|end)_thinking)\|>"
    r"|\|channel\|>(?:analysis|commentary|final)[^<]{0,40}<\|message\|>)"
    r"|\[/?think\]|◁/?think▷",
    re.IGNORECASE,
)
_CLOSES = re.compile(r"[<\[◁](?:/|\|end|\|channel\|>final)", re.IGNORECASE)
_MENTION = re.compile(r"[A-Za-z,][ \"'`]+\Z")
_AND_ITS_END = re.compile(r"[\s\"'`]*(?:and|to|then|or|\.\.\.|…)[\s\"'`]*\Z")
# The channels of gpt-oss as a decoder leaves them that skips special tokens.
_ANALYSIS, _FINAL = re.compile("analysis(?=[A-Z])"), "assistantfinal"


def opened_thought(prompt: str) -> str:
    """The opening mark that ``prompt`` ends with, and the white space around it; empty where it ends with none.

    Templates of reasoning models begin the thought for the model, so that what it writes begins within one.
    """
    marks = list(_MARK.finditer(prompt))
    if not marks or _CLOSES.match(marks[-1].group()) or prompt[marks[-1].end() :].strip():
        return ""
    last = marks[-1]
    return "" if _MENTION.search(prompt, max(0, last.start() - 8), last.start()) else prompt[last.start() :]


def without_thoughts(output: str) -> str | None:
    """``output`` without its thoughts; None where one never closes, so that nothing behind it is known to be said."""
    if _ANALYSIS.match(output):
        _, closed, output = output.rpartition(_FINAL)
        if not closed:
            return None
    kept: list[str] = []
    opened = False
    start = mentioned = 0
    for mark in _MARK.finditer(output):
        if not _CLOSES.match(mark.group()):
            if not opened and _MENTION.search(output, max(0, mark.start() - 8), mark.start()):
                mentioned = mark.end()
            elif not opened:
                kept.append(output[start : mark.start()])
                opened = True
        elif not opened and mentioned and _AND_ITS_END.fullmatch(output, mentioned, mark.start()):
            mentioned = 0
        else:
            kept = kept if opened else []
            opened, start = False, mark.end()
    return None if opened else "".join(kept) + output[start:]
