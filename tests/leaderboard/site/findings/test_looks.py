"""A training looks the same in every drawing, and like no other of its family."""

import pytest

from leaderboard.site.findings.looks import looks, rate
from tests.support.studies import Arm, target


def test_families_share_colour_and_shape_and_differ_in_dash_and_filling() -> None:
    made = target({"a": Arm((1.0,)), "b": Arm((1.0,), method="rft"), "c": Arm((1.0,), method="replay-sft")})
    found = looks(made.trainings)
    assert [look.family for look in found.values()] == ["sft", "rft", "sft"]
    assert found["a"].shape == found["c"].shape != found["b"].shape
    assert (found["a"].dash, found["a"].hollow) == (0, False)
    assert (found["c"].dash, found["c"].hollow) == (1, True)
    assert [look.letter for look in found.values()] == ["A", "B", "C"]


def test_an_unknown_method_is_other() -> None:
    assert looks(target({"a": Arm((1.0,), method="dream")}).trainings)["a"].family == "other"


def test_labels_are_short_and_tell_trainings_apart() -> None:
    made = target(
        {
            "slow": Arm((1.0,), title="SFT, learning rate 1e-4"),
            "one": Arm((1.0,), title="SFT on rollouts: wording of one"),
            "two": Arm((1.0,), title="SFT on rollouts: wording of two"),
        }
    )
    assert [look.label for look in looks(made.trainings).values()] == ["SFT, lr 1e-4", "one", "two"]


def test_a_title_too_long_for_a_margin_is_whole_in_sentences_and_its_label_the_name() -> None:
    for length in (38, 39, 90):
        title = "SFT on " + "a" * (length - 7)
        look = looks(target({"replay-sft": Arm((1.0,), title=f"{title}: and more")}).trainings)["replay-sft"]
        assert look.title == title
        assert look.label == (title if length <= 38 else "replay-sft")


@pytest.mark.parametrize(("value", "said"), [(1e-3, "1e-3"), (2.5e-5, "2.5e-5"), (0.5, "0.5"), (None, "not recorded")])
def test_a_rate_is_written_as_in_titles(value: float | None, said: str) -> None:
    assert rate(value) == said
