"""Reports: what the terminal and the page say, and that no output of a model can make them say something else."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from harness.records.run import Run
from harness.records.samples import Outcome
from harness.report import flips, page, terminal
from harness.scoring import Scorecard, paired_items, score_pair, wording
from tests.support.markup import Tags
from tests.support.synthetic import JIGSAW, TASKS, SyntheticTask, synthetic_checkpoint, synthetic_run

EVIL = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31m\u202e[bold]{{ 7*7 }}"
BASE = {task.name: 0.92 for task in TASKS} | {"jigsaw_2x2": 0.12}
TUNED = BASE | {"jigsaw_2x2": 0.86, "math_word": 0.5, "vision_count": 0.8}


def say(task: str, place: int, outcome: Outcome) -> str:
    return EVIL if task == "math_word" else f"<answer>{place}-{outcome}</answer>" + "z" * (place == 3) * 3000


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    folder = tmp_path_factory.mktemp("runs")
    base = synthetic_run(folder / "base", accuracy=BASE, output=say)
    return base, synthetic_run(folder / "tuned", name="tuned", accuracy=TUNED, seed=2, output=say)


@pytest.fixture(scope="module")
def card(runs: tuple[Run, Run]) -> Scorecard:
    return score_pair(*runs, "jigsaw")


def printed(card: Scorecard, encoding: str = "utf-8") -> str:
    """What a pipe of 80 columns receives."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    terminal.render_pair(card, Console(file=stream, width=80))
    stream.seek(0)
    return stream.read()


def named(run: Run, name: str) -> Run:
    return Run(run.record.model_copy(update={"checkpoint": synthetic_checkpoint(name)}), run.samples)


def test_the_terminal_is_whole_in_a_pipe_of_80_columns(card: Scorecard) -> None:
    text = printed(card)
    assert "\x1b" not in text
    body, signature = text.rstrip("\n").rsplit("\n", 1)
    assert signature == card.signature
    assert all(len(line) <= 80 for line in body.splitlines())
    assert "…" not in text
    for task in card.prior_tasks.values():
        assert wording.finding(task) in text
    assert "Retention kept " in text
    assert "independent units" not in text  # every item stands alone here
    assert "of 5 prior tasks in 3 of 3 capability groups, 1,000 items)" in " ".join(text.split())


def test_the_terminal_says_gain_first_then_losses_in_order(card: Scorecard) -> None:
    text = printed(card)
    places = [text.index("Gain +"), *(text.index(f"\n{name} ") for name in card.prior_tasks), text.index("Retention ")]
    assert places == sorted(places)


def test_bars_grow_with_the_loss_and_strips_are_full(card: Scorecard) -> None:
    lines = printed(card).splitlines()
    bars = [line.count("█") for line in lines if "█" in line]
    assert bars[0] >= 6
    assert all("\N{MINUS SIGN}█" in line or "+█" in line for line in lines if "█" in line)
    assert bars == sorted(bars, reverse=True)
    for name in card.tasks:
        strip = [line for line in lines if line.startswith(f"{name} ")][-1].split()[-1]
        assert len(strip) == 24
        assert strip.count("=") == pytest.approx(card.tasks[name].n11 / 200 * 24, abs=0.5)
        assert set(strip) <= set("=+-.")


def test_a_terminal_without_unicode_still_gets_the_report(card: Scorecard) -> None:
    assert "-######" in printed(card, "ascii")


def test_names_are_text_in_the_terminal(runs: tuple[Run, Run]) -> None:
    text = printed(score_pair(runs[0], named(runs[1], "[red]x[/red]\x1b[2J"), "jigsaw"))
    assert "[red]x[/red]\ufffd[2J against base" in text
    assert "\x1b" not in text


def test_task_names_are_text_in_the_terminal(tmp_path: Path) -> None:
    tasks = (JIGSAW, SyntheticTask("[red]m[/red]", "math", "math"))
    run = synthetic_run(tmp_path, tasks)
    assert printed(score_pair(run, run, "jigsaw")).count("\n[red]m[/red] ") == 2


def test_alarms_and_absent_numbers_are_said(tmp_path: Path) -> None:
    base = synthetic_run(tmp_path / "base", (JIGSAW,), accuracy=0.1)
    tuned = synthetic_run(tmp_path / "tuned", (JIGSAW,), accuracy=0.1, unparsed=0.9)
    card = score_pair(base, tuned, "jigsaw")
    text = " ".join(printed(card).split())
    assert "ALARM unparsed answers on jigsaw_2x2" in text
    assert "Balance no gain shown" in text
    assert "Retention no prior task" in text
    assert "No gain shown on jigsaw (0.0 points); no prior task was measured." in text
    html = page.render_pair_page(card, base, tuned)
    assert "Read with care" in html
    assert "no gain shown" in html
    assert "What it forgot" not in html


def test_the_page_asks_for_nothing_and_runs_nothing(runs: tuple[Run, Run], card: Scorecard) -> None:
    html = page.render_pair_page(card, *runs)
    tags = Tags(html)
    assert not tags.names & {"script", "img", "link", "iframe", "object", "base", "form"}
    assert not {name for name in tags.attributes if name.startswith("on") or name in ("src", "action")}
    assert not re.search(r"""href\s*=\s*(?!"#i-)""", html)
    assert not re.search(r"url\(|@import", html)
    assert "default-src 'none'" in html
    assert "prefers-color-scheme: dark" in html


def test_a_flipped_item_has_a_link_that_stays_and_the_id_it_has_on_the_board(
    runs: tuple[Run, Run], card: Scorecard
) -> None:
    html = page.render_pair_page(card, *runs)
    found = re.findall(r'<div class="flip [a-z]+-item" id="i-([0-9a-f]{12})">', html)
    items = paired_items(*runs)
    flipped = items[items["transition"].isin(("forgotten", "learned"))]
    assert sorted(found) == sorted(each[:12] for each in flipped["item_id"])
    assert all(f'<a href="#i-{each}"><code>{each}</code></a>' in html for each in found)


def test_hostile_outputs_are_shown_and_not_obeyed(runs: tuple[Run, Run], card: Scorecard) -> None:
    html = page.render_pair_page(card, *runs)
    assert EVIL.replace("\x1b", "\ufffd").replace("\u202e", "\ufffd") in Tags(html).texts
    assert not {char for char in html if not char.isprintable() and char not in "\n\t"}


def test_hostile_names_are_shown_and_not_obeyed(runs: tuple[Run, Run]) -> None:
    tuned = named(runs[1], '"><script>alert(1)</script>')
    html = page.render_pair_page(score_pair(runs[0], tuned, "jigsaw"), runs[0], tuned)
    assert "script" not in Tags(html).names
    assert "&lt;script&gt;" in html


def test_the_page_shows_each_task_with_its_numbers(runs: tuple[Run, Run], card: Scorecard) -> None:
    html = page.render_pair_page(card, *runs)
    for name, task in card.tasks.items():
        assert f"<td>{name}</td><td>200</td><td>{wording.per_cent(task.base)}</td>" in html
        assert f"{task.n11} kept, {task.n01} learned, {task.n10} forgotten, {task.n00} never right" in html
    for task in card.prior_tasks.values():
        assert f'<span class="verdict {task.verdict}">' in html
    assert card.signature in html


def test_every_flipped_item_is_listed_and_counted(runs: tuple[Run, Run], card: Scorecard) -> None:
    html = page.render_pair_page(card, *runs)
    for name, task in card.tasks.items():
        if total := task.n01 + task.n10:
            assert f"{total} flipped: {task.n10} forgotten, {task.n01} learned" in html, name
    for kind, field in (("forgotten", "n10"), ("learned", "n01")):
        count = sum(getattr(task, field) for task in card.tasks.values())
        assert html.count(f'<div class="flip {kind}-item" id=') == count
        assert f">{count} {kind}</label>" in html


def test_many_flips_share_the_text_a_browser_can_hold(
    runs: tuple[Run, Run], card: Scorecard, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = sum(task.n01 + task.n10 for task in card.tasks.values())
    monkeypatch.setattr(flips, "TEXT_BUDGET", 2 * total * 500)
    assert "up to 500 characters each" in page.render_pair_page(card, *runs)
    monkeypatch.setattr(flips, "TEXT_BUDGET", 1)
    html = page.render_pair_page(card, *runs)
    assert f"up to {flips.SHORTEST_OUTPUT} characters each" in html
    assert html.count('<div class="flip ') == total


def test_long_outputs_are_cut_and_it_is_said(tmp_path: Path) -> None:
    task = SyntheticTask("only", "jigsaw", "spatial", n=4)
    base = synthetic_run(tmp_path / "base", (task,), outcomes={"only": ["wrong"] * 4}, output=say)
    tuned = synthetic_run(tmp_path / "tuned", (task,), outcomes={"only": ["wrong"] * 3 + ["correct"]}, output=say)
    html = page.render_pair_page(score_pair(base, tuned, "jigsaw"), base, tuned)
    assert html.count("first 2,000 characters") == 2
    assert "z" * 2000 not in html


def test_a_page_without_flips_says_so(runs: tuple[Run, Run]) -> None:
    html = page.render_pair_page(score_pair(runs[0], runs[0], "jigsaw"), runs[0], runs[0])
    assert "No item flipped." in html


def test_same_pair_same_page(runs: tuple[Run, Run], card: Scorecard) -> None:
    shuffled = [Run(run.record, run.samples.sample(frac=1, random_state=1)) for run in runs]
    assert page.render_pair_page(card, *shuffled) == page.render_pair_page(card, *runs)
