"""Example sets: their identity, and their files as anybody may have written them."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.training.dataset import (
    ABOUT_FILE,
    EXAMPLES_FILE,
    Example,
    ExamplesError,
    ExampleSet,
    example_id,
    read_about,
    read_examples,
    write_examples,
)

RECIPE = "0" * 64


def example(k: int, **fields: object) -> Example:
    given = {"item_id": f"{k:064x}", "task": "t", "question": f"{k}?", "answer": str(k), "target": str(k)}
    return Example.model_validate({**given, "kind": "bare", **fields})


def written(folder: Path, count: int = 5) -> ExampleSet:
    examples = ExampleSet.of([example(k, images=[bytes([k])], options=["a", "b"]) for k in range(count)])
    write_examples(folder, examples, source="s", recipe_digest=RECIPE, seed=3, sampled=9, correct=count)
    return examples


def test_a_set_reads_back_as_it_was_written(tmp_path: Path) -> None:
    examples = written(tmp_path)
    again = read_examples(tmp_path)
    assert list(again) == list(examples)
    assert again.digest == examples.digest
    about = read_about(tmp_path)
    assert (about.examples, about.kinds, about.tasks, about.sampled) == (5, {"bare": 5}, {"t": 5}, 9)


def test_the_same_set_has_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        written(tmp_path / name)
    for file in (EXAMPLES_FILE, ABOUT_FILE):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_an_empty_set_is_one(tmp_path: Path) -> None:
    write_examples(tmp_path, ExampleSet.of([]), source="s", recipe_digest=RECIPE, seed=0)
    assert len(read_examples(tmp_path)) == 0


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    written(tmp_path)
    table = pq.read_table(tmp_path / EXAMPLES_FILE)
    pq.write_table(table.slice(1), tmp_path / EXAMPLES_FILE)
    with pytest.raises(ExamplesError, match=r"sha256 differs from about\.json"):
        read_examples(tmp_path)


def test_a_changed_about_is_refused(tmp_path: Path) -> None:
    written(tmp_path)
    about = json.loads((tmp_path / ABOUT_FILE).read_text())
    (tmp_path / ABOUT_FILE).write_text(json.dumps({**about, "digest": "1" * 64}))
    with pytest.raises(ExamplesError, match="its examples differ from"):
        read_examples(tmp_path)
    (tmp_path / ABOUT_FILE).write_text(json.dumps({**about, "kinds": 3}))
    with pytest.raises(ExamplesError, match="kinds"):
        read_examples(tmp_path)


def test_a_missing_set_says_where_one_comes_from(tmp_path: Path) -> None:
    with pytest.raises(ExamplesError, match="retention train rollouts"):
        read_examples(tmp_path)


def test_a_set_that_was_cut_short_is_none(tmp_path: Path) -> None:
    """``about.json`` comes last."""
    written(tmp_path)
    (tmp_path / ABOUT_FILE).unlink()
    with pytest.raises(ExamplesError):
        read_examples(tmp_path)


@given(st.lists(st.integers(0, 30), max_size=12), st.integers(-14, 14), st.integers(-14, 14))
def test_parts_of_a_set_are_sets(numbers: list[int], start: int, stop: int) -> None:
    examples = ExampleSet.of([example(number) for number in numbers])
    part = examples[start:stop]
    assert list(part) == list(examples)[start:stop]
    assert part.targets == tuple(each.target for each in part)
    assert part.digest == ExampleSet.of(list(examples)[start:stop]).digest


def test_nothing_is_made_before_it_is_asked_for() -> None:
    made: list[int] = []

    def make(index: int) -> Example:
        made.append(index)
        return example(index)

    lazy = ExampleSet([example(k).example_id for k in range(9)], ["0"] * 9, make)
    assert len(lazy[2:]) == 7
    assert lazy.digest
    assert not made
    assert lazy[3:][-1] == example(8)
    assert made == [8]


def test_the_identity_covers_question_target_and_kind() -> None:
    base = example(1)
    assert base.example_id == example_id(base.item_id, base.target, base.kind)
    others = [example(2, target="1"), example(1, target="x"), example(1, kind="rollout")]
    assert len({base.example_id, *(each.example_id for each in others)}) == 4
