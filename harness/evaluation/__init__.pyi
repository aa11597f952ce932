from .checkup import Checkup, examine
from .doctor import Finding, diagnose
from .estimating import Estimate, brief, estimate, size_of
from .listing import FoundRun, collect, find_garbage, find_runs, store_size, summarise
from .live import LiveEvaluation, only_first
from .noise import NOISE_FILE, NoiseFloor, measure_noise, noise_run
from .plan import Plan, Watcher, make_plan
from .run import PlanFailedError, run_plan
from .screening import screen
from .sizes import Sizes, TaskSize, sizes_of
from .store import ResponseStore, StoredEngine, Variant
from .watching import Cost, FullWatcher, complete
from .work import Work

__all__ = [
    "NOISE_FILE",
    "Checkup",
    "Cost",
    "Estimate",
    "Finding",
    "FoundRun",
    "FullWatcher",
    "LiveEvaluation",
    "NoiseFloor",
    "Plan",
    "PlanFailedError",
    "ResponseStore",
    "Sizes",
    "StoredEngine",
    "TaskSize",
    "Variant",
    "Watcher",
    "Work",
    "brief",
    "collect",
    "complete",
    "diagnose",
    "estimate",
    "examine",
    "find_garbage",
    "find_runs",
    "make_plan",
    "measure_noise",
    "noise_run",
    "only_first",
    "run_plan",
    "screen",
    "size_of",
    "sizes_of",
    "store_size",
    "summarise",
]
