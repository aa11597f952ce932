"""Claims: what an adapter's configuration names as its base, which is a path or a name on the machine of its training.

The base is the one that the user names. A claim is held against it where it can be found here without a network: where
it is another model's weights, the adapter is refused; where it is not found, it is only recorded.
"""

from pathlib import Path
from typing import Any

from harness.checkpoints.identity import same_weights
from harness.checkpoints.listing import contents_of
from harness.checkpoints.quantised import quantisation
from harness.checkpoints.scan import CheckpointError, read_json

FIELD = "base_model_name_or_path"
_LONGEST = 200


def recorded_claim(config: dict[str, Any]) -> str | None:
    """The claim as a record states it: of a path on some machine its last part."""
    claim = config.get(FIELD)
    if not isinstance(claim, str) or not claim:
        return None
    kept = (Path(claim).name if claim.startswith(("/", "~", "\\")) else claim)[:_LONGEST]
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in kept)


def refuse_other_base(path: Path, config: dict[str, Any], base: Path, weights: list[Path], shipped: Path) -> bool:
    """Whether the claim of the adapter configuration ``path`` is the folder ``base``, which has the files ``weights``.

    Raises ``CheckpointError`` where it is a folder of other weights. A quantised copy of the base passes: its weights
    are never the same, and its shapes are compared anyway.
    """
    claim = config.get(FIELD)
    if not isinstance(claim, str) or not claim:
        return False
    found = _find(claim, path.parent, config.get("revision"), shipped)
    if found is None:
        return False
    if found.resolve() == base.resolve():
        return True
    theirs = _weights(found)
    if not theirs or _quantised(found) != _quantised(base):
        return False
    if same_weights(weights, theirs) is False:
        raise CheckpointError(
            f"{path}: {FIELD} names {claim[:_LONGEST]}, whose weights are not those of {base}; evaluate the adapter on "
            "the base that it names, or set the field to null if it belongs to the other after all"
        )
    return False


def _find(claim: str, folder: Path, revision: Any, shipped: Path) -> Path | None:
    """The folder that a claim means on this machine."""
    if claim.startswith("nano:"):
        return shipped / Path(claim.removeprefix("nano:")).name
    try:
        for place in (Path(claim).expanduser(), folder / claim):
            if place.is_dir():
                return place
    except (OSError, RuntimeError, ValueError):  # A name too long, of an unknown user's home, or with a zero byte.
        return None
    return _cached(claim, revision if isinstance(revision, str) and revision else None)


def _cached(repo: str, revision: str | None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(repo, "config.json", revision=revision)
    except HFValidationError:
        return None
    return Path(found).parent if isinstance(found, str) else None


def _weights(folder: Path) -> list[Path]:
    """The files of the weights in the folder of a full checkpoint; none in any other."""
    try:
        contents = contents_of(folder)
    except CheckpointError:
        return []
    usable = contents.kind == "full" and not contents.refused
    return [folder / name for name in contents.weights if (folder / name).is_file()] if usable else []


def _quantised(folder: Path) -> bool:
    return quantisation(read_json(folder / "config.json")) is not None
