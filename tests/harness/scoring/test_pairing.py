"""Pairing: what may be compared, and how a refusal reads."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.errors import CheckFailedError
from harness.records.run import ConditionsRecord, Run
from harness.records.tables import read_table
from harness.scoring.pairing import pair
from harness.scoring.scorer import score_pair
from tests.support.synthetic import ENGINE, TASKS, SyntheticTask, digest, synthetic_checkpoint, synthetic_run

FEW = tuple(replace(task, n=5) for task in TASKS[:3])


@pytest.fixture
def base(tmp_path: Path) -> Run:
    return synthetic_run(tmp_path / "base", FEW)


def with_record(run: Run, **changes: Any) -> Run:
    return Run(run.record.model_copy(update=changes), run.samples)


def with_column(run: Run, column: str, rows: list[int], value: Any) -> Run:
    samples = run.samples.copy()
    samples.loc[rows, column] = value
    return Run(run.record, samples)


def test_a_pair_holds_both_answers_to_every_item(base: Run, tmp_path: Path) -> None:
    tuned = synthetic_run(tmp_path / "tuned", FEW, outcomes={task.name: ["wrong"] * 5 for task in FEW})
    shuffled = Run(tuned.record, tuned.samples.sample(frac=1, random_state=3))
    items = pair(base, shuffled).items
    assert len(items) == 15
    by_id = base.samples.set_index("item_id")
    assert (by_id.loc[items["item_id"], "outcome"].to_numpy() == items["base_outcome"].to_numpy()).all()
    assert set(items["tuned_outcome"]) == {"wrong"}
    known = items["base_outcome"] == "correct"
    assert (items["transition"] == known.map({True: "forgotten", False: "never"})).all()
    pd.testing.assert_frame_equal(items, pair(base, tuned).items)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("suite", {"suite": {"version": "2"}}),
        ("suite digest", {"suite": {"digest": digest("other")}}),
        ("protocol", {"suite": {"protocol": "think"}}),
        ("engine", {"engine": {"dtype": "bfloat16"}}),
        ("tokenizer", {"checkpoint": {"tokenizer_digest": digest("other")}}),
        ("chat template", {"template_digest": digest("other")}),
        ("template policy", {"template_policy": "native"}),
        ("decoding", {"decoding": {"max_tokens": 65}}),
    ],
)
def test_runs_under_other_conditions_are_refused(base: Run, field: str, changes: dict[str, Any]) -> None:
    nested = {
        name: getattr(base.record, name).model_copy(update=value)
        if isinstance(value, dict) and name != "decoding"
        else value
        for name, value in changes.items()
    }
    with pytest.raises(CheckFailedError, match=rf"^refused: {field} differs: base .+, tuned .+; evaluate both"):
        pair(base, with_record(base, **nested))


def test_what_belongs_to_one_side_may_differ(base: Run) -> None:
    other = with_record(
        base,
        checkpoint=synthetic_checkpoint("other"),
        engine=ENGINE.model_copy(update={"adapter": "merged"}),
        seed=7,
        created="later",
        wall_seconds=9.0,
    )
    assert len(pair(base, other).items) == 15


def test_other_prompts_are_refused_with_count_and_examples(base: Run) -> None:
    changed = with_column(base, "prompt_digest", [0, 1, 2, 3], digest("other"))
    first = base.samples["item_id"][0][:12]
    with pytest.raises(CheckFailedError, match=rf"prompts differ on 4 of 15 items \({first}, .+, \.\.\.\)"):
        pair(base, changed)


def test_other_guess_rates_are_refused(base: Run) -> None:
    with pytest.raises(CheckFailedError, match="column 'guess_rate' differs on 1 of 15 items"):
        pair(base, with_column(base, "guess_rate", [4], 0.5))


def test_failed_items_are_refused(base: Run) -> None:
    failed = with_column(base, "error", [0, 7], "out of memory\non the second line")
    with pytest.raises(CheckFailedError, match=r"tuned run failed on 2 of 15 items \(.+\) \(out of memory\); evaluate"):
        pair(base, failed)
    with pytest.raises(CheckFailedError, match="base run failed on 2"):
        pair(failed, base)


def test_missing_items_are_refused(base: Run) -> None:
    less = base.samples[base.samples["task"] != FEW[0].name]
    with pytest.raises(CheckFailedError, match=f"tuned run has 0 items of {FEW[0].name}, but the suite has 5"):
        pair(base, Run(base.record, less))
    with pytest.raises(CheckFailedError, match="base run has 4 items of"):
        pair(Run(base.record, base.samples.iloc[1:]), base)


def test_an_exchanged_item_is_refused_on_both_sides(base: Run) -> None:
    strange = with_column(base, "item_id", [0], digest("strange"))
    with pytest.raises(CheckFailedError, match="tuned run lacks 1 of 15 items"):
        pair(base, strange)


def test_repeated_items_are_refused(base: Run) -> None:
    repeated = with_column(base, "item_id", [1], base.samples["item_id"][0])
    with pytest.raises(CheckFailedError, match="base run repeats 1 of 15 items"):
        pair(repeated, base)


@pytest.mark.parametrize(
    ("column", "value"), [("score", float("nan")), ("score", 1.5), ("guess_rate", 1.0), ("outcome", "perhaps")]
)
def test_impossible_values_are_refused(base: Run, column: str, value: Any) -> None:
    with pytest.raises(CheckFailedError, match=f"base run has an invalid {column} on 1 of 15 items"):
        pair(with_column(base, column, [3], value), base)


def test_a_task_of_two_families_is_refused(tmp_path: Path) -> None:
    run = synthetic_run(tmp_path, (SyntheticTask("mixed", "math", "math", n=4),))
    mixed = with_column(run, "family", [2], "science")
    with pytest.raises(CheckFailedError, match="task mixed has items of 2 different family values"):
        pair(mixed, mixed)


def test_a_refusal_cannot_steer_a_terminal(base: Run) -> None:
    failed = with_column(base, "error", [0], "\x1b[2Jgone")
    with pytest.raises(CheckFailedError, match="\ufffd\\[2Jgone") as caught:
        pair(base, failed)
    assert "\x1b" not in str(caught.value)


def test_ids_that_differ_by_their_composed_characters_get_a_hint(tmp_path: Path) -> None:
    tables = []
    for place, name in enumerate(("caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}")):
        path = tmp_path / f"{place}.jsonl"
        path.write_text(json.dumps({"item_id": name, "task": "t", "family": "f", "outcome": "wrong"}), encoding="utf-8")
        tables.append(read_table(path))
    with pytest.raises(CheckFailedError, match=r"match after Unicode normalisation: write them in one form \(NFC\)"):
        pair(*tables)


def test_runs_of_two_judges_are_no_pair(base: Run) -> None:
    with pytest.raises(CheckFailedError, match=r"judge version differs: base 2, tuned 1; .*retention rejudge"):
        pair(base, with_record(base, judge=1))


def test_an_answer_that_was_not_offered_is_marked_on_its_side(base: Run) -> None:
    marked = with_column(base, "off_list", [0, 1], value=True)
    items = pair(base, marked).items
    assert (int(items["base_off_list"].sum()), int(items["tuned_off_list"].sum())) == (0, 2)


OTHER = digest("other")
SEEN = ConditionsRecord(max_model_len=512, processor=digest("base's"), min_pixels=784, max_pixels=100_352)


def under(run: Run, **changes: Any) -> Run:
    return with_record(run, conditions=SEEN.model_copy(update=changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"processor": digest("other")},
            f"image processor differs: base {SEEN.processor[:12]}.., tuned",
        ),
        ({"processor": None}, "image processor differs: base .+, tuned None"),
        ({"max_pixels": 50_176}, "max pixels differs: base 100352, tuned 50176"),
        ({"max_model_len": 256}, "max model len differs: base 512, tuned 256"),
    ],
)
def test_runs_that_were_shown_other_pixels_are_refused(base: Run, changes: dict[str, Any], said: str) -> None:
    assert len(pair(under(base), under(base)).items) == 15
    with pytest.raises(CheckFailedError, match=rf"^refused: {said}.*; evaluate both with one command"):
        pair(under(base), under(base, **changes))


def test_a_base_run_that_states_its_conditions_takes_no_tuned_run_that_does_not(base: Run) -> None:
    with pytest.raises(CheckFailedError, match="the tuned run is of an older version and does not state its cond"):
        pair(under(base), base)


def test_an_older_base_run_that_would_have_given_the_same_answers_is_taken(base: Run) -> None:
    cut = base.samples["task"] == base.samples["task"][0]
    base.samples.loc[cut, ["finish_reason", "n_output_tokens"]] = ["length", 64]
    assert len(pair(base, under(base, stop_token_ids=(2,))).items) == 15
    card = score_pair(base, under(base, stop_token_ids=(2,)), None)
    assert card.provenance.checked
    assert "base run is of an older version" in card.provenance.notes[0]
    assert score_pair(base, base, None).provenance.notes == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stop_token_ids": (2, 7)}, "answers may end at 2 tokens, of which it may not have known each"),
        ({"processor": OTHER, "processor_origin": "tuned"}, "the tuned checkpoint's own image processor was used"),
        ({"max_model_len": 32}, r"has up to 3\d tokens of prompt and answer, more than the 32 allowed there"),
    ],
)
def test_an_older_base_run_that_may_have_answered_otherwise_is_refused(
    base: Run, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(CheckFailedError, match=f"the base run is of an older version .* and {said}; evaluate both"):
        pair(base, under(base, **changes))


def test_an_older_base_run_whose_answers_were_cut_by_its_length_is_refused(base: Run) -> None:
    base.samples["finish_reason"] = "length"
    base.samples.loc[3, "n_output_tokens"] = 63
    with pytest.raises(CheckFailedError, match=r"its answers to \w+ were cut at 2 different numbers of tokens"):
        pair(base, under(base))


def test_an_older_base_run_is_not_taken_where_prompts_are_not_compared(base: Run) -> None:
    older, stated = (with_record(each, template_policy="native") for each in (base, under(base)))
    assert len(pair(older, older).items) == 15
    with pytest.raises(CheckFailedError, match="and their prompts are not compared"):
        pair(older, stated)


def test_a_tuned_run_with_its_own_processor_is_compared_in_all_but_pixels(base: Run) -> None:
    own = {"processor": digest("own"), "processor_origin": "tuned", "max_pixels": 50_176}
    tuned = with_column(under(base, **own), "n_prompt_tokens", [0, 1], 99)
    assert len(pair(under(base), tuned).items) == 15
    with pytest.raises(CheckFailedError, match="max model len differs"):
        pair(under(base), under(base, **own, max_model_len=256))
    with pytest.raises(CheckFailedError, match="base run went through another's image processor"):
        pair(tuned, tuned)


def test_other_numbers_of_prompt_tokens_are_refused_with_examples(base: Run) -> None:
    counts = "the first 32 for the base and 40 for the tuned model, so the two were not shown the same pixels"
    differing = rf"on 2 of 15 items \({base.samples['item_id'][1][:12]}, .+\), {counts}"
    with pytest.raises(CheckFailedError, match=f"refused: numbers of prompt tokens differ {differing}"):
        pair(base, with_column(base, "n_prompt_tokens", [1, 7], 40))


def test_a_number_of_prompt_tokens_that_is_not_known_is_not_compared(base: Run) -> None:
    assert len(pair(base, with_column(base, "n_prompt_tokens", [1, 7], 0)).items) == 15
    native = {"template_policy": "native"}
    other = with_column(with_record(base, **native), "n_prompt_tokens", [1], 40)
    assert len(pair(with_record(base, **native), other).items) == 15
