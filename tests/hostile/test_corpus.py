"""The corpus through the whole pipeline, once, in a process of its own: every case is refused or without effect.

The process runs with secrets in its environment, a home and a folder for temporary files of its own, and a hook of the
interpreter that remembers what it opened. A folder beside it must be as it was.
"""

import csv
import hashlib
import io
import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from leaderboard.documents.text import clean
from tests.hostile import boards
from tests.hostile.case import THREATS, Case, Payload
from tests.hostile.corpus import CASES, build, readme_table
from tests.hostile.pages import Page, check_page, unseen
from tests.hostile.pipeline import HONEST

ROOT = Path(__file__).parents[2]
SECRETS = {"HF_TOKEN": "hf_" + "cAnArY" * 6, "AWS_SECRET_ACCESS_KEY": "canarycanarycanary", "PASSWORD": "canary-word"}
MOST_MEMORY = 1 << 30
# Where the items of shipped tasks are kept: those that another test of this process drew are not drawn again.
ITEMS = os.environ["RETENTION_CACHE"]
# All cases and their site together, in the time of the honest entry: 70 times here, on slow and on fast processors.
MOST_TIMES = 200


@dataclass
class Ran:
    """What the pipeline's process did."""

    root: Path
    cases: dict[str, dict[str, Any]]
    peaks: dict[str, float]
    opened: dict[str, list[str]]
    before: dict[str, str]
    after: dict[str, str]
    said: str

    @property
    def site(self) -> Path:
        return self.root / "out" / "site"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    root = tmp_path_factory.mktemp("hostile")
    build(root)
    for name in ("home", "tmp", "beside"):
        (root / name).mkdir()
    (root / "beside" / "precious.txt").write_text("years of work")
    before = state(root)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LD_LIBRARY_PATH", "LANG")}
    environment = kept | SECRETS | {"HOME": str(root / "home"), "TMPDIR": str(root / "tmp"), "PYTHONPATH": str(ROOT)}
    environment["RETENTION_CACHE"] = ITEMS
    done = subprocess.run(
        [sys.executable, "-B", "-m", "tests.hostile.pipeline", str(root)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    result = json.loads((root / "out" / "result.json").read_text())
    return Ran(root, result["cases"], result["peaks"], result["opened"], before, state(root), done.stdout + done.stderr)


def state(root: Path) -> dict[str, str]:
    """Every file and link below ``root`` but what the pipeline may write, with what it holds."""
    found: dict[str, str] = {}
    waiting = [path for path in root.iterdir() if path.name not in ("out", "home", "tmp")]
    while waiting:
        path = waiting.pop()
        if path.is_symlink():
            found[str(path)] = str(path.readlink())
        elif path.is_dir():
            waiting.extend(path.iterdir())
            found[str(path)] = "folder"
        else:
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
    return found


def test_the_honest_entry_is_accepted(ran: Ran) -> None:
    """Else the cases would prove nothing: each is this entry with one thing changed."""
    assert ran.cases[HONEST]["verdict"] == "accepted", ran.cases[HONEST]["findings"]
    assert "page" in ran.cases[HONEST]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_case_gets_its_verdict(ran: Ran, case: Case) -> None:
    result = ran.cases[case.name]
    if case.kind != "entry":
        assert result["verdict"] == case.verdict, result
        assert case.says in result["said"]
        assert not unseen(result["said"])
        return
    found = [each for each in result["findings"] if each["rule"] == case.rule and case.says in each["line"]]
    if case.verdict == "refused":
        assert result["verdict"] == "refused", result["findings"]
        assert any(each["action"] == "refuse" for each in found), result["findings"]
    elif case.verdict == "flagged":
        assert [each["action"] for each in found] == ["flag"], result["findings"]
        assert not any(each["action"] == "refuse" for each in result["findings"]), result["findings"]
    else:
        assert result["verdict"] == "accepted", result["findings"]
    # What is not accepted is not on the board, whose entries are those beside the honest one.
    assert ("page" in result) == (result["verdict"] == "accepted" and case not in boards.CASES)
    assert not any(unseen(line) or len(line) > 1_500 for line in result["lines"])


def test_nothing_was_executed(ran: Ran) -> None:
    assert list((ran.root / "canaries").iterdir()) == []


def test_the_payload_would_have_been_noticed(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Payload(tmp_path / "canary")))
    assert (tmp_path / "canary").is_file()


def test_nothing_was_written_elsewhere(ran: Ran) -> None:
    assert ran.before == ran.after
    allowed = ("/dev/null", ITEMS, *(str(ran.root / name) for name in ("out", "home", "tmp")))
    assert [path for path in ran.opened["written"] if not path.startswith(allowed)] == []


def test_nothing_was_connected_to_and_only_sandboxes_and_git_were_started(ran: Ran) -> None:
    assert ran.opened["connected"] == []
    assert set(ran.opened["run"]) <= {f"subprocess.Popen {program}" for program in (sys.executable, "git")}
    assert [
        name for name in ran.opened["unpickled"] if name.split(".")[0] in ("os", "posix", "builtins", "subprocess")
    ] == []


def test_memory_and_time_stayed_within_bounds(ran: Ran) -> None:
    """Resident memory of the process and of its largest child; processor time beside that of the honest entry."""
    assert ran.peaks["self"] < MOST_MEMORY, ran.peaks
    assert ran.peaks["child"] < MOST_MEMORY, ran.peaks
    assert ran.peaks["cpu seconds"] < MOST_TIMES * ran.cases[HONEST]["cpu seconds"], ran.peaks


def test_no_secret_of_the_environment_was_written_or_said(ran: Ran) -> None:
    written = [path for name in ("out", "home", "tmp") for path in (ran.root / name).rglob("*") if path.is_file()]
    assert len(written) > 40
    for secret in SECRETS.values():
        assert secret not in ran.said
        assert [path for path in written if secret.encode() in path.read_bytes()] == []


@pytest.fixture(scope="module")
def pages(ran: Ran) -> dict[str, Page]:
    return {path.relative_to(ran.site).as_posix(): Page(path.read_text("utf-8")) for path in ran.site.rglob("*.html")}


def test_every_page_holds_no_script_and_no_remote_reference(pages: dict[str, Page]) -> None:
    assert len(pages) > 20
    for name, page in pages.items():
        check_page(name, page)


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.texts], ids=lambda case: case.name)
def test_every_hostile_text_is_shown_as_text(ran: Ran, pages: dict[str, Page], case: Case) -> None:
    page = pages[ran.cases[case.name]["page"]]
    for text in case.texts:
        assert clean(text, 80).rstrip("\N{HORIZONTAL ELLIPSIS}") in page.text, text


def test_the_data_is_strict_and_runs_in_no_spreadsheet(ran: Ran) -> None:
    content = (ran.site / "board.json").read_text("utf-8")
    json.loads(content, parse_constant=lambda constant: pytest.fail(f"{constant} in board.json"))
    rows = list(csv.DictReader(io.StringIO((ran.site / "board.csv").read_text("utf-8"))))
    assert len(rows) > 20
    for row in rows:
        for cell in (part for value in row.values() for part in value.split(";")):
            assert not cell.startswith(("=", "+", "@", "\t")), cell
            assert not cell.startswith("-") or is_number(cell), cell
    for path in ran.site.rglob("*"):
        if path.suffix in (".html", ".json", ".csv", ".xml", ".svg", ".txt"):
            seen = path.read_text("utf-8")
            assert not set(seen) & set("\u202e\u2066\u200b\x00\x1b\ufeff"), path.name


def is_number(cell: str) -> bool:
    try:
        return float(cell) < 0
    except ValueError:
        return False


def citations(ran: Ran) -> Iterator[tuple[str, list[str]]]:
    yield from ((name, result["cited"]) for name, result in ran.cases.items() if "cited" in result)


def test_no_name_closes_a_field_of_bibtex_or_starts_a_command(ran: Ran) -> None:
    found = dict(citations(ran))
    assert len(found) > 20
    for name, (bibtex, apa, signature) in found.items():
        assert bibtex.count("@") - bibtex.count("{@}") == 1, name
        assert bibtex.count("{") == bibtex.count("}"), name
        assert not re.search(r"\\(input|include|write|def|csname)\b", bibtex), name
        assert not unseen(apa + signature), name


def test_no_name_is_markdown_in_a_pull_request(ran: Ran) -> None:
    opened = [result["opened"] for result in ran.cases.values() if "opened" in result]
    assert len(opened) > 20
    for text in opened:
        outside = re.sub(r"(`+) .*? \1", "", text.split("\n", 1)[1])
        assert not re.search(r"javascript:|https?://evil|@maintainer|<script|<img", outside), outside


def test_every_threat_has_cases_and_the_readme_lists_them() -> None:
    assert len(CASES) >= 60
    assert {case.threat for case in CASES.values()} == set(THREATS)
    text = (Path(__file__).parent / "README.md").read_text("utf-8")
    assert readme_table() in text, "paste tests.hostile.corpus.readme_table() there"


def test_the_readme_names_cases_and_tests_that_are_there() -> None:
    text = (Path(__file__).parent / "README.md").read_text("utf-8")
    rows = text.partition("## Campaigns")[2].partition("\n\nElsewhere")[0].splitlines()
    named = {name for row in rows if row.startswith("| ") for name in re.findall(r"`([^`]+)`", row)}
    assert len(named) > 60
    for name in named:
        assert name in CASES or (ROOT / name).is_file(), name
