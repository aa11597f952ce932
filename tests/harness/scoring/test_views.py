"""A scorecard as text, as a table of a notebook and as a data frame: the same words and numbers in each."""

import io
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from harness.report import render_pair, render_pair_page
from harness.scoring import Scorecard, score_pair, wording
from tests.support.synthetic import JIGSAW, TASKS, SyntheticTask, synthetic_run

EVIL = "<script>alert(1)</script>\x1b[31m\u202e"
BASE = {task.name: 0.92 for task in TASKS} | {"jigsaw_2x2": 0.12}


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Scorecard:
    folder = tmp_path_factory.mktemp("runs")
    base = synthetic_run(folder / "base", accuracy=BASE)
    tuned = synthetic_run(folder / "tuned", name="tuned", accuracy=BASE | {"jigsaw_2x2": 0.8, "math_word": 0.5}, seed=2)
    return score_pair(base, tuned, "jigsaw")


@pytest.fixture
def hostile(tmp_path: Path) -> Scorecard:
    run = synthetic_run(tmp_path, (JIGSAW, SyntheticTask(EVIL, EVIL, EVIL)), name=EVIL)
    return score_pair(run, run, None)


def printed(card: Scorecard) -> str:
    stream = io.StringIO()
    render_pair(card, Console(file=stream, width=200))
    return stream.getvalue()


def test_the_summary_says_what_the_terminal_says_in_its_words(card: Scorecard) -> None:
    summary, report = card.summary(), printed(card)
    assert "\x1b" not in summary
    for line in filter(None, summary.splitlines()):
        if line.split()[0] in card.tasks:
            assert " ".join(line.split()) in " ".join(report.split())
        else:
            assert " ".join(line.split()) in [" ".join(each.split()) for each in report.splitlines()]


def test_the_summary_of_a_pair_without_a_target_says_why_there_is_no_gain(hostile: Scorecard) -> None:
    assert "Gain not defined: no target family was named" in hostile.summary()


def test_nothing_that_is_named_steers_a_terminal_or_a_notebook(hostile: Scorecard) -> None:
    assert not {"\x1b", "\u202e"} & set(hostile.summary() + hostile._repr_html_())
    found: set[str] = set()

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.add(tag)
            assert not attrs

    Tags().feed(hostile._repr_html_())
    assert found == {"div", "p", "strong", "br", "table", "thead", "tbody", "tr", "th", "td", "small"}


def test_a_notebook_shows_every_task_in_order(card: Scorecard) -> None:
    html = card._repr_html_()
    places = [html.index(f"<td>{name}</td>") for name in wording.in_order(card)]
    assert places == sorted(places)
    assert card.signature in html


def test_the_frame_has_a_row_a_task_with_the_numbers_of_the_card(card: Scorecard) -> None:
    frame = card.to_frame()
    assert list(frame["task"]) == wording.in_order(card)
    assert set(frame["model"]) == {"tuned"}
    for row in frame.to_dict("records"):
        task = card.tasks[row["task"]]
        assert (row["delta"], row["n"], row["role"]) == (task.delta, task.n, task.role)
        assert (row["delta_ci_low"], row["delta_ci_high"]) == task.delta_ci
    assert frame.loc[frame["role"] == "target", "verdict"].isna().all()


def test_frames_of_several_pairs_can_be_put_together_and_stored(card: Scorecard, tmp_path: Path) -> None:
    both = pd.concat([card.to_frame(), card.to_frame()], ignore_index=True)
    both.to_parquet(tmp_path / "cards.parquet")
    assert len(pd.read_parquet(tmp_path / "cards.parquet")) == 2 * len(card.tasks)


def test_what_of_the_tuned_checkpoint_was_not_used_is_said_everywhere(tmp_path: Path) -> None:
    note = "the tuned checkpoint ships another image processor than its base \x1b[31m"
    base = synthetic_run(tmp_path / "base", TASKS[:1])
    tuned = synthetic_run(tmp_path / "tuned", TASKS[:1], notes=(note,))
    card = score_pair(base, tuned, "jigsaw")
    assert card.provenance.checked
    for said in (card.summary(), printed(card), card._repr_html_(), render_pair_page(card, base, tuned)):
        assert wording.NOTES in said
        assert "the tuned checkpoint ships another image processor than its base \ufffd[31m" in said
    assert wording.NOTES not in score_pair(base, base, "jigsaw").summary()
