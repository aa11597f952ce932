"""Headline: each clause where its rule holds, another or none where it is contradicted or there is nothing to say."""

from typing import Any

from leaderboard.board import Row
from leaderboard.board.recipes import recipes
from leaderboard.ledger import Standing
from leaderboard.site.headline import Least, Sentence, headline, least_forgetting, share
from tests.support.made_up_board import made_row, made_track, seeds_of


def said(*rows: Row) -> dict[str, str]:
    track = made_track(*rows)
    return {each.rule: _plain(each) for each in headline(track, recipes(track))}


def least(*rows: Row) -> Least:
    found = least_forgetting(recipes(made_track(*rows)))
    assert found is not None
    return found


def _plain(sentence: Sentence) -> str:
    return str(sentence).replace("\N{NO-BREAK SPACE}", " ")


def rates(*kept: list[float], gain: tuple[float, ...] = (0.8, 0.8, 0.8)) -> list[Row]:
    """SFT at 1e-4, 3e-4, 1e-3."""
    each = zip((1e-4, 3e-4, 1e-3), kept, gain, strict=False)
    return [row for rate, found, learned in each for row in seeds_of(f"e{rate:g}-", found, learned, learning_rate=rate)]


GRPO: dict[str, Any] = {"family": "rft", "algorithm": "GRPO"}
DPO: dict[str, Any] = {"family": "dpo"}


def test_learning_rates_at_equal_gain_that_are_shown_to_differ() -> None:
    told = said(*rates([0.94, 0.95, 0.94], [0.8, 0.81, 0.8], [0.2, 0.1, 0.15]))
    assert told["learning-rates"] == (
        "One method, three learning rates: SFT keeps 94 % at 1e-4, 80 % at 3e-4 and 15 % at 1e-3, at about equal gain "
        "(+80 points); 1e-4 against 1e-3 is shown (p = 0.002)."
    )


def test_learning_rates_at_other_gains_that_are_not_shown_to_differ() -> None:
    told = said(*rates([0.95, 0.85], [0.93, 0.84], gain=(0.8, 0.6)))
    assert told["learning-rates"] == (
        "One method, two learning rates: SFT keeps 90 % at 1e-4 and 88 % at 3e-4, with gains of +80 and +60 points; no "
        "difference between them is shown."
    )


def test_learning_rates_of_one_seed_each_are_not_tested() -> None:
    assert said(*rates([0.95], [0.1]))["learning-rates"].endswith("; not tested, for want of seeds.")


def test_seeds_without_a_spread_are_not_tested_and_not_called_too_few() -> None:
    told = said(*rates([0.95, 0.95, 0.95], [0.1, 0.1, 0.1]))["learning-rates"]
    assert told.endswith("; not tested, for want of seeds that differ.")


def test_another_pair_is_named_where_the_extremes_are_too_noisy() -> None:
    told = said(*rates([0.94, 0.95, 0.94], [0.8, 0.81, 0.8], [0.9, 0.05, 0.7]))["learning-rates"]
    assert "1e-4 against 3e-4 is shown" in told


def test_methods_that_differ_in_more_than_the_rate_are_not_one_method() -> None:
    rows = [made_row("a"), made_row("b", learning_rate=1e-3, steps=7), made_row("c", learning_rate=1e-2, handle="bob")]
    assert "learning-rates" not in said(*rows)


def test_seeds_that_disagree_are_told_with_what_each_kept() -> None:
    told = said(*seeds_of("a", [0.93, 0.72, -0.11], **GRPO), *seeds_of("b", [0.9, 0.9]))
    assert told["seeds-disagree"] == "Not one result: the three seeds of GRPO keep 93 %, 72 % and nothing."


def test_the_widest_disagreement_is_told_and_the_others_are_counted() -> None:
    rows = [*seeds_of("a", [0.93, 0.1], **GRPO), *seeds_of("b", [0.9, 0.7]), *seeds_of("c", [0.8, 0.8], **DPO)]
    told = said(*rows, made_row("d", family="merge"))
    assert told["seeds-disagree"] == (
        "Not one result: the two seeds of GRPO keep 93 % and 10 %; seeds disagree in two of three recipes with several."
    )


def test_seeds_that_agree_are_no_news() -> None:
    assert "seeds-disagree" not in said(*seeds_of("a", [0.93, 0.92], **GRPO), *seeds_of("b", [0.9, 0.9]))


def test_a_lead_over_the_second_that_is_shown() -> None:
    found = least(
        *seeds_of("a", [0.95, 0.96, 0.95], **GRPO), *seeds_of("b", [0.8, 0.81, 0.8]),
        *seeds_of("c", [0.5, 0.51, 0.5], **DPO),
    )  # fmt: skip
    assert (found.recipe.title, found.second and found.second.title, found.shown) == ("GRPO", "SFT", True)
    assert _plain(found.sentence) == (
        "Least forgetting at about equal gain: GRPO keeps most, 95 %. Its lead over SFT (80 %) is shown (p < 0.001), "
        "as is that over the other."
    )


def test_a_lead_over_the_second_that_is_not_shown_but_over_others() -> None:
    found = least(
        *seeds_of("a", [0.95, 0.96, 0.97], **GRPO), *seeds_of("b", [0.94, 0.97, 0.95]),
        *seeds_of("c", [0.5, 0.51, 0.5], **DPO), *seeds_of("d", [0.2, 0.96, 0.9], family="merge"),
    )  # fmt: skip
    assert found.shown is False
    assert _plain(found.sentence) == (
        "Least forgetting at about equal gain: GRPO keeps most, 96 %. Its lead over SFT (95 %) is not shown "
        "(p = 1.000), but that over one of the other two is."
    )


def test_a_lead_of_one_seed_is_not_tested_and_the_best_that_is_stands_beside_it() -> None:
    rows = [made_row("a", kept=0.99, family="merge"), *seeds_of("b", [0.95, 0.96, 0.95], **GRPO)]
    found = least(*rows, *seeds_of("c", [0.8, 0.81, 0.8]))
    assert found.shown is None
    assert _plain(found.sentence) == (
        "Least forgetting at about equal gain: merge keeps most, 99 %, on one seed; its lead over GRPO (95 %) is not "
        "tested. Of those with several seeds GRPO keeps most, 95 %; its lead over SFT (80 %) is shown (p < 0.001)."
    )
    assert _plain(least(*rows).sentence).endswith("its lead over GRPO (95 %) is not tested.")


def test_nobody_leads_among_recipes_that_keep_the_same() -> None:
    found = least(*seeds_of("a", [1.0, 1.0]), *seeds_of("b", [1.0, 1.0], **GRPO), *seeds_of("c", [0.9, 0.8], **DPO))
    assert found.shown is None
    assert _plain(found.sentence) in (
        "Least forgetting at about equal gain: SFT and GRPO keep as much, 100 %, and no other more.",
        "Least forgetting at about equal gain: GRPO and SFT keep as much, 100 %, and no other more.",
    )


def test_two_of_one_learning_rate_are_not_two_learning_rates() -> None:
    twice = [made_row(name, seeds=(0,), learning_rate=1e-4) for name in ("one", "two")]
    assert "learning-rates" not in said(*twice)


def test_what_gained_less_is_not_compared() -> None:
    found = least(*seeds_of("a", [0.5, 0.5]), *seeds_of("b", [0.99, 0.99], gain=0.7, **GRPO))
    assert (found.recipe.title, found.second) == ("SFT", None)
    assert _plain(found.sentence) == (
        "Least forgetting at about equal gain: SFT keeps most, 50 %; no other recipe comes within 5 points of its gain."
    )


def test_without_a_gain_nobody_forgets_least_at_equal_gain() -> None:
    assert least_forgetting(recipes(made_track(*seeds_of("a", [0.9, 0.9], gain=0.0)))) is None
    assert least_forgetting(recipes(made_track(*seeds_of("a", [0.9, 0.9], gain=[0.8, 0.0])))) is None


def test_a_track_without_a_gain_says_what_happened_instead() -> None:
    told = said(
        *seeds_of("a", [1.0, 1.01], gain=0.0, **GRPO), *seeds_of("b", [-0.01, 0.0], gain=-0.1, learning_rate=1e-4),
        *seeds_of("c", [0.2, 0.21], gain=0.0, learning_rate=3e-4), *seeds_of("d", [0.7, 0.6], gain=0.0, **DPO),
    )  # fmt: skip
    assert told == {
        "no-gain": "No gain shown: none of the four recipes is shown to learn jigsaw; SFT at lr 1e-4 (−10 points) got "
        "worse at it.",
        "lost-anyway": "Forgot all the same: SFT at lr 3e-4 and SFT at lr 1e-4 keep 20 % and nothing of the rest.",
        "unchanged": "No gain shown, and little forgotten: GRPO keeps 100 % of the rest.",
    }


def test_a_track_without_a_gain_in_which_nothing_else_is_sure() -> None:
    told = said(*seeds_of("a", [0.9, 0.49], gain=0.0, **GRPO), *seeds_of("b", [0.91, 0.7], gain=0.0))
    assert told == {"no-gain": "No gain shown: none of the two recipes is shown to learn jigsaw."}


def test_who_got_worse_is_not_among_those_that_changed_little() -> None:
    told = said(*seeds_of("a", [1.0, 1.0], gain=-0.1, **GRPO), *seeds_of("b", [0.6, 0.6], gain=0.0))
    assert "unchanged" not in told


def test_one_recipe_is_told_by_itself() -> None:
    assert said(made_row("a", kept=0.94)) == {
        "only": "One recipe so far: SFT gained +80 points and keeps 94 % of the rest."
    }
    assert said(*seeds_of("a", [0.94, 0.94], gain=-0.1)) == {
        "only": "One recipe so far: SFT got worse (−10 points) and keeps 94 % of the rest, the means of two seeds."
    }
    assert said(made_row("a", kept=0.94, gain=0.0))["only"] == (
        "One recipe so far: SFT shows no gain and keeps 94 % of the rest."
    )
    assert said(made_row("a", kept=None)) == {}
    assert headline(made_track(), ()) == ()


def test_nothing_is_said_of_what_is_doubted() -> None:
    doubted = made_row("a", kept=0.99, family="merge", standing=Standing.FLAGGED)
    told = said(doubted, *seeds_of("b", [0.95, 0.96], **GRPO), *seeds_of("c", [0.8, 0.81]))
    assert told
    assert not any("merge" in sentence for sentence in told.values())


def test_at_most_three_sentences() -> None:
    rows = rates([0.2, 0.1], [0.21, 0.1], gain=(-0.1, 0.0))
    assert len(said(*rows, *seeds_of("a", [1.0, 1.0], gain=0.0, **GRPO))) == 3


def test_what_is_no_better_than_guessing_is_nothing() -> None:
    assert [share(value).replace("\N{NO-BREAK SPACE}", " ") for value in (-0.11, 0.0, 0.004, 0.016, 0.941, 1.02)] == [
        "nothing", "nothing", "nothing", "2 %", "94 %", "102 %",
    ]  # fmt: skip
