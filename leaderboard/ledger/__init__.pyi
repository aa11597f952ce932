from .authority import MAINTAINERS_FILE, Maintainers, read_maintainers, same_account
from .events import (
    Event,
    EventError,
    Flagged,
    Reproduced,
    Submitted,
    Superseded,
    Verified,
    acceptance_digests,
    append,
    now,
    read_ledger,
    read_ledgers,
)
from .json_schemas import all_schemas
from .standing import Evidence, Standing, State, fold

__all__ = [
    "MAINTAINERS_FILE",
    "Event",
    "EventError",
    "Evidence",
    "Flagged",
    "Maintainers",
    "Reproduced",
    "Standing",
    "State",
    "Submitted",
    "Superseded",
    "Verified",
    "acceptance_digests",
    "all_schemas",
    "append",
    "fold",
    "now",
    "read_ledger",
    "read_ledgers",
    "read_maintainers",
    "same_account",
]
