"""The `board` commands: what they print, how they fail, and that asking for help loads nothing heavy."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.errors import CheckFailedError, RetentionError
from leaderboard.cli.board import group
from leaderboard.entries.shelf import Shelf
from leaderboard.ledger.events import Withdrawn
from leaderboard.site.serving import Preview
from tests.support.accepting import noted
from tests.support.synthetic_board import Folders, add_entry, folders

pytestmark = pytest.mark.slow


@pytest.fixture
def made(tmp_path: Path) -> Folders:
    return folders(tmp_path)


def places(made: Folders) -> list[str]:
    cache = made.submissions.parent / "cache"
    return ["--submissions", str(made.submissions), "--bases", str(made.bases), "--cache", str(cache)]


def test_build_prints_the_page_and_the_counts(made: Folders, tmp_path: Path) -> None:
    add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})
    ran = CliRunner().invoke(group, ["build", *places(made), "--out", str(tmp_path / "out")], catch_exceptions=False)
    assert ran.stdout == f"1 entry in 1 track: {tmp_path / 'out' / 'index.html'}\n"


def test_strict_fails_after_the_site_is_written(made: Folders, tmp_path: Path) -> None:
    add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})
    (made.submissions / "bad").mkdir()
    arguments = ["build", *places(made), "--out", str(tmp_path / "out")]
    lenient = CliRunner().invoke(group, arguments, catch_exceptions=False)
    assert lenient.exit_code == 0
    assert "left out: bad: manifest.yaml: is missing" in lenient.output
    strict = CliRunner().invoke(group, [*arguments, "--strict"])
    assert isinstance(strict.exception, CheckFailedError)
    assert "1 of 2 entries were left out" in str(strict.exception)
    assert (tmp_path / "out" / "index.html").is_file()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    ran = CliRunner().invoke(group, ["build", "--submissions", str(tmp_path / "none")])
    assert isinstance(ran.exception, RetentionError)
    assert "give --submissions DIR" in str(ran.exception)


def test_help_shows_an_example_and_loads_nothing_heavy() -> None:
    program = (
        "import sys\nfrom leaderboard.cli.board import group\n"
        "try: group(['build', '--help'])\nexcept SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'pyarrow', 'pydantic', 'jinja2', 'yaml', 'scipy', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "retention board build" in ran.stdout


def run(*arguments: str) -> Result:
    return CliRunner().invoke(group, list(arguments))


def test_a_summary_as_json_says_what_is_in_the_board(made: Folders, tmp_path: Path) -> None:
    entry = add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})
    (made.submissions / "bad").mkdir()
    ran = CliRunner().invoke(
        group, ["build", *places(made), "--out", str(tmp_path / "out"), "--json"], catch_exceptions=False
    )
    summary = json.loads(ran.stdout)
    assert (summary["entries"], summary["tracks"][0]["ranked"], summary["withdrawn"]) == (1, 1, [])
    assert [each["path"] for each in summary["left_out"]] == ["bad"]
    assert json.loads((tmp_path / "out" / f"entries/{entry.entry_id}.json").read_text())["entry_id"] == entry.entry_id


def test_a_second_build_uses_the_cache_unless_it_may_not(made: Folders, tmp_path: Path) -> None:
    add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})
    out = ["--out", str(tmp_path / "out")]
    assert run("build", *places(made), *out, "--no-cache").exit_code == 0
    assert not (tmp_path / "cache").exists()
    assert run("build", *places(made), *out).exit_code == 0
    remembered = set((tmp_path / "cache").glob("??/*"))
    assert remembered
    assert run("build", *places(made), *out).exit_code == 0
    assert set((tmp_path / "cache").glob("??/*")) == remembered


def test_the_address_must_be_https(made: Folders, tmp_path: Path) -> None:
    ran = run("build", *places(made), "--out", str(tmp_path / "out"), "--url", "http://board.example.org/")
    assert isinstance(ran.exception, RetentionError)
    assert "--url" in str(ran.exception)


def test_check_passes_what_build_wrote_and_names_what_was_changed_since(made: Folders, tmp_path: Path) -> None:
    add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})
    add_entry(made, "nano-lora", {"jigsaw_2x2": 0.7}, seed=2)
    where = [*places(made), "--out", str(tmp_path / "out"), "--url", "https://board.example.org/"]
    missing = run("check", *where)
    assert "no site there" in str(missing.exception)
    assert run("build", *where).exit_code == 0
    checked = CliRunner().invoke(group, ["check", *where, "--json"], catch_exceptions=False)
    assert checked.exit_code == 0, checked.output
    assert json.loads(checked.stdout)["problems"] == []
    page = tmp_path / "out" / "metrics.html"
    page.write_text(page.read_text().replace("What the numbers mean", "What the numbers might mean"))
    changed = run("check", *where)
    assert isinstance(changed.exception, CheckFailedError)
    assert "metrics.html: sha256 differs from SHA256SUMS" in changed.output
    assert "metrics.html: differs in a second build of the same entries" in changed.output


def test_release_freezes_the_tables_once(made: Folders, tmp_path: Path) -> None:
    add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})
    where = [*places(made), "--releases", str(tmp_path / "releases")]
    ran = CliRunner().invoke(group, ["release", "2026.1", *where, "--json"], catch_exceptions=False)
    assert json.loads(ran.stdout)["files"] == ["SHA256SUMS", "board.csv", "board.json", "recipes.csv", "tasks.csv"]
    again = run("release", "2026.1", *where)
    assert isinstance(again.exception, CheckFailedError)
    assert "never changes" in str(again.exception)


def test_every_eval_ever_writes_an_entry_with_its_answers(made: Folders, tmp_path: Path) -> None:
    entry = add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8}).entry_id
    add_entry(made, "nano-lora", {"jigsaw_2x2": 0.7}, seed=2)
    where = [*places(made), "--out", str(tmp_path / "data")]
    assert run("every-eval-ever", entry, *where).exit_code == 0
    (record,) = (tmp_path / "data").rglob("*.json")
    assert json.loads(record.read_text())["model_info"]["id"] == "nano-sft"
    (lines,) = (tmp_path / "data").rglob("*_samples.jsonl")
    assert lines.stem == f"{record.stem}_samples"
    assert run("every-eval-ever", *where).exit_code == 0
    assert len(list((tmp_path / "data").rglob("*.json"))) == 2
    assert "not an entry of the board" in str(run("every-eval-ever", "aaaaaaaaaaaa", *where).exception)


def test_serve_builds_says_where_and_stops_on_an_interrupt(
    made: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})

    def once(preview: Preview) -> None:
        assert preview.refresh()
        assert not preview.refresh()
        preview.server.server_close()
        raise KeyboardInterrupt

    monkeypatch.setattr(Preview, "run", once)
    ran = run("serve", *places(made), "--out", str(tmp_path / "out"), "--port", "0")
    assert ran.exit_code == 0, ran.output
    assert ran.output.startswith("http://127.0.0.1:")
    assert ran.output.endswith("built: 1 entry, 0 left out\nstopped\n")
    assert (tmp_path / "out" / "index.html").is_file()


def test_ledgers_are_read_where_they_are_named(made: Folders, tmp_path: Path) -> None:
    entry = add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8}).entry_id
    events = tmp_path / "events"
    shelf = Shelf(made.submissions, made.bases, events, tmp_path / "releases")
    noted(shelf, Withdrawn, entry, reason="asked for")
    arguments = ["build", *places(made), "--out", str(tmp_path / "out")]
    ran = CliRunner().invoke(group, [*arguments, "--events", str(events)], catch_exceptions=False)
    assert ran.stdout.startswith("0 entries in 0 tracks")
    assert "was withdrawn on" in (tmp_path / "out" / "entries" / f"{entry}.html").read_text()
    # The ledgers of a checkout say nothing of entries that lie elsewhere.
    assert CliRunner().invoke(group, arguments, catch_exceptions=False).stdout.startswith("1 entry in 1 track")
