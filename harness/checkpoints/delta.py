"""Delta: a fine-tune of all weights as three bits a weight of its difference from its base, a tenth of its size.

Each tensor's difference is rounded to eight values in equal steps around zero, the step that is best for a normal
distribution of its size (J. Max, "Quantizing for minimum distortion", 1960). What is restored is a checkpoint of its
own, near the one that was trained: runs and entries that name it are made with it. The same delta gives the same bytes
on every machine, as float32 is added and multiplied one value at a time.
"""

import functools
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.checkpoints.scan import CheckpointError
from harness.checkpoints.weights import Tensor, read_header
from harness.temporary import lasting_folder

_WEIGHTS = "model.safetensors"
_BITS = 3
_CENTRE = np.float32((2**_BITS - 1) / 2)
# Of eight equal steps, in standard deviations of a normal distribution.
_STEP = 0.586

_Floats = npt.NDArray[np.float32]


def write_delta(base: Path, tuned: Path, file: Path) -> None:
    """Write what ``tuned`` adds to ``base``, two checkpoint folders with float32 weights in one file each.

    Raises ``CheckpointError`` where their tensors differ in name, shape or type.
    """
    from safetensors.numpy import save_file

    before, after = list(_tensors(base)), list(_tensors(tuned))
    if [tensor for tensor, _ in before] != [tensor for tensor, _ in after]:
        raise CheckpointError(f"{tuned / _WEIGHTS}: its tensors are not those of {base / _WEIGHTS}")
    steps, codes = [], []
    for (_, old), (_, new) in zip(before, after, strict=True):
        difference = new - old
        step = np.float32(_STEP * np.sqrt(np.mean(np.square(difference, dtype=np.float64))))
        steps.append(step)
        codes.append(np.clip(np.floor(difference / (step or 1)) + _CENTRE + 0.5, 0, 2 * _CENTRE).astype(np.uint8))
    bits = np.unpackbits(np.concatenate(codes)[:, None], axis=1)[:, -_BITS:]
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {"codes": np.packbits(bits), "steps": np.array(steps, dtype=np.float32)}
    save_file(content, file, {"base": base.name, "base_sha256": _sha256(base / _WEIGHTS)})


def restore_delta(file: Path, base: Path, folder: Path) -> None:
    """Make ``folder`` the checkpoint that the delta ``file`` gives with ``base``, whose other files it takes.

    Raises ``CheckpointError`` where the delta is another base's.
    """
    from safetensors.numpy import load_file

    if _stated(file)["base_sha256"] != _sha256(base / _WEIGHTS):
        raise CheckpointError(f"{file}: its base has other weights than {base / _WEIGHTS}")
    content = load_file(file)
    steps, start = content["steps"], 0
    codes = np.zeros((sum(values.size for _, values in _tensors(base)), 8), dtype=np.uint8)
    codes[:, -_BITS:] = np.unpackbits(content["codes"], count=_BITS * len(codes)).reshape(-1, _BITS)
    moved = np.packbits(codes, axis=1)[:, 0].astype(np.float32) - _CENTRE
    folder.mkdir(parents=True)
    for path in base.iterdir():
        if path.is_file() and path.name not in (_WEIGHTS, "training_record.json"):
            (folder / path.name).write_bytes(path.read_bytes())
    head = (base / _WEIGHTS).read_bytes()
    with (folder / _WEIGHTS).open("wb") as out:
        out.write(head[: 8 + int.from_bytes(head[:8], "little")])
        for (_, values), step in zip(_tensors(base), steps, strict=True):
            out.write((values + step * moved[start : start + values.size]).tobytes())
            start += values.size


def _stated(file: Path) -> dict[str, str]:
    """What a delta says of its base: ``base``, the name of its folder, and ``base_sha256`` of its weights."""
    from safetensors import safe_open

    with safe_open(file, "np") as content:
        return dict(content.metadata())


def restored(file: Path) -> Path:
    """The folder of a shipped delta's checkpoint, next to whose base it lies; it lasts as long as this process."""
    return _restored(file.resolve(), os.getpid())


@functools.cache
def _restored(file: Path, process: int) -> Path:
    folder = lasting_folder("restored-") / file.stem
    restore_delta(file, file.parent / Path(_stated(file)["base"]).name, folder)
    return folder


def _tensors(folder: Path) -> Iterator[tuple[Tensor, _Floats]]:
    """The tensors of a checkpoint in the order of their data, each with its values in one row."""
    path = folder / _WEIGHTS
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    for tensor in read_header(path):
        if tensor.dtype != "F32":
            raise CheckpointError(f"{path}: {tensor.name} is {tensor.dtype}; a delta is of F32 weights")
        yield (
            tensor,
            np.frombuffer(data, dtype="<f4", offset=start + tensor.start, count=(tensor.end - tensor.start) // 4),
        )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
