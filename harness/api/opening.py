"""Opening what is there: runs, tables and logs by their path, suites by their name."""

import os
from pathlib import Path

from harness.records import (
    RECORD_FILE,
    Draft,
    Run,
    Suite,
    Table,
    is_log,
    read_log,
    read_run,
    read_suite,
    read_table,
    suite_names,
)

# What names a table even where there is no such file.
_TABLES = (".csv", ".json", ".jsonl", ".parquet")


def open_run(path: str | os.PathLike[str], *, filter: str | None = None, metric: str | None = None) -> Run | Table:
    """Read ``path`` as what it is: a run folder, a table (parquet, CSV or JSON lines), or logs of lm-eval's.

    ``samples`` of the result has one row an item (``item_id``, ``task``, ``outcome``, ``score`` in [0, 1], ``output``,
    ...), ``record`` says where it is from. ``filter`` and ``metric`` are for logs of ``lm_eval --log_samples``: whose
    answers count, and the number that is 1 for a correct one. Raises :class:`RunError`, which names the file, and the
    column and the rows where something is wrong.

    >>> open_run("runs/nano-1/nano-base-7f2df8e4437c/vllm-float32").samples["outcome"].value_counts()
    """
    place = Path(path).expanduser()
    if not (place / RECORD_FILE).exists() and is_log(place):
        return read_log(place, filter, metric)
    return read_table(place) if place.is_file() or place.suffix.lower() in _TABLES else read_run(place)


def suites(*, drafts: bool = False) -> list[str]:
    """Names of the shipped suites, such as "nano-1": the released ones, or those in the making."""
    return suite_names(drafts=drafts)


def open_suite(suite: str | os.PathLike[str]) -> Suite:
    """A suite by its name ("nano-1") or its YAML file: its tasks with their families, counts and digests.

    A draft gets the items that its tasks have now, for which their data sets are loaded. Raises :class:`SuiteError`,
    which names the suites that there are, or the file and field that is wrong.

    >>> open_suite("nano-1").families
    ['general', 'jigsaw', 'math', 'science']
    """
    found = read_suite(os.fspath(suite))
    if isinstance(found, Draft):
        from harness.suites import open_suite as complete_suite

        return complete_suite(os.fspath(suite))
    return found
