"""Cards: the block of a model card for a pair that was evaluated, found by its run folder or its name."""

import os
import re
from pathlib import Path

from pydantic import ValidationError

from harness.api.comparing import RunLike, compare
from harness.errors import RetentionError, first_problem
from harness.records import RECORD_FILE, read_record
from harness.report import CardBlock, card_block
from harness.scoring import Scorecard

_SCORECARD = re.compile(r"scorecard-(.+)\.json|scorecard\.json")


def own_card(
    tuned: str | os.PathLike[str],
    *,
    base: RunLike | None = None,
    target: str | None = None,
    out: str | os.PathLike[str] = "runs",
) -> CardBlock:
    """The ``model-index`` and ``.eval_results`` of an evaluated fine-tune, marked as self-reported.

    ``tuned`` is its run folder, or its name in the records below the folder ``out``. The scorecard that ``evaluate``
    left there is taken; with ``base``, a run as in :func:`compare`, the pair is scored anew for ``target``.

    Raises :class:`RetentionError` where nothing of that name was evaluated, where several runs or scorecards have it,
    and for a pair that a screening left early.

    >>> own_card("runs/nano-1/nano-sft-3a5bdde5e82d/vllm-float32", target="jigsaw").write(Path("README.md"))
    """
    folder = _folder(os.fspath(tuned), Path(out))
    card = _stored(folder, target) if base is None else compare(base, folder, target)
    return card_block(card, date=_day(read_record(folder).created))


def _folder(tuned: str, out: Path) -> Path:
    place = Path(tuned).expanduser()
    if (place / RECORD_FILE).exists():
        return place
    names = {tuned, tuned.replace(":", "-"), place.name}
    found = [path.parent for path in sorted(out.rglob(RECORD_FILE)) if _scorecards(path.parent)]
    named = {folder: read_record(folder).checkpoint.name for folder in found}
    match = [folder for folder, name in named.items() if name in names]
    if len(match) == 1:
        return match[0]
    if match:
        raise RetentionError(
            f"{tuned}: {len(match)} runs have this name; give one folder: {', '.join(map(str, match))}"
        )
    known = ", ".join(sorted(set(named.values()))) or "no scored run"
    raise RetentionError(
        f"{tuned}: no run folder, and no scored run of that name in {out} (there: {known}); --out FOLDER"
    )


def _scorecards(folder: Path) -> dict[str, Path]:
    """The scorecards of a run by target, empty for one without."""
    found = ((_SCORECARD.fullmatch(path.name), path) for path in sorted(folder.glob("scorecard*.json")))
    return {match[1] or "": path for match, path in found if match is not None}


def _stored(folder: Path, target: str | None) -> Scorecard:
    cards = _scorecards(folder)
    if not cards:
        raise RetentionError(f"{folder}: no scorecard; give the base's run (--base) or run `retention evaluate` first")
    if target is not None and target not in cards:
        raise RetentionError(f"--target {target}: {folder} was scored for {', '.join(filter(None, cards)) or 'none'}")
    if target is None and len(cards) > 1:
        raise RetentionError(f"{folder}: scored for {', '.join(filter(None, cards))}; choose one by --target")
    path = cards[target] if target is not None else next(iter(cards.values()))
    try:
        return Scorecard.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise RetentionError(f"{path}: {first_problem(error)}; evaluate the pair again") from error


def _day(created: str) -> str | None:
    """The moment of a record as the hub writes it; None where it is none."""
    found = re.match(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}", created)
    return None if found is None else f"{found[0]}Z"
