"""Reproduction: one number of the board, computed again from the stored outputs, against what was published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import RetentionError
from harness.records import Run
from harness.scoring import score_pair
from leaderboard.documents import suite_name
from leaderboard.entries import BOARD_FILE, Entry, Judges, Shelf, published_card
from leaderboard.numbers.cells import Cell, CellRef, cells_of, find_cell
from leaderboard.numbers.citations import quotation


@dataclass(frozen=True)
class Reproduction:
    """The number as it comes out now, and what it was compared with: ``(what, the same)`` each.

    ``notes`` say what the number rests on; a number nothing was compared with is neither equal nor different.
    """

    cell: Cell
    compared: tuple[tuple[str, bool], ...]
    notes: tuple[str, ...]

    @property
    def equal(self) -> bool:
        return all(same for _, same in self.compared)


def reproduce(ref: CellRef, shelf: Shelf, board: Path | None, suites: Sequence[Path] = ()) -> Reproduction:
    """Judge the entry's stored outputs again, score the pair, and compare the number that ``ref`` names.

    Compared are the hash in ``ref``, and the number in ``board`` (a ``board.json``; by default the newest release's).
    ``suites`` are files of suites that are not shipped.
    Outcomes that the tasks' own scoring does not give make the number different, whatever it is.
    """
    scored = shelf.scored(ref.entry_id)
    cell = find_cell(ref, scored.card)
    compared: list[tuple[str, bool]] = []
    notes = []
    judges = Judges(suites)
    for side, run in (("base", scored.entry.base), ("tuned", scored.entry.tuned)):
        same, note = judge_again(run, side, judges)
        notes.append(note)
        if same is not None:
            compared.append((f"the {side} outcomes as stored", same))
    if ref.hash is not None:
        compared.append((f"the hash {ref.hash}", ref.hash == cell.hash))
    published = _published(ref, shelf, board)
    if published is not None:
        where, number = published
        same = (number.value, number.interval) == (cell.value, cell.interval)
        compared.append((f"{quotation(number)} in {where}", same))
    return Reproduction(cell, tuple(compared), tuple(notes))


def reproduce_by_running(ref: CellRef, entry: Entry, runs: tuple[Run, Run], cell: Cell) -> Reproduction:
    """Score two runs that were generated again, and compare the number with the one from the stored outputs."""
    again = cells_of(ref.entry_id, score_pair(*runs, entry.manifest.target))[ref.metric]
    same = (again.value, again.interval) == (cell.value, cell.interval)
    notes = []
    for side, stored, new in zip(("base", "tuned"), (entry.base, entry.tuned), runs, strict=True):
        texts = stored.samples.set_index("item_id")["output"]
        other = new.samples.set_index("item_id")["output"].reindex(texts.index)
        notes.append(f"{side}: {int((texts != other).sum())} of {len(texts)} outputs differ from the stored ones")
    return Reproduction(again, ((f"{quotation(cell)} from the stored outputs", same),), tuple(notes))


def judge_again(run: Run, side: str, judges: Judges) -> tuple[bool | None, str]:
    """Whether the tasks' own scoring gives the outcomes that ``run`` stores, and that in a sentence.

    None where it cannot be told: the suite is not shipped, or the questions of a task are not on this machine.
    """
    suite = judges.suite(suite_name(run.record))
    if suite is None:
        return None, f"{side}: suite {suite_name(run.record)} is not shipped, so outcomes are taken as stored"
    found = judges.recompute(suite, run)
    if found.differences or found.unknown:
        first = found.differences[0] if found.differences else None
        what = f"{first.task}, item {first.item_id[:12]}: {first.column}" if first else "items the suite does not have"
        return False, f"{side}: {len(found.differences) + len(found.unknown)} stored values are not theirs ({what})"
    if found.unavailable:
        return None, (
            f"{side}: {found.rows} outputs were judged again as stored; not judged, their questions are not here: "
            f"{', '.join(sorted(found.unavailable))}"
        )
    return True, f"{side}: {found.rows} outputs were judged again, every outcome as stored"


def _published(ref: CellRef, shelf: Shelf, board: Path | None) -> tuple[str, Cell] | None:
    if board is not None:
        card = published_card(board, ref.entry_id)
        if card is None:
            raise RetentionError(f"{board}: has no entry {ref.entry_id}; build it with `retention board build`")
        return board.name, find_cell(ref, card)
    for release, card in shelf.released(ref.entry_id):
        return f"release {release}, {BOARD_FILE}", find_cell(ref, card)
    return None
