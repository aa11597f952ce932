import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.items import items_digest
from harness.records.suites import (
    Suite,
    SuiteError,
    SuiteTask,
    load_suite,
    load_task_module,
    read_suite,
    suite_names,
    tasks_root,
)
from harness.scoring import mean_minimum_detectable_difference
from harness.suites.catalogue import find_task, find_tasks
from harness.suites.freezing import read_lock, verify

CORE = ("core-text-1", "core-vl-1", "core-vl-think-1")
LOCAL = "core-vl-2-local"


def test_nano_suite_has_the_families_and_sizes_it_promises() -> None:
    suite = load_suite("nano-1")
    assert suite.families == ["general", "jigsaw", "math", "science"]
    assert all(task.count >= 300 for task in suite.tasks.values())
    assert suite.id in suite_names()


def test_every_task_of_a_shipped_suite_has_its_yaml() -> None:
    for name in suite_names() + suite_names(drafts=True):
        for task, place in read_suite(name).tasks.items():
            assert place.stock or (tasks_root() / place.family / f"{task}.yaml").is_file() or find_task(task)


def test_an_unknown_suite_lists_those_there_are() -> None:
    with pytest.raises(SuiteError, match=r"core-9: unknown suite; there are .*nano-1"):
        load_suite("core-9")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "not valid YAML"),
        ("name: mine\nversion: '1'\ntitle: t\ntasks: {}\nextra: 1", "extra: Extra inputs"),
        ("name: Mine\nversion: '1'\ntitle: t\ntasks: {}", "name: String should match"),
        ('name: "mine\\n"\nversion: "1"\ntitle: t\ntasks: {}', "name: String should match"),
        ('name: mine\nversion: "1\\n"\ntitle: t\ntasks: {}', "version: String should match"),
        ("name: other\nversion: '1'\ntitle: t\ntasks: {}", "named mine-1, but holds suite other-1"),
    ],
)
def test_a_malformed_suite_names_file_and_field(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine-1.yaml"
    path.write_text(text)
    with pytest.raises(SuiteError, match=message) as caught:
        load_suite(str(path))
    assert "mine-1.yaml" in str(caught.value)


def test_changed_items_are_refused_with_both_digests() -> None:
    ids = ["a" * 64, "b" * 64]
    place = SuiteTask(family="f", group="g", count=2, digest=items_digest(ids))
    suite = Suite(name="s", version="1", title="t", tasks={"t": place})
    suite.check_items("t", ids)
    for changed in (ids[::-1], ids[:1], ["a" * 64, "c" * 64]):
        with pytest.raises(SuiteError, match="task t has"):
            suite.check_items("t", changed)


def test_task_files_load_by_path_even_beside_a_module_called_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tasks.py").write_text("raise SystemExit('the wrong tasks')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "math_arithmetic" in load_task_module(tasks_root() / "math" / "nano.py").TASKS


def test_marks_are_recorded_and_change_the_digest_only_where_there_are_any() -> None:
    plain = SuiteTask(family="jigsaw", group="g", count=1, digest=items_digest(["a"]))
    transfer = plain.model_copy(update={"transfer": True})
    adjacent = plain.model_copy(update={"family": "spatial", "adjacent": ("jigsaw",)})
    suite = Suite(name="s", version="1", title="t", tasks={"a": plain, "b": transfer, "c": adjacent})
    assert suite.record.transfer == ("b",)
    assert suite.record.adjacent == {"c": ("jigsaw",)}
    unmarked = suite.model_copy(update={"tasks": dict.fromkeys("abc", plain)})
    assert unmarked.digest == items_digest(f"{name}:{plain.digest}" for name in "abc")
    assert suite.digest != unmarked.digest
    assert (unmarked.record.transfer, unmarked.record.adjacent) == ((), {})


def test_a_task_is_not_adjacent_to_its_own_family() -> None:
    with pytest.raises(ValueError, match="adjacent names the task's own family jigsaw"):
        SuiteTask(family="jigsaw", group="g", count=1, digest=items_digest(["a"]), adjacent=("jigsaw",))


def test_what_decides_a_score_changes_the_digest() -> None:
    plain = SuiteTask(family="f", group="g", count=1, digest=items_digest(["a"]))

    def digest(**fields: object) -> str:
        return Suite(name="s", version="1", title="t", tasks={"t": plain.model_copy(update=fields)}).digest

    changes: list[dict[str, object]] = [
        {},
        {"metric": "exact_match"},
        {"guess_rate": 0.0},
        {"max_tokens": 9},
        {"max_tokens": 9, "stop": ("!",)},
        {"transfer": True},
        {"adjacent": ("jigsaw",)},
    ]
    assert len({digest(**each) for each in changes}) == len(changes)
    assert digest(sources=("a/b",), group="other") == digest()


def test_the_digest_of_nano_1_is_the_one_of_its_runs() -> None:
    assert load_suite("nano-1").digest == "2f4d065c0844b2b58c7fbb909c427766c9237a893718b9e3265bdd97c7950709"


def test_another_decoding_is_refused() -> None:
    place = SuiteTask(family="f", group="g", count=1, digest=items_digest(["a"]), max_tokens=9, stop=("!",))
    suite = Suite(name="s", version="1", title="t", tasks={"t": place})
    suite.check_decoding("t", 9, ("!",))
    for changed in ((10, ("!",)), (9, ()), (None, ())):
        with pytest.raises(SuiteError, match="task t generates up to"):
            suite.check_decoding("t", *changed)
    unpinned = place.model_copy(update={"max_tokens": None})
    suite.model_copy(update={"tasks": {"t": unpinned}}).check_decoding("t", 10, ())


def test_every_released_suite_has_a_lock_and_an_entry_with_its_digest() -> None:
    """What guards a release: whoever changes a suite has to change all three."""
    changes = (tasks_root() / "suites" / "CHANGES.md").read_text(encoding="utf-8")
    for name in suite_names():
        suite, entry = load_suite(name), changes.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert f"digest `{suite.digest}`" in entry
        lock = read_lock(tasks_root() / "suites" / f"{name}.lock")
        assert {task: len(ids) for task, ids in lock.items()} == {
            task: place.count for task, place in suite.tasks.items()
        }


@pytest.mark.parametrize("name", [*CORE, LOCAL])
def test_core_suites_pin_what_is_asked_and_how(name: str) -> None:
    suite, catalogue = load_suite(name), find_tasks()
    for task, place in suite.tasks.items():
        found = catalogue[task]
        assert (place.max_tokens, place.stop) == (found.max_tokens, found.stop)
        assert place.sources == tuple(map(str, found.sources()))
        pinned = re.compile(r"[\w.-]+/[\w.-]+@([0-9a-f]{40}|sha256:[0-9a-f]{64})")
        assert all(pinned.fullmatch(source) for source in place.sources)
        assert name == LOCAL or "sha256" not in str(place.sources)
        assert found.items is None or place.count <= found.items
        assert found.chance is not None
        assert found.licence


@pytest.mark.parametrize("name", CORE)
def test_core_suites_detect_a_change_of_two_points_in_each_family(name: str) -> None:
    suite = load_suite(name)
    for family in suite.families:
        counts = [place.count for place in suite.tasks.values() if place.family == family]
        assert mean_minimum_detectable_difference(0.1, counts) <= 0.02


def test_suites_that_share_a_task_share_its_items() -> None:
    known: dict[str, SuiteTask] = {}
    for name in CORE:
        for task, place in load_suite(name).tasks.items():
            if place.count == known.setdefault(task, place).count:
                assert place.digest == known[task].digest
    locks = [read_lock(tasks_root() / "suites" / f"{name}.lock") for name in CORE]
    for task in set(locks[0]) & set(locks[1]):
        shorter, longer = sorted((locks[0][task], locks[1][task]), key=len)
        assert longer[: len(shorter)] == shorter


def test_the_core_suites_mark_what_a_target_is_known_to_move() -> None:
    text, vision = (load_suite(name).record for name in ("core-text-1", "core-vl-1"))
    assert text.adjacent["science_quantities"] == ("math",)
    assert vision.adjacent["general_scenes_place"] == ("jigsaw",)
    jigsaws = [task for task, place in load_suite("core-vl-1").tasks.items() if place.family == "jigsaw"]
    assert set(jigsaws) - set(vision.transfer) == {"jigsaw_coco_3x3"}


def test_the_local_suite_states_the_clusters_of_its_items() -> None:
    suite = load_suite(LOCAL)
    assert suite.id == LOCAL
    assert suite.record.comparable != Suite(**{**suite.model_dump(), "version": "2"}).record.comparable
    clusters = {task: place.clusters for task, place in suite.tasks.items()}
    assert clusters["jigsaw_photos_3x3"] == 275
    assert all(0 < (clusters[task] or 0) <= place.count for task, place in suite.tasks.items())
    jigsaws = {task for task, place in suite.tasks.items() if place.family == "jigsaw" and not place.transfer}
    assert jigsaws == {"jigsaw_photos_3x3"}


@pytest.mark.parametrize("version", ["2-locals", "-local", "2-draft-local", "2-local2"])
def test_a_version_is_a_number_a_letter_and_what_it_is_part_of(version: str) -> None:
    with pytest.raises(ValidationError, match="version"):
        Suite(name="mine", version=version, title="t", tasks={})


@pytest.mark.engine
@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("name", ["core-text-1", "core-vl-1", LOCAL])
def test_core_suites_hold_on_the_published_sets(name: str) -> None:
    assert {finding.task: finding.problem for finding in verify(name) if finding.problem} == {}


def test_a_pixel_budget_is_part_of_the_digest_only_where_it_is_stated() -> None:
    suite = load_suite("nano-1")
    least, most, both = (suite.model_copy(update=each) for each in (
        {"min_pixels": 784}, {"max_pixels": 784}, {"min_pixels": 784, "max_pixels": 784}
    ))  # fmt: skip
    assert len({each.digest for each in (suite, least, most, both)}) == 4
    assert suite.digest == items_digest(f"{name}:{task.digest}{task.marks}" for name, task in suite.tasks.items())


def test_a_pixel_budget_is_a_range(tmp_path: Path) -> None:
    path = tmp_path / "mine-1.yaml"
    path.write_text("name: mine\nversion: '1'\ntitle: t\nmin_pixels: 9\nmax_pixels: 4\ntasks: {}")
    with pytest.raises(SuiteError, match="min_pixels 9 is more than max_pixels 4"):
        load_suite(str(path))
