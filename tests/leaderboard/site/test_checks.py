"""`board check`: a good site passes, and every kind of damage is named."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from leaderboard.board.board import load_board
from leaderboard.site import checks
from leaderboard.site.build import write_site
from leaderboard.site.checks import check_site, compare_sites, parse_page
from tests.hostile.texts import hostile_board
from tests.support.synthetic_board import full_board

pytestmark = pytest.mark.slow

PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>T</title>'
    '<meta name="description" content="x"></head><body><main id="main">'
    "<p>Forty characters of text at the very least, so that it says something.</p>{}</main></body></html>"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("site")
    made = full_board(root)
    write_site(load_board(made.submissions, made.bases), root / "public", "https://board.example.org/")
    return root / "public"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A site of two pages and a data file."""
    (tmp_path / "index.html").write_text(PAGE.format('<a href="sub/other.html#here">there</a>'))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "other.html").write_text(
        PAGE.format('<p id="here"><a href="../index.html?x=1#main">back</a></p>')
    )
    (tmp_path / "data.json").write_text("{}")
    return seal(tmp_path)


def seal(folder: Path) -> Path:
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS"
    )
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(lines))
    return folder


def test_the_site_as_it_is_built_passes(built: Path) -> None:
    found = check_site(built, jobs=1)
    assert found.problems == []
    assert found.pages >= 8
    assert found.index_gzip_bytes < found.index_bytes < checks.MAX_INDEX_BYTES


@pytest.mark.slow
def test_a_board_of_hostile_texts_passes_too(tmp_path: Path) -> None:
    made, events = hostile_board(tmp_path)
    write_site(load_board(made.submissions, made.bases, events), tmp_path / "public", "https://board.example.org/")
    assert check_site(tmp_path / "public", jobs=1).problems == []


def test_processes_find_what_one_process_finds(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_WORTH_PROCESSES", 1)
    assert vars(check_site(built, jobs=2)) == vars(check_site(built, jobs=1))


def test_a_small_site_passes(small: Path) -> None:
    assert check_site(small).problems == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('<a href="nowhere.html">x</a>', "links to nowhere.html, which is not there"),
        ('<a href="sub/other.html#gone">x</a>', "sub/other.html has no such place"),
        ('<a href="../outside.html">x</a>', "which is not there"),
        ('<a href="http://example.org/" rel="noopener">x</a>', "which is not https"),
        ('<a href="javascript:alert(1)">x</a>', "which is not https"),
        ('<a href="https://example.org/">x</a>', "without rel=noopener"),
        ('<img src="https://example.org/x.png" alt="">', "loads https://example.org/x.png from another host"),
        ('<script src="//example.org/x.js"></script>', "from another host"),
        ("<script>1</script>", "has a script inside the page"),
        ("<style>p{}</style>", "has a style sheet inside the page"),
        ('<p style="color:red">x</p>', "has an inline style on <p>"),
        ('<p onclick="x()">x</p>', "has an inline onclick on <p>"),
        ('<p id="main">x</p>', "the id 'main' is there more than once"),
        ("<b><i>x</b></i>", "HTML: "),
        ("<p>a & b <unclosed", "HTML: "),
    ],
)
def test_what_is_wrong_in_a_page_is_named(small: Path, content: str, problem: str) -> None:
    (small / "index.html").write_text(PAGE.format(content))
    found = check_site(seal(small))
    assert any(line.startswith("index.html: ") and problem in line for line in found.problems), found.problems


def test_an_empty_page_and_one_without_a_title_fail(small: Path) -> None:
    (small / "index.html").write_text('<!doctype html><html lang="en"><head><title> </title></head><body><main></main>')
    problems = check_site(seal(small)).problems
    assert "index.html: has no title" in problems
    assert "index.html: is empty: its main part says next to nothing" in problems


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (lambda site: (site / "data.json").write_text("{} "), "data.json: sha256 differs from SHA256SUMS"),
        (lambda site: (site / "data.json").unlink(), "data.json: is listed in SHA256SUMS, but is not there"),
        (lambda site: (site / "more.txt").write_text("x"), "more.txt: is not listed in SHA256SUMS"),
        (lambda site: (site / "SHA256SUMS").unlink(), "SHA256SUMS: is missing"),
    ],
)
def test_files_are_held_against_the_checksums(small: Path, harm: Callable[[Path], None], problem: str) -> None:
    harm(small)
    assert any(line.startswith(problem) for line in check_site(small).problems)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.json", '{"a": NaN}'),
        ("data.json", "{"),
        ("feed.xml", "<feed>"),
        ("badge.svg", '<!DOCTYPE x [<!ENTITY y "z">]><svg>&y;</svg>'),
        ("empty.csv", ""),
    ],
)
def test_data_that_a_strict_reader_refuses_is_named(small: Path, name: str, content: str) -> None:
    (small / name).write_text(content)
    problems = check_site(seal(small)).problems
    assert [line.startswith(f"{name}: ") for line in problems] == [True]


def test_budgets_are_held(small: Path) -> None:
    rng_text = "".join(hashlib.sha256(str(n).encode()).hexdigest() for n in range(4000))
    (small / "index.html").write_text(PAGE.format(f"<p>{rng_text}</p>"))
    (small / "big.js").write_text("x" * 14_001)
    problems = " ".join(check_site(seal(small)).problems)
    assert "the page has 256,2" in problems
    assert "the page, compressed, has" in problems
    assert "scripts have 14,001 bytes, more than 14,000" in problems


def test_a_site_without_an_index_fails(tmp_path: Path) -> None:
    assert "index.html: is missing" in check_site(seal(tmp_path)).problems


def test_pages_of_svg_are_parsed_with_their_links(tmp_path: Path) -> None:
    svg = '<svg><a href="x.html"><circle r="1"/></a><use href="#main"/></svg>'
    (tmp_path / "index.html").write_text(PAGE.format(svg))
    page = parse_page(tmp_path, "index.html")
    assert page.problems == ()
    assert ("a", "x.html", "") in page.links


def test_two_builds_are_compared_byte_by_byte(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        (folder / "sub").mkdir(parents=True)
        (folder / "same.txt").write_text("same")
        (folder / "sub" / "other.txt").write_text(folder.name)
    (one / "alone.txt").write_text("x")
    assert compare_sites(one, other) == ["alone.txt", "sub/other.txt"]
