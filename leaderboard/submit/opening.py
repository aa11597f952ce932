"""Opening a pull request: prints the git commands and the text of a submission; nothing is run or pushed."""

from __future__ import annotations

import shlex
from pathlib import Path

from harness.records import GitError, run_git
from leaderboard.acceptance import Report, numbers_line
from leaderboard.documents import MANIFEST_FILE, Manifest, base_home, clean, read_manifest
from leaderboard.entries import Finding
from leaderboard.numbers import markdown


def commands(folder: Path, bases: Path, report: Report) -> list[str]:
    """The git commands, in order; the base's run is added if git does not track it yet."""
    manifest = read_manifest(folder / MANIFEST_FILE)
    home = bases / base_home(manifest)
    added = [folder, *([] if _is_tracked(home) else [home])]
    branch = f"submit/{report.entry}"
    return [
        f"git switch -c {branch}",
        shlex.join(["git", "add", "--", *map(str, added)]),
        shlex.join(["git", "commit", "-m", title(manifest)]),
        f"git push -u origin {branch}",
    ]


def title(manifest: Manifest) -> str:
    """One line that says what is submitted."""
    return clean(f"Submit {manifest.tuned_model.name}: {manifest.target} on {_suite(manifest)}", 120)


def pull_request(folder: Path, report: Report) -> str:
    """Title and body. Names by others are in code spans, so that they are not read as Markdown."""
    manifest = read_manifest(folder / MANIFEST_FILE)
    numbers = f"- {numbers_line(report.numbers)}" if report.numbers is not None else ""
    tuned, base = markdown(manifest.tuned_model.name), markdown(manifest.base.name)
    lines = [
        f"Title: {title(manifest)}",
        "",
        f"Entry {markdown(report.entry)}: {tuned}, a fine-tune of {base}.",
        "",
        f"- suite {markdown(_suite(manifest))}, protocol {markdown(manifest.suite.protocol)}, track {manifest.track}",
        f"- target {markdown(manifest.target)}, method {manifest.method.family}",
        f"- selection: {manifest.selection.attempts_evaluated} evaluated, {markdown(manifest.selection.chosen_by)}",
        numbers,
        "",
        "`retention submit validate` accepted it on my machine. This pull request adds this one folder (and the base's "
        "run, if it is new). I agree that the stored outputs are published with the entry.",
        *(["", "Flags raised:", ""] if report.of("flag") else []),
        *(_flag(found) for found in report.of("flag")),
    ]
    return "\n".join(lines)


def _flag(found: Finding) -> str:
    return f"- {markdown(found.rule)}: {markdown(found.line, 300)}"


def _suite(manifest: Manifest) -> str:
    return f"{manifest.suite.id}-{manifest.suite.version}"


def _is_tracked(folder: Path) -> bool:
    """Whether git tracks files of ``folder``; False without git."""
    try:
        return bool(run_git(folder, "ls-files", "--", "."))
    except GitError:
        return False
