"""Drawing hostile input for readers: bytes of a good file with parts changed, and documents with values changed."""

import json
import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# Drawn anew in each run; RETENTION_FUZZ=50 looks fifty times as long.
FACTOR = int(os.environ.get("RETENTION_FUZZ", "1"))


def fuzz(examples: int) -> Callable[[Any], Any]:
    """``examples`` drawn inputs; readers are slow on purpose at times, and drawing large bytes is."""
    return settings(
        max_examples=examples * FACTOR,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
    )


_WORDS = [b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x80\x80\x80\x01", b"\xe2\x80\xae", b"\xff\xfe"]
_WORDS += [b"\n", b'"', b"{", b"[", b"&a ", b"*a", b"<<: ", b"NaN", b"1e999", b"9" * 30, b"\\ud800", b"\x1b[2J"]


@st.composite
def mutated(draw: st.DrawFn, originals: list[bytes], most: int = 4) -> bytes:
    """One of ``originals`` with up to ``most`` changes; half of them near its end, where formats keep their footers."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, most))):
        if not data:
            break
        place = draw(st.integers(0, len(data) - 1))
        if draw(st.booleans()):
            place = max(0, len(data) - 1 - draw(st.integers(0, 2_000)))
        kind = draw(st.sampled_from(["bit", "byte", "cut", "add", "copy", "word", "end"]))
        if kind == "bit":
            data[place] ^= 1 << draw(st.integers(0, 7))
        elif kind == "byte":
            data[place] = draw(st.integers(0, 255))
        elif kind == "cut":
            del data[place : place + draw(st.sampled_from([1, 2, 8, 64, 4096]))]
        elif kind == "add":
            data[place:place] = draw(st.binary(min_size=1, max_size=16))
        elif kind == "copy":
            source = draw(st.integers(0, len(data) - 1))
            data[place : place + 8] = data[source : source + 8]
        elif kind == "word":
            data[place : place + 4] = draw(st.sampled_from(_WORDS))
        else:
            del data[place:]
    return bytes(data)


_TEXTS = st.sampled_from(
    ["", "x", "a" * 300, "\n", "\x00", "\x1b[2J", "\u202e", "\u200b", "\ud800", "\U0001f600", "../x", "/etc/passwd",
     "0" * 64, "true", "NaN", "=1+1", "<script>", "{{ 7 * 7 }}", "%s%n", "1e999", "9" * 400, "0x10", "-1"]
) | st.text(max_size=8)  # fmt: skip
_NUMBERS = st.sampled_from(
    [0, 1, -1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**400, 0.0, -0.0, 1e308, 5e-324, float("nan"), float("inf")]
)
values = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def changed(draw: st.DrawFn, original: Any, most: int = 3) -> Any:
    """A copy of the JSON document ``original`` with values replaced, removed, repeated or added at drawn places."""
    document = json.loads(json.dumps(original))
    for _ in range(draw(st.integers(1, most))):
        place, parent, key = document, None, None
        while isinstance(place, dict | list) and place and draw(st.integers(0, 9)):
            parent = place
            key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            place = place[key]
        if parent is None:
            document = draw(values)
        elif draw(st.booleans()):
            parent[key] = draw(values)
        elif isinstance(parent, dict):
            if draw(st.booleans()):
                del parent[key]
            else:
                parent[draw(_TEXTS)] = draw(values)
        elif draw(st.booleans()):
            del parent[key]
        else:
            parent += [draw(values)] * draw(st.sampled_from([1, 2, 600]))
    return document
