"""Dynamics: the document, what it refuses, and its schema."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from harness.scoring.dynamics.document import Dynamics
from harness.scoring.schema import dynamics_schema
from tests.support.explaining import document


def test_a_document_reads_back_to_the_same_bytes() -> None:
    made = Dynamics.model_validate(document())
    again = Dynamics.model_validate_json(made.to_json())
    assert again == made
    assert again.to_json() == made.to_json()
    assert made.to_json().endswith("}\n")


def test_documents_obey_their_schema() -> None:
    validator = Draft202012Validator(json.loads(dynamics_schema()))
    validator.validate(json.loads(Dynamics.model_validate(document()).to_json()))
    bare = document(influence=None, drift=None, probes=None, target_prompts=None)
    bare["reasons"] = dict.fromkeys(("influence", "drift", "probes", "target_prompts"), "not asked for")
    validator.validate(json.loads(Dynamics.model_validate(bare).to_json()))
    assert not validator.is_valid(document() | {"more": 1})


def test_the_drift_of_a_checkpoint_is_found_by_its_weights() -> None:
    made = Dynamics.model_validate(document())
    assert made.drift_of("b" * 64).model.name == "tuned"
    assert made.drift_of("c" * 64) is None


def _set(path: str, value: Any) -> dict[str, Any]:
    made: dict[str, Any] = document()
    place: Any = made
    *heads, last = path.split("/")
    for head in heads:
        place = place[int(head)] if isinstance(place, list) else place[head]
    place[last] = value
    return made


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema_version", 2),
        ("surprise", 1),
        ("base/name", "x" * 201),
        ("base/weights_digest", "B" * 64),
        ("training", []),
        ("perplexity", {}),
        ("perplexity/bare/perplexity", 0.5),
        ("perplexity/bare/perplexity", float("nan")),
        ("perplexity/bare/perplexity", float("inf")),
        ("perplexity/bare/quantiles", [1, 2, 3, 5, 4]),
        ("perplexity/bare/perplexity_ci", [3, 2]),
        ("perplexity/bare/histogram", [2] * 24),
        ("perplexity/bare/histogram", [10]),
        ("perplexity/bare/n", 100_000),
        ("perplexity/<script>", 1),
        ("influence/bare/all/direction", 1.5),
        ("influence/bare/all/lowers", -0.1),
        ("influence/bare/all/magnitude", -1),
        ("influence/bare/all/n", 999),
        ("influence/bare/first_order_error", None),
        ("influence/bare/tasks", {}),
        ("influence/other", 1),
        ("drift/0/prior/forward_kl", -0.5),
        ("drift/0/prior/forward_kl_ci", [2, 1]),
        ("drift/0/prior/n_tokens", 0),
        ("target_prompts", "elsewhere"),
        ("settings/relative_step", 0),
        ("drift", None),
        ("influence", None),
    ],
)
def test_what_cannot_be_is_refused(path: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        Dynamics.model_validate(_set(path, value))


def test_kinds_with_influence_have_a_perplexity() -> None:
    made = document()
    made["influence"]["rollout"] = made["influence"]["bare"]
    with pytest.raises(ValidationError, match="rollout is no kind"):
        Dynamics.model_validate(made)


def test_reasons_are_exactly_of_what_is_null() -> None:
    with pytest.raises(ValidationError, match="reasons"):
        Dynamics.model_validate(document(influence=None))
