"""Conditions: what both models of a pair are given alike beside their prompts (harness/README.md, invariant 1).

They follow from the base, the suite, what the user chose and the pair, and are decided once, in the plan. Engines apply
them; the run record and the key of a stored answer hold them.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

from harness.checkpoints.checkpoint import Checkpoint, CheckpointError
from harness.checkpoints.endings import Vocabulary, base_ends, declared_ends
from harness.checkpoints.limits import QUESTION, length_for, longest
from harness.checkpoints.processor import ANY_SIZE, ImageProcessor, Pixels, read_processor
from harness.checkpoints.prompt_policy import Prompts
from harness.records import ConditionsRecord

# Published models end an answer at one to five tokens.
_MOST_ENDS = 8
_LONGEST = 30


@dataclass(frozen=True)
class Pictures:
    """The images of a suite: at most ``most`` in an item, none wider than ``width`` or higher than ``height`` pixels
    and none taking more than ``tokens`` in a prompt. All 0 where no item has one."""

    most: int = 0
    width: int = 0
    height: int = 0
    tokens: int = 0

    def __or__(self, other: "Pictures") -> "Pictures":
        """Those of both."""
        return Pictures(*map(max, astuple(self), astuple(other)))


NO_PICTURES = Pictures()


@dataclass(frozen=True)
class Conditions:
    """``record`` is what a run states; ``processor`` is the folder of the image processor that serves both models, None
    where no item has an image. Its pixel budget is the record's, whatever the folder says. ``tokenizer`` is the folder
    of the tokenizer that serves both.

    ``positions`` is how many both models have, None where any number do. ``notes`` say what was decided otherwise than
    the user would have it, ``pair_notes`` what was because of the fine-tune. ``variant`` names the conditions in which
    a base answers beside a fine-tune that asks for others than the base; empty where it asks for none. ``pictures`` are
    the most and the largest images of an item, None before the items are seen: an engine may reserve for them, and they
    change no answer.
    """

    record: ConditionsRecord
    processor: Path | None = None
    tokenizer: Path | None = None
    positions: int | None = None
    notes: tuple[str, ...] = ()
    pair_notes: tuple[str, ...] = ()
    variant: str = ""
    pictures: Pictures | None = None

    def lengthened(self, need: int) -> "Conditions":
        """The same for items of up to ``need`` tokens."""
        return self._with(max_model_len=length_for(need, self.positions))

    def with_processor_of(self, tuned: Checkpoint, pixels: Pixels = ANY_SIZE) -> "Conditions":
        """These conditions with ``tuned``'s own image processor, within the suite's budget ``pixels``; unchanged where
        it ships none, or the same."""
        found = read_processor(tuned.path)
        if self.processor is None or found is None:
            return self
        stated = _stated(found.within(pixels))
        if stated["processor"] == self.record.processor:
            return self
        return replace(self._with(**stated, processor_origin="tuned"), processor=tuned.path)

    def with_pixels(self, chosen: Pixels) -> "Conditions":
        """The same with the pixel budget that a user chose; unchanged where no item has an image, or where it is what
        holds anyway."""
        found = None if self.processor is None or not chosen else read_processor(self.processor)
        if found is None:
            return self
        if not found.pixels:
            raise CheckpointError(
                f"--pixels {chosen.fewest}-{chosen.most}: the image processor of {found.folder} ({found.kind}) resizes "
                "to given sides and has no budget of pixels to choose; leave the option out"
            )
        stated = _stated(found.within(chosen))
        return self if stated["processor"] == self.record.processor else self._with(**stated, pixels_origin="user")

    def served(self) -> "Conditions":
        """The same where a server prepares the images, by a processor of its own; unchanged where no item has one."""
        if self.processor is None:
            return self
        known = {"processor": None, "min_pixels": None, "max_pixels": None, "pixels_origin": "suite"}
        note = "the server prepared the images by its own image processor; no pixel budget of suite or base was applied"
        return replace(self._with(**known, processor_origin="server"), processor=None, notes=(*self.notes, note))

    def showing(self, pictures: Pictures) -> "Conditions":
        """The same for items that have such images."""
        return replace(self, pictures=pictures)

    def beside(self, tuned: Checkpoint, known: Vocabulary | None) -> "Conditions":
        """The same beside a fine-tune: where it ends its answers too, and within the positions that it has too.

        ``known`` are the base's tokens.
        """
        found = self._with_ends(tuned, known) if known is not None else self
        return found._within(tuned) if tuned.base is None else found

    def _with_ends(self, tuned: Checkpoint, known: Vocabulary) -> "Conditions":
        before = self.record.stop_token_ids
        added = sorted(declared_ends(tuned.path, known.extended(tuned.path)) - {*before})
        if not added:
            return self
        if len(added) > _MOST_ENDS:
            raise CheckpointError(
                f"{tuned.record.name}: declares {len(added):,} tokens as the end of an answer, and they would end the "
                "base's too; correct eos_token_id in its generation_config.json"
            )
        listed = ", ".join(f"token {each} ({(known.text_of(each) or 'added by it')[:_LONGEST]})" for each in added)
        note = f"the tuned checkpoint ends its answers with {listed}, which ends the base's answers too"
        found = self._with(stop_token_ids=tuple(sorted((*before, *added))))
        return replace(found, pair_notes=(*self.pair_notes, note), variant=_joined(self.variant, "stop", *added))

    def _within(self, tuned: Checkpoint) -> "Conditions":
        theirs = longest(tuned.path)
        if theirs == self.positions:
            return self
        least = min(each for each in (self.positions, theirs) if each is not None)
        note = (
            f"the tuned checkpoint has {theirs or 'unlimited'} positions, the base {self.positions or 'unlimited'}; "
            f"both answered within {least}"
        )
        found = replace(self, positions=least, pair_notes=(*self.pair_notes, note))
        if least >= self.record.max_model_len:
            return found
        return replace(found._with(max_model_len=least), variant=_joined(self.variant, "length", least))

    def _with(self, **fields: Any) -> "Conditions":
        return replace(self, record=self.record.model_copy(update=fields))


def conditions_of(
    base: Checkpoint,
    max_model_len: int | None = None,
    *,
    tuned: Sequence[Checkpoint] = (),
    prompts: Prompts | None = None,
    budget: int = 0,
    pixels: Pixels = ANY_SIZE,
    images: bool = True,
) -> Conditions:
    """The conditions in which ``base`` and fine-tunes of it answer alike.

    ``max_model_len`` is prompt plus answer, by default what ``budget``, the longest answer of a suite, needs.
    ``prompts`` have the chat templates, which may name a token that ends an answer. ``images`` says whether items have
    any, ``pixels`` is the suite's budget for them.
    """
    root = base.base or base
    renderers = [] if prompts is None else [prompts.shared, *map(prompts.of, tuned)]
    known = renderers[0].vocabulary if renderers else Vocabulary.read(root.path)
    positions = longest(root.path)
    length = (
        length_for(budget + QUESTION, positions)
        if max_model_len is None
        else min(max_model_len, positions or max_model_len)
    )
    found = read_processor(root.path) if images else None
    record = ConditionsRecord(
        max_model_len=length,
        stop_token_ids=base_ends(root.path, known, [each.end_of_turn for each in renderers]),
        **({} if found is None else _stated(found.within(pixels))),
    )
    cut = max_model_len is not None and length < max_model_len
    notes = (f"--max-model-len {max_model_len} was cut to the {positions} positions of the model",) if cut else ()
    conditions = Conditions(record, None if found is None else root.path, root.path, positions, notes)
    for each in (base, *tuned):
        conditions = conditions if each == root else conditions.beside(each, known)
    return conditions


def processor_of(conditions: Conditions) -> ImageProcessor | None:
    """The image processor as it is applied, within the pixel budget of the record; None where no item has an image."""
    found = None if conditions.processor is None else read_processor(conditions.processor)
    if found is None:
        return None
    applied = found.within(Pixels(conditions.record.min_pixels, conditions.record.max_pixels))
    if applied.digest != conditions.record.processor:
        raise CheckpointError(f"{conditions.processor}: its image processor was changed since this command began")
    return applied


def _stated(processor: ImageProcessor) -> dict[str, Any]:
    pixels = processor.pixels
    return {"processor": processor.digest, "min_pixels": pixels.fewest, "max_pixels": pixels.most}


def _joined(variant: str, *parts: object) -> str:
    return "-".join(str(each) for each in (variant, *parts) if each != "")
