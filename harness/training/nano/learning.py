"""What the nano trainings share: the loss on answers, linear heads on the visual tokens, optimiser and schedule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from harness.training.nano.world import GRID, JIGSAW, VISION_TASKS, Batch, Row, sorted_options

_PATCHES = 4  # patches along one side of a picture


def answer_loss(model: Any, batch: Batch) -> tuple[Tensor, Tensor | None]:
    """Mean cross-entropy of the target tokens, and the visual tokens (pictures, places, width) the model used."""
    seen = model.model(input_ids=batch.input_ids, pixel_values=batch.pixel_values)
    wanted = batch.labels[:, 1:]
    told = wanted != -100
    logits = model.lm_head(seen.last_hidden_state[:, :-1][told])
    tokens = seen.image_hidden_states
    if tokens is not None:
        tokens = tokens.view(batch.input_ids.shape[0], -1, tokens.shape[-1])
    return cross_entropy(logits, wanted[told]), tokens


def visual_tokens(model: Any, pixel_values: Tensor) -> Tensor:
    """Tower and projector alone."""
    features = model.model.get_image_features(
        pixel_values=pixel_values, vision_feature_layer=-1, vision_feature_select_strategy="default"
    )
    return torch.stack(list(features.pooler_output))


class Sight(nn.Module):
    """Linear heads that say whether the visual tokens hold what the tasks ask for.

    They train the tower long before the text model could (a language loss alone leaves it blind for thousands of
    steps) and are dropped afterwards. The jigsaw head looks at one displayed tile at a time and names its place.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        heads = {task: nn.Linear(width, len(sorted_options(task))) for task in VISION_TASKS}
        self.heads = nn.ModuleDict({**heads, JIGSAW: nn.Linear(width, GRID[0] * GRID[1])})

    def loss(self, tokens: Tensor, rows: Sequence[Row]) -> tuple[Tensor, dict[str, float]]:
        """Mean cross-entropy over the rows, and each head's share of right answers."""
        losses, right = [], {}
        for task in dict.fromkeys(row.task for row in rows):
            mine = [index for index, row in enumerate(rows) if row.task == task]
            labels = torch.tensor([rows[index].label for index in mine]).flatten()
            pooled = tile_means(tokens[mine]) if task == JIGSAW else tokens[mine].mean(dim=1)
            logits = self.heads[task](pooled).flatten(0, -2)
            losses.append(cross_entropy(logits, labels))
            right[task] = (logits.argmax(dim=-1) == labels).double().mean().item()
        return torch.stack(losses).mean(), right


def tile_means(tokens: Tensor) -> Tensor:
    """Visual tokens averaged over each tile of the jigsaw: (pictures, tiles, width)."""
    rows, columns = GRID
    down, across = _PATCHES // rows, _PATCHES // columns
    grid = tokens.view(tokens.shape[0], rows, down, columns, across, tokens.shape[-1])
    return grid.mean(dim=(2, 4)).flatten(1, 2)


def build_optimizer(parameters: Iterable[nn.Parameter], lr: float, weight_decay: float = 0.05) -> torch.optim.AdamW:
    """AdamW; vectors (norms, biases) are not decayed."""
    found = [parameter for parameter in parameters if parameter.requires_grad]
    groups = [
        {"params": [p for p in found if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in found if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95), foreach=True)


def scheduled_lr(step: int, steps: int, lr: float, warmup: int, decay_share: float) -> float:
    """Up in ``warmup`` steps, flat, then linearly to a fiftieth over the last ``decay_share`` of the steps."""
    if step < warmup:
        return lr * (step + 1) / warmup
    left = (steps - step) / max(1.0, steps * decay_share)
    return lr * max(0.02, min(1.0, left))


def clip(parameters: Sequence[nn.Parameter]) -> None:
    """Bound the norm of the gradient over all parameters together."""
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)


def update(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Step at this rate, and clear the gradients."""
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
