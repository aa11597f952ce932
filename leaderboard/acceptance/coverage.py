"""Steps 5, 6 and 8 of acceptance: every item answered once and alike, every value recomputed, the pair scored.

Step 7 is :mod:`leaderboard.acceptance.plausibility`; steps 1 to 4 are :mod:`leaderboard.entries.integrity`.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import CheckFailedError, RetentionError
from harness.items import items_digest
from harness.records import JUDGE_VERSION, RECORD_FILE, SAMPLES_FILE, Run, Suite, file_sha256
from harness.scoring import Scorecard, score_pair
from leaderboard.acceptance.copies import Fingerprint
from leaderboard.acceptance.references import Reference, reference
from leaderboard.documents import BASE_HOME, MANIFEST_FILE, TUNED_FOLDER, Manifest
from leaderboard.entries import (
    BaseRun,
    BaseRuns,
    Finding,
    Findings,
    Judges,
    Replaced,
    Shelf,
    Submission,
    finding,
    paired_home,
    public,
    some,
)
from leaderboard.ledger import Event, EventError, Evidence, Rebased, State, Submitted, fold

if TYPE_CHECKING:
    from leaderboard.entries.judges import Difference


# Entries that others are held against; reading and scoring one takes a moment.
MOST_REFERENCES = 8
_HOME = re.compile(BASE_HOME, re.ASCII)


class Surroundings:
    """What entries are checked against, read once for all of them: the shelf they belong to, the base runs, the ledgers
    and the suites (the shipped ones, and those in the files ``suites``)."""

    def __init__(self, shelf: Shelf, suites: Sequence[Path] = (), tried: Replaced = ()) -> None:
        self.shelf = shelf
        # Base runs that are replaced for a trial, beside those that ledgers replace.
        self.tried = tried
        self.bases = BaseRuns(shelf.bases)
        self.judges = Judges(suites)
        # Fingerprints of the other entries by folder; None for one that cannot be read.
        self.prints: dict[Path, Fingerprint | None] = {}
        # What is implausible of a base run by itself, by its name and the sha256 of its samples.
        self.of_bases: dict[tuple[str, str], tuple[Finding, ...]] = {}
        self._references: dict[tuple[str, str, str], tuple[Reference, ...]] = {}

    @cached_property
    def accepted_bases(self) -> frozenset[str]:
        """sha256 of the samples of every base run that an accepted entry used."""
        return frozenset(event.base_samples_sha256 for event in self._submitted.values())

    @cached_property
    def verified_bases(self) -> frozenset[str]:
        """sha256 of the samples of every base run that a maintainer ran again, with an entry that stands."""
        return frozenset(
            state.submitted.base_samples_sha256
            for state in self._states.values()
            if state.submitted is not None and state.evidence is Evidence.VERIFIED and state.standing.ranked
        )

    @cached_property
    def entered_bases(self) -> frozenset[str]:
        """The places of base runs that are there for an entry, accepted or not; others were put there by hand."""
        merged = {paired_home(manifest, self.replaced_by(name)) for name, manifest in self.shelf.manifests()}
        events = [event for ledger in self._good_ledgers.values() for event in ledger if isinstance(event, Submitted)]
        return frozenset(merged | {event.base_home for event in events if event.base_home is not None})

    @cached_property
    def wrong_bases(self) -> dict[str, str]:
        """The places of base runs that were shown to be wrong, each with that of the run that took its place last."""
        events = [event for ledger in self._good_ledgers.values() for event in ledger if isinstance(event, Rebased)]
        in_order = sorted(events, key=lambda event: (event.at, event.entry_id, event.seq))
        found: dict[str, str] = {}
        for wrong, right in (*((event.replaced, event.replacement) for event in in_order), *self.tried):
            found.pop(right, None)
            found[wrong] = right
        return found

    def replaced_by(self, entry_id: str) -> Replaced:
        """The base runs that the ledger of an entry replaces, and those of a replacement that is being tried."""
        state = self._states.get(entry_id)
        return (() if state is None else state.replaced) + self.tried

    @cached_property
    def accepted_files(self) -> dict[str, str]:
        """sha256 by name (``bases/...``) of the files of base runs that accepted entries used."""
        return {
            name: digest
            for event in self._submitted.values()
            for name, digest in event.files.items()
            if name.startswith("bases/")
        }

    def submitted(self, entry_id: str) -> Submitted | None:
        """The files that the ledger of an entry recorded, if it was merged before."""
        return self._submitted.get(entry_id)

    @cached_property
    def broken_ledgers(self) -> dict[str, str]:
        """The errors of invalid ledgers, by entry."""
        return {name: str(ledger) for name, ledger in self._ledgers.items() if isinstance(ledger, EventError)}

    @cached_property
    def _ledgers(self) -> dict[str, tuple[Event, ...] | EventError]:
        return self.shelf.ledgers()

    @cached_property
    def _submitted(self) -> dict[str, Submitted]:
        return {name: state.submitted for name, state in self._states.items() if state.submitted is not None}

    @cached_property
    def _good_ledgers(self) -> dict[str, tuple[Event, ...]]:
        return {name: ledger for name, ledger in self._ledgers.items() if isinstance(ledger, tuple)}

    @cached_property
    def _states(self) -> dict[str, State]:
        return {name: fold(ledger) for name, ledger in self._good_ledgers.items()}

    def references(self, candidate: Submission) -> tuple[Reference, ...]:
        """What other entries with the suite, base and target of ``candidate`` show, that were reproduced or verified:
        no more than :data:`MOST_REFERENCES`, by their ids."""
        if candidate.manifest is None:
            return ()
        found = self._references.get(place := _place(candidate.manifest))
        if found is None:
            found = self._references[place] = tuple(itertools.islice(self._confirmed(place), MOST_REFERENCES))
        return tuple(each for each in found if each.entry != candidate.folder.name)

    def _confirmed(self, place: tuple[str, str, str]) -> Iterator[Reference]:
        for name, state in sorted(self._states.items()):
            if not state.evidence.ranked:
                continue
            event = state.submitted
            if not state.standing.ranked or event is None or (event.suite, event.target) != place[::2]:
                continue
            try:
                scored = self.shelf.scored(name)
            except RetentionError:  # its folder is gone or changed: it shows nothing any more
                continue
            entry = scored.entry
            if _place(entry.manifest) == place:
                yield reference(name, entry.manifest.method.family, entry.base, entry.tuned, scored.card)

    def other_runs(self, base: BaseRun) -> Iterator[tuple[BaseRun, Run]]:
        """Other runs of the same weights, on this suite and on others, but for those that were shown to be wrong."""
        weights = base.home.rpartition("/")[2][:12]
        for folder in sorted(self.shelf.bases.glob(f"*/{weights}*")):
            home = folder.relative_to(self.shelf.bases).as_posix()
            if home == base.home or home in self.wrong_bases or not _HOME.fullmatch(home):
                continue
            other = self.bases.get(home)
            if other is not None and other.run is not None and not other.findings:
                yield other, other.run


def _place(manifest: Manifest) -> tuple[str, str, str]:
    """What entries share that are held against each other: suite, base and target."""
    return f"{manifest.suite.id}-{manifest.suite.version}", manifest.base.weights_digest, manifest.target


@dataclass
class Candidate(Submission):
    """A submission during validation; ``overlong`` where an output is longer than its tokens."""

    around: Surroundings = field(kw_only=True)
    card: Scorecard | None = None
    overlong: bool = False

    @property
    def can_be_judged(self) -> bool:
        return self.suite is not None and self.pair is not None and not self.overlong

    @property
    def suite(self) -> Suite | None:
        if self.manifest is None:
            return None
        return self.around.judges.suite(f"{self.manifest.suite.id}-{self.manifest.suite.version}")

    @property
    def pair(self) -> tuple[Run, Run] | None:
        """Both runs, if they can be read."""
        base = None if self.base is None else self.base.run
        return None if base is None or self.tuned is None else (base, self.tuned)

    def sides(self) -> Iterator[tuple[str, Run]]:
        """Each run with the prefix of its files in findings."""
        if self.base is not None and self.base.run is not None:
            yield self.base.name, self.base.run
        if self.tuned is not None:
            yield f"{TUNED_FOLDER}/", self.tuned


def candidate(folder: Path, around: Surroundings) -> Candidate:
    return Candidate(folder, around.bases, around.replaced_by(folder.name), around=around)


def merged(entry: Candidate) -> Findings:
    """4, for merged entries: the files of the entry and its base match those that the ledgers recorded."""
    name, around = entry.folder.name, entry.around
    if (why := around.broken_ledgers.get(name)) is not None:
        yield finding("changed-after-merge", f"events/{name}", why.rpartition("/")[2])
    own = around.submitted(name)
    recorded = {file: digest for file, digest in (own.files if own else {}).items() if not file.startswith("bases/")}
    if entry.base is not None:
        recorded |= {file: digest for file, digest in around.accepted_files.items() if file.startswith(entry.base.name)}
        if (right := around.wrong_bases.get(entry.base.home)) is not None:
            why = f"the base run at {entry.base.home} was shown to be wrong, and {right} took its place"
            yield finding("base-wrong", MANIFEST_FILE, why, "base_run")
    for file, digest in sorted(recorded.items()):
        base = file.startswith("bases/")
        path = around.shelf.bases / file.removeprefix("bases/") if base else entry.folder / file
        if path.is_symlink() or not path.is_file() or file_sha256(path) != digest:
            yield finding("changed-after-merge", file, "differs from the merged file", stated=digest[:12])


def coverage(entry: Candidate) -> Findings:
    """5: every item of the suite exactly once in each run, with the same prompts in both."""
    if entry.manifest is None:
        return
    if entry.suite is None:
        suite = entry.manifest.suite
        yield finding("suite", MANIFEST_FILE, f"there is no open suite {suite.id}-{suite.version}", "suite")
        return
    for name, run in entry.sides():
        yield from _frozen(name, run, entry.suite, custom=entry.manifest.track == "custom")
        yield from _covered(name, run, entry.suite, entry.around.judges)
    if (pair := entry.pair) is not None:
        base, tuned = pair
        yield from _same_prompts(base, tuned)
        try:
            entry.card = score_pair(base, tuned, entry.manifest.target)
        except CheckFailedError as error:
            yield finding("pair", f"{TUNED_FOLDER}/{RECORD_FILE}", str(error).removeprefix("refused: "))
        except Exception as error:  # hostile samples may make scoring raise anything
            yield finding("report", f"{TUNED_FOLDER}/{SAMPLES_FILE}", f"cannot be scored ({type(error).__name__})")


def recomputation(entry: Candidate) -> Findings:
    """6: extracted answer, outcome, score and the item's columns match what the task's scoring gives for the output."""
    suite = entry.suite
    if suite is None:
        return
    for name, run in entry.sides():
        if run.record.judge != JUDGE_VERSION:
            why = f"was judged by version {run.record.judge} of the rules, the board is at {JUDGE_VERSION}"
            yield finding("judge", f"{name}{RECORD_FILE}", why, "judge")
            continue
        found = entry.around.judges.recompute(suite, run, keep=not name.startswith(TUNED_FOLDER))
        columns: dict[str, list[Difference]] = defaultdict(list)
        for each in found.differences:
            columns[each.column].append(each)
        for column, differences in columns.items():
            yield _differs(f"{name}{SAMPLES_FILE}", column, differences, found.rows)
        for task, reason in found.unavailable.items():
            why = f"could not be recomputed: the data of task {task} is not available ({public(reason)})"
            yield finding("not-recomputed", f"{name}{SAMPLES_FILE}", why, f"task {task}", task=task)


def _frozen(name: str, run: Run, suite: Suite, *, custom: bool) -> Findings:
    """A run on the custom track may be asked by another policy than the suite's, which its protocol says."""
    stored, frozen = run.record.suite, suite.record
    for place in ("digest", *(() if custom else ("protocol",)), "tasks", "transfer", "adjacent"):
        if getattr(stored, place) != getattr(frozen, place):
            why = f"the run's {suite.id} differs from the frozen suite"
            yield finding("suite", f"{name}{RECORD_FILE}", why, f"suite.{place}")


def _covered(name: str, run: Run, suite: Suite, judges: Judges) -> Findings:
    file = f"{name}{SAMPLES_FILE}"
    failed = run.samples["error"].notna()
    if failed.any():
        why = f"{int(failed.sum())} of {len(failed)} items failed"
        yield finding("coverage", file, why, "error", items=some(run.samples.loc[failed, "item_id"]))
    found = {str(task): ids.tolist() for task, ids in run.samples.groupby("task", sort=False)["item_id"]}
    for task in sorted(found.keys() - suite.tasks.keys()):
        yield finding("coverage", file, f"{len(found[task])} rows of {task}, which is not in the suite", "task")
    for task, place in suite.tasks.items():
        items = found.get(task, [])
        if len(items) == place.count and items_digest(items) == place.digest:
            continue
        yield _not_covered(file, task, items, suite, judges)


def _not_covered(file: str, task: str, items: list[str], suite: Suite, judges: Judges) -> Finding:
    """Names the wrong items if the suite's items are available, and only counts them otherwise."""
    expected = list(judges.recomputer(suite).answer_keys(task))
    if not expected:
        why = f"{task}: {len(items)} rows are not the {suite.tasks[task].count} frozen items in their order"
        return finding("coverage", file, why, "item_id", task=task)
    missing, extra = set(expected) - set(items), set(items) - set(expected)
    if not missing and not extra:
        return finding("coverage", file, f"{task}: rows are not in the order of the suite", "item_id", task=task)
    why = f"{task}: {len(missing)} of {len(expected)} items are missing, {len(extra)} rows belong to no item"
    return finding(
        "coverage", file, why, "item_id", task=task, missing=some(sorted(missing)), extra=some(sorted(extra))
    )


def _same_prompts(base: Run, tuned: Run) -> Findings:
    name = f"{TUNED_FOLDER}/{SAMPLES_FILE}"
    if base.record.tokenizer_digest != tuned.record.tokenizer_digest:
        field = "checkpoint.tokenizer_digest" if tuned.record.prompts is None else "prompts.tokenizer_digest"
        yield finding(
            "tokenizer", f"{TUNED_FOLDER}/{RECORD_FILE}", "differs from the base's", field,
            base=base.record.tokenizer_digest[:12], tuned=tuned.record.tokenizer_digest[:12],
        )  # fmt: skip
    if base.record.template_policy == tuned.record.template_policy == "native":
        return
    columns = ["prompt_digest"] if tuned.record.own_processor else ["prompt_digest", "n_prompt_tokens"]
    rows = [run.samples[["item_id", *columns]] for run in (base, tuned)]
    both = rows[0].merge(rows[1], on="item_id", suffixes=("_base", "_tuned"))
    for column in columns:
        differing = both.loc[both[f"{column}_base"] != both[f"{column}_tuned"], "item_id"]
        if len(differing):
            why = f"differs from the base's on {len(differing)} of {len(both)} items"
            yield finding("prompts", name, why, column, items=some(differing))


def _differs(file: str, column: str, differences: list[Difference], rows: int) -> Finding:
    first = differences[0]
    why = (
        f"{len(differences)} of {rows} rows differ from what the task's scoring gives (first: {first.task} "
        f"{first.item_id[:12]}, stored {str(first.stored)[:80]!r}, recomputed {str(first.recomputed)[:80]!r})"
    )
    examples = [
        {"task": each.task, "item": each.item_id[:12], "stored": str(each.stored), "recomputed": str(each.recomputed)}
        for each in differences[:3]
    ]
    return finding("recomputation", file, why, column, rows=len(differences), examples=examples)
