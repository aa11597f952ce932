import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from harness import plugin
from harness.answers import forms
from harness.items import Item, Split
from harness.pictures.pixels import PixelError, encode_png
from harness.records import load_task_module, tasks_root
from harness.sources import SourceError

_PNG = encode_png(np.zeros((1, 2, 3), dtype=np.uint8))


def one_item(split: Split, count: int, seed: int) -> Iterator[Item]:
    for k in range(count):
        yield Item(
            task="t",
            question=f"{split} {seed} {k}",
            answer="2",
            target="2",
            guess_rate=0.0,
            images=(_PNG,),
            group="g",
        )


def test_a_loader_gives_the_test_items_as_documents() -> None:
    documents = plugin.loader({"t": one_item})(task="t", count=2, seed=7, version=1)["test"]
    assert [doc["question"] for doc in documents] == ["test 7 0", "test 7 1"]
    assert documents[0]["item_id"] == next(one_item("test", 1, 7)).item_id
    assert "target" not in documents.features
    (image,) = plugin.images(documents[0])
    assert image.size == (2, 1)
    assert image.encoded == _PNG  # type: ignore[attr-defined]
    assert plugin.question(documents[0]) == "<image>test 7 0"


def test_an_item_names_its_picture_which_is_opened_when_it_is_asked_for() -> None:
    (item,) = one_item("test", 1, 7)
    named = item.with_pictures("black")
    assert named.item_id == item.item_id
    (doc,) = plugin.rows([named])
    assert (doc["pictures"], doc["n_images"]) == (("black",), 1)
    assert "images" not in doc
    assert plugin.question(doc) == "<image>test 7 0"
    (image,) = plugin.opener({"black": _PNG}.__getitem__)(doc)
    assert image.encoded == _PNG  # type: ignore[attr-defined]
    with pytest.raises(PixelError, match="its picture is not the one that its id covers"):
        plugin.opener(lambda name: encode_png(np.ones((1, 2, 3), dtype=np.uint8)))(doc)


def test_only_a_shipped_task_is_taken_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_CACHE", str(tmp_path))
    plugin.loader({"t": one_item})(task="t", count=2, seed=7)
    assert list(tmp_path.iterdir()) == []
    load_task_module(tasks_root() / "math" / "nano.py").load(task="math_word", count=2, seed=1)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("doc", "output", "acc", "unparsed"),
    [
        ({"answer": "12", "options": []}, "The answer is 12.", 1, 0),
        ({"answer": "12", "options": []}, "The answer is 13.", 0, 0),
        ({"answer": "12", "options": []}, "No idea", 0, 1),
        ({"answer": "Fe", "options": []}, "The answer is Fe.", 1, 0),
        ({"answer": "red", "options": ["red", "blue"]}, "The answer is red.", 1, 0),
        ({"answer": "red", "options": ["red", "blue"]}, "The answer is green.", 0, 0),
    ],
)
def test_the_gold_answer_decides_how_an_output_is_judged(
    doc: dict[str, object], output: str, acc: int, unparsed: int
) -> None:
    judged = plugin.judge(doc, [output])
    assert (judged["acc"], judged["unparsed"]) == (acc, unparsed)
    assert judged.get("off_list", 0) == int(output == "The answer is green.")


def test_a_jigsaw_scores_its_hits() -> None:
    judged = plugin.judge_jigsaw({"answer": "2,1,4,3"}, ["<answer>2,1,3,4</answer>"])
    assert (judged["acc"], judged["score"], judged["extracted"]) == (0, 0.5, "2,1,3,4")


def test_distinct_tells_a_stuck_model() -> None:
    assert plugin.distinct(["A", "A", "A"]) == 1
    assert plugin.distinct(["A", None, "B"]) == 3


def test_mathematics_goes_to_the_checker_and_says_what_decided() -> None:
    judged = plugin.judge_math({"answer": "1234.5"}, ["So it is\n#### $1,234.50"])
    assert judged == {"acc": 1, "score": 1.0, "unparsed": 0, "extracted": "$1,234.50", "layer": "hashes"}
    assert plugin.judge_math({"answer": "5"}, ["no idea"])["layer"] is None


def test_a_lettered_question_lists_its_options() -> None:
    item = forms.lettered("t", "Which is a metal?", ["air", "iron"], 1, group="g", cluster_id="c")
    assert item is not None
    assert item.question == "Which is a metal?\n\nA. air\nB. iron\n\nAnswer with the letter of the correct option only."
    assert (item.answer, item.target, item.guess_rate, item.options) == ("B", "B", 0.5, ("air", "iron"))
    assert forms.lettered("t", "Which?", ["iron", "air", "iron"], 0) is None


def test_a_letter_in_a_sentence_is_right_and_not_strict() -> None:
    judged = plugin.judge_lettered({"answer": "B", "options": ["air", "iron"]}, ["The answer is B."])
    assert (judged["acc"], judged["score"], judged["unparsed"]) == (1, 1.0, 0)
    assert (judged["extracted"], judged["layer"]) == ("B", "said")
    assert (judged["strict"], judged["strict_unparsed"]) == (0, 1)


def test_the_most_probable_letter_is_the_answer() -> None:
    doc = {"answer": "C", "options": ["x", "y", "z"]}
    assert (plugin.letters(doc), plugin.gold_place(doc)) == (["A", "B", "C"], 2)
    judged = plugin.judge_letters(doc, [(-3.0, False), (-2.0, False), (-0.5, True)])
    assert (judged["acc"], judged["extracted"], judged["layer"], judged["margin"]) == (1, "C", "logprobs", 1.5)
    assert judged["letter_mass"] == pytest.approx(0.7917, abs=1e-4)
    tied = plugin.judge_letters(doc, [(-1.0, False), (-1.0, False), (-2.0, False)])
    assert (tied["acc"], tied["extracted"], tied["margin"]) == (0, "A", 0.0)


def test_a_cluster_is_a_short_name_of_what_is_shared() -> None:
    assert len(plugin.cluster("a passage")) == 16
    assert plugin.cluster("a passage") != plugin.cluster("another")


@pytest.mark.parametrize(
    ("output", "acc", "layer"),
    [
        ("Answer: 12.1 kg", 1, "said"),
        ("12.1 kg", 1, "number"),
        ("<think>13</think>\n12", 1, "number"),
        ("13", 0, "number"),
        ("12 or 13", 0, None),
        ("about half", 0, None),
    ],
)
def test_a_number_alone_answers_a_short_question(output: str, acc: int, layer: str | None) -> None:
    judged = plugin.judge_quantity({"answer": "12"}, [output], 0.01)
    assert (judged["acc"], judged["layer"]) == (acc, layer)
    assert judged["unparsed"] == (layer is None)


def test_whole_options_are_judged_by_all_three_metrics() -> None:
    doc = {"options": ["a cat", "cat"], "answer": "cat"}
    judged = plugin.judge_options(doc, [(-5.0, False), (-4.0, False)])
    assert {name: judged[name] for name in ("acc", "acc_norm", "acc_bytes")} == {
        "acc": 1,
        "acc_norm": 0,
        "acc_bytes": 0,
    }
    assert (judged["right"], judged["right_norm"]) == (-4.0, pytest.approx(-4 / 3))
    assert (judged["layer"], judged["unparsed"]) == ("likelihood", 0)


def solved(split: str) -> Iterator[Item]:
    for k in range(6):
        yield forms.completed("t", f"{split} {k}?", str(k), f"It is {k}.", group=f"g{k % 2}")


def with_shots(count: int = 2, *, by_group: bool = False) -> plugin.Reader:
    return plugin.Reader(
        (), lambda _: solved("test"), plugin.Shots((), lambda _: solved("train"), count, by_group=by_group)
    )


def test_examples_precede_every_question_the_same_for_all() -> None:
    load = plugin.reader({"t": with_shots()})
    docs = load(task="t", seed=1)["test"]
    shown = {doc["question"].partition("Question: test")[0] for doc in docs}
    (before,) = shown
    assert before.count("Question: train") == 2
    assert before.endswith("\n\n")
    assert load(task="t", seed=1, shots=1)["test"]["item_id"] != docs["item_id"]
    (fewer,) = {doc["question"].partition("Question: test")[0] for doc in load(task="t", seed=1, shots=1)["test"]}
    assert before.startswith(fewer)
    assert fewer.count("Question:") == 1
    assert all(doc["question"].startswith("Question: test") for doc in load(task="t", seed=1, shots=0)["test"])


def test_examples_of_a_group_are_its_own() -> None:
    for doc in plugin.reader({"t": with_shots(5, by_group=True)})(task="t", seed=1)["test"]:
        numbers = re.findall(r"train (\d)", doc["question"])
        assert len(numbers) == 3
        assert {f"g{int(number) % 2}" for number in numbers} == {doc["group"]}


def test_examples_that_there_are_not_are_refused() -> None:
    with pytest.raises(SourceError, match="shots is 7, but there are 6 examples"):
        plugin.reader({"t": with_shots()})(task="t", shots=7)
    with pytest.raises(SourceError, match="shots is 2, but the task has no examples"):
        plugin.reader({"t": plugin.Reader((), lambda _: solved("test"))})(task="t", shots=2)
