"""A real small model and an adapter on it, from `retention evaluate` to the board: the same bytes when repeated."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.checkpoints.checkpoint import open_checkpoint
from harness.records.run import read_record
from leaderboard.acceptance.coverage import Surroundings
from leaderboard.acceptance.steps import validate
from leaderboard.cli import cli
from leaderboard.documents.identity import BASE_FILES, ENTRY_FILES
from leaderboard.entries.shelf import Shelf
from tests.bench.smollm2 import CACHE
from tests.support.fakes import write_adapter
from tests.support.tiny import tiny_suite

pytestmark = pytest.mark.engine
PLACES = ("submissions", "bases", "events", "releases")
MODEL = CACHE / "smollm2-135m-instruct"


def retention(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(each) for each in arguments], catch_exceptions=False)


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.skipif(not MODEL.is_dir(), reason=f"no SmolLM2; `retention models smollm2 {MODEL}` makes it")
def test_from_an_adapters_run_to_the_board_and_again(tmp_path: Path) -> None:
    tiny = tiny_suite(tmp_path / "suite", count=8)
    base = open_checkpoint(str(MODEL))
    adapter = write_adapter(tmp_path / "smollm2-lora", base.path, ["q_proj", "down_proj"], scale=0.3)
    runs = tmp_path / "runs"
    done = retention("evaluate", base.path, adapter, "--suite", tiny.path, "--target", "math", "--out", runs,
                     "--engine", "transformers", "--dtype", "float32", "--max-model-len", 256)  # fmt: skip
    assert done.exit_code == 0, done.output
    (run,) = [path.parent for path in runs.rglob("run.json") if read_record(path.parent).checkpoint.kind == "adapter"]
    where = [f"--{name}={tmp_path / name}" for name in PLACES]
    prepare = ["submit", "prepare", run, "--target", "math", "--method", "sft", "--license", "CC0-1.0", "--contact",
               "ada", "--consent", "--yes", "--lora-rank", 4, "--suite", tiny.path, *where]  # fmt: skip
    boards = []
    for _ in range(2):
        prepared = retention(*prepare)
        assert prepared.exit_code == 0, prepared.output
        told = retention("submit", "validate", tmp_path / "submissions", "--suite", tiny.path, "--jobs", 1, *where)
        assert told.exit_code == 0, told.output
        built = retention("board", "build", "--out", tmp_path / "site", "--strict", *where[:2])
        assert built.exit_code == 0, built.output
        boards.append((content(tmp_path / "submissions"), content(tmp_path / "bases"), content(tmp_path / "site")))
    assert boards[0] == boards[1]
    (entry,) = (tmp_path / "submissions").iterdir()
    assert set(content(entry)) == ENTRY_FILES
    assert {name.rpartition("/")[2] for name in boards[0][1]} == BASE_FILES
    assert "adapter_type: lora" in (entry / "manifest.yaml").read_text()
    around = Surroundings(Shelf(*(tmp_path / name for name in PLACES)), [tiny.path])
    for name, data in content(entry).items():
        (entry / name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        report = validate(entry, around)
        assert report.verdict == "refused"
        assert name in {found.file for found in report.of("refuse")} or name == "SHA256SUMS"
        (entry / name).write_bytes(data)
