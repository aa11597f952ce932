"""Sources: what a command takes for a run, be it a run folder, a bare table or logs of lm-eval's."""

from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import RetentionError

if TYPE_CHECKING:
    from harness.scoring import Source


def open_source(path: Path, chosen_filter: str | None = None, metric: str | None = None) -> "Source":
    """Read ``path`` as what it is: a folder with ``run.json``, logs of lm-eval's, else a table file."""
    from harness.records import RECORD_FILE, is_log, read_log, read_run, read_table

    if not (path / RECORD_FILE).exists() and is_log(path):
        return read_log(path, chosen_filter, metric)
    if not path.exists():
        raise RetentionError(f"{path}: no such file or folder")
    return read_table(path) if path.is_file() else read_run(path)
