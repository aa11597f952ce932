"""Divergence of two models' next-token distributions along one text."""

from harness.checkpoints import Checkpoint, Conditions, conditions_of
from harness.engines import EngineError, EngineSettings, TransformersEngine, place
from harness.protocol import Prompt
from harness.scoring import token_kl

# Positions per chunk: rows of a large vocabulary in double precision take some megabytes each.
_POSITIONS = 64


class TwoModels:
    """The base and the tuned model, both in memory, in one process."""

    def __init__(
        self,
        base: Checkpoint,
        tuned: Checkpoint,
        settings: EngineSettings,
        conditions: tuple[Conditions, Conditions] | None = None,
    ) -> None:
        """``conditions`` are those of either; without them the base sets them for both."""
        shared = conditions_of(base, settings.max_model_len)
        given = zip((base, tuned), conditions or (shared, shared), strict=True)
        self._base, self._tuned = (TransformersEngine(*place(settings, [each], its)) for each, its in given)

    def divergence(self, prompt: Prompt, output: tuple[int, ...], stopped: bool) -> tuple[int, float, float]:
        """Number of positions, and the mean over them of KL(base || tuned) and KL(tuned || base), in nats.

        Positions predict the tokens of ``output`` and, if the base stopped there, its decision to stop.
        """
        import torch

        kept = len(output) + stopped
        logits = [model.logits(prompt, output)[:kept] for model in (self._base, self._tuned)]
        if logits[0].shape != logits[1].shape:
            raise EngineError(f"the vocabularies differ: {logits[0].shape[-1]} and {logits[1].shape[-1]} tokens")
        forward = reverse = 0.0
        with torch.inference_mode():
            for start in range(0, kept, _POSITIONS):
                log_p, log_q = (rows[start : start + _POSITIONS].double().log_softmax(dim=-1) for rows in logits)
                forward += float(token_kl(log_p, log_q, torch.exp).sum())
                reverse += float(token_kl(log_q, log_p, torch.exp).sum())
        return kept, forward / kept, reverse / kept

    def close(self) -> None:
        self._base.close()
        self._tuned.close()
