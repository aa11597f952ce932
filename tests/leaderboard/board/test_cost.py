"""Cost: what training and evaluation took, as far as it is recorded, in a line."""

from leaderboard.board.cost import cost
from tests.support.made_up_board import made_row


def engine(device: str) -> dict[str, object]:
    record = made_row("one").tuned.engine
    return {"engine": record.model_copy(update={"device": device})}


def test_a_line_says_what_was_stated_and_recorded() -> None:
    row = made_row(
        "one", tokens=496_640, steps=160, created="2026-11-21T10:00:00Z", run={"wall_seconds": 41.2} | engine("cpu")
    )
    said = str(cost(row))
    assert said == "496,640 tokens · 160 steps · evaluated in 41 s on a CPU · 2026-11-21"


def test_what_is_absent_says_so() -> None:
    row = made_row("one", created="yesterday", run={"wall_seconds": 0.0} | engine("cpu"))
    assert str(cost(row)) == ("training cost not stated · evaluated on a CPU, time not recorded · date not recorded")


def test_one_is_singular_and_answers_are_counted() -> None:
    row = made_row("one", steps=1, rollouts=2, run={"wall_seconds": 2.0, "generated": 7} | engine("NVIDIA H200"))
    found = cost(row)
    assert found.training == "2 rollouts · 1 step"
    assert found.evaluation == "evaluated in 2 s on NVIDIA H200, 7 answers generated"
    assert cost(made_row("one", run=engine("server"))).evaluation.endswith(" by a server")


def test_a_hostile_device_is_text_on_one_line() -> None:
    said = str(cost(made_row("one", run=engine("x\u202e\n" * 99))))
    assert "\n" not in said
    assert "\u202e" not in said
    assert len(said) < 200
