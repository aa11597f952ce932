"""transformers, in this process: batched, left-padded, sorted by length. Slower than vLLM, runs where that does not."""

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import groupby
from typing import Any

from harness.checkpoints import Checkpoint, Conditions, staged_folder
from harness.engines.failures import is_out_of_memory, no_room, out_of_time
from harness.engines.inputs import ModelInputs, TooLongError
from harness.engines.merge import load_merged
from harness.engines.placement import Placement
from harness.engines.processor import ModelFolder
from harness.engines.scoring_pass import ScoringPass
from harness.engines.settings import EngineError
from harness.engines.tokenizer import tokenizer_folder
from harness.protocol import Completion, ContinuationScore, Failed, GenerateRequest, Prompt, ScoreAnswer, ScoreRequest


class TransformersEngine:
    """One checkpoint, an adapter merged into its base."""

    def __init__(self, placement: Placement) -> None:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        checkpoint, settings = placement.root, placement.settings
        import torch
        import transformers

        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        on_cpu = placement.record.device == "cpu"
        if on_cpu:
            torch.set_num_threads(settings.threads)
        try:
            model = load_merged(checkpoint, settings.dtype)
            self._serve(placement, model.eval().to("cpu" if on_cpu else "cuda"), torch.inference_mode)
        except (ValueError, OSError, KeyError, ImportError) as error:  # A processor may need a package of its own.
            raise EngineError(f"{checkpoint.record.name}: transformers cannot load it: {error}") from error

    def _serve(
        self, placement: Placement, model: Any, without_gradients: Callable[[], AbstractContextManager[Any]]
    ) -> None:
        """Answer by ``model``, as the placement says, in the context ``without_gradients``."""
        import torch
        import transformers
        from tokenizers.decoders import DecodeStream

        checkpoint, settings = placement.root, placement.settings
        self.record = placement.record
        self._torch = torch
        self._stream = DecodeStream
        self._without_gradients = without_gradients
        processor = _load_processor(checkpoint, placement.conditions)
        served = tokenizer_folder(placement.conditions, placement.members[0].checkpoint)
        self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(
            served, local_files_only=True, trust_remote_code=False
        )
        self._model = model
        self._device = model.device
        self._eos = placement.conditions.record.stop_token_ids
        # A file of the checkpoint's own must not make it search, sample or forbid tokens where others are greedy.
        self._model.generation_config = transformers.GenerationConfig()
        self._pad = (
            self._tokenizer.pad_token_id if self._tokenizer.pad_token_id is not None else min(self._eos, default=0)
        )
        self._longest = placement.conditions.record.max_model_len
        self._inputs = ModelInputs(self._model, processor, self._pad, self._longest)
        self._batch = settings.at_once
        self._scoring = ScoringPass(self._model, self._device, self._pad, without_gradients)
        self._time_limit = settings.time_limit

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        for batch in self._batches(requests):
            yield from self._generate_batch(batch, requests)

    def _generate_batch(
        self, batch: list[int], requests: Sequence[GenerateRequest]
    ) -> Iterator[tuple[int, Completion]]:
        """Answer ``batch``, in smaller parts where memory, time or length demand it; a single one then fails alone."""
        try:
            late = yield from self._generate_at_once(batch, requests)
        except TooLongError as error:
            if len(batch) == 1:
                yield batch[0], Completion("", "error", 0, 0, error=str(error))
                return
            halves = [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            self._release()
            if len(batch) == 1:
                yield batch[0], Completion("", "error", 0, 0, error="out of memory for this item alone")
                return
            self._batch = min(self._batch, len(batch) // 2)
            halves = [batch[start : start + self._batch] for start in range(0, len(batch), self._batch)]
        else:
            halves = [[index] for index in late]
        for half in halves:
            yield from self._generate_batch(half, requests)

    def _generate_at_once(
        self, batch: list[int], requests: Sequence[GenerateRequest]
    ) -> Generator[tuple[int, Completion], None, list[int]]:
        """Answers of one batch; returns those that time or the batch's longest prompt cut off, to be answered alone."""
        inputs, lengths = self._inputs.of([requests[i].prompt for i in batch])
        decoding = requests[batch[0]].decoding
        start = inputs["input_ids"].shape[1]
        room = min(decoding.max_tokens, self._room(start))
        sampled: dict[str, Any] = {}
        if decoding.temperature:
            from harness.engines.sampling import Drawn

            seeds = [requests[i].decoding.seed for i in batch]
            sampled["logits_processor"] = [Drawn(decoding.temperature, seeds, decoding.top_p)]
        with self._without_gradients():
            output = self._model.generate(
                **inputs,
                max_new_tokens=room,
                max_time=self._time_limit,
                do_sample=False,
                eos_token_id=list(self._eos) or None,
                pad_token_id=self._pad,
                **sampled,
                **({"stop_strings": list(decoding.stop), "tokenizer": self._tokenizer} if decoding.stop else {}),
            )
        late = []
        for row, index in enumerate(batch):
            tokens = output[row, start:].tolist()
            completion = self._completion(tokens, requests[index], lengths[row])
            if completion.finish_reason == "stop" or len(tokens) >= decoding.max_tokens:
                yield index, completion
            elif len(batch) > 1:
                late.append(index)
            else:
                yield index, Completion("", "error", 0, 0, error=self._cut_off(len(tokens), room, decoding.max_tokens))
        return late

    def _cut_off(self, written: int, room: int, budget: int) -> str:
        if written < room and self._time_limit is not None:
            return out_of_time(self._time_limit)
        return no_room(written, budget, self._longest)

    def _room(self, width: int) -> int:
        """How many tokens may follow ``width`` of a prompt: at least one, as vLLM wants too."""
        if width >= self._longest:
            raise TooLongError(f"a prompt of {width} tokens leaves no room in {self._longest} (--max-model-len)")
        return self._longest - width

    def score(self, requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, ScoreAnswer]]:
        order = sorted(range(len(requests)), key=lambda i: len(requests[i].prompt.token_ids))
        batched = [i for i in order if self._fits(requests[i]) and self._scoring.serves(requests[i])]
        for start in range(0, len(batched), self._batch):
            yield from self._score_batch(batched[start : start + self._batch], requests)
        for index in sorted(set(order) - set(batched)):
            yield index, self._score_alone(requests[index])

    def _fits(self, request: ScoreRequest) -> bool:
        return len(request.prompt.token_ids) + max(map(len, request.continuations)) <= self._longest

    def _score_batch(self, batch: list[int], requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, ScoreAnswer]]:
        """The scores of ``batch``, in halves where memory demands it."""
        try:
            scores = self._scoring.score([requests[index] for index in batch])
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            self._release()
            if len(batch) == 1:
                yield batch[0], self._score_alone(requests[batch[0]])
                return
            for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
                yield from self._score_batch(half, requests)
            return
        yield from zip(batch, scores, strict=True)

    def _score_alone(self, request: ScoreRequest) -> ScoreAnswer:
        try:
            return self._scored(request)
        except TooLongError as error:
            return Failed(str(error))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            self._release()
            return Failed("out of memory for this item alone")

    def _scored(self, request: ScoreRequest) -> tuple[ContinuationScore, ...]:
        self._room(len(request.prompt.token_ids) + max(len(each) for each in request.continuations) - 1)
        if any(len(each) != 1 for each in request.continuations):
            pairs = zip(request.continuations, request.counts, strict=True)
            return tuple(self._span(request.prompt, each, counted) for each, counted in pairs)
        (row,) = self._logprobs(request.prompt, ())[-1:]
        best = int(row.argmax())
        return tuple(ContinuationScore(float(row[t]), t == best) for (t,) in request.continuations)

    def close(self) -> None:
        del self._model, self._scoring
        self._release()

    def _release(self) -> None:
        if self._device.type == "cuda":
            self._torch.cuda.empty_cache()

    def _batches(self, requests: Sequence[GenerateRequest]) -> Iterator[list[int]]:
        """Indices of requests with equal decoding (but for its seed) and number of images, alike in length, so that
        little is padded."""

        def kind(index: int) -> tuple[str, int]:
            return repr(replace(requests[index].decoding, seed=0)), len(requests[index].prompt.images)

        order = sorted(range(len(requests)), key=lambda i: (kind(i), len(requests[i].prompt.token_ids)))
        for _, group in groupby(order, key=kind):
            alike = list(group)
            while alike:
                batch, alike = alike[: self._batch], alike[self._batch :]
                yield batch

    def _completion(self, tokens: list[int], request: GenerateRequest, n_prompt: int) -> Completion:
        stopped = next((k for k, token in enumerate(tokens) if token in self._eos), None)
        kept = tokens if stopped is None else tokens[:stopped]
        text = self._written(request.prompt, kept)
        cuts = [place for stop in request.decoding.stop if (place := text.find(stop)) >= 0]
        finished = stopped is not None or bool(cuts)
        return Completion(
            text=text[: min(cuts)] if cuts else text,
            finish_reason="stop" if finished else "length",
            n_prompt_tokens=n_prompt,
            n_output_tokens=len(kept) + (stopped is not None),
        )

    def _written(self, prompt: Prompt, tokens: Sequence[int]) -> str:
        """What ``tokens`` add to the prompt's text, one by one as in vLLM: a space at the start is kept, and bytes at
        the end that are not yet a complete character are left out."""
        stream = self._stream(list(prompt.token_ids), skip_special_tokens=True)
        return "".join(stream.step(self._tokenizer.backend_tokenizer, token) or "" for token in tokens)

    @property
    def model(self) -> Any:
        """The model itself, for whoever needs its gradients."""
        return self._model

    def logits(self, prompt: Prompt, continuation: tuple[int, ...]) -> Any:
        """Logits (positions x vocabulary) that predict each continuation token, and the one after it."""
        with self._without_gradients():
            return self.differentiable_logits(prompt, continuation)

    def differentiable_logits(self, prompt: Prompt, continuation: tuple[int, ...]) -> Any:
        """The same logits with the graph they were computed by, so that gradients can be taken."""
        inputs = self._inputs.continued(self._inputs.of([prompt])[0], continuation)
        return self._model(**inputs).logits[0, -len(continuation) - 1 :].float()

    def target_ids(self, text: str) -> tuple[int, ...]:
        """The token ids of an answer and of the end of its turn, as a training counts its loss on them."""
        return (*self._tokenizer(text, add_special_tokens=False)["input_ids"], self._tokenizer.eos_token_id)

    def _logprobs(self, prompt: Prompt, continuation: tuple[int, ...]) -> Any:
        return self.logits(prompt, continuation).log_softmax(dim=-1)

    def _span(self, prompt: Prompt, continuation: tuple[int, ...], counted: int) -> ContinuationScore:
        # From the end: the first token of all has nothing before it, and no log-probability.
        pairs = list(zip(self._logprobs(prompt, continuation)[-counted - 1 : -1], continuation[-counted:], strict=True))
        return ContinuationScore(
            sum(float(row[token]) for row, token in pairs), all(int(row.argmax()) == token for row, token in pairs)
        )


def _load_processor(checkpoint: Checkpoint, conditions: Conditions) -> Any:
    """The image processor of ``conditions`` with the tokenizer that goes with it; None where no item has an image."""
    if conditions.processor is None:
        return None
    import transformers

    # The base's folder has its tokenizer too; an adapter's own processor goes with that of its base.
    own = conditions.record.processor_origin == "tuned"
    home = ModelFolder(
        (checkpoint.base or checkpoint).staged if own else staged_folder(conditions.processor), conditions
    )
    try:
        return transformers.AutoProcessor.from_pretrained(home.path, local_files_only=True, trust_remote_code=False)
    finally:
        home.close()
