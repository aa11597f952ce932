"""The base of every model that stands at the border of a file."""

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """Frozen, with no field beyond those named, and with finite numbers alone.

    JSON that Python writes may hold NaN and Infinity, which no other reader takes for numbers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
