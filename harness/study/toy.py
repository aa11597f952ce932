"""A toy of Qwen2.5-VL for the path of its study on a CPU: a hundred thousand weights that have learnt a form of answer.

It answers puzzles of three tiles with an order drawn at random, so that some of its samples are right, as rollouts
need. It knows nothing else.
"""

from pathlib import Path

from harness.checkpoints import Checkpoint, open_checkpoint
from harness.engines import write_qwen
from harness.study.smollm2 import Say
from harness.study.steps import link_checkpoint
from harness.temporary import passing_folder
from harness.training import Data, load_examples, load_recipe, run_training

_SOURCE = "scenes-1x3-think"
_WORDS = 400
_LEARNT = {
    "suite": "nano-1",
    "data.source": _SOURCE,
    "data.count": 60,
    "optimisation.steps": 60,
    "optimisation.batch": 8,
    "optimisation.micro_batch": 8,
    "optimisation.lr": 0.01,
    "optimisation.warmup": 5,
    "optimisation.workers": 0,
    "optimisation.dtype": "float32",
    "optimisation.gradient_checkpointing": False,
    "checkpoints": {"count": 5, "spacing": "even", "resume_every": None},
}


def make_toy(out: Path, say: Say) -> Checkpoint:
    """The toy in ``out``, made in half a minute if it does not exist yet; the same bytes on one machine."""
    if out.is_dir() and any(out.iterdir()):
        say(f"{out}: already exists")
        return open_checkpoint(str(out.resolve()))
    question = load_examples(Data(source=_SOURCE, count=1))[0]
    with passing_folder() as folder:
        base = write_qwen(folder / "random", text=f"{question.question} {question.target}", words=_WORDS)
        recipe = load_recipe("qwen2.5-vl-jigsaw", "sft", {**_LEARNT, "base": str(base)}, seed=0)
        run_training(recipe, folder / "trained", lambda phase, done, total: say(f"{phase} {done} of {total}"))
        link_checkpoint(folder / "trained" / f"step-{recipe.saved_steps[-1]:06d}", out)
    return open_checkpoint(str(out.resolve()))
