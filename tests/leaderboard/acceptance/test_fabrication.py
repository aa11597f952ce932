"""Signs of written outputs: each rises on what it is for, and on nothing that verified entries do."""

from dataclasses import replace

import pandas as pd
import pytest

from leaderboard.acceptance.fabrication import (
    few_losses,
    finish_reasons,
    outside_references,
    recounted,
    unlike_mistakes,
)
from leaderboard.acceptance.references import Mistakes, Reference, Share

# As the verified full fine-tune and the verified adapter of the shipped board are.
SFT = Reference(
    "sft", "sft", 0.81, (0.76, 0.84), 0.83, (0.81, 0.85), Share(364, 2273), Share(25, 127), Mistakes(Share(45, 102), 9)
)
LORA = Reference(
    "lora", "sft", 0.80, (0.75, 0.83), 0.98, (0.96, 0.99), Share(66, 2273), Share(34, 127), Mistakes(Share(59, 93), 8)
)
KNOWN = (SFT, LORA)


def test_verified_entries_raise_nothing_beside_each_other() -> None:
    for own, other in ((SFT, LORA), (LORA, SFT)):
        for sign in (outside_references, few_losses, unlike_mistakes):
            assert list(sign(own, (other,))) == []


def test_what_is_above_all_references_of_its_family_is_outside_them() -> None:
    better = replace(LORA, retention=0.999, retention_ci=(0.995, 1.0))
    assert [each.rule for each in outside_references(better, KNOWN)] == ["outside-references"]
    assert list(outside_references(replace(better, family="rft"), KNOWN)) == []
    assert list(outside_references(better, (LORA,))) == []  # one entry is no distribution
    assert list(outside_references(replace(better, retention_ci=(0.985, 1.0)), KNOWN)) == []
    more = replace(SFT, gain_ci=(0.9, 0.95))
    assert [each.evidence["metric"] for each in outside_references(more, KNOWN)] == ["gain"]


def test_few_losses_are_fewer_than_those_of_references_or_than_one_in_a_hundred() -> None:
    few = replace(SFT, forgotten=Share(20, 2273))
    assert [each.rule for each in few_losses(few, KNOWN)] == ["few-losses"]
    assert list(few_losses(few, ())) == []
    assert [each.rule for each in few_losses(replace(few, forgotten=Share(5, 2273)), ())] == ["few-losses"]
    still = replace(few, gain=0.0, gain_ci=(-0.02, 0.02), learned=Share(3, 127))
    assert list(few_losses(still, KNOWN)) == []
    assert len(list(few_losses(replace(still, learned=Share(60, 127)), KNOWN))) == 1
    assert list(few_losses(replace(few, forgotten=Share(0, 20)), ())) == []  # too few items to say so


@pytest.mark.parametrize(
    ("forgotten", "same", "flagged"),
    [
        (0.05, 57, False),  # between the two references, as they are
        (0.05, 9, True),  # as chance gives
        (0.05, 100, True),  # the base's own, though more is forgotten than by the adapter
        (0.01, 30, True),  # less than of the adapter, though less is forgotten
        (0.5, 20, False),  # much forgotten: nothing is known of how much may agree
    ],
)
def test_mistakes_agree_as_much_as_right_answers_do(forgotten: float, same: int, flagged: bool) -> None:
    entry = replace(
        SFT, entry="e", forgotten=Share(round(forgotten * 2000), 2000), mistakes=Mistakes(Share(same, 100), 9)
    )
    assert [each.rule for each in unlike_mistakes(entry, KNOWN)] == ["unlike-mistakes"] * flagged
    few = replace(entry, mistakes=Mistakes(Share(0, 20), 2))
    assert list(unlike_mistakes(few, KNOWN)) == []


def samples(outputs: list[str], tokens: list[int], reason: str = "stop") -> pd.DataFrame:
    return pd.DataFrame(
        {"item_id": [f"{at:064d}" for at in range(len(outputs))], "output": outputs, "n_output_tokens": tokens,
         "finish_reason": reason}
    )  # fmt: skip


def words(texts: list[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def test_token_counts_are_those_of_the_text_and_its_end() -> None:
    outputs = ["one two three"] * 100
    assert list(recounted("f", samples(outputs, [4] * 100), words)) == []
    assert list(recounted("f", samples(outputs, [3] * 100, "length"), words)) == []
    assert list(recounted("f", samples(outputs, [9, 9] + [4] * 98), words)) == []
    assert [each.rule for each in recounted("f", samples(outputs, [9] * 3 + [4] * 97), words)] == ["token-recount"]
    assert list(recounted("f", samples(outputs, [9] * 100, "error"), words)) == []


def test_an_output_runs_out_of_tokens_at_its_budget() -> None:
    rows = samples(["a b", "a b"], [32, 20], "length")
    (found,) = finish_reasons("f", "t", rows, 32)
    assert (found.rule, found.evidence["items"]) == ("finish-reason", ["000000000000"])
    assert list(finish_reasons("f", "t", rows[:1], 32)) == []
