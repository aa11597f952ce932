"""Leftovers: what trainers, loggers and converters leave beside a model, known by name, and why it is ignored."""

import re

PICKLED = re.compile(r"\.(bin|pt|pth|ckpt|pkl|pickle|h5|hdf5|keras|msgpack|npz|npy|joblib|dill|mar|nemo|t7|ot)\Z", re.I)
_CODE = re.compile(r"\.(py|pyc|pyo|pyd|pyi|pyw|pyz|so|dll|dylib|whl|egg|ipynb|sh)\Z|\.so\.", re.I)

_STATE = "state of the training: needed to resume it, not to answer"
LOG = "a log or description of the training"
_FORMAT = "weights for another runtime"
_MISTRAL = "Mistral's own format; the files that transformers reads are used"

# The first pattern that is found in a file's name says why it is ignored.
_FILES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.I), why)
    for pattern, why in (
        (r"\A\.", "hidden"),
        (r"\A(optimizer|scheduler|scaler|rng_state|random_states|training_args|sampler|dl_state|dataloader)"
         r".*\.(pt|pth|bin|pkl|safetensors)\Z", _STATE),
        (r"\A(latest|latest_checkpointed_iteration\.txt|zero_to_fp32\.py|trainer_state\.json)\Z", _STATE),
        (r"(\.distcp|_states\.pt|\.metadata)\Z|\A(zero_pp_rank|mp_rank|layer_\d+-model)_", _STATE),
        (r"\A(consolidated\..*|consolidated.*\.safetensors|params\.json|tekken\.json)\Z", _MISTRAL),
        (r"\A(modules|config_sentence_transformers|sentence_\w+_config)\.json\Z",
         "makes an embedder of the model; its weights are used as a language model's"),
        (r"\Atokenizer\..+\.json\Z", "a second tokenizer; tokenizer.json is used"),
        (r"\Avalue_head\.|\Av_head\.", "the value head of a PPO training, which answers nothing"),
        (r"\.(gguf|onnx|onnx_data|xml|tflite|mlmodel|mlpackage|engine|plan|llamafile)\Z|\Aopenvino_|\AModelfile\Z",
         _FORMAT),
        (r"\A(tf_model|flax_model|rust_model)", _FORMAT),
        (r"\Aevents\.out\.tfevents|\.(log|jsonl|csv|tsv|parquet|png|jpe?g|svg|pdf|html|ya?ml|md|rst|lock)\Z", LOG),
        (r"\A(README|LICENSE|NOTICE|USE_POLICY|CITATION)(\.|\Z)|\A(licen[cs]e|notice)\b", LOG),
        (r"\A((all|train|eval|test|predict|generate)_results|trainer_log|training_record|train_config|args|"
         r"training_config|tokens_state|identity|saved|benchmark)\.json\Z", LOG),
    )
)  # fmt: skip
_FOLDERS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.I), why)
    for pattern, why in (
        (r"\A\.", "hidden"),
        (r"\A(global_step\d+|\w*fsdp\w*|optimizer\w*|zero\w*|trainer|dist\w*|iter_\d+)\Z", _STATE),
        (r"\A(original|consolidated)\Z", "weights in the authors' own format"),
        (r"\A(onnx|openvino|coreml|gguf|mlx|tflite|tensorrt\w*)\Z", _FORMAT),
        (r"\A(wandb|runs|logs?|tensorboard|mlruns|mlartifacts|swanlog|swanlab|trackio|aim|completions|images|plots|"
         r"lightning_logs|eval\w*|debug|hydra|outputs)\Z", LOG),
        (r"\A\d+_[A-Za-z]+\Z", "makes an embedder of the model; its weights are used as a language model's"),
        (r"\Aadditional_chat_templates\Z", "templates for other purposes; the default one is used"),
        (r"\A(checkpoint|step|epoch)[-_]?\d+", "a checkpoint of which no model is left"),
    )
)  # fmt: skip


def is_state(name: str) -> bool:
    """Whether the file ``name`` is a trainer's state, by its name."""
    return any(pattern.search(name) for pattern, why in _FILES if why == _STATE)


def reason_for_file(name: str, *, adapter: bool, sharded: bool) -> str:
    """Why the file ``name``, which is not used, is ignored."""
    for pattern, why in _FILES:
        if pattern.search(name):
            return why
    if _CODE.search(name):
        return "code, which is never run"
    if PICKLED.search(name) or ".bin.index" in name or ".msgpack.index" in name or ".h5.index" in name:
        return "pickle-like, never opened; the safetensors are used"
    if name.endswith(".safetensors"):
        return "not named by model.safetensors.index.json" if sharded else "beside the weights that are used"
    if name == "config.json" and adapter:
        return "the base's is used"
    if name == "adapter_config.json":
        return "of an adapter whose weights are not here"
    return "not read by any engine"


def reason_for_folder(name: str, *, nested: bool) -> str:
    """Why the folder ``name`` is ignored; its files are not looked at."""
    if nested:
        return f"a checkpoint of its own; to evaluate it, name the folder {name}"
    return next((why for pattern, why in _FOLDERS if pattern.search(name)), "a folder; nothing in it is read")
