"""Field types of files that authors write: strict parsing of text, without a library's lenient conversions."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from harness.errors import RetentionError
from leaderboard.documents.text import deceptive

_INTEGER = re.compile(r"[0-9]{1,18}")
# A public host name: no IP address, no name without a top-level domain.
_HOST = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z]{2,63}|xn--[a-z0-9-]{1,59})", re.ASCII)
_RESERVED_FILE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.ASCII | re.IGNORECASE)
_VERSION = re.compile(r"\Aretentionbench-([a-z]{1,20})-([0-9]{1,4})\Z", re.ASCII)
# Room for every float as Python prints it: 17 digits, behind up to four zeros.
_NUMBER = re.compile(r"[-+]?[0-9]{0,18}\.?[0-9]{1,21}([eE][-+]?[0-9]{1,3})?")


def _exactly_bool(value: Any) -> Any:
    # YAML's many spellings of true are a known trap, so a manifest has one.
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise ValueError("write true or false")


_SMALLEST, _LARGEST = 1e-30, 1e15


def _exactly_int(value: Any) -> Any:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("write a whole number in digits")


def _exactly_float(value: Any) -> Any:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        vanishes = re.search("[1-9]", value.lower().partition("e")[0]) is not None and float(value) == 0
        return _ordinary(_SMALLEST / 2 if vanishes else float(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _ordinary(value)
    raise ValueError("write a plain decimal number")


def _ordinary(value: int | float) -> int | float:
    """``value`` if it can be multiplied, squared and drawn without leaving the range of floats."""
    if value == 0 or not math.isfinite(value) or _SMALLEST <= abs(value) <= _LARGEST:
        return value  # What is not finite has a message of its own.
    raise ValueError(f"write 0 or a number between {_SMALLEST:g} and {_LARGEST:g}")


def https_url(value: str) -> str:
    """``value`` when it is an https address with a host and without credentials, else ``ValueError``."""
    if not value.isascii() or not value.isprintable() or set(value) & set(" \"'<>\\^`{|}"):
        raise ValueError("write an https address in plain ASCII")
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("not an address") from error
    if parts.scheme != "https" or not host or not _HOST.fullmatch(host) or "@" in parts.netloc:
        raise ValueError("write https://host/..., without a user name")
    return value


def refuse_newer(document: Any, kind: str, where: str) -> None:
    """``RetentionError`` when ``document`` states a major version of ``kind`` that came after this program.

    What states no version that can be read is left to its schema, which says what is wrong.
    """
    stated = document.get("schema") if isinstance(document, dict) else None
    match = _VERSION.match(stated) if isinstance(stated, str) else None
    if match and match[1] == kind and int(match[2]) > 1:
        raise RetentionError(
            f"{where}: schema: {kind} version {int(match[2])} is newer than this program, which reads 1; "
            "upgrade retentionbench"
        )


def _safe_file(name: str) -> str:
    parts = name.split("/")
    if "\\" in name or ":" in name or not name.isprintable() or any(part in ("", ".", "..") for part in parts):
        raise ValueError("write a relative path with forward slashes")
    if any(part.endswith((".", " ")) or part.startswith((" ", "~")) or len(part.encode()) > 255 for part in parts):
        raise ValueError("write parts that begin and end with letters or digits, of at most 255 bytes")
    if any(_RESERVED_FILE.fullmatch(part) for part in parts):
        raise ValueError("names such as aux or con are devices on some systems")
    return name


def _different_files(files: dict[str, Any]) -> dict[str, Any]:
    if len({unicodedata.normalize("NFC", name).casefold() for name in files}) != len(files):
        raise ValueError("two names are the same file on systems that ignore case")
    return files


def _own_name(name: str) -> str:
    if why := deceptive(name):
        raise ValueError(f"{why}; write the name in plain letters of one script")
    return name


Bool = Annotated[bool, BeforeValidator(_exactly_bool)]
Count = Annotated[int, BeforeValidator(_exactly_int), Field(ge=0, le=10**15)]
Number = Annotated[float, BeforeValidator(_exactly_float), Field(allow_inf_nan=False)]
Positive = Annotated[float, BeforeValidator(_exactly_float), Field(allow_inf_nan=False, ge=0)]
Digest = Annotated[str, Field(pattern=r"\A[0-9a-f]{64}\z")]
# As in a suite file: both become part of a folder name.
SuiteName = Annotated[str, Field(pattern=r"\A[a-z0-9][a-z0-9_.-]{0,63}\z")]
SuiteVersion = Annotated[str, Field(pattern=r"\A[0-9]{1,6}[a-z]?\z")]
Label = Annotated[str, Field(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._+/-]{0,95}\z")]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_own_name)]
Note = Annotated[str, Field(min_length=1, max_length=500)]
Url = Annotated[str, Field(max_length=300), AfterValidator(https_url)]
FileName = Annotated[str, Field(max_length=256), AfterValidator(_safe_file)]
Files = Annotated[dict[FileName, Digest], Field(min_length=1, max_length=500), AfterValidator(_different_files)]
