"""The board: entries scored, sorted into tracks (sets of entries that may be put side by side) and ranked in them."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache as hashed_once
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from harness.items import canonical_json
from harness.records import RunRecord, file_sha256, read_run
from harness.scoring import Bools, Scorecard, paired_items
from leaderboard.board.cache import Cache
from leaderboard.board.comparisons import compare_all
from leaderboard.board.contest import Comparison, Contender, Contest, ForgottenItem, Placing, Questions, forgotten_most
from leaderboard.board.scores import Score, score_entries
from leaderboard.board.tags import GOT_WORSE, Tag, gain_tag, tags_of
from leaderboard.documents import TUNED_FOLDER, Manifest, is_further
from leaderboard.entries import BadEntry, Shelf, entry_folders, not_accepted
from leaderboard.ledger import Event, EventError, Evidence, Standing, State, fold

# Who has a rank and a Pareto status. A new version says in the changelog which published ranks it changes.
RANKING_VERSION = 2
RANKING_RULE = (
    "Entries that were reproduced or verified are ranked, and only they have a Pareto status. Self-reported ones are "
    "provisional: shown after them, in the order of their numbers, without a rank. Flagged and superseded ones are not "
    "ranked."
)
PROVISIONAL = "provisional until somebody other than its author has run it"
NOT_ACCEPTED = "not accepted yet, and shown in this preview alone"

_DATE = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]")


@dataclass(frozen=True)
class Row:
    """One entry on the board: what was stated, what was run, what it scored, and where that places it.

    ``state`` is what its events say (evidence, standing, the events themselves); ``placing`` its rank interval, tie
    letters and Pareto status within its track. ``folders`` are those of the base's and the tuned run. ``solved`` says
    which items it solved, in the order of its track's questions. ``pending`` are entries of a preview that no
    maintainer has accepted.
    """

    entry_id: str
    manifest: Manifest
    base: RunRecord
    tuned: RunRecord
    card: Scorecard
    state: State
    placing: Placing
    hashes: dict[str, str] = field(repr=False)
    folders: tuple[Path, Path] = field(compare=False)
    solved: Bools = field(repr=False, compare=False)
    digest: str = field(default="", repr=False, compare=False)
    pending: bool = False

    @cached_property
    def facts(self) -> list[Any] | None:
        """All that the board knows of it, as JSON can hold it; None where its files are not known by a digest."""
        if not self.digest:
            return None
        events = [event.model_dump_json() for event in self.state.events]
        return [self.digest, vars(self.placing), self.evidence.value, self.standing.value, self.pending, events]

    @property
    def name(self) -> str:
        return self.manifest.tuned_model.name

    @property
    def created(self) -> str:
        """When the tuned model was run, as its record says."""
        return self.tuned.created

    @property
    def evidence(self) -> Evidence:
        return self.state.evidence

    @property
    def standing(self) -> Standing:
        return self.state.standing

    @property
    def provisional(self) -> bool:
        """Whether it takes part, but nobody other than its author has run it: it has no rank."""
        return self.standing.ranked and not self.evidence.ranked

    @property
    def precedence(self) -> int:
        """Whom a reader may rely on first: 0 reproduced or verified, 1 provisional, 2 doubted or replaced."""
        return 2 if not self.standing.ranked else int(self.provisional)

    @property
    def shows_gain(self) -> bool:
        """Whether it is shown to have learned its target: the 95 % interval of its gain is above 0."""
        return gain_tag(self.card.learned.gain_ci) is None

    @property
    def got_worse(self) -> bool:
        """Whether it is shown to have lost on its target: the 95 % interval of its gain is below 0."""
        return gain_tag(self.card.learned.gain_ci) == GOT_WORSE

    @property
    def tags(self) -> tuple[Tag, ...]:
        """What a reader should know beside its numbers: standing, gain, evidence and alarms."""
        alarms = len(self.card.alarms)
        return tags_of(self.card.learned.gain_ci, self.evidence, self.standing, alarms, pending=self.pending)

    @property
    def folder(self) -> Path:
        """The entry's own folder."""
        return self.folders[1].parent

    def reference(self, metric: str) -> str:
        """What to quote a number by: its cell id with the hash (metrics are named in
        :mod:`leaderboard.numbers.cells`)."""
        suite = self.card.suite
        return f"{self.entry_id}:{metric}@{suite.name}-{suite.version}#{self.hashes[metric]}"

    def items(self) -> pd.DataFrame:
        """One row an item with both answers and the transition, read from the stored runs (``pairing.Pair.items``)."""
        base, tuned = (read_run(folder) for folder in self.folders)
        return paired_items(base, tuned)


@dataclass(frozen=True)
class TrackKey:
    """What entries must share to be compared: questions, target, base, protocol, environment, judge version."""

    suite: str
    target: str
    base_digest: str
    protocol: str
    environment: str
    kind: str
    judge: int = 1

    @property
    def slug(self) -> str:
        """A short name for addresses that never changes while the track is the same."""
        facts = {name: value for name, value in vars(self).items() if name != "judge" or value > 1}
        return "track-" + hashlib.sha256(canonical_json(facts)).hexdigest()[:8]


@dataclass(frozen=True)
class Track:
    """Entries of one key: reproduced and verified ones, ranked by balance and then those without a rank
    (``row.placing.reason`` says why); then provisional ones; then those that are doubted or replaced.

    ``base`` is the base run that most confirmed entries were compared with, or else the first one; others are in
    ``base_runs``, and each entry is scored with the one that it was evaluated with. ``questions`` are the items all of
    them answered, and what ``base`` solved. ``comparison`` holds the ranks and what was tested for them;
    ``differences`` what was tested between all that take part, provisional ones among them. ``forgotten`` are the items
    that most of those forgot.
    """

    key: TrackKey
    base: RunRecord
    rows: tuple[Row, ...]
    questions: Questions = field(repr=False, compare=False)
    comparison: Comparison = field(default=Comparison(), compare=False)
    differences: Comparison = field(default=Comparison(), compare=False)
    forgotten: tuple[ForgottenItem, ...] = ()

    @cached_property
    def base_runs(self) -> dict[Path, tuple[Row, ...]]:
        """The folders of the base runs that the entries were compared with, ``base`` first, each with its entries."""
        found: dict[Path, list[Row]] = {}
        for row in sorted(self.rows, key=lambda row: row.base != self.base):
            found.setdefault(row.folders[0], []).append(row)
        return {folder: tuple(rows) for folder, rows in found.items()}

    @property
    def base_folder(self) -> Path:
        """The folder of ``base``."""
        return next(iter(self.base_runs))

    @cached_property
    def ranked(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.placing.rank is not None)

    @cached_property
    def compared(self) -> tuple[Row, ...]:
        """The entries that take part: ranked ones, those without a balance, and provisional ones."""
        return tuple(row for row in self.rows if row.standing.ranked)

    @cached_property
    def balances(self) -> tuple[float, ...]:
        """Those of the entries that take part, in ascending order; 0 for one without."""
        return tuple(sorted(row.card.balance or 0.0 for row in self.compared))

    @cached_property
    def best_known(self) -> float | None:
        """The highest balance of reproduced and verified entries; None where they have none."""
        known = [row.card.balance for row in self.rows if row.precedence == 0 and row.card.balance is not None]
        return max(known, default=None)

    @cached_property
    def shows_gain(self) -> bool:
        """Whether an entry that takes part is shown to have learned the target."""
        return any(row.shows_gain for row in self.compared)

    @property
    def order_sentence(self) -> str:
        """In which order the entries stand, and why."""
        if not self.shows_gain:
            return (
                "No entry shows a gain, so there is no balance and no rank: ordered by retention, what was kept of "
                "everything else." + (f" {self.provisional_sentence}" if self.provisional_sentence else "")
            )
        by = "by balance, which is high where gain and retention both are"
        if self.provisional_sentence:
            return f"{self.provisional_sentence[:-1]}, {by}."
        last = " Those without a rank follow, by retention." if len(self.ranked) < len(self.rows) else ""
        return f"Ordered {by}.{last}"

    @cached_property
    def provisional(self) -> tuple[Row, ...]:
        """The entries that nobody other than their authors has run."""
        return tuple(row for row in self.rows if row.provisional)

    @property
    def provisional_sentence(self) -> str:
        """How provisional entries stand among the others; empty where there are none."""
        if not self.provisional:
            return ""
        if len(self.provisional) == len(self.compared):
            return (
                "No entry has been reproduced or verified yet, so none is ranked: all are provisional and stand in the "
                "order of their own numbers."
            )
        return "Reproduced and verified entries come first; provisional ones follow, without a rank, in the same order."


@dataclass(frozen=True)
class Tombstone:
    """An entry that was withdrawn: its numbers are gone from the board, what happened to it is not."""

    entry_id: str
    state: State

    @property
    def name(self) -> str:
        """What it was called when it was submitted."""
        return self.state.submitted.name if self.state.submitted else self.entry_id


@dataclass(frozen=True)
class Board:
    """Everything the site shows. ``found`` is what validation flagged when it was run for this board, by entry and
    rule."""

    tracks: tuple[Track, ...]
    bad: tuple[BadEntry, ...]
    tombstones: tuple[Tombstone, ...] = ()
    found: Mapping[str, Mapping[str, str]] = field(default_factory=dict, compare=False)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        return tuple(row for track in self.tracks for row in track.rows)

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """Every event of every entry shown, and of the tombstones, newest first."""
        states = [row.state for row in self.rows] + [stone.state for stone in self.tombstones]
        found = [event for state in states for event in state.events]
        return tuple(sorted(found, key=lambda event: (event.at, event.entry_id, event.seq), reverse=True))

    @cached_property
    def data_as_of(self) -> str:
        """Date of the newest run or event shown, empty without one: pages carry no other date than those of data."""
        dates = [row.tuned.created[:10] for row in self.rows] + [event.at[:10] for event in self.events[:1]]
        return max((date for date in dates if _DATE.fullmatch(date)), default="")


def load_board(
    submissions: Path,
    bases: Path,
    events: Path | None = None,
    *,
    preview: bool = False,
    refused: Mapping[str, str] = MappingProxyType({}),
    found: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    cache: Cache | None = None,
    jobs: int | None = 1,
) -> Board:
    """Read, score and rank every accepted entry under ``submissions``; the others are listed in ``bad``.

    ``events`` is the folder of ledgers: an entry takes part if its ledger has an acceptance of exactly its files. A
    ``preview``, or a board without ledgers, also has the entries that were never accepted. ``refused`` are reasons by
    entry for leaving more out, and ``found`` is what validation flagged, by entry and rule. ``cache`` remembers scores
    and comparisons between builds, ``jobs`` is how many processes may score (None: one a core).
    """
    remembered = cache or Cache(None)
    # Each file is hashed once a build, whatever it is compared with.
    sha256 = hashed_once(file_sha256)
    # A board without ledgers is one of entries elsewhere, which nobody could accept.
    says_pending = preview or events is not None
    shelf = Shelf(submissions, bases, events or Path(), Path())
    ledgers = {} if events is None else shelf.ledgers()
    bad = [BadEntry(name, _public(error, shelf)) for name, error in ledgers.items() if isinstance(error, EventError)]
    states = {name: fold(ledger) for name, ledger in ledgers.items() if isinstance(ledger, tuple)}
    withdrawn = {name: state for name, state in states.items() if state.standing is Standing.WITHDRAWN}
    there = entry_folders(submissions)
    bad += [
        BadEntry(folder.name, refused[folder.name])
        for folder in there
        if folder.name in refused.keys() - withdrawn.keys()
    ]
    left_out = withdrawn.keys() | {each.path for each in bad}
    folders = []
    for folder in (folder for folder in there if folder.name not in left_out):
        submitted = states[folder.name].submitted if folder.name in states else None
        waits = submitted is None and (preview or events is None)
        if not waits and (why := not_accepted(shelf, folder.name, submitted, sha256)) is not None:
            bad.append(BadEntry(folder.name, why, waiting=True))
        else:
            folders.append(folder)
    scores: list[tuple[Score, State]] = []
    replaced = {name: state.replaced for name, state in states.items() if state.replaced}
    for score in score_entries(folders, bases, remembered, jobs, replaced, sha256):
        if isinstance(score, BadEntry):
            bad.append(score)
            continue
        scores.append((score, states.get(score.entry_id, fold([]))))
    for name in sorted(states.keys() - withdrawn.keys() - {folder.name for folder in there}):
        bad.append(BadEntry(name, "its folder is gone, but its ledger does not say that it was withdrawn"))
    return Board(
        _tracks(scores, submissions, bases, remembered, says_pending=says_pending),
        tuple(sorted(bad, key=lambda each: each.path)),
        tuple(Tombstone(name, state) for name, state in sorted(withdrawn.items())),
        dict(found),
    )


def _public(error: EventError, shelf: Shelf) -> str:
    # The reason is published, and the folders of whoever builds the site are nobody's business.
    return str(error).replace(f"{shelf.events}/", "events/")


def _track_key(manifest: Manifest, base: RunRecord) -> TrackKey:
    """The environment is the engine's environment: outputs of two versions of one engine differ, and nothing here has
    shown that they may be compared."""
    return TrackKey(
        suite=base.suite.comparable,
        target=manifest.target,
        base_digest=base.checkpoint.weights_digest,
        protocol=base.suite.protocol,
        environment=base.engine.environment,
        kind=manifest.track,
        judge=base.judge,
    )


@dataclass
class _Members:
    """The entries of one track while it is put together, and the base runs that they were compared with."""

    bases: Mapping[str, _BaseRun]
    scores: list[tuple[Score, State]] = field(default_factory=list)

    @cached_property
    def base(self) -> _BaseRun:
        """The run whose name and questions are the track's: that of most entries that somebody else has run, then the
        one that came first. How many entries a stranger sends says nothing."""
        count = Counter(score.base for score, _ in self.scores)
        confirmed = Counter(
            score.base for score, state in self.scores if state.evidence.ranked and state.standing.ranked
        )
        return self.bases[min(count, key=lambda home: (-confirmed[home], is_further(home), -count[home], home))]

    def own(self, score: Score) -> Bools | None:
        """What the base of an entry solved, where that is another run than the track's."""
        own = self.bases[score.base]
        return None if own is self.base else own.questions.solved


@dataclass(frozen=True)
class _BaseRun:
    """A base run: its record, and the questions it answered."""

    record: RunRecord
    questions: Questions


def _tracks(
    scores: Sequence[tuple[Score, State]], submissions: Path, bases: Path, cache: Cache, *, says_pending: bool
) -> tuple[Track, ...]:
    base_runs: dict[str, _BaseRun] = {}
    members: dict[TrackKey, _Members] = {}
    for score, state in scores:
        if score.base not in base_runs:
            run = read_run(bases / score.base)
            base_runs[score.base] = _BaseRun(run.record, Questions.of(run.samples, run.record.suite.digest))
        key = _track_key(score.manifest, base_runs[score.base].record)
        members.setdefault(key, _Members(base_runs)).scores.append((score, state))
    # Those that are ranked are compared among themselves: what nobody else has run must not move a rank.
    confirmed = [_contest(track, lambda state: state.evidence.ranked) for track in members.values()]
    everyone = [_contest(track, lambda state: True) for track in members.values()]
    # Who is ranked (True) or takes part (False), by the track's place: where all are confirmed, that is one contest.
    contests = {(True, place): contest for place, contest in enumerate(confirmed)} | {
        (False, place): contest
        for place, contest in enumerate(everyone)
        if len(contest.contenders) > len(confirmed[place].contenders)
    }
    contests = {which: contest for which, contest in contests.items() if contest.contenders}
    found = dict(zip(contests, compare_all(list(contests.values()), cache), strict=True))
    tracks = []
    for place, (key, track) in enumerate(members.items()):
        ranked = found.get((True, place), Comparison())
        differences = found.get((False, place), ranked)
        rows = [
            _row(
                score, state, base_runs[score.base].record, ranked, submissions, bases,
                pending=says_pending and state.submitted is None,
            )
            for score, state in track.scores
        ]  # fmt: skip
        base, questions = track.base.record, track.base.questions
        forgotten = forgotten_most(questions, everyone[place].contenders)
        ordered = tuple(sorted(rows, key=_order))
        tracks.append(Track(key, base, ordered, questions, ranked, differences, forgotten))
    return tuple(sorted(tracks, key=_precedence))


def _contest(track: _Members, takes_part: Callable[[State], bool]) -> Contest:
    """The contest of those entries of a track whose standing lets them take part, and whose state ``takes_part``."""
    return Contest(
        track.base.questions,
        tuple(
            Contender(one.entry_id, one.card, one.solved, track.own(one))
            for one, state in track.scores
            if state.standing.ranked and takes_part(state)
        ),
    )


def _precedence(track: Track) -> tuple[bool, bool, bool, int, str]:
    """Where something was learned before where nothing is shown to be, so that such a track never opens the board;
    standard before custom, with reproduced or verified entries before without; then the largest track first: that is
    where a reader finds most to compare."""
    unsure = min(row.precedence for row in track.rows) > 0
    return not track.shows_gain, track.key.kind == "custom", unsure, -len(track.rows), track.key.slug


def _row(
    score: Score, state: State, base: RunRecord, compared: Comparison, submissions: Path, bases: Path, *, pending: bool
) -> Row:
    why = PROVISIONAL if state.standing.ranked else f"{state.standing} entries are not ranked"
    unranked = Placing(reason=NOT_ACCEPTED if pending else why)
    return Row(
        entry_id=score.entry_id,
        manifest=score.manifest,
        base=base,
        tuned=score.tuned,
        card=score.card,
        state=state,
        placing=compared.placings.get(score.entry_id, unranked),
        hashes=score.hashes,
        folders=(bases / score.base, submissions / score.entry_id / TUNED_FOLDER),
        solved=score.solved,
        digest=score.digest,
        pending=pending,
    )


def _order(row: Row) -> tuple[int, bool, bool, float, bool, float, float, str]:
    """Whom a reader may rely on first; by balance, those without by retention, then gain. The entry's id decides only
    where all of that is equal."""
    balance, retention = row.card.balance, row.card.retention_macro
    return (
        row.precedence,
        row.placing.rank is None,
        balance is None,
        -(balance or 0.0),
        retention is None,
        -(retention or 0.0),
        -row.card.learned.gain,
        row.entry_id,
    )
