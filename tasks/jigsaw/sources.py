"""The jigsaws of photographs and of landscapes: where their pictures come from; ``harness.pictures.jigsaw`` cuts them.

COCO 2017 validation images, as in the archive that its authors publish, whose licence permits altered copies:
``coco_val2017.csv`` names those of the first version (their tiles tell themselves apart) and pins their bytes,
``coco_val2017_2.csv`` those of the second, of which each grid takes all that it can be decided for.
"""

from dataclasses import replace
from pathlib import Path

from harness.pictures import Collection, Pictures, Scenes, image_loader, loader

COCO = Collection(
    repo="pcuenq/coco-2017-mirror",
    revision="a4cd8b69bd45a35e9a0a9c8692f3a7f4f23321fe",
    archive="val2017.zip",
    member="val2017/{name}.jpg",
    copies=("photos/images/coco_{name}.jpg", "coco/val2017/{name}.jpg"),
    listing=Path(__file__).parent / "coco_val2017.csv",
)

PHOTOS = replace(
    COCO,
    copies=("photos/images/coco_{name}.jpg", "coco_photos_2/images/coco_{name}.jpg", "coco/val2017/{name}.jpg"),
    listing=Path(__file__).parent / "coco_val2017_2.csv",
)

SOURCES: dict[str, Pictures] = {"coco": COCO, "photos": PHOTOS, "scenes": Scenes("test", seed=1)}

# The tasks on published data; the catalogue asks them for their sources.
TASKS = {
    path.stem: pictures
    for name, pictures in (("coco", COCO), ("photos", PHOTOS))
    for path in Path(__file__).parent.glob(f"jigsaw_{name}_*.yaml")
}

load = loader(SOURCES)
images = image_loader(SOURCES)
