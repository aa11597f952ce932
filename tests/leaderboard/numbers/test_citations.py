"""Citations: what is written reads back by a BibTeX parser of others and by ours; and what a quotation is told."""

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pybtex.database
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import RetentionError
from leaderboard.board.board import load_board
from leaderboard.cli import cli
from leaderboard.documents.text import clean
from leaderboard.entries.judges import Judges
from leaderboard.entries.shelf import Scored, Shelf
from leaderboard.ledger import events as ev
from leaderboard.numbers.cells import cells_of, parse_cell
from leaderboard.numbers.citations import cite, label, quotation, quoted_number, tex
from leaderboard.numbers.quotations import MAX_CITATIONS, Finding, verify
from leaderboard.numbers.reproduction import judge_again, reproduce
from leaderboard.site.build import write_site
from tests.support.accepting import accepted, maintained, noted
from tests.support.synthetic_board import HOSTILE_NAME, Folders, add_entry, copied, folders

pytestmark = pytest.mark.slow

GAIN = {"jigsaw_2x2": 0.8, "math_word": 0.4}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return folders(tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="module")
def entry(empty: Folders, tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """The same with one entry."""
    made = copied(empty, tmp_path_factory.mktemp("entry"))
    add_entry(made, "nano-sft", GAIN)
    return made


@pytest.fixture
def made(empty: Folders, tmp_path: Path) -> Folders:
    return copied(empty, tmp_path)


@pytest.fixture
def shelf(made: Folders, tmp_path: Path) -> Shelf:
    return Shelf(made.submissions, made.bases, maintained(tmp_path / "events"), tmp_path / "releases")


@pytest.fixture
def scored(made: Folders, entry: Folders, shelf: Shelf) -> Scored:
    copied(entry, made.submissions.parent)
    (folder,) = made.submissions.iterdir()
    return shelf.scored(folder.name)


def options(shelf: Shelf) -> list[str]:
    return [
        word
        for name in ("submissions", "bases", "events", "releases")
        for word in (f"--{name}", str(getattr(shelf, name)))
    ]


def parsed(text: str) -> Any:
    """The one record of ``text``, as pybtex reads it."""
    (entry,) = pybtex.database.parse_string(text, "bibtex").entries.values()
    return entry


# --- writing ---


def test_bibtex_is_read_by_a_parser_of_others(scored: Scored) -> None:
    cell = cells_of(scored.entry_id, scored.card)["gain"]
    entry = parsed(cite(scored, cell, "bibtex", "https://example.org/board/"))
    assert entry.type == "misc"
    assert entry.key == f"retentionbench-{scored.entry_id}-{cell.hash}"
    assert entry.fields["year"] == "2026"
    assert [str(person) for person in entry.persons["author"]] == ["{ada}"]
    assert entry.fields["title"] == "{nano-sft against nano-base on synthetic-1}"
    assert entry.fields["url"] == f"https://example.org/board/entries/{scored.entry_id}.html#gain"
    assert parsed(cite(scored, None, "bibtex")).key == f"retentionbench-{scored.entry_id}"


HOSTILE = [
    "a} , note = {gotcha}",
    "\\input{/etc/passwd}",
    "{{{{",
    "}}}}",
    '"quoted" # "joined"',
    "@string{x = {y}}",
    "50% & more_or $less$ ~here^ <there> |",
    "\\end{document}\\write18{id}",
    "%\n@misc{second, title={t}}",
    HOSTILE_NAME,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_one_field(name: str) -> None:
    record_ = f"@misc{{key,\n  title = {{{tex(name)}}},\n  year = {{2026}}\n}}"
    entry = parsed(record_)
    assert set(entry.fields) == {"title", "year"}
    assert unwritten(entry.fields["title"]) == clean(name)


def unwritten(text: str) -> str:
    """What TeX prints for text written by :func:`tex`; anything else with a meaning to it is an error."""
    names = {"textbackslash": "\\", "textbraceleft": "{", "textbraceright": "}", "textasciitilde": "~",
             "textasciicircum": "^", "textless": "<", "textgreater": ">", "textbar": "|"}  # fmt: skip
    out, rest = "", text
    while rest:
        if match := re.match(r"\\([a-z]+)\{\}", rest):
            out += names[match[1]]
        elif (match := re.match(r"\\([%$#&_])", rest)) or (match := re.match(r"\{([\"@])\}", rest)):
            out += match[1]
        else:
            match = re.match(r"[^\\{}$&#^_~%]", rest)
            assert match is not None, rest
            out += match[0]
        rest = rest[match.end() :]
    return out


@given(st.text(max_size=60))
def test_any_text_is_balanced_and_reads_back(name: str) -> None:
    written = tex(name)
    assert unwritten(written) == clean(name)
    depth = 0
    for char in written:
        depth += {"{": 1, "}": -1}.get(char, 0)
        assert depth >= 0
    assert depth == 0


def test_apa_and_signature(scored: Scored) -> None:
    cell = cells_of(scored.entry_id, scored.card)["task/math_word/delta"]
    apa = cite(scored, cell, "apa")
    assert apa.startswith("ada (2026). nano-sft against nano-base on synthetic-1 (Entry ")
    assert f"math_word: delta {cell.value * 100:+.1f} points, 95 % interval [" in apa  # type: ignore[operator]
    assert apa.endswith(f"({cell.reference}). Evidence: self-reported.")
    signed = cite(scored, cell, "signature")
    assert signed.startswith(scored.card.signature)
    assert f"|cell:{cell.reference}|value:{cell.value!r}|interval:" in signed
    assert cite(scored, None, "signature") == (
        f"{scored.card.signature}|entry:{scored.entry_id}|evidence:self-reported"
    )


def test_a_signature_may_claim_no_more_evidence_than_there_is(scored: Scored, shelf: Shelf) -> None:
    signed = cite(scored, None, "signature")
    without = signed.replace("|evidence:self-reported", "")
    assert [each.verdict for text in (signed, without) for each in verify(text, shelf)] == ["holds", "holds"]
    for claimed in ("verified", "reproduced", "certain"):
        (found,) = verify(signed.replace("self-reported", claimed), shelf)
        assert (found.verdict, "evidence" in found.message) == ("differs", True)


def test_evidence_and_standing_are_cited(scored: Scored, shelf: Shelf) -> None:
    noted(shelf, ev.Flagged, scored.entry_id, reason="doubtful")
    note = parsed(cite(shelf.scored(scored.entry_id), None, "bibtex")).fields["note"]
    assert note.endswith("; evidence: self-reported; standing: flagged")


def test_an_entry_is_cited_with_its_two_numbers(scored: Scored, shelf: Shelf) -> None:
    found = cells_of(scored.entry_id, scored.card)
    findings = verify(cite(scored, None, "bibtex"), shelf)
    assert [finding.quoted for finding in findings] == [found["gain"].reference, found["retention_macro"].reference]
    assert {finding.verdict for finding in findings} == {"holds"}


def test_a_site_must_be_https(scored: Scored) -> None:
    for site in ("http://example.org", "javascript:alert(1)", "https://ada:pw@example.org", "https://x.org/}{"):
        with pytest.raises(ValueError, match=r"https|ASCII|user name"):
            cite(scored, None, "bibtex", site)


def test_numbers_are_written_with_their_unit() -> None:
    assert [quoted_number(value, "points") for value in (0.8075, -0.004, 0.0, -0.0)] == [
        "+80.8",
        "-0.4",
        "0.0",
        "0.0",
    ]
    assert quoted_number(0.863, "percent") == "86.3"
    assert quoted_number(0.8312, "ratio") == "83.1"
    assert (quoted_number(0.00000012, "probability"), quoted_number(0.0314, "probability")) == ("1.20e-07", "0.031")
    assert (quoted_number(400.0, "count"), quoted_number(None, "ratio")) == ("400", "undefined")
    assert label("task/vision_count/forgotten_rate") == "vision_count: forgotten rate"


# --- verifying ---


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


@pytest.mark.parametrize("style", ["bibtex", "apa", "signature"])
@pytest.mark.parametrize("metric", ["gain", "balance", "task/math_word/delta", "task/math_word/n10", "alarms",
                                    "task/math_word/p_value", "group/math/retention", "transfer_gain"])  # fmt: skip
def test_every_citation_of_every_style_holds(scored: Scored, shelf: Shelf, style: Any, metric: str) -> None:
    cell = cells_of(scored.entry_id, scored.card)[metric]
    finding = only(verify(cite(scored, cell, style), shelf))
    assert finding.verdict == "holds", finding


def test_every_number_of_an_entry_verifies(scored: Scored, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shelf, "scored", lambda *_: scored)
    for cell in cells_of(scored.entry_id, scored.card).values():
        finding = only(verify(f"{quotation(cell)} ({cell.reference}).", shelf))
        assert finding.verdict == "holds", (cell, finding)


def test_a_wrong_number_is_told_the_right_one(scored: Scored, shelf: Shelf) -> None:
    cell = cells_of(scored.entry_id, scored.card)["gain"]
    low, high = cell.interval  # type: ignore[misc]
    said = f"{cell.value * 100:+.1f} points"  # type: ignore[operator]
    good = [
        f"gain {said} ({cell.id})",
        f"gain = {cell.value:.3f} ({cell.id})",
        f"In 2026, 3 of 5 models gained; nano-sft gained {said} on 400 items ({cell.id}).",
        f"{said} [{low * 100:.1f}, {high * 100:.1f}] {cell.id}",
        f"gain \N{MINUS SIGN}0 or rather {said} ({cell.id})",
        cell.reference,
        f"As of 2026, see {cell.reference}",
    ]
    for text in good:
        assert only(verify(text, shelf)).verdict == "holds", text
    wrong = [
        f"gain +99.9 points ({cell.id})",
        f"{said} [{low * 100 - 1:.1f}, {high * 100:.1f}] ({cell.id})",
        f"gain 0.999 ({cell.id})",
        f"gain -{said[1:]} ({cell.id})",
        # Marks between digits make another number of it, never a part of it.
        *(f"gain +1{mark}0{said[1:]} ({cell.id})" for mark in ",.'\u2019_ \u202f"),
        *(
            f"gain 9{mark}{said[1:]} ({cell.id})"
            for mark in ("\u200b", "\u0336", "\xb7", "\u066b", "/", "\xd7", "x", "(", "*", "{,}", "<b>", ":", "&", "`")
        ),
        *(f"gain {minus}{said[1:]} ({cell.id})" for minus in "\u2010\u2011\u2012\u2014\u2212\u2796\ufe63\uff0d\xb1"),
        *(f"gain {digit}{said[1:]} ({cell.id})" for digit in "\uff19\u0669\u096f"),
        *(f"gain {said.replace(' ', mark)} ({cell.id})" for mark in ("k ", "th ", "\u00b2 ", "\u00bd ", "^3 ", "/2 ")),
        # Words make another number of it too.
        *(
            f"gain {words} {said} ({cell.id})"
            for words in ("minus", "half of", "three times", "less than", "a loss of -")
        ),
        *(f"a {words} {said[1:]} ({cell.id})" for words in ("loss of", "drop by", "negative")),
        *(f"gain {said} {words} ({cell.id})" for words in ("times ten", "per mille", "(in thousands)", "x 2")),
        f"gain {said.replace(' ', ' thousand ')} ({cell.id})",
        # Of which nothing is known but that it is below some power of ten.
        *(f"gain {coarse} points ({cell.id})" for coarse in ("0e9", "1e2", "0e999", "1e999", "8e1")),
        f"gain 1 ({cell.id})",
    ]
    for text in wrong:
        finding = only(verify(text, shelf))
        assert finding.verdict == "differs", text
        assert quotation(cell) in finding.message


def test_a_decimal_comma_is_read(scored: Scored, shelf: Shelf) -> None:
    cell = cells_of(scored.entry_id, scored.card)["gain"]
    said = f"{cell.value * 100:+.1f}".replace(".", ",")  # type: ignore[operator]
    assert only(verify(f"gain {said} points ({cell.id})", shelf)).verdict == "holds"


def test_a_fall_in_words_is_a_change_below_zero(scored: Scored, shelf: Shelf) -> None:
    cell = cells_of(scored.entry_id, scored.card)["task/math_word/delta"]
    assert cell.value is not None
    assert cell.value < 0
    size = f"{-cell.value * 100:.1f} points"
    for text, verdict in ((f"fell by {size}", "holds"), (f"fell by -{size}", "holds"), (f"minus {size}", "holds"),
                          (f"rose by {size}", "differs"), (size, "differs")):  # fmt: skip
        assert only(verify(f"{text} ({cell.id})", shelf)).verdict == verdict, text


def test_an_entry_is_scored_once_however_often_it_is_quoted(
    scored: Scored, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Shelf, "scored", lambda _, entry_id: asked.append(entry_id) or scored)
    ids = [cell.id for cell in cells_of(scored.entry_id, scored.card).values()]
    assert {finding.verdict for finding in verify(" ".join(ids[:MAX_CITATIONS]), shelf)} == {"holds"}
    assert asked == [scored.entry_id]
    with pytest.raises(RetentionError, match=f"quotes 201 numbers; give at most {MAX_CITATIONS}"):
        verify(" ".join(f"{scored.entry_id}:x{k}@synthetic-1" for k in range(201)), shelf)


def test_the_manifests_are_read_once_however_many_signatures_there_are(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(Shelf, "manifests", lambda _: asked.append(1) or [])
    assert len(verify(" ".join(f"retentionbench:base:b|tuned:t|x:{k:030}" for k in range(100)), shelf)) == 100
    assert asked == [1]


def test_an_interval_cannot_be_quoted_where_there_is_none(scored: Scored, shelf: Shelf) -> None:
    cell = cells_of(scored.entry_id, scored.card)["task/math_word/forgotten_rate"]
    text = f"{cell.value * 100:.1f} % [1.0, 2.0] ({cell.id})"  # type: ignore[operator]
    assert only(verify(text, shelf)).verdict == "differs"


def test_several_quotations_are_checked_one_by_one(scored: Scored, shelf: Shelf) -> None:
    found = cells_of(scored.entry_id, scored.card)
    text = f"gain +99 points ({found['gain'].id}), balance {found['balance'].value:.2f} ({found['balance'].id}),"
    assert [finding.verdict for finding in verify(text, shelf)] == ["differs", "holds"]


def test_an_unknown_entry_metric_or_suite_is_told(scored: Scored, shelf: Shelf) -> None:
    entry = scored.entry_id
    assert only(verify("aaaaaaaaaaaa:gain@nano-1", shelf)).verdict == "unknown"
    assert only(verify(f"{entry}:gane@synthetic-1", shelf)).verdict == "differs"
    assert "answers suite synthetic-1" in only(verify(f"{entry}:gain@nano-1", shelf)).message


@pytest.mark.parametrize("text", ["", "gain +80.8 points", "the entry is great " * 50])
def test_a_text_without_a_quotation_is_refused(shelf: Shelf, text: str) -> None:
    with pytest.raises(RetentionError, match="no cell id and no signature"):
        verify(text, shelf)


def test_a_text_of_any_size_is_refused_or_read_at_once(shelf: Shelf) -> None:
    with pytest.raises(RetentionError, match="longer than"):
        verify("a" * 100_000, shelf)
    for hostile in ("1" * 65_000, "abcdefghijk2:" * 5_000, "1 [1," * 10_000, "a/" * 30_000 + "@", "%" * 65_000):
        with pytest.raises(RetentionError, match="no cell id"):
            verify(hostile, shelf)


def test_replaced_answers_are_named(made: Folders, scored: Scored, shelf: Shelf) -> None:
    old = cells_of(scored.entry_id, scored.card)["gain"]
    accepted(shelf, scored.entry_id)
    shutil.rmtree(made.submissions / scored.entry_id)
    add_entry(made, "nano-sft", GAIN | {"jigsaw_2x2": 0.6})
    before = only(verify(old.reference, shelf))
    assert (before.verdict, "or it was never this number's" in before.message) == ("differs", True)
    accepted(shelf, scored.entry_id)
    assert "the entry's answers were replaced on 20" in only(verify(old.reference, shelf)).message


def test_a_release_tells_what_changed(made: Folders, scored: Scored, shelf: Shelf) -> None:
    write_site(load_board(made.submissions, made.bases), shelf.releases / "2026-11")
    old = cells_of(scored.entry_id, scored.card)["gain"]
    shutil.rmtree(made.submissions / scored.entry_id)
    add_entry(made, "nano-sft", GAIN | {"jigsaw_2x2": 0.6})
    message = only(verify(f"{quotation(old)} ({old.reference})", shelf)).message
    assert "since release 2026-11 the tuned model's answers and the value (it was gain" in message
    assert "quoted is +" in message


def test_a_withdrawn_entry_is_not_quoted_as_if_nothing_had_happened(
    made: Folders, scored: Scored, shelf: Shelf
) -> None:
    cell = cells_of(scored.entry_id, scored.card)["gain"]
    signed = cite(scored, cell, "signature")
    noted(shelf, ev.Flagged, scored.entry_id, reason="doubtful")
    flagged = only(verify(cell.reference, shelf))
    assert (flagged.verdict, "the entry is flagged" in flagged.message) == ("holds", True)
    noted(shelf, ev.Withdrawn, scored.entry_id, reason="its author asked for it")
    for text in (cell.reference, signed):
        finding = only(verify(text, shelf))
        assert (finding.verdict, "its author asked for it" in finding.message) == ("differs", True)
    shutil.rmtree(made.submissions / scored.entry_id)
    finding = only(verify(cell.reference, shelf))
    assert (finding.verdict, "withdrawn on 20" in finding.message) == ("unknown", True)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("target:jigsaw", "target:math", "target is jigsaw, quoted math"),
        ("bootstrap:", "seed:1|bootstrap:", "seed is not there, quoted 1"),
        ("protocol:direct|", "", "protocol is direct, quoted without"),
        ("protocol:direct|", "protocol:think|protocol:direct|", "quoted think and direct"),
        ("|value:", "|value:1", "value is"),
    ],
)
def test_a_changed_signature_is_told_field_by_field(
    scored: Scored, shelf: Shelf, old: str, new: str, told: str
) -> None:
    signed = cite(scored, cells_of(scored.entry_id, scored.card)["gain"], "signature")
    assert old in signed
    finding = only(verify(signed.replace(old, new), shelf))
    assert finding.verdict == "differs"
    assert told in finding.message


def test_a_signature_of_other_weights_is_unknown(scored: Scored, shelf: Shelf) -> None:
    tuned = scored.entry.tuned.record.checkpoint.weights_digest[:12]
    signed = cite(scored, None, "signature").replace(f"tuned:{tuned}", "tuned:000000000000")
    assert only(verify(signed, shelf)).verdict == "unknown"
    assert only(verify(signed.replace("tuned:000000000000|", ""), shelf)).verdict == "unknown"


def test_the_signature_of_the_board_holds_without_the_entry(scored: Scored, shelf: Shelf) -> None:
    assert only(verify(f"({scored.card.signature})", shelf)).verdict == "holds"


# --- reproducing ---


def test_a_number_is_reproduced_from_the_stored_outputs(
    made: Folders, scored: Scored, shelf: Shelf, tmp_path: Path
) -> None:
    index = write_site(load_board(made.submissions, made.bases), tmp_path / "site")
    cell = cells_of(scored.entry_id, scored.card)["gain"]
    result = reproduce(parse_cell(cell.reference), shelf, index.parent / "board.json")
    assert result.equal
    assert [what for what, _ in result.compared] == [f"the hash {cell.hash}", f"{quotation(cell)} in board.json"]
    assert "suite synthetic-1 is not shipped" in result.notes[0]
    false = parse_cell(cell.id + "#000000000000")
    assert not reproduce(false, shelf, None).equal


def test_a_board_with_another_number_is_different(made: Folders, scored: Scored, shelf: Shelf, tmp_path: Path) -> None:
    board = write_site(load_board(made.submissions, made.bases), tmp_path / "site").parent / "board.json"
    gain = repr(scored.card.learned.gain)
    board.write_text(board.read_text().replace(f'"gain":{gain}', '"gain":0.123'))
    run = CliRunner().invoke(
        cli, ["reproduce", f"{scored.entry_id}:gain@synthetic-1", "--board", str(board), *options(shelf)]
    )
    assert run.exit_code == 1, run.output
    assert "DIFFERENT from gain +12.3 points" in run.output


@pytest.mark.slow
def test_the_outcomes_of_the_shipped_base_are_judged_again() -> None:
    from harness.records.run import read_run
    from harness.records.samples import Outcome

    (folder,) = (Path(__file__).parents[3] / "leaderboard/data/bases/nano-1").iterdir()
    run = read_run(folder)
    assert judge_again(run, "base", Judges()) == (True, "base: 2800 outputs were judged again, every outcome as stored")
    lost = run.samples.index[run.samples["outcome"] == Outcome.CORRECT][0]
    samples = run.samples.copy()
    samples.loc[lost, "outcome"] = Outcome.WRONG
    same, note = judge_again(replace(run, samples=samples), "base", Judges())
    assert same is False
    assert "1 stored values are not theirs" in note


def test_commands_exit_0_1_and_2(
    made: Folders, scored: Scored, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # Where the checkout has built a board, `reproduce` would compare with it.
    where, cell = options(shelf), f"{scored.entry_id}:gain@synthetic-1"

    def run(*words: str, text: str | None = None) -> Any:
        return CliRunner().invoke(cli, [*words, *where], input=text)

    cited = run("cite", cell)
    assert cited.exit_code == 0
    checked = run("verify-citation", "--file", "-", text=cited.stdout)
    assert (checked.exit_code, checked.stdout[:6]) == (0, "holds:")
    assert run("verify-citation", f"gain +1 points ({cell})").exit_code == 1
    assert run("verify-citation", "nothing here").exit_code == 2
    assert run("verify-citation").exit_code == 2
    assert run("cite", cell + "#000000000000").exit_code == 1
    assert run("cite", "aaaaaaaaaaaa").exit_code == 2
    assert run("cite", cell, "--site", "http://x").exit_code == 2
    lonely = run("reproduce", cell)
    assert (lonely.exit_code, "nothing to compare with" in lonely.stderr) == (2, True)
    hashed = cells_of(scored.entry_id, scored.card)["gain"].reference
    assert run("reproduce", hashed).exit_code == 0
    assert '"equal": true' in run("reproduce", hashed, "--json").stdout
