"""Events of a pull request: real git repositories, checked by what the base branch says of who may write them."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.errors import CheckFailedError
from harness.records.run import read_run
from harness.records.samples import file_sha256
from harness.scoring.scorer import score_pair
from leaderboard.acceptance.event_request import check_events
from leaderboard.acceptance.replacing import headline
from leaderboard.documents.identity import base_folder, base_run_id, seal
from leaderboard.entries.maintain import record_acceptance
from leaderboard.entries.shelf import Shelf
from leaderboard.ledger import events as ev
from leaderboard.ledger.events import append, read_ledger
from tests.support.accepting import accepted, maintained
from tests.support.events import agreement
from tests.support.synthetic import synthetic_run
from tests.support.synthetic_board import add_entry, folders

HEAD = "refs/remotes/pull/head"


@dataclass
class Repository:
    """The base branch in ``checkout`` with two entries, one accepted; a clone in ``fork`` whose commits it fetches."""

    checkout: Path
    fork: Path
    accepted: str
    waiting: str

    @property
    def events(self) -> Path:
        return self.fork / "leaderboard/data/events"

    @property
    def shelf(self) -> Shelf:
        data = self.fork / "leaderboard/data"
        return Shelf(self.fork / "submissions", data / "bases", data / "events", data / "releases")

    def check(self, author: str | None = None) -> list[ev.Event]:
        git(self.fork, "add", "-A")
        git(self.fork, "commit", "-qm", "events")
        git(self.checkout, "fetch", "-q", "--no-tags", str(self.fork), f"+HEAD:{HEAD}")
        return check_events(self.checkout, "HEAD", HEAD, author)


def git(where: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", where, *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    root = tmp_path_factory.mktemp("events")
    made = folders(root / "made")
    names = [add_entry(made, f"e{seed}", {"jigsaw_2x2": 0.5}, seed=seed).entry_id for seed in (1, 2)]
    data = root / "checkout" / "leaderboard" / "data"
    data.mkdir(parents=True)
    made.bases.rename(data / "bases")
    made.submissions.rename(root / "checkout" / "submissions")
    shelf = Shelf(root / "checkout" / "submissions", data / "bases", data / "events", data / "releases")
    accepted(shelf, names[0])
    git(root / "checkout", "init", "-q", "-b", "main")
    git(root / "checkout", "add", "-A")
    git(root / "checkout", "commit", "-qm", "start")
    subprocess.run(["git", "clone", "-q", root / "checkout", root / "fork"], check=True)
    return root, names[0], names[1]


@pytest.fixture
def repository(original: tuple[Path, str, str], tmp_path: Path) -> Repository:
    root, first, second = original
    for name in ("checkout", "fork"):
        shutil.copytree(root / name, tmp_path / name)
    return Repository(tmp_path / "checkout", tmp_path / "fork", first, second)


def test_events_of_a_maintainer_may_be_added(repository: Repository) -> None:
    record_acceptance(repository.shelf, repository.waiting, "mo")
    append(repository.events, ev.Flagged, repository.accepted, "mo", reason="doubtful")
    assert {event.kind for event in repository.check("Mo")} == {"submitted", "flagged"}


def test_an_author_withdraws_in_their_own_name(repository: Repository) -> None:
    append(repository.events, ev.Withdrawn, repository.accepted, "ada", reason="wrong weights")
    assert [event.kind for event in repository.check("ada")] == ["withdrawn"]
    with pytest.raises(CheckFailedError, match="actor: ada, but eve sends it"):
        check_events(repository.checkout, "HEAD", HEAD, "eve")


def found(repository: Repository, **changed: Any) -> dict[str, Any]:
    digests = [getattr(read_ledger(repository.events / repository.accepted)[0], f"{side}_samples_sha256")
               for side in ("base", "tuned")]  # fmt: skip
    document = agreement().model_dump() | {"seed": git(repository.checkout, "rev-parse", "HEAD"), **changed}
    for side, digest in zip(("base", "tuned"), digests, strict=True):
        document[side]["samples_sha256"] = digest
    return document


def test_evidence_names_the_merge_that_drew_its_items(repository: Repository) -> None:
    append(repository.events, ev.Reproduced, repository.accepted, "bo", agreement=found(repository))
    assert [event.kind for event in repository.check("bo")] == ["reproduced"]


def rebased(repository: Repository, *checkouts: Path) -> dict[str, Any]:
    """What an event says that replaces the base run of the accepted entry by another one, put into ``checkouts``."""
    run = repository.fork.parent / "other"
    base = synthetic_run(run, name="nano-base", accuracy=0.5)
    seal(run)
    (first,) = (repository.checkout / "leaderboard/data/bases/synthetic-1").iterdir()
    home = base_folder(Path(), "synthetic-1", base.record.checkpoint.weights_digest, base_run_id(base))
    for checkout in checkouts:
        shutil.copytree(run, checkout / "leaderboard/data/bases" / home)
    tuned = read_run(repository.fork / "submissions" / repository.accepted / "tuned")
    before, after = (headline(score_pair(each, tuned, "jigsaw")).model_dump() for each in (read_run(first), base))
    return {
        "replaced": f"synthetic-1/{first.name}",
        "replacement": home.as_posix(),
        "files": {f"bases/{home.as_posix()}/{path.name}": file_sha256(path) for path in sorted(run.iterdir())},
        "base_samples_sha256": base.record.samples_sha256,
        "before": before,
        "after": after,
        "reason": "solves too little",
    }


def test_a_base_run_is_replaced_by_one_that_the_base_branch_has(repository: Repository) -> None:
    fields = rebased(repository, repository.checkout, repository.fork)
    append(repository.events, ev.Rebased, repository.accepted, "mo", **fields)
    assert [event.kind for event in repository.check("mo")] == ["rebased"]


@pytest.mark.parametrize(
    ("actor", "side", "said"),
    [
        ("ada", None, "only maintainers write rebased here"),
        ("mo", "before", r"before\.gain: 0\.25, but the stored answers give"),
        ("mo", "after", r"after\.gain: 0\.25, but the stored answers give"),
        ("mo", "missing", "is not the file that the entry's ledger recorded"),
    ],
)
def test_a_replacement_that_does_not_hold_is_refused(
    repository: Repository, actor: str, side: str | None, said: str
) -> None:
    where = (repository.fork,) if side == "missing" else (repository.checkout, repository.fork)
    fields = rebased(repository, *where)
    if side in fields:
        fields[side] = fields[side] | {"gain": 0.25}
    append(repository.events, ev.Rebased, repository.accepted, actor, **fields)
    with pytest.raises(CheckFailedError, match=said):
        repository.check(actor)


def test_a_pull_request_without_events_adds_none(repository: Repository) -> None:
    (repository.fork / "README.md").write_text("x")
    assert repository.check("eve") == []


def flag(repository: Repository) -> None:
    append(repository.events, ev.Flagged, repository.accepted, "eve", reason="x")


def in_the_name_of_a_maintainer(repository: Repository) -> None:
    append(repository.events, ev.Flagged, repository.accepted, "mo", reason="x")


def own_list(repository: Repository) -> None:
    maintained(repository.events, "eve", "mo")
    flag(repository)


def own_verification(repository: Repository) -> None:
    append(repository.events, ev.Verified, repository.accepted, "eve", agreement=found(repository))


def chosen_seed(repository: Repository) -> None:
    append(repository.events, ev.Reproduced, repository.accepted, "eve", agreement=found(repository, seed="5e" * 20))


def edited(repository: Repository) -> None:
    next(repository.events.rglob("*.json")).write_text("{}")


def deleted(repository: Repository) -> None:
    next(repository.events.rglob("*.json")).unlink()


def elsewhere(repository: Repository) -> None:
    (repository.events / "README").write_text("x")


def link(repository: Repository) -> None:
    flag(repository)
    path = sorted((repository.events / repository.accepted).iterdir())[-1]
    path.unlink()
    path.symlink_to("/etc/passwd")


def not_canonical(repository: Repository) -> None:
    append(repository.events, ev.Withdrawn, repository.accepted, "eve", reason="x")
    path = sorted((repository.events / repository.accepted).iterdir())[-1]
    path.write_text(path.read_text().replace('"eve"', '"ada"') + " ")


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (flag, "actor: eve was not a maintainer"),
        (in_the_name_of_a_maintainer, "actor: mo, but eve sends it"),
        (own_list, "actor: eve was not a maintainer"),
        (own_verification, "only maintainers write verified"),
        (chosen_seed, "neither a commit that merged answers"),
        (edited, "edited or deleted"),
        (deleted, "edited or deleted"),
        (elsewhere, "not an event file"),
        (link, "not a plain file"),
        (not_canonical, "not in canonical form"),
    ],
)
def test_what_a_stranger_may_not_add_is_refused(
    repository: Repository, harm: Callable[[Repository], None], why: str
) -> None:
    harm(repository)
    with pytest.raises(CheckFailedError, match=why):
        repository.check("eve")


def test_what_the_base_branch_does_not_have_is_not_accepted(repository: Repository) -> None:
    """An acceptance is of files that are merged: not of those that come with it."""
    manifest = repository.fork / "submissions" / repository.waiting / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("steps: 400", "steps: 401"))
    seal(manifest.parent)
    record_acceptance(repository.shelf, repository.waiting, "mo")
    with pytest.raises(CheckFailedError, match="is not the file that the entry's ledger recorded"):
        repository.check("mo")
