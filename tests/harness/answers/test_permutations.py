"""Permutations: a jigsaw's answer, read strictly and leniently, and judged place by place and pair by pair."""

import itertools
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import plugin
from harness.answers.permutations import (
    Reading,
    inverse,
    judge_order,
    judge_permutation,
    neighbour_accuracy,
    read_leniently,
)
from harness.records.samples import Outcome

GOLD = "3,1,2,9,4,5,8,7,6"


def tagged(answer: object) -> str:
    return f"<answer>{answer}</answer>"


def listed(order: object) -> str:
    return ",".join(map(str, order))  # type: ignore[call-overload]


@given(st.permutations(range(1, 10)), st.permutations(range(1, 10)))
def test_permutation_score_is_the_hit_rate(gold: list[int], answer: list[int]) -> None:
    judged = judge_permutation(tagged(", ".join(map(str, answer))), listed(gold))
    assert judged.score == sum(x == y for x, y in zip(gold, answer, strict=True)) / 9
    assert judged.outcome is (Outcome.CORRECT if gold == answer else Outcome.WRONG)


@pytest.mark.parametrize(
    "output",
    [
        "2,1,3",
        "2,1,3,4,1",
        *map(tagged, ("2,1,3", "2,2,3,4", "2,1,3,5", "²,1,3,4")),
    ],
)
def test_an_invalid_permutation_is_unparsed(output: str) -> None:
    judged = judge_permutation(output, "2,1,3,4")
    assert (judged.outcome, judged.score) == (Outcome.UNPARSED, 0.0)


def test_a_broken_gold_is_refused() -> None:
    with pytest.raises(ValueError, match="not a permutation"):
        judge_permutation("", "1,1")
    with pytest.raises(ValueError, match="4 numbers, a jigsaw of 3x3 has 9"):
        judge_order("", "2,1,3,4", 3, 3)


def test_metrics_for_lm_eval() -> None:
    assert judge_permutation(tagged("2,1,4,3"), "2,1,3,4").metrics() == {"acc": 0, "score": 0.5, "unparsed": 0}
    doc = {"answer": "2,1,3,4", "options": []}
    basic = {"acc": 0, "score": 0.5, "unparsed": 0, "extracted": "2,1,4,3"}
    assert plugin.judge_jigsaw(doc, [tagged("2,1,4,3")]) == basic
    assert plugin.judge_jigsaw({**doc, "rows": 2, "columns": 2}, [tagged("2,1,4,3")]) == {
        **basic,
        "layer": "tag",
        "valid": 1.0,
        "neighbour": 0.25,
        "inverse": 0.0,
        "lenient": 0.0,
        "lenient_score": 0.5,
        "lenient_valid": 1.0,
    }


@pytest.mark.parametrize(
    ("output", "layer"),
    [
        (tagged(GOLD), "tag"),
        (f"<think>1,2,3,4,5,6,7,8,9</think>{tagged(GOLD)}", "tag"),
        (f"{tagged('1,2')} or {tagged(GOLD)}", "tag"),
    ],
)
def test_a_strict_answer_is_the_same_leniently(output: str, layer: str) -> None:
    judged = judge_order(output, GOLD, 3, 3)
    assert judged.judgement.outcome is Outcome.CORRECT
    assert judged.layer == layer
    assert judged.details.pop("inverse") == 0.0
    assert set(judged.details.values()) == {1.0}


@pytest.mark.parametrize(
    ("output", "layer"),
    [
        (tagged("3 1 2 9 4 5 8 7 6"), "tag"),
        (tagged("[3, 1, 2, 9, 4, 5, 8, 7, 6]"), "tag"),
        (tagged("[[3,1,2],[9,4,5],[8,7,6]]"), "tag"),
        (tagged("\n3 1 2\n9 4 5\n8 7 6\n"), "tag"),
        (tagged("3,1,2,9,4,5,8,7,6,"), "tag"),
        (tagged("The order is 3,1,2,9,4,5,8,7,6."), "tag"),
        (tagged("3 -> 1 -> 2 -> 9 -> 4 -> 5 -> 8 -> 7 -> 6"), "tag"),
        ("<answer>3,1,2,9,4,5,8,7,6", "open-tag"),
        ("The right order is 3, 1, 2, 9, 4, 5, 8, 7 and 6.", "text"),
        ("3,1,2,9,4,5,8,7,6", "text"),
        ("tile 3, tile 1, tile 2, tile 9, tile 4, tile 5, tile 8, tile 7, tile 6", "text"),
        ("| 3 | 1 | 2 |\n| 9 | 4 | 5 |\n| 8 | 7 | 6 |", "text"),
        (r"so \boxed{3,1,2,9,4,5,8,7,6}", "text"),
        ("They are numbered 1,2,3,4,5,6,7,8,9. I say 3,1,2,9,4,5,8,7,6.", "text"),
        ("<think>It starts as 1,2,3,4,5,6,7,8,9.</think> 3,1,2,9,4,5,8,7,6", "text"),
        ("**3,1,2,9,4,5,8,7,6**", "text"),
        ("3、1、2、9、4、5、8、7、6", "text"),
        ("#3, #1, #2, #9, #4, #5, #8, #7, #6", "text"),
    ],
)
def test_an_order_in_another_form_is_an_answer_and_not_strict(output: str, layer: str) -> None:
    judged = judge_order(output, GOLD, 3, 3)
    assert (judged.judgement.outcome, judged.judgement.score) == (Outcome.CORRECT, 1.0)
    assert judge_permutation(output, GOLD) == judged.judgement
    assert judged.layer == layer
    assert (judged.details["valid"], judged.details["neighbour"]) == (0.0, 1.0)
    assert (judged.details["lenient"], judged.details["lenient_score"], judged.details["lenient_valid"]) == (1, 1, 1)
    assert judged.judgement.extracted == GOLD


@pytest.mark.parametrize(
    "output",
    [
        "",
        "I cannot tell.",
        "3,1,2,9,4,5,8,7",
        "3,1,2,9,4,5,8,7,6,1",
        "3.1.2.9.4.5.8.7.6",
        "Place 1: tile 3, place 2: tile 1, place 3: tile 2",
        "<think>3,1,2,9,4,5,8,7,6</think> I do not know",
        f"3,1,2,9,4,5,8,7,6 {tagged('no idea')}",
        tagged("3,1,2,9,4,5,8,7,6" + " " * 1000),
    ],
)
def test_no_list_of_nine_numbers_is_no_answer(output: str) -> None:
    judged = judge_order(output, GOLD, 3, 3)
    assert judged.judgement.outcome is Outcome.UNPARSED
    assert judged.layer is None
    assert set(judged.details.values()) == {0.0}


def test_a_list_with_repeats_is_read_leniently_but_is_no_permutation() -> None:
    judged = judge_order(tagged("3,1,2,9,9,9,9,9,9999"), GOLD, 3, 3)
    assert judged.judgement.outcome is Outcome.UNPARSED
    assert judged.details["lenient_score"] == 4 / 9
    assert judged.details["lenient_valid"] == judged.details["lenient"] == 0.0
    assert read_leniently("1 1 1", 3) == Reading((1, 1, 1), "text")


@given(st.permutations(range(1, 10)))
def test_the_inverse_of_the_gold_is_flagged_unless_it_is_the_gold(order: list[int]) -> None:
    for output in (tagged(listed(inverse(order))), f"I think {listed(inverse(order))}"):
        judged = judge_order(output, listed(order), 3, 3)
        involution = list(inverse(order)) == order
        assert judged.details["inverse"] == float(not involution)
        assert judged.details["lenient"] == float(involution)
    assert inverse(inverse(order)) == tuple(order)


def test_the_gold_is_never_flagged_as_its_inverse() -> None:
    for order in itertools.permutations(range(1, 5)):
        assert judge_order(tagged(listed(order)), listed(order), 2, 2).details["inverse"] == 0.0


def by_definition(order: list[int], gold: list[int], rows: int, columns: int) -> Fraction:
    """Neighbour accuracy by looking at every two places: slow, and with no arithmetic on their numbers."""
    places = [(row, column) for row in range(rows) for column in range(columns)]
    home = dict(zip(gold, places, strict=True))
    placed = dict(zip(places, order, strict=True))
    right = pairs = 0
    for one, other in itertools.permutations(places, 2):
        step = (other[0] - one[0], other[1] - one[1])
        if step in ((0, 1), (1, 0)):
            pairs += 1
            first, second = home[placed[one]], home[placed[other]]
            right += (second[0] - first[0], second[1] - first[1]) == step
    assert pairs == 2 * rows * columns - rows - columns
    return Fraction(right, pairs)


@given(data=st.data(), rows=st.integers(1, 4), columns=st.integers(1, 4))
def test_neighbour_accuracy_is_as_defined(data: st.DataObject, rows: int, columns: int) -> None:
    if rows * columns == 1:
        return
    numbers = range(1, rows * columns + 1)
    order, gold = data.draw(st.permutations(numbers)), data.draw(st.permutations(numbers))
    assert neighbour_accuracy(order, gold, rows, columns) == float(by_definition(order, gold, rows, columns))
    assert neighbour_accuracy(gold, gold, rows, columns) == 1.0


def test_neighbours_that_moved_together_still_count() -> None:
    # Rows rotated by one: no tile is in its place, all 6 pairs side by side and 3 of the 6 upright pairs are whole.
    identity = list(range(1, 10))
    assert neighbour_accuracy([4, 5, 6, 7, 8, 9, 1, 2, 3], identity, 3, 3) == 9 / 12
    # The last tile of a row and the first of the next are no neighbours, though their numbers are.
    assert neighbour_accuracy([3, 4, 1, 2], [1, 2, 3, 4], 2, 2) == 2 / 4
    assert neighbour_accuracy([2, 3, 1, 4], [1, 2, 3, 4], 2, 2) == 0.0


def test_answers_at_random_score_chance() -> None:
    rng = random.Random(1)
    gold = [int(number) for number in GOLD.split(",")]
    judged = [judge_order(tagged(listed(rng.sample(gold, 9))), GOLD, 3, 3) for _ in range(5_000)]
    hits = sum(each.judgement.score for each in judged) / len(judged)
    # The hits of a uniform permutation have mean 1 and variance 1, so the rate has a standard error of 1/9/sqrt(n).
    assert abs(hits - 1 / 9) < 4 * (1 / 9) / len(judged) ** 0.5
    assert sum(each.judgement.outcome is Outcome.CORRECT for each in judged) <= 1
    neighbours = sum(each.details["neighbour"] for each in judged) / len(judged)
    assert abs(neighbours - 6 / 72) < 0.005, "6 of the 72 ordered pairs of tiles fit side by side, and 6 upright"


@given(st.text(alphabet=st.sampled_from(list("<>/answerthink{}[]#,. 0123456789-\n²½İ→")), max_size=300))
def test_hostile_outputs_never_break_the_judge(output: str) -> None:
    for text in (output, tagged(output), f"</think>{output}"):
        judged = judge_order(text, "2,1,3", 1, 3)
        assert (judged.judgement.outcome is Outcome.CORRECT) == (judged.judgement.score == 1.0)
        assert judged.judgement.outcome is Outcome.UNPARSED or judged.judgement.extracted is not None
        assert all(0 <= value <= 1 for value in judged.details.values())
        assert judged.details["valid"] <= judged.details["lenient_valid"]
        assert judged.details["lenient_valid"] == float(judged.judgement.outcome is not Outcome.UNPARSED)
        assert judged.details["lenient_score"] >= judged.judgement.score


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["<answer>", "</think>", "1,", "9", " ", "tile ", "and1", "[", "2 1 4. "])
def test_long_outputs_are_read_in_linear_time(unit: str) -> None:
    text = unit * (2_000_000 // len(unit))  # a quadratic scan of two million characters would not end
    for wrapped in (text, tagged(text)):
        assert judge_order(wrapped, "2,1,3", 1, 3).judgement.outcome is Outcome.UNPARSED
