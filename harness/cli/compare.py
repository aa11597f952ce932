"""``retention compare``: score a pair of runs that are already there."""

from pathlib import Path

import click

from harness.cli.gating import Gate, gate
from harness.cli.options import data_dir, log_choices, margin
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
@margin
@click.option("--json", "json_file", type=_PATH, help="Also write the scorecard to this file.")
@click.option("--html", "html_file", type=_PATH, help="Also write the report page to this file.")
@log_choices
@click.option("--drift", is_flag=True, help="Also measure KL per token along the base's outputs; loads both models.")
@click.option("--base-checkpoint", help="For --drift: the base's checkpoint (folder, hub id or nano:NAME).")
@click.option("--tuned-checkpoint", help="For --drift: the tuned model's checkpoint.")
@click.option("--drift-items", type=click.IntRange(1), help="For --drift: at most this many items a task.")
@click.option("--suite", help="For --drift: the suite's YAML file, where it is not a shipped one.")
@gate
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
    filters: tuple[str, ...],
    metrics: tuple[str, ...],
    drift: bool,
    base_checkpoint: str | None,
    tuned_checkpoint: str | None,
    drift_items: int | None,
    suite: str | None,
    gate: Gate,
) -> None:
    """Score a pair of finished runs: what was learned, what forgotten.

    BASE and TUNED are run folders written by `retention evaluate`. Runs with different questions, prompts or
    engines are refused.

    They may also be tables (parquet, CSV, TSV, JSON lines) with at least item_id, task, family and outcome (correct,
    wrong or unparsed; or true and false, 1 and 0), and optionally score, group, cluster_id, guess_rate, output,
    extracted, finish_reason, n_output_tokens and prompt_digest; common other names (id, question, dataset, correct,
    prediction) are taken with a note. Or they are logs of another tool, a file or the folder that it wrote for one
    model: lm-eval, Inspect, lighteval, lmms-eval, VLMEvalKit, OpenCompass, HELM and Every Eval Ever. Nobody checked
    where these came from, and the scorecard, the page and the signature say so, and what was assumed: items of logs are
    paired by the content of their question, each task is a family of its own, an answer that was cut off counts as
    wrong where a log does not say that it was.

    With --fail-if it is a gate: exit 0 where no rule is shown, 1 where one is, 2 where a number is not defined. What
    counts is the 95 % interval, so that noise does not fail a build; all files are written first.

    \b
    Examples:
      retention compare runs/BASE runs/TUNED --target jigsaw
      retention compare runs/BASE runs/TUNED --target jigsaw --json card.json --html report.html
      retention compare base.csv tuned.csv --target math
      retention compare runs/BASE runs/TUNED --target jigsaw --fail-if "retention < 95" --fail-if "any forgot"
      retention compare runs/BASE runs/TUNED --target jigsaw --min-gain 10 --markdown comment.md --junit retention.xml
      retention compare base.jsonl tuned.jsonl --target math
      retention compare lm-eval/base lm-eval/tuned --target gsm8k --filter strict-match
      retention compare runs/BASE runs/TUNED --drift --base-checkpoint nano:base --tuned-checkpoint nano:sft
    \b
    Logs of other tools, and the option of that tool that writes them:
      lm-eval      --output_path --log_samples
                   retention compare lm-eval/BASE lm-eval/TUNED --filter gsm8k=strict-match --metric gsm8k=exact_match
      Inspect      --log-dir    retention compare logs/BASE logs/TUNED.eval --metric match
      lighteval    --save-details    retention compare out/details/BASE out/details/TUNED --metric em
      lmms-eval    --output_path --log_samples    retention compare lmms/BASE lmms/TUNED
      VLMEvalKit   retention compare BASE_MMBench_exact_matching_result.xlsx TUNED_MMBench_exact_matching_result.xlsx
      OpenCompass  --dump-eval-details    retention compare results/BASE results/TUNED
      HELM         retention compare "runs/S/mmlu:model=BASE" "runs/S/mmlu:model=TUNED" --metric exact_match
      Every Eval Ever    retention compare base.jsonl tuned.jsonl
    """
    from rich.console import Console

    from harness.cli.progress import Display

    # Without --drift it takes a second.
    display = click.get_current_context().with_resource(Display(None if drift else Console(quiet=True)))
    display.stage("reading the runs")
    from harness.api import compare, measure_pair_drift, open_run
    from harness.report import render_pair, render_pair_page

    gate.check(target)
    base_run, tuned_run = (open_run(path, filter=filters, metric=metrics) for path in (base, tuned))
    second = None if noise is None else open_run(noise, filter=filters, metric=metrics)
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
    if not gate.takes_stdout:
        render_pair(card, Console())
    gate.finish([card])


def write_text(path: Path, text: str) -> None:
    """Write a result to a file that the user named."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RetentionError(
            f"{path}: cannot be written ({error.strerror}); name a file in an existing folder"
        ) from error
