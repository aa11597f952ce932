"""The whole pipeline over all cases, in a process of its own that remembers what it did.

``python -m tests.hostile.pipeline ROOT`` reads ``plan.json`` there, takes every case through what the program would do
with it (scan, render, parse, validate, recompute, build the board, cite), and writes ``result.json``: what became of
each case, how much memory it took, and every file, address and program that was opened.
"""

import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

HONEST = "the honest entry"
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
opened: dict[str, list[str]] = {"written": [], "connected": [], "run": [], "unpickled": []}


def remember(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook of the interpreter: what no code below can go round."""
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING:
        # A descriptor was opened by a path before, which was an event of its own.
        opened["written"].extend(os.fsdecode(each) for each in arguments[:1] if isinstance(each, str | bytes))
    elif event in (
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.mkdir",
        "os.symlink",
        "os.link",
        "os.truncate",
        "os.chmod",
    ):
        # What a link leads to is not written.
        paths = arguments[1:2] if event == "os.symlink" else arguments[:2]
        # Folders are removed by the descriptors of those that they are in.
        inside = arguments[1] if event in ("os.remove", "os.rmdir") and arguments[1] >= 0 else None
        home = Path() if inside is None else Path(f"/proc/self/fd/{inside}").readlink()
        opened["written"].extend(str(home / os.fsdecode(each)) for each in paths if isinstance(each, str | bytes))
    elif event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        opened["connected"].append(repr(arguments[1:] if event.startswith("socket.connect") else arguments))
    elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "pty.spawn"):
        opened["run"].append(f"{event} {arguments[0] if arguments else ''}")
    elif event == "pickle.find_class":
        opened["unpickled"].append(f"{arguments[0]}.{arguments[1]}")


def main(root: Path) -> None:
    plan = json.loads((root / "plan.json").read_text())
    results: dict[str, dict[str, Any]] = {}
    from harness.errors import RetentionError

    runners = {"model": run_model, "names": run_names, "template": run_template, "table": run_table,
               "ledger": run_ledger, "request": partial(run_request, root)}  # fmt: skip
    for case in plan["cases"]:
        if case["kind"] in runners:
            begun = time.monotonic()
            try:
                said = runners[case["kind"]](case["given"])
                results[case["name"]] = {"verdict": "neutralised", "said": said}
            except RetentionError as error:
                results[case["name"]] = {"verdict": "refused", "said": str(error)}
            except BaseException as error:
                results[case["name"]] = {"verdict": "crashed", "said": repr(error)[:500]}
            results[case["name"]]["seconds"] = time.monotonic() - begun
    run_answers([case for case in plan["cases"] if case["kind"] == "answers"], results)
    run_entries(plan, results)
    # The kernel's own mark for this program; ru_maxrss would remember that of the process it was started from.
    marks = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peaks = {
        "self": int(marks["VmHWM"].split()[0]) * 1024,
        "cpu seconds": cpu_seconds(),
        "child": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
    }
    remembered = {name: sorted(set(found)) for name, found in opened.items()}
    result = {"cases": results, "peaks": peaks, "opened": remembered, "modules": sorted(sys.modules)}
    (root / "out" / "result.json").write_text(json.dumps(result))


def cpu_seconds() -> float:
    """Of this process and of its children that have ended."""
    return float(sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def run_model(given: Any) -> str:
    """One folder, or a base and its fine-tune: scanned, opened, compared, staged, and asked for a prompt."""
    from harness.checkpoints.checkpoint import open_checkpoint
    from harness.checkpoints.prompts import PromptRenderer
    from harness.checkpoints.tokenizer_identity import compare_prompts, same_tokenizer
    from harness.engines import checked
    from tests.hostile.prompts import QUESTION

    first, *others = [given] if isinstance(given, str) else given
    opened = open_checkpoint(first)
    for other in others:
        tuned = open_checkpoint(other, opened)
        same_tokenizer(opened, tuned)
        prompt = PromptRenderer(opened.path).render(QUESTION)
        compare_prompts(opened, tuned, [(prompt.text, prompt.token_ids)])
        checked(tuned)
    base = checked(opened.base or opened)
    rendered = PromptRenderer(base.path).render("a" * 30 + "!").text
    staged = sorted(path.name for path in base.staged.iterdir())
    return f"{rendered} staged: {' '.join(staged)}; {(base.staged / 'config.json').read_text()[:500]}"


def run_names(given: list[str]) -> str:
    from harness.checkpoints.listing import list_repository

    return " ".join(list_repository("owner/repository", given).files)


def run_template(source: str) -> str:
    from harness.checkpoints.templates import ChatTemplate, TemplateError
    from harness.errors import RetentionError
    from tests.hostile.prompts import QUESTION

    try:
        return ChatTemplate(source, {"bos_token": "<s>"}).render(QUESTION)
    except TemplateError as error:
        raise RetentionError(str(error)) from error


def run_table(given: str) -> str:
    from harness.records.logs.detection import is_log, read_log
    from harness.records.tables import read_table

    path = Path(given)
    table = read_log(path) if is_log(path) else read_table(path)
    return str(table.record.tasks)


def run_ledger(given: str) -> str:
    """The ledger of an entry, by the list of maintainers beside all ledgers."""
    from leaderboard.ledger.authority import MAINTAINERS_FILE, read_maintainers
    from leaderboard.ledger.events import read_ledger

    ledger = read_ledger(Path(given), read_maintainers(Path(given).parents[1] / MAINTAINERS_FILE))
    return " ".join(event.kind for event in ledger)


def run_request(root: Path, given: dict[str, str]) -> str:
    """A branch of a repository, as the pull request of an account."""
    from leaderboard.acceptance.event_request import check_events
    from leaderboard.acceptance.pull_request import take

    checkout, head, author = Path(given["checkout"]), given["head"], given["author"]
    if given["what"] == "events":
        return str(check_events(checkout, "HEAD", head, author))
    return str(take(checkout, "HEAD", head, root / "out" / head, author))


def run_answers(cases: list[dict[str, Any]], results: dict[str, dict[str, Any]]) -> None:
    """Every answer to the first items of every task of the nano suite, through the tasks' own scoring."""
    from harness.lmeval.recompute import Recomputer
    from harness.records.samples_file import read_samples
    from harness.records.suites import load_suite

    recomputer = Recomputer(load_suite("nano-1"))
    (home,) = Path("leaderboard/data/bases/nano-1").iterdir()
    base = read_samples(home / "samples.parquet")
    for case in cases:
        begun = time.monotonic()
        answers = json.loads(Path(case["given"]).read_text())
        frame = base.groupby("task", sort=False).head(len(answers)).reset_index(drop=True)
        frame["output"] = frame.groupby("task").cumcount().map(answers.__getitem__)
        frame["outcome"] = "correct"
        found = recomputer.recompute(frame)
        judged = [each for each in found.differences if each.column in ("outcome", "output")]
        said = (
            "none is correct"
            if len(judged) == len(frame)
            else f"{len(frame) - len(judged)} of {len(frame)} are correct"
        )
        results[case["name"]] = {"verdict": "neutralised", "said": said, "seconds": time.monotonic() - begun}


def run_entries(plan: dict[str, Any], results: dict[str, dict[str, Any]]) -> None:
    """Validate every entry, compare them with each other or with those of their own board, accept those that every step
    accepts, build the board, cite and quote what is on it."""
    from leaderboard.acceptance.coverage import Surroundings
    from leaderboard.acceptance.report import report_lines
    from leaderboard.acceptance.steps import across, examine, validate
    from leaderboard.board.board import load_board
    from leaderboard.entries.shelf import Shelf
    from leaderboard.numbers.citations import cite
    from leaderboard.site.build import write_site
    from leaderboard.submit.opening import pull_request

    cases = [case for case in plan["cases"] if case["kind"] == "entry"]
    shelves: dict[str, Surroundings] = {}
    reports, prints = {}, []
    for case in [{"name": HONEST, "given": plan["honest"], "compared": True}, *cases]:
        folder, begun, spent = Path(case["given"]), time.monotonic(), cpu_seconds()
        home = _home(case)
        if home not in shelves:
            shelf = Shelf(*(Path(home) / name for name in ("submissions", "bases", "events", "releases")))
            shelves[home] = Surroundings(shelf, [Path(plan["suite"])])
        if home != plan["board"]:
            reports[case["name"]] = validate(folder, shelves[home])
        else:
            reports[case["name"]], printed = examine(folder, shelves[home])
            if case["compared"] and printed is not None:
                prints.append(printed)
        results[case["name"]] = {"seconds": time.monotonic() - begun, "cpu seconds": cpu_seconds() - spent}
    main_shelf = shelves[plan["board"]]
    compared = across(list(reports.values()), prints, main_shelf.shelf)
    for name, report in zip(reports, compared, strict=True):
        found = [{"rule": each.rule, "action": each.action, "line": each.line} for each in report.findings]
        results[name] |= {"verdict": report.verdict, "findings": found, "lines": list(report_lines(report))}
        json.dumps(report.model_dump(mode="json"), allow_nan=False)
    board = load_board(*accept_all(main_shelf.shelf, Path(plan["site"]).parent, compared))
    write_site(board, Path(plan["site"]))
    entries = {Path(each["given"]).name: each["name"] for each in cases if _home(each) == plan["board"]}
    for row in board.rows:
        name = entries.get(row.entry_id, HONEST)
        results[name] |= {
            "page": f"entries/{row.entry_id}.html",
            "cited": [cite(row, None, style) for style in ("bibtex", "apa", "signature")],
            "opened": pull_request(main_shelf.shelf.submissions / row.entry_id, reports[name]),
        }


def _home(case: dict[str, Any]) -> str:
    """The board that the entry of a case is on."""
    return str(Path(case["given"]).parent.parent)


def accept_all(shelf: Any, out: Path, reports: Sequence[Any]) -> tuple[Path, Path, Path]:
    """What the board is made of once a maintainer accepted what every step accepts: its ledgers lie below ``out``."""
    from leaderboard.entries.maintain import record_acceptance
    from leaderboard.entries.shelf import Shelf
    from leaderboard.ledger.authority import MAINTAINERS_FILE

    shutil.copytree(shelf.events, out / "events")
    shutil.copy(shelf.events.parent / MAINTAINERS_FILE, out)
    recorded = Shelf(shelf.submissions, shelf.bases, out / "events", shelf.releases)
    for report in reports:
        if report.accepted and (shelf.submissions / report.entry).is_dir():
            record_acceptance(recorded, report.entry, "mo")
    return recorded.submissions, recorded.bases, recorded.events


if __name__ == "__main__":
    sys.addaudithook(remember)
    main(Path(sys.argv[1]))
