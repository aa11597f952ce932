"""Errors a user can fix: one line naming the file, field or value and what to do about it (README.md, "Bad input")."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

_LONGEST = 1_500


class RetentionError(Exception):
    """Bad input or usage; the command line prints the message alone and exits with ``exit_code``."""

    exit_code = 2

    def __str__(self) -> str:
        """The message on one line, without control characters: it may quote an untrusted file."""
        message = super().__str__()
        shown = "".join(
            char if char.isprintable() else " " if char.isspace() else "\ufffd" for char in message[:_LONGEST]
        )
        return shown if len(message) <= _LONGEST else f"{shown}.."


class CheckFailedError(RetentionError):
    """A check ran and failed (a refused pair, an invalid submission)."""

    exit_code = 1


def install_command(extra: str) -> str:
    """How to install an extra of this project, to be run in its checkout: no package index has it yet."""
    return f"pip install -e '.[{extra}]'"


def first_problem(error: "ValidationError") -> str:
    """The first error that pydantic reports, as "field: message"; one about the whole document has no field."""
    problem = error.errors()[0]
    message = problem["msg"].removeprefix("Value error, ")
    field = ".".join(map(str, problem["loc"])) or ("" if problem["type"] == "value_error" else "document")
    return f"{field}: {message}" if field else message
