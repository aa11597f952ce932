"""Checks of a built site: every file whole and listed, HTML without a parse error, links that lead somewhere, budgets.

What is looked at is what was published, the bytes on disk, and nothing the builder believes about them.
"""

from __future__ import annotations

import gzip
import json
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as Xml

from harness.errors import RetentionError
from harness.records import file_sha256
from leaderboard.documents import SUMS_FILE, file_names, read_sums
from leaderboard.processes import WorkerPool, available_cores

INDEX = "index.html"
MAX_INDEX_BYTES = 200_000
MAX_INDEX_GZIP_BYTES = 30_000
MAX_SCRIPT_BYTES = 14_000
# Of any page, compressed as it is sent.
MAX_PAGE_GZIP_BYTES = 150_000
# Fewer characters than this in a page's main part say that nothing was put there.
_LEAST_TEXT = 40
_WORTH_PROCESSES = 50
_LINKS = {"a": "href", "area": "href", "link": "href", "script": "src", "img": "src", "image": "href", "use": "href",
          "source": "src", "iframe": "src"}  # fmt: skip
_LOADS = frozenset(_LINKS) - {"a", "area"}
_XLINK = "{http://www.w3.org/1999/xlink}href"


@dataclass(frozen=True)
class Page:
    """What the checks need to know of one HTML page; ``links`` are (tag, address, rel)."""

    name: str
    gzip_bytes: int = 0
    problems: tuple[str, ...] = ()
    ids: frozenset[str] = frozenset()
    links: tuple[tuple[str, str, str], ...] = ()


@dataclass
class Found:
    """What a check of a whole site found: its figures, and what does not hold, one line each."""

    pages: int = 0
    files: int = 0
    index_bytes: int = 0
    index_gzip_bytes: int = 0
    site_bytes: int = 0
    heaviest: str = ""
    heaviest_gzip_bytes: int = 0
    script_bytes: int = 0
    problems: list[str] = field(default_factory=list)


def check_site(folder: Path, jobs: int | None = None) -> Found:
    """Check the site built into ``folder``; ``jobs`` processes parse its pages (default: one a core)."""
    found = Found()
    files = _files(folder, found)
    pages = {page.name: page for page in _pages(folder, [name for name in files if name.endswith(".html")], jobs)}
    found.pages, found.files = len(pages), len(files)
    home = _home(pages)
    for page in pages.values():
        found.problems += [f"{page.name}: {problem}" for problem in page.problems]
        found.problems += [f"{page.name}: {problem}" for problem in _broken_links(page, pages, files, home)]
        found.problems += [f"{page.name}: {problem}" for problem in _too_heavy(page)]
    for name in sorted(files):
        found.problems += [f"{name}: {problem}" for problem in _unreadable(folder / name)]
    _budgets(folder, files, found)
    found.site_bytes = sum((folder / name).stat().st_size for name in files)
    if heaviest := max(pages.values(), key=lambda page: (page.gzip_bytes, page.name), default=None):
        found.heaviest, found.heaviest_gzip_bytes = heaviest.name, heaviest.gzip_bytes
    return found


def _files(folder: Path, found: Found) -> set[str]:
    """Names of the files below ``folder``, held against its list of checksums."""
    there = file_names(folder) - {SUMS_FILE}
    try:
        sums = read_sums(folder / SUMS_FILE)
    except FileNotFoundError:
        found.problems.append(f"{SUMS_FILE}: is missing; `retention board build` writes it")
        sums = {}
    except RetentionError as error:
        found.problems.append(str(error))
        sums = {}
    for name in sorted(there | set(sums)):
        if name not in there:
            found.problems.append(f"{name}: is listed in {SUMS_FILE}, but is not there")
        elif name not in sums:
            found.problems.append(f"{name}: is not listed in {SUMS_FILE}")
        elif file_sha256(folder / name) != sums[name]:
            found.problems.append(f"{name}: sha256 differs from {SUMS_FILE}")
    return there


def _pages(folder: Path, names: list[str], jobs: int | None) -> Iterator[Page]:
    names = sorted(names)
    if len(names) < _WORTH_PROCESSES or jobs == 1:
        yield from (parse_page(folder, name) for name in names)
        return
    with WorkerPool(min(jobs or available_cores(), len(names)), ahead=8) as pool:
        for name, page in pool.map(partial(parse_page, folder), names):
            yield page or Page(name, problems=("cannot be parsed (the process that tried it ended)",))


def parse_page(folder: Path, name: str) -> Page:
    """Parse one page as a browser would, and collect every parse error, id and link."""
    import html5lib

    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    data = (folder / name).read_bytes()
    tree = parser.parse(data, transport_encoding="utf-8")
    problems = [f"line {line}: HTML: {code}" for (line, _), code, _ in parser.errors]
    ids: list[str] = []
    links: list[tuple[str, str, str]] = []
    for element in tree.iter():
        if not isinstance(element.tag, str):
            continue
        tag = element.tag.rpartition("}")[2]
        if (own := element.get("id")) is not None:
            ids.append(own)
        problems += _inline(tag, element)
        address = element.get(_LINKS.get(tag, ""), element.get(_XLINK))
        if address is not None:
            links.append((tag, address, element.get("rel", "")))
    problems += [f"the id {twice!r} is there more than once" for twice in sorted({i for i in ids if ids.count(i) > 1})]
    title, main = tree.find(".//title"), tree.find(".//main")
    said = [each.get("content", "").strip() for each in tree.iter("meta") if each.get("name") == "description"]
    if title is None or not "".join(title.itertext()).strip():
        problems.append("has no title")
    if len(said) != 1 or not said[0]:
        problems.append("has no description of its own")
    if main is None or len("".join("".join(main.itertext()).split())) < _LEAST_TEXT:
        problems.append("is empty: its main part says next to nothing")
    return Page(name, len(gzip.compress(data, 9, mtime=0)), tuple(problems), frozenset(ids), tuple(links))


def _inline(tag: str, element: Any) -> Iterator[str]:
    """Scripts and styles inside a page, which its policy would not run."""
    if tag == "script" and element.get("src") is None:
        yield "has a script inside the page"
    if tag == "style":
        yield "has a style sheet inside the page"
    for attribute in element.attrib:
        if attribute == "style" or attribute.lower().startswith("on"):
            yield f"has an inline {attribute} on <{tag}>"


def _home(pages: dict[str, Page]) -> str | None:
    """The path of the published site on its server, which the index names; None where it has no address."""
    links = pages[INDEX].links if INDEX in pages else ()
    return next((urlsplit(address).path for tag, address, rel in links if (tag, rel) == ("link", "canonical")), None)


def _broken_links(page: Page, pages: dict[str, Page], files: set[str], home: str | None) -> Iterator[str]:
    for tag, address, rel in page.links:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            if tag in _LOADS and rel != "canonical":
                yield f"loads {address} from another host"
            elif parts.scheme != "https":
                yield f"links to {address}, which is not https"
            elif "noopener" not in rel.split() and tag in ("a", "area"):
                yield f"links to {address} without rel=noopener"
            continue
        beside = posixpath.join(posixpath.dirname(page.name), unquote(parts.path))
        if home and parts.path.startswith(home):
            beside = unquote(parts.path.removeprefix(home)) or INDEX
        target = posixpath.normpath(beside) if parts.path else page.name
        if target not in files and target != SUMS_FILE:
            yield f"links to {address}, which is not there"
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
            yield f"links to {address}, but {target} has no such place"


def _too_heavy(page: Page) -> Iterator[str]:
    if page.gzip_bytes > MAX_PAGE_GZIP_BYTES:
        yield f"the page, compressed, has {page.gzip_bytes:,} bytes, more than {MAX_PAGE_GZIP_BYTES:,}"


def _unreadable(path: Path) -> Iterator[str]:
    """Whether a data file can be read by a strict reader of its format."""
    try:
        if path.suffix == ".json":
            json.loads(path.read_bytes(), parse_constant=_refuse)
        elif path.suffix in (".xml", ".svg"):
            # Our own output; what could expand in it is refused before.
            data = path.read_bytes()
            if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
                raise ValueError("declares entities")
            Xml.fromstring(data)  # noqa: S314
    except (ValueError, Xml.ParseError) as error:
        yield f"cannot be read ({error})"
    if path.stat().st_size == 0:
        yield "is empty"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _budgets(folder: Path, files: set[str], found: Found) -> None:
    if INDEX not in files:
        found.problems.append(f"{INDEX}: is missing")
        return
    index = (folder / INDEX).read_bytes()
    found.index_bytes, found.index_gzip_bytes = len(index), len(gzip.compress(index, 9, mtime=0))
    found.script_bytes = sum((folder / name).stat().st_size for name in files if name.endswith((".js", ".mjs")))
    for what, size, most in (
        ("page", found.index_bytes, MAX_INDEX_BYTES),
        ("page, compressed,", found.index_gzip_bytes, MAX_INDEX_GZIP_BYTES),
    ):
        if size > most:
            found.problems.append(f"{INDEX}: the {what} has {size:,} bytes, more than {most:,}")
    if found.script_bytes > MAX_SCRIPT_BYTES:
        found.problems.append(f"scripts have {found.script_bytes:,} bytes, more than {MAX_SCRIPT_BYTES:,}")


def compare_sites(one: Path, other: Path) -> list[str]:
    """Names of files that differ between two builds, or are in one alone."""
    names = file_names(one) | file_names(other)
    return [
        name
        for name in sorted(names)
        if not ((one / name).is_file() and (other / name).is_file() and _same(one / name, other / name))
    ]


def _same(one: Path, other: Path) -> bool:
    return one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()
