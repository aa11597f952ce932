"""The callback: what is logged while a model trains, that the training does not notice, rules, resume, and refusals."""

import json
import shlex
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

import retentionbench as rb
from harness.checkpoints import nano_root
from harness.cli.trajectory import command as trajectory
from harness.errors import RetentionError
from harness.records import read_run
from harness.training.host import refuse_processes
from tests.support.fakes import part_of_nano, write_llama
from tests.support.looping import LORA, STEPS, grpo_trainer, plain_trainer, sft_trainer

if TYPE_CHECKING:
    from harness.training import RetentionCallback

ITEMS = 50
TASKS = ("jigsaw_2x2", "science_facts", "vision_count")


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(part_of_nano(tmp_path_factory.mktemp("suite"), *TASKS))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of runs for all trainings, so that the base is evaluated once."""
    return tmp_path_factory.mktemp("runs")


Watching = Callable[..., "RetentionCallback"]


@pytest.fixture(scope="module")
def watching(suite: str, runs: Path) -> Watching:
    def made(**arguments: Any) -> "RetentionCallback":
        given = {"items": ITEMS, "target": "jigsaw", "out": runs, "say": lambda line: None, "every": 2} | arguments
        return rb.RetentionCallback("nano:base", suite, **given)

    return made


def heard(rows: list[dict[str, Any]]) -> Any:
    """A callback of another kind, as those of ``report_to`` are: what it is told goes to ``rows``."""
    from transformers import TrainerCallback

    class Heard(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **_: Any) -> None:
            rows.append({"step": state.global_step, **logs})

    return Heard()


def stopping(at: int) -> Any:
    from transformers import TrainerCallback

    class Stopping(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            control.should_training_stop = state.global_step >= at

    return Stopping()


def retention_rows(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if "retention/seconds" in row]


def of_training(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a training logs of itself, without what the clock says."""
    clock = ("runtime", "per_second", "flos")
    kept = [row for row in rows if "retention/seconds" not in row]
    return [{name: value for name, value in row.items() if not name.endswith(clock)} for row in kept]


def same_weights(one: Any, other: Any) -> bool:
    import torch

    mine, theirs = one.model.state_dict(), other.model.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, watching: Watching) -> SimpleNamespace:
    out, rows, lines = tmp_path_factory.mktemp("full") / "tuned", [], []
    callback = watching(say=lines.append, keep_best="gain")
    # Before it in the list, as the callbacks of `report_to` are.
    trainer = sft_trainer(out, [heard(rows), callback])
    trainer.train()
    return SimpleNamespace(callback=callback, trainer=trainer, rows=rows, lines=lines, out=out)


@pytest.fixture(scope="module")
def unwatched(tmp_path_factory: pytest.TempPathFactory) -> Any:
    trainer = sft_trainer(tmp_path_factory.mktemp("plain") / "tuned", [])
    trainer.train()
    return trainer


@pytest.mark.engine
def test_numbers_arrive_where_the_trainer_reports_and_in_its_history(watched: SimpleNamespace) -> None:
    told = retention_rows(watched.rows)
    assert [row["step"] for row in told] == [2, 4, 6]
    for row in told:
        card = watched.callback.scorecards[row["step"]]
        assert row["retention/gain"] == card.target.gain
        assert row["retention/gain_low"] <= row["retention/gain"] <= row["retention/gain_high"]
        assert row["retention/alarms"] == len(card.alarms)
        assert row["retention/forgot"] == sum(task.verdict == "forgot" for task in card.prior_tasks.values())
        assert row["retention/macro"] == card.retention_macro
        assert row["retention/macro_low"] <= row["retention/macro"] <= row["retention/macro_high"]
        assert row["retention/worst_group"] == card.worst_group.retention
        assert row["retention/group/facts"] == card.groups["facts"].retention
        assert 0 < row["retention/share_of_time"] < 1
        assert all(isinstance(value, int | float) for value in row.values())
    assert retention_rows(watched.trainer.state.log_history) == [dict(row) for row in told]


@pytest.mark.engine
def test_a_training_is_the_same_with_it_and_without(watched: SimpleNamespace, unwatched: Any) -> None:
    assert same_weights(watched.trainer, unwatched)
    assert of_training(watched.trainer.state.log_history) == of_training(unwatched.state.log_history)
    assert watched.trainer.model.training == unwatched.model.training
    assert watched.trainer.model.generation_config.to_dict() == unwatched.model.generation_config.to_dict()


@pytest.mark.engine
def test_the_model_in_memory_answers_as_its_saved_checkpoint(
    watched: SimpleNamespace, runs: Path, suite: str, tmp_path: Path
) -> None:
    """Bytes for bytes, by the ordinary command in a process of its own."""
    part = tmp_path / f"part-1-part-{ITEMS}.yaml"
    from harness.suites import sample

    sample(suite, ITEMS, part)
    checkpoint = watched.out / "checkpoint-6"
    pair = rb.evaluate_pairs(
        "nano:base", [checkpoint], suite=part, target="jigsaw", out=tmp_path / "runs", engine="transformers"
    )
    saved, live = read_run(pair[0].folder), read_run(watched.callback.folders[6])
    columns = ["item_id", "prompt_digest", "output", "outcome", "n_prompt_tokens"]
    assert saved.samples[columns].equals(live.samples[columns])
    assert saved.record.suite == live.record.suite
    assert saved.record.engine == live.record.engine
    assert saved.record.conditions == live.record.conditions
    assert "evaluated in training" in " ".join(live.record.notes)
    assert live.record.checkpoint.files == {}


@pytest.mark.engine
def test_a_trajectory_reads_the_runs_and_the_cost_is_said(watched: SimpleNamespace) -> None:
    callback = watched.callback
    names = [read_run(callback.folders[step]).record.checkpoint.name for step in (2, 4, 6)]
    assert names == [f"tuned-step-{step:06d}" for step in (2, 4, 6)]
    curve = rb.trajectory([callback.base_folder, *callback.folders.values()], "jigsaw")
    gains = [row["retention/gain"] for row in retention_rows(watched.rows)]
    assert [point.gain for point in curve.points] == [0, *gains]
    assert any("3 evaluations" in line and "% of the" in line for line in watched.lines)
    following = next(line for line in watched.lines if line.startswith("Next: "))
    assert following.split()[1:3] == ["retention", "trajectory"]
    assert following.endswith("--target jigsaw")


@pytest.mark.engine
def test_the_best_is_saved_where_it_was_found_and_survives(
    watched: SimpleNamespace, watching: Watching, tmp_path: Path
) -> None:
    gains = {row["step"]: row["retention/gain"] for row in retention_rows(watched.rows)}
    best = max(gains, key=lambda step: (gains[step], -step))
    state = watched.trainer.state
    assert (state.best_global_step, state.best_metric) == (best, gains[best])
    assert state.best_model_checkpoint == str(watched.out / f"checkpoint-{best}")
    assert json.loads((watched.out / "checkpoint-6" / "trainer_state.json").read_text())["best_global_step"] == best
    # Nothing is above this: no checkpoint counts, and none is called the best.
    trainer = sft_trainer(tmp_path / "none", [watching(keep_best="gain if gain > 99")], max_steps=2)
    trainer.train()
    assert trainer.state.best_model_checkpoint is None
    # The first counts alone; later ones are saved, and it is not deleted.
    first = watching(keep_best="gain unless gain > 99", every="save")
    trainer = sft_trainer(tmp_path / "first", [first], save_steps=2, save_total_limit=1, learning_rate=0.0)
    trainer.train()
    assert trainer.state.best_global_step == 2
    assert {path.name for path in (tmp_path / "first").glob("checkpoint-*")} >= {"checkpoint-2"}


@pytest.mark.engine
def test_an_adapter_is_measured_with_its_base_beside_it(watching: Watching, tmp_path: Path) -> None:
    callback = watching(every=3)
    trainer = sft_trainer(tmp_path / "lora", [callback], adapter=LORA)
    trainer.train()
    plain = sft_trainer(tmp_path / "plain", [], adapter=LORA)
    plain.train()
    assert same_weights(trainer, plain)
    assert of_training(trainer.state.log_history) == of_training(plain.state.log_history)
    record = read_run(callback.folders[6]).record
    assert (record.checkpoint.kind, record.engine.adapter) == ("adapter", "lora")
    assert record.checkpoint.base is not None
    assert record.checkpoint.base.name == "nano-base"
    digests = {read_run(folder).record.checkpoint.weights_digest for folder in callback.folders.values()}
    assert len(digests) == 2
    assert callback.scorecards[6].provenance.checked


@pytest.mark.engine
def test_a_trainer_of_transformers_has_no_tokenizer_and_needs_no_target(watching: Watching, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = []
    lines: list[str] = []
    callback = watching(target=None, keep_best="retention", say=lines.append)
    trainer = plain_trainer(tmp_path / "plain", [heard(rows), callback], save_strategy="no")
    trainer.train()
    assert [row["step"] for row in retention_rows(rows)] == [2, 4, 6]
    assert "retention/gain" not in retention_rows(rows)[0]
    # Three groups of these items say too little for one number, and the callback says so.
    assert any("no retention: not enough evidence" in line for line in lines)
    assert "retention: no checkpoint is the best: none has a retention that counts" in lines
    following = next(line for line in lines if line.startswith("Next: "))
    done = CliRunner().invoke(trajectory, shlex.split(following.removeprefix("Next: retention trajectory ")))
    assert done.exit_code == 0, done.output
    saving = plain_trainer(tmp_path / "saving", [watching(keep_best="gain")], save_strategy="no", max_steps=2)
    saving.train()
    assert saving.state.best_model_checkpoint == str(tmp_path / "saving" / "checkpoint-2")
    assert Path(saving.state.best_model_checkpoint).is_dir()


@pytest.mark.engine
def test_in_mixed_precision_the_weights_are_asked_as_they_are(watching: Watching, suite: str, tmp_path: Path) -> None:
    """The training computes in bfloat16 and its base was evaluated in float32."""
    callback = watching(every="save")
    trainer = sft_trainer(tmp_path / "mixed", [callback], bf16=True, save_steps=2, max_steps=2)
    trainer.train()
    again = watching(every="save", name="again")
    unchanged = sft_trainer(tmp_path / "again", [again], bf16=True, save_steps=1, max_steps=1, learning_rate=0.0)
    unchanged.train()
    base, live = read_run(again.base_folder), read_run(again.folders[1])
    assert live.record.engine.dtype == "float32"
    assert base.samples["output"].equals(live.samples["output"])


@pytest.mark.engine
def test_grpo_is_measured_at_each_save(watching: Watching, tmp_path: Path) -> None:
    callback, rows = watching(every="save"), []
    trainer = grpo_trainer(tmp_path / "grpo", [callback, heard(rows)])
    trainer.train()
    plain = grpo_trainer(tmp_path / "plain", [])
    plain.train()
    assert [row["step"] for row in retention_rows(rows)] == [2, 4]
    assert same_weights(trainer, plain)
    own = [{name: value for name, value in row.items() if "time" not in name} for row in of_training(rows)]
    without = of_training(plain.state.log_history)
    assert own == [{name: value for name, value in row.items() if "time" not in name} for row in without]


@pytest.mark.engine
def test_a_rule_that_is_shown_stops_the_training(watching: Watching, tmp_path: Path) -> None:
    lines: list[str] = []
    shown = sft_trainer(tmp_path / "shown", [watching(stop_if="gain < 60", say=lines.append)])
    shown.train()
    assert shown.state.global_step == 2
    assert any("the training stops: gain" in line for line in lines)
    refuted = sft_trainer(tmp_path / "refuted", [watching(stop_if=["gain > 60", "any forgot"])], learning_rate=0.0)
    refuted.train()
    assert refuted.state.global_step == STEPS


@pytest.mark.engine
def test_a_resumed_training_evaluates_nothing_twice(
    watching: Watching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "tuned"
    killed = sft_trainer(out, [watching(), stopping(at=4)], save_steps=2)
    killed.train()
    assert (out / "checkpoint-4").is_dir()
    asked: list[str] = []
    monkeypatch.setattr("harness.training.measuring.TransformersEngine", None)
    from harness.training.measuring import LiveEngine

    def counted(placement: Any, model: Any) -> Any:
        asked.append(placement.name)
        return LiveEngine(placement, model)

    monkeypatch.setattr("harness.training.measuring.LiveEngine", counted)
    lines: list[str] = []
    callback = watching(say=lines.append)
    resumed = sft_trainer(out, [callback], save_steps=2)
    resumed.train(resume_from_checkpoint=str(out / "checkpoint-4"))
    assert [row["step"] for row in retention_rows(resumed.state.log_history)] == [2, 4, 6]
    assert list(callback.scorecards) == [6]
    assert sorted(callback.folders) == [2, 4, 6]
    assert set(asked) <= {"tuned-step-000006"}


@pytest.mark.engine
def test_one_callback_serves_one_training_after_another(watching: Watching, tmp_path: Path) -> None:
    callback = watching(every=STEPS)
    for name in ("first", "second"):
        sft_trainer(tmp_path / name, [callback], max_steps=1).train()
        assert list(callback.folders) == [1]
        assert read_run(callback.folders[1]).record.checkpoint.name == f"{name}-step-000001"
    twice = sft_trainer(tmp_path / "twice", [callback, watching()], max_steps=1)
    with pytest.raises(RetentionError, match="two of this trainer log as 'retention'; leave one out, or give it pre"):
        twice.train()
    rows: list[dict[str, Any]] = []
    other = watching(prefix="other", every=1)
    sft_trainer(tmp_path / "both", [callback, other, heard(rows)], max_steps=1).train()
    assert [[name for name in row if name.endswith("/gain")] for row in rows][:2] == [
        ["retention/gain"],
        ["other/gain"],
    ]


@pytest.mark.engine
def test_a_base_that_the_model_was_not_made_from_is_refused(suite: str, tmp_path: Path) -> None:
    other = write_llama(tmp_path / "llama")
    words = _nano_with(tmp_path / "words", "tokenizer.json", _two_words_swapped)
    cases = {
        other: "is a LlamaForCausalLM, the model in training a LlavaForConditionalGeneration; name the checkpoint",
        words: "its tokenizer differs from that of words: the base's token",
    }
    for base, message in cases.items():
        callback = rb.RetentionCallback(base, suite, every=1, items=4, out=tmp_path / "runs")
        with pytest.raises(RetentionError, match=message):
            sft_trainer(tmp_path / "out", [callback], max_steps=1).train()


def _nano_with(folder: Path, name: str, change: Callable[[Any], None]) -> Path:
    shutil.copytree(nano_root() / "base", folder)
    content = json.loads((folder / name).read_text(encoding="utf-8"))
    change(content)
    (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


def _two_words_swapped(tokenizer: Any) -> None:
    vocabulary = tokenizer["model"]["vocab"]
    first, second = list(vocabulary)[-2:]
    vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]


@pytest.mark.engine
def test_a_saved_checkpoint_is_evaluated_by_vllm(watching: Watching, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = []
    callback = watching(engine="vllm", every="save")
    trainer = sft_trainer(tmp_path / "tuned", [heard(rows), callback], max_steps=2, save_steps=2)
    trainer.train()
    assert [row["step"] for row in retention_rows(rows)] == [2]
    record = read_run(callback.folders[2]).record
    assert (record.engine.name, record.checkpoint.name) == ("vllm", "tuned-step-000002")


@pytest.mark.engine
def test_a_failed_evaluation_is_said_and_the_training_goes_on(
    watching: Watching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(placement: Any, model: Any) -> Any:
        raise RetentionError("no space left")

    monkeypatch.setattr("harness.training.measuring.LiveEngine", broken)
    lines: list[str] = []
    trainer = sft_trainer(tmp_path / "tuned", [watching(say=lines.append)], learning_rate=1.1e-3, max_steps=2)
    trainer.train()
    assert trainer.state.global_step == 2
    assert "retention, step 2: not evaluated: no space left" in lines
    assert trainer.model.training


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"every": 0}, "every=0: a number from 1 on, or 'save'"),
        ({"every": "epoch"}, "every='epoch': a number from 1 on, or 'save'"),
        ({"every": True}, "every=True"),
        ({"items": 0}, "items=0: a number from 1 on, or None"),
        ({"engine": "openai"}, "engine='openai': 'transformers'"),
        ({"engine": "vllm", "every": 5}, "engine='vllm' evaluates what is saved; give every='save'"),
        ({"stop_if": "retension < 95"}, "no such metric; did you mean retention"),
        ({"stop_if": "retention"}, "not a rule"),
        ({"stop_if": "gain < 5", "target": None}, "a rule is about the gain, which needs target=FAMILY"),
        ({"keep_best": "speed"}, "keep_best='speed': not gain, "),
        ({"keep_best": "gain unless retension < 95"}, "no such metric; did you mean retention"),
        ({"keep_best": "balance", "target": None}, "needs target=FAMILY"),
    ],
)
def test_wrong_arguments_are_found_before_a_training(
    arguments: dict[str, Any], message: str, watching: Watching
) -> None:
    with pytest.raises(RetentionError) as error:
        watching(**arguments)
    assert message in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "same"), [("retention < .95", "retention < 95"), ("retention < 95%", "retention < 95")]
)
def test_a_share_and_per_cent_are_the_same_rule(said: str, same: str, watching: Watching) -> None:
    assert [each.limit for each in watching(stop_if=said).rules] == [0.95]
    assert watching(stop_if=said).rules == watching(stop_if=same).rules


@pytest.mark.engine
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"target": "golf"}, "--target golf: suite part-1 has no such family"),
        ({"dtype": "bfloat16"}, "dtype='bfloat16': the model in training is in float32"),
        ({"stop_if": "retention[fact] < 95"}, "no such task, group or family; did you mean facts"),
        ({"keep_best": "gain unless delta[jigsaw_3x3] < 5"}, "no such task, group or family; did you mean jigsaw_2x2"),
        ({"speed": 3}, "'speed' is neither an argument nor an engine setting"),
    ],
)
def test_what_does_not_fit_the_training_is_found_when_it_begins(
    changed: dict[str, Any], message: str, watching: Watching, tmp_path: Path
) -> None:
    trainer = sft_trainer(tmp_path / "out", [watching(**changed)], max_steps=1)
    with pytest.raises(RetentionError) as error:
        trainer.train()
    assert message in str(error.value)
    assert trainer.state.global_step == 0


@pytest.mark.engine
def test_two_ways_to_keep_the_best_are_one_too_many(watching: Watching, tmp_path: Path) -> None:
    trainer = sft_trainer(tmp_path / "out", [watching(keep_best="gain")], max_steps=1, metric_for_best_model="loss")
    with pytest.raises(RetentionError, match="the trainer keeps its best by loss; leave out metric_for_best_model"):
        trainer.train()


@pytest.mark.parametrize(
    ("processes", "sharded", "message"),
    [
        (2, False, "2 processes train this model, and it evaluates in one; leave it out, and evaluate the saved"),
        (1, True, "holds the model in pieces, which cannot answer; engine='vllm' evaluates"),
    ],
)
def test_a_model_that_is_spread_is_refused_with_the_way_out(processes: int, sharded: bool, message: str) -> None:
    arguments = SimpleNamespace(world_size=processes)
    trainer = SimpleNamespace(args=arguments, is_fsdp_enabled=sharded, is_deepspeed_enabled=False)
    with pytest.raises(RetentionError, match=message):
        refuse_processes(trainer, "transformers")
    refuse_processes(SimpleNamespace(**vars(trainer) | {"args": SimpleNamespace(world_size=1)}), "vllm")
