"""The pages of questions: an index, a page a task, and the items of a task, some on each page."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from leaderboard.site import question_pages
from leaderboard.site.item_index import by_suite
from leaderboard.site.pages import Pages
from leaderboard.site.question_pages import SuiteQuestions
from leaderboard.site.units import File, Unit, always_anew


def units(pages: Pages) -> Iterator[Unit]:
    yield Unit(_index, (), _index_facts)
    for name, suite in pages.item_index.suites.items():
        for task in suite.tasks:
            yield Unit(_task, (name, task), _task_facts)
    yield Unit(_pictures, (), always_anew)


def _index_facts(pages: Pages) -> list[str]:
    return [suite.facts for suite in _suites(pages)]


def _index(pages: Pages) -> Iterator[File]:
    suites = _suites(pages)
    indexed = sum(len(suite.items.places) for suite in suites) <= question_pages.MOST_INDEXED
    yield pages.page("items.html", "items.html", suites=suites, indexed=indexed)


def _task_facts(pages: Pages, name: str, _: str) -> str:
    return _suite(pages, name).facts


def _task(pages: Pages, name: str, task: str) -> Iterator[File]:
    suite = _suite(pages, name)
    context = {"suite": suite, "task": task}
    yield pages.page(suite.items.page(task), "question_task.html", **context)
    for part in range(1, suite.items.parts(task) + 1):
        about = {**context, "part": part, "view": partial(suite.views, task, part)}
        yield pages.page(suite.items.page(task, part), "question.html", **about)


def _pictures(pages: Pages) -> Iterator[File]:
    yield from pages.item_index.picture_files()


def _suites(pages: Pages) -> list[SuiteQuestions]:
    return [_suite(pages, name) for name in pages.item_index.suites]


def _suite(pages: Pages, name: str) -> SuiteQuestions:
    """The answers to a suite: read where a page is made of them, and held until those of another one are."""
    held = pages.suite_questions
    if held is None or held.items.name != name:
        held = pages.suite_questions = SuiteQuestions(pages.item_index.suites[name], by_suite(pages.board)[name])
    return held
