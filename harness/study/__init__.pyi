from .entries import Statement, write_entries
from .gemma3 import make_gemma3
from .known import complete_seeds, read_known, read_results
from .outlay import Outlay, outlay_of
from .plan import Plan, load_plan
from .results import RESULTS_FILE, collect
from .runner import Folder, Runner, Step, step_digests
from .smollm2 import cache_folder, make_smollm2
from .steps import Study
from .toy import make_toy

__all__ = [
    "RESULTS_FILE",
    "Folder",
    "Outlay",
    "Plan",
    "Runner",
    "Statement",
    "Step",
    "Study",
    "cache_folder",
    "collect",
    "complete_seeds",
    "load_plan",
    "make_gemma3",
    "make_smollm2",
    "make_toy",
    "outlay_of",
    "read_known",
    "read_results",
    "step_digests",
    "write_entries",
]
