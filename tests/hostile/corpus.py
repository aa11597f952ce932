"""All cases, and what is handed to the pipeline of them."""

import json
from pathlib import Path
from typing import Any

from tests.hostile import boards, expanding, files, ledgers, models, prompts, requests, rows, tables, texts
from tests.hostile.case import THREATS, Case, Shop

CASES: dict[str, Case] = {
    case.name: case
    for kind in (models, prompts, files, rows, texts, tables, expanding, ledgers, boards, requests)
    for case in kind.CASES
}  # fmt: skip


def build(root: Path) -> Shop:
    """Write every case below ``root``, and the plan that :mod:`tests.hostile.pipeline` reads."""
    shop = Shop(root)
    (root / "out").mkdir()
    given: list[dict[str, Any]] = [
        {
            "name": case.name,
            "kind": case.kind,
            "given": case.make(shop, case),
            "compared": case.rule in ("copied-outputs", "same-answers", "twin"),
        }
        for case in CASES.values()
    ]
    plan = {
        "cases": given,
        "suite": str(shop.board.tiny.path),
        "board": str(shop.board.root),
        "honest": str(shop.honest),
        "site": str(root / "out" / "site"),
    }
    (root / "plan.json").write_text(json.dumps(plan))
    return shop


def readme_table() -> str:
    """Threats, their cases and what becomes of them, as Markdown."""
    lines = ["| threat | given to | cases | what happens |", "|---|---|---|---|"]
    for threat, words in THREATS.items():
        alike: dict[tuple[str, str], list[str]] = {}
        for case in CASES.values():
            if case.threat == threat:
                alike.setdefault((case.kind, case.outcome), []).append(f"`{case.name}`")
        for number, ((kind, outcome), names) in enumerate(alike.items()):
            lines.append(f"| {words if number == 0 else ''} | {kind} | {', '.join(names)} | {outcome} |")
    return "\n".join(lines) + "\n"
