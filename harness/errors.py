"""Errors a user can mend: one line naming the file, field or value and the way out (README.md, "Bad input")."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

_LONGEST = 1_500


class RetentionError(Exception):
    """Bad input or usage; the command line prints the message alone and exits with ``exit_code``."""

    exit_code = 2

    def __str__(self) -> str:
        """One line that can be shown: it may quote a file that anybody wrote, and steers no terminal."""
        message = super().__str__()
        shown = "".join(
            char if char.isprintable() else " " if char.isspace() else "\ufffd" for char in message[:_LONGEST]
        )
        return shown if len(message) <= _LONGEST else f"{shown}.."


class CheckFailedError(RetentionError):
    """A check ran and did not hold (a refused pair, an invalid submission)."""

    exit_code = 1


def first_problem(error: "ValidationError") -> str:
    """The first thing that pydantic found wrong, as "field: message"; a rule on the whole document stands alone."""
    problem = error.errors()[0]
    message = problem["msg"].removeprefix("Value error, ")
    field = ".".join(map(str, problem["loc"])) or ("" if problem["type"] == "value_error" else "document")
    return f"{field}: {message}" if field else message
