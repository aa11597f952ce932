"""``python -m harness.cli``: the command line where its script is not on the path."""

from harness.cli import main

main()
