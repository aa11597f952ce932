"""Step 7: each alarm rises on what it is for, with evidence, and stays silent on an honest run."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.records.run import read_record, read_run, write_record
from leaderboard.acceptance import plausibility
from leaderboard.acceptance.plausibility import option_of
from leaderboard.acceptance.report import Report
from leaderboard.acceptance.steps import examine
from leaderboard.documents.identity import seal
from leaderboard.entries.rules import RULES, Finding
from tests.support.accepting import accepted
from tests.support.tiny import Says, TinyShelf, model, tiny_shelf, tiny_suite

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> TinyShelf:
    return tiny_shelf(tiny_suite(tmp_path_factory.mktemp("tiny")), tmp_path_factory.mktemp("board"))


def report_on(made: TinyShelf, says: Says, **options: Any) -> Report:
    return examine(made.add("tuned", says, **options), made.around)[0]


def found(report: Report, rule: str) -> list[Finding]:
    return [each for each in report.findings if each.rule == rule]


def but(says: Says, **instead: Any) -> Says:
    """``says`` with other answers on some tasks: a text, a place, or a function of the document."""

    def changed(task: str, doc: Mapping[str, Any]) -> str | int:
        answer = instead.get(task)
        if answer is None:
            return says(task, dict(doc))
        return answer(doc) if callable(answer) else answer  # type: ignore[no-any-return]

    return changed


def test_an_honest_run_raises_no_alarm_but_that_its_base_is_new(made: TinyShelf) -> None:
    report = report_on(made, model(1, tiny_sums=0.9))
    assert [each.rule for each in report.findings] == ["base-unknown"]
    assert report.accepted


def base_model() -> Says:
    return model(0, tiny_sums=0.6, tiny_colours=0.9, tiny_letters=0.9)


def test_no_effect_is_refused_and_little_effect_is_flagged(made: TinyShelf) -> None:
    report = report_on(made, base_model())
    assert report.verdict == "refused"
    assert found(report, "no-effect")[0].evidence == {"same": 180, "items": 180}
    once = but(base_model(), tiny_letters=lambda doc: 1 if doc["question"] == "a b 0" else doc["gold"])
    silent = found(report_on(made, once), "little-effect")
    assert len(silent) <= 1
    nearly = but(
        base_model(),
        tiny_sums=lambda doc: (
            "It is 1, so the answer is 1." if doc["answer"] == "7" else base_model()("tiny_sums", doc)
        ),
    )
    assert found(report_on(made, nearly), "little-effect")[0].evidence == {"same": 179, "items": 180}


def test_one_answer_to_all_is_flagged_once_by_its_own_rule(made: TinyShelf) -> None:
    report = report_on(made, but(model(1), tiny_colours="The answer is red."))
    (flag,) = found(report, "constant-answers")
    assert (flag.action, flag.evidence["task"]) == ("flag", "tiny_colours")
    assert found(report, "alarm") == []


def test_the_first_place_whatever_stands_there_is_position_bias(made: TinyShelf) -> None:
    report = report_on(made, but(model(1), tiny_colours=lambda doc: f"The answer is {doc['options'][0]}."))
    (flag,) = found(report, "position-bias")
    assert flag.evidence["chosen"] == [1.0, 0.0, 0.0, 0.0]
    letters = report_on(made, but(model(1), tiny_letters=2))
    assert [each.evidence["task"] for each in found(letters, "position-bias")] == ["tiny_letters"]


def test_places_drawn_at_random_are_no_bias(made: TinyShelf) -> None:
    def guess(doc: Mapping[str, Any]) -> str:
        return f"The answer is {random.Random(doc['question']).choice(doc['options'])}."

    assert found(report_on(made, but(model(1), tiny_colours=guess)), "position-bias") == []


def test_bare_gold_among_other_outputs_is_flagged(made: TinyShelf) -> None:
    honest = model(1)

    def forged(doc: Mapping[str, Any]) -> str | int:
        return f"<answer>{doc['answer']}</answer>" if int(doc["answer"]) % 2 else honest("tiny_sums", dict(doc))

    (flag,) = found(report_on(made, but(honest, tiny_sums=forged)), "gold-copied")
    assert flag.evidence == {"task": "tiny_sums", "bare": 30, "other": 30}


@pytest.mark.parametrize(("wrong", "flagged"), [(0, False), (1, False), (12, True)])
def test_bare_answers_are_held_against_those_of_the_base(wrong: int, flagged: bool) -> None:
    """Half of the questions ask for the answer alone, and the base is right on nearly all of these, or is not."""

    class Known:
        suite = type("S", (), {"tasks": {"sums": None}})

        def answer_keys(self, task: str) -> dict[str, Any]:
            return {f"{k:064d}": type("A", (), {"answer": str(k), "options": ()}) for k in range(80)}

    def run(mistakes: int) -> Any:
        said = [str(k if k >= mistakes else k + 1) for k in range(80)]
        rows = [
            {
                "item_id": f"{k:064d}",
                "task": "sums",
                "output": each if k < 40 else f"I count. So it is {each}.",
                "extracted": each,
                "outcome": "wrong" if k < mistakes else "correct",
            }
            for k, each in enumerate(said)
        ]
        return type("R", (), {"samples": pd.DataFrame(rows)})

    assert bool(list(plausibility.gold(run(wrong), run(0), Known()))) is flagged  # type: ignore[arg-type]


def test_a_model_that_always_answers_barely_is_not_accused(made: TinyShelf) -> None:
    perfect = but(model(1), tiny_sums=lambda doc: f"<answer>{doc['answer']}</answer>")
    assert found(report_on(made, perfect), "gold-copied") == []
    draw = random.Random(1)
    sometimes = but(model(1), tiny_sums=lambda doc: f"<answer>{int(doc['answer']) + (draw.random() < 0.2)}</answer>"
                    if int(doc["answer"]) % 2 else "I do not know")  # fmt: skip
    assert found(report_on(made, sometimes), "gold-copied") == []


def test_long_gold_texts_word_for_word_are_flagged() -> None:
    class Known:
        suite = type("S", (), {"tasks": {"essay": None}})

        def answer_keys(self, task: str) -> dict[str, Any]:
            return {f"{k:064d}": type("A", (), {"answer": f"the long answer number {k} " * 3, "options": ()})
                    for k in range(40)}  # fmt: skip

    def run(text: str) -> Any:
        rows = [
            {"item_id": f"{k:064d}", "task": "essay", "output": text.format(gold=f"The long  answer number {k} " * 3),
             "extracted": "x", "outcome": "correct"}
            for k in range(40)
        ]  # fmt: skip
        return type("R", (), {"samples": pd.DataFrame(rows)})

    copied = list(plausibility.gold(run("I guess."), run("Well: {gold}"), Known()))  # type: ignore[arg-type]
    assert [each.rule for each in copied] == ["gold-copied"]
    assert list(plausibility.gold(run("So {gold}"), run("Well: {gold}"), Known())) == []  # type: ignore[arg-type]


def test_learning_much_and_forgetting_nothing_is_flagged(made: TinyShelf) -> None:
    statement = {"target": "vision"}
    gained = but(base_model(), tiny_sums=lambda doc: f"Surely the answer is {doc['answer']}.")
    (flag,) = found(report_on(made, gained, statement=statement), "only-improves")
    assert flag.evidence["learned"] >= 20
    assert found(report_on(made, model(1), statement=statement), "only-improves") == []


def test_the_base_is_held_against_another_run_of_its_weights(made: TinyShelf, tmp_path: Path) -> None:
    entry = made.add("tuned", model(1))
    (home,) = made.shelf.bases.glob("tiny-1/*")
    known = made.shelf.bases / "tiny-0" / home.name
    known.mkdir(parents=True)
    run = read_run(home)
    for path in home.iterdir():
        (known / path.name).write_bytes(path.read_bytes())
    record = read_record(known)
    suite = record.suite.model_copy(update={"version": "0"})
    write_record(known, record.model_copy(update={"suite": suite}))
    seal(known)
    assert found(examine(entry, made.around)[0], "base-unknown") == []
    from tests.support.tiny import tiny_run

    tiny_run(made.tiny, tmp_path / "high", model(5, tiny_sums=1.0), "base", suite=suite)
    for path in (tmp_path / "high").iterdir():
        (known / path.name).write_bytes(path.read_bytes())
    seal(known)
    (refusal,) = found(examine(entry, made.around)[0], "base-band")
    assert (refusal.action, refusal.evidence["task"]) == ("refuse", "tiny_sums")
    assert refusal.evidence["delta"] == pytest.approx(run.samples.query("task == 'tiny_sums'")["score"].mean() - 1)
    for path in known.iterdir():
        path.unlink()
    known.rmdir()


def test_a_base_that_an_accepted_entry_used_is_known(made: TinyShelf) -> None:
    entry = made.add("tuned", model(1))
    accepted(made.shelf, entry.name)
    other = made.add("other", model(2))
    assert found(examine(other, made.around)[0], "base-unknown") == []
    for path in made.shelf.events.rglob("*.json"):
        path.unlink()


BLIND = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
SEEING = "{% for m in messages %}{{ m.content }}{% if '7' in m.content %} (14){% endif %}{% endfor %}"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (BLIND, None),
        (SEEING, "depends on the question"),
        (
            "{{ messages[0].content }}{% if 'is 3 + 7' in messages[0].content %} 10{% endif %}",
            "around 1 of 180 questions",
        ),
        ("{% for i in range(9**9) %}{% for j in range(9**9) %}{% endfor %}{% endfor %}", ""),
        ("{{ ''.__class__.__mro__ }}{{ messages[0].content }}", None),
    ],
)
def test_a_template_of_its_own_must_be_blind(made: TinyShelf, source: str, said: str | None, tmp_path: Path) -> None:
    import hashlib

    from harness.items import canonical_json

    digest = hashlib.sha256(canonical_json({"style": "chat", "template": source})).hexdigest()
    entry = made.add("tuned", model(1))
    (entry / "tuned" / "chat_template.jinja").write_text(source)
    made.rewrite(entry, lambda frame: None, template_policy="native", template_digest=digest)
    alarms = found(examine(entry, made.around)[0], "template")
    if said is None:
        assert all("depends on" not in each.message for each in alarms)
    else:
        assert len(alarms) == 1
        assert said in alarms[0].message
    (entry / "tuned" / "chat_template.jinja").write_text(source + " ")
    seal(entry)
    changed = found(examine(entry, made.around)[0], "template")[0].message
    # What cannot be rendered has no digest, and is refused for that.
    assert "template_digest" in changed or changed == alarms[0].message


def test_token_counts_that_no_engine_gives_are_refused(made: TinyShelf) -> None:
    entry = made.add("tuned", model(1))

    def forge(frame: pd.DataFrame) -> None:
        frame.loc[0, "n_output_tokens"] = 25
        frame.loc[1, "n_output_tokens"] = 0

    made.rewrite(entry, forge)
    over, bare = found(examine(entry, made.around)[0], "token-counts")
    assert ("24 tokens" in over.message, "more text" in bare.message) == (True, True)


def test_outputs_longer_than_their_tokens_are_neither_judged_nor_compared(made: TinyShelf) -> None:
    """Each is a small text in the file, and what makes it plain has 18 times its characters."""
    entry = made.add("tuned", model(1))
    made.rewrite(entry, lambda frame: frame.__setitem__("output", "\ufdfa" * 20_000))
    report, printed = examine(entry, made.around)
    assert {each.rule for each in report.findings if each.action == "refuse"} == {"token-counts"}
    assert (report.steps["recomputation"], printed) == ("not reached", None)


def test_rates_of_lost_answers_are_told_beside_the_bases(made: TinyShelf) -> None:
    mute = but(model(1), tiny_sums=lambda doc: "" if int(doc["answer"]) % 3 == 0 else "who knows")
    report = report_on(made, mute)
    (unparsed,), (empty,) = found(report, "unparsed"), found(report, "empty")
    assert (unparsed.evidence["tuned"], unparsed.evidence["base"]) == (1.0, 0.0)
    assert empty.evidence["tuned"] == pytest.approx(1 / 3)
    entry = made.add("tuned", model(1))

    def cut(frame: pd.DataFrame) -> None:
        frame.loc[frame.index[:12], "finish_reason"] = "length"

    made.rewrite(entry, cut)
    assert found(examine(entry, made.around)[0], "cut-off")[0].evidence["tuned"] == pytest.approx(0.2)


def test_a_changed_checkout_and_test_data_are_flagged(made: TinyShelf) -> None:
    data = [{"id": "the-test-split", "role": "train", "license": "MIT", "overlap_with_suite": "test"}]
    report = report_on(made, model(1), statement={"training_data": data}, dirty=True)
    assert "the-test-split" in found(report, "test-data")[0].message
    assert found(report, "modified-harness")[0].file == "tuned/run.json"
    assert report.accepted


@pytest.mark.parametrize(
    ("stated", "place"), [("Red", 0), ("b", 1), ("(B)", 1), ("2.", 1), ("purple", None), ("e", None), ("0", None)]
)
def test_a_stated_option_has_a_place(stated: str, place: int | None) -> None:
    assert option_of(stated, ("red", "green", "blue", "white")) == place


def test_what_refuses_and_what_flags_is_stated_once() -> None:
    refusing = {name for name, rule in RULES.items() if rule.step == 7 and rule.action == "refuse"}
    assert refusing == {"no-effect", "copied-outputs", "base-band", "template", "token-counts", "cut-mark"}
