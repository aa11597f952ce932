"""``python -m harness.cli``: the harness's own commands, as child processes call them."""

from harness.cli import main

main()
