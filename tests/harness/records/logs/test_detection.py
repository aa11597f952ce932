"""The log of each tool is a table: which items are right, how they are paired, and what is said of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from harness.api import compare, open_run
from harness.errors import CheckFailedError
from harness.records import RunError, Table, is_log
from tests.support import tool_logs
from tests.support.every_eval_ever import SchemaMissingError, published_schema
from tests.support.lighteval_details import lighteval_folder
from tests.support.tool_logs import N, write_json, write_lines


def _lighteval(folder: Path, model: str, knows: int) -> Path:
    del knows  # As the shipped details have it: 9 of the base, 6 of the tuned model.
    return lighteval_folder(folder, model)


WRITERS: dict[str, Callable[[Path, str, int], Path]] = {
    "lighteval log": _lighteval,
    "lmms-eval log": tool_logs.lmms_eval,
    "OpenCompass log": tool_logs.opencompass,
    "HELM log": tool_logs.helm,
    "VLMEvalKit log": tool_logs.vlmevalkit,
    "Every Eval Ever log": lambda folder, model, knows: tool_logs.every_eval_ever(folder / "r.jsonl", model, knows),
}


@pytest.mark.parametrize("form", WRITERS)
def test_two_logs_of_a_tool_are_a_pair(tmp_path: Path, form: str) -> None:
    sides = [WRITERS[form](tmp_path / model, model, knows) for model, knows in (("base", 9), ("tuned", 6))]
    assert all(is_log(side) for side in sides)
    card = compare(*sides)
    assert (card.base.source, card.provenance.checked) == (form, False)
    assert card.base.name.removeprefix("little/") == "base"
    assert card.tuned.name.removeprefix("little/") == "tuned"
    for scores in card.tasks.values():
        assert (scores.n11, scores.n10, scores.n01, scores.n00) == (6, 3, 0, 3)
    notes = " ".join(card.provenance.notes)
    assert "items are paired by the content of the question" in notes
    assert "correct where" in notes


@pytest.mark.parametrize("form", WRITERS)
def test_a_log_of_fewer_questions_is_refused_with_counts(tmp_path: Path, form: str) -> None:
    table = open_run(WRITERS[form](tmp_path, "base", 9))
    assert isinstance(table, Table)
    (task, *_) = table.record.tasks
    rows = table.samples
    left = rows.drop(rows.index[rows["task"] == task][7:])
    fewer = Table(replace(table.record, tasks=table.record.tasks | {task: 7}), left)
    with pytest.raises(CheckFailedError, match=rf"{len(left)} in both, 5 only in the base, 0 only in the tuned; give"):
        compare(table, fewer)
    with pytest.raises(CheckFailedError, match=rf"{len(left)} in both, 0 only in the base, 5 only in the tuned; give"):
        compare(fewer, table)


def test_options_give_the_guess_rate_where_a_log_has_them(tmp_path: Path) -> None:
    for form, rate in (("VLMEvalKit log", 0.25), ("HELM log", 0.25), ("Every Eval Ever log", 0.25)):
        table = open_run(WRITERS[form](tmp_path / form, "base", 9))
        assert set(table.samples["guess_rate"]) == {rate}
    compared = open_run(tool_logs.opencompass_ppl(tmp_path / "base" / "little_ppl.json", 9))
    assert set(compared.samples["guess_rate"]) == {0.25}
    assert dict(compared.samples["outcome"].value_counts()) == {"correct": 9, "wrong": 3}


def test_questions_of_the_same_text_are_told_apart_by_their_place(tmp_path: Path) -> None:
    """Pictures are in no log of lmms-eval or VLMEvalKit: the index of the data set stands for them."""
    base = tool_logs.lmms_eval(tmp_path / "base", "base", 9)
    (file,) = (tmp_path / "base").rglob("*little_pope.jsonl")
    file.write_text("".join(reversed(file.read_text().splitlines(keepends=True))))
    card = compare(base, tool_logs.lmms_eval(tmp_path / "tuned", "tuned", 6))
    assert (card.tasks["little_pope"].n10, card.tasks["little_pope"].n00) == (3, 3)
    # Different pictures under one text are independent questions.
    assert set(open_run(base).samples["cluster_id"]) == {""}


def test_a_records_ids_may_differ_between_models(tmp_path: Path) -> None:
    base, tuned = (tool_logs.every_eval_ever(tmp_path / f"{name}.jsonl", name, 9) for name in ("base", "tuned"))
    assert compare(base, tuned).tasks["little_colours"].n11 == 9


def test_the_records_that_are_read_are_of_the_published_schema() -> None:
    try:
        schema = published_schema("instance_level_eval")
    except SchemaMissingError as error:
        pytest.skip(str(error))
    jsonschema.validate(tool_logs.every_eval_ever_record(0, "base", 9), schema)


def test_records_of_several_results_or_models_need_a_choice(tmp_path: Path) -> None:
    records = [tool_logs.every_eval_ever_record(place, "base", 9) for place in range(N)]
    both = [record | {"evaluation_result_id": name} for record in records for name in ("strict", "loose")]
    path = write_lines(tmp_path / "both.jsonl", both)
    with pytest.raises(RunError, match=r"records of 2 results \(loose, strict\); choose one with --metric"):
        open_run(path)
    assert len(open_run(path, metric="loose").samples) == N
    with pytest.raises(RunError, match="has no result 'best'; it has loose, strict"):
        open_run(path, metric="best")
    write_lines(path, [*records, records[0] | {"model_id": "other"}])
    with pytest.raises(RunError, match=r"records of 2 models \(little/base, other\); write one file a model"):
        open_run(path)
    write_lines(path, [*records[:-1], records[-1] | {"error": "timeout"}])
    with pytest.raises(RunError, match=r"1 of 12 records of little_colours say error \(base-11: timeout\)"):
        open_run(path)


def test_predictions_are_judged_where_that_is_sure_and_else_their_results_are_asked_for(tmp_path: Path) -> None:
    run = tool_logs.opencompass(tmp_path / "run", "base", 9)
    judged = open_run(run / "predictions" / "base" / "little_colours.json")
    assert "little_colours: correct where details of little_colours.json say so" in judged.record.notes
    bare = tool_logs.opencompass(tmp_path / "bare", "base", 9, details=False)
    lettered = open_run(bare / "predictions" / "base")
    assert dict(lettered.samples["outcome"].value_counts()) == {"correct": 9, "wrong": 3}
    assert any("letter that stands alone" in note for note in lettered.record.notes)
    free = tool_logs.opencompass(tmp_path / "free", "base", 9, details=False, gold="text")
    with pytest.raises(RunError, match="which its evaluator judges: evaluate with `--dump-eval-details`"):
        open_run(free / "predictions" / "base" / "little_colours.json")
    with pytest.raises(RunError, match="OpenCompass's result without items"):
        open_run(bare / "results" / "base" / "little_colours.json")


@pytest.mark.parametrize("form", ["xlsx", "tsv"])
def test_predictions_of_options_are_read_by_their_letter(tmp_path: Path, form: str) -> None:
    table = open_run(tool_logs.vlmevalkit(tmp_path, "base", 9, form, scored=False))
    assert (table.record.name, table.record.tasks) == ("base", {"LittleBench": N})
    assert dict(table.samples["outcome"].value_counts()) == {"correct": 9, "wrong": 3}


def test_helm_without_a_summary_is_read_from_its_state(tmp_path: Path) -> None:
    bare = open_run(tool_logs.helm(tmp_path / "bare", "base", 9, summarized=False))
    full = open_run(tool_logs.helm(tmp_path / "full", "base", 9))
    assert bare.samples.equals(full.samples)
    assert bare.record.tasks == {"little:subject=colours": N}
    assert set(bare.samples["extracted"]) <= set(tool_logs.OPTIONS)
    assert len(set(bare.samples["prompt_digest"])) == N


def test_of_helms_many_numbers_none_is_taken_by_chance(tmp_path: Path) -> None:
    run = tool_logs.helm(tmp_path, "base", 9)
    text = (run / "per_instance_stats.json").read_text().replace("exact_match", "bleu_4")
    (run / "per_instance_stats.json").write_text(text)
    with pytest.raises(RunError, match=r"none of HELM's accuracies; choose one with --metric: bleu_4, num_prompt"):
        open_run(run)
    assert open_run(run, metric="bleu_4").samples["score"].sum() == 9
    with pytest.raises(RunError, match=r"num_prompt_tokens of little:subject=colours is not a number in \[0, 1\]"):
        open_run(run, metric="num_prompt_tokens")
    tool_logs.helm(tmp_path, "tuned", 6)
    with pytest.raises(RunError, match=r"runs of 2 models \(little/base, little/tuned\); name one run's folder"):
        open_run(tmp_path)


def test_a_metric_may_be_chosen_for_one_task(tmp_path: Path) -> None:
    base = tool_logs.lmms_eval(tmp_path, "base", 9)
    assert open_run(base, metric={"little_vqa": "exact_match"}).record.tasks["little_vqa"] == N
    with pytest.raises(RunError, match="little_vqa has no metric 'anls'; it has exact_match"):
        open_run(base, metric="little_vqa=anls")
    with pytest.raises(RunError, match="--metric: 'a', 'b' for one task; give one name for all tasks, or one a task"):
        open_run(base, metric=["a", "b"])
    with pytest.raises(RunError, match="lmms-eval logs have no filters"):
        open_run(base, filter="none")


def test_two_evaluations_in_a_folder_are_named(tmp_path: Path) -> None:
    lighteval_folder(tmp_path, "base")
    lighteval_folder(tmp_path, "tuned")
    with pytest.raises(RunError, match=r"details of 2 evaluations \(details/little/base/.*\); name the folder of one"):
        open_run(tmp_path)
    tool_logs.lmms_eval(tmp_path / "lmms", "base", 9)
    tool_logs.lmms_eval(tmp_path / "lmms", "tuned", 6)
    with pytest.raises(RunError, match=r"lmms-eval samples of 2 models \(little__base, little__tuned\)"):
        open_run(tmp_path / "lmms")


def test_a_log_of_one_tool_is_not_compared_with_one_of_another(tmp_path: Path) -> None:
    base = WRITERS["HELM log"](tmp_path / "a", "base", 9)
    tuned = WRITERS["Every Eval Ever log"](tmp_path / "b", "tuned", 6)
    with pytest.raises(CheckFailedError, match=r"base is a HELM log, tuned a Every Eval Ever log: .* of the same tool"):
        compare(base, tuned)


def test_numbers_that_are_no_score_are_named(tmp_path: Path) -> None:
    rows = [{"index": place, "question": "q", "answer": "x", "prediction": "y", "hit": 50} for place in range(3)]
    path = tmp_path / "m_Bench.tsv"
    path.write_text("\t".join(rows[0]) + "\n" + "".join("\t".join(map(str, row.values())) + "\n" for row in rows))
    with pytest.raises(RunError, match=r"no metric of Bench is a number in \[0, 1\] for each item \(it has hit\)"):
        open_run(path)
    document = write_json(tmp_path / "predictions" / "m" / "d.json", {"0": {"origin_prompt": "q", "prediction": "y"}})
    with pytest.raises(RunError, match=r"no right answers \(gold\)"):
        open_run(document)
