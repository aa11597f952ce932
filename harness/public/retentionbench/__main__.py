"""``python -m retentionbench``: the command line where its script is not on the path."""

from leaderboard.cli import main

main()
