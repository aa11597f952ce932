"""The built site as files: same bytes, no script, no foreign address, data that spreadsheets and parsers read."""

import base64
import csv
import errno
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from harness.errors import RetentionError
from harness.scoring import METRICS
from leaderboard.board.board import PROVISIONAL, Board, load_board
from leaderboard.board.contest import Placing
from leaderboard.entries.shelf import Shelf
from leaderboard.ledger import events as ev
from leaderboard.numbers.cells import cells_of
from leaderboard.site import build
from leaderboard.site.build import render, site_sources, write_site
from leaderboard.site.checks import MAX_INDEX_BYTES, MAX_INDEX_GZIP_BYTES, MAX_SCRIPT_BYTES, compare_sites
from leaderboard.site.pages import Pages
from leaderboard.site.results import MOST_ROWS
from leaderboard.site.views import example
from tests.support.accepting import noted
from tests.support.synthetic import JIGSAW, synthetic_run
from tests.support.synthetic_board import HOSTILE, HOSTILE_NAME, Folders, add_entry, folders, full_board


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return full_board(tmp_path_factory.mktemp("board"))


@pytest.fixture(scope="module")
def board(made: Folders) -> Board:
    return load_board(made.submissions, made.bases)


@pytest.fixture(scope="module")
def files(board: Board) -> dict[str, bytes]:
    return render(board)


def pages(files: dict[str, bytes]) -> dict[str, str]:
    return {name: data.decode() for name, data in files.items() if name.endswith(".html")}


def test_every_entry_has_a_page_and_the_data_is_there(board: Board, files: dict[str, bytes]) -> None:
    expected = {"index.html", "metrics.html", "data.html", "submit.html", "board.json", "board.csv", "board.parquet"}
    expected |= {"tasks.csv", "recipes.csv", "datapackage.json", "schemas/board.json", "feed.xml", "CITATION.cff"}
    expected |= {f"entries/{row.entry_id}.html" for row in board.rows}
    expected |= {f"badges/{row.entry_id}.svg" for row in board.rows}
    assert expected <= set(files)
    for name in (name for name in files if name.startswith("assets/")):
        assert hashlib.sha256(files[name]).hexdigest()[:16] in name


def test_the_metrics_page_states_every_definition(files: dict[str, bytes]) -> None:
    page = unescape(re.sub(r"<[^>]*>", "", (whole := files["metrics.html"].decode())))
    for metric in METRICS.values():
        assert f'<div id="{metric.anchor}">' in whole
        assert metric.typeset in page
        assert metric.sentence in page
        assert all(f'href="{address}"' in whole for address in metric.links.values())


@pytest.mark.slow
def test_another_process_with_other_settings_writes_the_same_bytes(made: Folders, files: dict[str, bytes]) -> None:
    program = (
        "import sys, hashlib\nfrom pathlib import Path\n"
        "from leaderboard.board.board import load_board\nfrom leaderboard.site.build import render\n"
        "files = render(load_board(Path(sys.argv[1]), Path(sys.argv[2])))\n"
        "print({name: hashlib.sha256(data).hexdigest() for name, data in files.items()})"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    ran = subprocess.run(
        [sys.executable, "-c", program, str(made.submissions), str(made.bases)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == str({name: hashlib.sha256(data).hexdigest() for name, data in files.items()})


def test_pages_hold_one_script_of_the_site_no_inline_style_and_no_handler(files: dict[str, bytes]) -> None:
    (script,) = [name for name in files if name.endswith(".js")]
    assert len(files[script]) <= MAX_SCRIPT_BYTES
    for name, page in pages(files).items():
        tags = re.findall(r"<[a-zA-Z][^>]*>", page)
        expected = [] if name.startswith("embed/") else [f'<script defer src="{"../" * name.count("/")}{script}">']
        assert [tag for tag in tags if re.match(r"<script\b", tag, re.IGNORECASE)] == expected
        assert page.count("></script>") == len(expected)
        assert not any(re.match(r"<(style|iframe|object|embed|form|base)\b", tag) for tag in tags), name
        # What an attribute holds in quotes is a text, which may be anything.
        names = [re.sub(r'"[^"]*"', '""', tag) for tag in tags]
        assert not any(re.search(r"\s(style|on\w+)\s*=", tag) for tag in names), name


def test_the_policy_comes_right_after_the_charset(files: dict[str, bytes]) -> None:
    for page in pages(files).values():
        head = page[page.index("<head>") + 6 :].split("\n")
        assert head[1] == '<meta charset="utf-8">'
        assert head[2].startswith('<meta http-equiv="Content-Security-Policy" content="default-src \'none\';')


def test_templates_never_switch_escaping_off() -> None:
    for path in (site_sources() / "templates").iterdir():
        text = path.read_text("utf-8")
        assert "|safe" not in text.replace(" ", ""), path.name
        assert "autoescape" not in text, path.name
        assert not re.search(r"\s(style|on[a-z]+)=", text), path.name
        # An unquoted attribute would let a space in a value start another one.
        assert not re.search(r"=\{\{", text), path.name


def test_hostile_text_is_shown_as_text(files: dict[str, bytes]) -> None:
    index = pages(files)["index.html"]
    assert "<bdi>gnp.exe{{ 7*7 }}&lt;svg onload=alert(4)&gt;</bdi>" in index
    assert "<bdi>bbb&lt;script&gt;alert(3)&lt;</bdi>" in index
    assert not any("\u202e" in page or "\u200b" in page for page in pages(files).values())


def test_the_reading_guide_uses_the_numbers_of_one_entry(board: Board, files: dict[str, bytes]) -> None:
    told = example(board)
    assert told is not None
    chosen, lost = told.row, told.task
    guide = pages(files)["index.html"].split('id="guide"')[1]
    assert f"{chosen.card.learned.gain * 100:+.1f} points" in guide
    assert f"<strong>{lost.n10}</strong> of those" in guide
    assert f"entries/{chosen.entry_id}.html" in guide


def test_a_bad_entry_has_a_visible_line(files: dict[str, bytes]) -> None:
    assert "manifest.yaml: is missing" in pages(files)["index.html"]


def test_csv_keeps_numbers_and_disarms_formulas(board: Board, files: dict[str, bytes]) -> None:
    rows = list(csv.DictReader(io.StringIO(files["board.csv"].decode())))
    assert [row["entry_id"] for row in rows] == [row.entry_id for row in board.rows]
    assert [float(row["gain_share"]) for row in rows] == [row.card.target.gain for row in board.rows]
    assert not any(cell[:1] in ("=", "+", "@") for row in rows for cell in row.values())


def test_json_is_strict_and_says_what_a_rank_is(board: Board, files: dict[str, bytes]) -> None:
    document = json.loads(files["board.json"])
    assert document["order"].startswith("balance, descending, within a track; rank is an interval")
    assert len(document["tracks"][0]["entries"]) == len(board.rows)
    assert [entry["path"] for entry in document["left_out"]] == [bad.path for bad in board.bad]
    entries = document["tracks"][0]["entries"]
    assert document["ranking"]["version"] == 2
    assert [entry["rank"] for entry in entries] == [row.placing.rank and list(row.placing.rank) for row in board.rows]
    assert {(entry["evidence"], entry["not_ranked"]) for entry in entries} == {("self-reported", PROVISIONAL)}


def test_no_entries_make_a_page_too() -> None:
    index = pages(render(Board((), ())))["index.html"]
    assert "No entries yet" in index
    assert 'id="guide"' not in index
    assert "Data as of" not in index


def test_a_suite_without_prior_tasks_says_so(tmp_path: Path) -> None:
    made = folders(tmp_path)
    synthetic_run(made.runs / "base", [JIGSAW], name="nano-base", accuracy=0.1)
    add_entry(made, "nano-sft", {"jigsaw_2x2": 0.8}, tasks=[JIGSAW])
    board = load_board(made.submissions, made.bases)
    page = next(text for name, text in pages(render(board)).items() if name.startswith("entries/"))
    assert "nothing can be said about forgetting" in page


def test_a_second_build_replaces_the_first_and_leaves_nothing_stale(board: Board, tmp_path: Path) -> None:
    out = tmp_path / "public"
    write_site(board, out)
    first = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    write_site(board, out)
    assert first == {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    write_site(Board((), ()), out)
    assert list((out / "entries").iterdir()) == []
    for line in (out / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("before", [None, "a whole build"])
def test_after_a_build_that_was_killed_the_next_one_is_whole(
    board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    out = tmp_path / "public"
    if before:
        write_site(Board((), ()), out)

    def killed(*arguments: object, **options: object) -> Iterator[tuple[str, bytes]]:
        yield "index.html", b"half a p"
        yield "entries/left.html", b"of the killed build alone"
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(build, "files", killed)
        with pytest.raises(KeyboardInterrupt):
            write_site(board, out)
    write_site(board, out)
    write_site(board, tmp_path / "other")
    assert compare_sites(out, tmp_path / "other") == []
    assert not (out / "entries" / "left.html").exists()
    assert {path.name for path in out.iterdir()} == {path.name for path in (tmp_path / "other").iterdir()}


def test_on_a_full_disk_the_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(build, "files", lambda *_, **__: iter([("index.html", b"a page")]))
    monkeypatch.setattr(build, "_write", full)
    with pytest.raises(OSError, match="No space left") as raised:
        write_site(Board((), ()), tmp_path / "public")
    assert raised.value.filename == str(tmp_path / "public" / "index.html")


def test_a_folder_of_someone_else_is_not_touched(board: Board, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RetentionError, match="not empty and not written by"):
        write_site(board, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("name", ["../precious.txt", "entries/../../precious.txt", "linked/precious.txt", "linked/.."])
def test_a_forged_checksum_list_deletes_nothing_outside(board: Board, tmp_path: Path, name: str) -> None:
    (tmp_path / "precious.txt").write_text("keep")
    out = tmp_path / "public"
    out.mkdir()
    (out / "linked").symlink_to(tmp_path)
    (out / "SHA256SUMS").write_text(f"{'0' * 64}  {name}\n")
    write_site(board, out)
    assert (tmp_path / "precious.txt").read_text() == "keep"


def test_standing_history_and_tombstones_are_shown_as_text(tmp_path: Path) -> None:
    made = folders(tmp_path)
    shelf = Shelf(made.submissions, made.bases, tmp_path / "events", tmp_path / "releases")
    flagged = add_entry(made, "nano-a", {"jigsaw_2x2": 0.8}, seed=1).entry_id
    gone = add_entry(made, HOSTILE_NAME, {"jigsaw_2x2": 0.7}, seed=2).entry_id
    noted(shelf, ev.Flagged, flagged, reason=HOSTILE)
    noted(shelf, ev.Withdrawn, gone, reason=HOSTILE)
    board = load_board(made.submissions, made.bases, shelf.events)
    files = render(board)
    shown = pages(files)
    page, stone, index = shown[f"entries/{flagged}.html"], shown[f"entries/{gone}.html"], shown["index.html"]
    assert "This entry is flagged" in page
    assert 'id="history"' in page
    assert "was withdrawn on 20" in stone
    assert f'href="entries/{gone}.html"' in index
    for text in (page, stone, index):
        assert "<img" not in text
        assert "&lt;img src=x" in text
    document = json.loads(files["board.json"])
    (entry,) = document["tracks"][0]["entries"]
    assert (entry["evidence"], entry["standing"], entry["because"][0]["event"]) == ("self-reported", "flagged", 2)
    assert entry["cells"]["gain"] == cells_of(flagged, board.rows[0].card)["gain"].hash
    assert [each["entry_id"] for each in document["withdrawn"]] == [gone]
    (line,) = csv.DictReader(io.StringIO(files["board.csv"].decode()))
    assert (line["evidence"], line["standing"]) == ("self-reported", "flagged")


def test_a_cell_has_its_place_on_the_page_of_its_entry(board: Board, files: dict[str, bytes]) -> None:
    shown = ("gain", "retention_macro", "worst_group", "balance")
    columns = ("n11", "n10", "n01", "n00", "unparsed_base", "unparsed_tuned")
    for row in board.rows:
        page = pages(files)[f"entries/{row.entry_id}.html"]
        places = re.findall(r' id="([^"]*)"', page)
        assert len(places) == len(set(places))
        found = cells_of(row.entry_id, row.card)
        wanted = [found[metric].fragment for metric in shown]
        wanted += [found[f"task/{task}/{column}"].fragment for task in row.card.tasks for column in columns]
        wanted += [found[f"task/{task}/delta"].fragment for task in row.card.prior_tasks]
        assert set(wanted) <= set(places)


def test_the_first_page_stays_small_with_500_entries(board: Board) -> None:
    track, rng = board.tracks[0], np.random.default_rng(0)
    rows = []
    for at in range(500):
        row = track.rows[at % len(track.rows)]
        gain, kept, balance = (round(float(value), 4) for value in rng.random(3))
        learned = row.card.learned.model_copy(update={"gain": gain, "gain_ci": (gain - 0.03, gain + 0.04)})
        numbers = {"retention_macro": kept, "retention_macro_ci": (kept - 0.02, kept + 0.03), "balance": balance}
        name = base64.b32encode(rng.bytes(8)).decode().lower()[:12]
        tuned = row.manifest.tuned_model.model_copy(update={"local": f"qwen2.5-vl-7b-jigsaw-grpo-{name}"})
        # A hundred recipes of three seeds, and two hundred of one.
        stated = {"steps": at // 3 if at < 300 else at, "seeds": [at % 3], "learning_rate": 1e-5}
        method = track.rows[0].manifest.method.model_copy(update=stated)
        manifest = track.rows[0].manifest.model_copy(update={"tuned": tuned, "method": method})
        card = row.card.model_copy(update={"target": learned, **numbers})
        rows.append(replace(row, entry_id=name, manifest=manifest, card=card, placing=Placing((at + 1, at + 9))))
    large = Board((replace(track, rows=tuple(rows)),), ())
    page = first_page(large)
    assert page.count(b'<th scope="row">') == MOST_ROWS
    assert b"The first 40 of 300 recipes from 500 entries" in page
    assert len(page) <= MAX_INDEX_BYTES
    assert len(gzip.compress(page, 9)) <= MAX_INDEX_GZIP_BYTES


def test_the_first_page_stays_small_with_one_recipe_of_500_entries(board: Board) -> None:
    """And it says where the others are."""
    track = board.tracks[0]
    row = track.rows[0]
    rows = []
    for at in range(500):
        method = row.manifest.method.model_copy(update={"seeds": [at]})
        manifest = row.manifest.model_copy(update={"method": method})
        rows.append(replace(row, entry_id=f"{at:012d}", manifest=manifest))
    page = first_page(Board((replace(track, rows=tuple(rows)),), ()))
    assert page.count(b'<th scope="row">') == 1
    assert b">all 500 entries</a>" in page
    assert len(page) <= MAX_INDEX_BYTES
    assert len(gzip.compress(page, 9)) <= MAX_INDEX_GZIP_BYTES


def first_page(board: Board) -> bytes:
    names = dict.fromkeys(("icon.svg", "style.css", "board.js"), "a")
    return Pages(board, site_sources() / "templates", names).page("index.html", "index.html")[1]
