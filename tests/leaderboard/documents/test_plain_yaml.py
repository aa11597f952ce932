"""The restricted YAML reader accepts mappings, lists and text, and refuses everything clever with its line."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.documents.plain_yaml import PlainYamlError, parse_plain_yaml, read_plain_yaml


def test_scalars_stay_the_text_they_were_written_as() -> None:
    document = parse_plain_yaml(b"a: 0123456\nb: 1.10\nc: no\nd: [0x1f, 'q', \"r\"]\ne:\nf: ''\n")
    assert document == {"a": "0123456", "b": "1.10", "c": "no", "d": ["0x1f", "q", "r"], "e": None, "f": ""}


BOMB = b"a: &a [x]\n" + b"".join(b"%c: &%c [*%c, *%c]\n" % (c + 1, c + 1, c, c) for c in range(97, 110))


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (BOMB, "line 1: the anchor &a"),
        (b"a: *x", "line 1: the alias *x"),
        (b"a: 1\nb: !!python/object/apply:os.system [id]", "line 2: the tag"),
        (b"a: !!int 3", "the tag"),
        (b"a: !%1b%5b2J 3", r"the tag '!\x1b[2J'"),
        (b"a: {<<: {b: c}}", "the merge key <<"),
        (b"a: 1\nb: 2\na: 3", "line 3: the key 'a' twice"),
        (b"[" * 60_000, "nesting deeper than 8"),
        (b"a: 1\n---\nb: 2", "a second document"),
        (b"%YAML 1.1\n---\na: 1", "a % directive"),
        (b"? [a]\n: b", "a key that is not text"),
        (b"k" * 300 + b": 1", "a key longer than"),
        (b"a: b: c", "line 1: mapping values are not allowed"),
        (b"a: \x07", "special characters are not allowed"),
        (b"a: \xff", "not UTF-8 (byte 3)"),
        (b'a: "\\U00110000"', "a character that there is none of"),
        (b'a: "\\UFFFFFFFF"', "a character that there is none of"),
        (b'a: "\\ud800"', "line 1: an escape for half a character"),
        ("a: 1 # note\u2028b: 2".encode(), "line 1: the line break U+2028"),
        ("a: 1\nb: 2 # note\u2029c: 3".encode(), "line 2: the line break U+2029"),
        ("a: 1 # note\x85b: 2".encode(), "the line break U+0085"),
        (b"a: 1 # note\rb: 2", "the line break U+000D"),
        (b"", "empty document"),
        (b"a: " + b"x" * 70_000, "larger than 64 KB"),
    ],
)
def test_what_is_not_plain_is_refused(document: bytes, complaint: str) -> None:
    with pytest.raises(PlainYamlError) as caught:
        parse_plain_yaml(document)
    assert complaint in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("document", [b"a: 1\r\nb: 2\r\n", b'a: "1"\nb: "2"', b"a: 1\nb: 2"])
def test_lines_end_as_editors_end_them(document: bytes) -> None:
    assert parse_plain_yaml(document) == {"a": "1", "b": "2"}


@given(st.binary(max_size=400))
def test_any_bytes_give_a_document_or_the_one_error(document: bytes) -> None:
    with contextlib.suppress(PlainYamlError):
        parse_plain_yaml(document)


def test_a_file_error_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(b"a: *x")
    with pytest.raises(PlainYamlError, match=r"m\.yaml: line 1"):
        read_plain_yaml(path)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    with pytest.raises(PlainYamlError, match="not followed"):
        read_plain_yaml(link)
