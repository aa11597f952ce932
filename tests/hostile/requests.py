"""Pull requests that change what is not theirs: branches of one repository, read as git objects."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from leaderboard.entries.shelf import Shelf
from leaderboard.ledger.events import Flagged, append
from tests.hostile.boards import git
from tests.hostile.case import Case, Shop, edit
from tests.support.accepting import maintained

_WHY = {"reason": "because"}


@dataclass(frozen=True)
class Checkout:
    """The base branch: the honest entry, which was accepted, and one of the same account that waits for it."""

    root: Path
    accepted: str
    waiting: str

    @property
    def shelf(self) -> Shelf:
        data = self.root / "leaderboard" / "data"
        return Shelf(self.root / "submissions", data / "bases", data / "events", data / "releases")


def _checkout(shop: Shop, case: Case) -> Checkout:
    root = shop.root / "cases" / "repository"
    names = root.with_name("repository.txt")
    if not root.is_dir():
        shelf = Checkout(root, "", "").shelf
        shutil.copytree(shop.board.shelf.bases, shelf.bases)
        shutil.copytree(shop.honest, shelf.submissions / shop.honest.name)
        shutil.copytree(shop.board.shelf.events / shop.honest.name, shelf.events / shop.honest.name)
        maintained(shelf.events, "mo")
        waiting = shop.copy(case)
        shutil.move(waiting, shelf.submissions / waiting.name)
        names.write_text(waiting.name)
        git(root, "init", "-q", "-b", "main")
        git(root, "add", "-A")
        git(root, "commit", "-qm", "start")
    return Checkout(root, shop.honest.name, names.read_text())


def _case(name: str, threat: str, says: str, change: Callable[[Checkout], object], what: str) -> Case:
    """A branch with ``change``, sent by the account eve."""

    def make(shop: Shop, case: Case) -> dict[str, str]:
        made = _checkout(shop, case)
        git(made.root, "checkout", "-qb", name)
        change(made)
        git(made.root, "add", "-A")
        git(made.root, "commit", "-qm", name)
        git(made.root, "checkout", "-q", "main")
        return {"checkout": str(made.root), "head": name, "author": "eve", "what": what}

    return Case(name, threat, "request", "refused", says, make)


def _taken(made: Checkout) -> None:
    edit(made.shelf.submissions / made.waiting, "handle: ada-lo", "handle: eve")


def _touched(made: Checkout) -> None:
    edit(made.shelf.submissions / made.waiting, "the last checkpoint", "the worst checkpoint")


def _others_name(made: Checkout) -> None:
    """An entry of eve's that says it is of ada."""
    source = made.shelf.submissions / made.waiting
    edit(source, "the last checkpoint", "another checkpoint")
    source.rename(source.with_name("a" * 12))
    git(made.root, "checkout", "main", "--", f"submissions/{made.waiting}")


def _own_list(made: Checkout) -> None:
    """Whoever sends it has put herself on the list of maintainers before."""
    maintained(made.shelf.events, "mo", "eve")
    append(made.shelf.events, Flagged, made.accepted, "eve", made.shelf.maintainers, **_WHY)


def _edited(made: Checkout) -> None:
    (first, *_) = sorted((made.shelf.events / made.accepted).iterdir())
    first.write_text(first.read_text().replace("ada-lo", "eve"))


CASES = [
    _case("taken-over", "account", "ada-lo submitted it, and stays its contact", _taken, "entry"),
    _case("changed-by-another", "account", "ada-lo submitted it, and eve cannot change it", _touched, "entry"),
    _case("sent-in-anothers-name", "account", "ada-lo, but eve sends it", _others_name, "entry"),
    _case("event-in-a-maintainers-name", "ledger", "actor: mo, but eve sends it",
          lambda made: append(made.shelf.events, Flagged, made.accepted, "mo", **_WHY), "events"),
    _case("events-with-a-list-of-ones-own", "ledger", "only maintainers write flagged", _own_list, "events"),
    _case("event-edited", "ledger", "events are only ever added", _edited, "events"),
]  # fmt: skip
