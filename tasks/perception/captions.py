"""Sentences about photographs: whether one is true, and which of two is.

    perception_captions       Is this sentence true of the image: "A man rides a horse on the beach."   -> yes
    perception_two_captions   Which sentence is true of the image?  A. A cat is on the sofa.
                                                                    B. A cat is under the sofa.         -> A

Chance level 1/2. SugarCrepe and VALSE have a true caption and one that is false by a small change; of each pair one of
the two is asked for in perception_captions, with the sentences of VSR, which are about places. The photographs are COCO
2017 validation images, the rows those whose photograph is listed.
"""

import hashlib
from collections.abc import Iterator

from harness import plugin
from harness.answers import forms, shuffled
from harness.items import Item
from harness.plugin import Reader
from harness.records import load_task_module, tasks_root
from harness.sources import LocalFile, Row, one_line

PHOTOS = load_task_module(tasks_root() / "jigsaw" / "sources.py").PHOTOS

_KINDS = {
    "add_att": "012d88d729693d193760e6f3393b06a1cf874380a9db0062e937201199fe044d",
    "add_obj": "1b9d76b93139a937b8dc1ada92a4f05ecc821bb3c291d752428bafadd4bb0682",
    "replace_att": "9fe55fd4c0a9ad1f85d486d9f6d0215b41f867eb025026e7f7b5ce44352545ee",
    "replace_obj": "9d299600639947e9d15281a9ded1382b376cf4ea088a8d08a1314bfe76e81898",
    "replace_rel": "356bcc2fc4c6aed3f4d9fd50acc58489bb1fe70c28791f9368d4cbf9ea39cdc9",
    "swap_att": "7a7ce04e5c4c80412b48c6f0c1347fb1a2f5d54c0be6aa429b64d390e442f8d0",
    "swap_obj": "073cdb8e253d053614e80710834d9773b09dbc1dd0a412f6f9492262caa1dcad",
}
SUGARCREPE = tuple(
    LocalFile(
        f"sugarcrepe/{kind}.json",
        sha256,
        f"github.com/RAIVNLab/sugar-crepe, data/{kind}.json at 0047054b2439",
        (("kind", kind),),
    )
    for kind, sha256 in _KINDS.items()
)
VALSE = LocalFile(
    "coco_texts/valse.jsonl",
    "f9102125789d339d8a1c750d5d6a64ae6328f82c67cfb953e2c53fcacab9128d",
    "github.com/Heidelberg-NLP/VALSE, data/ at 2152d90d4aec (the rows on photographs listed here)",
)
VSR = LocalFile(
    "coco_texts/vsr.jsonl",
    "31f25d2248fd3bf352ef925d14de133db661a833898aff1829a321b638c91697",
    "github.com/cambridgeltl/visual-spatial-reasoning, data/ at b27a0af0ee14 (the rows on photographs listed here)",
)


def two_captions(rows: Iterator[Row]) -> Iterator[Item]:
    """A pair of captions in an order drawn from the two."""
    for name, group, true, false in _pairs(rows):
        stem = "Which sentence is true of the image?"
        options = shuffled((true, false), f"{name}\n{min(true, false)}")
        item = forms.lettered("perception_two_captions", stem, options, options.index(true), group=group)
        if item is not None:
            yield _shown(item, name)


def captions(rows: Iterator[Row]) -> Iterator[Item]:
    """One caption of each pair, the true or the false one as its text decides; and VSR's sentences."""
    for row in rows:
        if "relation" in row and "label" in row:
            if (name := _name(row["image"])) is not None:
                yield _is_true(name, "vsr", one_line(row["caption"]), bool(row["label"]))
        else:
            for name, group, true, false in _pairs(iter((row,))):
                first = _place(f"{name}\n{true}\n{false}")
                yield _is_true(name, group, (true, false)[first], first == 0)


def _pairs(rows: Iterator[Row]) -> Iterator[tuple[str, str, str, str]]:
    """The photograph, the kind of change, the true and the false caption; of VALSE what people agree about."""
    for row in rows:
        name = _name(row["filename"] if "filename" in row else row["image_file"])
        false = row["negative_caption"] if "filename" in row else row["foil"]
        group = row["kind"] if "filename" in row else f"valse_{row['instrument'].replace('-', '_')}"
        if name is not None and row.get("valid", True):
            yield name, group, one_line(row["caption"]), one_line(false)


def _name(file: str) -> str | None:
    """The photograph's name, if it is listed."""
    name = file.removesuffix(".jpg")
    return name if name in PHOTOS.digests() else None


def _is_true(name: str, group: str, sentence: str, true: bool) -> Item:
    text = f'Is this sentence true of the image: "{sentence}"'
    gold = "yes" if true else "no"
    item = forms.asked_for_words("perception_captions", text, [gold], (), ask=forms.ASK_YES_OR_NO, group=group)
    return _shown(item, name)


def _place(text: str) -> int:
    return hashlib.sha256(text.encode()).digest()[0] % 2


def _shown(item: Item, name: str) -> Item:
    digest = PHOTOS.digests()[name]
    return item.model_copy(update={"cluster_id": digest[:16]}).with_pictures(name, digests=(digest,))


# Where something was added, the false caption is always the longer one, which alone would tell it from the true one.
_NOT_LONGER = tuple(file for file in SUGARCREPE if not file.path.startswith("sugarcrepe/add_"))

TASKS: dict[str, Reader] = {
    "perception_captions": Reader((*SUGARCREPE, VALSE, VSR), captions, pictures=(PHOTOS,)),
    "perception_two_captions": Reader((*_NOT_LONGER, VALSE), two_captions, pictures=(PHOTOS,)),
}

load = plugin.reader(TASKS)
images = plugin.opener(PHOTOS.file)
