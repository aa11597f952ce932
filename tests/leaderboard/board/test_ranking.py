"""Ranking: draws that agree with the scorer, an error rate that holds, ranks and letters that mean what they say."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.scoring import score_pair, statistics
from harness.scoring.knowledge import corrected_score
from harness.scoring.summary import group_kept
from harness.scoring.task_scores import Measured
from leaderboard.board.contest import Contender, Contest, Questions, solved
from leaderboard.board.ranking import _counts, _Draws, _Tests, compare, holm_rejects, tie_letters
from tests.support.synthetic import SyntheticTask, synthetic_run

TARGET, PRIOR = 400, 400


def questions(target: int = TARGET, prior: int = PRIOR, known: float = 0.9) -> Questions:
    """One target task that the base knows little of and two prior tasks that it knows well."""
    rng = np.random.default_rng(1)
    tasks = {"a_target": slice(0, target), "b_prior": slice(target, target + prior),
             "c_prior": slice(target + prior, target + 2 * prior)}  # fmt: skip
    return Questions(
        digest="suite",
        item_ids=tuple(f"item-{at:04}" for at in range(target + 2 * prior)),
        tasks=tasks,
        cluster=np.concatenate([np.arange(place.stop - place.start) for place in tasks.values()]),
        guess_rate=np.repeat([0.0, 0.25, 0.0], [target, prior, prior]),
        solved=np.concatenate([rng.random(target) < 0.2, rng.random(2 * prior) < known]),
    )


def contender(name: str, asked: Questions, right: np.ndarray) -> Contender:
    """An entry with just those fields of a scorecard that ranking reads, made by the scorer's formulas."""
    measured = {
        task: Measured(task, asked.solved[place], right[place], asked.guess_rate[place], None)
        for task, place in asked.tasks.items()
    }
    kept = {task: group_kept(task, [each]) for task, each in measured.items() if task != "a_target"}
    defined = [each.one_sided for each in kept.values() if each is not None]
    target = measured["a_target"].transitions
    macro = float(np.mean(defined)) if defined else None
    share = min(max(target.delta / (1 - target.base), 0), 1)
    level = 0.0 if macro is None else min(max(macro, 0), 1)
    balance = None if macro is None else (2 * share * level / (share + level) if share + level else 0.0)
    card: Any = SimpleNamespace(
        tasks={
            task: SimpleNamespace(
                role="target" if task == "a_target" else "prior",
                n=len(each.base),
                corrected_base=corrected_score(each.base, each.guess_rate),
            )
            for task, each in measured.items()
        },
        groups={
            task: SimpleNamespace(tasks=(task,), retention=each and each.one_sided, ratio=each and each.ratio)
            for task, each in kept.items()
        },
        learned=SimpleNamespace(gain=target.delta),
        retention_macro=macro,
        balance=balance,
        reasons={} if balance is not None else {"balance": "no prior task has a defined retention"},
    )
    return Contender(name, card, right)


def answers(asked: Questions, learns: float, forgets: float, seed: int) -> np.ndarray:
    """A fine-tune that solves ``learns`` of the target's items and forgets ``forgets`` of the prior ones it knew."""
    rng = np.random.default_rng(seed)
    right = asked.solved & (rng.random(len(asked.solved)) >= forgets)
    right[asked.tasks["a_target"]] = rng.random(asked.tasks["a_target"].stop) < learns
    return right


def board(asked: Questions, models: Mapping[str, tuple[float, float]]) -> Contest:
    entries = [
        contender(name, asked, answers(asked, *how, seed)) for seed, (name, how) in enumerate(models.items(), start=7)
    ]
    return Contest(asked, tuple(entries))


def only(contest: Contest, resamples: int = 2000) -> Any:
    (compared,) = compare([contest], resamples=resamples)
    return compared


CLUSTERED = (
    SyntheticTask("jigsaw_2x2", "jigsaw", "spatial", 1 / 24, n=60),
    SyntheticTask("jigsaw_3x3", "jigsaw", "spatial", n=40, transfer=True),
    SyntheticTask("math_word", "math", "math", n=50),
    SyntheticTask("science_elements", "science", "science", 0.25, n=80, per_cluster=4),
    SyntheticTask("science_facts", "science", "science", n=30),
    SyntheticTask("vision_count", "vision", "vision", n=40, adjacent=("jigsaw",)),
)


def test_a_resample_of_every_item_once_gives_the_numbers_of_the_scorecard(tmp_path: Path) -> None:
    base = synthetic_run(tmp_path / "base", CLUSTERED, accuracy=0.7)
    asked = Questions.of(base.samples, base.record.suite.digest)
    entries = []
    for seed in (1, 2, 3):
        tuned = synthetic_run(tmp_path / f"t{seed}", CLUSTERED, name=f"t{seed}", accuracy=0.65, churn=0.3, seed=seed)
        rows = tuned.samples.sort_values(["task", "item_id"], ignore_index=True)
        assert tuple(rows["item_id"]) == asked.item_ids
        entries.append(Contender(f"t{seed}", score_pair(base, tuned, "jigsaw"), solved(rows)))
    drawn = _Draws(Contest(asked, tuple(entries)), 1)
    for task, place in asked.tasks.items():
        drawn.add(task, slice(0, 1), np.ones((1, place.stop - place.start), dtype=np.float32))
    cards = [one.card for one in entries]
    assert drawn.gain[0] == pytest.approx([card.learned.gain for card in cards], abs=1e-6)
    assert drawn.retention[0] == pytest.approx([card.retention_macro for card in cards], abs=1e-6)
    ranked = [at for at, card in enumerate(cards) if card.balance is not None]
    assert drawn.balance[0][ranked] == pytest.approx([cards[at].balance for at in ranked], abs=1e-6)


def test_entries_whose_base_runs_differ_are_drawn_each_with_its_own(tmp_path: Path) -> None:
    """Every number is of a pair; where all have one run, or each its own copy of it, nothing changes."""
    runs = [synthetic_run(tmp_path / f"b{seed}", CLUSTERED, accuracy=0.7, seed=seed) for seed in (0, 50)]
    asked = Questions.of(runs[0].samples, runs[0].record.suite.digest)
    entries, alone = [], []
    for seed in (1, 2, 3, 4):
        tuned = synthetic_run(tmp_path / f"t{seed}", CLUSTERED, name=f"t{seed}", accuracy=0.75, churn=0.3, seed=seed)
        base = runs[seed % 2]
        own = Questions.of(base.samples, asked.digest)
        right = solved(tuned.samples.sort_values(["task", "item_id"], ignore_index=True))
        card = score_pair(base, tuned, "jigsaw")
        entries.append(Contender(f"t{seed}", card, right, own.solved))
        alone.append(_Draws(Contest(own, (Contender(f"t{seed}", card, right),)), 40))
    together = _Draws(Contest(asked, tuple(entries)), 40)
    for drawn in (together, *alone):
        for task in asked.tasks:
            for rows, counts in _counts(asked, task, 40):
                drawn.add(task, rows, counts)
    for at, one in enumerate(alone):
        for numbers in ("gain", "retention", "balance"):
            assert getattr(together, numbers)[:, at] == pytest.approx(getattr(one, numbers)[:, 0], abs=1e-6)
    same = [replace(one, base=asked.solved.copy()) for one in entries[1::2]]
    assert compare([Contest(asked, tuple(same))]) == compare(
        [Contest(asked, tuple(replace(one, base=None) for one in same))]
    )


def test_whole_clusters_are_drawn(tmp_path: Path) -> None:
    base = synthetic_run(tmp_path / "base", CLUSTERED)
    asked = Questions.of(base.samples, base.record.suite.digest)
    assert asked.units("science_elements") == 20
    assert asked.units("math_word") == 50
    for _, counts in _counts(asked, "science_elements", 50):
        labels = asked.cluster[asked.tasks["science_elements"]]
        for cluster in range(20):
            assert np.ptp(counts[:, labels == cluster], axis=1).max() == 0


def test_the_spread_of_draws_is_that_of_the_scorecards_interval(tmp_path: Path) -> None:
    base = synthetic_run(tmp_path / "base", CLUSTERED, accuracy=0.7)
    asked = Questions.of(base.samples, base.record.suite.digest)
    learned = dict.fromkeys((task.name for task in CLUSTERED), 0.6) | {"jigsaw_2x2": 0.95}
    tuned = synthetic_run(tmp_path / "tuned", CLUSTERED, name="tuned", accuracy=learned, churn=0.05, seed=3)
    card = score_pair(base, tuned, "jigsaw")
    one = Contender("one", card, solved(tuned.samples.sort_values(["task", "item_id"])))
    drawn = _Draws(Contest(asked, (one,)), 10_000)
    for task in asked.tasks:
        for rows, counts in _counts(asked, task, 10_000):
            drawn.add(task, rows, counts)
    assert statistics.interval(drawn.balance[:, 0]) == pytest.approx(card.balance_ci, abs=0.04)
    assert statistics.interval(drawn.gain[:, 0].astype(float)) == pytest.approx(card.learned.gain_ci, abs=0.04)


def test_models_that_are_equal_are_told_apart_in_at_most_one_board_of_twenty() -> None:
    asked = questions(target=200, prior=200)
    boards = 150
    wrong = 0
    contests = []
    for number in range(boards):
        entries = [contender(f"m{k}", asked, answers(asked, 0.6, 0.1, 1000 * number + k)) for k in range(10)]
        contests.append(Contest(asked, tuple(entries)))
    for compared in compare(contests, resamples=400):
        wrong += bool(compared.better.any())
    # 5 % of 150 is 7.5; 15 is beyond the 99.5 % point of that binomial.
    assert wrong <= 15


def test_what_is_clearly_better_is_ranked_so_and_what_is_not_is_tied() -> None:
    compared = only(board(questions(), {"best": (0.9, 0.02), "twin-a": (0.6, 0.05), "twin-b": (0.6, 0.05),
                                        "worst": (0.3, 0.4)}))  # fmt: skip
    assert compared.order[0] == "best"
    assert compared.order[-1] == "worst"
    ranks = {name: placing.rank for name, placing in compared.placings.items()}
    assert ranks == {"best": (1, 1), "twin-a": (2, 3), "twin-b": (2, 3), "worst": (4, 4)}
    letters = {name: placing.letters for name, placing in compared.placings.items()}
    assert letters == {"best": "a", "twin-a": "b", "twin-b": "b", "worst": "c"}
    assert compared.told_apart("best", "worst") is True
    assert compared.told_apart("twin-a", "twin-b") is False
    assert compared.told_apart("best", "nobody") is None


def test_a_rank_interval_counts_who_is_significantly_better_and_worse() -> None:
    models = {f"m{k}": (0.3 + 0.05 * k, 0.05) for k in range(12)}
    compared = only(board(questions(), models))
    size = len(compared.order)
    for row, name in enumerate(compared.order):
        assert compared.placings[name].rank == (
            1 + compared.better[:, row].sum(), size - compared.better[row].sum()
        )  # fmt: skip
    assert compared.pairs == size * (size - 1) // 2
    assert not (compared.better & compared.better.T).any()
    for name, placing in compared.placings.items():
        assert placing.rank[0] <= placing.alone[0] <= placing.alone[1] <= placing.rank[1], name
    assert any(placing.alone != placing.rank for placing in compared.placings.values())


def test_entries_with_the_same_answers_are_never_told_apart() -> None:
    asked = questions()
    right = answers(asked, 0.7, 0.1, 5)
    twins = (contender("one", asked, right), contender("two", asked, right.copy()))
    compared = only(Contest(asked, twins))
    assert [placing.rank for placing in compared.placings.values()] == [(1, 2), (1, 2)]
    assert [placing.letters for placing in compared.placings.values()] == ["a", "a"]
    assert compared.detectable == 0


def test_two_items_decide_nothing_even_when_all_fall_one_way() -> None:
    asked = questions(target=2, prior=2, known=1.1)
    asked = replace(asked, guess_rate=np.zeros(6), solved=np.array([False, False, True, True, True, True]))
    better, worse = np.ones(6, dtype=bool), np.array([False, False, True, True, True, True])
    compared = only(Contest(asked, (contender("all", asked, better), contender("none", asked, worse))))
    assert compared.order == ("all", "none")
    assert not compared.better.any()


def test_the_interval_of_one_entry_holds_its_true_rank() -> None:
    """Ten models alike: every rank from 1 to 10 is true, and one entry's interval seldom leaves one out."""
    asked = questions(target=200, prior=200)
    contests = [
        Contest(asked, tuple(contender(f"m{k}", asked, answers(asked, 0.6, 0.1, 10 * b + k)) for k in range(10)))
        for b in range(100)
    ]
    found = [compared.placings["m0"].alone for compared in compare(contests, resamples=400)]
    assert np.mean([each != (1, 10) for each in found]) <= 0.1


def test_neither_the_order_nor_the_company_changes_what_is_said_of_a_pair() -> None:
    asked = questions()
    three = board(asked, {"a": (0.9, 0.02), "b": (0.55, 0.05), "c": (0.3, 0.3)})
    first = only(three)
    turned = only(Contest(asked, three.contenders[::-1]))
    assert (first.order, first.placings) == (turned.order, turned.placings)
    assert (first.better == turned.better).all()
    pair = Contest(asked, three.contenders[:2])
    both = compare([three, pair], resamples=2000)
    assert both[0].placings == first.placings
    assert both[1].placings == only(pair).placings


def test_the_detectable_difference_of_one_pair_is_2_8_standard_errors() -> None:
    contest = board(questions(), {"a": (0.6, 0.05), "b": (0.5, 0.05)})
    compared = only(contest, 4000)
    drawn = _Draws(contest, 4000)
    for task in contest.questions.tasks:
        for rows, counts in _counts(contest.questions, task, 4000):
            drawn.add(task, rows, counts)
    error = float((drawn.balance[:, 0] - drawn.balance[:, 1]).std())
    assert compared.detectable == pytest.approx(2.8 * error, rel=0.01)
    many = only(board(questions(), {f"m{k}": (0.6, 0.05) for k in range(10)}))
    assert many.detectable is not None
    assert many.detectable > 3.5 * error


def test_an_entry_alone_is_first_of_one_and_nothing_is_detectable() -> None:
    compared = only(board(questions(), {"only": (0.6, 0.05)}))
    assert compared.placings["only"].rank == (1, 1)
    assert compared.placings["only"].front == "on the front"
    assert compared.detectable is None
    assert only(Contest(questions(), ())).order == ()


def test_without_a_balance_there_is_no_rank_but_a_reason() -> None:
    asked = replace(questions(), solved=np.zeros(TARGET + 2 * PRIOR, dtype=bool))
    for models in ({"a": (0.6, 0.0)}, {"a": (0.6, 0.0), "b": (0.5, 0.0)}):
        compared = only(board(asked, models))
        assert compared.order == ()
        assert compared.placings["a"].rank is None
        assert compared.placings["a"].reason == "no prior task has a defined retention"
        assert compared.placings["a"].front is None


def test_pareto_status_says_dominated_only_when_both_differences_are_certain() -> None:
    models = {"learns": (0.9, 0.3), "keeps": (0.4, 0.01), "neither": (0.35, 0.4), "nearly": (0.87, 0.31)}
    compared = only(board(questions(), models))
    assert {name: placing.front for name, placing in compared.placings.items()} == {
        "learns": "on the front", "keeps": "on the front", "neither": "dominated", "nearly": "not distinguishable"
    }  # fmt: skip


def test_who_dominates_is_named_best_first_and_counted() -> None:
    models = {f"better{k}": (0.9 - 0.01 * k, 0.05 + 0.002 * k) for k in range(5)}
    compared = only(board(questions(), models | {"worse": (0.35, 0.4), "beside": (0.4, 0.0)}))
    worse = compared.placings["worse"]
    assert worse.front == "dominated"
    assert worse.dominators == 5
    assert worse.dominated_by == tuple(name for name in compared.order if name.startswith("better"))[:3]
    for name, placing in compared.placings.items():
        assert (placing.front == "dominated") == (placing.dominators > 0), name
        assert len(placing.dominated_by) == min(placing.dominators, 3)


@given(st.integers(2, 9).flatmap(lambda size: st.lists(st.floats(0, 0.2), min_size=size * size, max_size=size * size)))
def test_holm_over_a_matrix_is_holm_over_its_pairs(values: list[float]) -> None:
    size = int(len(values) ** 0.5)
    p = np.triu(np.array(values).reshape(size, size), 1)
    p = p + p.T + np.eye(size)
    rows, columns = np.triu_indices(size, 1)
    expected = np.array(statistics.holm(list(p[rows, columns]))) < 0.05
    assert (holm_rejects(p)[rows, columns] == expected).all()
    assert (holm_rejects(p) == holm_rejects(p).T).all()


@given(st.integers(1, 8).flatmap(lambda size: st.lists(st.booleans(), min_size=size * size, max_size=size * size)))
@settings(max_examples=200)
def test_letters_are_shared_exactly_by_those_that_are_alike(values: list[bool]) -> None:
    size = int(len(values) ** 0.5)
    upper = np.triu(np.array(values).reshape(size, size), 1)
    alike = upper | upper.T | np.eye(size, dtype=bool)
    letters = tie_letters(alike)
    assert letters is not None
    for one in range(size):
        assert list(letters[one]) == sorted(set(letters[one]))
        for other in range(size):
            assert bool(set(letters[one]) & set(letters[other])) == alike[one, other]
    assert "".join(sorted(set("".join(letters)))) == string.ascii_lowercase[: len(set("".join(letters)))]


def test_no_letters_where_the_alphabet_is_too_short() -> None:
    assert tie_letters(np.eye(27, dtype=bool)) is None
    assert tie_letters(np.eye(26, dtype=bool)) == list(string.ascii_lowercase)
    assert tie_letters(np.zeros((0, 0), dtype=bool)) == []


@pytest.mark.parametrize("changed", [(), (3,), (3, 9, 11)])
def test_the_variance_of_a_difference_is_that_of_its_draws(changed: Sequence[int]) -> None:
    rng = np.random.default_rng(4)
    draws = rng.random((500, 4)) * 0.1 + 0.5
    draws[list(changed), 2] = draws[list(changed), 1]
    tests = _Tests.of(draws.mean(axis=0), draws, 400)
    for a in range(4):
        for b in range(4):
            assert tests.variance[a, b] == pytest.approx((draws[:, a] - draws[:, b]).var(), rel=1e-3, abs=1e-12)


def test_sums_are_exact_in_whatever_order_they_are_taken() -> None:
    draws = np.random.default_rng(8).random((4000, 5))
    turned = draws[np.random.default_rng(9).permutation(4000)]
    values = np.array([0.5, 0.4, 0.6, 0.5, 0.3])
    first, second = (_Tests.of(values, each, 400) for each in (draws, turned))
    assert (first.variance == second.variance).all()
    assert (first.p == second.p).all()
