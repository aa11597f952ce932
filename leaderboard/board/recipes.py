"""Recipes: entries of a track that differ in their seed and what follows from it, read as one row.

A recipe is named from the fields of the manifest (:mod:`leaderboard.board.naming`), and its numbers are means over its
seeds (:mod:`leaderboard.board.seeds`). Ranks are of entries; recipes are put in order, not ranked.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.items import canonical_json
from leaderboard.board.board import Row, Track
from leaderboard.board.naming import seed_count, settings, title, weights
from leaderboard.board.seeds import Interval, SeedMean, adjusted, over_seeds
from leaderboard.board.tags import GOT_WORSE, NO_GAIN, NOT_ACCEPTED, PROVISIONAL, Tag, shared
from leaderboard.documents import Manifest
from leaderboard.ledger import Evidence
from leaderboard.numbers import learning_rate

__all__ = ["Recipe", "SeedMean", "but_learning_rate", "recipes", "short_names", "weights"]

# What does not make it another recipe: the seed, and what follows from it or describes it; where an author names the
# recipe, also how far it went, as a rule may end a training, or stop sampling, at another place with each seed.
_OF_A_SEED = ("seeds", "summary", "tokens")
_HOW_FAR = ("steps", "rollouts")


@dataclass(frozen=True)
class Recipe:
    """Entries of one track that differ in their seed and what follows from it, in the order of the track (best first).

    ``gain``, ``retention`` and ``balance`` are means over seeds, as rates; ``retention`` is None where a seed has none,
    ``balance`` where a seed has none, as those without a shown gain. ``title`` says what was done, ``setting`` with
    which learning rate and what else tells it from the others of its track. ``manifest`` is that of one of its entries,
    without what the others state otherwise of their method.
    """

    slug: str
    title: str
    setting: str
    manifest: Manifest
    rows: tuple[Row, ...]
    gain: SeedMean
    retention: SeedMean | None
    balance: SeedMean | None

    @property
    def settings(self) -> str:
        """Its setting, and on how many seeds it rests: "lr 3e-4 · 3 seeds"."""
        return " · ".join(filter(None, (self.setting, seed_count([row.manifest for row in self.rows]))))

    @property
    def name(self) -> str:
        return " · ".join(filter(None, (self.title, self.settings)))

    @property
    def weights(self) -> str:
        """Which weights were trained: ``full``, or the kind of adapter with its rank."""
        return weights(self.manifest)

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of its entries, as far as they are stated."""
        return tuple(seed for row in self.rows for seed in row.manifest.method.seeds or [])

    @property
    def shows_gain(self) -> bool:
        """Whether each of its entries shows a gain by itself."""
        return all(row.shows_gain for row in self.rows)

    @property
    def provisional(self) -> bool:
        """Whether nobody other than its author has run one of its entries, so that its means are the author's word."""
        return any(row.provisional for row in self.rows)

    @property
    def precedence(self) -> int:
        """That of the entry of which a reader may rely on least."""
        return max(row.precedence for row in self.rows)

    @property
    def evidence(self) -> Evidence:
        """The weakest evidence among its entries."""
        return min((row.evidence for row in self.rows), key=lambda evidence: evidence.rank)

    @property
    def got_worse(self) -> bool:
        """Whether each of its entries is shown to have lost on its own target."""
        return all(row.got_worse for row in self.rows)

    @cached_property
    def disagrees(self) -> bool:
        """Whether its seeds are shown to differ in retention or in gain."""
        return self.gain.disagree or (self.retention is not None and self.retention.disagree)

    @cached_property
    def tags(self) -> tuple[Tag, ...]:
        """What a reader should know beside its numbers: evidence and standing of all, gain, and whether seeds agree."""
        counted = (NO_GAIN, GOT_WORSE, PROVISIONAL, NOT_ACCEPTED)
        told = [tag for tag in shared([row.tags for row in self.rows]) if tag not in counted]
        gained = sum(row.shows_gain for row in self.rows)
        if not gained:
            told.insert(0, GOT_WORSE if self.got_worse else NO_GAIN)
        elif gained < len(self.rows):
            told.insert(0, Tag(f"gain shown by {gained} of {len(self.rows)} seeds", "plain"))
        for tag, left in (
            (PROVISIONAL, sum(row.provisional for row in self.rows)),
            (NOT_ACCEPTED, sum(row.pending for row in self.rows)),
        ):
            if left:
                some = left < len(self.rows)
                told.insert(0, Tag(f"{left} of {len(self.rows)} seeds {tag.text}", tag.tone) if some else tag)
        return tuple(told) + ((Tag("seeds disagree", "warn"),) if self.disagrees else ())


def recipes(track: Track) -> tuple[Recipe, ...]:
    """The recipes of ``track``: those of which every seed was reproduced or verified, then provisional ones, then those
    that are doubted; each by the mean balance of their seeds, then those without a balance by mean retention.

    Nobody but one author, with weights in one place, is joined. Entries of which nothing says that only a seed tells
    them apart are recipes of their own: those whose seed is not stated, or stated by another of the same statements,
    and those that are not ranked because they are doubted or replaced.
    """
    keyed = _groups(track)
    groups = list(keyed.values())
    ids = [",".join(sorted(row.entry_id for row in rows)) for rows in groups]
    slugs = [f"recipe-{hashlib.sha256(key.encode()).hexdigest()[:8]}" for key in keyed]
    manifests = [_shared(rows) for rows in groups]
    said = settings(manifests, ids)
    gains = adjusted(
        [over_seeds([(row.card.learned.gain, row.card.learned.gain_ci) for row in rows]) for rows in groups]
    )
    kept = iter(adjusted([mean for rows in groups if (mean := _retention(rows))]))
    found = []
    for rows, slug, manifest, setting, gain in zip(groups, slugs, manifests, said, gains, strict=True):
        retention = next(kept) if _retention(rows) else None
        found.append(Recipe(slug, title(manifest), setting, manifest, tuple(rows), gain, retention, _balance(rows)))
    return tuple(sorted(found, key=_order))


def _order(recipe: Recipe) -> tuple[int, bool, float, bool, float, float, str]:
    balance, retention = recipe.balance, recipe.retention
    return (
        recipe.precedence,
        balance is None,
        -balance.mean if balance else 0.0,
        retention is None,
        -retention.mean if retention else 0.0,
        -recipe.gain.mean,
        recipe.slug,
    )


def _groups(track: Track) -> dict[str, list[Row]]:
    """The rows of each recipe, in the order of the track, by what its address follows from: what its author stated, so
    that another seed does not move it, or the entry alone."""
    alike: dict[str, list[Row]] = {}
    for row in track.rows:
        left_out = ("recipe",) if row.manifest.method.recipe is None else _HOW_FAR
        alike.setdefault(_statements(row.manifest, *left_out), []).append(row)
    groups: dict[str, list[Row]] = {}
    for key, rows in alike.items():
        times = Counter(seed for row in rows if row.standing.ranked for seed in set(row.manifest.method.seeds or []))
        for row in rows:
            seeds = row.manifest.method.seeds
            is_seed = bool(seeds) and row.standing.ranked and all(times[seed] == 1 for seed in seeds or [])
            groups.setdefault(key if is_seed else row.entry_id, []).append(row)
    return groups


def short_names(found: Sequence[Recipe]) -> dict[str, str]:
    """What each recipe of a track is called where there is little room, by its slug: its title, with the learning rate
    or the whole setting where that alone tells it from the others."""
    ways = [
        {recipe.slug: recipe.title for recipe in found},
        {recipe.slug: _with_rate(recipe) for recipe in found},
        {recipe.slug: " · ".join(filter(None, (recipe.title, recipe.setting))) for recipe in found},
    ]
    times = [Counter(way.values()) for way in ways]
    chosen = {
        recipe.slug: next(
            (way[recipe.slug] for way, count in zip(ways, times, strict=True) if count[way[recipe.slug]] == 1),
            recipe.name,
        )
        for recipe in found
    }
    told = Counter(chosen.values())
    return {recipe.slug: chosen[recipe.slug] if told[chosen[recipe.slug]] == 1 else recipe.name for recipe in found}


def _with_rate(recipe: Recipe) -> str:
    rate = recipe.manifest.method.learning_rate
    return recipe.title if rate is None else f"{recipe.title} at lr {learning_rate(rate)}"


def but_learning_rate(recipe: Recipe) -> str:
    """What recipes share that differ in seed and learning rate alone."""
    return _statements(recipe.manifest, "learning_rate", "recipe")


def _statements(manifest: Manifest, *but: str) -> str:
    """All that an author says of an entry ``but`` some of its method, and its seed, and whose it is."""
    method = manifest.method.model_dump(mode="json", exclude={*_OF_A_SEED, *but})
    data = [each.model_dump(mode="json") for each in manifest.training_data]
    # A name is only stated; where the weights lie is checked, and nobody else can put any there.
    owner = (manifest.tuned_model.repo or "").partition("/")[0].casefold()
    facts = [manifest.contact.handle.casefold(), owner, method, weights(manifest), data]
    return canonical_json(facts).decode("utf-8")


def _shared(rows: Sequence[Row]) -> Manifest:
    """The manifest of the entry whose name is first, without those fields of the method in which others differ."""
    first, *others = (row.manifest for row in sorted(rows, key=lambda row: row.entry_id))
    method = first.method
    differ = [
        name
        for name in type(method).model_fields
        if any(getattr(each.method, name) != getattr(method, name) for each in others)
    ]
    return first.model_copy(update={"method": method.model_copy(update=dict.fromkeys(differ))})


def _retention(rows: Sequence[Row]) -> SeedMean | None:
    return _mean([(row.card.retention_macro, row.card.retention_macro_ci) for row in rows])


def _balance(rows: Sequence[Row]) -> SeedMean | None:
    return _mean([(row.card.balance, row.card.balance_ci) for row in rows])


def _mean(values: Sequence[tuple[float | None, Interval | None]]) -> SeedMean | None:
    """The mean over all seeds, None where one has no value: the mean of the others would be of another recipe."""
    known = [(value, interval) for value, interval in values if value is not None]
    return over_seeds(known) if len(known) == len(values) else None
