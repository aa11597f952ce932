"""A library's own error of a full disk is one line with the way out; any other stays as it is."""

from pathlib import Path

import pytest
from safetensors import SafetensorError

from harness.training.model import TrainingError
from harness.training.writing import named_write_errors


@pytest.mark.parametrize(
    "error",
    [
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
        SafetensorError("Error while serializing: I/O error: File too large (os error 27)"),
        RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0"),
        RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"),
    ],
)
def test_a_file_that_a_library_cannot_write_is_told_with_the_way_out(error: Exception) -> None:
    says = r"^sft: a checkpoint could not be written \(.*\); free some space"
    with pytest.raises(TrainingError, match=says) as told, named_write_errors(Path("sft")):
        raise error
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("error", [OSError(28, "No space left"), RuntimeError("shapes differ"), ValueError("x")])
def test_any_other_error_stays_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, named_write_errors(Path("sft")):
        raise error
    assert raised.value is error
