"""Answers cut into tasks: each task gets its own rows, and what is said of them is what their columns say."""

from pathlib import Path

from harness.scoring.answered import by_task, places
from harness.scoring.pairing import pair
from tests.support.synthetic import TASKS, synthetic_run


def test_every_task_has_its_own_answers(tmp_path: Path) -> None:
    base = synthetic_run(tmp_path / "base", TASKS, accuracy=0.9)
    tuned = synthetic_run(tmp_path / "tuned", TASKS, accuracy=0.4, seed=1)
    items = pair(base, tuned).items
    assert list(places(items)) == sorted(task.name for task in TASKS)
    for name, answered in by_task(items).items():
        rows = items[items["task"] == name]
        assert answered.items.equals(rows)
        assert (answered.family, answered.group) == (rows["family"].iloc[0], rows["group"].iloc[0])
        assert answered.guess_rate.tolist() == rows["guess_rate"].tolist()
        for at, side in enumerate(("base", "tuned")):
            assert answered.unparsed[at].tolist() == (rows[f"{side}_outcome"] == "unparsed").tolist()
            assert answered.off_list[at].tolist() == rows[f"{side}_off_list"].tolist()
            assert answered.truncated[at].tolist() == (rows[f"{side}_finish_reason"] == "length").tolist()
            assert answered.score[at].tolist() == rows[f"{side}_score"].tolist()
            assert list(answered.said[at]) == rows[f"{side}_extracted"].tolist()


def test_no_items_are_no_tasks(tmp_path: Path) -> None:
    run = synthetic_run(tmp_path, TASKS, accuracy=0.9)
    assert places(pair(run, run).items.iloc[:0]) == {}
