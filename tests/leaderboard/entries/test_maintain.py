"""Maintaining: what each command writes and refuses, the merge as seed, and files held against the ledger."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from harness.evaluation import verification
from harness.records.run import read_record, read_run, write_record
from harness.records.samples import SAMPLES_FILE, Outcome
from harness.records.samples_file import iter_samples, write_samples
from leaderboard.cli import cli
from leaderboard.documents.identity import seal
from leaderboard.entries.shelf import Shelf
from leaderboard.ledger.events import Flagged, Reproduced, Verified, read_ledger
from leaderboard.ledger.standing import Evidence, Standing, fold
from leaderboard.submit.prepare import prepare_entry
from tests.support.accepting import accepted
from tests.support.synthetic_board import STATEMENT
from tests.support.verifying import SEED, World, altered, make_world

pytestmark = pytest.mark.slow


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


@dataclass
class Checkout:
    """A git checkout with one entry, its base run, and a merge commit that brought them."""

    root: Path
    world: World
    entry_id: str

    @property
    def tuned(self) -> Path:
        return self.root / "submissions" / self.entry_id / "tuned"

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", "-C", self.root, *identity, *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def run(self, *words: str) -> Result:
        places = ["--submissions", str(self.root / "submissions"), "--bases", str(self.root / "bases"),
                  "--events", str(self.root / "events")]  # fmt: skip
        return CliRunner().invoke(cli, ["maintain", words[0], self.entry_id, *words[1:], *places])

    def accept(self) -> Result:
        return self.run("accept", "--by", "mo", "--suite", str(self.world.suite), "--jobs", "1")

    def verify(self, *words: str) -> Result:
        where = self.world
        checkpoints = ["--base-checkpoint", str(where.base), "--checkpoint", str(where.tuned)]
        out = ["--suite", str(where.suite), "--out", str(where.root / "again"), "--by", "mo"]
        return self.run("verify", *checkpoints, *out, *words)

    @property
    def shelf(self) -> Shelf:
        return Shelf(*(self.root / name for name in ("submissions", "bases", "events", "releases")))

    @property
    def ledger(self) -> Any:
        return read_ledger(self.root / "events" / self.entry_id)


@pytest.fixture
def checkout(world: World) -> Checkout:
    root = world.root / "checkout"
    (root / "submissions").mkdir(parents=True)
    world.runs()
    base, tuned = (next((world.root / "runs").rglob(f"{name}-*/transformers-float32")) for name in ("base", "tuned"))
    prepared = prepare_entry(tuned, base, STATEMENT | {"target": "math"}, root / "submissions", root / "bases")
    made = Checkout(root, world, prepared.entry_id)
    made.git("init", "-q", "-b", "main")
    made.git("commit", "-q", "--allow-empty", "-m", "start")
    made.git("switch", "-q", "-c", "author")
    made.git("add", "-A")
    made.git("commit", "-q", "-m", "my entry")
    made.git("switch", "-q", "main")
    made.git("merge", "-q", "--no-ff", "-m", "merge", "author")
    accepted(made.shelf)
    return made


def test_an_honest_entry_becomes_verified(checkout: Checkout) -> None:
    shown = checkout.verify()
    assert shown.exit_code == 0, shown.output
    assert "agrees: smallest p 1 after Holm; without noise, 2.9 % altered answers" in shown.stdout
    submitted, verified = checkout.ledger
    assert submitted.kind == "submitted"
    assert isinstance(verified, Verified)
    # The seed is the merge, whose hash the author could not choose, and not the author's own commit.
    assert verified.agreement.seed == checkout.git("rev-parse", "main")
    assert verified.agreement.seed != checkout.git("rev-parse", "author")
    state = fold(checkout.ledger)
    assert (state.evidence, state.standing) == (Evidence.VERIFIED, Standing.ACTIVE)


def test_a_third_party_reproduces(checkout: Checkout) -> None:
    shown = checkout.verify("--reproduced", "--json")
    assert json.loads(shown.stdout)["agrees"] is True
    assert isinstance(checkout.ledger[-1], Reproduced)
    assert fold(checkout.ledger).evidence is Evidence.REPRODUCED


def test_a_dry_run_writes_nothing(checkout: Checkout) -> None:
    assert checkout.verify("--dry-run").exit_code == 0
    assert [event.kind for event in checkout.ledger] == ["submitted"]


def test_a_false_entry_is_flagged_and_the_command_fails(checkout: Checkout) -> None:
    run = read_run(checkout.tuned)
    better = dict(zip(run.samples["item_id"], altered(run, 0.6).samples["outcome"], strict=True))
    samples = [
        sample.model_copy(update={"outcome": Outcome(better[sample.item_id]), "score": 1.0})
        if better[sample.item_id] != sample.outcome
        else sample
        for sample in iter_samples(checkout.tuned / SAMPLES_FILE)
    ]
    sha256 = write_samples(checkout.tuned / SAMPLES_FILE, [samples])
    write_record(checkout.tuned, read_record(checkout.tuned).model_copy(update={"samples_sha256": sha256}))
    seal(checkout.tuned.parent)
    checkout.git("commit", "-qam", "revised")
    assert "not accepted as it is" in checkout.verify().stderr
    accepted(checkout.shelf)
    shown = checkout.verify()
    assert shown.exit_code == 1
    assert "the stored answers are not those of the checkpoints" in shown.stderr
    flagged = checkout.ledger[-1]
    assert isinstance(flagged, Flagged)
    assert flagged.agreement is not None
    assert not flagged.agreement.agrees
    assert fold(checkout.ledger).standing is Standing.FLAGGED


def test_the_seed_needs_a_history(checkout: Checkout, tmp_path: Path) -> None:
    shutil.rmtree(checkout.root / ".git")
    shown = checkout.verify("--dry-run")
    assert shown.exit_code == 2
    assert "give --seed with the sha256 of the entry's newest" in shown.stderr
    assert checkout.verify("--dry-run", "--seed", SEED).exit_code == 0
    assert checkout.verify("--dry-run", "--seed", "main").exit_code == 2
    checkout.git("init", "-q")
    checkout.git("commit", "-q", "--allow-empty", "-m", "start")
    assert "not committed yet" in checkout.verify("--dry-run").stderr


def test_a_shallow_clone_does_not_know_the_merge(checkout: Checkout) -> None:
    shallow = checkout.root.parent / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{checkout.root}", shallow], check=True)
    shown = Checkout(shallow, checkout.world, checkout.entry_id).verify("--dry-run")
    assert shown.exit_code == 2
    assert "the clone is shallow" in shown.stderr


def test_a_withdrawn_entry_is_not_verified(checkout: Checkout) -> None:
    assert checkout.run("withdraw", "--by", "mo", "--reason", "asked for").exit_code == 0
    assert "is withdrawn" in checkout.verify("--dry-run").stderr


def test_the_seed_is_checked_before_anything_is_read(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "verify", None)
    for seed in ("", "zz" * 20, "ab" * 19, "AB" * 20, f"{SEED}\n"):
        assert checkout.verify("--seed", seed).exit_code == 2


def test_a_number_is_reproduced_by_running_both_models_again(checkout: Checkout) -> None:
    where = checkout.world
    arguments = [
        "reproduce", f"{checkout.entry_id}:gain@part-1", "--regenerate", "--base-checkpoint", str(where.base),
        "--checkpoint", str(where.tuned), "--suite", str(where.suite), "--out", str(where.root / "reproduced"),
        "--submissions", str(checkout.root / "submissions"), "--bases", str(checkout.root / "bases"),
    ]  # fmt: skip
    shown = CliRunner().invoke(cli, arguments)
    assert shown.exit_code == 0, shown.output
    assert "tuned: 0 of 600 outputs differ from the stored ones" in shown.stdout
    assert "equal to gain" in shown.stdout
    shutil.rmtree(where.root / "reproduced")
    where.noise = 0.5
    noisy = CliRunner().invoke(cli, arguments)
    assert noisy.exit_code == 1
    assert "DIFFERENT from gain" in noisy.stdout


# --- events by command ---


def test_accept_records_every_file_once(checkout: Checkout) -> None:
    shutil.rmtree(checkout.root / "events")
    assert checkout.accept().exit_code == 0
    again = checkout.accept()
    assert "has these files already" in again.stdout
    (submitted,) = checkout.ledger
    assert set(submitted.files) >= {"manifest.yaml", "tuned/run.json", "tuned/samples.parquet"}
    assert sum(name.startswith("bases/part-1/") for name in submitted.files) >= 2
    assert (submitted.suite, submitted.target, submitted.contact, submitted.name) == ("part-1", "math", "ada", "tuned")


def test_flags_come_and_go_and_all_of_it_stays(checkout: Checkout) -> None:
    assert checkout.run("flag", "--by", "mo", "--reason", "may hold test items").exit_code == 0
    assert fold(checkout.ledger).standing is Standing.FLAGGED
    assert checkout.run("clear", "--event", "2", "--by", "mo", "--reason", "it does not").exit_code == 0
    assert fold(checkout.ledger).standing is Standing.ACTIVE
    assert [event.kind for event in checkout.ledger] == ["submitted", "flagged", "cleared"]
    twice = checkout.run("clear", "--event", "2", "--by", "mo", "--reason", "again")
    assert (twice.exit_code, "gave no standing that can be lifted" in twice.stderr) == (2, True)


@pytest.mark.parametrize(("command", "standing"), [("stale", Standing.STALE), ("unavailable", Standing.UNAVAILABLE)])
def test_other_standings(checkout: Checkout, command: str, standing: Standing) -> None:
    assert checkout.run(command, "--by", "mo", "--reason", "why").exit_code == 0
    assert fold(checkout.ledger).standing is standing


def test_an_entry_is_superseded_by_one_that_is_there(checkout: Checkout) -> None:
    other = checkout.root / "submissions" / "aaaaaaaaaaaa"
    missing = checkout.run("supersede", "--with", other.name, "--by", "mo", "--reason", "longer")
    assert (missing.exit_code, "no such entry" in missing.stderr) == (2, True)
    other.mkdir()
    assert checkout.run("supersede", "--with", other.name, "--by", "mo", "--reason", "longer").exit_code == 0
    assert fold(checkout.ledger).superseded_by == other.name


def test_a_withdrawn_entry_leaves_its_ledger(checkout: Checkout) -> None:
    checkout.run("withdraw", "--by", "mo", "--reason", "asked for")
    shutil.rmtree(checkout.tuned.parent)
    shown = checkout.run("events")
    assert shown.exit_code == 0
    assert f"{checkout.entry_id}  self-reported, withdrawn (asked for)" in shown.stdout
    assert "withdrawn    by mo: asked for" in shown.stdout
    # Its ledger may still grow.
    assert checkout.run("clear", "--event", "2", "--by", "mo", "--reason", "a mistake").exit_code == 0


@pytest.mark.parametrize(
    "words", [["flag"], ["flag", "--by", "mo"], ["flag", "--reason", "x"], ["withdraw", "--by", "mo"]]
)
def test_who_and_why_are_asked_for(checkout: Checkout, words: list[str]) -> None:
    assert checkout.run(*words).exit_code == 2
    assert len(checkout.ledger) == 1


def test_an_entry_that_is_not_there_gets_no_ledger(checkout: Checkout) -> None:
    for entry in ("aaaaaaaaaaaa", "../../outside", "x"):
        wrong = Checkout(checkout.root, checkout.world, entry)
        assert wrong.run("flag", "--by", "mo", "--reason", "x").exit_code == 2
    assert [path.name for path in (checkout.root / "events").iterdir()] == [checkout.entry_id]


def test_an_entry_that_is_not_accepted_gets_no_other_event(checkout: Checkout) -> None:
    shutil.rmtree(checkout.root / "events")
    shown = checkout.run("flag", "--by", "mo", "--reason", "x")
    assert (shown.exit_code, "not accepted yet" in shown.stderr) == (1, True)
    assert "not accepted yet" in checkout.verify().stderr
    assert not (checkout.root / "events").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--by", "eve"], "--by eve: not in maintainers.yaml"),
        (["--by", "ada"], "--by ada: submitted this entry"),
        (["--by", "ada", "--reproduced"], "--by ada: submitted this entry"),
        (["--seed", SEED], "neither a commit that merged answers of the entry nor"),
    ],
)
def test_what_could_not_be_recorded_is_not_run(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, words: list[str], why: str
) -> None:
    monkeypatch.setattr(verification, "verify", None)
    shown = checkout.verify(*words)
    assert shown.exit_code in (1, 2)
    assert why in shown.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["flag", "--by", "eve", "--reason", "x"], "actor: eve was not a maintainer on"),
        (["withdraw", "--by", "eve", "--reason", "x"], "actor: eve was not a maintainer on"),
        (["clear", "--event", "1", "--by", "ada", "--reason", "x"], "of: event 1 gave no standing"),
    ],
)
def test_events_of_others_are_not_written(checkout: Checkout, words: list[str], why: str) -> None:
    shown = checkout.run(*words)
    assert (shown.exit_code, why in shown.stderr) == (2, True)
    assert len(checkout.ledger) == 1


def test_an_author_withdraws_their_own_entry(checkout: Checkout) -> None:
    assert checkout.run("withdraw", "--by", "Ada", "--reason", "wrong weights").exit_code == 0
    assert fold(checkout.ledger).standing is Standing.WITHDRAWN
    # Only a maintainer brings it back.
    assert "was not a maintainer" in checkout.run("clear", "--event", "2", "--by", "ada", "--reason", "x").stderr


@pytest.mark.parametrize("name", ["manifest.yaml", "tuned/run.json", "tuned/samples.parquet", "SHA256SUMS"])
def test_a_flipped_byte_of_any_recorded_file_is_named(checkout: Checkout, name: str) -> None:
    path = checkout.tuned.parent / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    shown = checkout.run("events")
    assert shown.exit_code == 1
    assert f"{checkout.entry_id}/{name} is not the file that its ledger recorded" in shown.stderr


def test_a_sealed_forgery_is_found_all_the_same(checkout: Checkout) -> None:
    """SHA256SUMS can be written anew with the files; what the ledger recorded cannot."""
    manifest = checkout.tuned.parent / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("best on the development split", "the first of one"))
    seal(manifest.parent)
    shown = checkout.run("events")
    assert shown.exit_code == 1
    assert "manifest.yaml is not the file" in shown.stderr
    assert checkout.accept().exit_code == 0
    assert checkout.run("events").exit_code == 0
    assert [event.kind for event in checkout.ledger] == ["submitted", "submitted"]


def test_history_shows_what_was_edited_or_deleted(checkout: Checkout) -> None:
    checkout.run("flag", "--by", "mo", "--reason", "one")
    checkout.run("flag", "--by", "mo", "--reason", "two")
    checkout.git("add", "-A")
    checkout.git("commit", "-qm", "events")
    checkout.run("flag", "--by", "mo", "--reason", "three")
    assert checkout.run("events", "--since", "HEAD").exit_code == 0
    newest = sorted((checkout.root / "events" / checkout.entry_id).iterdir())
    # The last event has none after it that would name its digest; git knows it.
    newest[-1].unlink()
    newest[-2].write_bytes(newest[-2].read_bytes().replace(b"two", b"2nd"))
    assert checkout.run("events").exit_code == 0
    edited = checkout.run("events", "--since", "HEAD")
    assert (edited.exit_code, f"{newest[-2].name} was edited or deleted since HEAD" in edited.stderr) == (1, True)
    newest[-2].unlink()
    assert checkout.run("events", "--since", "HEAD").exit_code == 1
    for since in ("--upload-pack=x", "nowhere", ""):
        assert checkout.run("events", "--since", since).exit_code == 2


def test_a_broken_ledger_is_named_and_hides_no_other(checkout: Checkout) -> None:
    checkout.run("flag", "--by", "mo", "--reason", "one")
    (checkout.root / "events" / "bbbbbbbbbbbb").mkdir()
    (checkout.root / "events" / "bbbbbbbbbbbb" / "x").touch()
    shown = CliRunner().invoke(cli, ["maintain", "events", "--events", str(checkout.root / "events"), "--json"])
    assert shown.exit_code == 1
    assert "x: not an event file" in shown.stderr
    assert [json.loads(line)["standing"] for line in shown.stdout.splitlines()] == ["flagged"]


def test_a_ledger_prints_no_terminal_codes(checkout: Checkout) -> None:
    checkout.run("flag", "--by", "mo", "--reason", "\x1b[31mred\u202e")
    shown = checkout.run("events").stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_the_ledger_of_nobody(checkout: Checkout) -> None:
    shutil.rmtree(checkout.root / "events")
    assert checkout.run("events").exit_code == 2
    everything = CliRunner().invoke(cli, ["maintain", "events", "--events", str(checkout.root / "none")])
    assert (everything.exit_code, everything.stdout) == (0, "")


def test_the_shipped_ledgers_hold() -> None:
    """Fails when a shipped file is changed without an event that says so: `retention maintain accept` records it."""
    root = Path(__file__).parents[3]
    places = ["--submissions", str(root / "submissions"), "--bases", str(root / "leaderboard/data/bases"),
              "--events", str(root / "leaderboard/data/events")]  # fmt: skip
    shown = CliRunner().invoke(cli, ["maintain", "events", "--json", *places])
    assert shown.exit_code == 0, shown.output
    states = {line["entry"]: line["evidence"] for line in map(json.loads, shown.stdout.splitlines())}
    assert {entry for entry, state in states.items() if state == "verified"} == {"4eauwmhpomvr", "hhkiwni7rppe"}
    assert set(states) == {path.parent.name for path in root.glob("submissions/*/manifest.yaml")}
