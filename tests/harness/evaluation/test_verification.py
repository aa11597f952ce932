"""Verification on scripted engines: honest entries agree, with and without noise; altered ones are found."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engines import placement, starting
from harness.errors import CheckFailedError, RetentionError
from harness.evaluation.verification import draw, find_reference, plan_again
from harness.protocol import Completion, GenerateRequest
from harness.records.run import CheckpointRecord, ConditionsRecord
from tests.support.fakes import RECORD, FakeEngine, part_of_nano, write_checkpoint
from tests.support.verifying import SEED, World, altered, make_world

SEEN = ConditionsRecord(stop_token_ids=(1,), max_model_len=4096, processor="0" * 64)

pytestmark = pytest.mark.slow


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def test_an_honest_entry_agrees_letter_for_letter(world: World) -> None:
    found = world.verify(*world.runs())
    assert found.agrees
    assert found.tasks == {"math_arithmetic": 140, "science_facts": 140}
    for side in (found.base, found.tuned):
        assert (side.n, side.same_text, side.stored_odd, side.noise) == (280, 280, 0, 0)
    assert found.p_value == 1


def test_an_honest_entry_on_a_noisy_engine_agrees(world: World) -> None:
    world.noise = 0.3
    found = world.verify(*world.runs(), items=400)
    assert found.agrees
    assert min(found.base.noise, found.tuned.noise) > 30
    assert min(found.base.stored_odd, found.tuned.stored_odd) > 10
    assert found.tuned.same_text < found.tuned.n


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_inflated_answers_are_found(world: World, noise: float) -> None:
    world.noise = noise
    base, tuned = world.runs()
    found = world.verify(base, altered(tuned, 0.5))
    assert not found.agrees
    assert found.tuned.lost > 20
    assert found.base.lost + found.base.won <= found.base.noise + found.base.stored_odd
    assert not world.verify(altered(base, 0.5), tuned).agrees


def test_the_second_pass_asks_in_another_order_and_batch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = world.runs()
    passes: list[tuple[list[str], int]] = []

    def start(placed: placement.Placement) -> FakeEngine:
        engine = FakeEngine()
        passes.append((engine.asked, placed.settings.batch))
        return engine

    monkeypatch.setattr(starting, "start", start)
    world.verify(*runs)
    assert len(passes) == 4
    for (first, batch), (second, smaller) in zip(passes[::2], passes[1::2], strict=True):
        assert sorted(first) == sorted(second)
        assert first != second
        assert smaller < batch
    # What was answered once is not asked again: an interrupted verification goes on.
    passes.clear()
    world.verify(*runs)
    assert passes == []


def test_too_few_items_say_too_little(world: World) -> None:
    with pytest.raises(RetentionError, match="--items 100: fewer than 200 would often miss"):
        world.verify(*world.runs(), items=100)


def test_another_checkpoint_is_refused(world: World) -> None:
    base, tuned = world.runs()
    other = write_checkpoint(world.root / "other", seed=9)
    with pytest.raises(RetentionError, match="name the checkpoint of the run with --checkpoint"):
        plan_again(base, tuned, replace(world.sources, tuned=str(other)), world.root / "again")
    with pytest.raises(RetentionError, match="with --base-checkpoint"):
        plan_again(base, tuned, replace(world.sources, base=str(other)), world.root / "again")


def test_another_environment_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    base, tuned = world.runs()
    monkeypatch.setattr(placement, "describe", lambda *_: RECORD.model_copy(update={"version": "2"}))
    with pytest.raises(RetentionError, match=r"made on fake/1/float32/eager/cpu, this machine has fake/2/"):
        plan_again(base, tuned, world.sources, world.root / "again")


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"template_policy": "native"}, "own chat template"),
        ({"engine": RECORD.model_copy(update={"name": "openai"})}, "no pinned file can restore"),
        ({"engine": RECORD.model_copy(update={"dtype": "int3"})}, "no pinned file can restore"),
        ({"template_digest": "0" * 64}, "chat template is not the one of the runs"),
        ({"conditions": SEEN}, "the image processor here is None, the run had 0000"),
    ],
)
def test_what_cannot_be_made_again_is_refused(world: World, changed: dict[str, Any], complaint: str) -> None:
    base, tuned = world.runs()
    base = replace(base, record=base.record.model_copy(update=changed))
    with pytest.raises(RetentionError, match=complaint):
        plan_again(base, tuned, world.sources, world.root / "again")


def test_another_suite_is_refused(world: World) -> None:
    base, tuned = world.runs()
    other = part_of_nano(world.root / "other-suite", "math_arithmetic")
    with pytest.raises(RetentionError, match="its digest differs from the runs"):
        plan_again(base, tuned, replace(world.sources, suite=str(other)), world.root / "again")


def test_other_prompts_are_no_disagreement(world: World) -> None:
    base, tuned = world.runs()
    samples = tuned.samples.assign(prompt_digest="0" * 64)
    with pytest.raises(CheckFailedError, match="280 of 280 prompts rendered now are not those of the stored run"):
        world.verify(base, replace(tuned, samples=samples))


def test_failed_items_are_no_disagreement(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(FakeEngine):
        def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
            yield from ((k, Completion("", "error", 0, 0, error="too long")) for k in range(len(requests)))

    runs = world.runs()
    monkeypatch.setattr(starting, "start", lambda *_: Failing())
    with pytest.raises(CheckFailedError, match="280 of 280 items failed"):
        world.verify(*runs)


def test_a_run_that_lacks_items_is_no_disagreement(world: World) -> None:
    base, tuned = world.runs()
    with pytest.raises(CheckFailedError, match="the stored run lacks"):
        world.verify(replace(base, samples=base.samples.iloc[:50]), tuned)


# --- drawing ---


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 60), min_size=1),
    st.integers(1, 200),
    st.text("0123456789abcdef", min_size=40, max_size=40),
)
def test_a_draw_is_a_share_of_every_task(sizes: dict[str, int], count: int, seed: str) -> None:
    ids = {task: [f"{task}-{k}" for k in range(n)] for task, n in sizes.items()}
    drawn = draw(ids, seed, count)
    assert drawn == draw(ids, seed, count)
    assert sum(map(len, drawn.values())) >= min(count, sum(sizes.values()))
    for task, rows in drawn.items():
        assert rows == sorted(set(rows))
        assert 1 <= len(rows) <= sizes[task]
        assert len(rows) <= count * sizes[task] / sum(sizes.values()) + 1


def test_every_item_is_drawn_equally_often() -> None:
    ids = {"a": [f"item-{k}" for k in range(40)]}
    counts = [0] * 40
    for seed in range(2000):
        for row in draw(ids, f"{seed:040x}", 10)["a"]:
            counts[row] += 1
    # Binomial(2000, 1/4): five standard deviations.
    assert all(abs(count - 500) < 5 * (2000 * 0.25 * 0.75) ** 0.5 for count in counts)


def test_the_draw_never_changes() -> None:
    assert draw({"a": [f"item-{k}" for k in range(20)]}, SEED, 5) == {"a": [0, 1, 7, 10, 17]}


def checkpoint(**fields: Any) -> CheckpointRecord:
    digests = {"weights_digest": "0" * 64, "tokenizer_digest": "0" * 64}
    return CheckpointRecord(
        **({"name": "x", "kind": "full", "source": "local", "files": {}, "architecture": "A"} | digests | fields)
    )


def test_a_checkpoint_is_looked_for_where_its_record_says() -> None:
    assert find_reference(checkpoint(name="nano-sft"), None, "--checkpoint") == "nano:sft"
    assert find_reference(checkpoint(name="nano-sft"), "./here", "--checkpoint") == "./here"
    hub = checkpoint(name="ada/model", source="hub", revision="a" * 40)
    assert find_reference(hub, None, "--checkpoint") == f"ada/model@{'a' * 40}"
    with pytest.raises(RetentionError, match="was a local folder; say where its weights are with --checkpoint REF"):
        find_reference(checkpoint(name="/home/ada/model"), None, "--checkpoint")
    for name, revision in (("../x/y", "a" * 40), ("ada/model", "main"), ("ada/model\n", "a" * 40), ("ada/model", None)):
        with pytest.raises(RetentionError, match="names no hub checkpoint at a commit"):
            find_reference(checkpoint(name=name, source="hub", revision=revision), None, "--checkpoint")
