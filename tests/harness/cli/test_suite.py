"""``retention suite``: what each command prints, writes and exits with."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.records.suites import load_suite
from harness.scoring import smallest_loss
from leaderboard.cli import cli
from tests.support.fakes import part_of_nano


def suite(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["suite", *map(str, arguments)])


def test_show_says_what_a_suite_asks_and_what_it_can_detect() -> None:
    shown = suite("show", "nano-1")
    assert shown.exit_code == 0, shown.output
    assert "chat-greedy; frozen, digest 2f4d065c0844" in shown.output
    words = [line.split() for line in shown.output.splitlines()]
    assert ["jigsaw_2x2", "jigsaw", "puzzles", "400"] in [line[:4] for line in words]
    # (2.77 + .84) * sqrt(.1/400) with Holm over nine tasks, and for two tasks of 300 items 2.8 * sqrt(.1 * 2/300) / 2.
    assert [line[-1] for line in words if line[:1] == ["jigsaw_2x2"]] == ["5.7"]
    assert ["math", "2", "600", "3.6"] in words
    assert "if 10 % of the items change their outcome" in shown.output


def test_show_names_the_first_place_of_a_tasks_data() -> None:
    rows = {line.split()[0]: line.split() for line in suite("show", "core-vl-2-local").output.splitlines() if line}
    assert rows["jigsaw_photos_3x3"][-1] == "pcuenq/coco-2017-mirror@a4cd8b6"
    assert rows["perception_captions"][-4:] == ["sugarcrepe/", "and", "2", "more"]


def test_show_as_json_holds_the_numbers_unrounded() -> None:
    facts = json.loads(suite("show", "nano-1", "--json", "--churn", "0.2").output)
    assert facts["digest"] == load_suite("nano-1").digest
    assert facts["tasks"][0]["detectable"] == pytest.approx(smallest_loss(0.2, 400, len(facts["tasks"])))
    assert facts["tasks"][0]["detectable"] > 2.8 * (0.2 / 400) ** 0.5  # as for one task alone
    assert facts["families"]["general"]["detectable"] == pytest.approx(2.8 * (0.2 * 4 / 300) ** 0.5 / 4)


def test_show_leaves_open_what_a_draft_leaves_open(tmp_path: Path) -> None:
    draft = tmp_path / "mine-1-draft.yaml"
    draft.write_text(
        "name: mine\nversion: 1-draft\ntitle: Mine\n"
        "tasks: {math_word: {family: math, group: words, adjacent: [science]}}"
    )
    shown = suite("show", draft)
    assert shown.exit_code == 0, shown.output
    assert "a draft: its items are not fixed" in shown.output
    line = next(line for line in shown.output.splitlines() if line.startswith("math_word"))
    assert line.split()[3:] == ["-", "0.0", "%", "64", "-", "near", "science"]
    assert "MMMU/MMMU@171b0ef" in suite("show", "core-vl-2-draft").output


def test_verify_exits_1_and_names_the_task(tmp_path: Path) -> None:
    path = part_of_nano(tmp_path, "math_word", "math_arithmetic")
    assert suite("verify", path).exit_code == 0
    digest = load_suite("nano-1").tasks["math_word"].digest
    path.write_text(path.read_text().replace(digest, "ab" * 32))
    done = suite("verify", path)
    assert done.exit_code == 1
    assert "1 of 2 tasks do not hold: math_word: digest " in done.output
    findings = json.loads(suite("verify", path, "--json").stdout)
    assert [(each["task"], bool(each["problem"])) for each in findings] == [
        ("math_word", True),
        ("math_arithmetic", False),
    ]


def test_freeze_and_sample_write_suites_that_verify(tmp_path: Path) -> None:
    draft = tmp_path / "mine-1-draft.yaml"
    draft.write_text(
        "name: mine\nversion: 1-draft\ntitle: Mine\ntasks: {math_word: {family: math, group: words, count: 30}}"
    )
    done = suite("freeze", draft, "--note", "The first.")
    assert done.exit_code == 0, done.output
    assert str(tmp_path / "mine-1.yaml") in done.output
    done = suite("sample", tmp_path / "mine-1.yaml", "--count", 7, "--out", tmp_path / "part-1.yaml")
    assert "1 tasks, 7 items" in done.output
    for name in ("mine-1", "part-1"):
        assert suite("verify", tmp_path / f"{name}.yaml").exit_code == 0
    assert suite("freeze", draft, "--note", "Again.").exit_code == 2


def test_without_data_and_without_a_network_there_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sums.yaml").write_text("task: sums\ncustom_dataset: !function sums.load\ntest_split: test\n")
    (tmp_path / "sums.py").write_text(
        "from harness import plugin\nfrom harness.plugin import Reader\nfrom harness.sources import Source\n"
        'TASKS = {"sums": Reader((Source("nobody/sums", None, "test", "sums"),), list)}\n'
        'load = lambda **_: plugin.reader(TASKS)("sums")\n'
    )
    draft = tmp_path / "mine-1-draft.yaml"
    draft.write_text("name: mine\nversion: 1-draft\ntitle: Mine\ntasks: {sums: {family: math, group: sums}}")
    monkeypatch.delenv("RETENTION_DATA", raising=False)
    monkeypatch.setattr("harness.sources.use_hub_or_cache", lambda: None)

    def load_dataset(*_: object, **__: object) -> None:
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    done = suite("freeze", draft, "--note", "x")
    assert done.exit_code == 2
    assert done.stderr.strip().splitlines()[1:] == [
        "Error: data set nobody/sums: no data folder is set, and it could not be loaded from the hub "
        "(ConnectionError); connect to the hub, or give a folder that contains sums/ with --data-dir or RETENTION_DATA"
    ]


def test_show_counts_clusters_in_place_of_items_at_worst() -> None:
    shown = suite("show", "core-vl-2-local").output
    words = [line.split() for line in shown.splitlines()]
    assert ["jigsaw_photos_3x3", "jigsaw", "puzzles", "550", "275"] in [line[:5] for line in words]
    assert "At worst: if all items of a cluster" in shown
    facts = json.loads(suite("show", "core-vl-2-local", "--json").output)
    target = facts["tasks"][0]
    assert target["at_worst"] == pytest.approx(target["detectable"] * 2**0.5)
    assert facts["families"]["vision"]["clusters"] < facts["families"]["vision"]["items"]
    captions = next(task for task in facts["tasks"] if task["task"] == "perception_captions")
    assert any(source.startswith("sugarcrepe/swap_obj.json@sha256:073cdb8") for source in captions["sources"])


def test_verify_can_make_all_items_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = part_of_nano(tmp_path, "vision_colour")
    monkeypatch.setenv("RETENTION_CACHE", str(tmp_path / "items"))
    assert suite("verify", path, "--redraw").exit_code == 0
    assert not (tmp_path / "items").exists()
    assert suite("verify", path).exit_code == 0
    assert len(list((tmp_path / "items").iterdir())) == 1
