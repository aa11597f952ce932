"""Contents: which files of a checkpoint's folder are used, why the others are left alone, and why a folder is refused.

A training leaves much beside a model. What no engine needs is listed and never opened; what two libraries would read
differently, or what is no model yet, is refused with the way out. Decided by names and one index, before any download.
README.md beside this file has the table of what each trainer leaves.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.checkpoints.leftovers import LOG, PICKLED, is_state, reason_for_file, reason_for_folder

CONFIG = "config.json"
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
WEIGHTS = "model.safetensors"
INDEX = f"{WEIGHTS}.index.json"

# fmt: off
# Everything that an engine, a tokenizer or a processor may read beside the weights. Nothing else is given to them.
SIDE_FILES = frozenset({
    CONFIG, "generation_config.json", "quantize_config.json", "quant_config.json", "hf_quant_config.json",
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
    "vocab.txt", "merges.txt", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model",
    "chat_template.jinja", "chat_template.json",
    "preprocessor_config.json", "processor_config.json", "image_processor_config.json",
    "video_preprocessor_config.json", "video_processor_config.json",
})
# fmt: on
_SHARD = re.compile(r"\Amodel-\d+-of-\d+\.safetensors\Z")
_MOST_SHOWN = 5


@dataclass(frozen=True)
class Listing:
    """The names beside each other in a folder or a repository: files, and folders.

    ``nested`` are those folders that hold a checkpoint of their own; ``remote`` says that this is a repository.
    """

    where: str
    files: tuple[str, ...]
    folders: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()
    remote: bool = False

    def offer(self) -> str:
        """How to name one of the nested checkpoints, the newest first."""
        names = _newest_first(self.nested)
        if self.remote:
            command = f"hf download {self.where} --include {shlex.quote(f'{names[0]}/*')} --local-dir FOLDER"
            return f"download one of them and name its folder ({_some(names)}; `{command}`)"
        return f"name one of them: {_some(names)}"


@dataclass(frozen=True)
class Contents:
    """What is in a checkpoint's folder. ``weights`` are among the ``used`` files, which the digest covers.

    ``ignored`` says of everything else why it is left alone (folders end with a slash); ``refused`` why the folder
    cannot be opened as it is, and is empty for a good one.
    """

    kind: Literal["full", "adapter"]
    used: tuple[str, ...]
    weights: tuple[str, ...]
    ignored: dict[str, str]
    refused: tuple[str, ...] = ()

    def summary(self) -> str:
        """What is ignored, in a few words and without logs; empty if nothing is."""
        names = [name for name, why in self.ignored.items() if why != LOG]
        more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
        return ", ".join(names[:_MOST_SHOWN]) + more


def sort_names(listing: Listing, read_shards: Callable[[], set[str]]) -> Contents:
    """Sort the names of ``listing``. ``read_shards`` gives the files that the index names; called only if there is one
    that counts."""
    files = set(listing.files)
    kind: Literal["full", "adapter"] = "adapter" if _is_adapter(files) else "full"
    weights, refused = _adapter_weights(listing) if kind == "adapter" else _weights(listing, read_shards)
    indexed = kind == "full" and INDEX in files and weights not in ([], [WEIGHTS])
    used = _side_files(files, kind) | set(weights) | ({INDEX} if indexed else set())
    return Contents(
        kind=kind,
        used=tuple(sorted(used)),
        weights=tuple(sorted(weights)),
        ignored=_ignored(listing, used, kind),
        refused=tuple(refused),
    )


def _is_adapter(files: set[str]) -> bool:
    """An adapter's configuration whose weights are missing, beside a whole model, is a leftover."""
    return ADAPTER_CONFIG in files and (_adapter_files(files) != [] or not files & {WEIGHTS, INDEX})


def _adapter_files(files: set[str]) -> list[str]:
    """Weights of an adapter in any format."""
    return sorted(name for name in files if name.startswith("adapter_model."))


def _side_files(files: set[str], kind: str) -> set[str]:
    if kind == "adapter":
        return files & ((SIDE_FILES | {ADAPTER_CONFIG}) - {CONFIG})
    return files & SIDE_FILES


def _adapter_weights(listing: Listing) -> tuple[list[str], list[str]]:
    files = set(listing.files)
    own, rivals = _adapter_files(files), sorted(files & {WEIGHTS, INDEX})
    if own and rivals:
        return [], [
            f"{listing.where}: two sets of weights, {own[-1]} and {rivals[0]}; an adapter and a whole model cannot "
            "share a folder: move the files of one of them elsewhere"
        ]
    return ([ADAPTER_WEIGHTS], []) if ADAPTER_WEIGHTS in files else ([], [_without_weights(listing, ADAPTER_WEIGHTS)])


def _weights(listing: Listing, read_shards: Callable[[], set[str]]) -> tuple[list[str], list[str]]:
    files = set(listing.files)
    if CONFIG not in files:
        return [], [_without_config(listing)]
    if INDEX not in files:
        if WEIGHTS in files:
            return [WEIGHTS], []
        return [], [_without_weights(listing, WEIGHTS)]
    shards = read_shards()
    if WEIGHTS in files and WEIGHTS not in shards:
        named = _some(sorted(shards))
        return [WEIGHTS], [
            f"{listing.where}: two sets of weights, {WEIGHTS} and what {INDEX} names ({named}); libraries disagree on "
            f"which to read: delete {INDEX} with its shards if {WEIGHTS} is the newer, else {WEIGHTS}"
        ]
    return sorted(shards), []


def _without_config(listing: Listing) -> str:
    if listing.nested:
        return f"{listing.where}: {CONFIG} is missing, but there are checkpoints beneath it; {listing.offer()}"
    if state := _sharded_state(listing):
        return f"{listing.where}: {CONFIG} is missing, and {state}"
    return f"{listing.where}: {CONFIG} is missing; is this a checkpoint written by save_pretrained?"


def _without_weights(listing: Listing, wanted: str) -> str:
    names = sorted(listing.files)
    if listing.nested:
        return f"{listing.where}: no {wanted}, but there are checkpoints beneath it; {listing.offer()}"
    if state := _sharded_state(listing):
        return f"{listing.where}: no {wanted}, but {state}"
    if pickled := [name for name in names if PICKLED.search(name) and not is_state(name)]:
        return pickled_message(f"{listing.where}/{pickled[0]}")
    if any(map(_SHARD.match, names)):
        return f"{listing.where}: shards without {INDEX}, which says what is in them; download or save it again"
    if other := [name for name in names if name.lower().endswith((".gguf", ".safetensors"))]:
        return (
            f"{listing.where}: no {wanted}, and {other[0]} is not read; name a checkpoint as transformers' "
            "save_pretrained writes it"
        )
    return f"{listing.where}: no .safetensors file ({wanted}); save the weights with safe_serialization=True"


def _sharded_state(listing: Listing) -> str | None:
    """The state of a sharded training is no model yet: what it is, and how it becomes one."""
    folders = " ".join(listing.folders)
    if re.search(r"\bglobal_step\d+", folders) or "zero_to_fp32.py" in listing.files:
        return "the partitioned state of DeepSpeed; join it with `python zero_to_fp32.py . . --safe_serialization`"
    if "fsdp" in folders or any(name.endswith(".distcp") for name in listing.files):
        return "the sharded state of FSDP; join it with `accelerate merge-weights FOLDER_OF_DISTCP OUT`"
    return None


def pickled_message(place: str) -> str:
    return (
        f"{place}: pickle-like weights can run code when they are opened; convert them to safetensors "
        "(model.save_pretrained(..., safe_serialization=True)) and remove this file"
    )


def _ignored(listing: Listing, used: set[str], kind: str) -> dict[str, str]:
    sharded = INDEX in used
    files = {
        name: reason_for_file(name, adapter=kind == "adapter", sharded=sharded)
        for name in sorted(listing.files)
        if name not in used
    }
    nested = set(listing.nested)
    folders = {f"{name}/": reason_for_folder(name, nested=name in nested) for name in sorted(listing.folders)}
    return files | folders


def _newest_first(names: Iterable[str]) -> list[str]:
    def steps(name: str) -> tuple[int, str]:
        numbers = re.findall(r"\d+", name)
        return (int(numbers[-1][:18]) if numbers else -1), name

    return sorted(names, key=steps, reverse=True)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return ", ".join(names[:_MOST_SHOWN]) + more
