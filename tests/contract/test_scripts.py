"""Evaluations called from a script, `python -c` and standard input: each works or says why it does not."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.fakes import part_of_nano

CALL = """
import retentionbench as rb
card = rb.evaluate("nano:base", "nano:sft", suite={suite!r}, target="math", out={out!r}, engine="transformers")
print("retention", card.retention_macro)
"""
GUARDED = "if __name__ == '__main__':\n" + "\n".join(f"    {line}" for line in CALL.strip().splitlines())
CAUGHT = (
    "try:\n"
    + "\n".join(f"    {line}" for line in CALL.strip().splitlines())
    + "\nexcept Exception as error:\n    print(error)\n    raise"
)


def run(folder: Path, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    suite = part_of_nano(folder, "math_arithmetic", "science_facts")
    text = program.format(suite=str(suite), out=str(folder / "runs"))
    script = folder / "script.py"
    script.write_text(text)
    command = [sys.executable, *(arguments or (str(script),)), *([text] if arguments == ("-c",) else [])]
    given = None if arguments != ("-",) else text
    return subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=200, check=False, cwd=folder, env=dict(os.environ)
    )


def test_a_script_without_a_guard_is_told_so(tmp_path: Path) -> None:
    """Also one that catches what the call raises in the child that runs it again."""
    done = run(tmp_path, CAUGHT)
    assert done.returncode == 1
    assert 'put what the script does below `if __name__ == "__main__":`' in done.stderr.splitlines()[-1]


def test_everything_else_works_and_shares_what_was_answered(tmp_path: Path) -> None:
    for program, *arguments in ((GUARDED,), (CALL, "-c"), (CALL, "-")):
        done = run(tmp_path, program, *arguments)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("retention ")
