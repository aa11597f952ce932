"""Which suite fits a checkpoint, by what the checkpoint is and by the data that can be had here."""

import shutil
from pathlib import Path

import pytest

from harness.checkpoints import Checkpoint, nano_root, open_checkpoint
from harness.records import SuiteError, load_suite, suite_path
from harness.suites import given_suite, missing_data, suite_for
from harness.suites.catalogue import find_task
from tests.support.fakes import write_checkpoint
from tests.support.vision_like import write_vision


@pytest.fixture
def text(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "text")


_ASKED = ("sources", "suites.catalogue", "suites.availability", "pictures.photos")


def hub(monkeypatch: pytest.MonkeyPatch, has: bool) -> None:
    monkeypatch.delenv("RETENTION_DATA", raising=False)
    for module in _ASKED:
        monkeypatch.setattr(f"harness.{module}.hub_has", lambda repo, revision: has)


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No data folder, and a hub that cannot be reached and left nothing in its cache."""
    hub(monkeypatch, False)


@pytest.fixture
def everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that has every data set, and no data folder."""
    hub(monkeypatch, True)


def opened(folder: Path) -> Checkpoint:
    return open_checkpoint(str(folder))


@pytest.mark.usefixtures("everywhere")
def test_the_suite_follows_from_images_and_chat_template(text: Path, tmp_path: Path) -> None:
    vision = write_vision("idefics3", tmp_path / "vision")
    assert (suite_for(opened(text)).suite, suite_for(opened(vision)).suite) == ("core-text-2", "core-vl-1")
    assert suite_for(opened(vision)).reason == "it has a chat template and an image processor"
    (vision / "chat_template.jinja").unlink(missing_ok=True)
    (text / "chat_template.jinja").unlink()
    chosen = suite_for(opened(text))
    assert str(chosen) == "core-base-1 (it is asked without a chat template)"
    assert suite_for(opened(text), templated=True).suite == "core-text-2"


def test_nano_checkpoints_take_the_suite_of_their_world_wherever_they_lie(tmp_path: Path) -> None:
    assert suite_for(open_checkpoint("nano:sft")).suite == "nano-1"
    adapter = open_checkpoint("nano:lora-replay")
    assert str(suite_for(adapter)) == "nano-1 (its tokenizer is that of nano:base)"
    reasoning = shutil.copytree(nano_root() / "reasoning", tmp_path / "elsewhere")
    assert str(suite_for(opened(reasoning))) == "nano-2 (its tokenizer is that of nano:reasoning)"


@pytest.mark.usefixtures("nowhere")
def test_without_data_the_tasks_that_need_none_are_left(text: Path) -> None:
    chosen = suite_for(opened(text))
    suite = load_suite(chosen.suite)
    assert chosen.suite == "core-text-2"
    assert chosen.missing == missing_data(suite, suite_path(chosen.suite).parent)
    left = [name for name in suite.tasks if name not in chosen.missing]
    assert left == [name for name in suite.tasks if not find_task(name).sources()]
    assert chosen.missing["math_gsm8k"] == "openai/gsm8k"


@pytest.mark.usefixtures("nowhere")
def test_where_every_task_needs_data_that_is_not_here_the_way_out_is_said(text: Path) -> None:
    (text / "chat_template.jinja").unlink()
    with pytest.raises(SuiteError, match=r"core-base-1 is the suite for it .* 15 tasks need data that is not here"):
        suite_for(opened(text))
    with pytest.raises(SuiteError, match=r"openai/gsm8k and 14 more\); connect to the hub, or .* --data-dir"):
        given_suite("core-text-2")
    assert given_suite("nano-1").missing == {}


def test_a_data_folder_is_as_good_as_the_hub(text: Path, published: Path) -> None:
    assert suite_for(opened(text)).missing == {}
