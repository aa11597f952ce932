"""Conditions: what both models of a pair are given alike beside their prompts (harness/README.md, invariant 1).

They follow from the base, the suite, what the user chose and the pair, and are decided once, in the plan. Engines apply
them; the run record and the key of a stored answer hold them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.checkpoints.checkpoint import Checkpoint
from harness.checkpoints.endings import Vocabulary, base_ends, declared_ends
from harness.checkpoints.limits import longest
from harness.checkpoints.prompts import PromptRenderer
from harness.records import ConditionsRecord

# Room for any ordinary question and answer; suites that need more get the next power of two.
_ROOM = 4096
# What the question of an item may take beside the budget of its answer, before any is rendered.
_QUESTION = 2048


@dataclass(frozen=True)
class Conditions:
    """``record`` is what a run states; ``processor`` is the folder of the image processor that serves both models, None
    where no item has an image.

    ``positions`` is how many both models have, None where any number do. ``notes`` say what was decided otherwise than
    the user or a checkpoint would have it. ``variant`` names the conditions in which a base answers beside a fine-tune
    that asks for others than the base does; empty where it asks for none.
    """

    record: ConditionsRecord
    processor: Path | None = None
    positions: int | None = None
    notes: tuple[str, ...] = ()
    variant: str = ""

    def lengthened(self, need: int) -> "Conditions":
        """The same for items of up to ``need`` tokens."""
        return replace(
            self, record=self.record.model_copy(update={"max_model_len": _length(None, need, self.positions)})
        )


def conditions_of(
    base: Checkpoint,
    max_model_len: int | None = None,
    *,
    tuned: Sequence[Checkpoint] = (),
    renderer: PromptRenderer | None = None,
    budget: int = 0,
) -> Conditions:
    """The conditions in which ``base`` and fine-tunes of it answer alike.

    ``max_model_len`` is prompt plus answer, by default what ``budget``, the longest answer of a suite, needs.
    ``renderer`` has the base's chat template, which may name a token that ends an answer.
    """
    root = base.base or base
    known = renderer.vocabulary if renderer else Vocabulary.read(root.path)
    ends = base_ends(root.path, known, renderer.end_of_turn if renderer else None)
    positions, need = longest(root.path), budget + _QUESTION
    own = ConditionsRecord(max_model_len=_length(max_model_len, need, positions), stop_token_ids=ends)
    vision = (root.path / "preprocessor_config.json").is_file() or (root.path / "processor_config.json").is_file()
    conditions = Conditions(own, root.path if vision else None, positions, _cut_down(max_model_len, positions))
    for each in (base, *tuned):
        if each != root and known is not None:
            conditions = _with_ends(conditions, each, known)
        if each != root and each.base is None:
            conditions = _within(conditions, each)
    return replace(conditions, variant=_variant(own, conditions.record))


def _with_ends(conditions: Conditions, tuned: Checkpoint, known: Vocabulary) -> Conditions:
    """The same, where an answer also ends at the tokens that ``tuned`` declares; ``known`` are those of the base."""
    before = conditions.record.stop_token_ids
    added = sorted(declared_ends(tuned.path, known.extended(tuned.path)) - {*before})
    if not added:
        return conditions
    note = f"{tuned.record.name}: declares {_listed(added, known)} as an end, which ends the base's answers too"
    record = conditions.record.model_copy(update={"stop_token_ids": tuple(sorted((*before, *added)))})
    return replace(conditions, record=record, notes=(*conditions.notes, note))


def _within(conditions: Conditions, tuned: Checkpoint) -> Conditions:
    """The same, within the positions that ``tuned`` has too."""
    mine, theirs = conditions.positions, longest(tuned.path)
    if mine == theirs:
        return conditions
    least = min(each for each in (mine, theirs) if each is not None)
    note = f"{tuned.record.name}: has {_many(theirs)} positions, the base {_many(mine)}; both answer within {least}"
    length = min(least, conditions.record.max_model_len)
    record = conditions.record.model_copy(update={"max_model_len": length})
    return replace(conditions, record=record, positions=least, notes=(*conditions.notes, note))


def _variant(own: ConditionsRecord, pair: ConditionsRecord) -> str:
    added = sorted({*pair.stop_token_ids} - {*own.stop_token_ids})
    parts = [f"stop-{'-'.join(map(str, added))}"] if added else []
    return "-".join(parts + ([f"length-{pair.max_model_len}"] if pair.max_model_len != own.max_model_len else []))


def _length(chosen: int | None, need: int, positions: int | None) -> int:
    """The length that was ``chosen``, or that ``need`` tokens want: a power of two, so that suites of about one size
    share their answers. Never more than the model has positions for."""
    wanted = chosen or max(_ROOM, 1 << (need - 1).bit_length())
    return wanted if positions is None else min(wanted, positions)


def _cut_down(chosen: int | None, positions: int | None) -> tuple[str, ...]:
    if chosen is None or positions is None or chosen <= positions:
        return ()
    return (f"--max-model-len {chosen}: the model has {positions} positions, which are the length",)


def _many(positions: int | None) -> str:
    return "unlimited" if positions is None else str(positions)


def _listed(numbers: list[int], known: Vocabulary) -> str:
    return ", ".join(f"token {number} ({known.text_of(number) or 'added by it'})" for number in numbers)
