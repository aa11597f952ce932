"""Logs that the installed lm-eval writes by itself, read as tables: both kinds of tasks, two filters, every mapping."""

import json
import shutil
from pathlib import Path
from typing import Any

import lm_eval
import pytest
import yaml
from click.testing import CliRunner
from lm_eval.api.model import LM
from lm_eval.loggers import EvaluationTracker
from lm_eval.tasks import TaskManager

from harness.errors import CheckFailedError
from harness.records import RunError, is_log, read_log
from harness.scoring import Scorecard, score_pair
from leaderboard.cli import cli

N = 12
SUMS = {
    "task": "little_sums",
    "output_type": "generate_until",
    "doc_to_text": "{{question}}",
    "doc_to_target": "{{answer}}",
    "generation_kwargs": {"until": ["\n"], "max_gen_toks": 8},
    "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    "filter_list": [
        {
            "name": "strict-match",
            "filter": [{"function": "regex", "regex_pattern": "#### (\\d+)"}, {"function": "take_first"}],
        },
        {
            "name": "flexible-extract",
            "filter": [{"function": "regex", "regex_pattern": "(\\d+)"}, {"function": "take_first"}],
        },
    ],
}
CHOICE = {
    "task": "little_choice",
    "output_type": "multiple_choice",
    "doc_to_text": "{{question}}",
    "doc_to_choice": ["red", "green", "blue", "grey"],
    "doc_to_target": "{{answer}}",
    "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
}


class Scripted(LM):
    """Right where ``knows`` says so; else it writes a wrong number, or none, and picks the first option."""

    def __init__(self, knows: int) -> None:
        super().__init__()
        self.knows = knows

    def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
        texts = []
        for request in requests:
            right = int(request.doc["answer"])
            place = request.doc["place"]
            texts.append(f"#### {right}" if place < self.knows else "no idea" if place % 2 else f"about {right + 1}")
        return texts

    def loglikelihood(self, requests: Any, disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        found = []
        for request in requests:
            right = ["red", "green", "blue", "grey"][request.doc["answer"]]
            wanted = right if request.doc["place"] < self.knows else "red"
            found.append((-1.0 if request.args[1].strip() == wanted else -5.0, False))
        return found

    def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = False) -> list[float]:
        raise NotImplementedError


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models evaluated by lm-eval itself, their samples saved by its own tracker."""
    folder = tmp_path_factory.mktemp("lm-eval")
    for task, answer in ((SUMS, lambda place: str(place * 7)), (CHOICE, lambda place: place % 4)):
        name = task["task"]
        docs = [{"place": place, "question": f"{name} {place}?", "answer": answer(place)} for place in range(N)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(doc) + "\n" for doc in docs))
        source = {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(folder / f"{name}.jsonl")}}}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(source | {"test_split": "test"} | task))
    manager = TaskManager(include_path=str(folder), include_defaults=False)
    for model, knows in (("base", 9), ("tuned", 6)):
        results = lm_eval.simple_evaluate(
            Scripted(knows), tasks=["little_sums", "little_choice"], task_manager=manager, bootstrap_iters=0
        )
        tracker = EvaluationTracker(output_path=str(folder / "logs"))
        tracker.general_config_tracker.model_name_sanitized = model
        tracker.date_id = "2026-01-02T03-04-05.678901"
        for name, samples in results["samples"].items():
            tracker.save_results_samples(name, samples)
    return folder / "logs"


def compare(*arguments: object) -> Any:
    return CliRunner().invoke(cli, ["compare", *map(str, arguments)])


def test_answers_of_the_chosen_filter_become_outcomes(logs: Path) -> None:
    table = read_log(_one(logs, "base", "sums"), "strict-match")
    assert table.record.tasks == {"little_sums": N}
    assert dict(table.samples["outcome"].value_counts()) == {"correct": 9, "unparsed": 3}
    loose = read_log(_one(logs, "base", "sums"), "flexible-extract")
    # "about 71" holds a number for the loose filter and none for the strict one.
    assert dict(loose.samples["outcome"].value_counts()) == {"correct": 9, "wrong": 1, "unparsed": 2}
    assert set(loose.samples["guess_rate"]) == {0}
    assert "#### 7" in set(loose.samples["output"])
    assert "little_sums: correct where exact_match of filter strict-match is 1" in table.record.notes


def test_options_give_the_guess_rate_and_the_place_of_the_answer(logs: Path) -> None:
    table = read_log(_one(logs, "tuned", "choice"))
    assert set(table.samples["guess_rate"]) == {0.25}
    right = table.samples["outcome"] == "correct"
    assert int(right.sum()) == 6 + 1
    assert set(table.samples.loc[~right, "extracted"]) == {"option 1"}
    assert set(table.samples.loc[~right, "output"]) == {"red"}
    assert set(table.samples["family"]) == {"little_choice"}


def test_two_logs_are_a_pair_with_its_provenance_not_checked(logs: Path, tmp_path: Path) -> None:
    sides = [_one(logs, side, "sums") for side in ("base", "tuned")]
    result = compare(
        *sides, "--filter", "strict-match", "--json", tmp_path / "card.json", "--html", tmp_path / "p.html"
    )
    assert result.exit_code == 0, result.output
    assert "provenance not checked" in result.output
    assert "no finish reason" in " ".join(result.output.split())
    card = Scorecard.model_validate_json((tmp_path / "card.json").read_bytes())
    assert (card.target, card.provenance.checked) == (None, False)
    assert (card.tasks["little_sums"].n10, card.tasks["little_sums"].n11) == (3, 6)
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "Provenance not checked" in page
    assert "no target family was named" in page


def test_a_folder_of_logs_is_all_its_tasks(logs: Path) -> None:
    assert is_log(logs / "base")
    result = compare(logs / "base", logs / "tuned", "--target", "little_choice")
    assert result.exit_code == 2
    assert "answers of 2 filters ('flexible-extract', 'strict-match'); choose one with --filter" in _flat(result)
    result = compare(logs / "base", logs / "tuned", "--target", "little_choice", "--filter", "none")
    assert "no rows of filter 'none'" in _flat(result)


def test_what_a_log_lacks_is_named(logs: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"f1 is not a number in \[0, 1\] in 12 of 12 rows"):
        read_log(_one(logs, "base", "choice"), metric="f1")
    assert (
        read_log(_one(logs, "base", "choice"), metric="acc_norm").record.notes[-1].startswith("little_choice: correct")
    )
    log = _one(logs, "base", "choice")
    twice = tmp_path / "twice"
    twice.mkdir()
    for date in ("2026-01-01T00-00-00.1", "2026-01-02T00-00-00.1"):
        (twice / f"samples_little_choice_{date}.jsonl").write_bytes(log.read_bytes())
    with pytest.raises(RunError, match="are both logs of little_choice; name one file"):
        read_log(twice)
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    del rows[3]["doc_hash"]
    broken = tmp_path / log.name
    broken.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(RunError, match="line 4 has no 'doc_hash'"):
        read_log(broken)


def test_logs_of_other_prompts_are_refused(logs: Path, tmp_path: Path) -> None:
    log = _one(logs, "base", "choice")
    rows = [json.loads(line) | {"prompt_hash": "other"} for line in log.read_text().splitlines()]
    changed = tmp_path / log.name
    changed.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(CheckFailedError, match="prompts differ on 12 of 12 items"):
        score_pair(read_log(log), read_log(changed), "little_choice")


def test_a_folders_tasks_may_have_different_filters(logs: Path) -> None:
    """A plain name is for the tasks that have several; a task may have a name of its own."""
    for given in ("strict-match", ["little_sums=strict-match"], {"little_sums": "strict-match"}):
        table = read_log(logs / "base", given)
        assert table.record.tasks == {"little_sums": N, "little_choice": N}
        assert "little_sums: correct where exact_match of filter strict-match is 1" in table.record.notes
        assert "little_choice: correct where acc of filter none is 1" in table.record.notes
    both = read_log(logs / "base", ["strict-match", "little_sums=flexible-extract"])
    assert "little_sums: correct where exact_match of filter flexible-extract is 1" in both.record.notes
    result = compare(
        logs / "base", logs / "tuned", "--target", "little_sums", "--filter", "little_sums=strict-match",
        "--metric", "little_choice=acc_norm",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "little_choice: correct where acc_norm of filter none is 1" in _flat(result)


def test_a_filter_of_no_task_is_refused_with_what_there_is(logs: Path) -> None:
    with pytest.raises(RunError, match="no rows of filter 'strict'; it has little_choice: 'none'"):
        read_log(_one(logs, "base", "choice"), "strict")
    with pytest.raises(RunError, match=r"'sums=strict-match'.*its tasks are little_choice, little_sums"):
        read_log(logs / "base", "sums=strict-match")
    with pytest.raises(RunError, match="no rows of filter 'loose'; it has 'flexible-extract', 'strict-match'"):
        read_log(logs / "base", ["strict-match", "little_sums=loose"])
    with pytest.raises(RunError, match="--filter: 'a', 'b' for one task; give one name for all tasks, or one a task"):
        read_log(logs / "base", ["a", "b"])


def test_its_own_output_folder_is_read_with_the_models_name(logs: Path, tmp_path: Path) -> None:
    place = tmp_path / "out" / "little__base"
    shutil.copytree(logs / "base", place)
    assert is_log(tmp_path / "out")
    table = read_log(tmp_path / "out", "strict-match")
    assert table.record.name == "little__base"
    results = {"results": {}, "configs": {}, "n-shot": {}, "model_name": "little/base-1.5"}
    (place / "results_2026-01-02T03-04-05.678901.json").write_text(json.dumps(results))
    assert read_log(tmp_path / "out", "strict-match").record.name == "little/base-1.5"
    assert read_log(_one(tmp_path / "out", "little__base", "choice")).record.name == "little/base-1.5"
    shutil.copytree(place, tmp_path / "out" / "little__tuned")
    with pytest.raises(RunError, match=r"lm-eval logs of 2 models \(little__base, little__tuned\); name the folder"):
        read_log(tmp_path / "out")


def test_results_without_samples_are_named(tmp_path: Path) -> None:
    document = {"results": {}, "configs": {}, "n-shot": {}, "model_name": "m"}
    (tmp_path / "m").mkdir()
    path = tmp_path / "m" / "results_2026-01-02T03-04-05.678901.json"
    path.write_text(json.dumps(document))
    for given in (path, tmp_path / "m", tmp_path):
        result = compare(given, given)
        assert result.exit_code == 2
        assert "lm-eval's results without items: run it with --log_samples" in _flat(result)


def _one(logs: Path, side: str, task: str) -> Path:
    (found,) = (logs / side).glob(f"samples_little_{task}_*.jsonl")
    return found


def _flat(result: Any) -> str:
    return " ".join(result.output.split())
