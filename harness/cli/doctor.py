"""``retention doctor``: what this machine can run, or what an evaluation would make of a checkpoint."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.evaluation import Finding

_MARKS = {"ok": "ok", "warning": "!!", "missing": "XX", "refused": "XX"}


@click.command(name="doctor")
@click.argument("checkpoint", required=False)
@click.option("--base", help="With CHECKPOINT: the base that it would be evaluated against.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of local data sets. Default: RETENTION_DATA.")
@click.option("--online", is_flag=True, help="Also try to reach the model hub.")
@click.option("--deep", is_flag=True, help="Also import torch and the engines, about 20 s.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON document.")
def command(
    checkpoint: str | None, base: str | None, data_dir: Path | None, online: bool, deep: bool, as_json: bool
) -> None:
    """Say which engines, device, versions, suites, checkpoints and data are here, and how to fix what is not.

    With CHECKPOINT, a local folder, a hub id or nano:NAME: say what of it is used, ignored and refused, how it is asked
    and where its answers end, without running it.

    Exit 1 if nothing can run, or if an evaluation would refuse the checkpoint.

    \b
    Examples:
      retention doctor
      retention doctor --online --deep
      retention doctor ./tuned --base ./base
      retention doctor nano:sft --json
    """
    if checkpoint is None:
        _machine(base, data_dir, online, deep, as_json)
    else:
        _checkpoint(checkpoint, base, as_json)


def _machine(base: str | None, data_dir: Path | None, online: bool, deep: bool, as_json: bool) -> None:
    from harness.errors import CheckFailedError
    from harness.evaluation import diagnose

    if base is not None:
        raise click.UsageError(f"--base {base}: names the base of a CHECKPOINT, which is missing")
    found = diagnose(data=data_dir, online=online, deep=deep)
    _print(found, found.findings, as_json=as_json)
    if not found.can_run:
        fixes = [finding.fix for finding in found.findings if finding.status == "missing" and finding.fix]
        raise CheckFailedError(f"nothing can run here; start with: {fixes[0] if fixes else 'retention doctor'}")


def _checkpoint(checkpoint: str, base: str | None, as_json: bool) -> None:
    from harness.cli.progress import Display
    from harness.errors import CheckFailedError

    with Display() as display:
        display.stage(f"reading checkpoint {checkpoint}")
        from harness.evaluation import examine

        found = examine(checkpoint, base)
    _print(found, found.findings, as_json=as_json)
    if not found.accepted:
        why = [finding.topic for finding in found.findings if finding.status == "refused"]
        raise CheckFailedError(f"{checkpoint}: an evaluation would refuse it ({', '.join(dict.fromkeys(why))})")


def _print(document: object, findings: "Sequence[Finding]", *, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    from harness.scoring import printable

    if as_json:
        click.echo(json.dumps(asdict(document), indent=2))  # type: ignore[call-overload]
        return
    width = max(len(finding.topic) for finding in findings)
    for finding in findings:
        mark = _MARKS[finding.status]
        click.echo(f"{mark}  {finding.topic.ljust(width)}  {printable(' '.join(finding.fact.split()))}")
        if finding.fix and finding.status != "ok":
            click.echo(f"    {' ' * width}  -> {finding.fix}")
