from .every_eval_ever import Aggregate, instance_lines
from .writing import FORMATS, Exported, ExportError, ExportFormat, export_run

__all__ = [
    "FORMATS",
    "Aggregate",
    "ExportError",
    "ExportFormat",
    "Exported",
    "export_run",
    "instance_lines",
]
