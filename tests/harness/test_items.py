import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.items import Item, canonical_json, items_digest, split_of

ITEM = Item(task="t", question="What is 1 + 1?", answer="2", target="The answer is 2.", guess_rate=0.0)


def test_item_id_is_fixed_for_ever() -> None:
    assert ITEM.item_id == "da8f63b2270d8d3d2d5230714d0f8c76adf8b9ced1f8bbd7b274c0af94f574f9"


@pytest.mark.parametrize(
    "change", [{"task": "u"}, {"question": "?"}, {"answer": "3"}, {"options": ("2", "3")}, {"images": (b"png",)}]
)
def test_item_id_covers_task_text_gold_and_images(change: dict[str, object]) -> None:
    assert ITEM.model_copy(update=change).item_id != ITEM.item_id


def test_item_id_leaves_out_what_is_not_asked() -> None:
    assert ITEM.model_copy(update={"target": "2", "group": "g", "cluster_id": "c"}).item_id == ITEM.item_id


def test_guess_rate_of_one_is_refused() -> None:
    with pytest.raises(ValidationError, match="guess_rate"):
        Item(task="t", question="q", answer="a", target="a", guess_rate=1.0)


def test_items_digest_depends_on_order_and_boundaries() -> None:
    assert items_digest(["ab", "c"]) != items_digest(["c", "ab"])
    assert items_digest(["ab", "c"]) != items_digest(["a", "bc"])


def test_canonical_json_refuses_nan_and_sorts_keys() -> None:
    assert canonical_json({"b": 1, "a": "é"}) == '{"a":"é","b":1}'.encode()
    with pytest.raises(ValueError, match="Out of range"):
        canonical_json(float("nan"))


@given(st.text())
def test_a_key_has_one_split(key: str) -> None:
    assert split_of(key) == split_of(key)


def test_split_shares_are_near_what_they_are_said_to_be() -> None:
    splits = [split_of(f"key {k}") for k in range(4000)]
    assert 0.13 < splits.count("test") / 4000 < 0.17
    assert 0.035 < splits.count("dev") / 4000 < 0.065
