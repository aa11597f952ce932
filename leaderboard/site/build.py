"""The static site: pages, assets and exports become files, the same bytes every time.

No page needs a script or asks another host for anything; assets carry a digest of their content in their names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from rjsmin import jsmin

import leaderboard
from harness.errors import RetentionError
from harness.report import shared_styles, style_tokens
from leaderboard.board import Board, Cache
from leaderboard.documents import SUMS_FILE, SiteSettings, read_sums, sums_bytes
from leaderboard.site.exports.web import headers, sitemap
from leaderboard.site.families import units
from leaderboard.site.pages import Pages
from leaderboard.site.rendering import rendered

# Names of the files of a build in progress.
_JOURNAL = ".building"


def site_sources() -> Path:
    """Where templates and assets are: inside the wheel, or the checkout's ``site/``."""
    packaged = Path(leaderboard.__file__).parent / "_site"
    return packaged if packaged.is_dir() else Path(leaderboard.__file__).parent.parent / "site"


def write_site(
    board: Board,
    out: Path,
    site: str | None = None,
    *,
    cache: Cache | None = None,
    releases: Path | None = None,
    studies: Path | None = None,
    questions: Path | None = None,
    settings: SiteSettings | None = None,
    jobs: int | None = 1,
) -> Path:
    """Write the site into ``out`` and return the path of its index.

    Files of an earlier build that this one does not have are removed; a folder with anything else in it is refused.
    ``cache`` remembers pages that follow from stored answers, ``releases`` is the folder of frozen boards,
    ``studies`` that of the results of studies, ``questions`` that of question files; ``settings`` say where the
    repository is; ``jobs`` processes may render (None: one a core).
    """
    old = _files_of_last_build(out)
    sums: dict[str, str] = {}
    out.mkdir(parents=True, exist_ok=True)
    with (out / _JOURNAL).open("a", encoding="utf-8") as journal:

        def write(name: str, data: bytes) -> None:
            if name in sums:
                raise RetentionError(f"{name}: two pages of the site have this address")
            sums[name] = hashlib.sha256(data).hexdigest()
            # Before the file, so that a build that is killed leaves nothing that the next one does not know as its own.
            try:
                if name not in old:
                    journal.write(f"{name}\n")
                    journal.flush()
                _write(out / name, data)
            except OSError as error:  # Of a write, unlike an opening, the system does not say to which file.
                raise OSError(error.errno, error.strerror, str(out / name)) from error

        for name, data in files(
            board,
            site,
            cache=cache,
            releases=releases,
            studies=studies,
            questions=questions,
            settings=settings,
            jobs=jobs,
        ):
            write(name, data)
        if site is not None:
            write("sitemap.xml", sitemap((name for name in sums if name.endswith(".html")), site, board.data_as_of))
    for name in old - set(sums):
        (out / name).unlink(missing_ok=True)
    _write(out / f"{SUMS_FILE}.partial", sums_bytes(sums))
    (out / f"{SUMS_FILE}.partial").replace(out / SUMS_FILE)
    (out / _JOURNAL).unlink(missing_ok=True)
    return out / "index.html"


def render(
    board: Board,
    site: str | None = None,
    *,
    releases: Path | None = None,
    studies: Path | None = None,
    questions: Path | None = None,
) -> dict[str, bytes]:
    """Every file of the site by its path, without writing any."""
    return dict(files(board, site, releases=releases, studies=studies, questions=questions))


def files(
    board: Board,
    site: str | None = None,
    *,
    cache: Cache | None = None,
    releases: Path | None = None,
    studies: Path | None = None,
    questions: Path | None = None,
    settings: SiteSettings | None = None,
    jobs: int | None = 1,
) -> Iterator[tuple[str, bytes]]:
    """The files of the site as they are made, path and content; only those of a few units are held at a time.

    ``site`` is the https address of the published site, which feeds and the sitemap need to name pages.
    """
    static, assets = published_assets(site_sources())
    yield from assets.items()
    templates = site_sources() / "templates"
    pages = Pages(
        board,
        templates,
        static,
        site=site,
        cache=cache,
        releases=releases,
        studies=studies,
        questions=questions,
        settings=settings,
    )
    names: set[str] = set()
    for name, content in rendered(pages, list(units(pages)), jobs):
        if name.endswith(".html"):
            names.add(name)
        yield name, content
    yield "_headers", headers(names).encode()


def _write(path: Path, data: bytes) -> None:
    try:
        # Most files of a site are as the last build left them, and reading is sooner done than writing.
        if path.stat().st_size == len(data) and path.read_bytes() == data:
            return
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def published_assets(sources: Path) -> tuple[dict[str, str], dict[str, bytes]]:
    """Published path by asset name, and content by published path: the one style sheet, the one script, the rest."""
    contents = {path.name: path.read_bytes() for path in sorted((sources / "static").iterdir())}
    contents["style.css"] = (style_tokens() + shared_styles()).encode() + _joined(sources / "styles", ".css")
    contents["board.js"] = jsmin(_joined(sources / "scripts", ".js").decode()).encode()
    names: dict[str, str] = {}
    for name, data in contents.items():
        stem, suffix = name.rsplit(".", 1)
        names[name] = f"assets/{stem}.{hashlib.sha256(data).hexdigest()[:16]}.{suffix}"
    return names, {names[name]: data for name, data in contents.items()}


def _joined(folder: Path, suffix: str) -> bytes:
    """The files of a folder one after the other, in the order of their names: pages load one sheet and one script."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix == suffix)


def _files_of_last_build(out: Path) -> set[str]:
    """Names in the checksum list of an earlier build, and in the journal of one that did not come to its end, as far
    as they lie inside ``out``."""
    if not out.exists() or not any(out.iterdir()):
        return set()
    sums, journal = out / SUMS_FILE, out / _JOURNAL
    if not sums.is_file() and not journal.is_file():
        raise RetentionError(f"{out}: not empty and not written by `retention board build`; give another --out")
    names = set(read_sums(sums)) if sums.is_file() else set()
    if journal.is_file():
        # The last line may have been cut off.
        names |= {line for line in journal.read_text(encoding="utf-8", errors="replace").split("\n")[:-1] if line}
    # A folder may be a link that leads elsewhere; of a file that is one the link alone is removed.
    root = out.resolve()
    parted = {name: name.rpartition("/") for name in names}
    folders = {folder for folder, _, _ in parted.values()}
    inside = {folder for folder in folders if (root / folder).resolve().is_relative_to(root)}
    return {name for name, (folder, _, file) in parted.items() if folder in inside and file not in ("", ".", "..")}
