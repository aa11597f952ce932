"""Image processors: what becomes of a picture before a model sees it (harness/README.md, invariant 1).

The settings of two files are the same when they have the same effect, however they were saved: versions of transformers
write them into one file or another, under older or newer names, with all defaults or with none.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from harness.checkpoints.scan import CheckpointError, read_json
from harness.items import canonical_json

# What a processor is loaded from; a library takes the first that has settings of images.
PROCESSOR_FILE = "processor_config.json"
IMAGE_FILE = "preprocessor_config.json"
PROCESSOR_FILES = (PROCESSOR_FILE, IMAGE_FILE, "video_preprocessor_config.json")
# Defaults of transformers' image processors, generated from its classes, and the one that each model type has.
_DEFAULTS_FILE = Path(__file__).parent / "image_processors.json"
# How a file was saved or how tensors are passed on, not what becomes of a picture.
_NO_EFFECT = frozenset({
    "auto_map", "chat_template", "data_format", "device", "disable_grouping", "feature_extractor_type",
    "image_processor_type", "input_data_format", "processor_class", "return_row_col_info", "return_tensors",
    "_processor_class", "_valid_kwargs_names", "_valid_processor_keys",
})  # fmt: skip
_BACKENDS = ("Fast", "Pil")
_PIXELS = (("shortest_edge", "min"), ("longest_edge", "max"))
_LARGEST = 1 << 40


@dataclass(frozen=True)
class Pixels:
    """The fewest and the most pixels that an image is resized to; None where a processor leaves it open."""

    fewest: int | None = None
    most: int | None = None

    def __bool__(self) -> bool:
        return self != ANY_SIZE


ANY_SIZE = Pixels()


@dataclass(frozen=True)
class ImageProcessor:
    """The image processor of ``folder``: the class that reads images, its own settings and those of the class around
    it, which say how many tokens an image becomes."""

    folder: Path
    kind: str
    stated: Mapping[str, Any]
    around: Mapping[str, Any]

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings in effect: those stated, over the defaults of the class."""
        defaults = _known()["defaults"].get(self.kind, {})
        found: dict[str, Any] = {**defaults, **self.stated}
        size = _sides(found.get("size"), defaults.get("size"))
        named = {key: found.pop(f"{name}_pixels", None) for key, name in _PIXELS}
        if isinstance(size, dict) and (any(named.values()) or any(f"{name}_pixels" in size for _, name in _PIXELS)):
            size = {**_size_of(defaults), **{key: size.get(f"{name}_pixels", size.get(key)) for key, name in _PIXELS}}
            size |= {key: value for key, value in named.items() if value is not None}
        found["size"] = size
        found["crop_size"] = _sides(found.get("crop_size"), {"height": 0, "width": 0})
        plain: dict[str, Any] = _plain(found)
        return plain

    @property
    def pixels(self) -> Pixels:
        """The pixel budget; none where images are resized to given sides or cut into tiles."""
        size = self.settings.get("size")
        if "merge_size" not in self.settings or not isinstance(size, dict):
            return ANY_SIZE
        return Pixels(_whole(size.get("shortest_edge")), _whole(size.get("longest_edge")))

    def within(self, pixels: Pixels) -> "ImageProcessor":
        """The processor with the budget of a suite; unchanged where the suite states none or the processor has none."""
        own = self.pixels
        if not pixels or not own:
            return self
        size = {"shortest_edge": pixels.fewest or own.fewest, "longest_edge": pixels.most or own.most}
        if None not in size.values() and size["shortest_edge"] > size["longest_edge"]:  # type: ignore[operator]
            raise CheckpointError(
                f"{self.folder}: its image processor resizes to at least {size['shortest_edge']:,} pixels, the suite "
                f"to at most {size['longest_edge']:,}; state min_pixels in the suite too"
            )
        rest = {name: value for name, value in self.stated.items() if name not in ("size", "min_pixels", "max_pixels")}
        return ImageProcessor(self.folder, self.kind, {**rest, "size": size}, self.around)

    @property
    def digest(self) -> str:
        """sha256 (hex) over all settings in effect."""
        content = {"type": self.kind, "settings": self.settings, "around": _plain(dict(self.around))}
        try:
            return hashlib.sha256(canonical_json(content)).hexdigest()
        except (ValueError, RecursionError) as error:
            raise CheckpointError(
                f"{self.folder}: its image processor has values that JSON does not allow ({str(error)[:80]})"
            ) from error

    def differences(self, other: "ImageProcessor") -> list[str]:
        """The settings that differ from ``other``'s, as "image_std [1] instead of [0.5]"."""
        mine, theirs = ({"type": each.kind, **_plain(dict(each.around)), **each.settings} for each in (self, other))
        return [
            f"{name} {_brief(mine.get(name))} instead of {_brief(theirs.get(name))}"
            for name in sorted({*mine, *theirs})
            if mine.get(name) != theirs.get(name)
        ]


def read_processor(folder: Path) -> ImageProcessor | None:
    """The image processor saved in ``folder``; None where there is none, as beside a language model."""
    around = _content(folder / PROCESSOR_FILE)
    images = around.get("image_processor")
    if not isinstance(images, dict):
        images = _content(folder / IMAGE_FILE)
        # A processor of speech has the same file, and states how often its sound was sampled.
        if not images or "sampling_rate" in images:
            return None
    stated = {name: value for name, value in images.items() if name not in _NO_EFFECT and value is not None}
    rest = {
        name: value
        for name, value in around.items()
        if name not in _NO_EFFECT and value is not None and not isinstance(value, dict)
    }
    return ImageProcessor(folder, _kind(folder, images), stated, rest)


def write_processor(processor: ImageProcessor, folder: Path) -> None:
    """Put the files of ``processor`` into ``folder``: links, but for the one whose settings a suite has changed."""
    as_saved = read_processor(processor.folder)
    for name in PROCESSOR_FILES:
        if (path := processor.folder / name).is_file():
            (folder / name).symlink_to(path.resolve())
    if as_saved is None or as_saved.digest == processor.digest:
        return
    nested = isinstance(_content(processor.folder / PROCESSOR_FILE).get("image_processor"), dict)
    target = folder / (PROCESSOR_FILE if nested else IMAGE_FILE)
    content = _content(target)
    images = content["image_processor"] if nested else content
    images |= {"size": processor.settings["size"], "min_pixels": None, "max_pixels": None}
    target.unlink()
    target.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


@cache
def _known() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_DEFAULTS_FILE.read_text(encoding="utf-8"))
    return content


def _content(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}


def _kind(folder: Path, images: Mapping[str, Any]) -> str:
    """The class that reads images, without the library that it uses for it: that is the engine's choice.

    Older checkpoints name a feature extractor, or a class that is no more; then the model's type decides.
    """
    name = images.get("image_processor_type") or str(images.get("feature_extractor_type") or "").replace(
        "FeatureExtractor", "ImageProcessor"
    )
    for suffix in _BACKENDS:
        name = str(name).removesuffix(suffix)
    if name in _known()["defaults"]:
        return name
    model = _content(folder / "config.json").get("model_type")
    return str(_known()["by_model_type"].get(model, name))


def _sides(size: Any, like: Any) -> Any:
    """A size that is one number as a mapping of sides, as the class reads it."""
    if not isinstance(size, int) or isinstance(size, bool):
        return size
    square = not isinstance(like, dict) or "height" in like
    return {"height": size, "width": size} if square else {"shortest_edge": size}


def _size_of(defaults: Mapping[str, Any]) -> dict[str, Any]:
    size = defaults.get("size")
    return dict(size) if isinstance(size, dict) else {}


def _plain(value: Any) -> Any:
    """``value`` without what is not set, whole numbers as such."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _whole(value: Any) -> int | None:
    return value if type(value) is int and 0 < value < _LARGEST else None


def _brief(value: Any) -> str:
    text = "not set" if value is None else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]}.."
