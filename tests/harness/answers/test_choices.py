"""Choices: which option an output names, and when it names none."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.answers.choices import LETTERS, judge_choice, judge_lettered, listed, shuffled
from harness.records.samples import Outcome

PLANETS = (
    "Planetary density will decrease.",
    "Planetary years will become longer.",
    "Planetary days will become shorter.",
    "Planetary gravity will become stronger.",
)


def tagged(answer: object) -> str:
    return f"<answer>{answer}</answer>"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("blue", "correct"),
        ("Blue.", "correct"),
        ("the blue", "correct"),
        ("**Blue**", "correct"),
        (r"\text{blue}", "correct"),
        ("B", "correct"),
        ("(b)", "correct"),
        ("b.", "correct"),
        ("B) blue", "correct"),
        ("option B", "correct"),
        ("2", "correct"),
        ("red", "wrong"),
        ("A", "wrong"),
        ("3", "wrong"),
        ("A) blue", "unparsed"),
        ("D", "unparsed"),
        ("0", "unparsed"),
        ("4", "unparsed"),
        ("purple", "wrong"),
        ("A, B", "unparsed"),
        ("none of them", "unparsed"),
    ],
)
def test_judge_choice(answer: str, outcome: str) -> None:
    options = ("red", "blue", "green")
    assert judge_choice(tagged(answer), "blue", options) == judge_choice(tagged(answer), "B", options)
    assert judge_choice(tagged(answer), "blue", options).outcome == outcome


def test_number_labels_are_not_read_where_options_are_numbers() -> None:
    assert judge_choice(tagged("2"), "20", ("10", "20")).outcome is Outcome.UNPARSED
    assert judge_choice(tagged("2"), "3", ("3", "2")).outcome is Outcome.WRONG
    assert judge_choice(tagged("B"), "20", ("10", "20")).outcome is Outcome.CORRECT


def test_judge_choice_refuses_a_broken_item() -> None:
    with pytest.raises(ValueError, match="not one of"):
        judge_choice("", "pink", ("red", "blue"))
    with pytest.raises(ValueError, match="not distinct"):
        judge_choice("", "red", ("red", "Red "))


@pytest.mark.parametrize(
    ("output", "layer", "letter"),
    [
        ("C", "letter", "C"),
        (" C.\n", "letter", "C"),
        ("c", "letter", "C"),
        ("(C)", "letter", "C"),
        ("**C**", "letter", "C"),
        ("Option C", "letter", "C"),
        ("3", "letter", "C"),
        ("<answer>C</answer>", "tag", "C"),
        ("<think>A or B?</think><answer>(c) </answer>", "tag", "C"),
        ("<think>The answer is A. Or is it?</think>\nC", "letter", "C"),
        ("<answer>Planetary days will become shorter</answer> A", "tag", "C"),
        (r"\boxed{\text{C}}", "boxed", "C"),
        ("So\n#### C", "hashes", "C"),
        ("The answer is C.", "said", "C"),
        ("The correct answer is **C. Planetary days will become shorter.**", "said", "C"),
        ("The answer is B. No, the answer is C", "said", "C"),
        ("Answer: C) Planetary days", "said", "C"),
        ("The answer is A, not B", "said", "A"),
        ("C. Planetary days will become shorter.", "start", "C"),
        ("C) because it spins", "start", "C"),
        ("(C) Planetary days will become shorter.\n\nThis is so because A. is wrong", "start", "C"),
        ("C is correct, because the planet spins faster", "start", "C"),
        ("C, of course", "start", "C"),
        ("C \u2013 shorter days", "start", "C"),
        ("A planet that spins faster has shorter days.\n\nC", "end", "C"),
        ("I would choose option C.", "end", "C"),
        ("Shorter days, therefore (C).", "end", "C"),
        ("Planetary days will become shorter.", "text", "C"),
        ("planetary days will become shorter, I think", "text", "C"),
        ("Planetary days will become shorter.\nThe reason is inertia of the planet", "text", "C"),
        ("The answer is the third one, as (C) says it all", "mention", "C"),
        ("Only option C fits the facts", "mention", "C"),
    ],
)
def test_the_lenient_reading_finds_the_letter(output: str, layer: str, letter: str) -> None:
    judged = judge_lettered(output, "C", PLANETS)
    assert (judged.layer, judged.lenient.extracted) == (layer, letter)
    assert judged.lenient.outcome is (Outcome.CORRECT if letter == "C" else Outcome.WRONG)


@pytest.mark.parametrize(
    "output",
    [
        "",
        "  \n",
        "Z",
        "5",
        "A and C",
        "A, B and C",
        "The answer is A or B",
        "option C or option B",
        "A planet spins faster",
        "I think so",
        "Planetary",
        "the answer is not C",
        "<answer>none of them</answer> C",
        "<answer></answer>",
        "<think>The answer is C.</think>",
        "C. Planetary density will decrease.",
        "The answer is unclear",
        "A. Planetary density will decrease.\nB. Planetary years will become longer.\nC. Planetary days",
    ],
)
def test_what_names_no_option_or_several_is_unparsed(output: str) -> None:
    judged = judge_lettered(output, "C", PLANETS)
    assert judged.lenient.outcome is Outcome.UNPARSED
    assert judged.layer is None


@pytest.mark.parametrize(
    ("output", "strict"),
    [("C", "correct"), (" C. ", "correct"), ("B", "wrong"), ("c", "unparsed"), ("(C)", "unparsed"), ("Z", "unparsed")],
)
def test_the_strict_reading_takes_the_letter_alone(output: str, strict: str) -> None:
    assert judge_lettered(output, "C", PLANETS).strict.outcome == strict


def test_both_readings_are_reported() -> None:
    metrics = judge_lettered("The answer is C.", "C", PLANETS).metrics()
    assert metrics == {"acc": 1, "score": 1.0, "unparsed": 0, "strict": 0, "strict_unparsed": 1}


def test_a_letter_is_a_label_even_where_it_is_the_text_of_another_option() -> None:
    blood = ("AB", "A", "B", "O")
    assert judge_lettered("B", "B", blood).lenient.extracted == "B"
    assert judge_lettered("O", "D", blood).lenient.extracted == "D"


def test_options_that_differ_in_case_alone_are_told_apart_by_text_only_exactly() -> None:
    alleles = ("AA", "Aa", "aa", "none")
    assert judge_lettered("Aa", "B", alleles).lenient.extracted == "B"
    assert judge_lettered("aA", "B", alleles).lenient.outcome is Outcome.UNPARSED


def test_numbers_are_no_labels_where_options_are_numbers() -> None:
    assert judge_lettered("2", "B", ("10", "2", "3")).lenient.extracted == "B"
    assert judge_lettered("2", "B", ("10", "20", "30")).lenient.outcome is Outcome.UNPARSED
    assert judge_lettered("$20", "B", ("$10", "$20", "$30")).lenient.extracted == "B"


def test_ten_options_and_a_gold_letter_that_is_none() -> None:
    many = tuple(f"option text {k}" for k in range(10))
    assert judge_lettered("The answer is (J).", "J", many).lenient.outcome is Outcome.CORRECT
    with pytest.raises(ValueError, match="not one of the letters ABC"):
        judge_lettered("A", "D", ("x", "y", "z"))


def test_options_are_listed_by_letter() -> None:
    assert listed(["iron", "air"]) == "A. iron\nB. air"
    for count in (1, 27):
        with pytest.raises(ValueError, match=f"{count} options"):
            listed(["x"] * count)


@given(st.lists(st.text(max_size=5), min_size=1, max_size=8), st.text(max_size=9), st.randoms(use_true_random=False))
def test_shuffling_depends_on_the_texts_alone(options: list[str], key: str, rng: random.Random) -> None:
    assert shuffled(options, key) == shuffled(rng.sample(options, len(options)), key)
    assert sorted(shuffled(options, key)) == sorted(options)


def test_shuffling_puts_an_option_in_every_place() -> None:
    places = [shuffled(["right", "wrong", "bad", "odd"], f"question {k}").index("right") for k in range(400)]
    assert min(places.count(place) for place in range(4)) > 70


@given(st.text(alphabet=st.sampled_from(list("ABCZabc()*<>/answer{}\\boxed.,: \n123²")), max_size=200))
def test_hostile_outputs_never_break_a_reading(output: str) -> None:
    for text in (output, tagged(output), f"the answer is {output}", f"option {output}"):
        judged = judge_lettered(text, "B", PLANETS)
        # A layer is named where an option was; what is readable but no option, or not readable, has none.
        unread = judged.lenient.outcome is Outcome.UNPARSED
        assert (judged.layer is None) == (unread or judged.lenient.off_list)
        if judged.layer:
            assert judged.lenient.extracted in set(LETTERS[:4])
        # What is right to the letter is right to a kind reader.
        if judged.strict.outcome is not Outcome.UNPARSED:
            assert judged.lenient == judged.strict


@pytest.mark.parametrize(
    "unit", ["A. ", "(A) ", "option A ", "answer is ", "<answer>", "A\n", " ", "\n", "*", "A, ", "("]
)
def test_long_outputs_are_read_in_linear_time(unit: str) -> None:
    text = unit * (2_000_000 // len(unit))  # a quadratic scan of two million characters would not end
    for wrapped in (text, tagged(text)):
        assert judge_lettered(wrapped, "B", PLANETS).lenient.outcome is not Outcome.CORRECT
