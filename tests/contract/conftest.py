"""What the tests of real engines share: the nano base, adapters on it, and prompts."""

import pytest

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoints.prompts import PromptRenderer
from harness.lmeval import load_tasks
from harness.protocol import Prompt
from harness.records.suites import load_suite
from tests.support.fakes import write_adapter

PER_TASK = 3


@pytest.fixture(scope="session")
def base() -> Checkpoint:
    return open_checkpoint("nano:base")


@pytest.fixture(scope="session")
def prompts(base: Checkpoint) -> list[Prompt]:
    """The first questions of each nano task; the first tasks have images."""
    renderer = PromptRenderer(base.path)
    tasks = load_tasks(list(load_suite("nano-1").tasks))
    docs = [loaded.task.eval_docs[k] for loaded in tasks.values() for k in range(PER_TASK)]
    return [renderer.render(doc["question"], tuple(doc["images"])) for doc in docs]


@pytest.fixture(scope="session")
def adapters(base: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> list[Checkpoint]:
    """Two adapters with random weights on parts of the nano base."""
    folder = tmp_path_factory.mktemp("adapters")
    modules = ["language_model.model.layers.1.self_attn.q_proj", "language_model.model.layers.2.mlp"]
    return [
        open_checkpoint(str(write_adapter(folder / f"a{seed}", base.path, modules, reference="nano:base", seed=seed,
                                          scale=scale)))
        for seed, scale in enumerate((0.6, 0.9))
    ]  # fmt: skip


@pytest.fixture(scope="session")
def idle(base: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """An adapter that changes nothing."""
    modules = ["language_model.model.layers.1.self_attn.q_proj"]
    folder = tmp_path_factory.mktemp("adapters") / "idle"
    return open_checkpoint(str(write_adapter(folder, base.path, modules, reference="nano:base", scale=0)))
