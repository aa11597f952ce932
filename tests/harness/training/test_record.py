"""Training records: what a submission takes from them, and files that are none."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.training.dataset import About
from harness.training.recipe import METHODS, load_recipe, seedless_name
from harness.training.record import (
    RECORD_FILE,
    BaseModelRecord,
    DataRecord,
    RecordError,
    TrainingRecord,
    read_record,
    record_of,
    write_record,
)
from leaderboard.documents.manifest import Method, TrainingData

LEARNING = [method for method in METHODS if method != "rollouts"]


def record(
    method: str, config: str = "nano-jigsaw", settings: dict[str, Any] | None = None, **measured: Any
) -> TrainingRecord:
    about = About(
        source="nano-jigsaw",
        recipe_digest="0" * 64,
        kinds={"rollout": 3},
        tasks={"jigsaw_2x2": 3},
        examples=3,
        digest="1" * 64,
        examples_sha256="2" * 64,
        seed=0,
        policy="step-000100",
        sampled=12,
    )
    on_samples = method.endswith("rollout-sft") or method == "self-sft"
    recipe = load_recipe(config, method, {"data.examples": "/home/me/set"} if on_samples else settings or {})
    source = recipe.data.source or "set"
    data = DataRecord(source=source, digest="1" * 64, examples=3, about=about if on_samples else None)
    replay = DataRecord(source=recipe.replay.source, digest="3" * 64, examples=2) if recipe.replay else None
    fields: dict[str, Any] = {"step": 5, "tokens": 100, "target_tokens": 40, "parameters": 9, "trained_parameters": 9}
    fields |= {"curve": ({"step": 1.0, "loss": 0.5},), "wall_seconds": 2.0, "device": "cpu", "threads": 1}
    return record_of(
        recipe, BaseModelRecord(name="b", weights_digest="4" * 64), data, replay=replay, **fields | measured
    )


@pytest.mark.parametrize("method", LEARNING)
def test_every_method_fills_fields_that_a_manifest_takes(method: str) -> None:
    made = record(method, rollouts=720 if method == "rft" else 0)
    told = Method.model_validate(made.submission["method"])
    assert (told.steps, told.tokens, told.seeds) == (5, 100, [0])
    assert told.family == {"sft": "sft", "replay-sft": "sft", "rft": "rft"}.get(method, "sft-on-rollouts")
    assert (told.rollouts, told.kl_coefficient) == {"rft": (720, 0.05)}.get(
        method, (12 if told.family == "sft-on-rollouts" else None, None)
    )
    assert (told.replay is not None) == (method == "replay-sft")
    sets = [TrainingData.model_validate(each) for each in made.submission["training_data"]]
    assert [each.role for each in sets] == ["train", "replay"][: 1 + (method == "replay-sft")]
    assert "/home/me" not in made.model_dump_json()


def test_algorithms_tell_the_methods_apart() -> None:
    assert len({record(method).method_fields()["algorithm"] for method in LEARNING}) == len(LEARNING)


def test_seeds_share_the_name_of_their_recipe_and_nothing_else_does() -> None:
    def name(seed: int, method: str, **settings: Any) -> str:
        return seedless_name(load_recipe("nano2-jigsaw", method, settings, seed=seed).published())

    assert name(0, "sft") == name(1, "sft")
    assert name(0, "sft").startswith("nano2-jigsaw-")
    assert name(0, "self-sft", **{"data.examples": "/a"}) == name(1, "self-sft", **{"data.examples": "/b"})
    others = [name(0, "sft", **{"optimisation.lr": 1e-3}), name(0, "sft", **{"data.form": "other"}), name(0, "rft")]
    assert len({name(0, "sft"), *others}) == 4
    assert name(0, "sft") == name(0, "sft", **{"optimisation.micro_batch": 4, "optimisation.threads": 2})
    assert record("sft").method_fields()["recipe"] == seedless_name(record("sft").recipe)


def test_a_field_that_is_not_set_renames_no_recipe() -> None:
    published = load_recipe("nano2-jigsaw", "rft").published()
    later = {**published, "later": None, "optimisation": {**published["optimisation"], "later": None}}
    assert seedless_name(later) == seedless_name(published)


def test_sets_that_were_sampled_otherwise_make_another_recipe() -> None:
    def name(made_by: str | None) -> str | None:
        made = record("self-sft")
        assert made.data.about is not None
        about = made.data.about.model_copy(update={"recipe": made_by})
        data = made.data.model_copy(update={"about": about})
        return made.model_copy(update={"data": data}).method_fields().get("recipe")

    assert name(None) is None
    assert name("a") == name("a") != name("b")


def test_a_checkpoint_along_the_way_is_no_seed_of_the_recipe() -> None:
    made = record("sft")
    along = made.of_a_step()
    assert "recipe" in made.submission["method"]
    assert along.submission["method"] == {k: v for k, v in made.submission["method"].items() if k != "recipe"}
    assert along.model_copy(update={"submission": made.submission}) == made


def test_a_set_is_named_with_the_form_of_its_targets() -> None:
    def sets(method: str, settings: dict[str, Any] | None = None) -> list[str]:
        return [each["id"] for each in record(method, "nano2-jigsaw", settings).training_data()]

    assert sets("sft") == ["nano2-jigsaw"]
    assert sets("sft", {"data.form": "other"}) == ["nano2-jigsaw/other"]
    assert sets("rft", {"data.form": "other"}) == ["nano2-jigsaw"]  # It reads no targets.
    assert sets("replay-sft") == ["nano2-jigsaw", "nano2-prior/worked"]
    assert sets("self-sft") == ["nano-jigsaw"]  # What was sampled is neither form of its source.


def test_the_rank_of_an_adapter_and_the_licence_of_a_set_are_stated() -> None:
    made = record("sft", "smollm2-math")
    assert made.method_fields()["lora_rank"] == 16
    assert [(each["id"], each["license"]) for each in made.training_data()] == [("gsm8k", "MIT")]
    assert not record("sft", "qwen2.5-vl-jigsaw").training_data()  # Of one's own pictures only their owner knows it.


def test_a_record_reads_back(tmp_path: Path) -> None:
    made = record("replay-sft")
    write_record(tmp_path, made)
    assert read_record(tmp_path) == made
    assert not list(tmp_path.glob("*.partial"))


def test_a_record_that_is_none_names_its_field(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="missing"):
        read_record(tmp_path)
    write_record(tmp_path, record("sft"))
    document = json.loads((tmp_path / RECORD_FILE).read_text())
    for change, says in (({"step": -1}, "step"), ({"surprise": 1}, "surprise"), ({"curve": [{"loss": "x"}]}, "curve")):
        (tmp_path / RECORD_FILE).write_text(json.dumps(document | change))
        with pytest.raises(RecordError, match=says):
            read_record(tmp_path)
    (tmp_path / RECORD_FILE).write_text("{")
    with pytest.raises(RecordError, match="document"):
        read_record(tmp_path)
