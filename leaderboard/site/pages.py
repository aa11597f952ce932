"""Pages: what each is told, and how a template becomes bytes; :mod:`leaderboard.site.families` has which there are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from types import CodeType
from typing import Any

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket

from harness import __version__
from harness.items import files_digest
from harness.records import file_sha256
from harness.report import TEMPLATES
from harness.scoring import LEVELS, METRICS, SECTIONS, Scorecard, rests_on, wording
from leaderboard.board import Board, Cache, Row, Track, code_digest
from leaderboard.documents import SiteSettings, file_names
from leaderboard.numbers import cells, formats
from leaderboard.site import (
    compare,
    explorer,
    facets,
    facts,
    findings,
    heads,
    plots,
    question_pages,
    results,
    strips,
    views,
)
from leaderboard.site.charts import coordinate, segments
from leaderboard.site.entry import MAIN, Around, neighbours
from leaderboard.site.item_index import ItemIndex
from leaderboard.site.releases import read_releases

_VERDICTS = ("forgot", "inconclusive", "nothing to lose", "retained", "improved")
_FILTERS = ("points", "points_tick", "percent", "percent_tick", "ratio", "points_ci", "ratio_ci", "probability",
            "count", "number", "learning_rate", "shown", "by_others", "linked", "cited", "plain", "figure", "figure_ci",
            "cosine", "cosine_ci")  # fmt: skip


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
        settings: SiteSettings | None = None,
    ) -> None:
        # What pages in another process are made of.
        self._anew = partial(
            Pages,
            board,
            templates,
            assets,
            site=site,
            cache=cache,
            releases=releases,
            studies=studies,
            questions=questions,
            settings=settings,
        )
        # Templates lie beside style sheets and scripts.
        self.sources = templates.parent
        self.board, self.site, self.cache = board, site, cache or Cache(None)
        self.releases = read_releases(releases)
        self.findings = findings.findings(findings.read_studies(studies))
        self.item_index = ItemIndex(board, questions)
        self.suite_questions: question_pages.SuiteQuestions | None = None
        self.squares = {name: explorer.Squares(self.item_index, name) for name in self.item_index.suites}
        self.settings = settings or SiteSettings()
        self.heads = heads.Heads(board, site)
        self.environment = _environment(templates)
        self.environment.globals.update(board=board, version=__version__, assets=assets, guide=views.example(board))
        self.environment.globals.update(findings=self.findings, item_index=self.item_index)
        self.environment.globals.update(settings=self.settings, site=site, heads=self.heads)
        sources = "".join(f"{path.name} {_sha256(path.read_bytes())}\n" for path in _sources(templates))
        # What the layout tells besides: the date, and whether there are pages of withdrawn entries and of studies.
        facts = [
            board.data_as_of,
            bool(board.tombstones or board.bad),
            bool(self.findings),
            site,
            self.heads.preview,
            repr(self.settings),
            self.item_index.digest,
        ]
        self.digest = _sha256(json.dumps([code_digest(), sources, dict(assets), __version__, *facts]).encode())
        self._studies = studies

    def __reduce__(self) -> tuple[Callable[[], Pages], tuple[()]]:
        return self._anew, ()

    def track(self, slug: str) -> Track:
        return next(track for track in self.board.tracks if track.key.slug == slug)

    def entry(self, entry_id: str) -> tuple[Track, Row]:
        """A shown entry with its track."""
        return self._entries[entry_id]

    @cached_property
    def _entries(self) -> dict[str, tuple[Track, Row]]:
        return {row.entry_id: (track, row) for track in self.board.tracks for row in track.rows}

    @cached_property
    def neighbours(self) -> dict[str, Around]:
        """Of each entry, what its page says of others."""
        return {name: around for track in self.board.tracks for name, around in neighbours(track).items()}

    @cached_property
    def everything(self) -> str | None:
        """sha256 of all that is on the board; None where an entry's folder is not known by a digest."""
        board = self.board
        rows = [(track.key.slug, row.facts) for track in board.tracks for row in track.rows]
        if any(facts is None for _, facts in rows):
            return None
        others = [[vars(bad) for bad in board.bad], [(stone.name, repr(stone.state)) for stone in board.tombstones]]
        others.append([(name, dict(flags)) for name, flags in sorted(board.found.items())])
        besides = [[repr(release) for release in self.releases], _digest_of(self._studies)]
        return _sha256(json.dumps([rows, others, besides]).encode())

    def page(self, name: str, template: str, **context: Any) -> tuple[str, bytes]:
        """One page by its path within the site."""
        told = {"root": "../" * name.count("/"), "here": name, **context}
        return name, self.environment.get_template(template).render(told).encode()


def _digest_of(folder: Path | None) -> str:
    """sha256 over the names and contents of all files below a folder."""
    return files_digest({name: file_sha256(folder / name) for name in file_names(folder)} if folder else {})


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
    environment.filters["description"] = heads.description
    environment.filters["lined"] = question_pages.lined
    environment.globals.update(
        plots=plots,
        compare=compare,
        views=views,
        facets=facets,
        results=results,
        strips=strips,
        study_page=findings,
        cells=cells,
        metrics=METRICS,
        sections=SECTIONS,
        levels=LEVELS,
        hatches=_hatches,
        verdict_counts=_verdict_counts,
        kept=wording.kept,
        duration=wording.duration,
        byte_size=wording.byte_size,
        rests_on=rests_on,
        most_forgotten=question_pages.most_forgotten,
        most_listed=question_pages.MOST_LISTED,
        totals=question_pages.total,
        numbers=_numbers,
        main_numbers=MAIN,
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
