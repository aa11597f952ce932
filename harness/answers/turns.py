"""Turns: where an answer ends that runs on. A pretrained base often goes on with a new question and answers it too.

The rule is the same for both models of a pair, and is stated in the README of the task families: the answer is cut at a
token that ends a turn, and at a line that opens the next question, if anything stands before it.
"""

import re

_END_OF_TURN = re.compile(
    r"<\|(?:im_end|eot_id|eom_id|endoftext|end|end_of_text|return|eos|user|end_of_solution|START_OF_TURN_TOKEN"
    r"|END_OF_TURN_TOKEN|END_RESPONSE)\|>|</s>|<eos>|<end_of_turn>|<\uff5cend▁of▁sentence\uff5c>|\[/?INST\]"
)
_START_OF_TURN = re.compile(
    r"\A(?:\s|<\|(?:begin_of_solution|START_RESPONSE|im_start|start|end|channel|message)\|>|<s>|<bos>)+"
)
_NEXT_QUESTION = re.compile(
    r"(?<=\S)\s*\n[ \t]*(?:[#*_>]{1,4}[ \t]*)?(?:(?:Question|Problem|Exercise|Frage|Pregunta|Pergunta)"
    r"(?: ?(?:\#|No\.)? ?[0-9]{1,4})?[*_]{0,2}[ \t]*[:.)]|Q(?: ?[0-9]{1,4})?[*_]{0,2}[ \t]*[:.]"
    r"|Question [0-9]{1,4}[ \t]*\n"
    r"|(?:Human|User|Instruction)[*_]{0,2}[ \t]*:|(?:###|\#\#) ?Instruction"
    r"|(?:问题|問題|题目|문제|質問)[0-9]{0,4}[:\uff1a])"
)


def first_turn(text: str) -> str:
    """``text`` up to the end of the turn, or to the next question that it asks itself."""
    text = _END_OF_TURN.split(text[_opening(text) :], maxsplit=1)[0]
    following = _NEXT_QUESTION.search(text)
    return text[: following.start()] if following and text[: following.start()].strip() else text


def _opening(text: str) -> int:
    opening = _START_OF_TURN.match(text)
    return opening.end() if opening else 0
