"""``retention metrics``: what each number means."""

import json

import click


@click.command(name="metrics")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the definitions as JSON.")
@click.option("--markdown", is_flag=True, help="Print all definitions as one page in Markdown.")
def command(name: str | None, as_json: bool, markdown: bool) -> None:
    """Say what each number means: formula, range, source.

    Without NAME, list all metrics. NAME is a metric's name, title or symbol, or a field of the scorecard.

    \b
    Examples:
      retention metrics
      retention metrics knowledge_lost
      retention metrics F
      retention metrics --json
      retention metrics --markdown > harness/scoring/METRICS.md
    """
    from harness.errors import RetentionError
    from harness.scoring import METRICS, find_metric, metrics_page

    if markdown and (name is not None or as_json):
        raise RetentionError("--markdown prints the page of all metrics; leave out NAME and --json")
    if markdown:
        click.echo(metrics_page(), nl=False)
    elif as_json:
        chosen = METRICS.values() if name is None else [find_metric(name)]
        click.echo(json.dumps([metric.to_dict() for metric in chosen], indent=2, ensure_ascii=False))
    elif name is not None:
        click.echo(find_metric(name).to_text(), nl=False)
    else:
        _list()


def _list() -> None:
    from harness.cli.columns import echo_columns
    from harness.scoring import METRICS, SECTIONS

    for section, (title, _) in SECTIONS.items():
        click.secho(title, bold=True)
        rows = [[each.name, each.symbol, each.formula] for each in METRICS.values() if each.section == section]
        echo_columns(["name", "symbol", "formula"], rows, left=("name", "symbol", "formula"))
        click.echo()
    click.echo("retention metrics NAME says more of one.")
