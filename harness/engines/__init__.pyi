from .child import end_if_imported_by_a_child
from .gguf import convert
from .inspection import inspect_engines
from .instructions import bfloat16_cost, multiplies_bfloat16
from .live import LiveEngine
from .loading import check_weights, checked, parameter_shapes
from .merge import make_saveable, model_class, ready_folder
from .placement import Member, Placement, default_dtype, device_class, place
from .settings import Dtype, EngineError, EngineSettings, choose, choose_for_sampling
from .torchvision_ops import define_missing_ops
from .toy import write_qwen
from .transformers import TransformersEngine

__all__ = [
    "Dtype",
    "EngineError",
    "EngineSettings",
    "LiveEngine",
    "Member",
    "Placement",
    "TransformersEngine",
    "bfloat16_cost",
    "check_weights",
    "checked",
    "choose",
    "choose_for_sampling",
    "convert",
    "default_dtype",
    "define_missing_ops",
    "device_class",
    "end_if_imported_by_a_child",
    "inspect_engines",
    "make_saveable",
    "model_class",
    "multiplies_bfloat16",
    "parameter_shapes",
    "place",
    "ready_folder",
    "write_qwen",
]
