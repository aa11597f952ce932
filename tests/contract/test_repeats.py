"""Sampled runs of the shipped models: the same seeds give the same file, whatever is batched and wherever it ended."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from harness.api import evaluate_pairs
from harness.evaluation.plan import make_plan
from harness.evaluation.run import run_plan
from harness.items import items_digest
from harness.lmeval import load_tasks
from harness.records import Sampling, read_run
from harness.records.suites import tasks_root
from tests.support.evaluating import SETTINGS, Silent

DRAWN = Sampling(1.0, 4, seed=2)


# Evaluates as `sampled` does, and is killed by itself after 100 answers.
KILLED = """
import os, signal, sys
from pathlib import Path
from harness.evaluation.plan import make_plan
from harness.evaluation.run import run_plan
from harness.records import Sampling
from tests.support.evaluating import SETTINGS, Silent

class Killing(Silent):
    def answered(self, count):
        super().answered(count)
        if self.count >= 100:
            os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    drawn = Sampling(1.0, 4, seed=2)
    run_plan(make_plan("nano:base", (), sys.argv[1], None, SETTINGS, Path(sys.argv[2]), sampling=drawn), Killing())
"""
# Computes a prompt of 100 tokens in parts of 32.
SEEDED = """
from harness.engines.environment import prepare
from harness.engines.torchvision_ops import define_missing_ops

if __name__ == "__main__":
    prepare(True, 1)
    define_missing_ops()
    import vllm
    from harness.checkpoints.checkpoint import open_checkpoint

    checkpoint = open_checkpoint("nano:base")
    llm = vllm.LLM(
        model=str(checkpoint.staged), dtype="float32", max_model_len=128, max_num_seqs=4, max_num_batched_tokens=32,
        enable_chunked_prefill=True, enforce_eager=True, distributed_executor_backend="uni",
    )
    prompt = {"prompt_token_ids": [5] * 100}
    llm.generate([prompt], vllm.SamplingParams(max_tokens=2, temperature=1.0), use_tqdm=False)
    print("unseeded answers", flush=True)
    llm.generate([prompt], vllm.SamplingParams(max_tokens=2, temperature=1.0, seed=1), use_tqdm=False)
"""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 items of two tasks of nano-1, as a suite of the user's own."""
    whole = yaml.safe_load((tasks_root() / "suites" / "nano-1.yaml").read_text())
    part = {name: dict(whole["tasks"][name], count=30) for name in ("jigsaw_2x2", "math_arithmetic")}
    for name, loaded in load_tasks(list(part)).items():
        part[name]["digest"] = items_digest(loaded.item_ids[:30])
        part[name].pop("clusters", None)
    path = tmp_path_factory.mktemp("suite") / "part-1.yaml"
    path.write_text(yaml.safe_dump(whole | {"name": "part", "tasks": part}, sort_keys=False))
    return path


def sampled(suite: Path, out: Path, batch: int = 32) -> str:
    plan = make_plan("nano:base", (), str(suite), None, replace(SETTINGS, batch=batch), out, sampling=DRAWN)
    return read_run(run_plan(plan, Silent())[0]).record.samples_sha256


@pytest.mark.engine
def test_neither_the_batch_nor_a_killed_run_changes_the_file(suite: Path, tmp_path: Path) -> None:
    whole = sampled(suite, tmp_path / "whole")
    assert sampled(suite, tmp_path / "narrow", batch=5) == whole

    killed = [sys.executable, "-c", KILLED, str(suite), str(tmp_path / "killed")]
    assert subprocess.run(killed, check=False, capture_output=True).returncode == -signal.SIGKILL
    assert not list((tmp_path / "killed").rglob("run.json"))
    assert sampled(suite, tmp_path / "killed") == whole


@pytest.mark.engine
def test_a_pair_is_sampled_and_scored(suite: Path, tmp_path: Path) -> None:
    (found,) = evaluate_pairs(
        "nano:base",
        ["nano:sft"],
        suite=suite,
        target="jigsaw",
        out=tmp_path,
        engine="transformers",
        temperature=1.0,
        repeats=4,
    )
    card = found.scorecard
    task = card.tasks["jigsaw_2x2"]
    assert (card.repeats, task.n, task.n11 + task.n10 + task.n01 + task.n00) == (4, 30, 120)
    assert task.pass_at[0].tuned == pytest.approx(task.tuned)
    assert [each.k for each in task.pass_at] == [1, 2, 4]
    base = next(iter(tmp_path.glob("part-1/nano-base-*/*")))
    answers = read_run(base).samples
    assert answers.groupby("item_id")["output"].nunique().max() > 1
    page = found.report.read_text("utf-8")
    assert "4 answers to an item, drawn at temperature 1" in page
    assert "pass@k" in page


@pytest.mark.engine
def test_vllm_on_a_cpu_has_no_seeds_for_prompts_in_parts() -> None:
    """Why sampled answers come from transformers there: once this fails, vLLM can draw them."""
    ended = subprocess.run([sys.executable, "-c", SEEDED], check=False, capture_output=True, text=True)
    assert "unseeded answers" in ended.stdout, ended.stderr[-2000:]
    assert "CPU Generator does not use offset" in ended.stderr
    assert ended.returncode != 0
