"""Logs that the installed Inspect writes by itself, read by its own library as tables."""

import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.records import RunError, read_log
from harness.records.logs import archives
from harness.scoring import Scorecard
from leaderboard.cli import cli
from tests.support.inspect_logs import N, write_logs

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inspect")
    write_logs(folder / "base", "base", 9)
    write_logs(folder / "tuned", "tuned", 6, "json")
    return folder


def _one(folder: Path, task: str) -> Path:
    (found,) = folder.glob(f"*{task}*")
    return found


def _compare(*arguments: object) -> Any:
    return CliRunner().invoke(cli, ["compare", *map(str, arguments)])


def test_eval_and_json_logs_are_a_pair(logs: Path, tmp_path: Path) -> None:
    result = _compare(logs / "base", logs / "tuned", "--target", "little-sums", "--json", tmp_path / "card.json")
    assert result.exit_code == 2
    tasks = sorted(read_log(logs / "base").record.tasks)
    assert [task.replace("-", "_") for task in tasks] == ["little_colours", "little_sums"]
    result = _compare(logs / "base", logs / "tuned", "--target", tasks[1], "--json", tmp_path / "card.json")
    assert result.exit_code == 0, result.output
    assert "Inspect logs, 24 items, provenance not checked" in result.output
    card = Scorecard.model_validate_json((tmp_path / "card.json").read_bytes())
    assert (card.base.source, card.base.name, card.tuned.name) == ("Inspect log", "mockllm/base", "mockllm/tuned")
    for task in tasks:
        assert (card.tasks[task].n10, card.tasks[task].n11, card.tasks[task].n01) == (3, 6, 0)
    assert f"{tasks[1]}: correct where scorer match gives C or 1" in card.provenance.notes


def test_what_the_model_was_sent_said_and_took_is_kept(logs: Path) -> None:
    samples = read_log(_one(logs / "base", "colours")).samples
    assert set(samples["guess_rate"]) == {0.25}
    assert dict(samples["outcome"].value_counts()) == {"correct": 9, "unparsed": 2, "wrong": 1}
    assert set(samples["finish_reason"]) == {"stop"}
    assert set(samples["n_output_tokens"]) == {3}
    assert len(set(samples["prompt_digest"])) == N
    assert set(samples.loc[samples["outcome"] == "wrong", "extracted"]) <= set("ABCD")


def test_epochs_are_items_of_one_cluster(tmp_path: Path) -> None:
    write_logs(tmp_path / "twice", "base", 9, epochs=2)
    samples = read_log(_one(tmp_path / "twice", "sums")).samples
    assert len(samples) == 2 * N
    assert samples["item_id"].is_unique
    assert set(samples["cluster_id"].value_counts()) == {2}


def test_logs_of_other_questions_are_refused_with_counts(logs: Path, tmp_path: Path) -> None:
    write_logs(tmp_path / "few", "tuned", 6, limit=8)
    result = _compare(logs / "base", tmp_path / "few")
    assert result.exit_code == 1
    said = " ".join(result.output.split())
    assert "16 in both, 8 only in the base, 0 only in the tuned; give two logs of the same evaluation" in said


def test_a_log_without_samples_scores_or_end_says_so(logs: Path, tmp_path: Path) -> None:
    write_logs(tmp_path / "bare", "base", 9, log_samples=False)
    with pytest.raises(RunError, match="without samples: run it again without --no-log-samples"):
        read_log(_one(tmp_path / "bare", "sums"))
    write_logs(tmp_path / "unscored", "base", 9, score=False)
    with pytest.raises(RunError, match="12 samples have no scores: score it with `inspect score"):
        read_log(_one(tmp_path / "unscored", "sums"))
    document = json.loads(_one(logs / "tuned", "sums").read_bytes()) | {"status": "cancelled"}
    (tmp_path / "cut.json").write_text(json.dumps(document))
    with pytest.raises(RunError, match="ended as 'cancelled', so that answers are missing; finish it with `inspect"):
        read_log(tmp_path / "cut.json")
    with pytest.raises(RunError, match=r"has no metric 'f1'; it has match"):
        read_log(_one(logs / "base", "sums"), metric="f1")
    with pytest.raises(RunError, match="Inspect logs have no filters; leave it out"):
        read_log(logs / "base", filter="strict-match")


def test_a_broken_or_vast_log_is_refused(logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _one(logs / "base", "sums").read_bytes()
    (tmp_path / "cut.eval").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RunError, match=r"cut\.eval: a broken \.eval file"):
        read_log(tmp_path / "cut.eval")
    with zipfile.ZipFile(tmp_path / "other.eval", "w") as archive:
        archive.writestr("a.txt", "nothing of Inspect's")
    with pytest.raises(RunError, match=r"other\.eval: inspect_ai cannot read it"):
        read_log(tmp_path / "other.eval")
    monkeypatch.setattr(archives, "MAX_EXPANDED", 1_000)
    with pytest.raises(RunError, match="bytes when it is expanded is more than such a log may have"):
        read_log(_one(logs / "base", "sums"))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, 93], ids=["deflate", "zstandard"])
def test_an_archive_that_states_false_sizes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: int
) -> None:
    path = tmp_path / "bomb.eval"
    path.write_bytes(_deflated_bomb(path) if method == zipfile.ZIP_DEFLATED else _zstandard_bomb(path))
    monkeypatch.setattr(archives, "MAX_EXPANDED", 2_000_000)
    with pytest.raises(RunError, match="expands to more than the 2,000,000 bytes that such a log may have"):
        read_log(path)


BOMB = b"[" + b" " * 4_000_001


def _deflated_bomb(path: Path) -> bytes:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", BOMB)
    return path.read_bytes().replace(struct.pack("<I", len(BOMB)), struct.pack("<I", 100))


def _zstandard_bomb(path: Path) -> bytes:
    """Stored as it is compressed, and then said to be compressed: the size that is stated is the compressed one."""
    import zstandard

    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.json", zstandard.compress(BOMB))
    raw = bytearray(path.read_bytes())
    # The method stands after signature, versions and flags, in the part's own header and in the directory's.
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", raw, raw.index(mark) + place, 93)
    return bytes(raw)


def test_without_its_library_the_extra_is_named(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "inspect_ai.log", None)
    with pytest.raises(RunError, match=r"which its own library reads; install it: pip install -e '\.\[logs\]'"):
        read_log(logs / "base")
