"""In whose words a pair is asked: decided in the plan, stated in the run's record, held against at pairing."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken

from harness.checkpoints.checkpoint import CheckpointError
from harness.checkpoints.prompt_policy import PromptSettings
from harness.engines import placement, starting
from harness.errors import CheckFailedError
from harness.evaluation.plan import Plan, make_plan
from harness.evaluation.run import run_plan
from harness.records.run import Run, read_run
from harness.scoring import score_pair
from tests.support.bpe import as_of_old, change_tokenizer, small_bpe, write_bpe_checkpoint
from tests.support.evaluating import SETTINGS, Silent
from tests.support.fakes import RECORD, TEMPLATE, FakeEngine, part_of_nano

THINKING = TEMPLATE + "{% if enable_thinking is defined and not enable_thinking %}<no>{% endif %}"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[FakeEngine]:
    found: list[FakeEngine] = []

    def start(*_: Any) -> FakeEngine:
        found.append(FakeEngine("The answer is 3."))
        return found[-1]

    monkeypatch.setattr(starting, "start", start)
    monkeypatch.setattr(placement, "describe", lambda *_: RECORD)
    return found


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return part_of_nano(tmp_path_factory.mktemp("suite"), "math_arithmetic")


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    return [write_bpe_checkpoint(tmp_path / name, seed=seed) for seed, name in enumerate(("base", "tuned"))]


def planned(folders: list[Path], suite: Path, **asked: Any) -> Plan:
    names = [str(folder) for folder in folders]
    out = folders[0].parent / "runs"
    return make_plan(names[0], names[1:], str(suite), "math", SETTINGS, out, asked=PromptSettings(**asked))


def ran(plan: Plan) -> list[Run]:
    return [read_run(folder) for folder in run_plan(plan, Silent())]


def kinds(runs: list[Run]) -> set[str]:
    return {alarm.kind for alarm in score_pair(runs[0], runs[1], "math").alarms}


def test_by_default_the_base_asks_and_the_record_says_what_served(
    folders: list[Path], suite: Path, started: list[FakeEngine]
) -> None:
    (folders[1] / "chat_template.jinja").write_text("{{ messages[0].content }} assistant: ")
    change_tokenizer(folders[1], as_of_old)
    base, tuned = ran(planned(folders, suite))
    assert base.record.prompts is not None
    assert tuned.record.prompts == base.record.prompts
    assert not tuned.record.has_custom_prompts
    assert tuned.record.tokenizer_digest == base.record.checkpoint.tokenizer_digest
    assert tuned.record.checkpoint.tokenizer_digest != base.record.checkpoint.tokenizer_digest
    card = score_pair(base, tuned, "math")
    assert "another chat template" in card.provenance.notes[0]
    assert not {"no_bos", "prompts_chosen"} & kinds([base, tuned])


def test_a_template_that_asks_in_the_same_words_is_no_other_template(folders: list[Path], suite: Path) -> None:
    source = (folders[1] / "chat_template.jinja").read_text()
    (folders[1] / "chat_template.jinja").write_text("{# saved again #}" + source.replace("{{ ", "{{"))
    plan = planned(folders, suite)
    assert plan.notes_on(plan.tuned[0]) == ()


def test_both_can_be_asked_in_the_tuned_models_template(
    folders: list[Path], suite: Path, started: list[FakeEngine]
) -> None:
    (folders[1] / "chat_template.jinja").write_text("Q: {{ messages[0].content }} A:")
    default, own = planned(folders, suite), planned(folders, suite, template="tuned")
    assert default.folder(default.base) != own.folder(own.base)
    runs = ran(own)
    for run in runs:
        assert run.record.prompts is not None
        assert (run.record.prompts.template_origin, run.record.prompts.custom) == ("tuned", True)
        assert run.record.template_digest == own.prompts.shared.template_digest
    assert "prompts_chosen" in kinds(runs)
    assert own.prompts.shared.render("1 + 1?").text == "Q: 1 + 1? A:"
    with pytest.raises(CheckFailedError, match="chat template differs"):
        score_pair(ran(default)[0], runs[1], "math")


def test_a_file_with_the_bases_template_is_the_bases_template(folders: list[Path], suite: Path, tmp_path: Path) -> None:
    file = tmp_path / "template.jinja"
    shutil.copy(folders[0] / "chat_template.jinja", file)
    assert planned(folders, suite, template=str(file)).prompts.are_the_suites
    file.write_text("{{ messages[0].content }}!")
    assert planned(folders, suite, template=str(file)).prompts.origin == "file"
    with pytest.raises(CheckpointError, match="nothing: cannot be read as a chat template"):
        planned(folders, suite, template=str(tmp_path / "nothing"))


def test_arguments_are_recorded_and_never_compared_with_a_run_without_them(
    folders: list[Path], suite: Path, started: list[FakeEngine]
) -> None:
    for folder in folders:
        (folder / "chat_template.jinja").write_text(THINKING)
    without, told = ran(planned(folders, suite)), ran(planned(folders, suite, arguments={"enable_thinking": False}))
    assert told[1].record.prompts is not None
    assert told[1].record.prompts.template_arguments == {"enable_thinking": False}
    assert "prompts_chosen" in kinds(told)
    with pytest.raises(CheckFailedError, match="chat template differs"):
        score_pair(without[0], told[1], "math")
    with pytest.raises(CheckpointError, match=r"--template-arg enable_thinkin: .* it reads enable_thinking"):
        planned(folders, suite, arguments={"enable_thinkin": False})


def test_a_base_without_a_template_needs_plain_prompts_or_a_template(
    folders: list[Path], suite: Path, started: list[FakeEngine]
) -> None:
    (folders[0] / "chat_template.jinja").unlink()
    with pytest.raises(CheckpointError, match=r"no chat template; use a suite with `prompt: plain` .*--chat-template"):
        planned(folders, suite)
    plain = ran(planned(folders, suite, policy="plain"))
    assert {run.record.suite.protocol for run in plain} == {"plain-greedy"}
    assert plain[1].record.has_custom_prompts
    assert planned(folders, suite, template="tuned").prompts.origin == "tuned"
    with pytest.raises(CheckpointError, match="prompts of policy plain take no such template"):
        planned(folders, suite, policy="plain", template="tuned")


def test_an_alarm_of_plain_prompts_names_no_template(
    folders: list[Path], suite: Path, started: list[FakeEngine]
) -> None:
    base, tuned = ran(planned(folders, suite, policy="plain"))
    (found,) = [alarm.message for alarm in score_pair(base, tuned, "math").alarms if alarm.kind == "prompts_chosen"]
    assert found.startswith("prompts of one's own: plain-greedy, no chat template; not comparable")


def test_native_asks_each_in_its_own_template_and_tokens(
    folders: list[Path], suite: Path, started: list[FakeEngine], tmp_path: Path
) -> None:
    tokenizer = small_bpe()
    tokenizer.add_tokens([AddedToken("<|user|>", normalized=False)])
    size = tokenizer.token_to_id("<|user|>")
    folders[1] = write_bpe_checkpoint(tmp_path / "own", tokenizer, seed=2)
    (folders[1] / "chat_template.jinja").write_text("<|user|>{{ messages[0].content }}")
    plan = planned(folders, suite, policy="native")
    own = plan.prompts.of(plan.tuned[0])
    assert own.render("a").token_ids[0] == size
    assert plan.prompts.of(plan.base).render("a").text.startswith("<|im_start|>")
    runs = ran(plan)
    assert {run.record.template_policy for run in runs} == {"native"}
    assert runs[0].record.template_digest != runs[1].record.template_digest
    assert runs[1].record.has_own_template
    assert "template_differs" in kinds(runs)


def test_different_templates_of_several_fine_tunes_are_not_mixed(folders: list[Path], suite: Path) -> None:
    other = write_bpe_checkpoint(folders[0].parent / "other", seed=3)
    (other / "chat_template.jinja").write_text("{{ messages[0].content }}!")
    with pytest.raises(CheckpointError, match="tuned and other have different chat templates"):
        planned([*folders, other], suite, template="tuned")


def test_a_template_without_the_tokenizers_bos_is_named(
    folders: list[Path], suite: Path, started: list[FakeEngine]
) -> None:
    config = {"bos_token": "<|im_start|>", "add_bos_token": True}
    for folder in folders:
        (folder / "tokenizer_config.json").write_text(json.dumps(config))
        (folder / "chat_template.jinja").write_text("Q: {{ messages[0].content }} A:")
    runs = ran(planned(folders, suite))
    assert {run.record.bos_count for run in runs} == {0}
    assert "no_bos" in kinds(runs)
    plain = ran(planned(folders, suite, policy="plain"))
    assert {run.record.bos_count for run in plain} == {1}
    assert "no_bos" not in kinds(plain)


def test_a_tokenizer_that_reads_a_prompt_otherwise_stops_the_run_before_any_engine(
    folders: list[Path], suite: Path, started: list[FakeEngine]
) -> None:
    def rewriting(what: str) -> Any:
        normalizer = {"type": "Replace", "pattern": {"String": what}, "content": ""}
        return lambda content: content.update(normalizer=normalizer)

    change_tokenizer(folders[1], rewriting("words that no item has"))
    assert len(ran(planned(folders, suite))) == 2
    started.clear()
    change_tokenizer(folders[1], rewriting("Subtract"))
    plan = planned(folders, suite)
    with pytest.raises(CheckpointError, match=r"its tokenizer differs from that of base in prompt \d+"):
        run_plan(plan, Silent())
    assert started == []
