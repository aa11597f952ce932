"""Scores: what a scored entry solved."""

from pathlib import Path

from harness.records import Outcome, read_run
from leaderboard.board.cache import Cache
from leaderboard.board.contest import Questions
from leaderboard.board.scores import Score, score_entries
from tests.support.synthetic_board import add_entry, folders


def test_what_an_entry_solved_is_in_the_order_of_its_tracks_questions(tmp_path: Path) -> None:
    made = folders(tmp_path)
    folder = add_entry(made, "sft", {"jigsaw_2x2": 0.8, "math_word": 0.5}).folder
    (scored,) = score_entries([folder], made.bases, Cache(None), jobs=1)
    assert isinstance(scored, Score)
    base, tuned = read_run(made.bases / scored.base), read_run(folder / "tuned")
    outcomes = dict(zip(tuned.samples["item_id"], tuned.samples["outcome"], strict=True))
    ids = Questions.of(base.samples, base.record.suite.digest).item_ids
    assert list(ids) != tuned.samples["item_id"].tolist()
    assert scored.solved.tolist() == [outcomes[item_id] == Outcome.CORRECT for item_id in ids]
    assert 0 < scored.solved.sum() < len(ids)
