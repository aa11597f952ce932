"""Exports: each read back by a reader of its format, the hostile entry included."""

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import jsonschema
import pytest
import yaml
from huggingface_hub import parse_eval_result_entries
from huggingface_hub.repocard_data import model_index_to_eval_results

from leaderboard.board.board import Board, Row, load_board
from leaderboard.board.json_documents import board_json, entry_json
from leaderboard.documents.identity import file_names
from leaderboard.ledger import Evidence, events
from leaderboard.numbers.cells import cells_of
from leaderboard.site.exports import entry_files, published_data
from leaderboard.site.exports.badges import badge
from leaderboard.site.exports.citation_file import board_citation, entry_citation
from leaderboard.site.exports.every_eval_ever import SCHEMA_VERSION, every_eval_ever
from leaderboard.site.exports.feed import atom_feed
from leaderboard.site.exports.hub import eval_results, model_index, stamp, utc
from leaderboard.site.exports.web import headers, sitemap
from leaderboard.site.releases import Release
from tests.support.accepting import maintained
from tests.support.every_eval_ever import SchemaMissingError, published_schema
from tests.support.synthetic_board import HOSTILE, full_board

SITE = "https://board.example.org/retention/"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    """The full board with a ledger for two entries: one flagged with a hostile reason, one withdrawn."""
    made = full_board(tmp_path_factory.mktemp("board"))
    first, second, *_ = load_board(made.submissions, made.bases).rows
    root = maintained(made.submissions.parent / "events")
    for row in (first, second):
        submit(root, row)
    events.append(root, events.Flagged, first.entry_id, "maintainer", reason=f"]]> {HOSTILE} =1+1")
    events.append(root, events.Withdrawn, second.entry_id, "maintainer", reason="weights leaked the test items")
    return load_board(made.submissions, made.bases, root, preview=True)


def submit(root: Path, row: Row, **said: Any) -> None:
    events.append(
        root, events.Submitted, row.entry_id, "maintainer", name=row.name, suite="synthetic-1", target="jigsaw",
        base=row.manifest.base.name, contact="ada",
        files={name: digest_of(row.folder / name) for name in file_names(row.folder)},
        base_samples_sha256=row.card.base.samples_sha256, tuned_samples_sha256=row.card.tuned.samples_sha256, **said,
    )  # fmt: skip


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def hostile(board: Board) -> Row:
    return next(row for row in board.rows if "onload" in row.name)


def test_every_exported_file_is_named_once_and_none_is_empty(board: Board) -> None:
    def exported(site: str | None) -> list[tuple[str, bytes]]:
        return [*published_data(board, site), *(file for row in board.rows for file in entry_files(row, site))]

    names = [name for name, data in exported(SITE) if data]
    assert len(names) == len(set(names)) == len(exported(None))
    assert all(re.fullmatch(r"[A-Za-z0-9_./-]+", name) for name in names)


def test_the_board_and_each_entry_are_strict_json_with_every_cell(board: Board) -> None:
    document = json.loads(board_json(board))
    assert document["schema"] == "retentionbench-board-2"
    (track,) = document["tracks"]
    assert [entry["entry_id"] for entry in track["entries"]] == [row.entry_id for row in board.rows]
    assert [entry["because"][0]["reason"] for entry in document["withdrawn"]] == ["weights leaked the test items"]
    row = board.rows[0]
    entry = json.loads(entry_json(board.tracks[0], row))
    assert entry["cells"] == {metric: cell.reference for metric, cell in cells_of(row.entry_id, row.card).items()}
    assert [event["kind"] for event in entry["events"]] == [event.kind for event in row.state.events]


def test_the_feed_has_every_event_newest_first(board: Board) -> None:
    entries = Xml.fromstring(atom_feed(board, SITE)).findall(f"{ATOM}entry")
    dates = [entry.findtext(f"{ATOM}updated") or "" for entry in entries]
    assert dates == sorted(dates, reverse=True)
    ids = {f"urn:retentionbench:{event.entry_id}:{event.seq}" for event in board.events}
    assert {entry.findtext(f"{ATOM}id") for entry in entries} == ids
    pages = [entry.find(f"{ATOM}link") for entry in entries]
    assert all(page is not None and page.attrib["href"].startswith(SITE) for page in pages)


def test_answers_judged_again_are_one_piece_of_news_a_day(tmp_path: Path) -> None:
    made = full_board(tmp_path)
    root = maintained(tmp_path / "events")
    for row in load_board(made.submissions, made.bases).rows[:2]:
        submit(root, row)
        submit(root, row, same_outputs_as=1)
    board = load_board(made.submissions, made.bases, root)
    assert len(board.events) == 4
    terms = [each.attrib["term"] for each in Xml.fromstring(atom_feed(board, SITE)).iter(f"{ATOM}category")]
    # With each event stands who has run the entry by now.
    assert sorted(terms) == ["judged", "self-reported", "self-reported", "submitted", "submitted"]
    assert b"2 entries judged again" in atom_feed(board, SITE)


def test_the_feed_tells_of_releases_by_the_date_of_their_data(board: Board) -> None:
    told = (Release("2026.1", {}, "2026-11-20"), Release("2026.0", {}))
    feed = Xml.fromstring(atom_feed(board, SITE, told))
    (title,) = [each.findtext(f"{ATOM}title") for each in feed.findall(f"{ATOM}entry")
                if each.findtext(f"{ATOM}id") == "urn:retentionbench:release:2026.1"]  # fmt: skip
    assert title == "Release 2026.1"
    assert b"2026.0" not in atom_feed(board, SITE, told)


def test_the_atom_feed_is_xml_that_shows_hostile_text_as_text(board: Board) -> None:
    feed = Xml.fromstring(atom_feed(board, SITE))
    assert feed.tag == f"{ATOM}feed"
    for required in ("id", "title", "updated"):
        assert feed.findtext(f"{ATOM}{required}")
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == 4
    assert all(entry.findtext(f"{ATOM}{tag}") for entry in entries for tag in ("id", "title", "updated", "content"))
    assert any(HOSTILE in (entry.findtext(f"{ATOM}content") or "") for entry in entries)
    assert len(list(feed.iter())) == len([each for each in feed.iter() if each.tag.startswith(ATOM)])


def test_the_feed_of_a_board_without_events_is_valid_and_empty() -> None:
    feed = Xml.fromstring(atom_feed(Board((), ()), None))
    assert feed.find(f"{ATOM}entry") is None
    assert feed.findtext(f"{ATOM}updated") == "1970-01-01T00:00:00Z"


def test_a_badge_says_retention_and_gain_or_the_standing(board: Board, hostile: Row) -> None:
    waiting = next(row for row in board.rows if row.pending)
    assert "not accepted yet" in "".join(Xml.fromstring(badge(waiting)).itertext())
    rows = [replace(row, pending=False) for row in board.rows]
    texts = ["".join(Xml.fromstring(badge(row)).itertext()) for row in rows]
    assert sum("retention" in text for text in texts) == len(rows) - 1
    flagged = next(row for row in board.rows if row.standing == "flagged")
    assert "flagged" in "".join(Xml.fromstring(badge(flagged)).itertext())
    # What nobody else has run is said, and has no colour of good or bad.
    assert all("self-reported" in text for text in texts)
    verified = replace(rows[0], state=replace(rows[0].state, evidence=Evidence.VERIFIED))
    assert "verified" in "".join(Xml.fromstring(badge(verified)).itertext())
    assert badge(verified).count(b"#555") < badge(rows[0]).count(b"#555")
    tags = {each.tag.rpartition("}")[2] for each in Xml.fromstring(badge(hostile)).iter()}
    assert tags == {"svg", "title", "rect", "text"}


def test_hub_results_are_read_by_the_hubs_own_library(board: Board) -> None:
    for row in board.rows:
        text = eval_results(row, SITE)
        assert text is not None
        (entry,) = parse_eval_result_entries(yaml.safe_load(text))
        assert entry.dataset_id == "retentionbench/synthetic-1"
        assert entry.task_id == "jigsaw-retention"
        assert row.card.retention_macro is not None
        assert entry.value == pytest.approx(row.card.retention_macro * 100, abs=0.005)
        assert entry.source_url == f"{SITE}entries/{row.entry_id}.html"
        name, results = model_index_to_eval_results(yaml.safe_load(model_index(row, SITE))["model-index"])
        assert name
        assert {result.metric_type: result.metric_value for result in results} == {
            "gain": pytest.approx(row.card.learned.gain * 100, abs=0.005),
            "retention": pytest.approx(row.card.retention_macro * 100, abs=0.005),
            "balance": pytest.approx((row.card.balance or 0) * 100, abs=0.005),
        }


def test_hub_results_without_a_site_name_no_source_and_without_retention_are_none(board: Board) -> None:
    row = board.rows[0]
    assert "source" not in yaml.safe_load(eval_results(row, None) or "")[0]
    card = row.card.model_copy(update={"retention_macro": None})
    assert eval_results(Row(**{**vars(row), "card": card}), SITE) is None


@pytest.fixture(scope="module")
def every_eval_ever_schema() -> dict[str, Any]:
    try:
        return published_schema()
    except SchemaMissingError as error:
        pytest.fail(str(error))


def test_every_eval_ever_records_hold_to_the_published_schema(
    board: Board, every_eval_ever_schema: dict[str, Any]
) -> None:
    judge = jsonschema.Draft7Validator(every_eval_ever_schema)
    assert every_eval_ever_schema["version"] == SCHEMA_VERSION
    for row in board.rows:
        record = json.loads(every_eval_ever(row, SITE))
        judge.validate(record)
        # The schema does judge: without its model's name the record is refused.
        with pytest.raises(jsonschema.ValidationError):
            judge.validate({**record, "model_info": {}})
        scores = {each["evaluation_result_id"]: each for each in record["evaluation_results"]}
        gain = scores[row.reference("gain")]
        assert gain["score_details"]["score"] == row.card.learned.gain
        assert gain["score_details"]["uncertainty"]["confidence_interval"]["lower"] == row.card.learned.gain_ci[0]
        assert sum(each["metric_config"]["lower_is_better"] for each in scores.values()) == len(row.card.prior_tasks)
        assert len(scores) == len(record["evaluation_results"])
        assert len(scores) == 4 + len(row.card.tasks) + 3 * len(row.card.prior_tasks)
        assert gain["score_details"]["uncertainty"]["num_samples"] == row.card.learned.n


def test_citation_files_have_what_the_format_requires(board: Board) -> None:
    for text in (board_citation(board, SITE), *(entry_citation(row, SITE) for row in board.rows)):
        document = yaml.safe_load(text)
        assert document["cff-version"] == "1.2.0"
        assert {"message", "title", "authors"} <= set(document)
        assert document["type"] == "dataset"
        assert all(set(author) <= {"name", "alias"} for author in document["authors"])
        # A bare date would be read as one, and the format wants it so.
        assert str(document["date-released"]).startswith("20")


def test_hostile_names_stay_text_in_yaml(hostile: Row) -> None:
    for text in (eval_results(hostile, SITE) or "", model_index(hostile, SITE), entry_citation(hostile, SITE)):
        assert yaml.safe_load(text)
        assert "\u202e" not in text
        assert "\u200b" not in text
    assert (
        yaml.safe_load(model_index(hostile, SITE))["model-index"][0]["name"] == "gnp.exe{{ 7*7 }}<svg onload=alert(4)>"
    )


def test_the_sitemap_names_pages_and_the_headers_say_what_only_headers_can() -> None:
    root = Xml.fromstring(sitemap(["index.html", "entries/a.html"], SITE, "2026-01-02"))
    places = [each.text for each in root.iter() if each.tag.endswith("loc")]
    assert places == [f"{SITE}entries/a.html", SITE]
    assert {each.text for each in root.iter() if each.tag.endswith("lastmod")} == {"2026-01-02"}
    said = headers(["index.html", "entries/a.html", "embed/track-a.html"])
    assert "/entries/*\n  Content-Security-Policy: frame-ancestors 'none'" in said
    assert "/embed/*\n  Content-Security-Policy: frame-ancestors *" in said
    assert all(line.startswith(("/", "  ")) for line in said.splitlines() if line)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05Z"),
        ("2026-01-02", "2026-01-02T00:00:00Z"),
        (f"2026-01-02 {HOSTILE}", "2026-01-02T00:00:00Z"),
        ("2026-13-45", None),
        ("yesterday", None),
    ],
)
def test_dates_are_read_from_what_anyone_may_write(text: str, expected: str | None) -> None:
    assert stamp(text) == expected
    assert (utc(text) is None) == (expected is None)
