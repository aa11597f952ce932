"""vLLM, 0.26 to 0.32, in this process: token ids in, answers out as they finish.

Requests are fed through a window, so that the engine's batch stays full while memory does not grow with their number.
"""

import gc
import io
import logging
import os
import shutil
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from harness.checkpoints import Checkpoint, read_json
from harness.engines import EngineError, EngineSettings
from harness.engines.merge import merged_folder
from harness.engines.torchvision_ops import define_missing_ops
from harness.protocol import Completion, ContinuationScore, GenerateRequest, Prompt, ScoreRequest
from harness.samples import EngineRecord


class VllmEngine:
    """One checkpoint in one vLLM engine. An adapter is merged into a temporary copy of its base first."""

    def __init__(self, checkpoint: Checkpoint, settings: EngineSettings, record: EngineRecord) -> None:
        self.record = record
        self._window = 4 * settings.batch
        on_cpu = record.device == "cpu"
        _set_environment(on_cpu, settings.threads)
        define_missing_ops()
        import vllm

        self._vllm = vllm
        adapter = checkpoint.base is not None
        self._temporary = merged_folder(checkpoint, settings.dtype) if adapter else None
        folder = self._temporary or checkpoint.path
        if on_cpu:
            _inspect_here(checkpoint.record.architecture)
        # vLLM collects garbage several times while it starts; over all that is imported by now, each time costs as much
        # as loading a small model. Closing the engine undoes this.
        gc.freeze()
        try:
            self._llm = vllm.LLM(
                model=str(folder),
                dtype=settings.dtype,
                seed=0,
                max_model_len=min(settings.max_model_len, _longest(folder / "config.json")),
                max_num_seqs=settings.batch,
                trust_remote_code=False,
                enforce_eager=on_cpu,
                disable_log_stats=True,
                use_tqdm_on_load=False,
                **({"distributed_executor_backend": "uni"} if on_cpu else {}),
            )
        except (ValueError, RuntimeError) as error:
            self._remove_temporary()
            raise EngineError(f"{checkpoint.record.name}: vLLM cannot load it: {_last_line(error)}") from error

    def generate(self, requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Completion]]:
        def params(index: int) -> Any:
            decoding = requests[index].decoding
            return self._vllm.SamplingParams(
                max_tokens=decoding.max_tokens,
                temperature=decoding.temperature,
                seed=decoding.seed if decoding.temperature else None,
                stop=list(decoding.stop) or None,
            )

        for index, output in self._stream([request.prompt for request in requests], params):
            if isinstance(output, str):
                yield index, Completion("", "error", 0, 0, error=output)
                continue
            answer = output.outputs[0]
            yield (
                index,
                Completion(
                    text=answer.text,
                    finish_reason="length" if answer.finish_reason == "length" else "stop",
                    n_prompt_tokens=len(output.prompt_token_ids or ()),
                    n_output_tokens=len(answer.token_ids),
                ),
            )

    def score(self, requests: Sequence[ScoreRequest]) -> Iterator[tuple[int, tuple[ContinuationScore, ...]]]:
        single = [i for i, request in enumerate(requests) if all(len(each) == 1 for each in request.continuations)]
        yield from self._score_letters(requests, single)
        yield from self._score_spans(requests, sorted(set(range(len(requests))) - set(single)))

    def close(self) -> None:
        del self._llm
        from vllm.distributed.parallel_state import cleanup_dist_env_and_memory

        cleanup_dist_env_and_memory()
        self._remove_temporary()

    def _score_letters(
        self, requests: Sequence[ScoreRequest], chosen: list[int]
    ) -> Iterator[tuple[int, tuple[ContinuationScore, ...]]]:
        """One-token continuations: all of them from one position of one prefill."""

        def params(index: int) -> Any:
            letters = sorted({each[0] for each in requests[chosen[index]].continuations})
            return self._vllm.SamplingParams(max_tokens=1, temperature=0.0, logprob_token_ids=letters)

        for index, output in self._stream([requests[i].prompt for i in chosen], params):
            _refuse(output, requests[chosen[index]].item_id)
            logprobs, written = output.outputs[0].logprobs[0], output.outputs[0].token_ids[0]
            yield (
                chosen[index],
                tuple(
                    ContinuationScore(logprobs[token].logprob, token == written)
                    for (token,) in requests[chosen[index]].continuations
                ),
            )

    def _score_spans(
        self, requests: Sequence[ScoreRequest], chosen: list[int]
    ) -> Iterator[tuple[int, tuple[ContinuationScore, ...]]]:
        """Longer continuations: the log-probabilities of their tokens as part of the prompt."""
        flat = [(i, each) for i in chosen for each in requests[i].continuations]
        prompts = [
            Prompt(requests[i].prompt.text, requests[i].prompt.token_ids + each, requests[i].prompt.images)
            for i, each in flat
        ]
        waiting: dict[int, dict[int, ContinuationScore]] = {}
        offset = {i: next(k for k, (other, _) in enumerate(flat) if other == i) for i in chosen}
        for position, output in self._stream(
            prompts, lambda _: self._vllm.SamplingParams(max_tokens=1, temperature=0.0, prompt_logprobs=0)
        ):
            index, continuation = flat[position]
            _refuse(output, requests[index].item_id)
            rows = output.prompt_logprobs[-len(continuation) :]
            scores = [row[token] for row, token in zip(rows, continuation, strict=True)]
            done = waiting.setdefault(index, {})
            done[position - offset[index]] = ContinuationScore(
                sum(score.logprob for score in scores), all(score.rank == 1 for score in scores)
            )
            if len(done) == len(requests[index].continuations):
                yield index, tuple(done[k] for k in sorted(waiting.pop(index)))

    def _stream(self, prompts: Sequence[Prompt], params: Any) -> Iterator[tuple[int, Any]]:
        """Feed prompts through a window and yield ``(index, RequestOutput)`` as they finish.

        A prompt that vLLM refuses (too long, say) yields its reason, a string, instead.
        """
        engine = self._llm.llm_engine
        index_of: dict[str, int] = {}
        fed = 0
        try:
            while fed < len(prompts) or index_of:
                if len(index_of) <= self._window // 2:
                    upto = min(len(prompts), fed + self._window - len(index_of))
                    for index in range(fed, upto):
                        try:
                            (request,) = self._llm.enqueue(_as_input(prompts[index]), params(index), use_tqdm=False)
                        except ValueError as error:
                            yield index, _last_line(error)
                            continue
                        # vLLM appends random characters to a queued id, and answers under the id without them.
                        index_of[request.partition("-")[0]] = index
                    fed = upto
                for output in engine.step():
                    yield index_of.pop(output.request_id), output
        finally:
            engine.abort_request(list(index_of))

    def _remove_temporary(self) -> None:
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None


def _refuse(output: Any, item_id: str) -> None:
    if isinstance(output, str):
        raise EngineError(f"item {item_id[:12]}: {output}")


def _set_environment(on_cpu: bool, threads: int) -> None:
    """Settings vLLM reads at import; the user's own win. Values for a CPU were measured (engines.md)."""
    for noisy in ("vllm", "torch._library.triton"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning, module="vllm")
    wanted = {
        "VLLM_LOGGING_LEVEL": "ERROR",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        "TORCH_CPP_LOG_LEVEL": "ERROR",
    }
    if on_cpu:
        wanted |= {
            "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "OMP_NUM_THREADS": str(threads),
            "TORCH_COMPILE_DISABLE": "1",
        }
    else:
        wanted |= {"VLLM_BATCH_INVARIANT": "1"}
    for name, value in wanted.items():
        os.environ.setdefault(name, value)


def _inspect_here(architecture: str) -> None:
    """Let vLLM inspect the model class in this process instead of a child, which would lack the operator schemas that
    :mod:`harness.engines.torchvision_ops` defines (and takes seconds to start). On a CPU there is no CUDA to protect.
    """
    from vllm import ModelRegistry

    if architecture in ModelRegistry.models:
        ModelRegistry.register_model(architecture, ModelRegistry.models[architecture].load_model_cls())


def _as_input(prompt: Prompt) -> dict[str, Any]:
    tokens: dict[str, Any] = {"prompt_token_ids": list(prompt.token_ids)}
    if prompt.images:
        from PIL import Image

        pictures = [Image.open(io.BytesIO(image)).convert("RGB") for image in prompt.images]
        tokens["multi_modal_data"] = {"image": pictures}
    return tokens


def _longest(config: Any) -> int:
    content = read_json(config)
    text = content.get("text_config") or content
    longest = text.get("max_position_embeddings")
    return longest if isinstance(longest, int) else 1 << 20


def _last_line(error: BaseException) -> str:
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)
