"""Preview: the exact prompt of one item of a task, before any model is run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.checkpoints import PromptRenderer
from harness.errors import RetentionError
from harness.lmeval import build_requests, decoding_of, images_of, load_tasks
from harness.records import read_suite, suite_names


class PreviewError(RetentionError):
    """An item that a task does not have."""


@dataclass(frozen=True)
class Preview:
    """Item ``number`` (from 0) of ``items``.

    ``prompt`` is what is sent, with placeholders for images; ``continuations`` are the texts whose log-probabilities
    are compared, empty if an answer is generated. ``guess_rate`` is None for a task whose documents have none.
    """

    task: str
    number: int
    items: int
    item_id: str
    prompt: str
    n_tokens: int | None
    answer: str
    options: tuple[str, ...]
    guess_rate: float | None
    max_tokens: int | None
    stop: tuple[str, ...]
    continuations: tuple[str, ...]
    images: tuple[bytes, ...]

    def write_images(self, folder: Path) -> list[Path]:
        """Write the images to ``folder``, named by task, item and position; returns their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for place, image in enumerate(self.images, 1):
            name = f"{self.task}-{self.number}{f'-{place}' if len(self.images) > 1 else ''}{_suffix(image)}"
            paths.append(folder / name)
            paths[-1].write_bytes(image)
        return paths


def _suffix(image: bytes) -> str:
    if image.startswith(b"\x89PNG"):
        return ".png"
    return ".webp" if image[8:12] == b"WEBP" else ".jpg"


def prompt_style_of(task: str) -> Literal["chat", "plain"]:
    """How the shipped suites ask ``task``: in the base's chat template, or plain where each of them does without."""
    styles = {suite.prompt for suite in map(read_suite, suite_names()) if task in suite.tasks}
    return "plain" if styles == {"plain"} else "chat"


# Hex digits that a number of an item never has: what is shorter is a place.
_LEAST_ID = 8


def _place(task: str, item: int | str, item_ids: Sequence[str]) -> int:
    if isinstance(item, str) and len(item) >= _LEAST_ID:
        found = [place for place, each in enumerate(item_ids) if each.startswith(item)]
        if len(found) != 1:
            says = "no item" if not found else f"{len(found)} items"
            raise PreviewError(f"--item {item}: {says} of task {task} has an id that starts so; give a longer one")
        return found[0]
    try:
        number = int(item)
    except ValueError as error:
        raise PreviewError(f"--item {item}: neither a number nor {_LEAST_ID} or more digits of an item's id") from error
    if not 0 <= number < len(item_ids):
        raise PreviewError(f"--item {item}: task {task} has items 0 to {len(item_ids) - 1}")
    return number


def preview_item(
    task: str, item: int | str, extra_root: Path | None = None, renderer: PromptRenderer | None = None
) -> Preview:
    """An item of a task, by its place or the start of its id, rendered for a model by ``renderer``, or the bare
    question without one."""
    loaded = load_tasks([task], extra_root)[task]
    number = _place(task, item, loaded.item_ids)
    items = len(loaded.item_ids)
    doc = loaded.task.eval_docs[number]
    requests = build_requests(loaded.task, doc)
    question, images = requests[0].args[0], images_of(requests[0])
    rendered = renderer.render(question, images) if renderer else None
    max_tokens, stop = decoding_of(loaded)
    return Preview(
        task=task,
        number=number,
        items=items,
        item_id=loaded.item_ids[number],
        prompt=rendered.text if rendered else question,
        n_tokens=len(rendered.token_ids) if rendered else None,
        answer=str(doc["answer"] if "answer" in doc else loaded.task.doc_to_target(doc)),
        options=tuple(map(str, doc.get("options") or ())),
        guess_rate=doc.get("guess_rate"),
        max_tokens=max_tokens,
        stop=stop,
        continuations=() if max_tokens else tuple(request.args[1] for request in requests),
        images=images,
    )
