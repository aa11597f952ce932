"""Which process of pytest-xdist runs what: a file stays whole, and files that share something costly stay together."""

import re
from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[2]
# How a file shows that it asks for what a process makes once: the engines, the results of a study (also on the site).
SHARED = {"engines": r"\bengines: Engines\b|usefixtures\(\"engines\"\)", "browser": r"\bstudy_results\b"}


@cache
def group_of(file: str) -> str:
    """The files of a group run in one process; ``file`` is relative to the repository."""
    path = ROOT / file
    if path.parent.name == "site" and path.parents[1].name == "tests":
        return "browser"
    source = path.read_text("utf-8")
    return next((name for name, asks in SHARED.items() if re.search(asks, source)), file)


class GroupScheduling(LoadScopeScheduling):
    """(`--dist loadgroup` of pytest-xdist 3.8 hands groups on in node ids, which pytest 9.2 does not let it change.)"""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.split("::", 1)[0])
