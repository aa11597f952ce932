"""Runs of HELM: the folder that ``helm-run`` writes for one scenario and model, or a suite of one model's."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.records.logs.answers import CUT, PAIRED, Answer, refuse_scores, score_of, table_of
from harness.records.logs.choices import Choices, some_names
from harness.records.logs.log_path import LogPath, files_sha256, read_document
from harness.records.samples import RunError
from harness.records.tables import Form, Table

FORM: Form = "HELM log"
STATS = "per_instance_stats.json"
_LIMITS = (
    PAIRED,
    "only instances as they are: perturbed copies were left out",
    "an answer is unparsed only where the output is empty",
    CUT,
    "the guess rate is 1/references where the adapter is multiple choice and 0 elsewhere",
    "trials of one instance are items of one cluster",
)
# HELM's accuracy metrics, in the order in which they are looked for; the rest are counts, times and tokens.
_METRICS = (
    "exact_match",
    "quasi_exact_match",
    "prefix_exact_match",
    "quasi_prefix_exact_match",
    "final_number_exact_match",
    "math_equiv",
    "math_equiv_chain_of_thought",
    "chain_of_thought_correctness",
    "ifeval_strict_accuracy",
    "omni_math_accuracy",
)


@dataclass(frozen=True)
class _Scenario:
    """One run folder: its task (the run's name without the model), model and adapter."""

    folder: Path
    task: str
    model: str
    adapter: str


def recognises(log: LogPath) -> bool:
    """A run's folder, a suite's folder, or a run's ``per_instance_stats.json``."""
    return bool(_folders(log))


def read(log: LogPath, choices: Choices) -> Table:
    """Read the runs of one model; ``--metric`` names one of HELM's metrics of an instance, such as ``exact_match``."""
    choices.refuse_filters(FORM)
    scenarios = _scenarios(log)
    tasks = {scenario.task for scenario in scenarios}
    answers: list[Answer] = []
    notes = list(_LIMITS)
    for scenario in scenarios:
        stats = _stats(scenario.folder)
        metric = _metric(scenario, stats, choices.metric_of(scenario.task, tasks))
        answers += _answers(scenario, stats, metric)
        notes.append(f"{scenario.task}: correct where {metric} is 1")
    digest = files_sha256(scenario.folder / STATS for scenario in scenarios)
    return table_of(answers, log.path, FORM, digest, notes, scenarios[0].model)


def _folders(log: LogPath) -> list[Path]:
    if not log.is_folder:
        return [log.path.parent] if log.path.name == STATS and log.path.is_file() else []
    if (log.path / STATS).is_file():
        return [log.path]
    return [path.parent for path in sorted(log.path.glob(f"*/{STATS}"))]


def _scenarios(log: LogPath) -> list[_Scenario]:
    found = [_scenario(folder) for folder in _folders(log)]
    models = sorted({scenario.model for scenario in found})
    if len(models) > 1:
        raise RunError(
            f"{log.path}: runs of {len(models)} models ({some_names(models, 4)}); name one run's folder, or put each "
            "model's runs in a folder of its own"
        )
    tasks = [scenario.task for scenario in found]
    if len(set(tasks)) < len(tasks):
        twice = next(task for task in tasks if tasks.count(task) > 1)
        raise RunError(f"{log.path}: two runs of {ascii(twice)[1:-1]}; name the folder of one")
    return found


def _scenario(folder: Path) -> _Scenario:
    path = folder / "run_spec.json"
    spec = read_document(path) if path.is_file() else {}
    spec = spec if isinstance(spec, dict) else {}
    adapter = spec.get("adapter_spec")
    adapter = adapter if isinstance(adapter, dict) else {}
    name = str(spec.get("name") or folder.name)
    return _Scenario(folder, _task(name), str(adapter.get("model") or _model(name)), str(adapter.get("method") or ""))


def _task(name: str) -> str:
    """``mmlu:subject=anatomy,model=x`` without the model, which is all that differs in a pair."""
    scenario, _, arguments = name.partition(":")
    kept = [each for each in arguments.split(",") if each and not each.startswith(("model=", "model_deployment="))]
    return scenario + (":" + ",".join(kept) if kept else "")


def _model(name: str) -> str:
    return next((each.removeprefix("model=") for each in name.replace(":", ",").split(",") if "model=" in each), name)


_Key = tuple[str, int]


def _stats(folder: Path) -> dict[_Key, dict[str, Any]]:
    """The metrics of each instance and trial by name; of perturbed copies none."""
    path = folder / STATS
    found: defaultdict[_Key, dict[str, Any]] = defaultdict(dict)
    for entry in _objects(path):
        if entry.get("perturbation") is None:
            for stat in _list(entry.get("stats")):
                if isinstance(stat, dict) and isinstance(stat.get("name"), dict) and "mean" in stat:
                    found[_key(entry)][str(stat["name"].get("name"))] = stat["mean"]
    if not found:
        raise RunError(f"{path}: no instances; was it a dry run of HELM?")
    return dict(found)


def _metric(scenario: _Scenario, stats: Mapping[_Key, Mapping[str, Any]], chosen: str | None) -> str:
    names = sorted({name for each in stats.values() for name in each})
    metric = chosen or next((name for name in _METRICS if name in names), None)
    if metric in names:
        return str(metric)
    what = f"has no metric {chosen!a}" if chosen else "has none of HELM's accuracies"
    raise RunError(
        f"{scenario.folder / STATS}: {scenario.task} {what}; choose one with --metric: {some_names(names, 30)}"
    )


def _answers(scenario: _Scenario, stats: Mapping[_Key, Mapping[str, Any]], metric: str) -> Iterator[Answer]:
    instances = _instances(scenario.folder)
    said = _outputs(scenario.folder)
    scores = {key: score_of(values.get(metric)) for key, values in stats.items()}
    if bad := [f"{name} trial {trial}" for (name, trial), score in scores.items() if score is None]:
        raise refuse_scores(scenario.folder / STATS, scenario.task, metric, bad, len(scores))
    if missing := sorted({name for name, _ in stats if name not in instances}):
        raise RunError(
            f"{scenario.folder}: no text of {len(missing)} instances ({some_names(missing, 3)}): it needs "
            "scenario_state.json of helm-run, or instances.json of helm-summarize"
        )
    for (name, trial), score in scores.items():
        instance = instances[name]
        references = _list(instance.get("references"))
        output, mapped, prompt, reason = said.get((name, trial), ("", None, "", ""))
        n = len(references) if scenario.adapter.startswith("multiple_choice") else 0
        yield Answer(
            task=scenario.task,
            content={"input": _dumped(instance.get("input")), "references": _dumped(references)},
            score=score or 0.0,
            output=output,
            extracted=mapped or output.strip() or None,
            guess_rate=1 / n if n > 1 else 0.0,
            prompt=prompt,
            finish_reason=reason,
            place=f"{name} {trial}",
            cluster=name,
        )


def _instances(folder: Path) -> dict[str, Mapping[str, Any]]:
    if (folder / "instances.json").is_file():
        found = _objects(folder / "instances.json")
    else:
        found = [state["instance"] for state in _states(folder) if isinstance(state.get("instance"), dict)]
    return {str(each.get("id")): each for each in found if each.get("perturbation") is None}


def _outputs(folder: Path) -> dict[_Key, tuple[str, str | None, str, str]]:
    """Output, mapped answer, prompt and finish reason of each instance and trial, from whichever file has them."""
    found: dict[_Key, tuple[str, str | None, str, str]] = {}
    for state in _states(folder):
        if _plain(state.get("instance")).get("perturbation") is None:
            text, reason = _completion(state)
            key = (str(_plain(state.get("instance")).get("id")), _trial(state))
            prompt = str(_plain(state.get("request")).get("prompt") or "")
            # Separate requests for each reference have prompts of their own: none is that of the item.
            found[key] = (text, _mapped(state, text), "" if key in found else prompt, reason)
    shown = folder / "display_predictions.json"
    for each in _objects(shown) if shown.is_file() else ():
        if each.get("perturbation") is None:
            _, _, prompt, reason = found.get(_key(each), ("", None, "", ""))
            mapped = each.get("mapped_output")
            found[_key(each)] = (str(each.get("predicted_text") or ""), str(mapped) if mapped else None, prompt, reason)
    return found


def _completion(state: Mapping[str, Any]) -> tuple[str, str]:
    completions = _list(_plain(state.get("result")).get("completions"))
    first = _plain(completions[0]) if completions else {}
    return str(first.get("text") or ""), str(_plain(first.get("finish_reason")).get("reason") or "")


def _mapped(state: Mapping[str, Any], text: str) -> str | None:
    mapped = _plain(state.get("output_mapping")).get(text.strip())
    return str(mapped) if mapped else None


def _states(folder: Path) -> list[dict[str, Any]]:
    path = folder / "scenario_state.json"
    if not path.is_file():
        return []
    states = _plain(read_document(path)).get("request_states")
    return [state for state in _list(states) if isinstance(state, dict)]


def _objects(path: Path) -> list[dict[str, Any]]:
    found = read_document(path)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise RunError(f"{path}: not a list of objects, as HELM writes it")
    return found


def _key(entry: Mapping[str, Any]) -> _Key:
    return str(entry.get("instance_id")), _trial(entry)


def _trial(entry: Mapping[str, Any]) -> int:
    trial = entry.get("train_trial_index", 0)
    return trial if isinstance(trial, int) else 0


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _plain(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dumped(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
