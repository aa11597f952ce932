"""``retention card``: which pair is found, what is printed and written, and what is refused."""

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from harness.cli import cli
from harness.scoring import score_pair
from tests.support.synthetic import synthetic_run


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A base and two scored fine-tunes of it, one for two targets; and one that was never scored."""
    out = tmp_path / "runs"
    base = synthetic_run(out / "base", accuracy=0.8)
    for name, targets in (("one", ["jigsaw"]), ("two", ["jigsaw", "math"]), ("bare", [])):
        tuned = synthetic_run(out / name, name=name, accuracy=0.6)
        for target in targets:
            (out / name / f"scorecard-{target}.json").write_text(score_pair(base, tuned, target).to_json())
    return out


def card(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["card", *map(str, arguments)])


def test_a_run_is_found_by_its_folder_and_by_its_name(runs: Path) -> None:
    by_folder, by_name = card(runs / "one"), card("one", "--out", runs)
    assert by_folder.exit_code == 0, by_folder.output
    assert by_folder.output == by_name.output
    index, results = by_folder.output.split("\n# .eval_results/retentionbench.yaml\n")
    assert yaml.safe_load(index)["model-index"][0]["name"] == "one"
    assert "self-reported" in index
    assert yaml.safe_load(results)[0]["dataset"]["task_id"] == "jigsaw-retention"


def test_json_is_one_object(runs: Path, tmp_path: Path) -> None:
    result = card("one", "--out", runs, "--json", "--write", tmp_path / "README.md")
    assert set(json.loads(result.stdout)) == {"model-index", "eval_results"}
    assert "Written: " in result.stderr


def test_a_card_is_written_with_what_it_had(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\ntext\n")
    result = card("two", "--out", runs, "--target", "math", "--write", tmp_path / "README.md")
    assert result.exit_code == 0, result.output
    assert "Fine-tuned for math" in (tmp_path / "README.md").read_text()
    assert (tmp_path / ".eval_results" / "retentionbench.yaml").exists()


def test_a_pair_is_scored_anew_where_the_base_is_named(runs: Path) -> None:
    stored, anew = card(runs / "one"), card(runs / "one", "--base", runs / "base", "--target", "jigsaw")
    assert stored.output == anew.output
    assert "Fine-tuned\n" in card(runs / "bare", "--base", runs / "base").output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody"], "no scored run of that name in"),
        (["nobody"], "(there: one, two)"),
        (["two"], "scored for jigsaw, math; choose one by --target"),
        (["two", "--target", "science"], "--target science: "),
        (["bare"], "no run folder, and no scored run"),
    ],
)
def test_what_is_not_there_is_named_with_the_way_out(runs: Path, arguments: list[str], message: str) -> None:
    result = card(*arguments, "--out", runs)
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.output.splitlines()) == 1


def test_a_run_that_was_never_scored_says_how_it_is(runs: Path) -> None:
    assert "no scorecard; give the base's run (--base)" in card(runs / "bare").output


def test_a_damaged_scorecard_is_named(runs: Path) -> None:
    (runs / "one" / "scorecard-jigsaw.json").write_text("{}")
    result = card(runs / "one")
    assert result.exit_code == 2
    assert "scorecard-jigsaw.json: " in result.output
