"""Shortening: the file fits, no verdict changes, and what was cut can be told from what was not."""

import base64
import hashlib
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.lmeval.recompute import Recomputer
from harness.records.run import FullLog, read_record, read_run, write_record
from harness.records.samples import file_sha256
from leaderboard.acceptance.steps import examine
from leaderboard.documents.identity import seal
from leaderboard.entries.limits import KEPT_CHARACTERS, is_cut
from leaderboard.submit.prepare import prepare_entry
from leaderboard.submit.shortening import ShorteningError, cut, shorten, too_large
from tests.support.tiny import STATEMENT, Says, Tiny, TinyShelf, model, tiny_run, tiny_shelf, tiny_suite


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return tiny_suite(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def recomputer(tiny: Tiny) -> Recomputer:
    return Recomputer(tiny.suite, tiny.folder)


def talkative(seed: int, length: int, after: str = "") -> Says:
    """A model that thinks aloud about colours before it answers, in words that do not compress."""
    says = model(seed)

    def long(task: str, doc: dict[str, Any]) -> str | int:
        if task != "tiny_colours":
            return says(task, doc)
        noise = random.Random(doc["question"]).randbytes(length * 3 // 4)
        return f"{base64.b64encode(noise).decode()} {says(task, doc)}{after}"

    return long


@given(st.text(max_size=2000), st.sampled_from(KEPT_CHARACTERS))
def test_a_cut_output_is_shorter_or_the_same(output: str, kept: int) -> None:
    short = cut(output, kept)
    assert short == output or (len(short) < len(output) and is_cut(short))
    assert short.startswith(output[: min(len(output), kept // 4)])
    assert short.endswith(output[-(kept - kept // 4) :] if output else "")


def test_the_mark_names_the_whole_output() -> None:
    output = "x" * 5000
    digest = hashlib.sha256(output.encode()).hexdigest()[:16]
    assert f"[... 4744 characters left out, sha256 {digest} ...]" in cut(output, 256)
    assert not is_cut(output)
    assert not is_cut("[... 4744 characters left out, sha256 ...]")


def test_verdicts_stay_where_the_answer_would_be_cut_away(tiny: Tiny, recomputer: Recomputer, tmp_path: Path) -> None:
    # The answer of every other item stands in the middle, which no cut below 8,192 characters keeps.
    ends, middles = talkative(1, 6_000), talkative(1, 3_000, " And that is it." * 200)
    run = tiny_run(
        tiny, tmp_path / "run", lambda task, doc: (middles if "1" in str(doc["question"]) else ends)(task, doc)
    )
    log = shorten(tmp_path / "run", tmp_path / "short", recomputer, cap=200_000)
    short = read_run(tmp_path / "short")
    kept = [column for column in short.samples.columns if column not in ("output", "details")]
    assert short.samples[kept].equals(run.samples[kept])
    cut_ones = short.samples["output"].map(is_cut)
    middle = run.samples["output"].str.endswith("And that is it.")
    assert 0 < log.cut == int(cut_ones.sum())
    assert not cut_ones[middle].any()
    assert (short.samples["output"] == run.samples["output"])[~cut_ones].all()
    assert recomputer.recompute(short.samples).differences == ()
    size = (tmp_path / "run" / "samples.parquet").stat().st_size
    assert (log.samples_sha256, log.size) == (run.record.samples_sha256, size)
    assert short.record.full_log == log


def test_as_much_is_kept_as_fits(tiny: Tiny, recomputer: Recomputer, tmp_path: Path) -> None:
    tiny_run(tiny, tmp_path / "run", talkative(1, 9_000), "talker")
    longest = {}
    for cap in (300_000, 120_000):
        shorten(tmp_path / "run", tmp_path / str(cap), recomputer, cap=cap)
        assert (tmp_path / str(cap) / "samples.parquet").stat().st_size <= cap
        longest[cap] = read_run(tmp_path / str(cap)).samples["output"].str.len().max()
    assert longest[300_000] > longest[120_000]


def test_a_run_that_cannot_fit_is_refused_with_nothing_left(tiny: Tiny, recomputer: Recomputer, tmp_path: Path) -> None:
    tiny_run(tiny, tmp_path / "run", talkative(1, 1_000), "talker")
    with pytest.raises(ShorteningError, match="even with outputs truncated to 256 characters"):
        shorten(tmp_path / "run", tmp_path / "short", recomputer, cap=1_000)
    assert not list((tmp_path / "short").glob("*"))


def test_outputs_are_not_cut_where_they_cannot_be_judged_again(tiny: Tiny, tmp_path: Path) -> None:
    tiny_run(tiny, tmp_path / "run", talkative(1, 1_000), "talker")
    letters = tiny.suite.tasks["tiny_sums"].model_copy(update={"digest": "0" * 64})
    suite = tiny.suite.model_copy(update={"tasks": {**tiny.suite.tasks, "tiny_sums": letters}})
    with pytest.raises(ShorteningError, match="tiny_sums cannot be truncated, as they cannot be judged again"):
        shorten(tmp_path / "run", tmp_path / "short", Recomputer(suite, tiny.folder), cap=1_000)


@pytest.mark.slow
def test_a_large_run_becomes_a_small_entry_that_validates(tiny: Tiny, tmp_path: Path) -> None:
    made = tiny_shelf(tiny, tmp_path)
    tiny_run(tiny, made.run("talker"), talkative(1, 150_000), "talker")
    assert too_large(made.run("talker") / "samples.parquet")
    shelf = made.shelf
    prepared = prepare_entry(made.run("talker"), made.run("base"), STATEMENT, shelf.submissions, shelf.bases,
                       suites=[tiny.path])  # fmt: skip
    assert prepared.cut == 60
    assert not too_large(prepared.folder / "tuned" / "samples.parquet")
    report, _ = examine(prepared.folder, made.around)
    # Only what is no matter of size: the script has longer words than its tokens can be, and nothing more is looked at.
    assert {each.rule for each in report.of("refuse")} == {"token-counts"}
    forge_count(made, prepared.folder)
    assert "full-log" in {each.rule for each in examine(prepared.folder, made.around)[0].of("refuse")}


def test_the_whole_log_of_a_cut_run_is_named_on_the_hub(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tiny_shelf(tiny, tmp_path)
    run = tiny_run(tiny, made.run("talker"), talkative(1, 150_000), "talker")
    uploaded: dict[str, str] = {}

    def upload(repo: str, name: str, folder: Path) -> FullLog:
        uploaded[name] = sha256 = file_sha256(folder / "samples.parquet")
        return FullLog(
            samples_sha256=sha256, size=1, cut=0, repo=repo, revision="c" * 40, path=f"{name}/samples.parquet"
        )

    monkeypatch.setattr("leaderboard.submit.prepare.upload_log", upload)
    prepared = prepare_entry(made.run("talker"), made.run("base"), STATEMENT, made.shelf.submissions, made.shelf.bases,
                       suites=[tiny.path], to_hub="ada/logs")  # fmt: skip
    log = read_record(prepared.folder / "tuned").full_log
    assert log is not None
    assert (log.cut, log.repo, log.samples_sha256) == (60, "ada/logs", run.record.samples_sha256)
    assert uploaded[prepared.entry_id] == run.record.samples_sha256
    report, _ = examine(prepared.folder, made.around)
    assert {each.rule for each in report.of("refuse")} == {"token-counts"}


def forge_count(made: TinyShelf, folder: Path) -> None:
    record = read_record(folder / "tuned")
    assert record.full_log is not None
    log = record.full_log.model_copy(update={"cut": 3})
    write_record(folder / "tuned", record.model_copy(update={"full_log": log}))
    seal(folder)


def test_a_large_run_of_an_unknown_suite_asks_for_its_file(tiny: Tiny, tmp_path: Path) -> None:
    made = tiny_shelf(tiny, tmp_path)
    tiny_run(tiny, made.run("talker"), talkative(1, 150_000), "talker")
    with pytest.raises(Exception, match="give its file with --suite"):
        prepare_entry(made.run("talker"), made.run("base"), STATEMENT, made.shelf.submissions, made.shelf.bases)
    assert not list(made.shelf.submissions.iterdir())
