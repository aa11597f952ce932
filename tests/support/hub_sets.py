"""Stand-ins for the vision sets of the hub: repositories with the columns, splits and files of their cards, drawn anew.

Each has a card that says where its splits lie, and parquet files with pictures inside, so that ``datasets`` loads it
from a local folder as it loads the published one from the hub. Rows are made up, in the form of the published ones.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from datasets import ClassLabel, Dataset, Features, Image, Value
from datasets import Sequence as ListOf
from PIL import Image as Pictures
from PIL import ImageDraw

Rows = list[dict[str, Any]]

TEXT, PICTURE, TEXTS = Value("string"), Image(), ListOf(Value("string"))
COLOURS = ("red", "green", "blue", "orange", "purple", "black")
SUBJECTS = ("Accounting", "Agriculture", "Architecture_and_Engineering", "Art", "Art_Theory", "Basic_Medical_Science",
            "Biology", "Chemistry", "Clinical_Medicine", "Computer_Science", "Design",
            "Diagnostics_and_Laboratory_Medicine", "Economics", "Electronics", "Energy_and_Power", "Finance",
            "Geography", "History", "Literature", "Manage", "Marketing", "Materials", "Math",
            "Mechanical_Engineering", "Music", "Pharmacy", "Physics", "Psychology", "Public_Health",
            "Sociology")  # fmt: skip
BLINK = ("Art_Style", "Counting", "Forensic_Detection", "Functional_Correspondence", "IQ_Test", "Jigsaw",
         "Multi-view_Reasoning", "Object_Localization", "Relative_Depth", "Relative_Reflectance",
         "Semantic_Correspondence", "Spatial_Relation", "Visual_Correspondence", "Visual_Similarity")  # fmt: skip


def write_sets(root: Path) -> Path:
    """Every set, each in the folder that its task reads below ``--data-dir``; returns ``root``."""
    for write in (
        refcoco,
        docvqa,
        textvqa,
        ocrbench,
        pope,
        mme,
        chartqa,
        mmstar,
        ai2d,
        cvbench,
        blink,
        mmmu,
        realworldqa,
    ):
        write(root)
    return root


def picture(seed: int, size: tuple[int, int] = (320, 240), text: str = "", kind: str = "PNG", mode: str = "RGB") -> Any:
    """A drawn scene: a box in a colour, a disc, and a text, as ``datasets`` takes an encoded picture."""
    drawn = Pictures.new("RGB", size, (235, 235, 225))
    pen = ImageDraw.Draw(drawn)
    pen.rectangle(box_of(seed, size), fill=COLOURS[seed % len(COLOURS)])
    middle = (size[0] * 3 // 4, size[1] * 3 // 4)
    pen.ellipse((middle[0] - 30, middle[1] - 30, middle[0] + 30, middle[1] + 30), fill=COLOURS[(seed + 1) % 6])
    pen.text((8, 6), text or f"No. {seed}", fill="black")
    file = io.BytesIO()
    drawn.convert(mode).save(file, kind)
    return {"bytes": file.getvalue(), "path": None}


def box_of(seed: int, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The corners of the box in a drawn scene."""
    left, top = 20 + 9 * seed % 60, 30 + 7 * seed % 50
    return left, top, left + size[0] // 3, top + size[1] // 3


def chart(seed: int) -> Any:
    """A chart of four bars with their values above them."""
    drawn = Pictures.new("RGB", (400, 260), "white")
    pen = ImageDraw.Draw(drawn)
    for bar, value in enumerate(bars(seed)):
        left = 40 + 85 * bar
        pen.rectangle((left, 220 - 2 * value, left + 50, 220), fill=COLOURS[bar])
        pen.text((left + 12, 205 - 2 * value), str(value), fill="black")
        pen.text((left + 4, 226), str(2012 + bar), fill="black")
    file = io.BytesIO()
    drawn.save(file, "PNG")
    return {"bytes": file.getvalue(), "path": None}


def bars(seed: int) -> list[int]:
    return [20 + (seed * 17 + bar * 23) % 75 for bar in range(4)]


def write(
    folder: Path, features: Mapping[str, Any], splits: Mapping[tuple[str, str], tuple[str, Rows]], licence: str = ""
) -> None:
    """A repository: ``splits`` has the file and the rows of each configuration's split."""
    configs: dict[str, list[dict[str, str]]] = {}
    for (config, split), (file, rows) in splits.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        Dataset.from_list(rows, features=Features(features)).to_parquet(str(path))
        configs.setdefault(config, []).append({"split": split, "path": file})
    # As published: the card lists splits that a loader of one split alone does not find.
    infos = [
        {"config_name": name, "splits": [{"name": "train", "num_bytes": 1, "num_examples": 9}]} for name in configs
    ]
    card = {
        "configs": [{"config_name": name, "data_files": files} for name, files in configs.items()],
        "dataset_info": infos,
    }
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump(card | ({'license': licence} if licence else {}))}---\n")


def _default(folder: Path, features: Mapping[str, Any], split: str, file: str, rows: Rows) -> None:
    write(folder, features, {("default", split): (file, rows)})


def refcoco(root: Path) -> None:
    features = {
        "question_id": TEXT, "image": PICTURE, "question": TEXT, "answer": TEXTS,
        "segmentation": ListOf(Value("float32")), "bbox": ListOf(Value("float32")), "iscrowd": Value("int8"),
        "file_name": TEXT,
    }  # fmt: skip

    def rows(first: int) -> Rows:
        made = []
        for k in range(first, first + 6):
            # Two rows ask about each picture.
            seed, size = k // 2, ((640, 480), (427, 640), (333, 500))[k // 2 % 3]
            left, top, right, bottom = box_of(seed, size)
            disc = [size[0] * 3 / 4 - 30, size[1] * 3 / 4 - 30, 60.0, 60.0]
            box, thing = ([left, top, right - left, bottom - top], "box") if k % 2 == 0 else (disc, "disc")
            made.append(
                {
                    "question_id": str(k), "image": picture(seed, size, kind="JPEG"),
                    "question": "Please carefully observe the area circled in the image and come up with a caption "
                    "for the area.", "answer": [f"the {thing} of  colour", f"{thing} {k}"], "segmentation": [1.0, 2.0],
                    "bbox": list(map(float, box)), "iscrowd": 0, "file_name": f"COCO_train2014_{seed:012}.jpg",
                }
            )  # fmt: skip
        return made

    for name, splits in (("refcoco", ("testA", "testB")), ("refcocoplus", ("testA", "testB")), ("refcocog", ("val",))):
        files = {("default", each): (f"data/{each}-00000-of-00001.parquet", rows(k)) for k, each in enumerate(splits)}
        write(root / name, features, files)


def docvqa(root: Path) -> None:
    features = {
        "questionId": TEXT, "question": TEXT, "question_types": TEXTS, "image": PICTURE, "docId": Value("int64"),
        "ucsf_document_id": TEXT, "ucsf_document_page_no": TEXT, "answers": TEXTS, "data_split": TEXT,
    }  # fmt: skip
    rows: Rows = [
        {
            "questionId": str(k), "question": f"What is the number of page {k // 2}{' , in all' * (k % 2)}?",
            "question_types": ["layout"], "image": picture(k // 2, (300, 420), f"Page {k // 2} of 12"), "docId": k // 2,
            "ucsf_document_id": "x", "ucsf_document_page_no": "1",
            "answers": [f"{k // 2}", f"Page  {k // 2} of 12"], "data_split": "val",
        }
        for k in range(6)
    ]  # fmt: skip
    write(root / "docvqa", features, {("DocVQA", "validation"): ("DocVQA/validation-00000-of-00001.parquet", rows)})


def textvqa(root: Path) -> None:
    features = {
        "image_id": TEXT, "question_id": Value("int32"), "question": TEXT, "question_tokens": TEXTS, "image": PICTURE,
        "image_width": Value("int32"), "image_height": Value("int32"), "flickr_original_url": TEXT,
        "flickr_300k_url": TEXT, "answers": TEXTS, "image_classes": TEXTS, "set_name": TEXT, "ocr_tokens": TEXTS,
    }  # fmt: skip
    rows: Rows = [
        {
            "image_id": f"{k // 2}", "question_id": k, "question": "what is the brand" + " of this box" * (k % 2),
            "question_tokens": ["what"], "image": picture(k // 2, text=f"dakota {k // 2}", kind="JPEG"),
            "image_width": 320, "image_height": 240, "flickr_original_url": "", "flickr_300k_url": "",
            "answers": [f"dakota {k // 2}"] * 6 + ["dakota"] * 2 + ["unanswerable", "Clos Culombu"],
            "image_classes": ["Box"], "set_name": "val", "ocr_tokens": ["dakota"],
        }
        for k in range(6)
    ]  # fmt: skip
    _default(root / "textvqa", features, "validation", "data/validation-00000-of-00001.parquet", rows)


def ocrbench(root: Path) -> None:
    features = {"dataset": TEXT, "question": TEXT, "question_type": TEXT, "answer": TEXTS, "image": PICTURE}
    rows: Rows = [
        {
            "dataset": "IIIT5K", "question": "what is written in the image?",
            "question_type": "Regular Text Recognition", "answer": [f"CENTRE{k}"],
            "image": picture(k, (160, 60), f"CENTRE{k}"),
        }
        for k in range(4)
    ] + [
        {
            "dataset": "HME100k", "question": "Please write out the expression of the formula in the image using "
            "LaTeX format.", "question_type": "Handwritten Mathematical Expression Recognition",
            "answer": ["x ^ { 2 } + 1"], "image": picture(9, (160, 60), "x^2 + 1"),
        }
    ]  # fmt: skip
    _default(root / "ocrbench", features, "test", "data/test-00000-of-00001.parquet", rows)


def pope(root: Path) -> None:
    features = {
        "id": TEXT, "question_id": TEXT, "question": TEXT, "answer": TEXT, "image_source": TEXT, "image": PICTURE,
        "category": TEXT,
    }  # fmt: skip
    rows: Rows = []
    for category, missing in (("adversarial", "chair"), ("popular", "person"), ("random", "zebra")):
        for k in range(6):
            # As published: yes and no by turns, the same questions with a yes in each part, six on a picture.
            thing = f"box {k // 2}" if k % 2 == 0 else f"{missing} {k // 2}"
            rows.append(
                {
                    "id": str(len(rows)), "question_id": str(k + 1), "question": f"Is there a {thing} in the image?",
                    "answer": "no" if k % 2 else "yes", "image_source": f"COCO_val2014_{k // 3:012}",
                    "image": picture(k // 3, (640, 426), kind="JPEG"), "category": category,
                }
            )  # fmt: skip
    full = {
        ("Full", part): (f"Full/{part}-00000-of-00001.parquet", [row for row in rows if row["category"] == part])
        for part in ("adversarial", "popular", "random")
    }
    write(root / "pope", features, {**full, ("default", "test"): ("data/test-00000-of-00001.parquet", rows)})


def mme(root: Path) -> None:
    features = {"question_id": TEXT, "image": PICTURE, "question": TEXT, "answer": TEXT, "category": TEXT}
    rows: Rows = [
        {
            "question_id": f"count/{k // 2:012}.jpg", "image": picture(k // 2, (500, 375), kind="JPEG"),
            "question": f"Is there a total of {1 + k % 2} box in the image? Please answer yes or no.",
            "answer": "No" if k % 2 else "Yes", "category": "count",
        }
        for k in range(8)
    ]  # fmt: skip
    _default(root / "mme", features, "test", "data/test-00000-of-00004-a25dbe3b44c4fda6.parquet", rows)


def chartqa(root: Path) -> None:
    features = {
        "image": PICTURE, "query": TEXT, "label": [TEXT],
        "human_or_machine": ClassLabel(names=["human", "machine"]),
    }  # fmt: skip
    asked: list[tuple[str, Callable[[Sequence[int]], str]]] = [
        ("What is the value of the red bar?", lambda values: str(values[0])),
        ("In which year was the value the highest?", lambda values: str(2012 + values.index(max(values)))),
        ("Is the value of 2012 more than that of 2013?", lambda values: "Yes" if values[0] > values[1] else "No"),
        ("What is the ratio of the first two bars?", lambda values: f"{values[0] / values[1]:.2f}"),
        ("Which colours have the first two bars?", lambda _: "[red, green]"),
    ]
    rows: Rows = [
        {"image": chart(seed), "query": query, "label": [answer(bars(seed))], "human_or_machine": place % 2}
        for seed in range(2)
        for place, (query, answer) in enumerate(asked)
    ]
    _default(root / "chartqa", features, "test", "data/test-00000-of-00001-e2cd0b7a0f9eb20d.parquet", rows)


def mmstar(root: Path) -> None:
    meta = {"source": TEXT, "split": TEXT, "image_path": TEXT}
    features = {
        "index": Value("int64"), "question": TEXT, "image": PICTURE, "answer": TEXT, "category": TEXT,
        "l2_category": TEXT, "meta_info": meta,
    }  # fmt: skip
    asked = (
        "Which option describes the picture correctly?\nOptions: A: The box is red., B: The box is green., "
        "C: The box is blue., D: The box is orange.",
        "Hint: Please answer the question and provide the correct option letter, e.g., A, B, C, D, at the end.\n"
        "Question: What colour has the box?\nChoices:\n(A) red\n(B) green\n(C) blue\n(D) orange",
        "What colour has the box?\nA. red\nB. green\nC. blue\nD. orange",
        "Which of the four boxes is the odd one?",
    )
    rows: Rows = [
        {
            "index": k, "question": asked[k % 4], "image": picture(k, kind="JPEG"), "answer": "ABCD"[k % 4],
            "category": "instance reasoning", "l2_category": "single-instance reasoning",
            "meta_info": {"source": "MMBench", "split": "val", "image_path": f"images/{k}.jpg"},
        }
        for k in range(8)
    ]  # fmt: skip
    _default(root / "mmstar", features, "val", "mmstar.parquet", rows)


def ai2d(root: Path) -> None:
    features = {"question": TEXT, "options": TEXTS, "answer": TEXT, "image": PICTURE}
    rows: Rows = [
        {
            "question": f"Which colour is the box in diagram {k}?", "options": ["red", "green", "blue", "orange"],
            "answer": str(k % 4), "image": picture(k),
        }
        for k in range(6)
    ]  # fmt: skip
    _default(root / "ai2d", features, "test", "data/test-00000-of-00002.parquet", rows)


def cvbench(root: Path) -> None:
    features = {
        "idx": Value("int64"), "type": TEXT, "task": TEXT, "image": PICTURE, "question": TEXT, "choices": TEXTS,
        "answer": TEXT, "prompt": TEXT, "filename": TEXT, "source": TEXT, "source_dataset": TEXT,
        "source_filename": TEXT, "target_class": TEXT, "target_size": Value("int64"),
        "bbox": ListOf(ListOf(Value("float64"))),
    }  # fmt: skip
    rows: Rows = []
    for k in range(8):
        kind, task = (("2D", "Count"), ("2D", "Relation"), ("3D", "Depth"), ("3D", "Distance"))[k % 4]
        options = [str(k), str(k + 1), str(k + 2)] if task == "Count" else ["box", "disc"]
        asked = f"How many boxes are in the image {k}?" if task == "Count" else f"Which is nearer in {k}, box or disc?"
        listed = "\n".join(f"({'ABCDEF'[place]}) {option}" for place, option in enumerate(options))
        rows.append(
            {
                "idx": k, "type": kind, "task": task, "image": picture(k), "question": asked, "choices": options,
                "answer": f"({'ABC'[k % 2]})", "prompt": f"{asked} Select from the following choices.\n{listed}",
                "filename": f"img/{kind}/{k}.png", "source": "ADE20K", "source_dataset": "ADE20K Validation Set",
                "source_filename": "x.jpg", "target_class": "box", "target_size": 1, "bbox": [[1.0, 2.0, 3.0, 4.0]],
            }
        )  # fmt: skip
    _default(root / "cvbench", features, "test", "test.parquet", rows)


def blink(root: Path) -> None:
    features = {
        "idx": TEXT, "question": TEXT, "sub_task": TEXT, "image_1": PICTURE, "image_2": PICTURE, "image_3": PICTURE,
        "image_4": PICTURE, "choices": TEXTS, "answer": TEXT, "prompt": TEXT, "explanation": TEXT,
    }  # fmt: skip
    splits = {}
    for number, task in enumerate(BLINK):
        rows: Rows = []
        for k in range(2):
            several = task != "Counting"
            asked = f"Which image completes the first ({task} {k})?"
            prompt = f"{asked} Select from the following choices.\n(A) the second image\n(B) the third image"
            rows.append(
                {
                    "idx": f"val_{task}_{k + 1}", "question": asked, "sub_task": task, "image_1": picture(number + k),
                    "image_2": picture(number + k + 1, kind="JPEG") if several else None,
                    "image_3": picture(number + k + 2) if several else None, "image_4": None,
                    "choices": ["the second image", "the third image"], "answer": f"({'AB'[k]})", "prompt": prompt,
                    "explanation": "",
                }
            )  # fmt: skip
        splits[task, "val"] = (f"{task}/val-00000-of-00001.parquet", rows)
    write(root / "blink", features, splits, "apache-2.0")


def mmmu(root: Path) -> None:
    features = {
        "id": TEXT, "question": TEXT, "options": TEXT, "explanation": TEXT,
        **{f"image_{number}": PICTURE for number in range(1, 8)},
        "img_type": TEXT, "answer": TEXT, "topic_difficulty": TEXT, "question_type": TEXT, "subfield": TEXT,
    }  # fmt: skip
    splits = {}
    for number, subject in enumerate(SUBJECTS):
        none = {f"image_{column}": None for column in range(1, 8)}
        shared = {"explanation": "", "img_type": "['Diagrams']", "topic_difficulty": "Easy", "subfield": "x"}
        lettered = {
            "id": f"validation_{subject}_1", "question": f"<image 1> What colour has the box of {subject}?",
            "options": "['red', \"the artist's green\", 'blue', 'orange']", "answer": "ABCD"[number % 4],
            "question_type": "multiple-choice", **shared, **none, "image_1": picture(number, mode="RGBA"),
        }  # fmt: skip
        between = {
            "id": f"validation_{subject}_2", "question": f"Which of these goes with <image 2> in {subject}?",
            "options": "['<image 1>', '<image 3>']", "answer": "B", "question_type": "multiple-choice", **shared,
            **none, "image_1": picture(number), "image_2": picture(number + 1), "image_3": picture(number + 2),
        }  # fmt: skip
        opened = {
            "id": f"validation_{subject}_3", "question": f"How long is the box in <image 1> ({subject})?",
            "options": "[]", "answer": "['8.4', '8 2/5']" if number % 2 else "8.4", "question_type": "open", **shared,
            **none, "image_1": picture(number, mode="L"),
        }  # fmt: skip
        splits[subject, "validation"] = (f"{subject}/validation-00000-of-00001.parquet", [lettered, between, opened])
    write(root / "mmmu", features, splits, "apache-2.0")


def realworldqa(root: Path) -> None:
    features = {"image": PICTURE, "question": TEXT, "answer": TEXT, "image_path": TEXT}
    letter = "Please answer directly with only the letter of the correct option and nothing else."
    word = "Please answer directly with a single word or number."
    asked = (
        (f"What colour has the box?\n\nA. Red\nB. Green\nC. Blue\n{letter}", "ABC"),
        (f"How many boxes are there?\n{word}", "1"),
        (f"Is the box left of the disc?\n{word}", "Yes"),
        (f"Which shape is in the corner?\n{word}", "disc"),
    )
    rows: Rows = [
        {
            "image": picture(k, (480, 300), kind="WEBP"), "question": question, "image_path": f"{k}.webp",
            "answer": answer if len(answer) != 3 or not answer.isupper() else answer[k % 3],
        }
        for k in range(3)
        for question, answer in asked
    ]  # fmt: skip
    _default(root / "realworldqa", features, "test", "data/test-00000-of-00002.parquet", rows)
