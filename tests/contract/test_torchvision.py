"""Other tools beside a torchvision that does not fit its torch, as `make setup` installs it: they can be used."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.fakes import write_llama

ROOT = Path(__file__).parents[2]
# What a project does without any of ours: import it first, and train an adapter with PEFT.
PEFT = """
import torchvision
from torchvision import ops
from torchvision.transforms import v2
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained({folder!r})
model = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"]))
model.save_pretrained({folder!r} + "/adapter")
"""


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """The environment of a process in which this checkout is installed, with the entry points that it states now."""
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    info = tmp_path / "site" / "this_checkout-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: this-checkout\nVersion: 1\n")
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {of}\n" for name, of in each.items()) for group, each in stated.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    path = os.pathsep.join([str(ROOT), str(ROOT / "harness" / "public"), str(info.parent)])
    return {**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"}


def run(installed: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=250, check=False, env=installed, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_torchvision_and_plain_peft_are_imported(installed: dict[str, str], tmp_path: Path) -> None:
    folder = write_llama(tmp_path / "llama")
    run(installed, "-c", PEFT.format(folder=str(folder)))
    assert (folder / "adapter" / "adapter_model.safetensors").is_file()


def test_lm_evals_own_backend_answers(installed: dict[str, str], tmp_path: Path) -> None:
    options = ["--model", "hf", "--model_args", f"pretrained={write_llama(tmp_path / 'llama')},dtype=float32"]
    options += ["--tasks", "math_arithmetic", "--include_path", str(ROOT / "tasks"), "--limit", "2", "--device", "cpu"]
    assert "math_arithmetic" in run(installed, "-m", "lm_eval", *options)
