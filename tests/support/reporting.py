"""What the report of an accepted entry is made of."""

from leaderboard.acceptance.report import Numbers
from leaderboard.entries.rules import STEPS

NUMBERS = Numbers(
    target="math",
    gain=0.1,
    gain_ci=(0.0, 0.2),
    normalised_gain=0.2,
    retention_macro=None,
    retention_macro_ci=None,
    rests_on="not enough evidence",
    worst_group=None,
    balance=None,
    no_balance="no gain shown",
    signature="s",
)
ALL = set(STEPS.values())
