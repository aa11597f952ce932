"""Scorer: whole scorecards of synthetic pairs, and the cases of harness/scoring/README.md."""

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from statsmodels.stats.multitest import multipletests

from harness.errors import RetentionError
from harness.records.run import ConditionsRecord, Run
from harness.records.tables import Table, make_table
from harness.scoring import Scorecard, paired_items, score_pair
from harness.scoring.scorecard import Reasoned, RestsOn
from harness.scoring.summary import NO_GAIN
from tests.support.synthetic import JIGSAW, TASKS, SyntheticTask, digest, synthetic_run

TUNED = {
    "jigsaw_2x2": 0.86,
    "math_addition": 0.92,
    "math_word": 0.55,
    "science_elements": 0.7,
    "vision_colour": 0.92,
    "vision_count": 0.8,
}
BASE = {task.name: 0.92 for task in TASKS} | {"jigsaw_2x2": 0.12}
CHOICE = SyntheticTask("choice", "general", "knowledge", 0.25, n=400)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    folder = tmp_path_factory.mktemp("runs")
    base = synthetic_run(folder / "base", accuracy=BASE, seed=1)
    tuned = synthetic_run(folder / "tuned", name="tuned", accuracy=TUNED, unparsed={"math_word": 0.5}, seed=2)
    return base, tuned


@pytest.fixture(scope="module")
def card(runs: tuple[Run, Run]) -> Scorecard:
    return score_pair(*runs, "jigsaw")


def score(folder: Path, tasks: tuple[SyntheticTask, ...], base: dict[str, Any], tuned: dict[str, Any]) -> Scorecard:
    return score_pair(
        synthetic_run(folder / "base", tasks, outcomes=base),
        synthetic_run(folder / "tuned", tasks, outcomes=tuned),
        tasks[0].family,
    )


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for inner in value.values() for number in numbers(inner)]
    if isinstance(value, list):
        return [number for inner in value for number in numbers(inner)]
    return [value] if isinstance(value, float) else []


def test_a_scorecard_agrees_with_a_loop_over_the_items(runs: tuple[Run, Run], card: Scorecard) -> None:
    base, tuned = runs
    theirs = {row["item_id"]: row for row in tuned.samples.to_dict("records")}
    for name, task in card.tasks.items():
        rows = [row for row in base.samples.to_dict("records") if row["task"] == name]
        sides = [(row["outcome"], theirs[row["item_id"]]["outcome"]) for row in rows]
        right = [(a == "correct", c == "correct") for a, c in sides]
        n, g = len(rows), rows[0]["guess_rate"]
        assert task.n == n
        assert task.n10 == sum(a and not c for a, c in right)
        assert task.delta == pytest.approx(sum(c - a for a, c in right) / n, abs=1e-9)
        assert task.unparsed_tuned == pytest.approx(sum(c == "unparsed" for _, c in sides) / n, abs=1e-9)
        assert task.format_loss == pytest.approx(sum(s == ("correct", "unparsed") for s in sides) / n, abs=1e-9)
        assert task.content_loss == pytest.approx(sum(s == ("correct", "wrong") for s in sides) / n, abs=1e-9)
        assert task.format_loss + task.content_loss == pytest.approx(task.forgotten_rate, abs=1e-9)
        assert task.corrected_base == pytest.approx((task.base - g) / (1 - g), abs=1e-9)
        assert task.graded_base == pytest.approx(sum(row["score"] for row in rows) / n, abs=1e-9)
        assert task.delta_ci[0] <= task.delta <= task.delta_ci[1]


def test_target_and_prior_are_told_apart(card: Scorecard) -> None:
    assert card.target.tasks == ("jigsaw_2x2",)
    assert card.target.gain == pytest.approx(card.tasks["jigsaw_2x2"].delta)
    assert card.target.normalised_gain == pytest.approx(card.target.gain / (1 - card.target.score_base))
    assert card.tasks["jigsaw_2x2"].verdict is None
    assert next(iter(card.prior_tasks)) == "math_word"
    assert "jigsaw_2x2" not in card.prior_tasks
    assert {task.verdict for task in card.prior_tasks.values()} >= {"forgot"}
    assert card.tasks["math_word"].verdict == "forgot"
    assert "spatial" not in card.groups


def test_p_values_are_adjusted_over_the_tasks_that_get_a_verdict(card: Scorecard) -> None:
    names = list(card.prior_tasks)
    expected = multipletests([card.tasks[name].p_value for name in names], method="holm")[1]
    assert [card.tasks[name].p_holm for name in names] == pytest.approx(list(expected), rel=1e-9)
    assert card.tasks["jigsaw_2x2"].p_holm is None


def test_a_loss_that_adjustment_makes_uncertain_is_not_called_forgot(tmp_path: Path) -> None:
    tasks = tuple(replace(CHOICE, name=f"prior_{k}", family="math") for k in range(5))
    still = ["correct"] * 380 + ["wrong"] * 20
    lost = ["wrong"] * 13 + ["correct"] * 367 + ["correct"] * 3 + ["wrong"] * 17
    base = {task.name: still for task in tasks}
    few = {"jigsaw_2x2": ["wrong"] * 200, "prior_0": still}, {"jigsaw_2x2": ["correct"] * 200, "prior_0": lost}
    alone = score(tmp_path / "alone", (JIGSAW, tasks[0]), *few).tasks["prior_0"]
    among = score(tmp_path / "among", (JIGSAW, *tasks), base | few[0], base | few[1]).tasks["prior_0"]
    assert (alone.delta, alone.p_value) == (among.delta, among.p_value)
    assert alone.smallest_loss < among.smallest_loss
    assert (alone.verdict, among.verdict) == ("forgot", "inconclusive")


def test_one_number_is_made_of_its_parts(card: Scorecard) -> None:
    for group in card.groups.values():
        tasks = [card.tasks[name] for name in group.tasks]
        sums = [sum(task.n * getattr(task, f"corrected_{side}") for task in tasks) for side in ("base", "tuned")]
        assert group.ratio == pytest.approx(sums[1] / sums[0])
    by_group = {name: group.retention for name, group in card.groups.items()}
    macro = np.mean(list(by_group.values()))
    assert card.retention_macro == pytest.approx(macro)
    assert card.retention_ratio == pytest.approx(np.mean([group.ratio for group in card.groups.values()]))
    assert card.worst_group.group == min(by_group, key=by_group.__getitem__)
    assert card.rests_on == RestsOn(groups=3, of_groups=3, tasks=5, of_tasks=5, items=1000, units=1000)
    gain, macro = (min(max(part, 0), 1) for part in (card.target.normalised_gain, macro))
    assert card.balance == pytest.approx(2 * gain * macro / (gain + macro))
    for value, interval in (
        (card.balance, card.balance_ci),
        (card.retention_macro, card.retention_macro_ci),
        (card.target.gain, card.target.gain_ci),
    ):
        assert interval[0] < value < interval[1]


def test_gate_1_a_base_against_itself_changes_nothing(runs: tuple[Run, Run]) -> None:
    card = score_pair(runs[0], runs[0], "jigsaw")
    assert card.target.gain == 0
    for name, task in card.tasks.items():
        assert (task.delta, task.n10, task.n01, task.p_value) == (0, 0, 0, 1)
        assert task.delta_ci[0] == pytest.approx(-task.delta_ci[1])
        assert 0 < task.delta_ci[1] < 0.03
        assert task.verdict == (None if name == "jigsaw_2x2" else "retained")
        assert (task.knowledge_lost, task.knowledge_gained) == (0, 0)
    assert (card.retention_macro, card.retention_ratio) == (1, 1)
    assert 0.97 < card.retention_macro_ci[0] < 1
    assert (card.balance, card.reasons["balance"]) == (None, NO_GAIN)


def test_gate_2_a_second_run_of_the_base_is_not_called_forgotten(runs: tuple[Run, Run], tmp_path: Path) -> None:
    again = synthetic_run(tmp_path, accuracy=BASE, seed=99)
    card = score_pair(runs[0], again, "jigsaw")
    for task in card.tasks.values():
        assert task.churn > 0
        assert task.delta_ci[0] <= 0 <= task.delta_ci[1]
        assert task.verdict != "forgot"


def test_gate_3_random_answers_score_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    task = replace(CHOICE, n=4000)
    known = rng.random(4000) < 0.6
    base = ["correct" if k or r < 0.25 else "wrong" for k, r in zip(known, rng.random(4000), strict=True)]
    random = ["correct" if r < 0.25 else "wrong" for r in rng.random(4000)]
    scored = score(tmp_path, (task,), {"choice": base}, {"choice": random}).tasks["choice"]
    assert scored.corrected_tuned == pytest.approx(0, abs=0.04)
    assert scored.knowledge_lost == pytest.approx(0.6, abs=0.05)


def test_gate_4_a_constant_answer_raises_an_alarm(runs: tuple[Run, Run], tmp_path: Path) -> None:
    constant = synthetic_run(
        tmp_path,
        accuracy={"jigsaw_2x2": 0.04},
        output=lambda task, place, outcome: "<answer>2,1,4,3</answer>" if task == "jigsaw_2x2" else f"<answer>{place}",
    )
    alarms = score_pair(runs[0], constant, "jigsaw").alarms
    found = [alarm for alarm in alarms if alarm.kind == "constant_answers"]
    assert [(alarm.task, alarm.side) for alarm in found] == [("jigsaw_2x2", "tuned")]
    assert "same answer to 100.0 % of jigsaw_2x2" in found[0].message


def test_a_constant_answer_that_is_right_raises_none(tmp_path: Path) -> None:
    run = synthetic_run(tmp_path, (CHOICE,), accuracy=1, churn=0, output=lambda *_: "<answer>yes</answer>")
    assert score_pair(run, run, "general").alarms == ()


def test_gate_5_swapped_models_swap_the_numbers(runs: tuple[Run, Run], card: Scorecard) -> None:
    back = score_pair(runs[1], runs[0], "jigsaw")
    for name, task in card.tasks.items():
        other = back.tasks[name]
        assert (task.forgotten_rate, task.backward_transfer) == (other.backward_transfer, other.forgotten_rate)
        assert task.delta == -other.delta
        assert (task.knowledge_lost, task.knowledge_gained) == (other.knowledge_gained, other.knowledge_lost)
        assert task.p_value == other.p_value
        assert task.delta_se == other.delta_se


@pytest.mark.parametrize("n", [1, 2, 30])
@pytest.mark.parametrize("base", ["correct", "wrong", "unparsed"])
@pytest.mark.parametrize("tuned", ["correct", "wrong", "unparsed"])
def test_gate_7_extremes_are_defined(tmp_path: Path, n: int, base: str, tuned: str) -> None:
    tasks = tuple(replace(task, n=n) for task in (JIGSAW, CHOICE))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        card = score(
            tmp_path, tasks, {task.name: [base] * n for task in tasks}, {task.name: [tuned] * n for task in tasks}
        )
    text = card.to_json()
    assert "NaN" not in text
    assert "Infinity" not in text
    assert card.balance is None
    for name in ("delta_se", "delta_ci", "graded_delta_ci"):
        assert (getattr(card.tasks["choice"], name) is None) == (n == 1)
    assert (card.tasks["choice"].retention is None) == (base != "correct" or n < 30)
    assert 0 < card.tasks["choice"].smallest_loss <= 1
    for part in (card, card.target, *card.tasks.values(), *card.groups.values()):
        assert set(part.reasons) == {name for name, value in part if value is None}
        assert all(part.reasons.values())


def test_a_suite_of_nothing_but_the_target_has_no_retention(tmp_path: Path) -> None:
    run = synthetic_run(tmp_path, (JIGSAW,), accuracy=0.5)
    card = score_pair(run, run, "jigsaw")
    assert (card.retention_macro, card.worst_group, card.balance, card.groups) == (None, None, None, {})
    assert card.reasons["retention_macro"] == "no prior task"
    assert card.reasons["balance"] == NO_GAIN


def test_an_unknown_target_names_the_families(runs: tuple[Run, Run]) -> None:
    with pytest.raises(RetentionError, match="no such family; this suite has jigsaw, math, science, vision") as caught:
        score_pair(*runs, "jigsaws")
    assert caught.value.exit_code == 2


def test_no_items_are_refused(tmp_path: Path) -> None:
    run = synthetic_run(tmp_path, ())
    with pytest.raises(RetentionError, match="this suite has no items"):
        score_pair(run, run, "jigsaw")


def test_same_runs_same_bytes_whatever_the_order_of_rows(runs: tuple[Run, Run], card: Scorecard) -> None:
    shuffled = [Run(run.record, run.samples.sample(frac=1, random_state=4, ignore_index=True)) for run in runs]
    assert score_pair(*shuffled, "jigsaw").to_json() == card.to_json()


def test_the_document_reads_back_and_holds_no_odd_number(card: Scorecard) -> None:
    text = card.to_json()
    assert Scorecard.model_validate_json(text) == card
    assert all(value == float(f"{value:.12g}") for value in numbers(json.loads(text)))
    with pytest.raises(ValidationError, match="extra"):
        Scorecard.model_validate(json.loads(text) | {"surprise": 1})


class WithReason(Reasoned):
    number: float | None


def test_an_absent_number_without_a_reason_is_no_document() -> None:
    with pytest.raises(ValidationError, match="null fields"):
        WithReason(number=None, reasons={})


def test_the_signature_is_one_line_that_nobody_can_forge(runs: tuple[Run, Run], card: Scorecard) -> None:
    assert card.signature.startswith("retentionbench:")
    for part in ("|suite:synthetic@1|", "|target:jigsaw|", "|n:1200|", "|engine:synthetic/1.0/float32/greedy/cpu|"):
        assert part in card.signature
    evil = runs[0].record.suite.model_copy(update={"name": "nano|target:math\n"})
    forged = Run(runs[0].record.model_copy(update={"suite": evil}), runs[0].samples)
    signature = score_pair(forged, forged, "jigsaw").signature
    assert "|suite:nano_target_math_@1|" in signature
    assert signature.count("|") == card.signature.count("|")


def test_alarms_for_format_and_for_bos(runs: tuple[Run, Run], tmp_path: Path) -> None:
    base = Run(runs[0].record.model_copy(update={"bos_count": 2}), runs[0].samples)
    silent = synthetic_run(tmp_path, accuracy=dict(BASE, vision_colour=0.05), unparsed={"vision_colour": 0.9})
    samples = silent.samples.copy()
    samples.loc[samples["task"] == "math_word", "finish_reason"] = "length"
    kinds = {(alarm.kind, alarm.task) for alarm in score_pair(base, Run(silent.record, samples), "jigsaw").alarms}
    assert kinds == {
        ("double_bos", None),
        ("bos_differs", None),
        ("unparsed_differs", "vision_colour"),
        ("below_chance", "vision_colour"),
        ("length_differs", "vision_colour"),
        ("truncated_differs", "math_word"),
    }


def test_clustered_items_widen_the_interval(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    blocks = np.repeat(rng.random(60) < 0.6, 5)
    tuned = {"choice": ["correct" if right else "wrong" for right in blocks]}
    base = {"choice": ["correct"] * 300}
    alone = score(tmp_path / "alone", (replace(CHOICE, n=300),), base, tuned).tasks["choice"]
    grouped = score(tmp_path / "grouped", (replace(CHOICE, n=300, per_cluster=5),), base, tuned).tasks["choice"]
    assert grouped.delta == alone.delta
    assert grouped.delta_se > 2 * alone.delta_se
    assert np.diff(grouped.delta_ci) > 2 * np.diff(alone.delta_ci)


def test_several_target_tasks_weigh_the_same(tmp_path: Path) -> None:
    tasks = (replace(JIGSAW, n=10), replace(JIGSAW, name="jigsaw_3x3", n=90))
    base = {"jigsaw_2x2": ["wrong"] * 10, "jigsaw_3x3": ["wrong"] * 90}
    card = score(tmp_path, tasks, base, {"jigsaw_2x2": ["correct"] * 10, "jigsaw_3x3": ["wrong"] * 90})
    assert (card.target.score_tuned, card.target.n) == (0.5, 100)


def test_transitions_are_listed_item_by_item(runs: tuple[Run, Run], card: Scorecard) -> None:
    items = paired_items(*runs)
    for name, task in card.tasks.items():
        counts = items.loc[items["task"] == name, "transition"].value_counts()
        found = [int(counts.get(key, 0)) for key in ("kept", "forgotten", "learned", "never")]
        assert found == [task.n11, task.n10, task.n01, task.n00]
    assert {"item_id", "base_output", "tuned_output", "base_outcome", "tuned_outcome"} <= set(items.columns)


def test_transfer_tasks_are_apart_from_the_gain(tmp_path: Path) -> None:
    tasks = (
        replace(JIGSAW, n=10),
        replace(JIGSAW, name="jigsaw_1x3", n=20, transfer=True),
        replace(JIGSAW, name="jigsaw_3x1", n=20, transfer=True),
        replace(CHOICE, n=10),
    )
    base = {task.name: ["wrong"] * task.n for task in tasks} | {"choice": ["correct"] * 10}
    tuned = base | {
        "jigsaw_2x2": ["correct"] * 10,
        "jigsaw_1x3": ["correct"] * 10 + ["wrong"] * 10,
        "jigsaw_3x1": ["correct"] * 2 + ["wrong"] * 18,
    }
    card = score(tmp_path, tasks, base, tuned)
    assert card.target.tasks == ("jigsaw_2x2",)
    assert (card.target.gain, card.target.n) == (1, 10)
    assert card.target.transfer_tasks == ("jigsaw_1x3", "jigsaw_3x1")
    assert card.target.transfer_gain == pytest.approx(0.3)
    assert card.target.transfer_gain_ci[0] < 0.3 < card.target.transfer_gain_ci[1]
    assert {name: task.role for name, task in card.tasks.items()} == {
        "jigsaw_2x2": "target",
        "jigsaw_1x3": "transfer",
        "jigsaw_3x1": "transfer",
        "choice": "prior",
    }
    other = score_pair(
        synthetic_run(tmp_path / "b", tasks, outcomes=base),
        synthetic_run(tmp_path / "t", tasks, outcomes=tuned),
        "general",
    )
    assert other.tasks["jigsaw_1x3"].role == "prior"


def test_adjacent_tasks_are_listed_apart_and_in_no_average(
    runs: tuple[Run, Run], card: Scorecard, tmp_path: Path
) -> None:
    tasks = tuple(
        replace(task, adjacent=("jigsaw",)) if task.name in ("math_word", "vision_count") else task for task in TASKS
    )
    base = synthetic_run(tmp_path / "base", tasks, accuracy=BASE, seed=1)
    tuned = synthetic_run(tmp_path / "tuned", tasks, name="tuned", accuracy=TUNED, unparsed={"math_word": 0.5}, seed=2)
    apart = score_pair(base, tuned, "jigsaw")
    assert apart.target_adjacent == ("math_word", "vision_count")
    assert apart.tasks["math_word"] == card.tasks["math_word"].model_copy(update={"role": "adjacent"})
    assert "math_word" not in apart.prior_tasks
    assert apart.groups["math"].tasks == ("math_addition",)
    assert apart.retention_macro > card.retention_macro
    assert card.target_adjacent == ()
    # To another target the same tasks are prior tasks like any other.
    assert score_pair(base, tuned, "science").target_adjacent == ()


def test_a_family_of_nothing_but_transfer_tasks_is_no_target(tmp_path: Path) -> None:
    run = synthetic_run(tmp_path, (replace(JIGSAW, transfer=True), CHOICE), accuracy=0.5)
    with pytest.raises(RetentionError, match="every task of this family is marked as a transfer task"):
        score_pair(run, run, "jigsaw")


def test_without_a_target_only_forgetting_is_told(runs: tuple[Run, Run], card: Scorecard) -> None:
    bare = score_pair(*runs, None)
    assert (bare.target, bare.balance, bare.reasons["balance"]) == (None, None, "no target family was named")
    assert {task.role for task in bare.tasks.values()} == {"prior"}
    assert bare.tasks["math_word"].p_value == card.tasks["math_word"].p_value
    assert bare.tasks["math_word"].smallest_loss > card.tasks["math_word"].smallest_loss
    assert bare.rests_on.groups == bare.rests_on.of_groups == 4
    assert "|target:none|" in bare.signature
    with pytest.raises(ValueError, match="no target"):
        _ = bare.learned


def test_a_graded_score_has_its_own_interval(card: Scorecard) -> None:
    jigsaw, plain = card.tasks["jigsaw_2x2"], card.tasks["vision_count"]
    assert jigsaw.graded_delta == pytest.approx(jigsaw.graded_tuned - jigsaw.graded_base)
    assert jigsaw.graded_delta_ci[0] < jigsaw.graded_delta < jigsaw.graded_delta_ci[1]
    assert jigsaw.graded_delta_ci != jigsaw.delta_ci
    assert (plain.graded_delta, plain.graded_delta_ci) == (plain.delta, plain.delta_ci)


def test_swapped_files_of_an_adapter_and_its_base_are_refused(runs: tuple[Run, Run]) -> None:
    base, tuned = runs
    checkpoint = tuned.record.checkpoint.model_copy(update={"kind": "adapter", "base": base.record.checkpoint})
    adapter = Run(tuned.record.model_copy(update={"checkpoint": checkpoint}), tuned.samples)
    assert score_pair(base, adapter, "jigsaw").tuned.kind == "adapter"
    with pytest.raises(RetentionError, match="BASE is an adapter of TUNED; give them the other way round"):
        score_pair(adapter, base, "jigsaw")


cells = st.lists(
    st.tuples(st.sampled_from(["correct", "wrong", "unparsed"]), st.sampled_from(["correct", "wrong", "unparsed"])),
    min_size=1,
    max_size=40,
)


def hypothetical(rows: list[tuple[str, str]]) -> tuple[Table, Table]:
    tables = []
    for side in (0, 1):
        outcomes = [row[side] for row in rows]
        frame = pd.DataFrame({"item_id": [f"{k}" for k in range(len(rows))], "outcome": outcomes})
        frame["task"], frame["family"], frame["guess_rate"] = "choice", "general", 0.25
        tables.append(make_table(frame, Path("table"), "table", digest(side), ()))
    return tables[0], tables[1]


@settings(max_examples=40, deadline=None)
@given(cells)
def test_laws_of_a_scorecard_hold_for_any_table(rows: list[tuple[str, str]]) -> None:
    base, tuned = hypothetical(rows)
    there = score_pair(base, tuned, None).tasks["choice"]
    back = score_pair(tuned, base, None).tasks["choice"]
    again = score_pair(base, base, None).tasks["choice"]
    assert there.n11 + there.n10 + there.n01 + there.n00 == there.n
    assert there.delta == pytest.approx(there.backward_transfer - there.forgotten_rate, abs=1e-11)
    assert there.churn == pytest.approx(there.backward_transfer + there.forgotten_rate, abs=1e-11)
    assert there.format_loss + there.content_loss == pytest.approx(there.forgotten_rate, abs=1e-11)
    if there.n > 1:
        assert -1 <= there.delta_ci[0] < there.delta_ci[1] <= 1
    assert (there.forgotten_rate, there.delta) == (back.backward_transfer, -back.delta)
    assert (there.knowledge_lost, there.p_value) == (back.knowledge_gained, back.p_value)
    assert (again.delta, again.knowledge_lost, again.p_value, again.churn) == (0, 0, 1, 0)
    assert again.verdict in ("inconclusive", "nothing to lose")  # 40 items cannot show that 2 points were kept
    if there.unparsed_base == there.unparsed_tuned == 0:
        assert there.knowledge_gained - there.knowledge_lost == pytest.approx(there.delta / 0.75, abs=1e-9)


def test_the_signature_names_what_images_went_through_where_there_are_any(tmp_path: Path) -> None:
    def signature(conditions: ConditionsRecord | None, of_tuned: ConditionsRecord | None = None) -> str:
        base = synthetic_run(tmp_path / "base", TASKS[:1], conditions=conditions)
        tuned = synthetic_run(tmp_path / "tuned", TASKS[:1], conditions=of_tuned or conditions)
        return score_pair(base, tuned, "jigsaw").signature

    text = ConditionsRecord(max_model_len=512)
    fixed = text.model_copy(update={"processor": "a" * 64})
    seen = fixed.model_copy(update={"min_pixels": 784, "max_pixels": 100_352})
    own = seen.model_copy(update={"processor": "b" * 64, "processor_origin": "tuned"})
    assert "processor" not in signature(text)
    assert "|processor:aaaaaaaaaaaa|base:" in signature(fixed)
    assert "|processor:aaaaaaaaaaaa|pixels:784-100352|base:" in signature(seen)
    assert "|pixels:784-100352|processor-tuned:bbbbbbbbbbbb|" in signature(seen, own)
