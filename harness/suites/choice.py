"""Choice: the suite for a checkpoint that is to be measured and for which no suite was named, with the reason."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.checkpoints import Checkpoint, nano_root, open_checkpoint, read_processor, template_of
from harness.records import SuiteError, load_suite, read_suite, suite_names, suite_path
from harness.suites.availability import missing_data

_VISION, _TEXT, _PLAIN = "core-vl", "core-text", "core-base"
# The worlds of the nano checkpoints, by a checkpoint whose tokenizer all of a world have.
_WORLDS = {"base": "nano-1", "reasoning": "nano-2"}


@dataclass(frozen=True)
class SuiteChoice:
    """A suite, why it is this one, and the tasks that cannot be asked here, each with a data set that it lacks."""

    suite: str
    reason: str
    missing: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.suite} ({self.reason})"


def suite_for(checkpoint: Checkpoint, *, templated: bool | None = None) -> SuiteChoice:
    """The newest frozen suite for what ``checkpoint`` is, of those whose data can be had: in the data folder, on the
    hub, or in its cache.

    Nano checkpoints take the suite of their world, nano-1 or nano-2; a model with a chat template core-vl where it
    has an image processor and core-text where not; one without a template core-base. ``templated`` says whether
    prompts will be made by a chat template, where that does not follow from the checkpoint. Where no version has all
    its data, the one with the most tasks that need none is taken, and ``missing`` names what it lacks. Raises
    ``SuiteError`` where there is no such task.
    """
    name, reason = _kind(checkpoint, templated)
    lacking = {version: missing_data(load_suite(version), suite_path(version).parent) for version in _versions(name)}
    chosen = max(lacking, key=lambda version: _preference(version, lacking[version]))
    if lacking[chosen] and len(lacking[chosen]) == len(load_suite(chosen).tasks):
        raise SuiteError(
            f"{checkpoint.record.name}: {chosen} is the suite for it ({reason}), but {_summary(lacking[chosen])}; "
            f"{WAY_OUT}, or name a suite that needs no data with --suite (nano-1, for a model that takes images)"
        )
    return SuiteChoice(chosen, reason, lacking[chosen])


def given_suite(suite: str) -> SuiteChoice:
    """A suite that the user named; ``SuiteError`` where data for it is not here, which is known within seconds."""
    if missing := missing_data(read_suite(suite), suite_path(suite).parent):
        raise SuiteError(f"suite {suite}: {_summary(missing)}; {WAY_OUT}, or name another suite (nano-1 needs no data)")
    return SuiteChoice(suite, "as given")


WAY_OUT = "connect to the hub, or give a folder of data sets with --data-dir or RETENTION_DATA"


def _kind(checkpoint: Checkpoint, templated: bool | None) -> tuple[str, str]:
    root = checkpoint.base or checkpoint
    for shipped, world in _WORLDS.items():
        if checkpoint.record.tokenizer_digest == _tokenizer_of(shipped):
            return world, f"its tokenizer is that of nano:{shipped}"
    if not (template_of(root.path) is not None if templated is None else templated):
        return _PLAIN, "it is asked without a chat template"
    if read_processor(root.path) is not None:
        return _VISION, "it has a chat template and an image processor"
    return _TEXT, "it has a chat template and no image processor"


def _tokenizer_of(shipped: str) -> str:
    return open_checkpoint(str(nano_root() / shipped)).record.tokenizer_digest


def _versions(name: str) -> list[str]:
    """All versions of a suite, or those of one number that differ by a letter."""
    return [each for each in suite_names() if re.fullmatch(rf"{name}(-[0-9]+)?[a-z]?(-local)?", each)]


def _preference(version: str, missing: Mapping[str, str]) -> tuple[bool, int, tuple[int, str]]:
    """All data is best, then the most tasks that can be asked, then the newest."""
    number, letter = re.findall(r"-([0-9]+)([a-z]?)", version)[-1]
    here = len(load_suite(version).tasks) - len(missing)
    return not missing, here if missing else 0, (int(number), letter)


def _summary(missing: Mapping[str, str]) -> str:
    sets = list(dict.fromkeys(missing.values()))
    more = f" and {len(sets) - 1} more" if len(sets) > 1 else ""
    tasks = "task needs" if len(missing) == 1 else "tasks need"
    return f"{len(missing)} {tasks} data that is not here ({sets[0]}{more})"
