"""Results on disk: one JSON file a machine class, and the Markdown page made of all of them."""

import json
from pathlib import Path
from typing import Any

from tests.bench import board, machine

RESULTS = Path(__file__).parent / "results"
PAGE = RESULTS / "README.md"


def path() -> Path:
    return RESULTS / f"{machine.machine_class()}.json"


def plot_path() -> Path:
    """Where this machine's plot of the board's building times goes."""
    return RESULTS / f"{machine.machine_class()}-board.svg"


def keep(section: str, measured: dict[str, Any], **about: Any) -> None:
    """Put one section into this machine's results, leaving the others, and write the page anew."""
    RESULTS.mkdir(exist_ok=True)
    results = json.loads(path().read_text()) if path().is_file() else {}
    before, facts = results.get("machine", {}).get("cpu"), machine.facts()
    # A class has machines of several kinds: a section keeps the one that it was measured on.
    for other in results.keys() - {"machine", section}:
        results[other].setdefault("cpu", before)
    results["machine"] = facts
    results[section] = {**about, **measured, "cpu": facts["cpu"]}
    path().write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """The page: a table for each machine class."""
    parts = [
        "# Benchmark results\n",
        "Written by `python -m tests.bench` (`make bench`); do not edit. The files beside it hold every repetition. "
        "Both sides of a ratio ran in turn on the same items, engine settings and machine; figures are medians.\n",
    ]
    for file in sorted(RESULTS.glob("*.json")):
        results = json.loads(file.read_text())
        # The statistics' results are of no machine class.
        if "machine" in results:
            parts.append(_machine_part(file.stem, results))
    return "\n".join(parts)


def _machine_part(name: str, results: dict[str, Any]) -> str:
    facts = results["machine"]
    versions = ", ".join(f"{key} {facts[key]}" for key in facts if key in machine.PACKAGES)
    lines = [
        f"## {name}\n",
        f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB; device {facts['device']}; "
        f"Python {facts['python']}; {versions}.\n",
    ]
    rows = [
        [*row, results[section].get("cpu", facts["cpu"])]
        for section, made in _ROWS.items()
        if section in results
        for row in made(results[section])
    ]
    if rows:
        lines += ["| work | against | goal | measured | met | on |", "|---|---|---|---|---|---|"]
        lines += [f"| {' | '.join(row)} |" for row in rows]
        lines.append("")
    lines += [line for section, notes in _NOTES.items() if section in results for line in notes(results[section])]
    return "\n".join(lines)


def _met(value: float, goal: float) -> str:
    return "yes" if value <= goal else "**no**"


def _runs(found: dict[str, Any]) -> list[list[str]]:
    fresh, more, stored = found["fresh_ratio"], found["one_more_ratio"], found["stored_seconds"]
    return [
        [
            "base + 3 adapters",
            "four lm-eval vLLM runs",
            "at most 0.333 of the wall time",
            f"{fresh:.3f} ({found['fresh_seconds']:.0f} s against {found['lm_eval_seconds']:.0f} s)",
            _met(fresh, 1 / 3),
        ],
        [
            "one more adapter, the base stored",
            "two lm-eval vLLM runs",
            "at most 0.45",
            f"{more:.3f} ({found['one_more_seconds']:.0f} s)",
            _met(more, 0.45),
        ],
        ["everything stored", "-", "no engine start, under 5 s", f"{stored:.1f} s, no engine", _met(stored, 5)],
    ]


def _outside(found: dict[str, Any]) -> list[list[str]]:
    real, nano = found["kinds"]["SmolLM2"], found["kinds"]["nano"]
    return [
        [
            "our time outside the engine",
            "raw `LLM.generate` on the same token ids",
            "at most 5 %",
            f"{100 * real['ratio']:.1f} % ({real['outside_ms_per_item']:.2f} ms an item, where the engine takes "
            f"{real['engine_ms_per_item']:.0f})",
            _met(real["ratio"], 0.05),
        ],
        [
            "the same, nano base on nano-1, its pictures drawn anew",
            "raw `LLM.generate`",
            "-",
            f"{nano['outside_ms_per_item']:.2f} ms an item, where the engine takes {nano['engine_ms_per_item']:.1f}",
            "-",
        ],
    ]


def _building(found: dict[str, Any]) -> list[list[str]]:
    goals = {"gsm8k": 1.0, "arc": 1.0, "jigsaw": 15.0}
    words = {"gsm8k": "a text request (GSM8K)", "arc": "a text request (ARC)", "jigsaw": "a 3x3 jigsaw request"}
    return [
        [
            f"building {words[kind]}",
            f"lm-eval: {found[kind]['lm_eval_ms']:.2f} ms",
            f"at most {goal:g} ms",
            f"{found[kind]['ours_ms']:.2f} ms",
            _met(found[kind]["ours_ms"], goal),
        ]
        for kind, goal in goals.items()
    ] + _shipped_jigsaw(found.get("shipped_jigsaw"))


def _shipped_jigsaw(found: dict[str, Any] | None) -> list[list[str]]:
    """Processor time, so that the figure is one core's; nothing in results from before it was measured."""
    if found is None:
        return []
    seconds = found["processor_ms"]  # of a thousand requests
    return [
        [
            f"1,000 requests of the shipped jigsaw ({found['tasks'][0]}), made, stored and judged",
            "-",
            "under 15 s of one core",
            f"{seconds:.1f} s ({found['ms']:.1f} ms of wall time each, at most {found['peak_mib']:.0f} MiB)",
            _met(seconds, 15),
        ]
    ]


def _memory(found: dict[str, Any]) -> list[list[str]]:
    small, large = found["sizes"]
    return [
        [
            "peak memory of the parent",
            f"{small['items']} and {large['items']} items",
            "does not grow with the items",
            f"{small['peak_mib']:.0f} and {large['peak_mib']:.0f} MiB "
            f"({found['bytes_per_item']:.0f} bytes an item: its id and its document)",
            _met(found["bytes_per_item"], found["allowed_bytes_per_item"]),
        ]
    ]


def _validation(found: dict[str, Any]) -> list[list[str]]:
    return [
        [
            f"validating {found['entries']} entries of {found['items']} items",
            f"{found['jobs']} processes",
            "under 120 s",
            f"{found['seconds']:.0f} s ({found['cpu_seconds']:.0f} s of processor time, first report after "
            f"{found['first_report_seconds']:.0f} s, comparing all {found['comparing_seconds']:.0f} s; a worker has at "
            f"most {found['worker_peak_mib']} MiB)",
            _met(found["seconds"], 120),
        ]
    ]


def _validation_notes(found: dict[str, Any]) -> list[str]:
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in found["verdicts"].items())
    return [
        f"- Validation: every output differs from every other entry's, so nothing is judged only once; {verdicts}. "
        f"Load average a core at the start: {found['load']}."
    ]


def _board(found: dict[str, Any]) -> list[list[str]]:
    at = next((point for point in found["points"] if point["entries"] == 1000), found["points"][-1])
    what = f"a board of {at['entries']:,} entries on {found['items']:,} items each"
    peak = max(at["cold"]["peak_mib"], at["warm"]["peak_mib"])
    rows = [
        [
            f"{what}, {kind}",
            "-",
            f"at most {goal} s",
            f"{at[kind]['seconds']:.0f} s ({at[kind]['cpu_seconds']:.0f} s of processor time)",
            _met(at[kind]["seconds"], goal),
        ]
        for kind, goal in (("cold", board.COLD_SECONDS), ("warm", board.WARM_SECONDS))
    ]
    grown = board.growth(found["points"], "cold")
    sizes = [point["entries"] for point in found["points"]]
    return [
        *rows,
        [
            "its memory, all processes",
            "-",
            f"at most {board.MEMORY_MIB:,} MiB",
            f"{peak} MiB",
            _met(peak, board.MEMORY_MIB),
        ],
        [
            f"processor time an entry, {sizes[-1]:,} entries",
            f"{sizes[min(1, len(sizes) - 1)]:,} entries",
            f"linear: at most {board.LINEAR}",
            f"{grown:.2f}",
            _met(grown, board.LINEAR),
        ],
    ]


def _board_notes(found: dict[str, Any]) -> list[str]:
    points = "; ".join(
        f"{point['entries']:,}: cold {point['cold']['seconds']:.0f} s ({point['cold']['cpu_seconds']:.0f} s CPU, "
        f"{point['cold']['peak_mib']} MiB), warm {point['warm']['seconds']:.0f} s "
        f"({point['warm']['cpu_seconds']:.0f} s CPU, {point['warm']['peak_mib']} MiB)"
        for point in found["points"]
    )
    return [
        f"- Boards with at most {found['per_track']} entries a track: {points}. Load average a core at the start: "
        f"{found['load']}. The plot beside this page draws them."
    ]


def _runs_notes(found: dict[str, Any]) -> list[str]:
    items = ", ".join(f"{count} {name}" for name, count in found["items"].items())
    return [
        f"- Whole runs: {items} items ({found['data']}), {found['model']}, {found['dtype']}, "
        f"{len(found['rounds'])} repetitions, process start to process end. lm-eval is given merged adapters. Four of "
        f"its runs: {_stages(found, 'lm_eval')}; ours, base + 3 adapters: {_stages(found, 'fresh')}. Without lm-eval's "
        f"task scan the ratios are {found['fresh_ratio_without_scan']:.3f} and "
        f"{found['one_more_ratio_without_scan']:.3f}. Load average a core at the start: {found['load']}."
    ]


def _stages(found: dict[str, Any], side: str) -> str:
    """Seconds of each stage, summed over a repetition's runs: the median repetition's."""
    sums = [
        {name: sum(run[name] for run in each[f"{side}_stages"]) for name in each[f"{side}_stages"][0]}
        for each in found["rounds"]
    ]
    middle = sorted(sums, key=lambda each: each["whole"])[len(sums) // 2]
    return ", ".join(f"{name} {seconds:.0f} s" for name, seconds in middle.items())


def _parity_notes(found: dict[str, Any]) -> list[str]:
    return [
        f"- Parity with lm-eval's own vLLM backend, {found['model']}, {name}: {each['items']} items, "
        f"{each['same_prompt']} equal prompts (text and token ids), {each['same_output']} equal outputs, "
        f"{each['same_verdict']} equal verdicts{_apart(each)}{_causes(each['differing'])}."
        for name, each in found["tasks"].items()
    ]


def _apart(task: dict[str, Any]) -> str:
    largest = task["largest_logprob_difference"]
    return "" if largest is None else f"; log-probabilities of options at most {largest:.1g} nats apart"


def _causes(rows: list[dict[str, Any]]) -> str:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["cause"]] = counts.get(row["cause"], 0) + 1
    return "".join(f"; {count} x {cause}" for cause, count in counts.items())


def _agreement_notes(found: dict[str, Any]) -> list[str]:
    """One line for each kind of outputs and filter, and below it each item on which the verdicts differ."""
    lines = []
    for kind, each in found["kinds"].items():
        right = each["outcomes"].get("correct", 0)
        for name, filtered in each["filters"].items():
            same = each["items"] - len(filtered["differing"])
            lines.append(
                f"- Judge of GSM8K against lm-eval's {name}, {kind}{_by(kind, found['model'])}: {same} of "
                f"{each['items']} verdicts equal; right {right} here, {filtered['right']} there."
            )
            causes: dict[str, list[str]] = {}
            for row in filtered["differing"]:
                causes.setdefault(row["cause"], []).append(str(row["item"]))
            lines += [f"  - {len(items)} x {cause}: items {', '.join(items)}." for cause, items in causes.items()]
    return lines


def _by(kind: str, model: str) -> str:
    return f" by {model}" if kind.startswith("outputs") else ""


def _choices_notes(found: dict[str, Any]) -> list[str]:
    return [
        f"- {name}_letters beside lm-eval's stock task on the same {each['items']} questions, {found['model']}. The "
        f"stock task chooses otherwise in our engine on {len(each['stock_differs'])}, ours in lm-eval's on "
        f"{len(each['ours_differs'])}{_ties(each)}; log-probabilities are at most "
        f"{each['largest_logprob_difference']:.1g} nats apart. Stock and ours agree in {each['equal_verdicts']} "
        f"verdicts{_steps(each)}. Right: {', '.join(f'{count} ({way})' for way, count in each['correct'].items())}."
        for name, each in found["tasks"].items()
    ]


def _ties(task: dict[str, Any]) -> str:
    apart = [*task["stock_differs"], *task["ours_differs"]]
    return f" ({sum(each['tie'] for each in apart)} of these ties)" if apart else ""


def _steps(task: dict[str, Any]) -> str:
    return "".join(f"; {count} change with {step}" for step, count in task["causes"].items())


def _engines_notes(found: dict[str, Any]) -> list[str]:
    return [
        f"- vLLM against transformers, {name}, fp32 greedy: {each['outputs_differ']} of {each['items']} outputs "
        f"differ, {each['outcomes_differ']} outcomes, {each['prompts_differ']} prompts."
        for name, each in found["checkpoints"].items()
    ]


def _likelihoods_notes(found: dict[str, Any]) -> list[str]:
    ways = ("ours, transformers", "lm-eval, vLLM")
    (ours, theirs), (mine, other) = ([found[what][way] for way in ways] for what in ("seconds", "choices"))
    lines = [
        f"- Likelihood of whole options, {found['model']}: {ours:.0f} s here, {theirs:.0f} s for lm-eval with "
        f"vLLM on the same items, a ratio of {found['ratio']:.2f} (goal {found['allowed_ratio']}); {mine:.0f} and "
        f"{other:.0f} s without imports and engine start."
    ]
    return lines + [
        f"  - {name}: the same option of {each['same_option']} of {each['items']} items as the stock task"
        f"{_listed(each['differing'])}; log-probabilities at most {each['largest_logprob_difference']:.1g} nats apart."
        for name, each in found["tasks"].items()
    ]


def _listed(differing: list[dict[str, Any]]) -> str:
    rows = (f"{each['item_id'][:8]} ({'a tie' if each['tie'] else 'no tie'})" for each in differing)
    return f", differing: {', '.join(rows)}" if differing else ""


_ROWS = {
    "runs": _runs,
    "outside": _outside,
    "building": _building,
    "memory": _memory,
    "validation": _validation,
    "board": _board,
}
_NOTES = {
    "likelihoods": _likelihoods_notes,
    "runs": _runs_notes,
    "parity": _parity_notes,
    "agreement": _agreement_notes,
    "choices": _choices_notes,
    "engines": _engines_notes,
    "validation": _validation_notes,
    "board": _board_notes,
}
