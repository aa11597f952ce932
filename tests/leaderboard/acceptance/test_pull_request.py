"""Taking a submission out of a pull request: real git repositories, hostile trees, and nothing of them checked out."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.errors import CheckFailedError, RetentionError
from leaderboard.acceptance.pull_request import base_home, take
from leaderboard.acceptance.steps import others
from leaderboard.cli import cli
from leaderboard.documents.manifest import read_manifest
from leaderboard.entries.maintain import record_acceptance
from leaderboard.entries.shelf import Shelf
from leaderboard.submit.prepare import prepare_entry
from tests.support.accepting import maintained
from tests.support.synthetic import synthetic_run
from tests.support.synthetic_board import STATEMENT, Folders, add_entry, folders

pytestmark = pytest.mark.slow

ENTRY = "submissions/{id}/"


@dataclass
class Repository:
    """A clone of the base branch in ``checkout``, and an author's clone in ``fork`` whose commits it can fetch."""

    checkout: Path
    fork: Path
    entry_id: str
    out: Path

    def commit(self, message: str = "my entry") -> None:
        git(self.fork, "add", "-A")
        git(self.fork, "commit", "-qm", message)

    def fetch(self) -> None:
        git(self.checkout, "fetch", "-q", "--no-tags", str(self.fork), "+HEAD:refs/remotes/pull/head")

    def take(self) -> list[str]:
        self.fetch()
        before = git(self.checkout, "status", "--porcelain", "--ignored")
        taken = take(self.checkout, "HEAD", "refs/remotes/pull/head", self.out)
        assert git(self.checkout, "status", "--porcelain", "--ignored") == before
        assert taken.entry == self.out / "submissions" / self.entry_id
        return sorted(path.relative_to(self.out).as_posix() for path in self.out.rglob("*") if path.is_file())

    @property
    def folder(self) -> Path:
        return self.fork / "submissions" / self.entry_id


def git(where: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false",
                "-c", "core.protectNTFS=false"]  # fmt: skip
    done = subprocess.run(["git", "-C", where, *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base branch has a base run and another entry; the fork's working tree has a new entry, not committed yet."""
    root = tmp_path_factory.mktemp("original")
    made = folders(root / "made")
    first = add_entry(made, "first", {"jigsaw_2x2": 0.5}, seed=1)
    checkout = root / "checkout"
    (checkout / "leaderboard" / "data").mkdir(parents=True)
    made.bases.rename(checkout / "leaderboard" / "data" / "bases")
    made.submissions.rename(checkout / "submissions")
    (checkout / "README.md").write_text("the project\n")
    git(checkout, "init", "-q", "-b", "main")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "start")
    fork = root / "fork"
    subprocess.run(["git", "clone", "-q", checkout, fork], check=True)
    made.submissions.mkdir()
    second = add_entry(made, "second", {"jigsaw_2x2": 0.7}, seed=2)
    assert second.entry_id != first.entry_id
    second.folder.rename(fork / "submissions" / second.entry_id)
    return root


@pytest.fixture
def repository(original: Path, tmp_path: Path) -> Repository:
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    added = git(tmp_path / "fork", "status", "--porcelain").strip()
    return Repository(tmp_path / "checkout", tmp_path / "fork", Path(added).name, tmp_path / "out")


def test_an_entry_is_copied_with_the_base_runs_that_are_there(repository: Repository) -> None:
    repository.commit()
    files = repository.take()
    own = [name for name in files if name.startswith("submissions/")]
    assert own == [f"submissions/{repository.entry_id}/{name}" for name in
                   ("SHA256SUMS", "manifest.yaml", "tuned/run.json", "tuned/samples.parquet")]  # fmt: skip
    for name in own:
        assert (repository.out / name).read_bytes() == (repository.fork / name).read_bytes()
    assert sum(name.startswith("bases/synthetic-1/") for name in files) == 3
    assert not (repository.checkout / "submissions" / repository.entry_id).exists()


@pytest.fixture
def home(repository: Repository) -> str:
    """The base branch has no base run yet, and the entry brings that of its base, which lies at this place."""
    named = base_home(read_manifest(repository.folder / "manifest.yaml"))
    place = repository.fork / "leaderboard/data/bases" / named
    git(repository.checkout, "rm", "-rq", "leaderboard/data/bases")
    git(repository.checkout, "commit", "-qm", "no base runs")
    (repository.checkout / "leaderboard/data/bases").mkdir(parents=True)
    shutil.copytree(place, repository.out.with_name("base"))
    git(repository.fork, "pull", "-q", str(repository.checkout), "main")
    shutil.copytree(repository.out.with_name("base"), place)
    return named


def test_the_new_run_of_its_base_comes_with_an_entry(repository: Repository, home: str) -> None:
    repository.commit()
    assert f"bases/{home}/run.json" in repository.take()
    # The base branch may have got it from another pull request by then.
    merged = repository.checkout / "leaderboard/data/bases" / home
    shutil.copytree(repository.out.with_name("base"), merged)
    take(repository.checkout, "HEAD", "refs/remotes/pull/head", repository.out.with_name("again"))
    (merged / "run.json").write_text("another")
    with pytest.raises(CheckFailedError, match="use the existing one"):
        take(repository.checkout, "HEAD", "refs/remotes/pull/head", repository.out.with_name("third"))


@pytest.mark.parametrize("other", ["synthetic-1/0123456789ab", "another-1/{weights}", "synthetic-2/{weights}"])
def test_a_base_run_that_the_entry_does_not_name_is_refused(repository: Repository, home: str, other: str) -> None:
    place = repository.fork / "leaderboard/data/bases" / other.format(weights=home.rpartition("/")[2])
    shutil.copytree(repository.out.with_name("base"), place)
    repository.commit()
    with pytest.raises(
        CheckFailedError, match=f"the entry is of base {home}; a pull request brings the run of no other"
    ):
        repository.take()


def further(repository: Repository, number: int, named: bool) -> str:
    """Another run of the stored base in the pull request; ``named`` by its entry. Its place."""
    data, bases = repository.fork.parent / f"run-{number}", repository.fork / "leaderboard/data/bases"
    synthetic_run(data / "base", name="nano-base", accuracy=0.1, seed=number)
    made = Folders(data / "submissions", data / "bases", data)
    shutil.copytree(bases, made.bases)
    tuned = repository.folder / "tuned"
    prepared = prepare_entry(tuned, data / "base", STATEMENT, made.submissions, made.bases)
    assert prepared.folder.name == repository.entry_id
    home = prepared.base_folder.relative_to(made.bases).as_posix()
    shutil.copytree(prepared.base_folder, bases / home)
    if named:
        shutil.copytree(prepared.folder, repository.folder, dirs_exist_ok=True)
    return home


def test_a_further_run_of_its_base_comes_with_the_entry_that_names_it(repository: Repository) -> None:
    home = further(repository, 1, named=True)
    repository.commit()
    assert f"bases/{home}/samples.parquet" in repository.take()


@pytest.mark.parametrize("named", [False, True])
def test_no_pull_request_brings_runs_that_its_entry_does_not_name(repository: Repository, named: bool) -> None:
    """A weaker run under another author's base, or twelve at once, of which the entry may name one."""
    for number in range(12 if named else 1):
        further(repository, number, named=named and number == 0)
    repository.commit()
    # Twelve have more files than a submission changes at all; a smaller number is refused by what the entry names.
    with pytest.raises(CheckFailedError, match=r"a submission changes between|brings the run of no other base"):
        repository.take()


@pytest.mark.parametrize("place", ["synthetic-1/{weights}-junk", "synthetic-1/{weights}-0123456789ABCDEF",
                                   "synthetic-1/{weights}-0123456789abcdef", "synthetic-1/junk"])  # fmt: skip
def test_a_folder_of_junk_beside_a_base_run_is_refused(repository: Repository, place: str) -> None:
    (first,) = (repository.fork / "leaderboard/data/bases/synthetic-1").iterdir()
    folder = repository.fork / "leaderboard/data/bases" / place.format(weights=first.name)
    folder.mkdir()
    (folder / "run.json").write_text("{}")
    repository.commit()
    with pytest.raises(CheckFailedError, match=r"may only change its own folder|brings the run of no other base"):
        repository.take()


def test_a_manifest_that_cannot_be_read_brings_no_base_run(repository: Repository, home: str) -> None:
    (repository.folder / "manifest.yaml").write_text("base: [")
    repository.commit()
    with pytest.raises(CheckFailedError, match="the entry's manifest does not name its base"):
        repository.take()


def test_a_revised_entry_is_copied_whole(repository: Repository) -> None:
    repository.commit()
    git(repository.checkout, "pull", "-q", str(repository.fork), "main")
    (repository.folder / "manifest.yaml").write_text("revised")
    repository.commit("revised")
    assert f"submissions/{repository.entry_id}/tuned/samples.parquet" in repository.take()
    assert (repository.out / "submissions" / repository.entry_id / "manifest.yaml").read_text() == "revised"


def test_what_the_base_branch_got_since_is_no_change_of_the_pull_request(repository: Repository) -> None:
    repository.commit()
    (repository.checkout / "README.md").write_text("newer\n")
    git(repository.checkout, "commit", "-qam", "newer")
    assert repository.take()


@pytest.mark.parametrize("author", ["ada", "Ada", "mo", "eve", None])
def test_a_new_entry_is_of_the_account_that_sends_it(repository: Repository, author: str | None) -> None:
    maintained(repository.checkout / "leaderboard/data/events", "mo")
    repository.commit()
    repository.fetch()
    if author != "eve":
        take(repository.checkout, "HEAD", "refs/remotes/pull/head", repository.out, author)
        return
    with pytest.raises(CheckFailedError, match=r"contact\.handle: ada, but eve sends it; state your own account"):
        take(repository.checkout, "HEAD", "refs/remotes/pull/head", repository.out, author)


@pytest.mark.parametrize("accepted_before", [False, True])
def test_an_entry_stays_with_the_account_that_submitted_it(repository: Repository, accepted_before: bool) -> None:
    """Merged is enough: nobody takes it over before, or after, it is accepted."""
    maintained(repository.checkout / "leaderboard/data/events", "mo")
    repository.commit()
    git(repository.checkout, "pull", "-q", str(repository.fork), "main")
    if accepted_before:
        data = repository.checkout / "leaderboard" / "data"
        shelf = Shelf(repository.checkout / "submissions", data / "bases", data / "events", data / "releases")
        record_acceptance(shelf, repository.entry_id, "mo")
    manifest = repository.folder / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("steps: 400", "steps: 401"))
    repository.commit("the same handle, by somebody else")
    repository.fetch()
    with pytest.raises(CheckFailedError, match="ada submitted it, and eve cannot change it"):
        take(repository.checkout, "HEAD", "refs/remotes/pull/head", repository.out, "eve")
    shutil.rmtree(repository.out)
    take(repository.checkout, "HEAD", "refs/remotes/pull/head", repository.out, "ada")
    manifest.write_text(manifest.read_text().replace("handle: ada", "handle: eve"))
    repository.commit("another handle")
    repository.fetch()
    for author in ("eve", "ada", "mo", None):
        shutil.rmtree(repository.out)
        with pytest.raises(CheckFailedError, match=r"contact\.handle: eve, but ada submitted it"):
            take(repository.checkout, "HEAD", "refs/remotes/pull/head", repository.out, author)


@pytest.mark.parametrize("content", ["of an older form: [", None])
def test_an_entry_of_which_nobody_knows_whose_it_is_belongs_to_the_maintainers(
    repository: Repository, content: str | None
) -> None:
    """As one that was merged and whose manifest a later schema no longer reads."""
    maintained(repository.checkout / "leaderboard/data/events", "mo")
    manifest = repository.folder / "manifest.yaml"
    honest = manifest.read_text()
    manifest.unlink() if content is None else manifest.write_text(content)
    repository.commit()
    git(repository.checkout, "pull", "-q", str(repository.fork), "main")
    manifest.write_text(honest.replace("handle: ada", "handle: eve"))
    repository.commit("now it is mine")
    repository.fetch()
    with pytest.raises(CheckFailedError, match="does not say whose it is; only a maintainer changes it"):
        take(repository.checkout, "HEAD", "refs/remotes/pull/head", repository.out, "eve")
    shutil.rmtree(repository.out)
    take(repository.checkout, "HEAD", "refs/remotes/pull/head", repository.out, "mo")


def other_file(repository: Repository) -> None:
    (repository.fork / "README.md").write_text("mine\n")


def code(repository: Repository) -> None:
    (repository.fork / "harness.py").write_text("raise SystemExit")


def workflow(repository: Repository) -> None:
    (repository.fork / ".github/workflows").mkdir(parents=True)
    (repository.fork / ".github/workflows/submission.yml").write_text("on: push")


def attributes(repository: Repository) -> None:
    (repository.folder / ".gitattributes").write_text("* filter=evil")


def two_entries(repository: Repository) -> None:
    (repository.fork / "submissions/aaaaaaaaaaaa").mkdir()
    (repository.fork / "submissions/aaaaaaaaaaaa/manifest.yaml").write_text("x")


def no_entry(repository: Repository) -> None:
    for path in sorted(repository.folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    home = repository.fork / "leaderboard/data/bases/synthetic-1/0123456789ab"
    home.mkdir()
    (home / "run.json").write_text("x")


def deletion(repository: Repository) -> None:
    (first,) = (path for path in (repository.fork / "submissions").iterdir() if path.name != repository.entry_id)
    (first / "manifest.yaml").unlink()


def changed_base(repository: Repository) -> None:
    next((repository.fork / "leaderboard/data/bases").rglob("run.json")).write_text("{}")


def link(repository: Repository) -> None:
    (repository.folder / "manifest.yaml").unlink()
    (repository.folder / "manifest.yaml").symlink_to("/etc/passwd")


def linked_folder(repository: Repository) -> None:
    (repository.folder / "tuned").rename(repository.fork.parent / "elsewhere")
    (repository.folder / "tuned").symlink_to("/etc")


def executable(repository: Repository) -> None:
    (repository.folder / "manifest.yaml").chmod(0o755)


def large(repository: Repository) -> None:
    (repository.folder / "tuned/samples.parquet").write_bytes(os.urandom(5 * 1024 * 1024 + 1))


def extra(repository: Repository) -> None:
    (repository.folder / "tuned/model.bin").write_bytes(b"x")


def newline(repository: Repository) -> None:
    (repository.folder / "manifest.yaml\n::set-output name=x::y").write_text("x")


def not_utf8(repository: Repository) -> None:
    Path(os.fsdecode(os.fsencode(repository.folder) + b"/\xff\xfe")).write_text("x")


def long_name(repository: Repository) -> None:
    (repository.folder / ("a" * 200)).write_text("x")


def backslash(repository: Repository) -> None:
    (repository.folder / "..\\..\\evil").write_text("x")


def many(repository: Repository) -> None:
    for number in range(30):
        (repository.folder / f"f{number}").write_text("x")


def submodule(repository: Repository) -> None:
    commit = git(repository.fork, "rev-parse", "HEAD").strip()
    git(
        repository.fork,
        "update-index",
        "--add",
        "--cacheinfo",
        f"160000,{commit},submissions/{repository.entry_id}/tuned/run.json",
    )
    (repository.folder / "tuned/run.json").unlink()
    git(repository.fork, "commit", "-qm", "submodule")


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (other_file, "README.md': a submission may only change its own folder"),
        (code, "harness.py': a submission may only change its own folder"),
        (workflow, "a submission may only change its own folder"),
        (attributes, r"\.gitattributes': not a file that an entry has"),
        (two_entries, "2 entries changed; send one pull request for each"),
        (no_entry, "0 entries changed"),
        (deletion, "deleted; entries are not deleted, but withdrawn by an event"),
        (changed_base, "an existing base run is never changed"),
        (link, r"not a plain file \(mode 120000\)"),
        (linked_folder, "not a file that an entry has|not a plain file"),
        (executable, r"not a plain file \(mode 100755\)"),
        (large, "larger than 5 MB"),
        (extra, "model.bin': not a file that an entry has"),
        (newline, r"manifest\.yaml\\n::set-output name=x::y': a submission may only change its own folder"),
        (not_utf8, "a submission may only change its own folder"),
        (long_name, "a submission may only change its own folder"),
        (backslash, "a submission may only change its own folder"),
        (many, "34 files changed; a submission changes between 1 and 20"),
        (submodule, "not a plain file|not a file that an entry has|deleted"),
    ],
)
def test_what_is_no_submission_is_refused(
    repository: Repository, harm: Callable[[Repository], None], reason: str
) -> None:
    harm(repository)
    if harm is not submodule:
        repository.commit()
    with pytest.raises(CheckFailedError, match=reason):
        repository.take()
    outside = [path for path in repository.out.rglob("*") if path.is_symlink()] if repository.out.exists() else []
    assert outside == []


def test_no_change_is_no_submission(repository: Repository) -> None:
    with pytest.raises(CheckFailedError, match="0 files changed"):
        repository.take()


@pytest.mark.parametrize("commit", ["--output=/tmp/x", "", "HEAD\n", "a b", "$(id)", "refs/heads/none"])
def test_only_a_commit_is_a_commit(repository: Repository, commit: str) -> None:
    with pytest.raises(RetentionError):
        take(repository.checkout, "HEAD", commit, repository.out)


def test_nothing_is_written_over(repository: Repository) -> None:
    repository.commit()
    repository.out.mkdir()
    with pytest.raises(RetentionError, match="already exists"):
        repository.take()


def test_a_file_that_a_filtered_fetch_left_out_is_refused(repository: Repository) -> None:
    """What the workflow does: files above the limit stay on the server, and are not fetched to be measured."""
    large(repository)
    repository.commit()
    git(repository.fork, "config", "uploadpack.allowFilter", "true")
    partial = repository.out.with_name("partial")
    source = f"file://{repository.fork}"
    subprocess.run(["git", "clone", "-q", "--no-checkout", "--filter=blob:limit=4m", source, partial], check=True)
    git(partial, "remote", "set-url", "origin", "/nowhere")
    (partial / "leaderboard/data/bases").mkdir(parents=True)
    with pytest.raises(CheckFailedError, match="was not fetched, as it is larger than allowed"):
        take(partial, git(partial, "rev-parse", "HEAD~1").strip(), "HEAD", repository.out)


def test_the_command_prints_where_the_copies_are(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit()
    repository.fetch()
    monkeypatch.chdir(repository.checkout)
    shown = CliRunner().invoke(cli, ["maintain", "take", "refs/remotes/pull/head", "--out", str(repository.out)])
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.split() == [
        str(repository.out / "submissions" / repository.entry_id),
        str(repository.out / "bases"),
    ]


def test_an_older_form_of_an_entry_is_not_another_entry(repository: Repository) -> None:
    """The base branch may hold the entry that a pull request revises; it is no copy of itself."""
    there = repository.checkout / "submissions"
    shelf = Shelf(there, repository.checkout, repository.checkout, repository.checkout)
    (other,) = others(shelf, [repository.folder])
    assert other.name != repository.entry_id
    assert others(shelf, [repository.out / other.name]) == []
