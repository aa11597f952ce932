"""Live: a checkpoint that is a model in memory, such as one in training, whose weights are in no file."""

from pathlib import Path

from harness.checkpoints.checkpoint import Checkpoint
from harness.checkpoints.contents import Contents
from harness.checkpoints.parameters import Fit, WeightsReport
from harness.checkpoints.tokenizer import TOKENIZER_FILE, tokenizer_digest
from harness.records import CheckpointRecord


def checkpoint_in_memory(
    name: str, folder: Path, weights_digest: str, architecture: str, base: Checkpoint, *, adapter: bool
) -> Checkpoint:
    """A fine-tune of ``base`` that is loaded already: ``folder`` has what its trainer would save beside the weights.

    ``weights_digest`` is of the tensors in memory. Of an ``adapter`` the record names the base; it is applied already.
    """
    root = base.base or base
    shipped = (folder / TOKENIZER_FILE).is_file()
    record = CheckpointRecord(
        name=name,
        kind="adapter" if adapter else "full",
        source="local",
        weights_digest=weights_digest,
        tokenizer_digest=tokenizer_digest(folder) if shipped else root.record.tokenizer_digest,
        files={},
        architecture=architecture,
        base=root.record if adapter else None,
    )
    contents = Contents(record.kind, (), (), {})
    return Checkpoint(folder, record, contents=contents, loading=WeightsReport(Fit()))
