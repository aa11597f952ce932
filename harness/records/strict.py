"""The base of every model that stands at the border of a file, and how such a file is read."""

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """Frozen, with no field beyond those named, and with finite numbers alone.

    JSON that Python writes may hold NaN and Infinity, which no other reader takes for numbers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


_Model = TypeVar("_Model", bound=StrictModel)


def read_json(model: type[_Model], data: bytes) -> _Model:
    """``data`` as ``model``: numbers are numbers and not texts of digits, and no key comes twice, of which readers take
    different ones.

    Raises ``ValidationError`` for a field, and ``ValueError`` for what is no such JSON.
    """
    found = model.model_validate_json(data, strict=True)
    try:
        json.loads(data, object_pairs_hook=_without_duplicates)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return found


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!a} twice")
    return found
