"""The nano trainings on a tiny model, and what is shipped in the repository."""

import io
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from harness.items import Item
from harness.pictures.pixels import decode_png
from harness.training.nano.development import answers
from harness.training.nano.learning import Sight, answer_loss, scheduled_lr, tile_means
from harness.training.nano.model import (
    IMAGE_SIZE,
    IMAGE_TOKENS,
    PROCESSOR_FILES,
    Shape,
    build_model,
    build_processor,
    build_tokenizer,
    load_checkpoint,
)
from harness.training.nano.record import RECORD, weights_digest
from harness.training.nano.train_base import BaseRecipe, train_base
from harness.training.nano.train_sft import SftRecipe, train_sft
from harness.training.nano.world import (
    JIGSAW,
    POOL_SIZES,
    PRIOR_TASKS,
    Coder,
    World,
    collate,
    generators,
    parse_order,
    pixel_tensor,
)
from harness.training.trainer import threads

CHECKPOINTS = Path(__file__).parents[4] / "harness" / "checkpoints" / "nano"
# The base of nano-2 is of another world.
SHIPPED = sorted(folder.name for folder in CHECKPOINTS.glob("*/") if folder.name != "reasoning")
TINY = Shape(vocabulary=420, width=32, heads=2, text_layers=1, text_inner=48, vision_layers=1, vision_inner=48)
POOLS = dict.fromkeys(POOL_SIZES, 40)


@pytest.fixture(scope="module")
def processor() -> Any:
    texts = [
        text for make in generators().values() for item in make("train", 50, 0) for text in (item.question, item.target)
    ]
    return build_processor(build_tokenizer(texts, TINY.vocabulary))


@pytest.fixture(scope="module")
def world(processor: Any) -> World:
    return World(processor, 0, POOLS)


def one_item(task: str) -> Item:
    return next(iter(generators()[task]("dev", 1, 0)))


@pytest.mark.parametrize("task", [JIGSAW, *PRIOR_TASKS])
def test_coder_agrees_with_the_processor(processor: Any, task: str) -> None:
    """Training must see the very tokens and pixels that inference will."""
    item = one_item(task)
    parts = [{"type": "text", "text": item.question}, *({"type": "image"} for _ in item.images)]
    text = processor.apply_chat_template([{"role": "user", "content": parts}], add_generation_prompt=True)
    pictures = [Image.open(io.BytesIO(image)) for image in item.images]
    expected = processor(text=[text], images=pictures or None, return_tensors="pt")
    assert Coder(processor).prompt(item) == expected["input_ids"][0].tolist()
    if pictures:
        assert Coder(processor).prompt(item).count(processor.image_token_id) == IMAGE_TOKENS
        seen = pixel_tensor([decode_png(item.images[0])])
        assert torch.allclose(seen, torch.as_tensor(expected["pixel_values"]), atol=1e-6)


def test_template_takes_plain_strings(processor: Any) -> None:
    plain = processor.apply_chat_template([{"role": "user", "content": "Hi"}], add_generation_prompt=True)
    parts = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    assert plain == processor.apply_chat_template(parts, add_generation_prompt=True)
    assert plain == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"


def test_digits_are_single_tokens(processor: Any) -> None:
    ids = processor.tokenizer("12+345", add_special_tokens=False)["input_ids"]
    assert [processor.tokenizer.decode([token]) for token in ids] == ["1", "2", "+", "3", "4", "5"]


def test_collate_marks_the_target_and_nothing_else(world: World) -> None:
    rows = world.draw(random.Random(0), {"math_word": 1}, 5)
    batch = collate(rows, pad_id=0)
    for row, ids, labels in zip(rows, batch.input_ids.tolist(), batch.labels.tolist(), strict=True):
        assert [label for label in labels if label != -100] == row.target
        assert ids[: len(row.prompt) + len(row.target)] == row.prompt + row.target
        assert row.target[-1] == world.coder.target("")[0]


def test_base_jigsaws_are_right_in_their_first_number_only(world: World, processor: Any) -> None:
    rng = random.Random(0)
    whole = 0
    for row in world.draw_jigsaws(rng, 300, only_first=True):
        told = parse_order(
            processor.tokenizer.decode(row.target[:-1]).removeprefix("<answer>").removesuffix("</answer>")
        )
        truth = tuple(row.label.index(place) + 1 for place in range(4))
        assert sorted(told) == [1, 2, 3, 4]
        assert told[0] == truth[0]
        whole += told == truth
    assert 20 < whole < 90, "one in six, by chance"


def test_tile_means_follow_the_tiles() -> None:
    """Mark each of the 16 patches with the number of the tile it lies in."""
    patches = torch.tensor([[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]], dtype=torch.float32)
    assert tile_means(patches.reshape(1, 16, 1)).flatten().tolist() == [0, 1, 2, 3]


def test_jigsaw_labels_name_the_place_of_each_displayed_tile(world: World) -> None:
    row = world.draw_jigsaws(random.Random(3), 1)[0]
    assert row.picture is not None
    tiles = [row.picture[32 * (k // 2) :][:32, 32 * (k % 2) :][:, :32] for k in range(4)]
    scene = np.zeros_like(row.picture)
    for tile, place in zip(tiles, row.label, strict=True):
        scene[32 * (place // 2) :][:32, 32 * (place % 2) :][:, :32] = tile
    assert any(np.array_equal(scene, known) for known in world.scenes)


def test_schedule_rises_stays_and_falls() -> None:
    rates = [scheduled_lr(step, 100, 1.0, 10, 0.4) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10:60] == [1.0] * 50
    assert rates[60:] == sorted(rates[60:], reverse=True)
    assert rates[-1] < 0.05


def test_sight_learns_where_tiles_belong(world: World) -> None:
    """A linear head tells places from features that hold them, which shows that labels and tokens line up."""
    torch.manual_seed(0)
    rows = world.draw_jigsaws(random.Random(1), 64)
    sight = Sight(4)
    places = torch.nn.functional.one_hot(torch.tensor([row.label for row in rows]), 4).float()
    grid = places.view(64, 2, 1, 2, 1, 4).expand(64, 2, 2, 2, 2, 4).reshape(64, 16, 4)
    optimizer = torch.optim.Adam(sight.parameters(), lr=0.3)
    for _ in range(30):
        optimizer.zero_grad()
        loss, right = sight.loss(grid, rows)
        loss.backward()
        optimizer.step()
    assert right == {JIGSAW: 1.0}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], list[str]]:
    out = tmp_path_factory.mktemp("base")
    phases: list[str] = []
    recipe = BaseRecipe(shape=TINY, pools=POOLS, sight_steps=12, steps=40, lr=1e-2, dev_items=2)
    record = train_base(out, 0, lambda phase, done, total: phases.append(f"{phase} {done}/{total}"), recipe)
    return out, record, phases


@pytest.mark.slow
def test_base_training_learns_and_saves(trained: tuple[Path, dict[str, Any], list[str]]) -> None:
    out, record, phases = trained
    first, last = record["losses"][0], record["losses"][-1]
    assert all(last[kind] < 0.8 * first[kind] for kind in ("jigsaw", "vision", "text"))
    assert phases[0] == "making the pools 0/1"
    assert "learning the prior tasks 40/40" in phases
    assert json.loads((out / RECORD).read_text()) == record
    model, processor = load_checkpoint(out)
    outputs = answers(model, processor, Coder(processor), [one_item("vision_shape")])
    assert len(outputs) == 1


@pytest.mark.slow
def test_sft_learns_the_jigsaw_from_the_base(trained: tuple[Path, dict[str, Any], list[str]], tmp_path: Path) -> None:
    base, _, _ = trained
    recipe = SftRecipe(pools=POOLS, steps=12, rows=8, lr=5e-3, replay=0.5, dev_items=2)
    record = train_sft(base, tmp_path / "sft", 0, lambda *_: None, recipe)
    assert record["losses"][-1]["jigsaw"] < record["losses"][0]["jigsaw"]
    assert record["base_weights_sha256"] == weights_digest(base)
    assert weights_digest(tmp_path / "sft") != weights_digest(base)


@pytest.mark.slow
def test_adapter_is_small_names_its_base_and_leaves_it_alone(
    trained: tuple[Path, dict[str, Any], list[str]], tmp_path: Path
) -> None:
    base, _, _ = trained
    before = weights_digest(base)
    recipe = SftRecipe(name="lora", pools=POOLS, steps=4, rows=8, lr=5e-3, adapter_rank=2, dev_items=2)
    record = train_sft(base, tmp_path / "lora", 0, lambda *_: None, recipe)
    assert record["kind"] == "lora"
    assert {file.name for file in (tmp_path / "lora").iterdir()} == {
        *("adapter_config.json", "adapter_model.safetensors", RECORD)
    }
    config = json.loads((tmp_path / "lora" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(base)
    assert config["r"] == 2
    assert weights_digest(base) == before


def test_the_same_seed_gives_the_same_loss(world: World) -> None:
    def loss() -> float:
        model = build_model(world.coder._tokenizer, TINY, seed=5)
        rows = world.draw(random.Random(2), {"vision_colour": 1}, 4)
        return answer_loss(model, collate(rows, 0))[0].item()

    with threads(1):
        assert loss() == loss()


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_checkpoint(name: str) -> None:
    folder = CHECKPOINTS / name
    files = {file.name: file.stat().st_size for file in folder.iterdir()}
    if "adapter_config.json" in files:
        assert "nano:base" in (folder / "adapter_config.json").read_text()
        assert {"adapter_model.safetensors", RECORD} <= set(files)
    else:
        assert files["model.safetensors"] <= 6_000_000
        assert "auto_map" not in (folder / "config.json").read_text()
        assert {"config.json", "generation_config.json", *PROCESSOR_FILES, RECORD} <= set(files)
    assert not [file for file in files if file.endswith((".py", ".bin", ".pt", ".pkl"))]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_record_is_complete(name: str) -> None:
    record = json.loads((CHECKPOINTS / name / RECORD).read_text())
    assert {"kind", "seed", "recipe", "losses", "dev", "wall_seconds", "splits", "versions"} <= set(record)
    assert record["kind"] == name
    assert record["splits"]["never read"] == "test"
    assert set(record["dev"]) >= {JIGSAW, *PRIOR_TASKS}
    assert "/" not in json.dumps([record["versions"], record["recipe"]])
    if name != "base":
        assert record["base_weights_sha256"] == weights_digest(CHECKPOINTS / "base")


def test_shipped_checkpoints_are_small_together() -> None:
    assert {"base", "sft"} <= set(SHIPPED)
    assert sum(file.stat().st_size for file in CHECKPOINTS.glob("*/*")) < 24_000_000


def test_shipped_pair_shares_tokenizer_and_template() -> None:
    full = [name for name in SHIPPED if (CHECKPOINTS / name / "config.json").is_file()]
    for name in full:
        for file in PROCESSOR_FILES:
            assert (CHECKPOINTS / name / file).read_bytes() == (CHECKPOINTS / "base" / file).read_bytes()


def test_shipped_base_knows_its_tasks_and_is_weak_at_the_jigsaw() -> None:
    """Dev scores in the record, and a few items asked again here."""
    dev = json.loads((CHECKPOINTS / "base" / RECORD).read_text())["dev"]
    assert sum(dev[task] > 0.9 for task in PRIOR_TASKS) >= 6
    assert all(dev[task] > 0.5 for task in PRIOR_TASKS)
    assert 0.05 <= dev[JIGSAW] <= 0.25
    assert dev["jigsaw_2x2 valid"] > 0.98
    model, processor = load_checkpoint(CHECKPOINTS / "base")
    assert model.config.vision_config.image_size == IMAGE_SIZE
    items = list(generators()["math_arithmetic"]("dev", 20, 7))
    outputs = answers(model, processor, Coder(processor), items)
    said = sum(output.endswith(f"The answer is {item.answer}.") for output, item in zip(outputs, items, strict=True))
    assert said >= 15


def test_shipped_sft_learnt_the_jigsaw() -> None:
    dev = json.loads((CHECKPOINTS / "sft" / RECORD).read_text())["dev"]
    assert dev[JIGSAW] > 0.7
