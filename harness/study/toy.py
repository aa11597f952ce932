"""A toy of Qwen2.5-VL for the path of its study on a CPU: a hundred thousand weights that have learnt a form of answer.

It answers puzzles of three tiles with an empty thought and an order drawn at random, so that some of its samples are
right, as rollouts need. It knows nothing else.
"""

from pathlib import Path

from harness.checkpoints import Checkpoint, open_checkpoint
from harness.engines import write_qwen
from harness.study.smollm2 import Say
from harness.study.steps import link_checkpoint
from harness.temporary import passing_folder
from harness.training import Data, load_examples, load_recipe, run_training, write_examples

_SOURCE = "scenes-1x3-think"
_WORDS = 400
_EXAMPLES = 60
_THOUGHT = "<think>I look at the tiles.</think> "
_LEARNT = {
    "suite": "nano-1",
    "data.source": None,
    "data.count": None,
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
    puzzles = load_examples(Data(source=_SOURCE, count=_EXAMPLES))
    examples = [each.model_copy(update={"target": _THOUGHT + each.target, "kind": "worked"}) for each in puzzles]
    with passing_folder() as folder:
        text = f"{examples[0].question} {examples[0].target}"
        places = {
            "base": str(write_qwen(folder / "random", text=text, words=_WORDS)),
            "data.examples": str(folder / "examples"),
        }
        recipe = load_recipe("qwen2.5-vl-jigsaw", "sft", {**_LEARNT, **places}, seed=0)
        write_examples(folder / "examples", examples, source=_SOURCE, recipe_digest=recipe.digest, seed=0)
        run_training(recipe, folder / "trained", lambda phase, done, total: say(f"{phase} {done} of {total}"))
        link_checkpoint(folder / "trained" / f"step-{recipe.saved_steps[-1]:06d}", out)
    return open_checkpoint(str(out.resolve()))
