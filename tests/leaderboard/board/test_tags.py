"""Tags: what a reader should know of an entry beside its numbers."""

import pytest

from leaderboard.board.tags import GOT_WORSE, NO_GAIN, PROVISIONAL, Interval, Tag, gain_tag, shared, tags_of
from leaderboard.ledger import Evidence, Standing


@pytest.mark.parametrize(
    ("interval", "tag"),
    [
        ((0.001, 0.2), None),
        ((0.0, 0.2), NO_GAIN),
        ((-0.1, 0.2), NO_GAIN),
        ((-0.1, 0.0), NO_GAIN),
        ((-0.2, -0.001), GOT_WORSE),
        (None, NO_GAIN),
    ],
)
def test_a_gain_is_shown_by_its_interval_alone(interval: Interval | None, tag: Tag | None) -> None:
    assert gain_tag(interval) == tag


def test_an_entry_has_a_tag_for_standing_gain_evidence_and_alarms() -> None:
    assert tags_of((0.1, 0.2), Evidence.SELF_REPORTED, Standing.ACTIVE, 0) == (PROVISIONAL,)
    assert PROVISIONAL not in tags_of((0.1, 0.2), Evidence.SELF_REPORTED, Standing.WITHDRAWN, 0)
    told = tags_of((-0.2, -0.1), Evidence.VERIFIED, Standing.FLAGGED, 1)
    assert [(tag.text, tag.tone) for tag in told] == [
        ("flagged", "warn"), ("got worse", "warn"), ("verified", "good"), ("1 alarm", "warn"),
    ]  # fmt: skip
    assert tags_of((0.1, 0.2), Evidence.SELF_REPORTED, Standing.ACTIVE, 2)[-1].text == "2 alarms"


def test_shared_tags_are_those_of_all() -> None:
    verified = Tag("verified", "good")
    assert shared([(NO_GAIN, verified), (verified,)]) == (verified,)
    assert shared([(verified,), ()]) == shared([]) == ()
