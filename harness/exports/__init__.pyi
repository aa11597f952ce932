from .writing import FORMATS, Exported, ExportError, ExportFormat, export_run

__all__ = [
    "FORMATS",
    "ExportError",
    "ExportFormat",
    "Exported",
    "export_run",
]
