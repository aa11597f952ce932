import json
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import yaml

from harness.items import items_digest
from harness.lmeval import load_frozen
from harness.records.suites import Draft, DraftTask, Suite, SuiteError, load_suite, read_suite, tasks_root
from harness.suites import freezing
from harness.suites.freezing import complete, freeze, open_suite, read_lock, sample, verify
from tests.support.fakes import part_of_nano

SUMS = """
task: sums
include: {shared}
custom_dataset: !function sums.load
dataset_kwargs: {{task: sums, seed: 1}}
generation_kwargs: {{until: ["!"], max_gen_toks: 9}}
"""
SUMS_CODE = """
from harness import plugin
from harness.items import Item
from harness.plugin import Reader
from harness.sources import Source

def items(rows):
    for row in rows:
        yield Item(task="sums", question=f"{row['a']} + 1?", answer=str(row["a"] + 1), target="", guess_rate=0)

TASKS = {"sums": Reader((Source("nobody/sums", "0" * 40, "test", "sums", files=("test.jsonl",)),), items)}
load = plugin.reader(TASKS)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with a task on a published set of 30 rows, and a draft ``mine-1-draft`` that takes 20 of them."""
    data = tmp_path / "data" / "sums"
    data.mkdir(parents=True)
    _write_rows(data, range(30))
    monkeypatch.setenv("RETENTION_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    own = tmp_path / "own"
    own.mkdir()
    (own / "sums.yaml").write_text(SUMS.format(shared=tasks_root() / "_answer.yaml"))
    (own / "sums.py").write_text(SUMS_CODE)
    _write_draft(own, "1-draft", count=20)
    return own


def _write_rows(folder: Path, numbers: Any) -> None:
    (folder / "test.jsonl").write_text("".join(json.dumps({"a": k}) + "\n" for k in numbers))


def _write_draft(folder: Path, version: str, **fields: Any) -> str:
    task = {"family": "math", "group": "sums", **fields}
    draft = {"name": "mine", "version": version, "title": "Mine", "tasks": {"sums": task}}
    path = folder / f"mine-{version}.yaml"
    path.write_text("# Why these.\n# Two lines.\n" + yaml.safe_dump(draft))
    return str(path)


def _problems(path: Path | str) -> list[str]:
    return [finding.problem for finding in verify(str(path))]


def test_freezing_fixes_items_decoding_and_sources(folder: Path) -> None:
    path = freeze(str(folder / "mine-1-draft.yaml"), "The first.")
    suite = load_suite(str(path))
    place = suite.tasks["sums"]
    assert (suite.id, place.count, place.max_tokens, place.stop) == ("mine-1", 20, 9, ("!",))
    assert place.sources == (f"nobody/sums@{'0' * 40}",)
    assert path.read_text().startswith("# Why these.\n# Two lines.\nname: mine\n")
    ids = load_frozen(suite, folder)["sums"].item_ids
    assert read_lock(path.with_suffix(".lock")) == {"sums": [each[:8] for each in ids]}
    assert suite.digest in (folder / "CHANGES.md").read_text()
    assert _problems(path) == [""]


def test_a_frozen_suite_is_never_changed(folder: Path) -> None:
    path = freeze(str(folder / "mine-1-draft.yaml"), "The first.")
    written = path.read_bytes()
    with pytest.raises(SuiteError, match="already exists, and a frozen suite is never replaced"):
        freeze(str(folder / "mine-1-draft.yaml"), "Again.")
    with pytest.raises(SuiteError, match="never changed, only succeeded: copy it"):
        freeze(str(path), "Again.")
    with pytest.raises(SuiteError, match="never replaced"):
        sample("nano-1", 3, path)
    assert path.read_bytes() == written


def test_a_successor_is_entered_above_its_predecessor(folder: Path) -> None:
    freeze(str(folder / "mine-1-draft.yaml"), "The first.")
    freeze(_write_draft(folder, "2-draft", count=30), "All of them.")
    freeze(_write_draft(folder, "1a-draft", count=20), "Another title.")
    lines = (folder / "CHANGES.md").read_text().splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "# Changes of the suites",
        "## mine-1a",
        "## mine-2",
        "## mine-1",
    ]
    assert "All of them." in lines


@pytest.mark.parametrize("change", [{"count": 21}, {"transfer": True}, {"group": "other"}, {"adjacent": ["jigsaw"]}])
def test_a_letter_promises_the_same_scores(folder: Path, change: dict[str, Any]) -> None:
    freeze(str(folder / "mine-1-draft.yaml"), "The first.")
    with pytest.raises(SuiteError, match=r"mine-1a: .* differ from mine-1, .*give it the number 2"):
        freeze(_write_draft(folder, "1a-draft", **{"count": 20, **change}), "Better.")
    assert not (folder / "mine-1a.yaml").exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"count": 31}, "task sums: it has 30 items, but the draft asks for 31"),
        ({"digest": "0" * 64}, "task sums: its digest is"),
        ({"max_tokens": 8}, "task sums: its max_tokens is 9, but the draft states 8"),
    ],
)
def test_a_draft_is_held_to_what_it_states(folder: Path, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SuiteError, match=message):
        freeze(_write_draft(folder, "3-draft", **fields), "Three.")


def test_a_draft_runs_with_the_items_there_are_and_keeps_its_name(folder: Path) -> None:
    suite = open_suite(_write_draft(folder, "3-draft"))
    assert suite.is_draft
    assert suite.record.version == "3-draft"
    assert suite.tasks["sums"].count == 30
    with pytest.raises(SuiteError, match="a draft, whose items are not fixed"):
        load_suite(str(folder / "mine-3-draft.yaml"))
    with pytest.raises(SuiteError, match="nothing to verify"):
        _problems(folder / "mine-3-draft.yaml")


def test_what_is_not_frozen_says_how_to_freeze_it(folder: Path) -> None:
    path = folder / "mine-4.yaml"
    tasks = {"sums": {"family": "math", "group": "sums"}}
    path.write_text(yaml.safe_dump({"name": "mine", "version": "4", "title": "t", "tasks": tasks}))
    with pytest.raises(SuiteError, match=r"tasks.sums.count: .*version that ends in -draft, and run .retention suite"):
        load_suite(str(path))


def test_verify_names_the_first_item_that_differs(folder: Path) -> None:
    path = freeze(str(folder / "mine-1-draft.yaml"), "The first.")
    frozen = read_lock(path.with_suffix(".lock"))["sums"]
    data = folder.parent / "data" / "sums"
    _write_rows(data, [k + 100 * (k == _asked_at(path, folder, 7)) for k in range(30)])
    (problem,) = _problems(path)
    assert problem.startswith("item ")
    assert "frozen" in problem
    number = int(problem.split()[1])
    assert frozen[number] in problem
    assert "+ 1?" in problem
    with pytest.raises(SuiteError, match=r"suite mine-1: task sums has 20 items .*retention suite verify"):
        load_frozen(load_suite(str(path)), folder)


def _asked_at(path: Path, folder: Path, place: int) -> int:
    """The row whose question stands at ``place``."""
    question = load_frozen(load_suite(str(path)), folder)["sums"].task.eval_docs[place]["question"]
    return int(question.split()[0])


def test_verify_tells_missing_items_data_decoding_and_sources_apart(folder: Path) -> None:
    path = freeze(str(folder / "mine-1-draft.yaml"), "The first.")
    data, code, head = folder.parent / "data" / "sums", folder / "sums.py", folder / "sums.yaml"
    _write_rows(data, [_asked_at(path, folder, place) for place in range(19)])
    assert _problems(path) == ["it has 19 items, frozen 20; the common ones are the same"]
    (data / "test.jsonl").unlink()
    (problem,) = _problems(path)
    assert "not a readable copy of nobody/sums" in problem
    _write_rows(data, range(30))
    text = head.read_text()
    head.write_text(text.replace("9}", "10}"))
    assert _problems(path)[0].startswith("suite mine-1: task sums generates up to 10 tokens until ['!']")
    head.write_text(text)
    code.write_text(code.read_text().replace('"0" * 40', '"1" * 40'))
    freezing.find_tasks.__globals__["load_task_module"].cache_clear()
    assert _problems(path) == [f"it uses nobody/sums@{'1' * 40}, frozen nobody/sums@{'0' * 40}"]


def test_verify_sees_a_lock_that_is_not_the_suites(folder: Path) -> None:
    path = freeze(str(folder / "mine-1-draft.yaml"), "The first.")
    lock = path.with_suffix(".lock")
    text = lock.read_text()
    lock.write_text(text.replace(read_lock(lock)["sums"][3], "00000000"))
    assert _problems(path) == ["the items are the frozen ones, but the lock lists others"]
    lock.unlink()
    assert _problems(path) == [""]
    _write_rows(folder.parent / "data" / "sums", range(1, 31))
    assert "without a lock file the item is unknown" in _problems(path)[0]


def test_a_sample_is_the_first_items_of_each_task(folder: Path) -> None:
    source = str(part_of_nano(folder / "source", "math_word", "vision_count"))
    part = sample(source, 5, folder / "few-1.yaml")
    whole = load_frozen(load_suite(source))
    assert load_suite(str(folder / "few-1.yaml")) == part
    assert {name: task.count for name, task in part.tasks.items()} == dict.fromkeys(whole, 5)
    assert part.tasks["math_word"].digest == items_digest(whole["math_word"].item_ids[:5])
    assert _problems(folder / "few-1.yaml") == [""] * len(whole)
    assert part.digest != load_suite(source).digest


def test_a_folder_that_cannot_be_written_to_is_named(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(SuiteError, match=r"part-1\.yaml: cannot be written \(.*to a writable folder"):
        sample("nano-1", 5, folder / "file" / "part-1.yaml")


def test_a_sample_takes_its_name_from_its_file(folder: Path) -> None:
    for name in ("part.yaml", "part-1.json", "part-1-draft.yaml"):
        with pytest.raises(SuiteError, match=r"for example part-1\.yaml"):
            sample("nano-1", 5, folder / name)


def test_a_stock_data_set_is_pinned_to_what_the_hub_has(monkeypatch: pytest.MonkeyPatch) -> None:
    class Info:
        sha = "f" * 40

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", lambda self, repo: Info)
    open_ = DraftTask(family="v", group="g", stock="mmmu", sources=("MMMU/MMMU",))
    assert freezing._pinned(open_).sources == (f"MMMU/MMMU@{'f' * 40}",)
    pinned = open_.model_copy(update={"sources": ("MMMU/MMMU@" + "a" * 40,)})
    assert freezing._pinned(pinned) is pinned
    ours = DraftTask(family="v", group="g", sources=("MMMU/MMMU",))
    assert freezing._pinned(ours) is ours


def test_without_a_hub_a_stock_data_set_is_not_pinned_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(SuiteError, match=r"data set MMMU/MMMU: .*sources: \[MMMU/MMMU@REVISION\]"):
        freezing._pinned(DraftTask(family="v", group="g", stock="mmmu", sources=("MMMU/MMMU",)))


def test_completing_a_draft_changes_nothing_that_it_states(folder: Path) -> None:
    draft = read_suite(_write_draft(folder, "3-draft", count=10, transfer=True, adjacent=["jigsaw"]))
    assert isinstance(draft, Draft)
    suite, item_ids = complete(draft, folder)
    assert isinstance(suite, Suite)
    assert suite.tasks["sums"].transfer
    assert suite.tasks["sums"].adjacent == ("jigsaw",)
    assert items_digest(item_ids["sums"]) == suite.tasks["sums"].digest


def test_a_suite_states_the_clusters_of_its_items(folder: Path) -> None:
    code = SUMS_CODE.replace('target=""', 'target="", cluster_id=str(row["a"] % 2)')
    (folder / "sums.py").write_text(code)
    path = freeze(str(folder / "mine-1-draft.yaml"), "The first.")
    assert load_suite(str(path)).tasks["sums"].clusters == 2
    assert sample(str(path), 1, folder / "part-1.yaml").tasks["sums"].clusters == 1
    assert _problems(path) == [""]
    (folder / "sums.py").write_text(SUMS_CODE)
    assert _problems(path) == ["its items are 20 clusters, frozen 2"]


def test_a_local_version_is_compared_with_none(folder: Path) -> None:
    freeze(_write_draft(folder, "1-draft", count=20), "The first.")
    path = freeze(_write_draft(folder, "1-local-draft", count=5), "What needs no hub.")
    suite = load_suite(str(path))
    assert suite.id == "mine-1-local"
    assert suite.record.comparable == "mine-1-local"
    with pytest.raises(SuiteError, match=r"differ from mine-1, .* give it the number 2"):
        freeze(_write_draft(folder, "1a-draft", count=5), "Fewer.")
