from .gguf import convert
from .inspection import inspect_engines
from .loading import check_weights, checked
from .merge import model_class, ready_folder
from .placement import Member, Placement, default_dtype, device_class, place
from .settings import Dtype, EngineError, EngineSettings, choose
from .torchvision_ops import define_missing_ops
from .transformers import TransformersEngine

__all__ = [
    "Dtype",
    "EngineError",
    "EngineSettings",
    "Member",
    "Placement",
    "TransformersEngine",
    "check_weights",
    "checked",
    "choose",
    "convert",
    "default_dtype",
    "define_missing_ops",
    "device_class",
    "inspect_engines",
    "model_class",
    "place",
    "ready_folder",
]
