"""Settings that libraries read from the environment when they are imported; the user's own win."""

import logging
import os
import warnings

from harness.engines import placement


def prepare(on_cpu: bool, threads: int) -> None:
    """Set what vLLM and torch shall find. Values for a CPU were measured (README.md, "What was measured")."""
    quieten()
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
    elif placement.batch_invariant():
        wanted |= {"VLLM_BATCH_INVARIANT": "1"}
    for name, value in wanted.items():
        os.environ.setdefault(name, value)


def quieten() -> None:
    """Have vLLM and torch say nothing of what they do without in this process."""
    for noisy in ("vllm", "torch._library.triton"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
