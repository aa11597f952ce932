"""Boards made up: entries whose gain and retention a test states, without a run for each."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.records.run import RunRecord
from harness.scoring import Scorecard
from leaderboard.board import Row, Track, TrackKey
from leaderboard.board.contest import Placing, Questions
from leaderboard.documents.manifest import Manifest
from leaderboard.ledger import Evidence, Standing, State
from tests.support.cards import pair_card
from tests.support.manifests import HUB, LOCAL, manifest
from tests.support.synthetic import synthetic_run

WIDTH = 0.02
_NO_QUESTIONS = Questions("b" * 64, (), {}, np.zeros(0, np.int64), np.zeros(0), np.zeros(0, bool))


@functools.cache
def _template() -> tuple[Scorecard, RunRecord]:
    with tempfile.TemporaryDirectory() as folder:
        return pair_card(Path(folder)), synthetic_run(Path(folder) / "one").record


def made_row(
    entry_id: str,
    *,
    kept: float | None = 0.9,
    gain: float = 0.8,
    width: float = WIDTH,
    gain_width: float = WIDTH,
    balance: float | None = None,
    seeds: Sequence[int] | None = (0,),
    handle: str = "ada",
    repo: str | None = None,
    adapter: str | None = None,
    data: str = "COCO",
    standing: Standing = Standing.ACTIVE,
    evidence: Evidence = Evidence.VERIFIED,
    created: str = "2026-01-01T00:00:00Z",
    run: dict[str, Any] | None = None,
    **method: Any,
) -> Row:
    """An entry that gained ``gain`` and kept ``kept``, with intervals of half-widths ``gain_width`` and ``width``;
    ``method`` are fields of its method, by default SFT at 1e-4. Without ``balance`` that is their mean where a gain is
    shown."""
    card, record = _template()
    shown = gain - gain_width > 0
    if balance is None and shown and kept is not None:
        balance = min(max((gain + kept) / 2, 0.0), 1.0)
    learned = card.learned.model_copy(update={"gain": gain, "gain_ci": (gain - gain_width, gain + gain_width)})
    changed = {
        "target": learned,
        "retention_macro": kept,
        "retention_macro_ci": None if kept is None else (kept - width, kept + width),
        "balance": balance,
        "balance_ci": None if balance is None else (balance - width, balance + width),
        "alarms": (),
    }
    return Row(
        entry_id=entry_id,
        manifest=made_manifest(entry_id, seeds, handle, repo, adapter, data, method),
        base=record,
        tuned=record.model_copy(update={"created": created, **(run or {})}),
        card=card.model_copy(update=changed),
        state=State(evidence, standing, (), None, ()),
        placing=Placing((1, 1), (1, 1), "a", "on the front") if balance is not None and evidence.ranked else Placing(),
        hashes={},
        folders=(Path("base"), Path(entry_id) / "tuned"),
        solved=np.zeros(0, dtype=bool),
    )


def made_manifest(
    name: str,
    seeds: Sequence[int] | None,
    handle: str,
    repo: str | None,
    adapter: str | None,
    data: str,
    method: dict[str, Any],
) -> Manifest:
    document = manifest()
    stated = {"family": "sft", "learning_rate": 1e-4, **method}
    document["method"] = {key: value for key, value in stated.items() if value is not None}
    if seeds is not None:
        document["method"]["seeds"] = list(seeds)
    document["contact"] = {"handle": handle}
    document["training_data"][0]["id"] = data
    model: dict[str, Any] = {**LOCAL, "local": name} if repo is None else {**HUB, "repo": repo}
    document["tuned"] = model if adapter is None else {"adapter": model, "adapter_type": adapter}
    return Manifest.model_validate(document)


def made_track(*rows: Row, target: str = "jigsaw") -> Track:
    """A track of ``rows``, best kept first."""
    key = TrackKey("nano-1", target, "b" * 64, "direct", "synthetic/1.0", "standard")
    ordered = sorted(rows, key=lambda row: (-(row.card.retention_macro or 0.0), row.entry_id))
    return Track(key, _template()[1], tuple(ordered), _NO_QUESTIONS)


def seeds_of(name: str, kept: Sequence[float | None], gain: float | Sequence[float] = 0.8, **fields: Any) -> list[Row]:
    """A recipe of ``name``: an entry a value of ``kept``, with seeds 0, 1, 2 ..., and one gain or one for each."""
    gains = [gain] * len(kept) if isinstance(gain, int | float) else gain
    return [
        made_row(f"{name}{seed}", kept=value, gain=each, seeds=(seed,), **fields)
        for seed, (value, each) in enumerate(zip(kept, gains, strict=True))
    ]
