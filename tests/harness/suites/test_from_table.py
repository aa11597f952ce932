"""A file of a team's own questions is a suite like any other: frozen, verified, moved, sent."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from harness.golden import GoldenError
from harness.lmeval import load_frozen
from harness.pictures import encode_png
from harness.records.suites import SuiteError, load_suite
from harness.suites.freezing import sample, verify
from harness.suites.from_table import GoldenSuite, suite_from_file
from leaderboard.cli import cli

LETTERS = (
    "question,answer,options,group,kind\n"
    '"Which gas do plants\ntake in?",B,oxygen|carbon dioxide|helium,Bio,target\n'
    "=1+1?,2,1|2,Sums,prior\n"
    "Capital of France?,Paris,Paris|Rome|Oslo|Bern,Geography,prior\n"
    "Capital of Norway?,C,Paris|Rome|Oslo|Bern,geography,prior\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RETENTION_DATA", raising=False)
    (tmp_path / "team.csv").write_text(LETTERS, encoding="utf-8")
    return tmp_path


def make(file: str = "team.csv", **settings: Any) -> GoldenSuite:
    return suite_from_file(file, **{"judge": "letter", **settings})


def problems(path: Path) -> list[str]:
    return [finding.problem for finding in verify(str(path))]


def docs_of(path: Path, task: str) -> list[dict[str, Any]]:
    return list(load_frozen(load_suite(str(path)), path.parent)[task].task.eval_docs)


def test_a_group_is_a_task_and_a_kind_a_family(folder: Path) -> None:
    made = make()
    assert made.path == Path("team-1/team-1.yaml")
    places = {name: (place.family, place.group, place.count) for name, place in made.suite.tasks.items()}
    assert places == {
        "team_bio": ("team", "bio", 1),
        "team_prior_sums": ("prior", "sums", 1),
        "team_prior_geography": ("prior", "geography", 2),
    }
    assert problems(made.path) == ["", "", ""]
    (doc,) = docs_of(made.path, "team_bio")
    assert doc["question"].startswith("Which gas do plants\ntake in?\n\nA. oxygen\nB. carbon dioxide\nC. helium\n\n")
    assert (doc["answer"], doc["guess_rate"]) == ("B", pytest.approx(1 / 3))
    assert [each["answer"] for each in docs_of(made.path, "team_prior_sums")] == ["B"]


def test_the_folder_is_moved_and_sent_as_it_is(folder: Path) -> None:
    path = make(out="suites/team").path
    shutil.move("suites/team", "elsewhere")
    (folder / "team.csv").unlink()
    moved = Path("elsewhere") / path.name
    assert problems(moved) == ["", "", ""]
    # The questions may come by another way than the suite.
    (folder / "data").mkdir()
    shutil.move("elsewhere/team.csv", "data/team.csv")
    assert "team.csv: this golden set's file is not in" in problems(moved)[0]
    said = CliRunner().invoke(cli, ["suite", "verify", str(moved), "--data-dir", "data"])
    assert said.exit_code == 0, said.output


def test_verify_names_the_item_that_differs(folder: Path) -> None:
    rows = "".join(f"How much is {k} + {k}?,{2 * k}\n" for k in range(50))
    (folder / "sums.csv").write_text(f"question,answer\n{rows}", encoding="utf-8")
    path = make("sums.csv", judge="math").path
    (path.parent / "sums.csv").write_text(f"question,answer\n{rows}".replace("How much is 7 ", "What is 7 "))
    (problem,) = problems(path)
    assert "What is 7 + 7?" in problem
    with pytest.raises(SuiteError, match=r"task sums has 50 items .*the data or the task has changed"):
        load_frozen(load_suite(str(path)), path.parent)
    (path.parent / "sums.csv").write_text(f"question,answer\n{rows}".replace("How much is 7 + 7?,14\n", ""))
    assert problems(path) == ["it has 49 items, frozen 50; the common ones are the same"]
    (path.parent / "sums.csv").write_text(f"Answer;Question\r\n{''.join(_turned(rows))}", newline="")
    assert problems(path) == [""], "the questions count, not the bytes of the file"


def _turned(rows: str) -> list[str]:
    return [f"{answer};{question}\r\n" for question, answer in (row.split(",") for row in reversed(rows.splitlines()))]


def test_a_frozen_suite_is_succeeded_and_never_replaced(folder: Path) -> None:
    first = make()
    with pytest.raises(SuiteError, match=r"already exists, and a frozen suite is never replaced; .*--version 2"):
        make()
    (folder / "team.csv").write_text(LETTERS.replace("Oslo", "Bonn").replace("C,Paris", "B,Paris"))
    second = make(version="2")
    assert second.path == Path("team-2/team-2.yaml")
    assert second.suite.digest != first.suite.digest
    assert problems(first.path) == ["", "", ""]
    with pytest.raises(SuiteError, match=r"items\.py: already exists, and would be replaced"):
        make(version="3", out="team-2")


def test_nothing_is_left_of_a_suite_that_cannot_be_made(folder: Path) -> None:
    (folder / "team.csv").write_text(LETTERS.replace(",B,", ",D,"))
    with pytest.raises(GoldenError, match=r"team.csv: row 2: column answer is 'D', none of the options"):
        make()
    assert [path.name for path in folder.iterdir()] == ["team.csv"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "Team Set"}, "--name Team Set: not a name"),
        ({"name": "nano"}, "--name nano: a shipped suite or task has this name"),
        ({"name": "math_word"}, "a shipped suite or task has this name"),
        ({"family": "prior"}, "--family prior: this is the family of kind prior"),
        ({"version": "one"}, "--version one: a version is a number"),
        ({"index_from": 2}, "--index-from 2: options are counted from 0 or from 1"),
        ({"out": "team.csv/x"}, "cannot be written"),
    ],
)
def test_a_wrong_setting_is_named(folder: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SuiteError, match=message):
        make(**settings)


def test_groups_of_one_name_are_told_apart(folder: Path) -> None:
    (folder / "team.csv").write_text("question,answer,group\nx,1,C\ny,2,C++\n")
    with pytest.raises(SuiteError, match=r"row 3, column group: 'C\+\+' and 'C' would have one name, team_c; rename"):
        make(judge="exact")
    (folder / "team.csv").write_text("question,answer,group\nx,1,数学\ny,2,Économie\n", encoding="utf-8")
    assert list(make(judge="exact").suite.tasks) == ["team_6570-5b66", "team_economie"]


def test_pictures_are_copied_and_their_bytes_are_part_of_the_item(folder: Path) -> None:
    (folder / "p").mkdir()
    for colour, name in enumerate("ab"):
        (folder / "p" / f"{name}.png").write_bytes(encode_png(np.full((20, 40, 3), colour, np.uint8)))
    lines = 'Where is it?,"1,2,30,10",p/a.png\nWhere is the dog?,[1 2 3 4],p/a.png\nWhere is it?,"1,2,3,4",p/b.png\n'
    (folder / "team.csv").write_text(f"question,answer,image\n{lines}")
    path = make(judge="box").path
    assert (path.parent / "p" / "a.png").read_bytes() == (folder / "p" / "a.png").read_bytes()
    assert load_suite(str(path)).tasks["team"].clusters == 2, "questions on one picture depend on each other"
    (folder / "pictures").mkdir()
    arguments = ["tasks", "preview", "team", "--include-path", str(path.parent), "--out", "pictures", "--json"]
    said = CliRunner().invoke(cli, arguments)
    assert said.exit_code == 0, said.output
    assert "which is 644 pixels wide and 336 pixels high" in json.loads(said.stdout)["prompt"]
    (path.parent / "p" / "a.png").write_bytes(encode_png(np.full((20, 40, 3), 9, np.uint8)))
    assert problems(path)[0].startswith("item ")
    (path.parent / "p" / "a.png").unlink()
    assert "no such picture: 'p/a.png'" in problems(path)[0]


def test_the_command_prints_what_runs_as_printed(folder: Path) -> None:
    (folder / "team.csv").write_text(LETTERS.replace("question,", "id,question,").replace("\nCap", "\n7,Cap"))
    broken = CliRunner().invoke(cli, ["suite", "from-csv", "team.csv", "--judge", "letter"])
    assert isinstance(broken.exception, (GoldenError, SystemExit))
    (folder / "my team.csv").write_text(LETTERS.replace("kind\n", "kind,notes\n"))
    said = CliRunner().invoke(cli, ["suite", "from-csv", "my team.csv", "--judge", "letter"])
    assert said.exit_code == 0, said.output
    assert "Columns that were not used: notes" in said.output
    (preview, evaluate) = [line.removeprefix("Next: ") for line in said.output.splitlines() if "Next: " in line]
    assert preview == "retention tasks preview my-team_bio --include-path my-team-1"
    assert evaluate.startswith(
        "retention evaluate nano:base nano:sft --suite my-team-1/my-team-1.yaml --target my-team  #"
    )
    shown = CliRunner().invoke(cli, preview.split()[1:])
    assert shown.exit_code == 0, shown.output
    again = CliRunner().invoke(cli, ["suite", "from-csv", "team.csv", "--judge", "exact", "--version", "2"])
    assert again.exit_code != 0


def test_a_part_of_it_is_sampled_like_any_other(folder: Path) -> None:
    path = make().path
    part = sample(str(path), 1, path.parent / "few-1.yaml")
    assert {place.count for place in part.tasks.values()} == {1}
    assert problems(path.parent / "few-1.yaml") == ["", "", ""]


def test_the_name_of_a_file_is_never_executed(folder: Path) -> None:
    name = 'a""";open("executed","w");""".csv'
    (folder / name).write_text(LETTERS, encoding="utf-8")
    made = make(name, name="safe")
    assert problems(made.path) == ["", "", ""]
    assert not (folder / "executed").exists()
