"""Model card: what is stated is what the hub's own library reads, and what was in a card stays."""

import math
import re
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard, parse_eval_result_entries
from huggingface_hub.repocard_data import model_index_to_eval_results

from harness.errors import RetentionError
from harness.report import card_block
from harness.report.model_card import RESULTS_FILE, to_yaml
from harness.scoring import Scorecard
from tests.support.cards import changed, pair_card, without

CARD = """---
license: mit
language: [en, "no"]
custom: {kept: 1}
model-index:
- name: my model
  results:
  - task: {type: text-generation}
    dataset: {type: openai/gsm8k, name: GSM8K, extra: kept}
    metrics: [{type: acc, value: 61.5, verified: false}]
- name: another
  results: []
---

# My model

---
Text with a rule above.
"""


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Scorecard:
    return pair_card(tmp_path_factory.mktemp("pair"), accuracy=0.6)


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    path = tmp_path / "README.md"
    path.write_text(CARD, encoding="utf-8")
    return path


def front_matter(path: Path) -> dict[str, object]:
    found = yaml.safe_load(path.read_text("utf-8").split("---\n")[1])
    assert isinstance(found, dict)
    return found


def test_the_library_of_the_hub_reads_what_is_stated(card: Scorecard) -> None:
    block = card_block(card, date="2026-01-02T03:04:05Z")
    name, results = model_index_to_eval_results(block.model_index["model-index"])
    assert name == "tuned"
    values = {each.metric_name: each.metric_value for each in results}
    assert card.retention_macro is not None
    assert math.isclose(values["Retention (%)"], 100 * card.retention_macro, abs_tol=0.006)
    assert math.isclose(values["Gain (points)"], 100 * card.learned.gain, abs_tol=0.006)
    assert {each.dataset_args["evidence"] for each in results} == {"self-reported"}
    (entry,) = parse_eval_result_entries(block.eval_results)
    assert (entry.dataset_id, entry.task_id) == ("retentionbench/synthetic-1", "jigsaw-retention")
    assert entry.value == values["Retention (%)"]
    assert str(entry.notes).endswith("; self-reported")


def test_without_a_target_or_retention_what_is_not_defined_is_left_out(tmp_path: Path, card: Scorecard) -> None:
    block = card_block(pair_card(tmp_path, target=None, accuracy=0.6))
    (result,) = block.model_index["model-index"][0]["results"]
    assert [each["type"] for each in result["metrics"]] == ["retention"]
    assert block.eval_results is not None
    assert block.eval_results[0]["dataset"]["task_id"] == "retention"
    assert "date" not in block.eval_results[0]
    missing = without(card, "not enough evidence", "retention_macro", "retention_macro_ci")
    assert card_block(missing).eval_results is None


def test_what_was_in_a_card_stays_and_the_same_pair_is_replaced(card: Scorecard, readme: Path) -> None:
    block = card_block(card)
    assert block.write(readme) == [readme, readme.parent / RESULTS_FILE]
    first = readme.read_text("utf-8")
    block.write(readme)
    assert readme.read_text("utf-8") == first
    front, before = front_matter(readme), yaml.safe_load(CARD.split("---\n")[1])
    mine, other = front.pop("model-index")  # type: ignore[misc]
    old, _ = before.pop("model-index")
    assert front == before
    assert list(front) == list(before)
    assert mine["name"] == "my model"
    assert mine["results"][:-1] == old["results"]
    assert other == {"name": "another", "results": []}
    assert first.endswith(CARD.split("---\n", 2)[2])
    assert len(ModelCard.load(readme).data.eval_results) == 1 + 2 + (card.balance is not None)


def test_another_target_stands_beside(card: Scorecard, readme: Path) -> None:
    card_block(card).write(readme)
    target = card.learned.model_copy(update={"family": "math"})
    card_block(changed(card, target=target.model_dump())).write(readme)
    assert len(front_matter(readme)["model-index"][0]["results"]) == 3  # type: ignore[index]
    assert len(yaml.safe_load((readme.parent / RESULTS_FILE).read_text("utf-8"))) == 2


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("index", ["", "model-index:\n- name: mine\n  results: []\n\n", "model-index: []\n"])
def test_the_rest_of_the_front_matter_stays_as_it_is_written(
    card: Scorecard, tmp_path: Path, index: str, end: str
) -> None:
    above, below = "# why\nversion: 1.10  # not 1.1\nno: off\n", 'date: "2026"\n# last\n'
    path = tmp_path / "README.md"
    path.write_bytes(f"---\n{above}{index}{below}---\n\ntext\n---\n".replace("\n", end).encode())
    for _ in range(2):
        card_block(card).write(path)
    written = path.read_bytes().decode()
    assert set(re.findall(r"\r*\n", written)) == {end}
    lines = written.replace(end, "\n")
    assert lines.startswith(f"---\n{above}" + ("model-index:" if index else below))
    assert below in lines
    assert lines.endswith("---\n\ntext\n---\n")
    assert lines.count("retentionbench/synthetic-1") == 1


@pytest.mark.parametrize("text", ["", "# Only text\n", "---\n---\n# Empty\n"])
def test_a_card_without_front_matter_gets_one_and_keeps_its_text(card: Scorecard, tmp_path: Path, text: str) -> None:
    path = tmp_path / "README.md"
    path.write_text(text, encoding="utf-8")
    card_block(card).write(path)
    assert "model-index" in front_matter(path)
    assert path.read_text("utf-8").endswith(text[-8:])


def test_a_new_card_is_made(card: Scorecard, tmp_path: Path) -> None:
    card_block(card).write(tmp_path / "README.md")
    assert list(front_matter(tmp_path / "README.md")) == ["model-index"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("tmp")] == []


@pytest.mark.parametrize(
    ("front", "message"),
    [("a: [1", "front matter cannot be read"), ("- a\n- b", "front matter cannot be read"),
     ("model-index: {a: 1}", "model-index is not a list of models"),
     ("model-index: [{name: a, results: none}]", "results in its model-index are not a list")],
)  # fmt: skip
def test_a_card_that_cannot_be_read_is_left_as_it_is(card: Scorecard, tmp_path: Path, front: str, message: str) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"---\n{front}\n---\ntext\n", encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(RetentionError, match=message):
        card_block(card).write(path)
    assert path.read_bytes() == before


def test_results_that_cannot_be_read_are_left_as_they_are(card: Scorecard, readme: Path) -> None:
    results = readme.parent / RESULTS_FILE
    results.parent.mkdir()
    results.write_text("a: b\n", encoding="utf-8")
    with pytest.raises(RetentionError, match="not a list of results"):
        card_block(card).write(readme)
    assert (results.read_text("utf-8"), readme.read_text("utf-8")) == ("a: b\n", CARD)


def test_a_folder_that_is_not_there_is_named(card: Scorecard, tmp_path: Path) -> None:
    with pytest.raises(RetentionError, match=r"nowhere/README.md: cannot be written"):
        card_block(card).write(tmp_path / "nowhere" / "README.md")


def test_a_folder_in_place_of_a_card_names_the_card_in_it(card: Scorecard, tmp_path: Path) -> None:
    with pytest.raises(RetentionError, match=r"a folder; name the card in it \(.*README.md\)"):
        card_block(card).write(tmp_path)


def test_a_pair_without_a_defined_number_is_not_stated(card: Scorecard) -> None:
    names = ("target", "retention_macro", "retention_macro_ci", "balance", "balance_ci")
    undefined = without(card, "not enough evidence", *names)
    with pytest.raises(RetentionError, match=r"no number for a card is defined, .*not enough evidence"):
        card_block(undefined)


def test_a_pair_that_was_left_early_is_not_stated(card: Scorecard) -> None:
    with pytest.raises(RetentionError, match="screened"):
        card_block(changed(card, screened=True))


@pytest.mark.parametrize("name", ["a: b", "- x", "'\"", "\x1b[31m", "a\n---\nlicense: evil", "no", "{{x}}"])
def test_hostile_names_stay_one_text(card: Scorecard, readme: Path, name: str) -> None:
    tuned = card.tuned.model_copy(update={"name": name}).model_dump()
    base = card.base.model_copy(update={"name": name}).model_dump()
    block = card_block(changed(card, tuned=tuned, base=base))
    shown = " ".join(name.replace("\x1b", "\ufffd").split())
    assert yaml.safe_load(to_yaml(block.model_index))["model-index"][0]["name"] == shown
    block.write(readme)
    assert front_matter(readme)["license"] == "mit"
