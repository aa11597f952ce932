"""What ``submit prepare`` asks in a terminal for what no option stated; in a script it names the missing option."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from harness.errors import RetentionError

FAMILIES = ("sft", "rft", "dpo", "sft-on-rollouts", "distill", "merge", "other")
OVERLAPS = ("none", "train-split", "test", "unknown")
DATA_FIELDS = ("id", "revision", "role", "license", "overlap")
# Options that a submission cannot be without, and how each is asked for.
_REQUIRED = {
    "method": "Family of the fine-tuning method",
    "license_": "Licence of the stored outputs (an SPDX identifier)",
    "contact": "Your account name, which is published (no e-mail address)",
}
_OPTIONS = {"license_": "--license"}
_DISCLOSED = {
    "algorithm": ("Algorithm within the family, such as grpo", str),
    "learning_rate": ("Peak learning rate", float),
    "steps": ("Optimiser steps", int),
    "kl_coefficient": ("Weight of the KL penalty (0: there was none)", float),
    "lora_rank": ("Rank of the adapter", int),
    "replay": ("What earlier data was mixed in", str),
    "code": ("https address of the training code", str),
    "summary": ("The method in a sentence or two", str),
}


def in_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def complete(stated: dict[str, Any], families: Sequence[str], *, ask: bool, adapter: bool) -> dict[str, Any]:
    """``stated`` with every option that a submission needs; ``families`` are those of the suite.

    With ``ask`` questions are put for what is missing, the optional ones too; without it ``RetentionError`` names the
    first missing option.
    """
    answers = dict(stated)
    if answers["target"] is None:
        _missing(ask, "--target")
        answers["target"] = _ask("Family that the checkpoint was tuned for", type=click.Choice(list(families)))
    for name, question in _REQUIRED.items():
        if answers[name] is None:
            _missing(ask, _OPTIONS.get(name, f"--{name}"))
            choice = click.Choice(FAMILIES) if name == "method" else str
            answers[name] = _ask(question, type=choice, default="CC-BY-4.0" if name == "license_" else None)
    if ask:
        for name, (question, kind) in _DISCLOSED.items():
            if answers[name] is None and (name != "lora_rank" or adapter):
                answers[name] = _optional(question, kind)
        if answers["attempts"] is None:
            answers["attempts"] = _ask("Checkpoints evaluated before this one was chosen", type=int, default=1)
        if answers["chosen_by"] is None:
            answers["chosen_by"] = _ask("How it was chosen", default="the last checkpoint")
        if not answers["data"]:
            answers["data"] = tuple(_data_sets())
    answers["attempts"] = 1 if answers["attempts"] is None else answers["attempts"]
    answers["chosen_by"] = answers["chosen_by"] or "the last checkpoint"
    if not answers["consent"]:
        if not ask:
            raise RetentionError("--consent is missing: the stored outputs are published with the entry")
        if not click.confirm("The stored outputs are published with the entry. Do you agree?", err=True):
            raise RetentionError("without consent nothing is written")
        answers["consent"] = True
    return answers


def read_training_fields(stated: dict[str, Any], path: Path) -> dict[str, Any]:
    """``stated`` with what the training record at ``path`` says of target, method and data; what was stated stays.

    ``RetentionError`` where the file is not a record of ``retention train``; the manifest's schema judges the values.
    """
    try:
        submission = json.loads(path.read_text(encoding="utf-8"))["submission"]
        fields = {"target": submission["target"], **submission["method"], "data": tuple(submission["training_data"])}
        fields["method"] = fields.pop("family")
        fields["seeds"] = tuple(fields.get("seeds", ()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RetentionError(f"--training {path}: not a training record that `retention train` finished") from error
    given = {name: value for name, value in stated.items() if value not in (None, (), [])}
    return {**stated, **{name: value for name, value in fields.items() if name in stated}, **given}


def training_data(fields: str | dict[str, str]) -> dict[str, str]:
    """One ``--data`` option as a manifest's fields; what was asked for is that already."""
    if isinstance(fields, dict):
        return fields
    pairs = dict(part.strip().partition("=")[::2] for part in fields.split(","))
    if unknown := set(pairs) - set(DATA_FIELDS):
        raise RetentionError(
            f"--data: unknown field {sorted(unknown)[0]!r}; there are {', '.join(sorted(DATA_FIELDS))}"
        )
    if missing := {"id", "role", "license"} - set(pairs):
        raise RetentionError(f"--data: {sorted(missing)[0]} is missing in {fields!r}")
    return {"overlap_with_suite": pairs.pop("overlap", "unknown")} | pairs


def _missing(ask: bool, option: str) -> None:
    if not ask:
        raise RetentionError(f"{option} is missing; state it, or run in a terminal to be asked")


def _ask(question: str, **options: Any) -> Any:
    return click.prompt(question, err=True, **options)


def _optional(question: str, kind: type) -> Any:
    """An answer of ``kind``, or None for a blank line."""
    while True:
        answer = click.prompt(f"{question} (blank: not disclosed)", default="", show_default=False, err=True)
        if not answer.strip():
            return None
        try:
            return kind(answer)
        except ValueError:
            click.echo(f"{answer!r} is not a number", err=True)


def _data_sets() -> list[dict[str, str]]:
    """Training sets, one after another until a blank line."""
    found = []
    while name := click.prompt(
        "A training set: its id (blank: no more)", default="", show_default=False, err=True
    ).strip():
        role = _ask("  Role", default="train")
        license_ = _ask("  Licence", default="unknown")
        overlap = _ask("  Overlap with the suite", type=click.Choice(OVERLAPS), default="unknown")
        found.append({"id": name, "role": role, "license": license_, "overlap_with_suite": overlap})
    return found
