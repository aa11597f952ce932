"""Any backend of lm-eval (`--engine lm-eval:hf`), to compare our own engines with: text in, text out.

A backend gives no finish reason and no token counts, so both are found here by encoding the answer again: an answer
that fills its budget is marked "length". An adapter is merged first. Images and prompts as token ids are beyond it.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from tokenizers import Tokenizer

from harness.engines.environment import prepare
from harness.engines.merge import merged_folder, ready_folder
from harness.engines.placement import Placement
from harness.engines.settings import LM_EVAL, EngineError
from harness.engines.tokenizer import tokenizer_folder
from harness.engines.torchvision_ops import define_missing_ops
from harness.lmeval import Backend
from harness.protocol import Completion, ContinuationScore, GenerateRequest, ScoreAnswer, ScoreRequest


class BackendEngine:
    """One checkpoint in one lm-eval backend, with that backend's own defaults."""

    def __init__(self, placement: Placement) -> None:
        checkpoint, settings = placement.root, placement.settings
        self.record = placement.record
        on_cpu = self.record.device == "cpu"
        prepare(on_cpu, settings.threads)
        define_missing_ops()
        folder = merged_folder(checkpoint, settings.dtype) if checkpoint.base else ready_folder(checkpoint)
        name = settings.name.removeprefix(LM_EVAL)
        served = tokenizer_folder(placement.conditions, checkpoint)
        self._tokenizer = Tokenizer.from_file(str(served / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._length = placement.conditions.record.max_model_len
        try:
            device = "cpu" if on_cpu else "cuda"
            self._backend = Backend(name, folder, served, settings.dtype, device, settings.batch, self._length)
        except (ValueError, ImportError, RuntimeError, TypeError, KeyError) as error:
            reason = " ".join(str(error).split())[:300]
            raise EngineError(f"engine {settings.name}: cannot run {checkpoint.record.name}: {reason}") from error

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        order = sorted(range(len(requests)), key=lambda index: repr(requests[index].decoding))
        for _, group in groupby(order, key=lambda index: repr(requests[index].decoding)):
            indices = []
            for index in group:
                if error := self._too_long(requests[index]):
                    yield index, Completion("", "error", 0, 0, error=error)
                else:
                    indices.append(index)
            batch = [requests[index] for index in indices]
            self._refuse_images(batch)
            for index, text in zip(indices, self._backend.generate(batch), strict=True):
                yield index, self._completion(requests[index], text)

    def score(self, requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, ScoreAnswer]]:
        self._refuse_images(requests)
        for index, pairs in enumerate(self._backend.score(requests)):
            yield index, tuple(ContinuationScore(logprob, greedy) for logprob, greedy in pairs)

    def close(self) -> None:
        del self._backend

    def _too_long(self, request: GenerateRequest) -> str | None:
        """Why an item is not answered: a backend would cut its prompt instead, and say nothing."""
        prompt, budget = len(request.prompt.token_ids), request.decoding.max_tokens
        if prompt + budget <= self._length:
            return None
        return f"a prompt of {prompt} tokens and a budget of {budget} do not fit into {self._length} (--max-model-len)"

    def _completion(self, request: GenerateRequest, text: str) -> Completion:
        written = len(self._tokenizer.encode(text, add_special_tokens=False).ids)
        full = written >= request.decoding.max_tokens
        return Completion(text, "length" if full else "stop", len(request.prompt.token_ids), written)

    def _refuse_images(self, requests: Sequence[GenerateRequest] | Sequence[ScoreRequest]) -> None:
        for request in requests:
            if request.prompt.images:
                raise EngineError(
                    f"engine {self.record.name}: item {request.item_id[:12]} has an image; lm-eval's backends render "
                    "images by templates of their own, so the question would differ: use vllm or transformers"
                )
