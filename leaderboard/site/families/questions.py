"""The pages of questions: an index, a page a task, and the items of a task, some on each page."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from leaderboard.site import question_pages
from leaderboard.site.item_index import by_suite
from leaderboard.site.pages import Pages
from leaderboard.site.question_pages import SuiteQuestions
from leaderboard.site.units import File, Unit


def units(pages: Pages) -> Iterator[Unit]:
    yield Unit(_index)
    for name, suite in pages.item_index.suites.items():
        for task in suite.tasks:
            yield Unit(_task, (name, task))
    yield Unit(_pictures)


def _index(pages: Pages) -> Iterator[File]:
    tracks = by_suite(pages.board)
    suites = [SuiteQuestions(items, tracks[name]) for name, items in pages.item_index.suites.items()]
    indexed = sum(len(suite.items.places) for suite in suites) <= question_pages.MOST_INDEXED
    facts = [suite.facts for suite in suites]
    yield _remembered(pages, "items.html", "items.html", facts, suites=suites, indexed=indexed)


def _task(pages: Pages, name: str, task: str) -> Iterator[File]:
    suite = _suite(pages, name)
    context = {"suite": suite, "task": task}
    yield _remembered(pages, suite.items.page(task), "question_task.html", [suite.facts], **context)
    for part in range(1, suite.items.parts(task) + 1):
        about = {**context, "part": part, "view": partial(suite.views, task, part)}
        yield _remembered(pages, suite.items.page(task, part), "question.html", [suite.facts], **about)


def _pictures(pages: Pages) -> Iterator[File]:
    yield from pages.item_index.picture_files()


def _suite(pages: Pages, name: str) -> SuiteQuestions:
    """The answers to a suite: read where a page is made of them, and held until those of another one are."""
    held = pages.suite_questions
    if held is None or held.items.name != name:
        held = pages.suite_questions = SuiteQuestions(pages.item_index.suites[name], by_suite(pages.board)[name])
    return held


def _remembered(pages: Pages, name: str, template: str, facts: list[Any], **context: Any) -> File:
    return name, pages.remembered([name, *facts], lambda: pages.page(name, template, **context)[1])
