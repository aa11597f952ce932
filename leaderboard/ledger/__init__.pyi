from .events import (
    Event,
    EventError,
    Flagged,
    Reproduced,
    Submitted,
    Superseded,
    Verified,
    append,
    read_ledger,
    read_ledgers,
)
from .json_schemas import all_schemas
from .standing import Evidence, Standing, State, fold

__all__ = [
    "Event",
    "EventError",
    "Evidence",
    "Flagged",
    "Reproduced",
    "Standing",
    "State",
    "Submitted",
    "Superseded",
    "Verified",
    "all_schemas",
    "append",
    "fold",
    "read_ledger",
    "read_ledgers",
]
