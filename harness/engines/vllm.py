"""vLLM, 0.26 to 0.32, in this process: token ids in, answers out as they finish.

Requests are fed through a window, so that the engine's batch stays full while memory does not grow with their number.
A base and its adapters share the engine: each request names the one it is for. Adapters applied beside the base
are mixed with it in one batch; a base answers alike with and without them, as vLLM skips the adapter kernels for its
requests. For adapters that are merged the engine exchanges its weights.
"""

import gc
import io
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.checkpoints import Checkpoint, Pictures, read_json
from harness.engines.adapters import modules, rank_to_reserve
from harness.engines.environment import prepare
from harness.engines.exchange import Weights
from harness.engines.failures import is_out_of_memory, no_room, out_of_time, reason_of
from harness.engines.merge import ready_folder
from harness.engines.placement import Placement
from harness.engines.probe import check_effects
from harness.engines.processor import ModelFolder
from harness.engines.settings import EngineError, EngineSettings
from harness.engines.tokenizer import tokenizer_folder
from harness.engines.torchvision_ops import define_missing_ops
from harness.protocol import Completion, ContinuationScore, Failed, GenerateRequest, Prompt, ScoreAnswer, ScoreRequest


class VllmEngine:
    """One checkpoint in one vLLM engine, and adapters of the same base, each applied as its record says.

    A root that is an adapter itself is merged into a temporary copy of its base first.
    """

    def __init__(self, placement: Placement) -> None:
        settings, root = placement.settings, placement.root
        self.record = placement.record
        self._length = placement.conditions.record.max_model_len
        self._time_limit = settings.time_limit
        # With a time limit nothing waits inside the engine, so that the clock measures the item and not the queue.
        self._window = settings.at_once if settings.time_limit else 4 * settings.at_once
        self._on_cpu = self.record.device == "cpu"
        prepare(self._on_cpu, settings.threads)
        define_missing_ops()
        import vllm
        from vllm.exceptions import VLLMUnprocessableEntityError, VLLMValidationError

        self._vllm = vllm
        # What vLLM raises for a single request that it refuses: ValueErrors in 0.26, kinds of their own in 0.32.
        self._refusals = (ValueError, VLLMValidationError, VLLMUnprocessableEntityError)
        adapters = [each for each in placement.members if each.checkpoint.base]
        self._adapters = {each.weights_digest: each.checkpoint for each in adapters}
        beside = [each.checkpoint for each in adapters if not each.merged]
        # Whose weights answer a request, by the adapter it names; those beside the base use the engine's own.
        self._owners: dict[str | None, Checkpoint] = {None: root}
        self._owners |= {each.weights_digest: each.checkpoint if each.merged else root for each in adapters}
        self._weights = Weights(settings.dtype)
        folder = self._weights.folder(root)
        self._folder = ModelFolder(folder, placement.conditions, reserves=True)
        if self._on_cpu:
            _inspect_here(root.record.architecture)
        # vLLM collects garbage several times while it starts; over all that is imported by now, each time costs as much
        # as loading a small model. The memory cleanup on closing undoes this.
        gc.freeze()
        try:
            self._llm = vllm.LLM(
                model=str(self._folder.path),
                tokenizer=str(tokenizer_folder(placement.conditions, placement.members[0].checkpoint)),
                dtype=settings.dtype,
                seed=0,
                max_model_len=self._length,
                max_num_seqs=settings.at_once,
                tensor_parallel_size=settings.tensor_parallel,
                trust_remote_code=False,
                **_formats(folder / "config.json", settings.quantization),
                disable_log_stats=True,
                use_tqdm_on_load=False,
                **({"distributed_executor_backend": "uni"} if self._on_cpu else {}),
                **_lora_options(beside, self._on_cpu),
                **_image_limits(placement.conditions.pictures, alone=len(placement.members) == 1),
                **_chosen(settings, self._on_cpu),
            )
            self._lora = self._loaded(beside)
        except (TypeError, ValueError, RuntimeError) as error:
            self._weights.close()
            self._folder.close()
            raise _unloadable(root, error) from error
        self._weights.loaded = root
        # What only a fine-tune with more tokens declares, no other model can write, and vLLM refuses.
        size = self._llm.model_config.get_vocab_size()
        self._stops = [each for each in placement.conditions.record.stop_token_ids if each < size]
        # Without the base there is nothing to compare an adapter with; merging has checked that it changes weights.
        self._unproven = set(self._adapters) if root.base is None else set()

    def _turns(self, adapters: Sequence[str | None]) -> Iterator[list[int]]:
        """The indices of the requests that one set of weights answers, while it is loaded.

        The weights loaded now come first. ``adapters`` are those that the requests name.
        """
        turns: dict[str, tuple[Checkpoint, list[int]]] = {}
        for place, named in enumerate(adapters):
            owner = self._owners[named]
            turns.setdefault(owner.record.weights_digest, (owner, []))[1].append(place)
        for owner, places in sorted(turns.values(), key=lambda turn: turn[0] is not self._weights.loaded):
            if owner is not self._weights.loaded:
                try:
                    self._weights.exchange(self._llm, owner)
                except (ValueError, RuntimeError) as error:
                    raise _unloadable(owner, error) from error
            yield places

    def _loaded(self, adapters: Sequence[Checkpoint]) -> dict[str | None, Any]:
        """vLLM's handle of each adapter beside its weights, by weights digest; None of all others."""
        handles: dict[str | None, Any] = dict.fromkeys(self._owners)
        for number, adapter in enumerate(adapters, start=1):
            from vllm.lora.request import LoRARequest

            handle = LoRARequest(adapter.record.weights_digest, number, str(ready_folder(adapter)))
            self._llm.llm_engine.add_lora(handle)
            handles[adapter.record.weights_digest] = handle
        return handles

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        self._prove(requests)
        for places in self._turns([request.adapter for request in requests]):
            for place, completion in self._generate([requests[place] for place in places]):
                yield places[place], completion

    def _generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        def params(index: int) -> Any:
            decoding = requests[index].decoding
            return self._vllm.SamplingParams(
                max_tokens=decoding.max_tokens,
                temperature=decoding.temperature,
                seed=decoding.seed if decoding.temperature else None,
                top_p=decoding.top_p,
                stop=list(decoding.stop) or None,
                stop_token_ids=self._stops,
                ignore_eos=True,  # Which tokens end an answer is not for a checkpoint's own files to say.
            )

        for index, output in self._stream([(request.prompt, request.adapter) for request in requests], params):
            if isinstance(output, str):
                yield index, Completion("", "error", 0, 0, error=output)
                continue
            yield index, self._completion(output, requests[index].decoding.max_tokens)

    def _completion(self, output: Any, budget: int) -> Completion:
        answer = output.outputs[0]
        written = len(answer.token_ids)
        if answer.finish_reason == "length" and written < budget:
            return Completion("", "error", 0, 0, error=no_room(written, budget, self._length))
        return Completion(
            text=answer.text,
            finish_reason="length" if answer.finish_reason == "length" else "stop",
            n_prompt_tokens=len(output.prompt_token_ids or ()),
            n_output_tokens=written,
        )

    def score(self, requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, ScoreAnswer]]:
        self._prove(requests)
        for places in self._turns([request.adapter for request in requests]):
            single = [i for i in places if all(len(each) == 1 for each in requests[i].continuations)]
            yield from self._score_letters(requests, single)
            yield from self._score_spans(requests, sorted(set(places) - set(single)))

    def _prove(self, requests: Sequence[GenerateRequest] | Sequence[ScoreRequest]) -> None:
        """Before the first answer of an adapter: it must have an effect, and only on its own answers."""
        if digests := sorted({each.adapter for each in requests if each.adapter} & self._unproven):
            self._unproven.difference_update(digests)
            chosen = {digest: self._adapters[digest] for digest in digests}
            named = {digest: (each.record.name, modules(each)) for digest, each in chosen.items()}
            check_effects(self, named, [each.prompt for each in requests])

    def close(self) -> None:
        del self._llm
        from vllm.distributed.parallel_state import cleanup_dist_env_and_memory

        cleanup_dist_env_and_memory()
        self._weights.close()
        self._folder.close()

    def _score_letters(self, requests: Sequence[ScoreRequest], chosen: list[int]) -> Iterator[tuple[int, ScoreAnswer]]:
        """One-token continuations: all of them from one position of one prefill."""

        def params(index: int) -> Any:
            letters = sorted({each[0] for each in requests[chosen[index]].continuations})
            return self._vllm.SamplingParams(max_tokens=1, temperature=0.0, logprob_token_ids=letters)

        for index, output in self._stream([(requests[i].prompt, requests[i].adapter) for i in chosen], params):
            if isinstance(output, str):
                yield chosen[index], Failed(output)
                continue
            logprobs, written = output.outputs[0].logprobs[0], output.outputs[0].token_ids[0]
            yield (
                chosen[index],
                tuple(
                    ContinuationScore(logprobs[token].logprob, token == written)
                    for (token,) in requests[chosen[index]].continuations
                ),
            )

    def _score_spans(self, requests: Sequence[ScoreRequest], chosen: list[int]) -> Iterator[tuple[int, ScoreAnswer]]:
        """Longer continuations: the log-probabilities of their tokens as part of the prompt."""
        if self._on_cpu and any(self._lora[requests[i].adapter] for i in chosen):
            raise EngineError(
                "log-probabilities of several tokens beside an adapter crash vLLM on a CPU; use --adapters merge"
            )
        waiting = {i: dict[int, ContinuationScore]() for i in chosen}
        parts = [(i, k) for i in chosen for k in range(len(requests[i].continuations))]
        # An option that itself stands in the cache (two items may share it) has no log-probabilities: once more, whole.
        for cached in (True, False):
            uncovered = []
            for part, found in self._spans(requests, parts, cached):
                index, option = part
                if index not in waiting:
                    continue
                if found is None:
                    uncovered.append(part)
                    continue
                if isinstance(found, str):
                    del waiting[index]
                    yield index, Failed(found)
                    continue
                done = waiting[index]
                done[option] = found
                if len(done) == len(requests[index].continuations):
                    yield index, tuple(done[k] for k in range(len(done)))
                    del waiting[index]
            parts = uncovered

    def _spans(
        self, requests: Sequence[ScoreRequest], parts: Sequence[tuple[int, int]], cached: bool
    ) -> Iterator[tuple[tuple[int, int], ContinuationScore | str | None]]:
        """The score of each part, a request and one of its continuations; a reason where it failed, None where the
        cache held more than the prompt.

        vLLM does not read its cache of prefixes for a request that wants log-probabilities of its prompt, for it would
        have none for what it read. Ours wants those of the last tokens alone, so the options of a request may share its
        prompt.
        """
        prompts = []
        for index, option in parts:
            prompt = requests[index].prompt
            tokens = prompt.token_ids + requests[index].continuations[option]
            prompts.append((replace(prompt, token_ids=tokens), requests[index].adapter))
        params = self._vllm.SamplingParams(
            max_tokens=1, temperature=0.0, prompt_logprobs=0, detokenize=False, skip_reading_prefix_cache=not cached
        )
        for position, output in self._stream(prompts, lambda _: params):
            index, option = parts[position]
            if isinstance(output, str):
                yield parts[position], output
                continue
            counted = requests[index].counts[option]
            if cached and (output.num_cached_tokens or 0) >= len(output.prompt_token_ids) - counted:
                yield parts[position], None
                continue
            tokens = requests[index].continuations[option][-counted:]
            pairs = zip(output.prompt_logprobs[-counted:], tokens, strict=True)
            scores = [row[token] for row, token in pairs]
            yield (
                parts[position],
                ContinuationScore(sum(each.logprob for each in scores), all(each.rank == 1 for each in scores)),
            )

    def _stream(self, prompts: Sequence[tuple[Prompt, str | None]], params: Any) -> Iterator[tuple[int, Any]]:
        """Feed prompts, each for the base or an adapter, through a window; yield ``(index, RequestOutput)`` when done.

        A prompt that vLLM refuses (too long, say) or that takes longer than the time limit yields its reason, a string.
        """
        engine = self._llm.llm_engine
        running: dict[str, tuple[int, float]] = {}
        fed = 0
        try:
            while fed < len(prompts) or running:
                if len(running) <= self._window // 2:
                    upto = min(len(prompts), fed + self._window - len(running))
                    for index in range(fed, upto):
                        prompt, adapter = prompts[index]
                        try:
                            (request,) = self._llm.enqueue(
                                _as_input(prompt), params(index), lora_request=self._lora[adapter], use_tqdm=False
                            )
                        except self._refusals as error:
                            yield index, reason_of(error)
                            continue
                        # vLLM appends random characters to a queued id, and answers under the id without them.
                        running[request.partition("-")[0]] = (index, time.monotonic())
                    fed = upto
                for output in engine.step():
                    if output.request_id in running:
                        yield running.pop(output.request_id)[0], output
                if self._time_limit is not None:
                    deadline = time.monotonic() - self._time_limit
                    late = [request for request, (_, began) in running.items() if began < deadline]
                    engine.abort_request(late)
                    for request in late:
                        yield running.pop(request)[0], out_of_time(self._time_limit)
        finally:
            engine.abort_request(list(running))


def _lora_options(adapters: Sequence[Checkpoint], on_cpu: bool) -> dict[str, Any]:
    if not adapters:
        return {}
    # vLLM's CPU kernels take the last slot's adapter for a request that has none (vllm pull request 48421): one slot
    # more than adapters leaves that one empty.
    slots = len(adapters) + on_cpu
    return {"enable_lora": True, "max_loras": slots, "max_lora_rank": rank_to_reserve(list(adapters))}


def _image_limits(pictures: Pictures | None, *, alone: bool) -> dict[str, Any]:
    """The images that vLLM is to reserve memory for: by default it does for the largest one that the processor lets
    through, and for a video, which no item has. Where no item has an image, the language model alone is loaded, unless
    adapters share the engine: those may bring weights for the rest of the model.

    vLLM cuts each side of the largest image of the model down to these, whichever way round that lies.
    """
    if pictures is None or not (pictures.most or alone):
        return {}
    longest = max(pictures.width, pictures.height)
    images = {"count": pictures.most, "width": longest, "height": longest} if pictures.most else 0
    return {"limit_mm_per_prompt": {"image": images, "video": 0, "audio": 0}}


def _chosen(settings: EngineSettings, on_cpu: bool) -> dict[str, Any]:
    """What the user chose of vLLM's own options; what is not given is vLLM's to decide."""
    named = {"gpu_memory_utilization": settings.gpu_memory_utilization, "quantization": settings.quantization}
    given = {name: value for name, value in named.items() if value is not None}
    return {"enforce_eager": on_cpu, **given, **settings.engine_args}


def _formats(config: Path, chosen: str | None) -> dict[str, Any]:
    """What vLLM would else guess from the files it finds: configuration, weights, tokenizer, and what a model is for.

    vLLM reads and makes bitsandbytes weights, which are safetensors too, by a loader of their own.
    """
    quantisation = read_json(config).get("quantization_config")
    method = chosen or (quantisation.get("quant_method") if isinstance(quantisation, dict) else None)
    return {
        "config_format": "hf",
        "load_format": "auto" if method == "bitsandbytes" else "safetensors",
        "tokenizer_mode": "hf",
        "runner": "generate",
        "convert": "none",
        "speculative_config": None,
    }


def _inspect_here(architecture: str) -> None:
    """Let vLLM inspect the model class in this process instead of a child, which would lack the operator schemas that
    :mod:`harness.engines.torchvision_ops` defines (and takes seconds to start). On a CPU there is no CUDA to protect.
    """
    from vllm import ModelRegistry

    if architecture in ModelRegistry.models:
        ModelRegistry.register_model(architecture, ModelRegistry.models[architecture].load_model_cls())


def _unloadable(checkpoint: Checkpoint, error: Exception) -> Exception:
    """What to raise when vLLM cannot load a checkpoint; out of memory stays as it is, for a smaller batch may help."""
    if is_out_of_memory(error):
        return error
    return EngineError(f"{checkpoint.record.name}: vLLM cannot load it: {reason_of(error)}")


def _as_input(prompt: Prompt) -> dict[str, Any]:
    tokens: dict[str, Any] = {"prompt_token_ids": list(prompt.token_ids)}
    if prompt.images:
        from PIL import Image

        pictures = [Image.open(io.BytesIO(image)).convert("RGB") for image in prompt.images]
        tokens["multi_modal_data"] = {"image": pictures}
    return tokens
