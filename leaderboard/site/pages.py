"""Pages: which there are, what each is told, and how a template becomes bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Any

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from harness import __version__
from harness.report import TEMPLATES, minus
from harness.scoring import LEVELS, METRICS, SECTIONS, Scorecard, rests_on, wording
from leaderboard.board import Board, Cache, Row, Track, TrackKey, code_digest, entry_json
from leaderboard.documents import ENTRY_ID
from leaderboard.numbers import cells, cite, formats
from leaderboard.site import curves, dynamics, entry, explorer, facts, plots, question_pages, study, views
from leaderboard.site.charts import coordinate, segments
from leaderboard.site.item_index import ItemIndex, by_suite
from leaderboard.site.releases import read_releases

_VERDICTS = ("forgot", "inconclusive", "nothing to lose", "retained", "improved")
_FILTERS = ("points", "points_tick", "percent", "percent_tick", "ratio", "points_ci", "ratio_ci", "probability",
            "count", "number", "learning_rate", "shown", "by_others", "linked", "cited", "plain", "figure", "figure_ci",
            "cosine", "cosine_ci")  # fmt: skip


@dataclass(frozen=True)
class _Around:
    """What the pages of an entry know of its track: its key, and how many entries are ranked in it."""

    key: TrackKey
    ranked: range


class _Compiled(BytecodeCache):
    """Templates compiled in this process, by name and content, for every site that it builds."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self.known[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


class Pages:
    """The templates of a site and what all pages know: the board, the names of assets, the versions."""

    def __init__(
        self,
        board: Board,
        templates: Path,
        assets: Mapping[str, str],
        *,
        site: str | None = None,
        cache: Cache | None = None,
        releases: Path | None = None,
        studies: Path | None = None,
        questions: Path | None = None,
    ) -> None:
        self.board, self.site, self.cache = board, site, cache or Cache(None)
        self.releases = read_releases(releases)
        self.studies = study.read_studies(studies)
        self.item_index = ItemIndex(board, questions)
        self.squares = {name: explorer.Squares(self.item_index, name) for name in self.item_index.suites}
        self.environment = _environment(templates)
        self.environment.globals.update(board=board, version=__version__, assets=assets, guide=views.example(board))
        self.environment.globals.update(studies=self.studies, item_index=self.item_index)
        sources = "".join(f"{path.name} {_sha256(path.read_bytes())}\n" for path in _sources(templates))
        # What the layout tells besides: the date, and whether there are pages of withdrawn entries and of studies.
        facts = [
            board.data_as_of,
            bool(board.tombstones or board.bad),
            bool(self.studies),
            site,
            self.item_index.digest,
        ]
        self.known = [code_digest(), sources, dict(assets), __version__, *facts]

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Path and content of every page, one after the other; only one is held at a time."""
        board = self.board
        methods = views.methods(board)
        yield self.page("index.html", "index.html")
        for name in ("metrics", "submit", "cite", "across", "withdrawn"):
            yield self.page(f"{name}.html", f"{name}.html")
        yield self.page("changelog.html", "changelog.html", releases=self.releases)
        if self.studies:
            yield self.page("study.html", "study.html")
        yield self.page("methods.html", "methods.html", methods=methods)
        for family, tracks in methods.items():
            yield self.page(f"methods/{family}.html", "method.html", family=family, tracks=tracks)
        for base in views.bases(board):
            yield self.page(base.page, "base.html", base=base)
        for name, alike in views.suites(board).items():
            yield self.page(name, "suite.html", tracks=alike, suite=alike[0].base.suite)
        for track in board.tracks:
            yield from self._track(track)
        yield from self._questions()
        for stone in board.tombstones:
            yield self.page(f"entries/{stone.entry_id}.html", "tombstone.html", tombstone=stone)
        shown = {row.entry_id for row in board.rows} | {stone.entry_id for stone in board.tombstones}
        for bad in board.bad:
            if ENTRY_ID.match(bad.path) and bad.path not in shown:
                yield self.page(f"entries/{bad.path}.html", "excluded.html", bad=bad)

    def _questions(self) -> Iterator[tuple[str, bytes]]:
        """The pages of questions: each is remembered by the answers of its suite, which are read where one is made."""
        tracks = by_suite(self.board)
        suites = [question_pages.SuiteQuestions(items, tracks[name]) for name, items in self.item_index.suites.items()]

        def remembered(name: str, template: str, facts: list[Any], **context: Any) -> tuple[str, bytes]:
            return name, self._remembered([name, *facts], lambda: self.page(name, template, **context)[1])

        indexed = sum(len(suite.items.places) for suite in suites) <= question_pages.MOST_INDEXED
        facts = [suite.facts for suite in suites]
        yield remembered("items.html", "items.html", facts, suites=suites, indexed=indexed)
        for suite in suites:
            for task in suite.items.tasks:
                context = {"suite": suite, "task": task}
                yield remembered(suite.items.page(task), "question_task.html", suite.facts, **context)
                for part in range(1, suite.items.parts(task) + 1):
                    about = {**context, "part": part, "view": partial(suite.views, task, part)}
                    yield remembered(suite.items.page(task, part), "question.html", suite.facts, **about)
            suite.forget()
        yield from self.item_index.picture_files()

    def _track(self, track: Track) -> Iterator[tuple[str, bytes]]:
        slug = track.key.slug
        yield self.page(f"tracks/{slug}.html", "track.html", track=track, curves=curves.curves(track))
        yield self.page(f"compare/{slug}.html", "compare.html", track=track)
        yield self.page(f"forgotten/{slug}.html", "forgotten.html", track=track, items=views.forgotten(track))
        near = entry.neighbours(track)
        for row in track.rows:
            # No more than this of the track may be on a page that is remembered: its key covers no other entry.
            about = {"track": _Around(track.key, range(len(track.ranked))), "row": row, "card": row.card}
            yield f"entries/{row.entry_id}.html", self._entry(track, row, about, near[row.entry_id])
            yield f"items/{row.entry_id}.html", self._items(row, about)

    def _entry(self, track: Track, row: Row, about: dict[str, Any], around: entry.Around) -> bytes:
        """The page of one entry, remembered by all that is said of it."""
        records = [row.base.model_dump_json(), row.tuned.model_dump_json()]
        why = dynamics.why(row.folder, row.manifest)
        said = why and why.found.model_dump_json()
        facts = ["entry", entry_json(track, row), *records, len(track.ranked), said, around.facts]

        def make() -> bytes:
            # Escaped here, as the last step of an expression would put its lines on one.
            citation = Markup.escape(cite(row, None, "bibtex", self.site))
            told = {"page": entry.entry_page(row, around), "citation": citation, "why": why, **about}
            return self.page(f"entries/{row.entry_id}.html", "entry.html", **told)[1]

        return self._remembered(facts, make)

    def _items(self, row: Row, about: dict[str, Any]) -> bytes:
        """The explorer of one entry, which follows from stored answers and is remembered by them."""
        samples = [row.base.samples_sha256, row.tuned.samples_sha256]
        facts = ["items", row.entry_id, row.name, *samples, row.manifest.target, vars(about["track"].key)]

        def make() -> bytes:
            tasks = explorer.explore(row, self.squares[row.card.suite.comparable])
            return self.page(f"items/{row.entry_id}.html", "explorer.html", tasks=tasks, **about)[1]

        return self._remembered(facts, make)

    def _remembered(self, facts: list[Any], make: Callable[[], bytes]) -> bytes:
        """The page that ``make`` gives, from the cache where one was made of the same facts."""
        key = _sha256(json.dumps([*self.known, *facts]).encode())
        stored = self.cache.get(key)
        if stored is None:
            stored = make()
            self.cache.put(key, stored)
        return stored

    def page(self, name: str, template: str, **context: Any) -> tuple[str, bytes]:
        """One page by its path within the site."""
        root = "../" * name.count("/")
        return name, self.environment.get_template(template).render(root=root, here=name, **context).encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sources(templates: Path) -> list[Path]:
    """The templates of the site, and those that it shares with the reports."""
    return [*sorted(templates.iterdir()), *sorted(TEMPLATES.glob("*.j2"))]


def _environment(templates: Path) -> Environment:
    # autoescape is the boolean: select_autoescape leaves .svg and .html.j2 unescaped.
    environment = Environment(
        loader=FileSystemLoader([templates, TEMPLATES]),
        autoescape=True,
        bytecode_cache=_COMPILED,
        undefined=StrictUndefined,
        finalize=formats.printed,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for name in _FILTERS:
        environment.filters[name] = getattr(formats, name)
    environment.filters["part_name"] = cells.part_name
    environment.filters["segments"] = segments
    environment.filters["zip"] = zip
    environment.filters["minus"] = minus
    environment.filters["lined"] = question_pages.lined
    environment.globals.update(
        plots=plots,
        views=views,
        study_page=study,
        cells=cells,
        metrics=METRICS,
        sections=SECTIONS,
        levels=LEVELS,
        hatches=_hatches,
        verdict_counts=_verdict_counts,
        verdict_tone=_verdict_tone,
        kept=wording.kept,
        rests_on=rests_on,
        most_forgotten=question_pages.most_forgotten,
        most_listed=question_pages.MOST_LISTED,
        totals=question_pages.total,
        numbers=_numbers,
        main_numbers=entry.MAIN,
        **facts.FUNCTIONS,
    )
    return environment


def _numbers(row: Row) -> Iterator[tuple[str, str, str, str, str]]:
    """Every number of an entry: its metric, value and interval as they are quoted, its hash, and the place it has in
    the list, empty for those that stand further up on the page."""
    for metric, cell in cells.cells_of(row.entry_id, row.card).items():
        unit = cell.definition.unit
        between = formats.points_ci(cell.interval) if unit == "points" else formats.ratio_ci(cell.interval)
        place = "" if _stands_above(metric, dict(cell.inputs)["part"], row.card) else cell.fragment
        yield metric, formats.quantity(cell.value, unit), between, row.hashes[metric], place


# Numbers that the page of an entry shows by themselves: of the pair, of every task, and of prior tasks.
_OF_PAIR = ("gain", "retention_macro", "worst_group", "balance")
_OF_TASKS = ("n01", "n11", "n10", "n00", "unparsed_base", "unparsed_tuned", "off_list_base", "off_list_tuned",
             "truncated_base", "truncated_tuned", "format_loss")  # fmt: skip
_OF_PRIOR = ("delta", "retention", "forgotten_rate", "smallest_loss")


def _stands_above(metric: str, part: str, card: Scorecard) -> bool:
    kind, _, rest = metric.partition("/")
    if not rest:
        return metric in _OF_PAIR
    name = rest.rpartition("/")[2]
    return kind == "task" and (name in _OF_TASKS or (name in _OF_PRIOR and card.tasks[part].role == "prior"))


def _hatches(start: str, width: str) -> list[str]:
    """Where to draw the lines that tell the forgotten part of a bar from the others without colour."""
    left, right = float(start), float(start) + float(width)
    return [coordinate(left + 3 + 4 * step) for step in range(int((right - left) // 4)) if left + 4 + 4 * step < right]


def _verdict_counts(card: Scorecard) -> list[tuple[str, int]]:
    """Verdicts on the prior tasks and how many tasks got each, worst first, without empty ones."""
    found = [task.verdict for task in card.prior_tasks.values()]
    return [(verdict, found.count(verdict)) for verdict in _VERDICTS if verdict in found]


def _verdict_tone(verdict: str | None) -> str:
    return {"forgot": "bad", "improved": "good"}.get(verdict or "", "")
