"""Opening what is there: runs, tables and logs by their path, suites by their name."""

import os
from pathlib import Path

from harness.records import (
    RECORD_FILE,
    Draft,
    Run,
    Selection,
    Suite,
    Table,
    check_readable,
    is_log,
    read_log,
    read_run,
    read_suite,
    read_table,
    suite_names,
)

# What names a table even where there is no such file.
_TABLES = (".csv", ".eval", ".json", ".jsonl", ".parquet", ".tsv", ".xlsx")


def open_run(path: str | os.PathLike[str], *, filter: Selection = None, metric: Selection = None) -> Run | Table:
    """Read ``path`` as what it is: a run folder, a table (parquet, CSV, TSV or JSON lines), or the log of another tool.

    Logs are those of lm-eval, Inspect, lighteval, lmms-eval, VLMEvalKit, OpenCompass, HELM and Every Eval Ever: a file,
    or the folder that the tool wrote for one model. ``samples`` of the result has one row an item (``item_id``,
    ``task``, ``outcome``, ``score`` in [0, 1], ``output``, ...), ``record`` says where it is from, and its ``notes``
    what was assumed. ``filter`` says whose answers of an lm-eval log count, ``metric`` which number of a log is 1 for a
    correct one: a name for all tasks, or a dict of names by task. Raises :class:`RunError`, which names the file, and
    the column and the rows where something is wrong, or what the file is and how to convert it.

    >>> open_run("runs/nano-1/nano-base-7f2df8e4437c/vllm-float32").samples["outcome"].value_counts()
    >>> open_run("lm-eval/tuned", filter={"gsm8k": "strict-match"}).record.notes
    """
    place = Path(path).expanduser()
    if (place / RECORD_FILE).exists():
        return read_run(place)
    if is_log(place):
        return read_log(place, filter, metric)
    check_readable(place)
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
