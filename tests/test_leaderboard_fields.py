"""Field types: one spelling each, and addresses that can only lead to a web page."""

import pytest
from pydantic import TypeAdapter, ValidationError

from leaderboard.fields import Bool, Count, FileName, Number, Positive, https_url


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [(Bool, "true", True), (Count, "0400", 400), (Number, "-1.5e-3", -0.0015), (Positive, ".5", 0.5), (Count, 7, 7)],
)
def test_text_becomes_what_it_plainly_says(kind: object, text: object, value: object) -> None:
    read = TypeAdapter(kind).validate_python(text)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "text"),
    [(Bool, "yes"), (Bool, "1"), (Bool, 1), (Count, "1_000"), (Count, "-1"), (Count, True), (Count, "9" * 30),
     (Number, "nan"), (Number, "inf"), (Number, "0x10"), (Positive, "-1"), (Number, float("nan")),
     (FileName, "a/../b"), (FileName, "/etc/passwd"), (FileName, "a//b"), (FileName, "c:x"), (FileName, "a\nb")],
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
    ],
)
def test_only_plain_https_addresses_pass(url: str) -> None:
    with pytest.raises(ValueError, match=r"address|https"):
        https_url(url)
