"""What a user passes through to vLLM: reserved arguments, unknown ones, and those that an engine does not have."""

import re
from dataclasses import fields, replace
from typing import Any

import pytest
from vllm.engine.arg_utils import EngineArgs
from vllm.model_executor.layers.quantization import QUANTIZATION_METHODS

from harness.engines.arguments import engine_arguments, quantization_methods, refuse_options, reserved
from harness.engines.settings import EngineError, EngineSettings

VLLM = EngineSettings(name="vllm", dtype="bfloat16")
# What users of vLLM set to make a model fit or go faster.
USEFUL = (
    "max_num_batched_tokens", "enforce_eager", "kv_cache_dtype", "enable_prefix_caching", "enable_chunked_prefill",
    "cpu_offload_gb", "block_size", "swap_space", "compilation_config", "pipeline_parallel_size",
    "enable_expert_parallel", "attention_backend", "mm_processor_cache_gb", "disable_custom_all_reduce",
)  # fmt: skip
HARMFUL = (
    "model", "tokenizer", "tokenizer_mode", "revision", "code_revision", "trust_remote_code", "load_format",
    "config_format", "hf_overrides", "hf_token", "hf_config_path", "speculative_config", "spec_model", "worker_cls",
    "worker_extension_cls", "scheduler_cls", "logits_processors", "io_processor_plugin", "reasoning_parser_plugin",
    "allowed_local_media_path", "download_dir", "otlp_traces_endpoint", "kv_transfer_config", "additional_config",
    "model_loader_extra_config", "limit_mm_per_prompt", "mm_processor_kwargs", "enable_lora", "max_lora_rank", "dtype",
    "max_model_len", "quantization", "gpu_memory_utilization", "max_num_seqs", "tensor_parallel_size", "seed",
    "generation_config", "override_generation_config", "logprobs_mode", "runner", "data_parallel_size", "log_level",
    "model_class_overrides", "pt_load_map_location", "enable_mm_embeds", "weight_transfer_config", "profiler_config",
)  # fmt: skip


def test_the_arguments_are_those_of_the_vllm_that_is_installed() -> None:
    assert engine_arguments() == {each.name for each in fields(EngineArgs)}
    assert quantization_methods() == {*QUANTIZATION_METHODS, "bitsandbytes"}


@pytest.mark.parametrize("name", HARMFUL)
def test_what_this_program_decides_or_what_would_run_code_is_reserved(name: str) -> None:
    with pytest.raises(EngineError, match=f"--engine-arg {name}: .*; leave it out"):
        refuse_options(replace(VLLM, engine_args={name: 1}))


NESTED: tuple[tuple[str, Any], ...] = (
    ("compilation_config", {"inductor_passes": {"a": "os.system"}}),
    ("compilation_config", {"backend": "package.module.function"}),
    ("compilation_config", {"inductor_compile_config": {"cpp.cxx": "compiler"}}),
    ("compilation_config", {"pass_config": {"cpp.cxx": ["compiler"]}}),
    ("compilation_config", {"custom_ops": ["os.system"]}),
    ("compilation_config", {"debug_dump_path": "folder"}),
    ("compilation_config", {"cache_dir": "folder"}),
    ("attention_config", {"x": [{"worker_cls": "anything"}]}),
    ("ec_manager_config", {}),
    ("mm_encoder_fp8_scale_save_path", "scales"),
)


@pytest.mark.parametrize(("name", "value"), NESTED)
def test_an_object_can_run_no_code_and_name_no_file(name: str, value: Any) -> None:
    with pytest.raises(EngineError, match=f"--engine-arg {name}: .*leave it out"):
        refuse_options(replace(VLLM, engine_args={name: value}))


@pytest.mark.parametrize(
    "value", [float("inf"), float("nan"), (1, 2), {1: 2}, {"a": float("inf")}, "\ud800", {"\ud800": 1}, VLLM]
)
def test_what_a_record_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(EngineError, match="--engine-arg block_size: "):
        refuse_options(replace(VLLM, engine_args={"block_size": value}))


def test_lists_in_lists_have_an_end_and_arguments_have_names() -> None:
    deep: Any = 1
    for _ in range(20):
        deep = [deep]
    unnamed: Any = {1: 2}
    for arguments in ({"block_size": deep}, unnamed, None):
        with pytest.raises(EngineError, match="--engine-arg"):
            refuse_options(replace(VLLM, engine_args=arguments))


def test_objects_of_use_are_let_through() -> None:
    compilation = {"mode": 3, "cudagraph_mode": "FULL_DECODE_ONLY", "custom_ops": ["+rms_norm"], "backend": "inductor"}
    quantisation = {"ignore": ["re:.*lm_head", "model.layers.0.mlp"]}
    refuse_options(replace(VLLM, engine_args={"compilation_config": compilation, "quantization_config": quantisation}))


def test_what_is_of_use_is_not_reserved() -> None:
    assert [name for name in USEFUL if reserved(name) is not None] == []
    known = engine_arguments()
    assert known is not None
    refuse_options(replace(VLLM, engine_args={name: 1 for name in USEFUL if name in known}))


def test_an_unknown_argument_or_method_is_named_with_what_is_near() -> None:
    with pytest.raises(EngineError, match=r"max_num_batchd_tokens: .* did you mean max_num_batched_tokens or"):
        refuse_options(replace(VLLM, engine_args={"max_num_batchd_tokens": 1}))
    with pytest.raises(EngineError, match=re.escape("`vllm serve --help=all` lists them")):
        refuse_options(replace(VLLM, engine_args={"xyzzy": 1}))
    with pytest.raises(EngineError, match=r"--quantization fp9: .* did you mean fp8"):
        refuse_options(replace(VLLM, quantization="fp9"))


@pytest.mark.parametrize("name", ["transformers", "openai", "lm-eval:hf"])
@pytest.mark.parametrize("chosen", [{"quantization": "fp8"}, {"engine_args": {"block_size": 32}}])
def test_what_changes_answers_is_refused_where_the_engine_cannot(name: str, chosen: dict[str, Any]) -> None:
    with pytest.raises(EngineError, match=f"engine {name} .*use --engine vllm"):
        refuse_options(replace(VLLM, name=name, **chosen))


@pytest.mark.parametrize("name", ["transformers", "openai", "lm-eval:hf"])
def test_what_changes_none_is_listed_as_unused(name: str) -> None:
    chosen = replace(VLLM, gpu_memory_utilization=0.5, max_num_seqs=8)
    refuse_options(replace(chosen, name=name))
    assert replace(chosen, name=name).unused() == ("--gpu-memory-utilization", "--max-num-seqs")
    assert chosen.unused() == ()


@pytest.mark.parametrize(
    "chosen", [{"gpu_memory_utilization": 0.0}, {"gpu_memory_utilization": 1.1}, {"max_num_seqs": 0}]
)
def test_numbers_out_of_range_are_refused(chosen: dict[str, Any]) -> None:
    with pytest.raises(EngineError, match=r"--(gpu-memory-utilization|max-num-seqs) "):
        refuse_options(replace(VLLM, **chosen))


def test_the_requests_at_once_are_halved_whichever_option_gave_them() -> None:
    assert replace(VLLM, batch=64).halved().at_once == 32
    assert replace(VLLM, batch=64, max_num_seqs=8).at_once == 8
    assert replace(VLLM, batch=64, max_num_seqs=8).halved().at_once == 4
    assert replace(VLLM, batch=1).halved().at_once == 1
