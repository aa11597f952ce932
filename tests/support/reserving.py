"""What vLLM reserves for the images of a prompt, and what it answers, in a process of its own."""

from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from harness.checkpoints import Conditions
from harness.engines.placement import place
from harness.engines.settings import EngineSettings
from harness.engines.vllm import VllmEngine
from harness.protocol import Completion, Decoding, GenerateRequest, Prompt
from tests.support.engines import warm_up


@dataclass(frozen=True)
class Reserved:
    """The most tokens of one input of each kind, the most inputs of a prompt, and the answers; no tokens and no inputs
    where vLLM has loaded the language model alone."""

    tokens: dict[str, int]
    most: dict[str, int]
    answers: tuple[Completion, ...]


def reserve(settings: EngineSettings, folder: Path, conditions: Conditions, prompts: list[Prompt]) -> Reserved:
    """Start vLLM with the model in ``folder`` under ``conditions``, and have it answer ``prompts``."""
    warm_up()
    context = get_context("forkserver")
    ours, theirs = context.Pipe()
    process = context.Process(target=_reserve, args=(theirs, settings, folder, conditions, prompts))
    process.start()
    theirs.close()
    try:
        found: Reserved = ours.recv()
    finally:
        process.join(60)
    return found


def _reserve(
    pipe: Connection, settings: EngineSettings, folder: Path, conditions: Conditions, prompts: list[Prompt]
) -> None:
    from harness.checkpoints import open_checkpoint

    engine = VllmEngine(*place(settings, [open_checkpoint(str(folder))], conditions))
    core = engine._llm.llm_engine.engine_core.engine_core
    budget = core.model_executor.driver_worker.worker.model_runner.mm_budget
    requests = [GenerateRequest(str(k), prompt, Decoding(8)) for k, prompt in enumerate(prompts)]
    answers = tuple(answer for _, answer in sorted(engine.generate(requests)))
    if budget is None:
        pipe.send(Reserved({}, {}, answers))
    else:
        pipe.send(Reserved(dict(budget.mm_max_toks_per_item), dict(budget.mm_limits), answers))
