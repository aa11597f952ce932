"""Logs as other tools write them, for tools that are not installed here: field by field as their writers have them.

``knows`` is how many of the first items the model answers right; what the tools write was read in the source of
lmms-eval 0.7.3, OpenCompass 0.5.4, HELM 0.5.16, VLMEvalKit and Every Eval Ever 0.3.0.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

N = 12
OPTIONS = ("red", "green", "blue", "grey")


def right(place: int, knows: int) -> bool:
    return place < knows


def question(place: int) -> str:
    return f"Which colour has number {place}?"


def letter(place: int) -> str:
    return "ABCD"[place % 4]


def said(place: int, knows: int) -> str:
    return letter(place) if right(place, knows) else "BCDA"[place % 4]


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_json(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return path


def lmms_eval(folder: Path, model: str, knows: int) -> Path:
    """``--output_path FOLDER --log_samples``: three tasks, with a number, a record and found answers as metrics."""
    place_of = folder / f"little__{model}"
    for task, metrics in _LMMS_METRICS.items():
        write_lines(
            place_of / f"20260102_030405_samples_{task}.jsonl",
            [
                {
                    "doc_id": place,
                    "target": letter(place),
                    "filtered_resps": [said(place, knows)],
                    "token_counts": [{"input_tokens": 7, "output_tokens": 3}],
                    "doc_hash": f"{model}{place}",
                    **metrics(place, knows),
                    # Pictures are not in it: all questions of a task may be the same text.
                    "input": "Which colour is this?" if task == "little_pope" else question(place),
                }
                for place in range(N)
            ],
        )
    write_json(place_of / "20260102_030405_results.json", {"results": {}, "configs": {}, "model_configs": {}})
    return folder


_LMMS_METRICS = {
    "little_vqa": lambda place, knows: {"exact_match": float(right(place, knows))},
    "little_pope": lambda place, knows: {
        "pope_accuracy": {"question_id": place, "score": float(right(place, knows)), "prediction": said(place, knows)}
    },
    "little_mmmu": lambda place, knows: {
        "mmmu_acc": {"id": f"validation_{place}", "answer": letter(place), "parsed_pred": [said(place, knows)]},
        "submission": {f"validation_{place}": said(place, knows)},
    },
}


def opencompass(folder: Path, model: str, knows: int, *, details: bool = True, gold: str = "letter") -> Path:
    """A run's folder: predictions of a data set, and its results, with ``--dump-eval-details`` or without."""
    golds = [letter(place) if gold == "letter" else f"The colour is {letter(place)}" for place in range(N)]
    prompts = [[{"role": "HUMAN", "prompt": question(place)}] for place in range(N)]
    predictions = {
        str(place): {
            "origin_prompt": prompts[place],
            "prediction": f"The answer is {said(place, knows)}.",
            "gold": golds[place],
        }
        for place in range(N)
    }
    judged: dict[str, Any] = {
        str(place): {
            "prompt": prompts[place],
            "origin_prediction": f"The answer is {said(place, knows)}.",
            "predictions": said(place, knows),
            "references": golds[place],
            "correct": right(place, knows),
        }
        for place in range(N)
    }
    results = {"accuracy": 100 * knows / N} | ({"details": {"type": "GEN", **judged}} if details else {})
    write_json(folder / "predictions" / model / "little_colours.json", predictions)
    write_json(folder / "results" / model / "little_colours.json", results)
    return folder


def opencompass_ppl(path: Path, knows: int) -> Path:
    """Predictions where options were compared by their perplexity."""
    return write_json(
        path,
        {
            str(place): {
                "in-context examples": "",
                "origin_prompt": question(place),
                **{f"label: {option}": {"prompt": f"{question(place)} {option}", "PPL": 1.0} for option in "ABCD"},
                "prediction": said(place, knows),
                "gold": letter(place),
            }
            for place in range(N)
        },
    )


def helm(folder: Path, model: str, knows: int, *, summarized: bool = True) -> Path:
    """A run's folder of ``helm-run``, with what ``helm-summarize`` adds; a perturbed copy of each instance too."""
    run = folder / f"little:subject=colours,model=little_{model}"
    write_json(
        run / "run_spec.json",
        {
            "name": run.name,
            "scenario_spec": {"class_name": "LittleScenario", "args": {"subject": "colours"}},
            "adapter_spec": {"method": "multiple_choice_joint", "model": f"little/{model}"},
        },
    )
    perturbed = {"name": "robustness", "robustness": True}
    stats, states = [], []
    for place in range(N):
        for perturbation in (None, perturbed):
            known = right(place, knows) and perturbation is None
            extra = {} if perturbation is None else {"perturbation": perturbation}
            stats.append(
                {
                    "instance_id": f"id{place}",
                    **extra,
                    "train_trial_index": 0,
                    "stats": [
                        {"name": {"name": name, "split": "test", **extra}, "count": 1, "sum": value, "mean": value}
                        for name, value in (("num_prompt_tokens", 11), ("exact_match", float(known)))
                    ],
                }
            )
            states.append(_helm_state(place, said(place, knows), extra))
    write_json(run / "per_instance_stats.json", stats)
    write_json(run / "scenario_state.json", {"adapter_spec": {}, "request_states": states})
    write_json(run / "stats.json", [{"name": {"name": "exact_match", "split": "test"}, "count": N, "mean": knows / N}])
    if summarized:
        write_json(run / "instances.json", [state["instance"] for state in states])
        write_json(run / "display_predictions.json", [_helm_prediction(state) for state in states])
    return run


def _helm_state(place: int, answer: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "instance": {
            "input": {"text": question(place)},
            "references": [
                {"output": {"text": option}, "tags": ["correct"] if option == OPTIONS[place % 4] else []}
                for option in OPTIONS
            ],
            "split": "test",
            "id": f"id{place}",
            **extra,
        },
        "request_mode": None,
        "train_trial_index": 0,
        "output_mapping": dict(zip("ABCD", OPTIONS, strict=True)),
        "request": {"prompt": f"Question: {question(place)}\nAnswer:"},
        "result": {"success": True, "completions": [{"text": f" {answer}", "finish_reason": {"reason": "stop"}}]},
    }


def _helm_prediction(state: Mapping[str, Any]) -> dict[str, Any]:
    text = state["result"]["completions"][0]["text"]
    return {
        "instance_id": state["instance"]["id"],
        **({"perturbation": state["instance"]["perturbation"]} if "perturbation" in state["instance"] else {}),
        "train_trial_index": 0,
        "predicted_text": text,
        "mapped_output": state["output_mapping"].get(text.strip()),
        "stats": {},
    }


def vlmevalkit(folder: Path, model: str, knows: int, form: str = "xlsx", *, scored: bool = True) -> Path:
    """Predictions of a data set of options, or what exact matching made of them."""
    import pandas as pd

    rows = [
        {
            "index": place,
            "question": "Which colour is this?",
            **dict(zip("ABCD", OPTIONS, strict=True)),
            "answer": letter(place),
            "category": "colours",
            "prediction": f"{said(place, knows)}. {OPTIONS['ABCD'.index(said(place, knows))]}",
            **({"hit": int(right(place, knows)), "log": "matched"} if scored else {}),
        }
        for place in range(N)
    ]
    name = f"{model}_LittleBench" + ("_exact_matching_result" if scored else "")
    path = folder / model / f"{name}.{form}"
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(rows)
    frame.to_excel(path, index=False) if form == "xlsx" else frame.to_csv(path, sep="\t", index=False, quoting=1)
    return path


def every_eval_ever(path: Path, model: str, knows: int) -> Path:
    """Instance-level records of schema 0.3.0."""
    return write_lines(path, [every_eval_ever_record(place, model, knows) for place in range(N)])


def every_eval_ever_record(place: int, model: str, knows: int) -> dict[str, Any]:
    return {
        "schema_version": "0.3.0",
        "evaluation_id": f"little/{model}/1",
        "model_id": f"little/{model}",
        "evaluation_name": "little_colours",
        "sample_id": f"{model}-{place}",
        "interaction_type": "single_turn",
        "input": {"raw": question(place), "reference": [letter(place)], "choices": list(OPTIONS)},
        "output": {"raw": [f"It is {said(place, knows)}."]},
        "answer_attribution": [
            {
                "turn_idx": 0,
                "source": "output.raw",
                "extracted_value": said(place, knows),
                "extraction_method": "regex",
                "is_terminal": True,
            }
        ],
        "evaluation": {"score": float(right(place, knows)), "is_correct": right(place, knows)},
        "token_usage": {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10},
    }
