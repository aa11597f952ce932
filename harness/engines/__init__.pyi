from .gguf import convert
from .inspection import inspect_engines
from .merge import model_class
from .placement import default_dtype, describe, device_class
from .settings import Dtype, EngineError, EngineSettings, choose
from .torchvision_ops import define_missing_ops
from .transformers import TransformersEngine

__all__ = [
    "Dtype",
    "EngineError",
    "EngineSettings",
    "TransformersEngine",
    "choose",
    "convert",
    "default_dtype",
    "define_missing_ops",
    "describe",
    "device_class",
    "inspect_engines",
    "model_class",
]
