"""Reading: log-likelihoods and gradients of given texts under the base, in float32, in one process."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.checkpoints import ANY_SIZE, Checkpoint, Pixels, conditions_of
from harness.engines import EngineSettings, TransformersEngine, place
from harness.protocol import Prompt
from harness.scoring import Reading

# Positions per chunk: rows of a large vocabulary in double precision take some megabytes each.
_POSITIONS = 64


@dataclass(frozen=True)
class Text:
    """A prompt of ``task`` and the tokens that follow it, all of which are scored.

    ``label`` is the kind of a training example, and empty for a probe.
    """

    key: str
    task: str
    label: str
    prompt: Prompt
    tokens: tuple[int, ...]


class Reader:
    """A checkpoint loaded with transformers in float32, precise enough for small steps and small differences."""

    def __init__(self, checkpoint: Checkpoint, threads: int = 1, pixels: Pixels = ANY_SIZE) -> None:
        settings = EngineSettings(name="transformers", dtype="float32", threads=threads)
        conditions = conditions_of(checkpoint, settings.max_model_len, pixels=pixels)
        self.engine = TransformersEngine(*place(settings, [checkpoint], conditions))
        self.parameters = [each for each in self.engine.model.parameters() if each.requires_grad]

    def read(self, text: Text) -> Reading:
        """The negative log-likelihood of a training target, over its tokens and the end of its turn."""
        nll = -float(self.log_likelihood(self.logits(text), text.tokens))
        return Reading(text.label, text.prompt.digest, len(text.tokens), nll)

    def logits(self, text: Text) -> Any:
        """Logits (tokens x vocabulary, float32, no graph) that predict each token of ``text``."""
        return self.engine.logits(text.prompt, text.tokens)[:-1]

    def gradient(self, text: Text) -> tuple[list[Any], Any]:
        """The gradient of log p of the text with respect to each parameter, and the detached logits."""
        logits = self.engine.differentiable_logits(text.prompt, text.tokens)[:-1]
        self.engine.model.zero_grad(set_to_none=True)
        self.log_likelihood(logits, text.tokens).backward()
        found = [each.grad.detach() for each in self.parameters if each.grad is not None]
        if len(found) != len(self.parameters):
            # A parameter that the text does not use (a vision tower without an image) has no gradient.
            found = [_zero_or(each) for each in self.parameters]
        self.engine.model.zero_grad(set_to_none=True)
        return found, logits.detach()

    def log_likelihood(self, logits: Any, tokens: Sequence[int]) -> Any:
        """The sum of log p of the tokens, in double precision."""
        import torch

        total = torch.zeros((), dtype=torch.float64, device=logits.device)
        wanted = torch.tensor(tokens, device=logits.device)
        for start in range(0, len(tokens), _POSITIONS):
            rows = logits[start : start + _POSITIONS].double().log_softmax(dim=-1)
            total = total + rows.gather(1, wanted[start : start + _POSITIONS, None]).sum()
        return total

    def close(self) -> None:
        self.parameters = []
        self.engine.close()


def _zero_or(parameter: Any) -> Any:
    import torch

    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.detach()
