"""GRPO on one process, with each prompt processed once for all completions of its group.

TRL processes a prompt again for each of its completions, three times per step: for sampling, for the probabilities of
the reference, and for the loss. If a prompt is longer than its answers, as in a jigsaw, that is most of a step's cost.
Here the keys and values of a prompt are computed once and shared by its completions, with their gradients, which gives
the same numbers (tests/harness/training/test_rft.py).

Two methods of ``GRPOTrainer`` are replaced (trl 1.16); the objective is unchanged.
"""

from __future__ import annotations

from typing import Any

import torch
from trl import GRPOTrainer
from trl.models import unwrap_model_for_generation
from trl.trainer.utils import pad

from harness.training.model import TrainingError


class SharingTrainer(GRPOTrainer):  # type: ignore[misc]
    """``GRPOTrainer`` for a model whose full prompt is in an attention cache, with at most one image per prompt.

    A completion ends where it has written one of ``stops``, as in an evaluation: nothing is learned of what follows.
    """

    stops: tuple[str, ...] = ()

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        logits_to_keep: int,
        batch_size: int | None = None,
        compute_entropy: bool = False,
        compute_aux_loss: bool = False,
        pixel_values: torch.Tensor | None = None,
        num_images: list[int] | None = None,
        **other: Any,
    ) -> tuple[torch.Tensor, torch.Tensor | None, None]:
        """Log-probabilities (rows x ``logits_to_keep``) of the completions, and entropies in nats if requested.

        As in TRL, both are those at the sampling temperature, and 0 after the end of a completion.
        """
        if compute_aux_loss or any(value is not None for value in other.values()):
            raise _unfit("the model takes more than token ids and one image per prompt")
        rows = len(input_ids)
        parts = []
        for start in range(0, rows, batch_size or rows):
            part = slice(start, start + (batch_size or rows))
            seen = None if pixel_values is None else pixel_values[part]
            with self.accelerator.autocast():
                parts.append(self._part(model, input_ids[part], attention_mask[part], logits_to_keep, seen))
        logps = torch.cat([part[0] for part in parts])
        return logps, torch.cat([part[1] for part in parts]) if compute_entropy else None, None

    def _part(
        self, model: Any, ids: torch.Tensor, mask: torch.Tensor, kept: int, pixels: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        prompts, completions = ids[:, :-kept], ids[:, -kept:]
        last, cache = self._read(model, prompts, mask[:, :-kept], pixels)
        logits = last
        if kept > 1:
            rest = model(
                input_ids=completions[:, :-1], attention_mask=mask[:, :-1], past_key_values=cache, use_cache=True
            )
            logits = torch.cat([last, rest.logits], dim=1)
        scores = (logits.float() / self.temperature).log_softmax(dim=-1)
        written = scores.gather(-1, completions.unsqueeze(-1)).squeeze(-1)
        with torch.no_grad():
            entropies = -(scores.exp() * scores).sum(dim=-1)
        inside = mask[:, -kept:]
        return written * inside, entropies * inside

    def _generate_single_turn(
        self,
        prompt_ids: list[list[int]],
        images: Any,
        multimodal_fields: dict[str, Any],
        num_generations: int,
        has_tool_images: bool = False,
    ) -> tuple[list[list[int]], None]:
        """Completions as token ids, each up to and including its end of turn, or a stop string."""
        seen = dict(multimodal_fields)
        pixels = seen.pop("pixel_values", None)
        if seen:
            raise _unfit(f"its processor gives {', '.join(sorted(seen))} with a prompt")
        device = self.accelerator.device
        ids = self._padded([torch.tensor(row) for row in prompt_ids], self._tokenizer.pad_token_id)
        mask = self._padded([torch.ones(len(row), dtype=torch.long) for row in prompt_ids], 0)
        if pixels is not None:
            pixels = torch.stack([torch.as_tensor(each) for each in pixels]).to(device)
        options = self.args.gradient_checkpointing_kwargs
        with (
            torch.no_grad(),
            unwrap_model_for_generation(
                self.model_wrapped,
                self.accelerator,
                generation_kwargs=self.generation_kwargs,
                gradient_checkpointing_kwargs=options,
            ) as model,
        ):
            # Sampling counts positions without the padding, a plain forward pass counts the padding too.
            positions = (mask.cumsum(dim=-1) - 1).clamp(min=0)
            cache = self._read(model, ids, mask, pixels, position_ids=positions)[1]
            cache.crop(-1)  # Generation starts by reading the last token.
            made = model.generate(
                input_ids=ids, attention_mask=mask, past_key_values=cache, generation_config=self.generation_config
            )
        ends = set(self.eos_token_ids)
        return [self._up_to_stop(_up_to_end(row, ends)) for row in made[:, ids.shape[1] :].tolist()], None

    def _up_to_stop(self, row: list[int]) -> list[int]:
        """The tokens up to the one that completes a stop string; all where there is none."""
        if not self._stopped(row):
            return row
        return next(row[:end] for end in range(1, len(row) + 1) if self._stopped(row[:end]))

    def _stopped(self, row: list[int]) -> bool:
        return bool(self.stops) and any(stop in self._tokenizer.decode(row) for stop in self.stops)

    def _read(
        self,
        model: Any,
        prompts: torch.Tensor,
        mask: torch.Tensor,
        pixels: torch.Tensor | None,
        **by_token: torch.Tensor,
    ) -> tuple[torch.Tensor, Any]:
        """Process each distinct prompt once: the logits after each row's prompt (rows x 1 x vocabulary), and a cache
        with an entry for each row."""
        firsts, places = _different(prompts, mask, pixels)
        seen = {} if pixels is None else {"pixel_values": pixels[firsts]}
        seen |= {name: values[firsts] for name, values in by_token.items()}
        read = model(input_ids=prompts[firsts], attention_mask=mask[firsts], use_cache=True, logits_to_keep=1, **seen)
        cache = read.past_key_values
        if cache is None:
            raise _unfit("the model keeps no cache while it is trained")
        cache.batch_select_indices(places)
        return read.logits[places], cache

    def _padded(self, rows: list[torch.Tensor], value: int) -> torch.Tensor:
        padded: torch.Tensor = pad(rows, padding_value=value, padding_side="left")
        return padded.to(self.accelerator.device)


def _different(
    prompts: torch.Tensor, mask: torch.Tensor, pixels: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """The first row of each distinct prompt, and for every row the index of its prompt among those."""
    if pixels is not None and len(pixels) != len(prompts):
        raise _unfit(f"{len(prompts)} prompts have {len(pixels)} images")
    known: dict[tuple[bytes, ...], int] = {}
    firsts: list[int] = []
    places: list[int] = []
    for row in range(len(prompts)):
        parts = [prompts[row], mask[row], *([] if pixels is None else [pixels[row].float()])]
        key = tuple(part.cpu().numpy().tobytes() for part in parts)
        if key not in known:
            known[key] = len(firsts)
            firsts.append(row)
        places.append(known[key])
    return torch.tensor(firsts, device=prompts.device), torch.tensor(places, device=prompts.device)


def _up_to_end(row: list[int], ends: set[int]) -> list[int]:
    end = next((place for place, token in enumerate(row) if token in ends), len(row) - 1)
    return row[: end + 1]


def _unfit(reason: str) -> TrainingError:
    return TrainingError(f"rft.share_prompts: {reason}; --set rft.share_prompts=false processes every prompt by itself")
