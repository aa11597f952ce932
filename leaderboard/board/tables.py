"""The board as tables: entries, their tasks, and recipes; each column is defined here, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from harness.scoring import TaskScore
from leaderboard.board.board import Board, Row, Track
from leaderboard.board.columns import Column, Kind, Table, Value, measured
from leaderboard.board.cost import cost
from leaderboard.board.recipes import Recipe, SeedMean, recipes, weights
from leaderboard.documents import Manifest
from leaderboard.ledger import Evidence, Standing
from leaderboard.numbers import part_name

SCHEMA = "retentionbench-board-2"
_FAMILIES = ("sft", "rft", "dpo", "sft-on-rollouts", "distill", "merge", "other")
_VERDICTS = ("forgot", "improved", "retained", "nothing to lose", "inconclusive")
_FRONTS = ("on the front", "not distinguishable", "dominated")
_ROLES = ("target", "transfer", "adjacent", "prior")
_SIDES = ("Lower", "Upper")
# Columns of a task that every entry has in the table of entries too.
_WIDE = ("role", "base_share", "tuned_share", "delta_share", "delta_share_low", "delta_share_high",
         "forgotten_share", "verdict")  # fmt: skip


@dataclass(frozen=True)
class _Entry:
    track: Track
    recipe: Recipe
    row: Row


@dataclass(frozen=True)
class _OfTask:
    entry: _Entry
    name: str
    score: TaskScore


@dataclass(frozen=True)
class _OfRecipe:
    track: Track
    recipe: Recipe


def board_tables(board: Board) -> tuple[Table[Any], ...]:
    """The tables of a board: ``board`` (a line an entry), ``tasks`` (a line an entry and task), ``recipes``."""
    found = [_OfRecipe(track, recipe) for track in board.tracks for recipe in recipes(track)]
    of = {row.entry_id: each for each in found for row in each.recipe.rows}
    entries = tuple(
        _Entry(track, of[row.entry_id].recipe, row) for track in board.tracks for row in track.rows
    )  # fmt: skip
    tasks = tuple(_OfTask(entry, name, score) for entry in entries for name, score in entry.row.card.tasks.items())
    # A track's tasks are those of its suite, and tracks of other suites have others: absent is null.
    names = dict.fromkeys(name for track in board.tracks for row in track.rows[:1] for name in row.card.tasks)
    wide = tuple(column for name in names for column in _wide(name))
    return (
        Table("board", "A line is an entry: one fine-tune, compared with its base on the same items.", ("entry_id",),
              (*_entry_columns(), *wide), entries, SCHEMA),
        Table("tasks", "A line is a task of an entry.", ("entry_id", "task"), tuple(_task_columns()), tasks, SCHEMA),
        Table("recipes", "A line is a recipe: entries of a track that differ in their seed and what follows from it.",
              ("track", "recipe"), tuple(_recipe_columns()), tuple(found), SCHEMA),
    )  # fmt: skip


def _entry_columns() -> Iterator[Column[_Entry]]:
    yield _text("entry_id", "The entry's name in addresses and citations.", lambda e: e.row.entry_id, required=True)
    yield _text("recipe", "The recipe's name in addresses.", lambda e: e.recipe.slug, required=True)
    yield _text("recipe_name", "The recipe in words.", lambda e: e.recipe.name, required=True)
    yield from _of_track(lambda e: e.track)
    yield _text("base", "The base checkpoint, as the manifest names it.", lambda e: e.row.manifest.base.name)
    yield _text("base_digest", "sha256 of the base's weights.", lambda e: e.track.key.base_digest)
    yield _text("tuned", "The tuned checkpoint, as the manifest names it.", lambda e: e.row.name)
    yield _text("tuned_digest", "sha256 of the tuned weights.", lambda e: e.row.tuned.checkpoint.weights_digest)
    yield from _of_method(lambda e: e.row.manifest)
    yield Column(name="seed", kind="integer", sentence="The seed of the training, where one alone is stated.",
                 of=lambda e: _only(e.row.manifest.method.seeds))  # fmt: skip
    yield _count("training_tokens", "tokens", "Tokens that the training saw.", lambda e: e.row.manifest.method.tokens)
    yield _text("contact", "The author's account.", lambda e: e.row.manifest.contact.handle)
    yield _text("license", "The entry's licence, an SPDX identifier.", lambda e: e.row.manifest.license)
    yield Column(name="run_date", kind="date", sentence="The day on which the tuned model was run.", unit="UTC date",
                 of=lambda e: cost(e.row).date)  # fmt: skip
    yield Column(name="evaluation_seconds", kind="number", sentence="How long the run of the tuned model took.",
                 unit="seconds", low=0.0, of=lambda e: cost(e.row).seconds)  # fmt: skip
    yield _count("evaluation_answers", "answers", "Answers generated in that run; others came from the store.",
                 lambda e: cost(e.row).answers)  # fmt: skip
    yield _count("evaluation_items", "items", "Items of the suite.", lambda e: cost(e.row).items)
    yield _text("device", "The class of hardware that the tuned model was run on.", lambda e: cost(e.row).device)
    yield _evidence(lambda e: e.row.evidence)
    yield _word("standing", "What events say of the entry.", lambda e: str(e.row.standing), tuple(map(str, Standing)))
    for name, metric, end in (("rank_low", "rank", 0), ("rank_high", "rank", 1), ("rank_alone_low", "rank_alone", 0),
                              ("rank_alone_high", "rank_alone", 1)):  # fmt: skip
        yield _rank(name, metric, end)
    yield _text("not_ranked", "Why the entry has no rank.", lambda e: e.row.placing.reason or None)
    yield _text("tie_letters", "Entries that share a letter cannot be told apart.",
                lambda e: e.row.placing.letters or None, metric="letters")  # fmt: skip
    yield _word("front", "Where the entry lies to the Pareto front.", lambda e: e.row.placing.front, _FRONTS, "front")
    yield measured("gain_share", "gain", lambda e: e.row.card.learned.gain)
    yield from _limits("gain_share", "gain", lambda e: e.row.card.learned.gain_ci)
    yield measured("normalised_gain_share", "normalised_gain", lambda e: e.row.card.learned.normalised_gain)
    yield measured("retention_share", "retention", lambda e: e.row.card.retention_macro)
    yield from _limits("retention_share", "retention", lambda e: e.row.card.retention_macro_ci)
    yield measured("retention_ratio_share", "retention_ratio", lambda e: e.row.card.retention_ratio)
    for name, what in (("tasks", "tasks"), ("items", "items"), ("units", "independent units")):
        yield _count(f"rests_on_{name}", what, f"How many {what} retention rests on.", _rests_on(name))
    yield _text("worst_group", "The capability group that kept least.",
                lambda e: e.row.card.worst_group.group if e.row.card.worst_group else None)  # fmt: skip
    yield measured("worst_group_retention_share", "worst_group",
                   lambda e: e.row.card.worst_group.retention if e.row.card.worst_group else None)  # fmt: skip
    yield measured("balance_share", "balance", lambda e: e.row.card.balance)
    yield from _limits("balance_share", "balance", lambda e: e.row.card.balance_ci)
    yield measured("alarms", "alarms", lambda e: len(e.row.card.alarms), unit="alarms")
    for name, metric in (("gain", "gain"), ("retention", "retention_macro"), ("balance", "balance")):
        yield _text(f"{name}_cell", f"The hash to cite the number by, as in ENTRY:{metric}@SUITE#HASH.", _cell(metric))
    yield _text("signature", "Items, weights, engine and scorer in one line.", lambda e: e.row.card.signature)


def _task_columns() -> Iterator[Column[_OfTask]]:
    yield _text("entry_id", "The entry.", lambda t: t.entry.row.entry_id, required=True)
    yield _text("task", "The task of the suite.", lambda t: t.name, required=True)
    yield _text("track", "The track's name in addresses.", lambda t: t.entry.track.key.slug, required=True)
    yield _text("recipe", "The recipe's name in addresses.", lambda t: t.entry.recipe.slug, required=True)
    yield _evidence(lambda t: t.entry.row.evidence)
    yield _text("family", "The task's family: variants of one skill.", lambda t: t.score.family)
    yield _text("group", "The capability group that its retention is averaged in.", lambda t: t.score.group)
    yield from _of_task()


def _of_task() -> Iterator[Column[_OfTask]]:
    yield _word("role", "What the task is to the training.", lambda t: t.score.role, _ROLES)
    yield measured("items", "n", lambda t: t.score.n, unit="items")
    yield measured("units", "n_clusters", lambda t: t.score.n_clusters, "Independent units among the items.",
                   unit="independent units")  # fmt: skip
    for name, metric in (("learned", "n01"), ("kept", "n11"), ("forgotten", "n10"), ("never", "n00")):
        yield measured(f"{name}_items", metric, _score(metric), unit="items")
    for name, metric in (("base", "base"), ("tuned", "tuned"), ("delta", "delta")):
        yield measured(f"{name}_share", metric, _score(metric))
    yield from _limits("delta_share", "delta", lambda t: t.score.delta_ci)
    for name, metric in (("forgotten", "forgotten_rate"), ("forgotten_given_known", "forgotten_given_known"),
                         ("backward_transfer", "backward_transfer"), ("churn", "churn")):  # fmt: skip
        yield measured(f"{name}_share", metric, _score(metric))
    yield measured("retention_share", "task_retention", lambda t: t.score.retention)
    for metric in ("format_loss", "content_loss"):
        yield measured(f"{metric}_share", metric, _score(metric))
    for metric in ("unparsed_base", "unparsed_tuned", "off_list_base", "off_list_tuned", "truncated_base",
                   "truncated_tuned"):  # fmt: skip
        yield measured(f"{metric}_share", metric, _score(metric))
    yield measured("smallest_loss_share", "smallest_loss", lambda t: t.score.smallest_loss)
    yield measured("p_value", "p_value", lambda t: t.score.p_value, unit="probability")
    yield measured("p_holm", "p_holm", lambda t: t.score.p_holm, unit="probability")
    yield _word("verdict", "What the interval shows against the margin.", lambda t: t.score.verdict, _VERDICTS,
                "verdict")  # fmt: skip


def _wide(name: str) -> Iterator[Column[_Entry]]:
    """The columns of one task in the table of entries; null where the entry's suite has no such task."""
    for column in _of_task():
        if column.name in _WIDE:
            yield Column(name=f"task:{part_name(name)}:{column.name}", kind=column.kind, sentence=column.sentence,
                         of=_there(column.of, name), unit=column.unit, low=column.low, high=column.high,
                         values=column.values, metric=column.metric)  # fmt: skip


def _there(of: Callable[[_OfTask], Value], name: str) -> Callable[[_Entry], Value]:
    def value(entry: _Entry) -> Value:
        score = entry.row.card.tasks.get(name)
        return None if score is None else of(_OfTask(entry, name, score))

    return value


def _recipe_columns() -> Iterator[Column[_OfRecipe]]:
    yield _text("recipe", "The recipe's name in addresses.", lambda r: r.recipe.slug, required=True)
    yield _text("recipe_name", "The recipe in words.", lambda r: r.recipe.name, required=True)
    yield from _of_track(lambda r: r.track)
    yield _text("base", "The base checkpoint, as the manifest names it.", lambda r: r.recipe.manifest.base.name)
    yield from _of_method(lambda r: r.recipe.manifest)
    yield _text("contact", "The author's account.", lambda r: r.recipe.manifest.contact.handle)
    yield _count("entries", "entries", "How many entries it has, one a seed.", lambda r: len(r.recipe.rows))
    yield _text("entry_ids", "Its entries, with spaces between, best first.",
                lambda r: " ".join(row.entry_id for row in r.recipe.rows))  # fmt: skip
    yield _evidence(lambda r: r.recipe.evidence, "Who ran the models: the weakest of its entries.")
    yield _text("seeds", "The stated seeds, with spaces between.", lambda r: " ".join(map(str, r.recipe.seeds)) or None)
    yield from _over_seeds("gain", "gain", lambda r: r.recipe.gain)
    yield from _over_seeds("retention", "retention", lambda r: r.recipe.retention)
    yield from _over_seeds("balance", "balance", lambda r: r.recipe.balance)


def _over_seeds(name: str, metric: str, of: Callable[[_OfRecipe], SeedMean | None]) -> Iterator[Column[_OfRecipe]]:
    def part(read: Callable[[SeedMean], Value]) -> Callable[[_OfRecipe], Value]:
        return lambda record: None if (found := of(record)) is None else read(found)

    def interval(record: _OfRecipe) -> tuple[float, float] | None:
        found = of(record)
        return None if found is None else found.interval

    yield measured(f"{name}_share", metric, part(lambda mean: mean.mean), f"Mean of the seeds' {name}.")
    for side, at in (("low", 0), ("high", 1)):
        yield Column(name=f"{name}_share_{side}", kind="number", unit="share", metric=metric,
                     sentence=f"{_SIDES[at]} limit of the 95 % interval over seeds (Student's), from 3 seeds on.",
                     of=_limit(interval, at))  # fmt: skip
    yield _count(f"{name}_seeds", "entries", f"How many entries the mean of {name} is of.", part(lambda m: m.seeds))
    # The balance follows from the two others, and is not one more test.
    holm = "" if name == "balance" else ", after Holm over the track's recipes"
    yield Column(name=f"{name}_disagree_p", kind="number", unit="probability", low=0.0, high=1.0,
                 sentence=f"p that all seeds have one {name} (Cochran's Q{holm}); small where the seeds disagree.",
                 of=part(lambda mean: mean.disagree_p))  # fmt: skip


def _of_track(of: Callable[[Any], Track]) -> Iterator[Column[Any]]:
    yield _text("track", "The track: what may be ranked together.", lambda e: of(e).key.slug, required=True)
    yield _word("track_kind", "Whether the track is of the standard protocol.", lambda e: of(e).key.kind,
                ("standard", "custom"))  # fmt: skip
    yield _text("suite", "Name and version of the suite.", lambda e: of(e).key.suite)
    yield _text("target", "The task family that the model was tuned for.", lambda e: of(e).key.target)
    yield _text("protocol", "How the models were asked.", lambda e: of(e).key.protocol)
    yield _text("environment", "Engine, version and number format of both runs.", lambda e: of(e).key.environment)


def _of_method(of: Callable[[Any], Manifest]) -> Iterator[Column[Any]]:
    yield _word("family", "The family of the training method.", lambda e: of(e).method.family, _FAMILIES)
    yield _text("algorithm", "The algorithm, as stated.", lambda e: of(e).method.algorithm)
    yield Column(name="learning_rate", kind="number", sentence="The peak learning rate, as stated.", low=0.0,
                 of=lambda e: of(e).method.learning_rate)  # fmt: skip
    yield _text("weights", "Which weights were trained: full, LoRA, or the stated type of adapter.",
                lambda e: _trained(of(e)))  # fmt: skip
    yield _count("lora_rank", "dimensions", "The rank of LoRA, as stated.", lambda e: of(e).method.lora_rank)
    yield _text("replay", "Which old data were mixed in, as stated; absent where none.", lambda e: of(e).method.replay)
    yield _count("steps", "optimiser steps", "Steps of the training, as stated; absent where seeds differ.",
                 lambda e: of(e).method.steps)  # fmt: skip
    yield _count("rollouts", "rollouts", "Answers sampled in training, as stated; absent where seeds differ.",
                 lambda e: of(e).method.rollouts)  # fmt: skip
    yield _text("stated_recipe", "What the author calls all that was set but the seed.", lambda e: of(e).method.recipe)
    yield Column(name="kl_coefficient", kind="number", sentence="The weight of the KL penalty, as stated.", low=0.0,
                 of=lambda e: of(e).method.kl_coefficient)  # fmt: skip


def _evidence(
    of: Callable[[Any], Evidence], sentence: str = "Who ran the models; self-reported is provisional."
) -> Column[Any]:
    return _word("evidence", sentence, lambda record: str(of(record)), tuple(map(str, Evidence)))


def _text(
    name: str, sentence: str, of: Callable[[Any], str | None], *, required: bool = False, metric: str = ""
) -> Column[Any]:
    return Column(name=name, kind="string", sentence=sentence, of=of, required=required, metric=metric)


def _word(
    name: str, sentence: str, of: Callable[[Any], str | None], values: tuple[str, ...], metric: str = ""
) -> Column[Any]:
    return Column(name=name, kind="string", sentence=sentence, of=of, values=values, metric=metric)


def _count(name: str, unit: str, sentence: str, of: Callable[[Any], Value], kind: Kind = "integer") -> Column[Any]:
    return Column(name=name, kind=kind, sentence=sentence, of=of, unit=unit, low=0.0)


def _limits(name: str, metric: str, of: Callable[[Any], tuple[float, float] | None]) -> Iterator[Column[Any]]:
    for end, at in (("low", 0), ("high", 1)):
        yield Column(name=f"{name}_{end}", kind="number", sentence=f"{_SIDES[at]} limit of the 95 % interval.",
                     unit="share", metric=metric, of=_limit(of, at))  # fmt: skip


def _limit(of: Callable[[Any], tuple[float, float] | None], at: int) -> Callable[[Any], float | None]:
    return lambda record: None if (limits := of(record)) is None else limits[at]


def _rank(name: str, metric: str, end: int) -> Column[_Entry]:
    def value(entry: _Entry) -> int | None:
        placing = entry.row.placing
        places = placing.rank if metric == "rank" else placing.alone
        return None if places is None else places[end]

    best = ("Best", "Worst")[end]
    of = "of all entries at once" if metric == "rank" else "of this entry asked of by itself"
    return Column(name=name, kind="integer", sentence=f"{best} place of the rank interval {of}.", of=value, unit="rank",
                  low=1.0, metric=metric)  # fmt: skip


def _rests_on(name: str) -> Callable[[_Entry], int | None]:
    return lambda entry: getattr(entry.row.card.rests_on, name, None)


def _score(field: str) -> Callable[[_OfTask], Value]:
    return lambda task: getattr(task.score, field)


def _cell(metric: str) -> Callable[[_Entry], str | None]:
    return lambda entry: entry.row.hashes[metric]


def _trained(manifest: Manifest) -> str:
    """The kind of weights, without the rank, which is a column of its own."""
    rank = manifest.method.lora_rank
    return weights(manifest) if rank is None else weights(manifest).removesuffix(f" r{rank}")


def _only(seeds: list[int] | None) -> int | None:
    return seeds[0] if seeds is not None and len(seeds) == 1 else None
