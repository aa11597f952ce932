"""A real browser for the site's tests: Debian's Chromium, pages that remember what they did, and axe's judgement."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

_LAUNCH = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync"]  # fmt: skip


def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.fail("no Chromium on PATH; run: apt-get install -y chromium")


@contextmanager
def opened() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=_LAUNCH)
        yield launched
        launched.close()


class Watched:
    """A page that remembers what it asked for and what it complained about."""

    def __init__(self, browser: Browser, **context: object) -> None:
        self.context = browser.new_context(**context)  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))
        self.page.on("request", self._asked)
        self.page.on("requestfailed", self._failed)

    def _heard(self, message: ConsoleMessage) -> None:
        self.complaints.append(f"{message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        # Leaving a page before its icon has come aborts that request; nothing else may fail.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed {request.url}: {request.failure}")

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)

    @property
    def address(self) -> str:
        """As the page itself has it: `page.url` hears of what the script makes of it only a little later."""
        return str(self.page.evaluate("location.href"))

    def overflow(self) -> int:
        """How many pixels the page is wider than its window."""
        width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(self.page.evaluate(width))

    def violations(self, axe: str, rules: list[str] | None = None) -> list[str]:
        """What axe finds on the page with everything on it opened, of all its rules or of some."""
        self.page.evaluate("for (const box of document.querySelectorAll('details')) box.open = true")
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(axe)
        return list(self.page.evaluate(_AXE, rules))


_AXE = """async rules => {
    const only = rules ? {runOnly: {type: 'rule', values: rules}} : {}
    const found = await axe.run(document, {...only, resultTypes: ['violations'], preload: false})
    return found.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).slice(0, 3).join(', '))
}"""
