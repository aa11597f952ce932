"""What real lm-eval 0.4 does, where this harness relies on it or stays out of its way (harness/lmeval/README.md)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import lm_eval
import pytest
from lm_eval.api.model import LM

from harness.lmeval import load_tasks
from harness.records.suites import load_suite

IDS = """
import json, sys
from harness.lmeval import load_tasks
print(json.dumps(load_tasks(["jigsaw_2x2", "vision_count"])["vision_count"].item_ids))
"""


class Echo(LM):
    """Answers each request with its own question, so that a label can be checked against what was asked."""

    MULTIMODAL = True

    def generate_until(self, requests, disable_tqdm=False):  # type: ignore[no-untyped-def]
        return [request.args[0] for request in requests]

    def loglikelihood(self, requests, disable_tqdm=False):  # type: ignore[no-untyped-def]
        raise NotImplementedError

    def loglikelihood_rolling(self, requests, disable_tqdm=False):  # type: ignore[no-untyped-def]
        raise NotImplementedError


def logged(samples: list[int]) -> list[dict[str, object]]:
    task = load_tasks(["math_arithmetic"])["math_arithmetic"].task
    results = lm_eval.evaluate(
        Echo(), {"tasks": {"math_arithmetic": task}}, samples={"math_arithmetic": samples}, bootstrap_iters=0
    )
    rows: list[dict[str, object]] = results["samples"]["math_arithmetic"]
    return rows


def test_ascending_samples_keep_their_labels() -> None:
    docs = load_tasks(["math_arithmetic"])["math_arithmetic"].task.eval_docs
    for row in logged([3, 7, 200]):
        assert row["doc"] == docs[row["doc_id"]]
        assert row["resps"] == [[row["doc"]["question"]]]  # type: ignore[index]


def test_unsorted_samples_would_swap_labels() -> None:
    """Why ids are always passed in ascending order; when this fails, lm-eval has mended it."""
    docs = load_tasks(["math_arithmetic"])["math_arithmetic"].task.eval_docs
    rows = logged([7, 3])
    assert [row["doc_id"] for row in rows] == [7, 3]
    assert [row["doc"] for row in rows] == [docs[3], docs[7]]


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_vision_items_have_the_same_ids_in_every_process(hash_seed: str) -> None:
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    root = Path(__file__).parents[2]
    printed = subprocess.run(
        [sys.executable, "-c", IDS], cwd=root, env=environment, check=True, capture_output=True, text=True
    )
    ids = json.loads(printed.stdout.splitlines()[-1])
    load_suite("nano-1").check_items("vision_count", ids)


def test_images_reach_the_model_as_the_stored_bytes() -> None:
    seen: list[object] = []

    class Looking(Echo):
        def generate_until(self, requests, disable_tqdm=False):  # type: ignore[no-untyped-def]
            seen.extend([picture.encoded for picture in request.args[2]["visual"]] for request in requests)
            return super().generate_until(requests)

    task = load_tasks(["vision_colour"])["vision_colour"].task
    lm_eval.evaluate(
        Looking(), {"tasks": {"vision_colour": task}}, samples={"vision_colour": [0, 1]}, bootstrap_iters=0
    )
    assert seen == [task.eval_docs[0]["images"], task.eval_docs[1]["images"]]
    assert all(isinstance(image, bytes) for images in seen for image in images)  # type: ignore[attr-defined]


def test_lm_eval_drops_what_our_model_must_keep() -> None:
    """No finish reason and no token counts in a logged sample: why ``harness.lmeval`` keeps them itself."""
    assert not {"finish_reason", "n_output_tokens"} & set(logged([0])[0])
