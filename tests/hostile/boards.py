"""Entries on boards of their own: what they are depends on what stands beside them, and on who came first."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from harness.items import files_digest
from harness.records.run import CheckpointRecord
from tests.hostile.case import Case, Shop, edit, record
from tests.support.accepting import accepted
from tests.support.tiny import TinyShelf, model, tiny_checkpoint

_COMMIT = "c0ffee" * 6 + "c0ff"


def git(where: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", where, *identity, *arguments], capture_output=True, check=True)


def beside(shop: Shop, case: Case) -> TinyShelf:
    """A board with the base run of the honest entry, which is not there itself."""
    board = TinyShelf(shop.board.tiny, shop.folder(case))
    shutil.copytree(shop.board.shelf.bases, board.shelf.bases)
    shutil.copytree(shop.board.run("base"), board.run("base"))
    board.shelf.submissions.mkdir()
    return board


def moved(shop: Shop, case: Case, board: TinyShelf) -> Path:
    """The copy of the honest entry that is made for a case, on its own board."""
    made = shop.copy(case)
    return Path(shutil.move(made, board.shelf.submissions / made.name))


def _of_the_hub(name: str) -> CheckpointRecord:
    """A checkpoint that says it is one commit of one repository, whatever its files are."""
    made = tiny_checkpoint(name)
    return made.model_copy(update={"name": "ada/model", "source": "hub", "revision": _COMMIT,
                                   "weights_digest": files_digest(made.files)})  # fmt: skip


def _two_contents(shop: Shop, case: Case) -> str:
    """A commit of the hub that had other files in the entry before."""
    board = beside(shop, case)
    board.add("first", model(1), checkpoint=_of_the_hub("first"))
    accepted(board.shelf)
    return str(board.add("second", model(2), checkpoint=_of_the_hub("second")))


def _changed_since(shop: Shop, case: Case) -> str:
    """What was accepted, with another word in its manifest and every sum made to fit."""
    board = beside(shop, case)
    folder = moved(shop, case, board)
    accepted(board.shelf)
    return str(edit(folder, "the last checkpoint", "the best checkpoint"))


def _merged_twice(shop: Shop, case: Case) -> tuple[Path, Path]:
    """A board in git: an entry that is merged and not accepted yet, and then a copy of it that states an earlier date
    and another author."""
    board = beside(shop, case)
    honest = board.shelf.submissions / shop.honest.name
    shutil.copytree(shop.honest, honest)
    git(board.root, "init", "-q", "-b", "main")
    git(board.root, "add", "-A")
    git(board.root, "commit", "-qm", "honest")
    thief = moved(shop, case, board)
    edit(thief, "handle: ada-lo", "handle: eve")
    record(thief, lambda document: document.update(created="2020-01-01T00:00:00Z"))
    git(board.root, "add", "-A")
    git(board.root, "commit", "-qm", "thief")
    return honest, thief


def _mixture(shop: Shop, case: Case) -> str:
    """Each answer from one of three accepted entries."""
    board = beside(shop, case)
    models = [model(seed) for seed in (1, 2, 3)]
    for number, says in enumerate(models):
        board.add(f"source-{number}", says)
    accepted(board.shelf)

    def mixed(task: str, doc: dict[str, Any]) -> str | int:
        return models[sum(map(ord, doc["question"])) % 3](task, doc)

    return str(board.add(case.name, mixed))


def _case(name: str, threat: str, verdict: Any, says: str, rule: str | None, make: Any) -> Case:
    return Case(name, threat, "entry", verdict, says, make, rule)


CASES = [
    _case("two-contents", "twin", "refused", "has other files in entry", "two-contents", _two_contents),
    _case("changed-since-acceptance", "ledger", "refused", "differs from the merged file", "changed-after-merge",
          _changed_since),
    _case("copied-between-merge-and-acceptance", "fabricated", "refused", "every output equals that of entry",
          "copied-outputs", lambda shop, case: str(_merged_twice(shop, case)[1])),
    _case("honest-beside-its-copy", "fabricated", "neutralised", "", None,
          lambda shop, case: str(_merged_twice(shop, case)[0])),
    _case("copied-as-a-mixture", "fabricated", "flagged", "own wrong answers", "same-answers", _mixture),
]  # fmt: skip
