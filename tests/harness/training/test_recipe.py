"""Recipes: the shipped ones are whole, overrides do what they say, and what decides a training decides its digest."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.records.suites import load_suite
from harness.training.generators import SOURCES
from harness.training.recipe import (
    LEARNT_FROM,
    METHODS,
    Recipe,
    RecipeError,
    config_names,
    configs_root,
    load_recipe,
)
from tests.support.recipes import small

SMALL = {
    "name": "small",
    "base": "nano:base",
    "target": "jigsaw",
    "suite": "nano-1",
    "data": {"source": "nano-jigsaw", "count": 10},
    "optimisation": {"steps": 10, "batch": 4, "lr": 1e-3},
    "methods": {"sft": {}, "replay-sft": {"replay": {"share": 0.5, "source": "nano-prior"}}, "rft": {}},
}


def config(folder: Path, **changes: Any) -> Path:
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump({**SMALL, **changes}))
    return path


def given_data(method: str) -> dict[str, Any]:
    return {"data.examples": "somewhere"} if method in LEARNT_FROM else {}


@pytest.mark.parametrize("name", config_names())
@pytest.mark.parametrize("method", METHODS)
def test_every_shipped_config_has_every_method(name: str, method: str) -> None:
    recipe = load_recipe(name, method, given_data(method))
    assert recipe.name == name
    assert recipe.target in load_suite(recipe.suite).families
    assert recipe.checkpoints.count >= 5
    assert len(recipe.saved_steps) >= 5
    assert recipe.data.source is None or recipe.data.source in SOURCES
    assert recipe.replay is None or recipe.replay.source in SOURCES


@pytest.mark.parametrize("name", config_names())
def test_methods_of_a_setting_have_digests_of_their_own(name: str) -> None:
    digests = {load_recipe(name, method, given_data(method)).digest for method in METHODS}
    assert len(digests) == len(METHODS)


def test_the_accelerate_files_are_shipped_beside_the_configs() -> None:
    for path in sorted((configs_root() / "accelerate").glob("*.yaml")):
        assert yaml.safe_load(path.read_text())["mixed_precision"] == "bf16"
    assert {path.stem for path in (configs_root() / "accelerate").glob("*.yaml")} == {"gpus", "zero2", "zero3"}


def test_overrides_reach_their_field(tmp_path: Path) -> None:
    path = config(tmp_path)
    recipe = load_recipe(path, "sft", ["optimisation.lr=1e-4", "checkpoints={count: 6, spacing: early}"], seed=7)
    assert (recipe.optimisation.lr, recipe.seed) == (1e-4, 7)
    assert (recipe.checkpoints.count, recipe.checkpoints.spacing) == (6, "early")
    assert recipe.optimisation.steps == 10
    assert load_recipe(path, "sft", {"optimisation.lr": 1e-4}).optimisation.lr == 1e-4


def test_null_takes_a_shared_section_away(tmp_path: Path) -> None:
    path = config(tmp_path, adapter={"rank": 2, "alpha": 4})
    assert load_recipe(path, "sft").adapter is not None
    assert load_recipe(path, "sft", ["adapter=null"]).adapter is None


def test_the_digest_covers_what_decides_a_training_and_no_place(tmp_path: Path) -> None:
    path = config(tmp_path, methods={"rollout-sft": {"data": {"source": None, "count": None}}})
    recipe = load_recipe(path, "rollout-sft", {"data.examples": "/here"})
    assert recipe.digest == load_recipe(path, "rollout-sft", {"data.examples": "/there", "base": "/elsewhere"}).digest
    for field, value in (("optimisation.lr", 2e-3), ("seed", 1), ("checkpoints.count", 6), ("data.count", 5)):
        assert recipe.digest != load_recipe(path, "rollout-sft", {"data.examples": "/here", field: value}).digest


def test_what_is_published_names_no_folder_of_the_machine(tmp_path: Path) -> None:
    path = config(tmp_path, methods={"rollout-sft": {"data": {"source": None, "count": None}}})
    recipe = load_recipe(path, "rollout-sft", {"data.examples": "/home/me/samples", "base": "/home/me/model"})
    published = recipe.published()
    assert (published["data"]["examples"], published["base"]) == ("samples", "model")
    assert load_recipe("nano-jigsaw", "sft").published()["base"] == "nano:base"


@given(steps=st.integers(1, 3_000), count=st.integers(5, 20), spacing=st.sampled_from(["even", "early"]))
def test_checkpoints_rise_to_the_last_step(steps: int, count: int, spacing: str) -> None:
    fields = {name: value for name, value in SMALL.items() if name != "methods"}
    fields |= {"optimisation": {"steps": steps, "batch": 4, "lr": 1e-3}, "method": "sft"}
    saved = Recipe.model_validate(fields | {"checkpoints": {"count": count, "spacing": spacing}}).saved_steps
    assert list(saved) == sorted(set(saved))
    assert saved[0] >= 1
    assert saved[-1] == steps
    assert len(saved) <= count
    assert len(saved) == count or steps < count**2


@pytest.mark.parametrize(
    ("method", "overrides", "says"),
    [
        ("sft", ["optimisation.lr=-1"], "optimisation.lr"),
        ("sft", ["optimisation.learning_rate=1"], "learning_rate"),
        ("sft", ["optimisation.batch=null"], "needs a batch"),
        ("sft", ["rft={prompts: 2, group: 2}"], "does not take a section rft"),
        ("sft", ["checkpoints.count=4"], "checkpoints.count"),
        ("sft", ["data.examples=x"], "either source"),
        ("sft", ["nonsense"], "FIELD=VALUE"),
        ("sft", ["data={"], "not a YAML value"),
        ("rft", [], "needs a section rft"),
        ("rft", ["rft={prompts: 2, group: 2}"], "rft.prompts and rft.group"),
        ("replay-sft", ["replay.share=0.01"], "rounds to no or all rows"),
        ("self-sft", [], "self-sft is missing"),
        ("dpo", [], "unknown method"),
    ],
)
def test_mistakes_are_named_with_their_field(tmp_path: Path, method: str, overrides: list[str], says: str) -> None:
    with pytest.raises(RecipeError, match=says) as error:
        load_recipe(config(tmp_path), method, overrides)
    assert "\n" not in str(error.value)


def test_examples_have_to_come_from_somewhere(tmp_path: Path) -> None:
    path = config(tmp_path, methods={"rollout-sft": {}})
    with pytest.raises(RecipeError, match="retention train rollouts"):
        load_recipe(path, "rollout-sft")


def test_an_unknown_config_is_answered_with_the_known_ones() -> None:
    with pytest.raises(RecipeError, match="nano-jigsaw"):
        load_recipe("nano-jigsaws", "sft")


def test_a_file_that_is_no_config_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    for text in ("[1, 2]", "a: [", "\x00"):
        path.write_text(text)
        with pytest.raises(RecipeError, match=r"broken\.yaml"):
            load_recipe(path, "sft")


def test_a_recipe_without_a_stop_is_the_one_that_it_was() -> None:
    known, stops = small(), small(rft__stop={"exact": 0.9})
    assert known.digest != stops.digest != small(rft__stop={"exact": 0.8}).digest
    assert known.digest == "0919f46d2b3d0ee1035cd40d94e00358f86b6fb80aed2275d156d51b5a8947ec"


def test_a_stop_by_exact_answers_needs_their_reward() -> None:
    with pytest.raises(RecipeError, match="stop: goes by the exact answers"):
        small(rft__stop={"exact": 0.9}, rft__rewards={"hits": 1.0})
