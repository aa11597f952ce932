"""Field types: one spelling each, and addresses that can only lead to a web page."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from harness.errors import RetentionError
from leaderboard.documents.fields import Bool, Count, FileName, Files, Name, Number, Positive, https_url, refuse_newer
from leaderboard.documents.manifest import parse_manifest
from leaderboard.ledger.events import parse_event


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [(Bool, "true", True), (Count, "0400", 400), (Number, "-1.5e-3", -0.0015), (Positive, ".5", 0.5), (Count, 7, 7)],
)
def test_text_becomes_what_it_plainly_says(kind: object, text: object, value: object) -> None:
    read = TypeAdapter(kind).validate_python(text)
    assert (read, type(read)) == (value, type(value))


@example(0.0003 + 5e-20)
@example(0.00012345678901234567)
@given(st.floats(min_value=1e-29, max_value=9e14))
def test_every_float_is_read_as_python_prints_it(value: float) -> None:
    assert TypeAdapter(Number).validate_python(repr(value)) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [(Bool, "yes"), (Bool, "1"), (Bool, 1), (Count, "1_000"), (Count, "-1"), (Count, True), (Count, "9" * 30),
     (Number, "1e300"), (Number, "-1e16"), (Positive, "1e-300"), (Positive, "5e-324"), (Positive, "1e-400"),
     (Positive, 1e308), (Number, -5e-324), (Number, 10**20), (Number, "1e400"),
     (Number, "nan"), (Number, "inf"), (Number, "0x10"), (Positive, "-1"), (Number, float("nan")),
     (FileName, "a/../b"), (FileName, "/etc/passwd"), (FileName, "a//b"), (FileName, "c:x"), (FileName, "a\nb"),
     (FileName, "\\\\server\\x"), (FileName, "aux"), (FileName, "sub/CON.json"), (FileName, "a."), (FileName, "~a/x"),
     (FileName, "a/ b"), (FileName, "x" * 256), (FileName, "\u00e9" * 200), (FileName, "a\u202eb"), (FileName, "a\n"),
     (Files, {}), (Files, {"A.json": "0" * 64, "a.json": "0" * 64}), (Files, {"a": "0" * 64 + "\n"}),
     (Name, "\u0430\u0441\u0435"), (Name, " x"), (Name, ""), (Name, "x" * 201)],
)  # fmt: skip
def test_other_spellings_are_refused(kind: object, text: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(text)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://user:pw@example.org/",
        "https://",
        "https://localhost/",
        "https://example.org/\u202e",
        'https://example.org/"onclick=',
        "https://[::1",
        "https://example.org:port/",
        "//example.org",
        "data:text/html,x",
        "https://127.0.0.1/x",
        "https://2130706433/",
        "https://[::ffff:127.0.0.1]/",
        "https://exa$mple.org/",
        "https://example..org/",
        "https://-example.org/",
        "https://example.org\n",
        "HTTPS://example.org:99999/",
    ],
)
def test_only_plain_https_addresses_pass(url: str) -> None:
    with pytest.raises(ValueError, match=r"address|https"):
        https_url(url)


@pytest.mark.parametrize(
    "url", ["https://example.org", "https://xn--bcher-kva.example/?a=b#c", "https://a.b-c.io:8443/x"]
)
def test_addresses_of_the_public_web_pass(url: str) -> None:
    assert https_url(url) == url


def test_files_keep_their_names() -> None:
    files = {"model-00001-of-00002.safetensors": "0" * 64, "sub/tokenizer.json": "1" * 64}
    assert TypeAdapter(Files).validate_python(files) == files


@pytest.mark.parametrize("version", [2, 9999])
def test_a_newer_version_asks_for_an_upgrade(version: int) -> None:
    with pytest.raises(RetentionError, match=rf"x: schema: event version {version} is newer .* upgrade retentionbench"):
        refuse_newer({"schema": f"retentionbench-event-{version}"}, "event", "x")


@pytest.mark.parametrize(
    "document",
    [None, [], "x", {}, {"schema": None}, {"schema": 2}, {"schema": "retentionbench-event-2"}, {"schema": True},
     {"schema": "retentionbench-manifest-1"}, {"schema": "retentionbench-manifest-2\n"},
     {"schema": "retentionbench-manifest-99999"}],
)  # fmt: skip
def test_what_states_no_newer_version_is_left_to_its_schema(document: Any) -> None:
    refuse_newer(document, "manifest", "x")


def test_the_readers_refuse_what_is_newer() -> None:
    with pytest.raises(RetentionError, match="manifest version 2 is newer"):
        parse_manifest({"schema": "retentionbench-manifest-2"}, "manifest.yaml")
    with pytest.raises(RetentionError, match="event version 2 is newer"):
        parse_event(b'{"schema": "retentionbench-event-2"}', "x.json")
