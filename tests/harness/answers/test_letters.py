"""Letters: which option an output names, one row a way of writing that models have; "off" is an answer not offered."""

import time

import pytest

from harness.answers.choices import judge_lettered
from harness.records import Outcome

CITIES = ("Paris", "London", "Rome", "Berlin")
HEAT = ("It absorbs heat.", "It releases heat.", "It absorbs light.", "It releases light.")
SIGNED = ("3", "-3", "5", "-5")
YES_NO = ("yes", "no")

WAYS = [
    (SIGNED, "B. -3", "B"),
    (SIGNED, "(B) -3", "B"),
    (SIGNED, "\\boxed{B. -3}", "B"),
    (SIGNED, "The answer is B. -3", "B"),
    (SIGNED, "-3", "B"),
    (SIGNED, "\u22123", "B"),
    (SIGNED, "The answer is -5.", "D"),
    (SIGNED, "B. 3", None),
    (SIGNED, "A. -3", None),
    (CITIES, "正确答案为\uff08B\uff09", "B"),
    (CITIES, "我选择B。", "B"),
    (CITIES, "正解は B です。", "B"),
    (CITIES, "Somit ist Antwort B korrekt.", "B"),
    (CITIES, "La réponse correcte est donc B.", "B"),
    (CITIES, '{"final_answer": "B"}', "B"),
    (CITIES, "{'answer': 'B'}", "B"),
    (CITIES, "There is no doubt that the answer is B.", "B"),
    (CITIES, "It can't be (A).", None),
    (CITIES, "I don't think it's A.", None),
    (CITIES, "I do not believe the answer is A.", None),
    (CITIES, "It is unlikely to be A.", None),
    (CITIES, "A不正确。", None),
    (CITIES, "Option A ist falsch.", None),
    (CITIES, "选项A是错误的。", None),
    (SIGNED, "The answer is 7", "off"),
    (CITIES, "The correct option is B.", "B"),
    (CITIES, "The correct choice is B) London.", "B"),
    (CITIES, "Therefore, B is the correct answer.", "B"),
    (CITIES, "The answer should be B.", "B"),
    (CITIES, "I choose B.", "B"),
    (CITIES, "It's B.", "B"),
    (CITIES, "The answer is B (London).", "B"),
    (CITIES, "Answer = B", "B"),
    (CITIES, "**Answer**: B", "B"),
    (CITIES, '{"answer": "B"}', "B"),
    (CITIES, "答案是B", "B"),
    (CITIES, "正确答案是 B。", "B"),
    (CITIES, "La respuesta correcta es la B.", "B"),
    (CITIES, "A resposta correta é B.", "B"),
    (CITIES, "Die Antwort ist B", "B"),
    (CITIES, "正解はBです。", "B"),
    (CITIES, "答えはB", "B"),
    (CITIES, "La bonne réponse est la B", "B"),
    (CITIES, "La réponse correcte est B.", "B"),
    (CITIES, "A resposta é a letra B.", "B"),
    (CITIES, "選択肢Bが正解です。", "B"),
    (CITIES, "正确的选项是B", "B"),
    (CITIES, "因此\uff0c答案选B。", "B"),
    (CITIES, "Die richtige Lösung ist B) London", "B"),
    (CITIES, "A opção correta é B", "B"),
    (CITIES, "Antwort: B", "B"),
    (CITIES, "Respuesta: B) London", "B"),
    (CITIES, "Réponse : B", "B"),
    (CITIES, "...= \\boxed{\\frac{2}{3}}. The answer is B.", "B"),
    (CITIES, "<answer>\\boxed{B}</answer>", "B"),
    (CITIES, "<answer>The answer is B</answer>", "B"),
    (CITIES, "\\boxed{\\text{(B) London}}", "B"),
    (CITIES, "\\boxed{\\textbf{(B)} London}", "B"),
    (CITIES, "\\boxed{\\textbf{(B)}\\ London}", "B"),
    (CITIES, "#### 42\nThe answer is B", "B"),
    (CITIES, "A: B", "B"),
    (CITIES, "A: The capital is London.", "B"),
    (CITIES, "A: I cannot answer.", None),
    (CITIES, "A: London", "B"),
    (CITIES, "A: Paris", "A"),
    (CITIES, "A:\nB", "B"),
    (CITIES, "I. First we look.\nII. Second we do", None),
    (CITIES, "(A) First we look at it. (B) Then we go.", None),
    (CITIES, "Option A is incorrect", None),
    (CITIES, "not (A)", None),
    (CITIES, "I would rule out option A", None),
    (CITIES, "P(A) = 0.5", None),
    (CITIES, "The SMILES is CC(C)C(=O)O", None),
    (CITIES, "The magnetic field (B) is strong.", None),
    (CITIES, "It is the magnetic field (B)", None),
    (CITIES, "Option A is not right. Option B is.", "B"),
    (CITIES, "Option C can be eliminated, so option B it is.", "B"),
    (CITIES, "B. Paris", None),
    (CITIES, "The answer is B. Paris", None),
    (CITIES, "The answer is B) Paris.", None),
    (CITIES, "B (Paris)", None),
    (CITIES, "The answer is B, Paris.", None),
    (CITIES, "Paris (B)", None),
    (CITIES, "The answer is Paris (B).", None),
    (CITIES, "London (B)", "B"),
    (CITIES, "Answer: B - Paris", None),
    (CITIES, "I choose B. Paris", None),
    (CITIES, "The answer is B. Paris is in France, so it cannot be A.", "B"),
    (YES_NO, "A. no", None),
    (YES_NO, "No", "B"),
    (YES_NO, "The answer is no.", "B"),
    (YES_NO, "B. No, because", "B"),
    (YES_NO, "Yes, it is.", "A"),
    (CITIES, "The answer is Madrid.", "off"),
    (CITIES, "<answer>Madrid</answer>", "off"),
    (CITIES, "The answer is unclear.", None),
    (CITIES, "\\boxed{Madrid}", "off"),
    (CITIES, "The answer is not B.", None),
    (CITIES, "The answer isn't B.", None),
    (CITIES, "B is incorrect.", None),
    (CITIES, "B is the wrong answer.", None),
    (CITIES, "It cannot be B.", None),
    (CITIES, "The correct answer is either A or B.", None),
    (CITIES, "Both A and B", None),
    (CITIES, "A and B are correct", None),
    (CITIES, "The answer is:\nB", "B"),
    (CITIES, "**The answer is:**\n\n**B**", "B"),
    (CITIES, "### Answer\nB) London", "B"),
    (CITIES, "Final Answer: (B)", "B"),
    (CITIES, "The final answer is $\\boxed{B}$.", "B"),
    (CITIES, "The final answer is: $\\boxed{\\text{B}}$", "B"),
    (CITIES, "So the answer is A. Wait, that's wrong. The answer is B.", "B"),
    (CITIES, "Answer: B\nExplanation: London is the capital. A is wrong since Paris is in France.", "B"),
    (CITIES, "The answer is B because A is in France.", "B"),
    (CITIES, "Let me check option A: no. The answer: B", "B"),
    (HEAT, "A. It absorbs heat. This is wrong.", None),
    (HEAT, "The answer is that it releases heat", "B"),
    (HEAT, "B. It releases heat.", "B"),
    (HEAT, "B) it releases heat", "B"),
    (CITIES, "A plant needs light.", None),
    (CITIES, "I think Paris", None),
    (CITIES, "The best answer is C.", "C"),
    (CITIES, "Correct answer: D", "D"),
    (CITIES, "My answer is D.", "D"),
    (CITIES, "The answer is option B", "B"),
    (CITIES, "The answer is letter B.", "B"),
    (CITIES, "Option B.", "B"),
    (CITIES, "The answer is 'B'.", "B"),
    (CITIES, 'The answer is "B".', "B"),
    (CITIES, "The answer is B!", "B"),
    (CITIES, "Ans: B", "B"),
    (CITIES, "Answer - B", None),
    (CITIES, "answer is b", "B"),
    (CITIES, "The answer is <B>.", "B"),
    (CITIES, "B.", "B"),
    (CITIES, "B)", "B"),
    (CITIES, "[B]", "B"),
    (CITIES, "[[B]]", "B"),
    (CITIES, "B: London", "B"),
    (CITIES, "**B. London**\n\nLondon is the capital.", "B"),
    (CITIES, "The correct answer is **B**: London", "B"),
    (CITIES, "The correct answer is (B) London, the capital of the UK.", "B"),
    (CITIES, "Among the options, London is the capital of the UK, so the answer is B) London.", "B"),
    (CITIES, "The answer is none of the above.", None),
    (CITIES, "I don't know.", None),
    (CITIES, "<think>B</think>", None),
    (CITIES, "<think>The answer is B.", None),
    (CITIES, "B</s>", "B"),
    (CITIES, "The answer is B\n\nHuman: next? \nAnswer: C", "B"),
    (CITIES, "The correct answer would be B.", "B"),
    (CITIES, "The answer has to be B", "B"),
    (CITIES, "I'd go with B.", "B"),
    (CITIES, "I'm going with option B.", "B"),
    (CITIES, "I would select (B).", "B"),
    (CITIES, "We can conclude that the answer is B.", "B"),
    (CITIES, "Hence the correct option is (B).", "B"),
    (CITIES, "the correct answer is indeed B", "B"),
    (CITIES, "Therefore, the answer to this question is B", "B"),
    (CITIES, "The right choice is B", "B"),
    (CITIES, "(B)", "B"),
    (CITIES, "B is correct.", "B"),
    (CITIES, "Option B is correct.", "B"),
    (CITIES, "Option (B) is the right answer.", "B"),
    (CITIES, "B, London, is the correct answer.", "B"),
    (CITIES, "London is the correct answer.", "B"),
    (CITIES, "London is correct.", "B"),
    (CITIES, "The answer is 2.", "B"),
    (CITIES, "Answer: 2", "B"),
    (CITIES, "the second option", None),
    (CITIES, "B\n\nQuestion: Which is the capital of France?\nA. Paris\nB. London\nAnswer: A", "B"),
    (CITIES, "So we get \\boxed{\\frac{1}{2}} and \\boxed{7}.\n\n**Answer: B**", "B"),
    (CITIES, "The answer is B. Any other answer would be wrong.", "B"),
    (CITIES, "The answer is B. The answer is A if you mean France.", "A"),
    (CITIES, "A is out, and so are C and D. That leaves B.", "B"),
    (CITIES, "A is tempting, but B is correct.", "B"),
    (HEAT, "It gives off heat, so B.", "B"),
    (HEAT, "A. It absorbs heat. (False)", None),
    (HEAT, "A) It absorbs heat. - Incorrect\nC) It absorbs light. - Incorrect", None),
    (("0.8 g", "8 g", ".8 lb", "8 lb"), "The answer is C. .8 lb", "C"),
    (("0.8 g", "8 g", ".8 lb", "8 lb"), "C. 8 lb", None),
]


@pytest.mark.parametrize(("options", "output", "named"), WAYS)
def test_a_way_of_naming_an_option(options: tuple[str, ...], output: str, named: str | None) -> None:
    judged = judge_lettered(output, "A", options)
    found = judged.lenient.extracted if judged.layer else "off" if judged.lenient.off_list else None
    assert found == named


def test_an_answer_that_was_not_offered_is_wrong_and_marked() -> None:
    judged = judge_lettered("The answer is Madrid.", "B", CITIES)
    assert (judged.lenient.outcome, judged.lenient.off_list, judged.lenient.extracted) == (
        Outcome.WRONG,
        True,
        "Madrid",
    )
    assert judged.strict.outcome is Outcome.UNPARSED
    assert judge_lettered("The answer is unclear.", "B", CITIES).lenient.off_list is False


@pytest.mark.parametrize(
    "announced", ["The answer is", "The correct option is", "I choose", "Answer:", "\u7b54\u6848\u662f", ""]
)
@pytest.mark.parametrize(
    "text", ["-3", ".5", "3.5 m/s", "(I) and (II)", "E = mc^2", "no, because A. is wrong", "C(s) + O2"]
)
def test_an_option_that_looks_like_something_else_is_read_with_its_letter(announced: str, text: str) -> None:
    options = ("one of them", text, "another", "a third")
    assert judge_lettered(f"{announced} B. {text}".strip(), "B", options).lenient.extracted == "B"


@pytest.mark.parametrize(
    "unit",
    [
        "A. ",
        "(A) ",
        "option A ",
        "answer is ",
        "correct ",
        "It's ",
        "B is ",
        "answer to ",
        "<",
        "\\boxed{",
        "I choose ",
    ],
)
def test_a_letter_is_judged_in_a_moment(unit: str) -> None:
    options = tuple(f"{city} {k}" for k, city in enumerate(CITIES * 3))
    for size in (8_000, 1_000_000):
        started = time.process_time()
        judge_lettered(unit * (size // len(unit)), "B", options)
        # 25 ms on an idle core; a machine that is busy with other tests takes longer.
        assert time.process_time() - started < 0.25
