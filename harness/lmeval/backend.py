"""lm-eval's own model backends, to compare engines with."""

from collections.abc import Sequence
from pathlib import Path

from lm_eval.api.instance import Instance
from lm_eval.api.registry import get_model

from harness.lmeval.loading import VERSION, TaskError
from harness.protocol import (
    GenerateRequest,
    ScoreRequest,
)

# What a backend calls the folder of its tokenizer, where it is not "tokenizer".
_TOKENIZER = {"sglang": "tokenizer_path"}


class Backend:
    """A model backend of lm-eval, for :mod:`harness.engines.backend`: rendered prompts in, text out."""

    def __init__(
        self, name: str, folder: Path, tokenizer: Path, dtype: str, device: str, batch: int, max_length: int
    ) -> None:
        try:
            kind = get_model(name)
        except (KeyError, ValueError) as error:
            raise TaskError(f"engine lm-eval:{name}: lm-eval {VERSION} has no such backend ({error})") from error
        options = {"pretrained": str(folder), "dtype": dtype, "device": device, "trust_remote_code": False}
        options[_TOKENIZER.get(name, "tokenizer")] = str(tokenizer)
        lengths = {"max_model_len": max_length} if name == "vllm" else {"max_length": max_length}
        self._lm = kind.create_from_arg_obj({**options, **lengths, "batch_size": min(batch, 32)})

    def generate(self, requests: Sequence[GenerateRequest]) -> list[str]:
        return list(self._lm.generate_until([self._instance(each) for each in requests], disable_tqdm=True))

    def score(self, requests: Sequence[ScoreRequest]) -> list[list[tuple[float, bool]]]:
        """(log-probability, is_greedy) of each continuation of each request, passed as token ids."""
        flat = [
            (("", ""), [*each.prompt.token_ids, *continuation[:-counted]], list(continuation[-counted:]))
            for each in requests
            for continuation, counted in zip(each.continuations, each.counts, strict=True)
        ]
        scores = iter(self._lm._loglikelihood_tokens(flat, disable_tqdm=True))
        return [[next(scores) for _ in each.continuations] for each in requests]

    @staticmethod
    def _instance(request: GenerateRequest) -> Instance:
        decoding = request.decoding
        options = {"until": list(decoding.stop), "max_gen_toks": decoding.max_tokens, "do_sample": False}
        return Instance("generate_until", {}, (request.prompt.text, options), 0)
