"""Dynamics beside an entry: read as hostile input, held against the manifest, shown on the entry's page."""

import json
from pathlib import Path
from typing import Any

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import RetentionError
from harness.scoring.dynamics.document import Dynamics
from leaderboard.board.board import load_board
from leaderboard.documents.identity import seal
from leaderboard.documents.manifest import read_manifest
from leaderboard.entries.dynamics import MAX_BYTES, DynamicsError, contradictions, read_dynamics
from leaderboard.entries.entry import BadEntry
from leaderboard.site.build import render
from leaderboard.site.dynamics import why
from leaderboard.submit.prepare import Prepared
from tests.support.explaining import document
from tests.support.synthetic_board import HOSTILE, Folders, add_entry, folders

LOST = {"jigsaw_2x2": 0.8, "math_word": 0.5}


@pytest.fixture
def made(tmp_path: Path) -> Folders:
    return folders(tmp_path)


def built(made: Folders) -> dict[str, bytes]:
    return render(load_board(made.submissions, made.bases))


def page(made: Folders, prepared: Prepared) -> str:
    text = built(made)[f"entries/{prepared.entry_id}.html"].decode()
    html5lib.HTMLParser(strict=True).parse(text)
    return text


def test_an_entry_shows_why_it_moved(made: Folders) -> None:
    prepared = add_entry(made, "nano-sft", LOST, dynamics={})
    assert (prepared.folder / "dynamics.json").is_file()
    assert "dynamics.json" in (prepared.folder / "SHA256SUMS").read_text()
    text = page(made, prepared)
    told = text[text.index('id="why"') : text.index('id="provenance"')]
    for number in ("402", "[350, 460]", "300 to 500", "12", "\u22120.2500", "75.0", "2.5", "[2, 3]"):
        assert number in told
    assert "nano-jigsaw" in told


def test_the_whole_document_is_there_to_read(made: Folders) -> None:
    training = [{"source": "a\u202eb", "digest": "d" * 64, "examples": 1}]
    prepared = add_entry(made, "nano-sft", LOST, dynamics={"training": training})
    text = built(made)[f"exports/{prepared.entry_id}/dynamics.json"].decode()
    shown = Dynamics.model_validate_json(text)
    assert shown.training[0].source == "ab"
    assert shown.influence == read_dynamics(prepared.folder / "dynamics.json").influence


def test_without_influence_or_drift_the_rest_is_shown(made: Folders) -> None:
    absent: dict[str, Any] = dict.fromkeys(("influence", "drift", "probes", "target_prompts"))
    changed = absent | {"reasons": dict.fromkeys(absent, "not asked for")}
    text = page(made, add_entry(made, "nano-sft", LOST, dynamics=changed))
    told = text[text.index('id="why"') : text.index('id="provenance"')]
    assert "402" in told
    assert "Magnitude" not in told
    assert "KL(" not in told


def test_an_entry_without_dynamics_says_nothing_of_why(made: Folders) -> None:
    prepared = add_entry(made, "nano-sft", LOST)
    assert why(prepared.folder, read_manifest(prepared.folder / "manifest.yaml")) is None
    assert 'id="why"' not in page(made, prepared)


def test_texts_by_others_are_text(made: Folders) -> None:
    training = [{"source": HOSTILE + "\u202e", "digest": "d" * 64, "examples": 1}]
    text = page(made, add_entry(made, "nano-sft", LOST, dynamics={"training": training}))
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert "&lt;script&gt;alert" in text


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"base": {"name": "x", "weights_digest": "f" * 64}}, "a base other than"),
        ({"drift": "f"}, "not of this one"),
        ({"probes": {"suite": "s", "digest": "e" * 64, "target": "chess"}}, "target jigsaw"),
    ],
)
def test_a_document_of_something_else_is_refused(made: Folders, changed: dict[str, Any], message: str) -> None:
    prepared = add_entry(made, "nano-sft", LOST, dynamics={})
    path = prepared.folder / "dynamics.json"
    stated = json.loads(path.read_text())
    if changed == {"drift": "f"}:
        stated["drift"][0]["model"]["weights_digest"] = "f" * 64
    else:
        stated |= changed
    path.write_text(json.dumps(stated))
    found = contradictions(read_dynamics(path), read_manifest(prepared.folder / "manifest.yaml"))
    assert len(found) == 1
    assert message in found[0][1]
    seal(prepared.folder)
    (bad,) = load_board(made.submissions, made.bases).bad
    assert isinstance(bad, BadEntry)
    assert message in bad.reason


def test_preparing_with_a_wrong_document_leaves_nothing(made: Folders) -> None:
    with pytest.raises(RetentionError, match="perplexity"):
        add_entry(made, "nano-sft", LOST, dynamics={"perplexity": {}})
    assert list(made.submissions.iterdir()) == []
    assert not (made.bases / "synthetic-1").exists() or list((made.bases / "synthetic-1").iterdir()) == []


TEXT = json.dumps(document())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[1]", "document"),
        (TEXT[:-1], "not JSON"),
        (TEXT.replace('"n": 10', '"n": NaN'), "NaN is not a number"),
        (TEXT.replace("402.5", "-Infinity"), "Infinity is not a number"),
        (TEXT.replace("402.5", "1e999"), "perplexity"),
        (TEXT.replace("402.5", "9" * 5000), "not JSON"),
        (TEXT[:-1] + ', "schema_version": 1}', "duplicate key"),
        (TEXT[:-1] + ', "x\\n\\u001b[2J": 1}', "x .2J: Extra inputs"),
        (TEXT.replace('"bare"', '"<script>"'), "perplexity"),
        (TEXT.replace('"schema_version": 1', '"schema_version": 2'), "schema_version"),
        ("[" * 100_000, "not JSON"),
        ('{"base":' * 20_000, "not JSON"),
        (TEXT.replace('"cpu"', '"\\ud800"'), "hex escape"),
        (TEXT + " " * MAX_BYTES, "larger than 256 KB"),
    ],
)
def test_what_is_no_document_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "dynamics.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DynamicsError, match=message) as error:
        read_dynamics(path)
    assert str(path) in str(error.value)


def refusal(path: Path) -> str:
    """Why a file is refused; empty where it is a document."""
    try:
        read_dynamics(path)
    except DynamicsError as error:
        return str(error)
    return ""


@given(st.integers(0, len(TEXT)), st.integers(0, 40), st.text(max_size=12) | st.sampled_from(["{", "[", "1e9", "null"]))
def test_a_spoilt_document_is_a_document_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, place: int, gone: int, put: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "spoilt.json"
    spoilt = TEXT[:place] + put + TEXT[place + gone :]
    path.write_bytes(spoilt.encode("utf-8", "surrogatepass"))
    assert "\n" not in refusal(path)


def test_bytes_that_are_no_text_and_links_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "dynamics.json"
    path.write_bytes(b'{"base": "\xff"}')
    with pytest.raises(DynamicsError, match="not JSON"):
        read_dynamics(path)
    (tmp_path / "link.json").symlink_to(path)
    with pytest.raises(DynamicsError, match="not a plain file"):
        read_dynamics(tmp_path / "link.json")
