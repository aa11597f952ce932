"""Errors are one line that steers no terminal, and say where a document is wrong."""

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from harness.errors import RetentionError, first_problem


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")
    low: int = 0
    high: int = 1

    @model_validator(mode="after")
    def _ordered(self) -> "Part":
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


class Whole(BaseModel):
    parts: list[Part]


@pytest.mark.parametrize(
    ("model", "document", "said"),
    [
        (Whole, {"parts": [{}, {"low": "x"}]}, "parts.1.low: Input should be a valid integer"),
        (Whole, {"parts": [{"low": 2}]}, "parts.0: low is above high"),
        (Part, {"middle": 1}, "middle: Extra inputs are not permitted"),
        (Part, {"low": 2}, "low is above high"),
        (Part, [], "document: Input should be a valid dictionary"),
    ],
)
def test_the_first_problem_names_its_field(model: type[BaseModel], document: object, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(document)
    assert first_problem(caught.value).startswith(said)


def test_a_message_is_one_line_that_steers_no_terminal() -> None:
    assert str(RetentionError("a\nb\x1b[2J\u202e")) == "a b\ufffd[2J\ufffd"
    assert len(str(RetentionError("x" * 10_000))) < 2_000
