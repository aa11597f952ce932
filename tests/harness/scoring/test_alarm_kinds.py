"""Alarms by kind: the one that explains others first, only where it moved enough, none lost."""

from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.scoring import Scorecard, alarm_groups, alarm_lines
from harness.scoring.alarm_kinds import FOLLOWS, KINDS
from harness.scoring.scorecard import AlarmKind
from tests.support.cards import changed, pair_card


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Scorecard:
    return pair_card(tmp_path_factory.mktemp("pair"))


def alarmed(card: Scorecard, *kinds: str, of: int = 9, **rates: float) -> Scorecard:
    """``card`` with an alarm of each kind on the first ``of`` tasks, and ``rates`` in all tasks."""
    tasks = {name: task.model_dump() | rates for name, task in card.tasks.items()}
    alarms = [
        {"kind": kind, "task": name, "side": None, "message": f"{kind} on {name}"}
        for kind in kinds
        for name in list(tasks)[:of]
    ]
    return changed(card, tasks=tasks, alarms=alarms)


def test_every_kind_has_a_name_and_stands_before_what_it_explains() -> None:
    assert set(KINDS) == set(get_args(AlarmKind))
    order = list(KINDS)
    assert all(order.index(cause) < order.index(kind) for kind, causes in FOLLOWS.items() for cause in causes)


def test_cut_off_answers_explain_unreadable_ones_and_stand_first(card: Scorecard) -> None:
    found = alarm_groups(
        alarmed(card, "below_chance", "unparsed_differs", "truncated_differs", unparsed_tuned=0.9, truncated_tuned=0.8)
    )
    assert [group.kind for group in found] == ["truncated_differs", "unparsed_differs", "below_chance"]
    assert [group.follows for group in found] == [None, "truncated_differs", "truncated_differs"]
    assert found[1].why == "may follow from cut-off answers"
    assert found[0].rates == "base 0.0 %, tuned 80.0 %"


def test_few_cut_off_answers_do_not_explain_many_unreadable_ones(card: Scorecard) -> None:
    kinds = ("truncated_differs", "unparsed_differs", "below_chance")
    found = alarm_groups(alarmed(card, *kinds, unparsed_tuned=0.9, truncated_tuned=0.1))
    assert [group.kind for group in found] == ["unparsed_differs", "truncated_differs", "below_chance"]
    assert [group.follows for group in found] == [None, None, "unparsed_differs"]


def test_a_cause_on_other_tasks_is_none_and_on_some_is_counted(card: Scorecard) -> None:
    here = alarmed(card, "below_chance", of=4)
    more = alarmed(card, "unparsed_differs", of=2, unparsed_tuned=0.9)
    both = changed(more, alarms=[each.model_dump() for each in (*here.alarms, *more.alarms)])
    below = alarm_groups(both)[-1]
    assert (below.kind, below.explained) == ("below_chance", 2)
    assert below.why == "may follow from unreadable answers (2 of 4 tasks)"
    assert below.line == "Below chance on 4 tasks; may follow from unreadable answers (2 of 4 tasks)"


def test_one_alarm_keeps_its_words_and_what_steers_is_made_visible(card: Scorecard) -> None:
    name = next(iter(card.tasks))
    alarm = {"kind": "length_differs", "task": name, "side": None, "message": "outputs on x: \x1b[31mlonger"}
    assert alarm_lines(changed(card, alarms=[alarm])) == ["outputs on x: \ufffd[31mlonger"]


def test_what_is_about_all_prompts_stands_first(card: Scorecard) -> None:
    lost = alarmed(card, "unparsed_differs", "below_chance", unparsed_tuned=0.9)
    prompts = {"kind": "template_differs", "task": None, "side": None, "message": "chat templates differ"}
    alarms = [*(each.model_dump() for each in lost.alarms), prompts]
    assert alarm_lines(changed(lost, alarms=alarms))[0] == "chat templates differ"


@given(kinds=st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=30), rate=st.floats(0, 1))
def test_no_alarm_is_lost_and_kinds_come_once(card: Scorecard, kinds: list[str], rate: float) -> None:
    names = list(card.tasks)
    alarms = [
        {"kind": kind, "task": names[at % len(names)], "side": None, "message": str(at)}
        for at, kind in enumerate(kinds)
    ]
    tasks = {name: task.model_dump() | {"unparsed_tuned": rate} for name, task in card.tasks.items()}
    found = alarm_groups(changed(card, tasks=tasks, alarms=alarms))
    assert sorted(message for group in found for message in group.messages) == sorted(map(str, range(len(kinds))))
    assert {group.kind for group in found} == set(kinds)
    explains = [sum(other.explained for other in found if other.follows == group.kind) for group in found]
    assert all(one >= other for one, other in pairwise(explains))
