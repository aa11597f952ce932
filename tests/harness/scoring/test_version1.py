"""Scorecards of scorer version 1 are read, with what it did not say named as such."""

import json
from pathlib import Path

from harness.scoring import Scorecard, score_pair
from tests.support.synthetic import synthetic_run

_RENAMED = {"p_value": "mcnemar_p", "p_holm": "mcnemar_p_holm", "smallest_loss": "minimum_detectable_difference"}


def as_version_1(card: Scorecard) -> dict[str, object]:
    """The document as version 1 would have written it."""
    document = json.loads(card.to_json())
    for name in ("retention_ratio", "retention_ratio_ci", "rests_on"):
        document.pop(name)
        document["reasons"].pop(name, None)
    for task in document["tasks"].values():
        for name in ("design_effect", "base_above_chance"):
            task.pop(name)
        for new, old in _RENAMED.items():
            task[old] = task.pop(new) or 0.5
            task["reasons"].pop(new, None)
    for group in document["groups"].values():
        for name in ("units", "ratio", "ratio_ci"):
            group.pop(name)
    return document | {"schema_version": 1}


def test_a_card_of_version_1_is_read_and_says_so(tmp_path: Path) -> None:
    base = synthetic_run(tmp_path / "base", accuracy=0.9, seed=1)
    tuned = synthetic_run(tmp_path / "tuned", name="tuned", accuracy=0.8, seed=2)
    card = score_pair(base, tuned, "jigsaw")
    assert card.schema_version == 2
    assert "|scorer:2|" in card.signature
    read = Scorecard.model_validate(as_version_1(card))
    assert (read.schema_version, read.rests_on) == (1, None)
    assert read.reasons["rests_on"] == "scorer version 1 did not say"
    assert read.tasks["math_word"].p_value == card.tasks["math_word"].p_value
    assert read.tasks["math_word"].reasons["design_effect"] == "scorer version 1 did not say"
    assert read.retention_macro == card.retention_macro
    assert Scorecard.model_validate_json(read.to_json()) == read
