"""Headline: what stands out in a track, in two or three sentences made from its numbers alone.

Every clause is there because a rule over the numbers holds, and is another or absent where it does not. What is said of
recipes rests on their seeds (:mod:`leaderboard.board.seeds`): a difference between two is called shown only by Welch's
t between their seeds, after Holm over all pairs that are compared, and a recipe of one seed is not tested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from leaderboard.board import Track
from leaderboard.board.recipes import Recipe, but_learning_rate, short_names
from leaderboard.board.seeds import LEAST_TESTED, Difference, Differences, SeedMean
from leaderboard.numbers import learning_rate, probability

# Mean gains no further apart than this are called about equal.
EQUAL_GAIN = 0.05
# What a recipe surely lost, or surely kept, where the interval of every seed is below the one or above the other.
LOST_MOST, KEPT_MOST = 0.5, 0.9
_MOST = 3
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True)
class Link:
    """A recipe in a sentence, under as short a name as tells it from the others of its track."""

    recipe: Recipe
    text: str


Part = str | Link


@dataclass(frozen=True)
class Sentence:
    """``lead`` are its first words, ``parts`` the rest; ``rule`` names the rule that holds."""

    rule: str
    lead: str
    parts: tuple[Part, ...]

    @property
    def provisional(self) -> bool:
        """Whether it rests on a recipe that nobody other than its author has run."""
        return any(isinstance(part, Link) and part.recipe.provisional for part in self.parts)

    def __str__(self) -> str:
        return f"{'Provisional. ' if self.provisional else ''}{self.lead} " + "".join(
            part if isinstance(part, str) else part.text for part in self.parts
        )


@dataclass(frozen=True)
class Least:
    """Which recipe keeps most among those of about the highest gain, and whether that is shown.

    ``shown`` says whether its lead over the second is; None where one of the two has fewer than two seeds, or there is
    no second.
    """

    recipe: Recipe
    second: Recipe | None
    shown: bool | None
    sentence: Sentence


def headline(track: Track, found: Sequence[Recipe], most: int = _MOST) -> tuple[Sentence, ...]:
    """At most ``most`` sentences on ``track``, whose recipes are ``found``; none where nothing can be said.

    Nothing is said of entries that are doubted or replaced.
    """
    found = _undoubted(found)
    if len(found) < 2:
        return tuple(sentence for recipe in found for sentence in _only(recipe))
    rules = (_rates, _disagreement, _least) if track.shows_gain else (_no_gain, _lost_anyway, _unchanged, _rates)
    names = _Names(found)
    said = (sentence for rule in rules if (sentence := rule(track, found, names)) is not None)
    return tuple(islice(said, most))


def least_forgetting(found: Sequence[Recipe]) -> Least | None:
    """The recipe that keeps most among those within ``EQUAL_GAIN`` of the highest mean gain; None where no recipe
    shows a gain with every seed. Only reproduced and verified ones compete, where there is any that shows a gain."""
    found = _undoubted(found)
    found = [recipe for recipe in found if recipe.shows_gain and not recipe.provisional] or found
    there = [recipe for recipe in found if recipe.shows_gain and recipe.retention is not None]
    highest = max((recipe.gain.mean for recipe in there), default=0.0)
    equal = [recipe for recipe in there if highest - recipe.gain.mean <= EQUAL_GAIN]
    if not equal:
        return None
    names, rule, lead = _Names(found), "least-forgetting", "Least forgetting at about equal gain:"
    ordered = sorted(equal, key=lambda recipe: (-_kept(recipe).mean, recipe.slug))
    first, kept = ordered[0], _kept(ordered[0])
    parts: list[Part] = [names(first), f" keeps most, {share(kept.mean)}"]
    if len(ordered) > 1 and kept.mean == _kept(ordered[1]).mean:
        alike = [recipe for recipe in ordered if _kept(recipe).mean == kept.mean]
        said = f" keep as much, {share(kept.mean)}, and no other more."
        return Least(first, ordered[1], None, Sentence(rule, lead, (*_joined(alike, names), said)))
    if len(ordered) == 1:
        parts.append(f"; no other recipe comes within {EQUAL_GAIN * 100:.0f} points of its gain.")
        return Least(first, None, None, Sentence(rule, lead, tuple(parts)))
    tests = Differences([_kept(recipe) for recipe in ordered])
    between = tests[0, 1]
    if between.p is None:
        parts += [f", on {_seeds(kept)}; its lead over ", *_second(names, ordered[1]), " is not tested."]
        parts += _best_tested(ordered, tests, names)
    else:
        parts += [". Its lead over ", *_second(names, ordered[1]), *_verdict(between, tests, range(2, len(ordered)))]
    shown = None if between.p is None else between.is_shown
    return Least(first, ordered[1], shown, Sentence(rule, lead, tuple(parts)))


def _undoubted(found: Sequence[Recipe]) -> list[Recipe]:
    return [recipe for recipe in found if all(row.standing.ranked for row in recipe.rows)]


def share(value: float) -> str:
    """What was kept, in a sentence: "94 %", or "nothing" where no more is right than by guessing."""
    per_cent = round(value * 100)
    return "nothing" if per_cent <= 0 else f"{per_cent}\N{NO-BREAK SPACE}%"


class _Names:
    """Names of the recipes of a track, each as short as it may be."""

    def __init__(self, found: Sequence[Recipe]) -> None:
        self._names = short_names(found)

    def __call__(self, recipe: Recipe) -> Link:
        return Link(recipe, self._names[recipe.slug])


def _only(recipe: Recipe) -> Iterator[Sentence]:
    if recipe.retention is None:
        return
    gain = f"{_points(recipe.gain.mean)} points"
    learned = f"gained {gain}" if recipe.shows_gain else f"got worse ({gain})" if recipe.got_worse else "shows no gain"
    kept = f" and keeps {share(recipe.retention.mean)} of the rest"
    over = "." if recipe.gain.seeds == 1 else f", the means of {_seeds(recipe.gain)}."
    yield Sentence("only", "One recipe so far:", (Link(recipe, recipe.title), f" {learned}{kept}{over}"))


def _rates(track: Track, found: Sequence[Recipe], names: _Names) -> Sentence | None:
    """What one method keeps at several learning rates, and whether they are shown to differ."""
    methods: dict[str, list[Recipe]] = {}
    for recipe in found:
        if recipe.retention is not None and recipe.manifest.method.learning_rate is not None:
            methods.setdefault(but_learning_rate(recipe), []).append(recipe)
    # Two of one learning rate are told apart by nothing that this sentence says.
    several = [each for each in methods.values() if len(each) == len(set(map(_rate, each))) > 1]
    if not several:
        return None
    chosen = max(several, key=lambda recipes: (len(recipes), _range(recipes), recipes[0].slug))
    chosen.sort(key=_rate)
    each = [f"{share(_kept(recipe).mean)} at {learning_rate(_rate(recipe))}" for recipe in chosen]
    gains = [recipe.gain.mean for recipe in chosen]
    if max(gains) - min(gains) <= EQUAL_GAIN:
        gained = f", at about equal gain ({_points_range(gains)} points)"
    else:
        gained = f", with gains of {_list([_points(gain) for gain in gains])} points"
    lead = f"One method, {_number(len(chosen))} learning rates:"
    parts = (Link(chosen[0], chosen[0].title), f" keeps {_list(each)}{gained}{_rates_apart(chosen)}.")
    return Sentence("learning-rates", lead, parts)


def _all_tested(chosen: Sequence[Recipe]) -> bool:
    return all(_kept(recipe).seeds >= LEAST_TESTED for recipe in chosen)


def _rates_apart(chosen: Sequence[Recipe]) -> str:
    """Whether what most and what least was kept at is shown to differ, or else the surest pair that is."""
    tests = Differences([_kept(recipe) for recipe in chosen])
    made = list(tests)
    if not made:
        return "; not tested, for want of seeds" + (" that differ" if _all_tested(chosen) else "")
    places = sorted(range(len(chosen)), key=lambda at: _kept(chosen[at]).mean)
    extreme = tests[places[0], places[-1]]
    if not extreme.is_shown:
        extreme = min(made, key=lambda test: (test.p or 0.0, test.one, test.other))
    if not extreme.is_shown:
        return "; no difference between them is shown"
    rates = sorted(_rate(chosen[at]) for at in (extreme.one, extreme.other))
    return f"; {learning_rate(rates[0])} against {learning_rate(rates[1])} is shown ({_p(extreme.p)})"


def _disagreement(track: Track, found: Sequence[Recipe], names: _Names) -> Sentence | None:
    """The recipe whose seeds are shown to keep the most different shares."""
    apart = [recipe for recipe in found if recipe.retention is not None and recipe.retention.disagree]
    if not apart:
        return None
    widest = max(apart, key=lambda recipe: (_kept(recipe).high - _kept(recipe).low, recipe.slug))
    kept = _kept(widest)
    parts: list[Part] = [f"the {_seeds(kept)} of ", names(widest), f" keep {_list([share(v) for v in kept.values])}"]
    tested = sum(recipe.retention is not None and recipe.retention.disagree_p is not None for recipe in found)
    if len(apart) > 1:
        parts.append(f"; seeds disagree in {_number(len(apart))} of {_number(tested)} recipes with several")
    return Sentence("seeds-disagree", "Not one result:", (*parts, "."))


def _least(track: Track, found: Sequence[Recipe], names: _Names) -> Sentence | None:
    least = least_forgetting(found)
    return None if least is None else least.sentence


def _best_tested(ordered: Sequence[Recipe], tests: Differences, names: _Names) -> Iterator[Part]:
    """The best of those that could be tested, where the first one could not."""
    there = [at for at, recipe in enumerate(ordered) if _kept(recipe).seeds >= LEAST_TESTED]
    if len(there) < 2 or there[0] == 0:
        return
    first, second = there[:2]
    if _kept(ordered[first]).mean == _kept(ordered[second]).mean:
        return
    yield " Of those with several seeds "
    yield names(ordered[first])
    yield f" keeps most, {share(_kept(ordered[first]).mean)}; its lead over "
    yield from _second(names, ordered[second])
    yield from _verdict(tests[first, second], tests, there[2:])


def _second(names: _Names, recipe: Recipe) -> tuple[Part, ...]:
    return names(recipe), f" ({share(_kept(recipe).mean)})"


def _verdict(between: Difference, tests: Differences, others: Sequence[int]) -> Iterator[Part]:
    if between.p is None:
        yield " is not tested."
        return
    yield f" is {'' if between.is_shown else 'not '}shown ({_p(between.p)})"
    tested = [test for other in others if (test := tests[between.one, other]).p is not None]
    shown = sum(test.is_shown for test in tested)
    if shown:
        rest = "the other" if len(tested) == 1 else f"{_number(shown)} of the other {_number(len(tested))}"
        yield f", {'as is' if between.is_shown else 'but'} that over {rest}{'' if between.is_shown else ' is'}"
    yield "."


def _no_gain(track: Track, found: Sequence[Recipe], names: _Names) -> Sentence | None:
    """That nothing was learned, and what got worse at the target."""
    parts: list[Part] = [f"none of the {_number(len(found))} recipes is shown to learn {track.key.target}"]
    worse = [recipe for recipe in found if recipe.got_worse]
    for at, recipe in enumerate(worse):
        parts += ["; " if not at else _and(at, len(worse)), names(recipe), f" ({_points(recipe.gain.mean)} points)"]
    return Sentence("no-gain", "No gain shown:", (*parts, " got worse at it." if worse else "."))


def _lost_anyway(track: Track, found: Sequence[Recipe], names: _Names) -> Sentence | None:
    """Who is sure to have lost most of the rest, every seed."""
    lost = [recipe for recipe in found if _every_seed(recipe, lambda low, high: high < LOST_MOST)]
    return _kept_by("lost-anyway", "Forgot all the same:", lost, names)


def _unchanged(track: Track, found: Sequence[Recipe], names: _Names) -> Sentence | None:
    """Who is sure to have kept nearly all of the rest, every seed, without a change shown on the target."""
    still = [
        recipe for recipe in found if not recipe.got_worse and _every_seed(recipe, lambda low, high: low > KEPT_MOST)
    ]
    return _kept_by("unchanged", "No gain shown, and little forgotten:", still, names)


def _kept_by(rule: str, lead: str, found: Sequence[Recipe], names: _Names) -> Sentence | None:
    if not found:
        return None
    shares = [share(_kept(recipe).mean) for recipe in found]
    kept = shares[0] if len(set(shares)) == 1 else _list(shares)
    return Sentence(
        rule, lead, (*_joined(found, names), f" {'keeps' if len(found) == 1 else 'keep'} {kept} of the rest.")
    )


def _joined(found: Sequence[Recipe], names: _Names) -> Iterator[Part]:
    for at, recipe in enumerate(found):
        if at:
            yield _and(at, len(found))
        yield names(recipe)


def _every_seed(recipe: Recipe, holds: Callable[[float, float], bool]) -> bool:
    intervals = [row.card.retention_macro_ci for row in recipe.rows]
    return all(each is not None and holds(*each) for each in intervals)


def _kept(recipe: Recipe) -> SeedMean:
    """Retention of a recipe that has one."""
    assert recipe.retention is not None
    return recipe.retention


def _rate(recipe: Recipe) -> float:
    """The learning rate of a recipe that states one."""
    assert recipe.manifest.method.learning_rate is not None
    return recipe.manifest.method.learning_rate


def _range(recipes: Sequence[Recipe]) -> float:
    kept = [_kept(recipe).mean for recipe in recipes]
    return max(kept) - min(kept)


def _number(count: int) -> str:
    return _WORDS[count] if count < len(_WORDS) else str(count)


def _seeds(mean: SeedMean) -> str:
    return f"{_number(mean.seeds)} {'seed' if mean.seeds == 1 else 'seeds'}"


def _points(change: float) -> str:
    whole = round(change * 100)
    return "0" if whole == 0 else f"{'+' if whole > 0 else chr(0x2212)}{abs(whole)}"


def _points_range(values: Sequence[float]) -> str:
    low, high = _points(min(values)), _points(max(values))
    return low if low == high else f"{low} to {high}"


def _p(p: float | None) -> str:
    said = probability(1.0 if p is None else p)
    return f"p\N{NO-BREAK SPACE}{said}" if said.startswith("<") else f"p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{said}"


def _and(at: int, of: int) -> str:
    return " and " if at == of - 1 else ", "


def _list(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
