"""The `submit` commands: what they print, how they fail, and that asking for help loads nothing heavy."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.errors import RetentionError
from harness.records.run import read_record, write_record
from leaderboard.cli import cli
from leaderboard.cli.submit import group
from tests.support.synthetic_board import Folders, add_entry, folders
from tests.support.tiny import TinyShelf, model, tiny_shelf, tiny_suite

pytestmark = pytest.mark.slow


@pytest.fixture
def made(tmp_path: Path) -> Folders:
    return folders(tmp_path)


def places(made: Folders) -> list[str]:
    return ["--submissions", str(made.submissions), "--bases", str(made.bases)]


def prepare_arguments(made: Folders) -> list[str]:
    add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8})
    return ["prepare", str(made.runs / "tuned-1"), "--base", str(made.runs / "base"), "--target", "jigsaw",
            "--method", "sft", "--license", "Apache-2.0", "--contact", "ada", *places(made)]  # fmt: skip


def test_prepare_writes_an_entry_and_prints_its_signature(made: Folders) -> None:
    arguments = prepare_arguments(made)
    data = "id=jigsaws,role=train,license=CC-BY-4.0"
    ran = CliRunner().invoke(
        group,
        [*arguments, "--consent", "--data", data, "--seed", "1", "--steps", "9", "--recipe", "grpo-v2"],
        catch_exceptions=False,
    )
    (folder,) = made.submissions.iterdir()
    assert f"wrote {folder}" in ran.output
    assert "retentionbench:" in ran.output
    text = (folder / "manifest.yaml").read_text()
    assert "overlap_with_suite: unknown" in text
    assert "steps: 9" in text
    assert "recipe: grpo-v2" in text


@pytest.mark.parametrize(
    ("extra", "complaint"),
    [
        ([], "--consent is missing"),
        (["--consent", "--data", "id=x,role=train"], "--data: license is missing"),
        (["--consent", "--data", "id=x,role=train,license=y,colour=red"], "--data: unknown field 'colour'"),
        (["--consent", "--steps", "-3"], "method.steps"),
        (["--consent", "--recipe", "my best one"], "method.recipe"),
    ],
)
def test_prepare_names_what_is_wrong(made: Folders, extra: list[str], complaint: str) -> None:
    ran = CliRunner().invoke(group, [*prepare_arguments(made), *extra])
    assert isinstance(ran.exception, RetentionError)
    assert complaint in str(ran.exception)


def test_the_base_is_found_beside_the_run_or_named(made: Folders) -> None:
    arguments = prepare_arguments(made)
    stated = [*arguments[4:], "--consent", "--yes"]
    layout = made.runs / "out" / "synthetic-1"
    for name, source in (("base", "base"), ("tuned", "tuned-1")):
        shutil.copytree(made.runs / source, layout / name / "engine")
    shutil.rmtree(made.bases)
    runs = [str(layout / name / "engine") for name in ("base", "tuned")]
    assert CliRunner().invoke(group, ["prepare", runs[1], *stated], catch_exceptions=False).exit_code == 0
    assert CliRunner().invoke(group, ["prepare", *runs, *stated], catch_exceptions=False).exit_code == 0
    shutil.copytree(made.runs / "base", layout / "other" / "engine")
    record = read_record(layout / "other" / "engine")
    checkpoint = record.checkpoint.model_copy(update={"weights_digest": "0" * 64})
    write_record(layout / "other" / "engine", record.model_copy(update={"checkpoint": checkpoint}))
    ran = CliRunner().invoke(group, ["prepare", runs[1], *stated])
    assert "several runs may be its base" in str(ran.exception)
    assert "--base" in str(ran.exception)
    shutil.rmtree(layout / "other")
    shutil.rmtree(layout / "base")
    shutil.rmtree(made.bases)
    assert "no run of its base" in str(CliRunner().invoke(group, ["prepare", runs[1], *stated]).exception)


def test_a_terminal_is_asked(made: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = prepare_arguments(made)
    monkeypatch.setattr("leaderboard.cli.submit.in_terminal", lambda: True)
    # algorithm, learning rate, steps, kl, replay, code, summary, attempts, chosen by, data, consent
    ran = CliRunner().invoke(group, arguments, input="\n\n400\n\n\n\n\n5\n\n\ny\n", catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    text = next(made.submissions.glob("*/manifest.yaml")).read_text()
    assert "steps: 400" in text
    assert "attempts_evaluated: 5" in text


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> TinyShelf:
    return tiny_shelf(tiny_suite(tmp_path_factory.mktemp("tiny")), tmp_path_factory.mktemp("board"))


def run(shop: TinyShelf, *arguments: object) -> Result:
    where = [f"--{name}={shop.root / name}" for name in ("submissions", "bases", "events", "releases")]
    options = ["--suite", str(shop.tiny.path), *where]
    return CliRunner().invoke(cli, ["submit", *map(str, arguments), *options])


def test_validate_and_open_say_what_to_do_and_exit_by_the_verdict(shop: TinyShelf) -> None:
    good, bad = shop.add("good", model(1)), shop.add("bad", model(2))
    opened = run(shop, "open", good)
    assert opened.exit_code == 0, opened.output
    assert f"git switch -c submit/{good.name}" in opened.stdout
    (bad / "manifest.yaml").write_text((bad / "manifest.yaml").read_text().replace("steps: 10", "steps: 11"))
    told = run(shop, "validate", shop.shelf.submissions, "--jobs", 1)
    assert told.exit_code == 1
    assert f"{good.name}: accepted" in told.stdout
    assert "refuse [changed] manifest.yaml: sha256 differs from SHA256SUMS" in told.stdout
    assert "do: restore the file; if you changed it yourself, run `retention submit seal`" in told.stdout
    assert told.stderr.strip().endswith("2 entries: 1 accepted, 1 refused")
    assert CliRunner().invoke(cli, ["submit", "seal", str(bad)]).exit_code == 0
    data = run(shop, "validate", bad, "--json")
    assert data.exit_code == 0
    (report,) = json.loads(data.stdout)
    assert (report["entry"], report["verdict"]) == (bad.name, "accepted")
    assert report["numbers"]["target"] == "math"


def test_files_beside_entries_are_passed_over_and_drafts_are_no_entries(shop: TinyShelf) -> None:
    folder = shop.shelf.submissions
    (folder / "README.md").write_text("entries")
    (folder / ".draft-x" / "tuned").mkdir(parents=True)
    told = run(shop, "validate", *sorted(each for each in folder.iterdir() if not each.name.startswith(".")))
    assert f"{folder / 'README.md'}: passed over: a file" in told.stderr
    whole = run(shop, "validate", folder)
    assert told.exit_code == whole.exit_code
    assert told.stdout == whole.stdout
    assert ".draft-x" not in whole.output
    alone = run(shop, "validate", folder / "README.md")
    assert alone.exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["validate", "nowhere"], "nowhere: no such folder"),
        (["validate", "EMPTY"], "holds no entry"),
        (["seal", "EMPTY"], "not the folder of an entry"),
        (["open", "nowhere"], "nowhere: no such folder"),
        (["prepare", "a", "b", "c"], "give RUN alone"),
        (["prepare", "nowhere", "--to-hub", "x"], "write owner/name"),
        (["prepare", "nowhere"], "is nowhere a run folder"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "EMPTY").mkdir()
    ran = CliRunner().invoke(cli, ["submit", *arguments])
    assert ran.exit_code == 2, ran.output
    assert complaint in ran.output
    assert "Traceback" not in ran.output


def test_help_shows_an_example_and_loads_nothing_heavy() -> None:
    program = (
        "import sys\nfrom leaderboard.cli.submit import group\n"
        "try: group(['prepare', '--help'])\nexcept SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'pyarrow', 'pydantic', 'jinja2', 'yaml', 'scipy', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "retention submit prepare" in ran.stdout
