"""``retention doctor``: what this machine can run, and what to type where something is missing."""

from pathlib import Path

import click

_MARKS = {"ok": "ok", "warning": "!!", "missing": "XX"}


@click.command(name="doctor")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of local data sets. Default: RETENTION_DATA.")
@click.option("--online", is_flag=True, help="Also try to reach the model hub.")
@click.option("--deep", is_flag=True, help="Also import torch and the engines, about 20 s.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON document.")
def command(data_dir: Path | None, online: bool, deep: bool, as_json: bool) -> None:
    """Say which engines, device, versions, suites, checkpoints and data are here, and how to fix what is not.

    Exit 1 if nothing can run.

    \b
    Examples:
      retention doctor
      retention doctor --online --deep
      retention doctor --json
    """
    import json
    from dataclasses import asdict

    from harness.errors import CheckFailedError
    from harness.evaluation import diagnose
    from harness.scoring import printable

    found = diagnose(data=data_dir, online=online, deep=deep)
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
    else:
        width = max(len(finding.topic) for finding in found.findings)
        for finding in found.findings:
            mark = _MARKS[finding.status]
            click.echo(f"{mark}  {finding.topic.ljust(width)}  {printable(' '.join(finding.fact.split()))}")
            if finding.fix and finding.status != "ok":
                click.echo(f"    {' ' * width}  -> {finding.fix}")
    if not found.can_run:
        fixes = [finding.fix for finding in found.findings if finding.status == "missing" and finding.fix]
        raise CheckFailedError(f"nothing can run here; start with: {fixes[0] if fixes else 'retention doctor'}")
