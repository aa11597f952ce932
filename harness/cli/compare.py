"""``retention compare``: score a pair of runs that are already there."""

from pathlib import Path

import click

from harness.cli.options import data_dir
from harness.errors import RetentionError

_PATH = click.Path(path_type=Path)


def _print_schema(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted:
        from harness.scoring import scorecard_schema

        click.echo(scorecard_schema(), nl=False)
        ctx.exit()


@click.command(name="compare")
@click.argument("base", type=_PATH)
@click.argument("tuned", type=_PATH)
@click.option(
    "--target", help="The task family the tuned model was trained for; without it only forgetting is reported."
)
@click.option("--noise", type=_PATH, help="A second run of the base (other batch order or seed): the noise floor.")
@click.option("--margin", type=float, default=0.02, show_default=True,
              help="The loss that \"retained\" must rule out, as a rate.")  # fmt: skip
@click.option("--json", "json_file", type=_PATH, help="Also write the scorecard to this file.")
@click.option("--html", "html_file", type=_PATH, help="Also write the report page to this file.")
@click.option("--filter", "chosen_filter", help="lm-eval logs: whose answers count, e.g. strict-match.")
@click.option("--metric", help="lm-eval logs: the number that is 1 for a correct answer. Default: the log's first.")
@click.option("--drift", is_flag=True, help="Also measure KL per token along the base's outputs; loads both models.")
@click.option("--base-checkpoint", help="For --drift: the base's checkpoint (folder, hub id or nano:NAME).")
@click.option("--tuned-checkpoint", help="For --drift: the tuned model's checkpoint.")
@click.option("--drift-items", type=click.IntRange(1), help="For --drift: at most this many items a task.")
@click.option("--suite", help="For --drift: the suite's YAML file, where it is not a shipped one.")
@data_dir
@click.option("--schema", is_flag=True, is_eager=True, expose_value=False, callback=_print_schema,
              help="Print the scorecard's JSON Schema and exit.")  # fmt: skip
def command(
    base: Path,
    tuned: Path,
    target: str | None,
    noise: Path | None,
    margin: float,
    json_file: Path | None,
    html_file: Path | None,
    chosen_filter: str | None,
    metric: str | None,
    drift: bool,
    base_checkpoint: str | None,
    tuned_checkpoint: str | None,
    drift_items: int | None,
    suite: str | None,
) -> None:
    """Score a pair of finished runs: what was learned, what forgotten.

    BASE and TUNED are run folders written by `retention evaluate`. Runs with different questions, prompts or
    engines are refused.

    They may also be bare tables, parquet, CSV or JSON lines with at least item_id, task, family and outcome (correct,
    wrong or unparsed; or true and false, 1 and 0), and optionally score, group, cluster_id, guess_rate, output,
    extracted, finish_reason, n_output_tokens and prompt_digest; or logs of `lm_eval --log_samples` (a samples_*.jsonl
    file or a folder of them). Nobody checked where these came from, and the scorecard, the page and the signature say
    so.

    Limits of lm-eval logs: they hold no finish reason, so an answer that was cut off counts as wrong; an answer is
    unparsed only where the filter says [invalid] or the output is empty; items are paired by the hash of the document;
    the guess rate is 1/options for multiple choice and else 0; each task is a family of its own.

    \b
    Examples:
      retention compare runs/BASE runs/TUNED --target jigsaw
      retention compare runs/BASE runs/TUNED --target jigsaw --json card.json --html report.html
      retention compare base.jsonl tuned.jsonl --target math
      retention compare lm-eval/base lm-eval/tuned --target gsm8k --filter strict-match
      retention compare runs/BASE runs/TUNED --drift --base-checkpoint nano:base --tuned-checkpoint nano:sft
    """
    from rich.console import Console

    from harness.cli.progress import Display

    # Without --drift it takes a second.
    display = click.get_current_context().with_resource(Display(None if drift else Console(quiet=True)))
    display.stage("reading the runs")
    from harness.api import compare, measure_pair_drift, open_run
    from harness.report import render_pair, render_pair_page

    base_run, tuned_run = (open_run(path, filter=chosen_filter, metric=metric) for path in (base, tuned))
    second = None if noise is None else open_run(noise, filter=chosen_filter, metric=metric)
    # What can be refused is refused before a model is loaded.
    card = compare(base_run, tuned_run, target, second, margin=margin)
    if drift:
        if base_checkpoint is None or tuned_checkpoint is None:
            raise RetentionError("--drift needs the models themselves: give --base-checkpoint and --tuned-checkpoint")
        measured = measure_pair_drift(
            base_run,
            tuned_run,
            base_checkpoint,
            tuned_checkpoint,
            suite=suite,
            items=drift_items,
            progress=display.stage,
        )
        card = compare(base_run, tuned_run, target, second, drift=measured, margin=margin)
    if json_file is not None:
        write_text(json_file, card.to_json())
    if html_file is not None:
        write_text(html_file, render_pair_page(card, base_run, tuned_run))
    render_pair(card, Console())


def write_text(path: Path, text: str) -> None:
    """Write a result to a file that the user named."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RetentionError(
            f"{path}: cannot be written ({error.strerror}); name a file in an existing folder"
        ) from error
