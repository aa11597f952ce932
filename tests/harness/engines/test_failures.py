"""How an engine's failure is worded: the reason itself, on one line."""

import pytest
from pydantic import BaseModel, ValidationError, model_validator

from harness.engines.failures import is_out_of_memory, no_room, reason_of, without_kernel


class Config(BaseModel):
    """As vLLM's: what is wrong with a model is a line in the middle of pydantic's message."""

    model: str

    @model_validator(mode="after")
    def _known(self) -> "Config":
        raise ValueError("The checkpoint has model type `odd`,\nbut Transformers does not recognize it.")


def test_a_validation_is_told_by_its_reason_and_not_by_an_address() -> None:
    with pytest.raises(ValidationError) as caught:
        Config(model="x")
    assert "https://errors.pydantic.dev" in str(caught.value)
    assert reason_of(caught.value) == "The checkpoint has model type `odd`, but Transformers does not recognize it."
    with pytest.raises(ValidationError) as caught:
        Config()  # type: ignore[call-arg]
    assert reason_of(caught.value) == "Field required"


def test_other_errors_are_told_by_their_last_line_or_their_kind() -> None:
    assert reason_of(RuntimeError("Traceback\n  in x\nthe cause  \n\n")) == "the cause"
    assert reason_of(KeyError()) == "KeyError"


def test_an_answer_without_room_says_what_to_change() -> None:
    assert no_room(43, 256, 160) == (
        "cut off after 43 of 256 tokens: prompt and answer have room for 160 (--max-model-len)"
    )
    assert is_out_of_memory(MemoryError())


def test_an_operator_that_torch_lacks_is_told_with_the_way_out() -> None:
    missing = AttributeError("'_OpNamespace' '_C' object has no attribute 'cpu_gemm_wna16'")
    assert without_kernel(missing) == (
        "has no kernel cpu_gemm_wna16 for this processor (a CPU without AVX-512 lacks some); use --engine transformers"
    )
    assert without_kernel(AttributeError("'Config' object has no attribute 'cpu_gemm_wna16'")) is None
    assert without_kernel(RuntimeError(str(missing))) is None
