"""Entries that no model made: none is believed, and most are asked to be verified first."""

import pytest

from harness.records.run import read_run
from harness.scoring import score_pair
from leaderboard.acceptance import fabrication
from leaderboard.acceptance.copies import compare, fingerprint
from leaderboard.acceptance.references import Reference, reference
from leaderboard.board.board import Board, load_board
from leaderboard.documents.manifest import MANIFEST_FILE, read_manifest
from leaderboard.entries.rules import Finding
from tests.hostile.fabricated import CORPUS, SUBMISSIONS, Shipped, shipped, write_forged

pytestmark = pytest.mark.slow

# The two entries of the shipped board that were verified, and their method family.
VERIFIED = {"4eauwmhpomvr": "sft", "hhkiwni7rppe": "sft"}
SIGNS = (fabrication.outside_references, fabrication.few_losses, fabrication.unlike_mistakes)
# The recipes of cheating, by the first word of an entry's name.
RECIPES = {"gold", "base", "filler", "mixture", "reformatted"}


@pytest.fixture(scope="module")
def known() -> Shipped:
    return shipped()


@pytest.fixture(scope="module")
def forged(known: Shipped, tmp_path_factory: pytest.TempPathFactory) -> tuple[Board, dict[str, str]]:
    root = tmp_path_factory.mktemp("fabricated")
    names = {folder.name: name for name, folder in write_forged(known, root)}
    return load_board(root / "submissions", root / "bases"), names


@pytest.fixture(scope="module")
def flags(known: Shipped, forged: tuple[Board, dict[str, str]]) -> dict[str, list[Finding]]:
    """What each entry of the corpus is flagged for, beside the shipped entries it was made from."""
    board, names = forged
    cards = {row.entry_id: row for row in board.rows}
    verified = [verified_entry(known, entry) for entry in VERIFIED]
    first = next(iter(cards.values()))
    prints = [fingerprint(name, first.manifest, known.base, run) for name, run in known.entries.items()]
    found: dict[str, list[Finding]] = {name: [] for name in names.values()}
    for entry, row in cards.items():
        tuned = read_run(row.folders[1])
        own = reference(entry, row.manifest.method.family, known.base, tuned, row.card)
        found[names[entry]] += [each for sign in SIGNS for each in sign(own, verified)]
        copied = compare([*prints, fingerprint(entry, row.manifest, known.base, tuned)],
                         {name: at for at, name in enumerate(known.entries)})  # fmt: skip
        found[names[entry]] += [each for which, each in copied if which == entry and each.rule != "attempts"]
    return found


def verified_entry(known: Shipped, entry: str) -> Reference:
    tuned = read_run(SUBMISSIONS / entry / "tuned")
    card = score_pair(known.base, tuned, read_manifest(SUBMISSIONS / entry / MANIFEST_FILE).target)
    return reference(entry, VERIFIED[entry], known.base, tuned, card)


def test_the_corpus_has_at_least_twenty_entries_by_five_recipes() -> None:
    assert len(CORPUS) >= 20
    assert {name.split("-")[0] for name in CORPUS} == RECIPES


def test_every_one_is_consistent_and_looks_like_the_best_there_is(forged: tuple[Board, dict[str, str]]) -> None:
    """Else the corpus would prove nothing."""
    board, names = forged
    assert board.bad == ()
    assert len(board.rows) == len(names) == len(CORPUS)
    assert max(row.card.balance or 0 for row in board.rows) > 0.99


def test_every_one_is_provisional_and_none_has_a_rank_or_a_place_on_the_front(
    forged: tuple[Board, dict[str, str]],
) -> None:
    board, _ = forged
    assert all(row.provisional for row in board.rows)
    assert not any(row.placing.rank or row.placing.front or row.placing.letters for row in board.rows)
    assert all("provisional" in [tag.text for tag in row.tags] for row in board.rows)


def test_at_least_three_quarters_are_asked_to_be_verified_first(flags: dict[str, list[Finding]]) -> None:
    flagged = {name: [each.rule for each in found] for name, found in flags.items() if found}
    assert all(each.action == "flag" for found in flags.values() for each in found)
    assert len(flagged) >= 15, set(flags) - set(flagged)
    # Each recipe of cheating is seen, not one of them twenty times.
    assert {name.split("-")[0] for name in flagged} == RECIPES
