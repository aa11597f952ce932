"""Inspect: a run as a log of inspect_ai's, written by its own models, which `inspect view` shows.

The score ``correct`` is C for a correct answer, I for a wrong one and N (inspect's own "no answer") for one that cannot
be read, with why; its accuracy counts N as not correct, as a run does. ``score`` is partial credit in [0, 1], where a
task gives any.
"""

import base64
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalError,
    EvalLog,
    EvalMetric,
    EvalResults,
    EvalSample,
    EvalScore,
    EvalSpec,
    EvalStats,
    write_eval_log,
)
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageUser,
    Content,
    ContentImage,
    ContentText,
    ModelOutput,
    ModelUsage,
    StopReason,
)
from inspect_ai.scorer import CORRECT, INCORRECT, NOANSWER, Score

from harness import __version__
from harness.exports.rows import ExportRow, evaluation_name
from harness.records import Outcome, Run

CORRECT_SCORE, PARTIAL_SCORE = "correct", "score"
_VALUES = {Outcome.CORRECT: CORRECT, Outcome.WRONG: INCORRECT, Outcome.UNPARSED: NOANSWER}
_STOPS: dict[str, StopReason] = {"stop": "stop", "length": "max_tokens"}


def write_inspect_log(run: Run, rows: Sequence[ExportRow], path: Path) -> None:
    """Write the log to ``path``: ``.eval``, or ``.json``."""
    partial = any(row.sample.score != (row.sample.outcome is Outcome.CORRECT) for row in rows)
    log = EvalLog(
        status="success",
        eval=_spec(run, rows),
        results=_results(rows, partial),
        stats=EvalStats(started_at=run.record.created, completed_at=run.record.created),
        samples=[_sample(row, run.record.checkpoint.name, partial) for row in rows],
    )
    write_eval_log(log, str(path), format="json" if path.suffix == ".json" else "eval")


def _spec(run: Run, rows: Sequence[ExportRow]) -> EvalSpec:
    record, suite = run.record, evaluation_name(run)
    items = list(dict.fromkeys(row.sample.item_id for row in rows))
    return EvalSpec(
        eval_id=record.samples_sha256[:22],
        run_id=record.samples_sha256[:22],
        task_id=record.suite.digest[:22],
        created=record.created,
        task=suite,
        task_version=record.suite.version,
        task_attribs={"protocol": record.suite.protocol},
        dataset=EvalDataset(name=suite, samples=len(items), sample_ids=items),
        model=record.checkpoint.name,
        model_args={"engine": record.engine.fingerprint},
        config=EvalConfig(epochs=1 + max((row.sample.repeat for row in rows), default=0)),
        packages={**record.packages, "retentionbench": __version__, "inspect_ai": version("inspect_ai")},
        metadata={"retentionbench": record.model_dump(mode="json", exclude={"checkpoint": {"files"}})},
    )


def _results(rows: Sequence[ExportRow], partial: bool) -> EvalResults:
    scores = [_mean(CORRECT_SCORE, "accuracy", rows)]
    if partial:
        scores.append(_mean(PARTIAL_SCORE, "mean", rows))
    completed = sum(row.sample.error is None for row in rows)
    return EvalResults(total_samples=len(rows), completed_samples=completed, scores=scores)


def _mean(name: str, metric: str, rows: Sequence[ExportRow]) -> EvalScore:
    """The mean over all items and over those of each task; a failed item counts, as 0."""
    values = [(row.sample.task, _number(row, name)) for row in rows]
    metrics = {metric: EvalMetric(name=metric, value=_average([value for _, value in values]))}
    for task in dict.fromkeys(task for task, _ in values):
        of_task = _average([value for place, value in values if place == task])
        metrics[f"{metric}/{task}"] = EvalMetric(name=task, group=metric, value=of_task)
    return EvalScore(name=name, scorer=name, scored_samples=len(rows), unscored_samples=0, metrics=metrics)


def _number(row: ExportRow, name: str) -> float:
    return row.sample.score if name == PARTIAL_SCORE else float(row.sample.outcome is Outcome.CORRECT)


def _average(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _sample(row: ExportRow, model: str, partial: bool) -> EvalSample:
    sample = row.sample
    asked = _input(row)
    user: list[ChatMessage] = [ChatMessageUser(content=asked)] if isinstance(asked, str) else list(asked)
    answer = ChatMessageAssistant(content=sample.output, model=model, source="generate")
    output = _output(row, answer, model)
    return EvalSample(
        id=sample.item_id,
        epoch=1 + sample.repeat,
        input=asked,
        choices=list(row.asked.options) if row.asked and row.asked.options else None,
        target=row.references,
        messages=[*user, answer],
        output=output,
        model_usage={model: output.usage} if output.usage else {},
        scores=_scores(row, partial),
        metadata=row.facts(),
        error=EvalError(message=sample.error, traceback="", traceback_ansi="") if sample.error else None,
    )


def _input(row: ExportRow) -> str | list[ChatMessage]:
    if row.asked is None:
        return "(the question is not in this log: see retention runs export --suite)"
    if not row.asked.images:
        return row.asked.question
    content: list[Content] = [ContentImage(image=_data_uri(image)) for image in row.asked.images]
    return [ChatMessageUser(content=[*content, ContentText(text=row.asked.question)])]


def _data_uri(image: bytes) -> str:
    kind = "png" if image.startswith(b"\x89PNG") else "webp" if image[8:12] == b"WEBP" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def _output(row: ExportRow, answer: ChatMessageAssistant, model: str) -> ModelOutput:
    sample = row.sample
    tokens = sample.n_prompt_tokens, sample.n_output_tokens
    return ModelOutput(
        model=model,
        choices=[ChatCompletionChoice(message=answer, stop_reason=_STOPS.get(sample.finish_reason, "unknown"))],
        usage=ModelUsage(input_tokens=tokens[0], output_tokens=tokens[1], total_tokens=sum(tokens)),
        error=sample.error,
    )


def _scores(row: ExportRow, partial: bool) -> dict[str, Score]:
    sample = row.sample
    unread = sample.outcome is Outcome.UNPARSED and sample.error is None
    facts: dict[str, Any] = {"answer": sample.extracted, "explanation": row.explanation}
    correct = Score(value=_VALUES[sample.outcome], reason="invalid_response_format" if unread else None, **facts)
    return {CORRECT_SCORE: correct, **({PARTIAL_SCORE: Score(value=sample.score, **facts)} if partial else {})}
