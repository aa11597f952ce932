"""Logs of Inspect that Inspect itself writes: two little tasks, answered by its mock model from a script.

One of them is kept in ``tests/support/inspect``, as ``python -m tests.support.inspect_logs`` wrote it, for tests that
need any log: to evaluate takes Inspect seconds.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, Literal

KEPT = Path(__file__).parent / "inspect" / "little_colours.eval"
N = 12
OPTIONS = ("red", "green", "blue", "grey")


def write_logs(folder: Path, model: str, knows: int, form: Literal["eval", "json"] = "eval", **options: Any) -> Path:
    """A folder with one log a task, of a model that is right on its first ``knows`` items; ``options`` are of eval."""
    import inspect_ai
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    for task, texts in ((_sums(), _numbers(knows)), (_colours(), _letters(knows))):
        outputs = [ModelOutput.from_content("mockllm/model", text) for text in texts * options.get("epochs", 1)]
        for output in outputs:
            # The mock model counts tokens with a tokenizer that it would fetch.
            output.usage = ModelUsage(input_tokens=7, output_tokens=3, total_tokens=10)
        inspect_ai.eval(
            task,
            model=get_model(f"mockllm/{model}", custom_outputs=outputs, memoize=False),
            log_dir=str(folder),
            log_format=form,
            display="none",
            max_samples=1,
            **options,
        )
    return folder


def _sums() -> Any:
    from inspect_ai import Task
    from inspect_ai.dataset import Sample
    from inspect_ai.scorer import match
    from inspect_ai.solver import generate

    samples = [Sample(input=f"What is {place} + {place}?", target=str(2 * place)) for place in range(N)]
    return Task(name="little_sums", dataset=samples, solver=generate(), scorer=match(numeric=True))


def _colours() -> Any:
    from inspect_ai import Task
    from inspect_ai.dataset import Sample
    from inspect_ai.scorer import choice
    from inspect_ai.solver import multiple_choice

    samples = [
        Sample(input=f"Which colour has number {place}?", choices=list(OPTIONS), target="ABCD"[place % 4])
        for place in range(N)
    ]
    return Task(name="little_colours", dataset=samples, solver=multiple_choice(), scorer=choice())


def _numbers(knows: int) -> list[str]:
    return [f"The sum is {2 * place if place < knows else 2 * place + 1}" for place in range(N)]


def _letters(knows: int) -> list[str]:
    """The right letter, else the next one or, every other time, no answer."""
    right = ["ABCD"[place % 4] for place in range(N)]
    wrong = ["no idea" if place % 2 else f"ANSWER: {'BCDA'[place % 4]}" for place in range(N)]
    return [f"ANSWER: {right[place]}" if place < knows else wrong[place] for place in range(N)]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        (written,) = write_logs(Path(folder), "base", 9).glob("*colours*")
        KEPT.parent.mkdir(exist_ok=True)
        shutil.copyfile(written, KEPT)


if __name__ == "__main__":
    main()
