"""Twins: names that look like those of earlier entries are found, whatever they are names of; honest ones are not."""

from typing import Any

import pytest

from leaderboard.acceptance.twins import Named, twins
from leaderboard.documents.manifest import Manifest
from tests.support.manifests import HUB, LOCAL, manifest


def named(entry: str, rank: int, handle: str, tuned: str, algorithm: str = "grpo", **base: Any) -> Named:
    document = manifest()
    document["contact"] = {"handle": handle}
    document["tuned"] = {**LOCAL, "local": tuned}
    document["method"]["algorithm"] = algorithm
    document["base"] = {**document["base"], **base}
    return Named(entry, Manifest.model_validate(document), rank)


FIRST = named("aaa", 0, "ada-l", "nano-sft-10")


def found(*others: Named) -> list[tuple[str, str, str | None]]:
    return [(name, each.rule, each.field) for name, each in twins([*others, FIRST])]


@pytest.mark.parametrize(
    ("handle", "tuned", "algorithm", "field"),
    [
        ("ada-I", "another", "grpo", "contact.handle"),
        ("ada-1", "another", "grpo", "contact.handle"),
        ("eve", "nano-sft-lO", "grpo", "tuned"),
        ("eve", "Nano-SFT-10", "grpo", "tuned"),
        ("eve", "nano-sft-10", "grpo", "tuned"),
        ("eve", "\N{LATIN SMALL LETTER ALPHA}", "grp0", "method.algorithm"),
        ("ADA-L", "another", "grp0", "method.algorithm"),
    ],
)
def test_a_name_that_looks_like_an_earlier_one_is_refused(handle: str, tuned: str, algorithm: str, field: str) -> None:
    assert found(named("bbb", 1, handle, tuned, algorithm)) == [("bbb", "twin", field)]


def test_the_earlier_entry_is_never_the_twin() -> None:
    assert found(named("bbb", 0, "ada-I", "nano-sft-lO", "grp0")) == []
    assert {name for name, *_ in found(named("000", 1, "ada-I", "nano-sft-lO", "grp0"))} == {"000"}


@pytest.mark.parametrize(
    ("handle", "tuned", "algorithm"),
    [("ada-l", "nano-sft-lO", "grpo"), ("Ada-L", "nano-sft-10", "GRPO"), ("eve", "nano-sft-11", "dpo")],
)
def test_names_of_ones_own_and_names_that_differ_are_not_twins(handle: str, tuned: str, algorithm: str) -> None:
    assert found(named("bbb", 1, handle, tuned, algorithm)) == []


def test_a_base_that_looks_like_another_is_refused() -> None:
    first = named("aaa", 0, "ada", "one", repo="owner/base-l", revision="a" * 40)
    twin = named("bbb", 1, "eve", "two", repo="owner/base-1", revision="a" * 40)
    assert [(name, each.rule, each.field) for name, each in twins([first, twin])] == [("bbb", "twin", "base")]
    assert list(twins([first, named("bbb", 1, "eve", "two", repo="owner/base-l", revision="b" * 40)])) == []


def test_one_commit_has_one_set_of_files() -> None:
    files = {"model.safetensors": "a" * 64, "config.json": "b" * 64}
    first = hub("aaa", 0, "ada", files)
    for theirs in ({"model.safetensors": "c" * 64}, {"other.safetensors": "a" * 64}):
        assert [(name, each.rule) for name, each in twins([first, hub("bbb", 1, "eve", theirs)])] == [
            ("bbb", "two-contents")
        ]
    assert list(twins([first, hub("bbb", 1, "eve", {"model.safetensors": "a" * 64})])) == []


def hub(entry: str, rank: int, handle: str, files: dict[str, str]) -> Named:
    return named(entry, rank, handle, entry, **{**HUB, "files": files})
