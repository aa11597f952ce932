"""Short answers: which part of an output is the answer."""

import time

import pytest

from harness.answers.short import Short, read_short, says_nothing


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ("Paris", Short("Paris", "alone", alone=True)),
        ("Paris.", Short("Paris", "alone", alone=True)),
        ("**Paris**", Short("Paris", "alone")),
        ("The answer is Paris.", Short("Paris", "said")),
        ("Answer: Paris", Short("Paris", "said")),
        ("<answer>Paris</answer>", Short("Paris", "tag")),
        ("<think>Rome?</think>\nParis", Short("Paris", "alone")),
        ("The total is **$45**, as shown.", Short("$45", "bold")),
        ("Paris\n\nThe sign says that it is Paris.", Short("Paris", "line")),
        ("12 Main Street\nNew York", Short("12 Main Street New York", "lines")),
        ("Here is what I see:\nParis", Short("Paris", "line")),
        ("The city is Paris.", Short("Paris", "sentence")),
        ("The city in this picture is Paris, as shown in the image.", Short("Paris", "sentence")),
        ("It is red.", Short("red", "sentence")),
        ("Mr. Jones of London", Short("Mr. Jones of London", "alone", alone=True)),
    ],
)
def test_what_is_read(output: str, found: Short) -> None:
    assert read_short(output) == found


@pytest.mark.parametrize("output", ["", "  \n ", "<think>Paris", "x " * 3000, "The sky and the sea. " * 30])
def test_what_states_nothing(output: str) -> None:
    assert read_short(output) is None


@pytest.mark.parametrize(
    "text",
    ["I'm sorry", "I cannot tell", "It is not visible", "Not mentioned", "unclear", "It depends", "N/A", "no data", ""],
)
def test_what_stands_in_place_of_an_answer(text: str) -> None:
    assert says_nothing(text)


@pytest.mark.parametrize("text", ["Paris", "Mission Impossible", "not only Paris", "Notre Dame"])
def test_what_is_an_answer(text: str) -> None:
    assert not says_nothing(text)


@pytest.mark.parametrize("part", ["is ", "**", "the answer is ", "**a", "\n", "in the image ", "- ", "x:\n", ", as"])
def test_hostile_text_is_read_in_linear_time(part: str) -> None:
    started = time.monotonic()
    read_short(part * (60_000 // len(part)))
    assert time.monotonic() - started < 2
