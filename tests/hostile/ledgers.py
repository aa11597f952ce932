"""Ledgers with an event that somebody put there by hand: whose it is not, resting on too little, or yet to come."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from leaderboard.ledger.events import (
    Flagged,
    Submitted,
    Superseded,
    Verified,
    Withdrawn,
    append,
    check_event,
    event_bytes,
    file_name,
    parse_event,
)
from tests.hostile.case import Case, Shop
from tests.support.accepting import maintained
from tests.support.events import BASE, TUNED, agreement

_ENTRY, _OTHER = "abcdefghijk2", "abcdefghijk3"


def _submitted(contact: str) -> dict[str, Any]:
    return {
        "name": "one", "suite": "tiny-1", "target": "math", "base": "base", "contact": contact,
        "files": {"manifest.yaml": "d" * 64}, "base_samples_sha256": BASE, "tuned_samples_sha256": TUNED,
    }  # fmt: skip


def _begun(shop: Shop, case: Case) -> Path:
    """The ledgers of an entry of ada and of one of eve, accepted by a maintainer."""
    events = maintained(shop.folder(case) / "events", "mo")
    append(events, Submitted, _ENTRY, "mo", **_submitted("ada"))
    append(events, Submitted, _OTHER, "mo", **_submitted("eve"))
    return events


def _then(actor: str, kind: type[BaseModel], **fields: Any) -> Callable[[Shop, Case], str]:
    """The same, and another event as its author writes it."""

    def make(shop: Shop, case: Case) -> str:
        events = _begun(shop, case)
        append(events, kind, _ENTRY, actor, **fields)
        return str(events / _ENTRY)

    return make


def _forged(change: Callable[[dict[str, Any]], object]) -> Callable[[Shop, Case], str]:
    """The same, and the maintainer's own verification with one thing changed."""

    def make(shop: Shop, case: Case) -> str:
        events = _begun(shop, case)
        (first,) = (events / _ENTRY).iterdir()
        document: dict[str, Any] = {
            "schema": "retentionbench-event-1", "entry_id": _ENTRY, "seq": 2,
            "actor": "mo", "previous": hashlib.sha256(first.read_bytes()).hexdigest(), "kind": "verified",
            "agreement": agreement().model_dump(mode="json"),
        }  # fmt: skip
        document["at"] = parse_event(first.read_bytes(), first.name).at
        change(document)
        event = check_event(document, "forged")
        (events / _ENTRY / file_name(event)).write_bytes(event_bytes(event))
        return str(events / _ENTRY)

    return make


def _one_item(document: dict[str, Any]) -> None:
    found = document["agreement"]
    found["tasks"] = {"jigsaw": 1}
    for side in ("base", "tuned"):
        found[side] |= {"n": 1, "same_text": 1}


def _case(name: str, says: str, make: Callable[[Shop, Case], str]) -> Case:
    return Case(name, "ledger", "ledger", "refused", says, make)


_FOUND = {"agreement": agreement().model_dump(mode="json")}
_WHY = {"reason": "because"}
CASES = [
    _case("accepted-by-its-author", "ada was not a maintainer", _then("ada", Submitted, **_submitted("ada"))),
    _case("verified-by-its-author", "not verified by its own author", _then("ada", Verified, **_FOUND)),
    _case("verified-by-a-stranger", "only maintainers write verified", _then("eve", Verified, **_FOUND)),
    _case("verified-on-one-item", "at least 200 are evidence", _forged(_one_item)),
    _case("verified-by-a-seed-of-ones-own", "agreement.seed: neither a commit nor",
          _forged(lambda document: document["agreement"].update(seed="5e" * 32))),
    _case("reproduced-on-one-item", "at least 200 are evidence",
          _forged(lambda document: (_one_item(document), document.update(kind="reproduced", actor="eve")))),
    _case("flagged-by-a-stranger", "only maintainers write flagged", _then("eve", Flagged, **_WHY)),
    _case("withdrawn-by-a-stranger", "only maintainers write withdrawn", _then("eve", Withdrawn, **_WHY)),
    _case("superseded-by-a-stranger", "only maintainers write superseded",
          _then("eve", Superseded, by=_OTHER, **_WHY)),
    _case("superseded-by-anothers", "is no entry of ada", _then("ada", Superseded, by=_OTHER, **_WHY)),
    _case("event-of-2099", "at: is in the future",
          _forged(lambda document: document.update(at="2099-01-01T00:00:00Z"))),
    _case("event-before-its-neighbour", "previous is not the sha256 of the event before it",
          _forged(lambda document: document.update(at="2026-01-01T00:00:00Z"))),
]  # fmt: skip
