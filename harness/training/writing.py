"""Writing: what a library says when it cannot write a checkpoint, in one line with the way out."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from harness.training.model import TrainingError

# Of safetensors and tokenizers, which are Rust, and of torch's writer of archives.
_NOT_WRITTEN = re.compile(r"\(os error [0-9]{1,4}\)|PytorchStreamWriter|inline_container")


@contextlib.contextmanager
def named_write_errors(out: Path) -> Iterator[None]:
    """Raise ``TrainingError`` that names ``out`` for a library's own error that a file could not be written.

    Python's, an ``OSError``, says so itself.
    """
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        if not _NOT_WRITTEN.search(said := " ".join(str(error).split())):
            raise
        raise TrainingError(
            f"{out}: a checkpoint could not be written ({said[:200]}); free some space, or raise the limit of a file's "
            "size (`ulimit -f`), and the same command goes on from the last complete one"
        ) from error
