"""Errors a user can mend: one line naming the file, field or value and the way out (design.md, "Bad input")."""


class RetentionError(Exception):
    """Bad input or usage; the command line prints the message alone and exits with ``exit_code``."""

    exit_code = 2


class CheckFailedError(RetentionError):
    """A check ran and did not hold (a refused pair, an invalid submission)."""

    exit_code = 1
