"""Details of lighteval in ``tests/support/lighteval``, made by lighteval 0.13.0 itself: its own pipeline and writer.

lighteval pins libraries that the project needs in other versions, so that it is not installed with it. In an
environment of its own: ``pip install lighteval==0.13.0``, then ``python -m tests.support.lighteval_details``. Two small
tasks, one generated and one of options, answered by a scripted model that is right on its first items. The file names
that lighteval gives (``details_TASK|0_DATE.parquet``) are restored by :func:`lighteval_folder`.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(__file__).parent / "lighteval"
N = 12
TASKS = ("little_sums", "little_colours")
_DATE = "2026-01-02T03-04-05.678901"
KNOWS = {"base": 9, "tuned": 6}


def lighteval_folder(folder: Path, side: str) -> Path:
    """The details of one model below ``folder``, in the folders and under the names that lighteval gave them."""
    details = folder / "details" / "little" / side / _DATE
    details.mkdir(parents=True)
    for task in TASKS:
        shutil.copyfile(FOLDER / f"{side}_{task}.parquet", details / f"details_{task}|0_{_DATE}.parquet")
    return folder


def main() -> None:
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as written:
        for name in TASKS:
            rows = [{"place": place, "question": _question(name, place)} for place in range(N)]
            Path(data, name).mkdir()
            Path(data, name, "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        for model, knows in KNOWS.items():
            _evaluate(Path(written), Path(data), model, knows)
            for task in TASKS:
                (made,) = Path(written, "details", "little", model).rglob(f"details_{task}|0_*.parquet")
                shutil.copyfile(made, FOLDER / f"{model}_{task}.parquet")


def _question(name: str, place: int) -> str:
    return f"What is {place} + {place}?" if name == "little_sums" else f"Which colour has number {place}?"


def _evaluate(folder: Path, data: Path, model: str, knows: int) -> None:
    from lighteval.logging.evaluation_tracker import EvaluationTracker
    from lighteval.pipeline import ParallelismManager, Pipeline, PipelineParameters

    tracker = EvaluationTracker(output_dir=str(folder), save_details=True)
    parameters = PipelineParameters(launcher_type=ParallelismManager.NONE, custom_tasks_directory=_tasks(data))
    pipeline = Pipeline(
        tasks="little_sums|0,little_colours|0",
        pipeline_parameters=parameters,
        evaluation_tracker=tracker,
        model=_scripted(model, knows),
    )
    pipeline.evaluate()
    pipeline.save_and_push_results()


def _tasks(data: Path) -> Any:
    from lighteval.metrics.metrics import Metrics
    from lighteval.tasks.lighteval_task import LightevalTaskConfig
    from lighteval.tasks.requests import Doc

    def sums(line: dict[str, Any], task_name: str = "") -> Doc:
        return Doc(task_name=task_name, query=line["question"], choices=[str(2 * line["place"])], gold_index=0)

    def colours(line: dict[str, Any], task_name: str = "") -> Doc:
        options = [" red", " green", " blue", " grey"]
        return Doc(task_name=task_name, query=line["question"], choices=options, gold_index=1 + line["place"] % 3)

    module = ModuleType("little_tasks")
    module.TASKS_TABLE = [
        LightevalTaskConfig(
            name=name,
            prompt_function=prompt,
            hf_repo=str(data / name),
            hf_subset="default",
            metrics=[metric],
            hf_avail_splits=["test"],
            evaluation_splits=["test"],
            generation_size=8,
            stop_sequence=["\n"],
        )
        for name, prompt, metric in (
            ("little_sums", sums, Metrics.exact_match),
            ("little_colours", colours, Metrics.loglikelihood_acc),
        )
    ]
    return module


def _scripted(name: str, knows: int) -> Any:
    from lighteval.models.dummy.dummy_model import DummyModel, DummyModelConfig
    from lighteval.models.model_output import ModelResponse

    class Scripted(DummyModel):
        def greedy_until(self, docs: list[Any]) -> list[Any]:
            return [ModelResponse(input=doc.query, text=[self._said(doc)], output_tokens=[[1, 2]]) for doc in docs]

        def loglikelihood(self, docs: list[Any]) -> list[Any]:
            chosen = [doc.gold_index if int(doc.id) < knows else 0 for doc in docs]
            return [
                ModelResponse(input=doc.query, logprobs=[-1.0 if place == best else -5.0 for place in range(4)])
                for doc, best in zip(docs, chosen, strict=True)
            ]

        def _said(self, doc: Any) -> str:
            return doc.choices[0] if int(doc.id) < knows else "" if int(doc.id) % 2 else "no idea"

    return Scripted(DummyModelConfig(model_name=f"little/{name}"))


if __name__ == "__main__":
    main()
