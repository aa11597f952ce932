from .checkup import Checkup, examine
from .doctor import Finding, diagnose
from .listing import FoundRun, collect, find_garbage, find_runs, store_size, summarise
from .noise import NOISE_FILE, NoiseFloor, measure_noise, noise_run
from .plan import Plan, Watcher, make_plan
from .run import PlanFailedError, run_plan
from .screening import screen
from .store import ResponseStore, StoredEngine, Variant
from .watching import Cost, FullWatcher, complete

__all__ = [
    "NOISE_FILE",
    "Checkup",
    "Cost",
    "Finding",
    "FoundRun",
    "FullWatcher",
    "NoiseFloor",
    "Plan",
    "PlanFailedError",
    "ResponseStore",
    "StoredEngine",
    "Variant",
    "Watcher",
    "collect",
    "complete",
    "diagnose",
    "examine",
    "find_garbage",
    "find_runs",
    "make_plan",
    "measure_noise",
    "noise_run",
    "run_plan",
    "screen",
    "store_size",
    "summarise",
]
