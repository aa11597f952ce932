"""The headline: each clause where it holds, where the numbers contradict it, and where they are absent."""

from pathlib import Path
from typing import Any

import pytest

from harness.scoring import Scorecard, headline, lost_format
from tests.support.cards import changed, pair_card, without


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Scorecard:
    return pair_card(tmp_path_factory.mktemp("pair"))


def gained(card: Scorecard, gain: float, interval: tuple[float, float]) -> Scorecard:
    assert card.target is not None
    return changed(card, target=card.target.model_dump() | {"gain": gain, "gain_ci": interval})


def told(card: Scorecard, *verdicts: str, **fields: Any) -> Scorecard:
    """``card`` with these verdicts on its first prior tasks and no other; ``fields`` are those of forgotten ones."""
    prior = list(card.prior_tasks)[: len(verdicts)]
    tasks = {name: task.model_dump() for name, task in card.tasks.items() if task.role != "prior" or name in prior}
    for name, verdict in zip(prior, verdicts, strict=True):
        tasks[name] |= {"verdict": verdict} | (fields if verdict == "forgot" else {})
    return changed(card, tasks=tasks)


def alarmed(card: Scorecard, kind: str) -> Scorecard:
    """``card`` with an alarm of ``kind`` on every task."""
    alarms = [{"kind": kind, "task": name, "side": None, "message": "m"} for name in card.tasks]
    return changed(card, alarms=alarms)


UNREADABLE = {"unparsed_base": 0.0, "unparsed_tuned": 0.95, "format_loss": 0.8, "content_loss": 0.1}


@pytest.mark.parametrize(
    ("gain", "interval", "said"),
    [
        (0.808, (0.76, 0.84), "Learned jigsaw (+80.8 points)"),
        (0.02, (-0.01, 0.05), "No gain shown on jigsaw (+2.0 points)"),
        (0.0, (0.0, 0.0), "No gain shown on jigsaw (0.0 points)"),
        (-0.13, (-0.17, -0.09), "Got worse at jigsaw (\N{MINUS SIGN}13.0 points)"),
    ],
)
def test_learned_means_that_the_whole_interval_is_above_zero(
    card: Scorecard, gain: float, interval: tuple[float, float], said: str
) -> None:
    assert headline(gained(card, gain, interval)).startswith(said)


def test_without_an_interval_no_gain_is_shown_and_without_a_target_none_is_named(card: Scorecard) -> None:
    assert card.target is not None
    target = card.target.model_dump() | {"gain_ci": None, "reasons": card.target.reasons | {"gain_ci": "too few"}}
    assert headline(changed(card, target=target)).startswith("No gain shown on jigsaw")
    alone = told(without(card, "no target family was named", "target"), "forgot", "retained")
    assert headline(alone) == "Forgot 1 of 2 prior tasks; retained 1."


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["retained", "retained"], " and kept everything that could be tested (2 prior tasks)."),
        (["retained", "improved"], " and kept everything that could be tested (2 prior tasks, 1 of them improved)."),
        (["retained", "nothing to lose"], " and kept everything that could be tested (1 prior task)."),
        (["nothing to lose"] * 2, "; nothing to forget: the base is above chance on none of 2 prior tasks."),
        (["retained", "inconclusive"], "; no forgetting shown, but 1 of 2 prior tasks cannot be decided; retained 1."),
        (["forgot", "forgot"], "; forgot all 2 prior tasks."),
        (["forgot"], "; forgot the one prior task."),
        (["forgot", "retained", "improved", "inconclusive"],
         "; forgot 1 of 4 prior tasks; retained 1; improved 1; cannot say on 1."),
        ([], "; no prior task was measured."),
    ],
)  # fmt: skip
def test_prior_tasks_are_counted_by_verdict(card: Scorecard, verdicts: list[str], said: str) -> None:
    assert headline(gained(told(card, *verdicts), 0.8, (0.7, 0.9))) == f"Learned jigsaw (+80.0 points){said}"


def test_what_was_kept_is_no_consequence_of_what_was_not_learned(card: Scorecard) -> None:
    said = headline(gained(told(card, "retained"), 0.0, (-0.1, 0.1)))
    assert said.endswith("points); kept everything that could be tested (1 prior task).")


def test_lost_format_takes_the_place_of_forgot_where_all_forgotten_tasks_lost_it(card: Scorecard) -> None:
    lost = alarmed(told(card, "forgot", "forgot", "retained", **UNREADABLE), "unparsed_differs")
    assert headline(lost).endswith("; lost the answer format on 2 of 3 prior tasks: 95 % unreadable; retained 1.")
    cut = changed(
        lost, tasks={name: task.model_dump() | {"truncated_tuned": 0.95} for name, task in lost.tasks.items()}
    )
    assert ": 95 % unreadable, cut off;" in headline(cut)
    assert len(lost_format(lost)) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"unparsed_tuned": 0.0},  # better than before
        {"format_loss": 0.1, "content_loss": 0.8},  # wrong answers account for more
    ],
)
def test_lost_format_is_contradicted(card: Scorecard, fields: dict[str, float]) -> None:
    other = alarmed(told(card, "forgot", **(UNREADABLE | {"unparsed_base": 0.1} | fields)), "unparsed_differs")
    assert "format" not in headline(other)
    assert lost_format(other) == ()


def test_lost_format_needs_its_alarm_or_all_answers(card: Scorecard) -> None:
    silent = changed(told(card, "forgot", **UNREADABLE), alarms=[])
    assert "format" not in headline(silent)
    assert headline(changed(told(card, "forgot", **UNREADABLE | {"unparsed_tuned": 1.0}), alarms=[])).endswith(
        "lost the answer format on the one prior task: 100 % unreadable."
    )


def test_some_of_the_forgotten_tasks_lost_their_format(card: Scorecard) -> None:
    mixed = alarmed(told(card, "forgot", "forgot", **UNREADABLE), "unparsed_differs")
    tasks = {name: task.model_dump() for name, task in mixed.tasks.items()}
    name = next(iter(mixed.prior_tasks))
    tasks[name] |= {"unparsed_tuned": 0.0}
    assert headline(changed(mixed, tasks=tasks)).endswith(
        "; forgot all 2 prior tasks, 1 of them by losing the answer format (95 % unreadable)."
    )


@pytest.mark.parametrize(("rate", "kind", "said"), [(0.97, "off_list_differs", True), (0.3, "off_list_differs", False),
                                                    (0.97, "length_differs", False)])  # fmt: skip
def test_answers_outside_the_options_are_readable(card: Scorecard, rate: float, kind: str, said: bool) -> None:
    outside = alarmed(told(card, "forgot", off_list_tuned=rate, unparsed_tuned=0.0), kind)
    assert (", 1 by answering outside the options (97 %)" in headline(outside)) is said
    assert "unreadable" not in headline(outside)


def test_only_all_is_a_hundred_per_cent(card: Scorecard) -> None:
    lost = alarmed(told(card, "forgot", **UNREADABLE | {"unparsed_tuned": 0.998}), "unparsed_differs")
    assert "99 % unreadable" in headline(lost)


def test_names_are_made_visible(tmp_path: Path, card: Scorecard) -> None:
    assert card.target is not None
    named = changed(card, target=card.target.model_dump() | {"family": "\x1b[31mx"})
    assert "\ufffd[31mx (" in headline(named)
