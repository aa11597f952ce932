"""`retention doctor CHECKPOINT`: what an evaluation would make of a folder, without an engine."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.engines import starting
from harness.evaluation.checkup import Checkup, examine
from leaderboard.cli import cli
from tests.support.fakes import write_adapter, write_checkpoint
from tests.support.toys import change_tensors


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "start", lambda *_: pytest.fail("an engine was started"))


def said(found: Checkup, topic: str) -> list[tuple[str, str]]:
    return [(each.status, each.fact) for each in found.findings if each.topic == topic]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["doctor", *arguments])


def test_a_good_pair_is_described(tmp_path: Path) -> None:
    base, tuned = write_checkpoint(tmp_path / "base"), write_checkpoint(tmp_path / "tuned", seed=1)
    (tuned / "README.md").write_text("notes")
    (tuned / "generation_config.json").write_text(json.dumps({"eos_token_id": [1, 2], "temperature": 0.6}))
    config = json.loads((tuned / "config.json").read_text()) | {"max_position_embeddings": 300}
    (tuned / "config.json").write_text(json.dumps(config))
    found = examine(str(tuned), str(base))
    assert found.accepted
    assert said(found, "checkpoint")[0][1].startswith("tuned, full, LlamaForCausalLM")
    assert "model.safetensors" in said(found, "used")[0][1]
    assert said(found, "tokenizer")[1] == ("ok", "the base's, token for token")
    assert said(found, "ends") == [("ok", "1 <|im_end|>, 2 <image>")]
    assert [fact for _, fact in said(found, "pair")] == [
        "the tuned checkpoint ends its answers with token 2 (<image>), which ends the base's answers too",
        "the tuned checkpoint has 300 positions, the base 8192; both answered within 300",
    ]
    assert said(found, "positions") == [("ok", "300, which prompt and answer have to fit into")]
    assert said(found, "decoding") == [("ok", "suites decode greedily; not used: temperature 0.6")]
    assert "'<|im_start|>user ?<|im_end|><|im_start|>assistant '" in said(found, "template")[0][1]


def test_an_adapter_says_what_it_claims(tmp_path: Path) -> None:
    base = write_checkpoint(tmp_path / "base")
    found = examine(str(write_adapter(tmp_path / "adapter", base, ["layer"])), str(base))
    assert found.accepted
    assert said(found, "checkpoint")[0][1].startswith("adapter, adapter on base, LlamaForCausalLM")
    assert said(found, "adapter")[0][1].startswith("LORA of rank 4, alpha 4, on ")
    assert said(found, "claim") == [("ok", f"its configuration names the base {base}")]


def test_an_adapter_is_looked_at_on_the_base_that_is_given(tmp_path: Path) -> None:
    base, same = write_checkpoint(tmp_path / "base"), write_checkpoint(tmp_path / "same")
    (same / "generation_config.json").write_text(json.dumps({"eos_token_id": 1}))
    adapter = write_adapter(tmp_path / "adapter", base, ["layer"])
    path = adapter / "adapter_config.json"
    config = json.loads(path.read_text())
    for claim in (None, "unsloth/base-bnb-4bit", "/nowhere/base", str(same)):
        path.write_text(json.dumps(config | {"base_model_name_or_path": claim}))
        found = examine(str(adapter), str(base))
        assert found.accepted, found
        assert said(found, "claim") == [("ok", f"its configuration names the base {claim}")]


def test_weights_are_compared_with_their_model(tmp_path: Path) -> None:
    base, tuned = write_checkpoint(tmp_path / "base"), write_checkpoint(tmp_path / "tuned", seed=1)
    assert said(examine(str(tuned), str(base)), "weights")[1] == ("ok", "every tensor has its place in the model")
    change_tensors(tuned, lambda tensors: {f"_orig_mod.{name}": each for name, each in tensors.items()})
    assert "_orig_mod. is taken out of the names" in said(examine(str(tuned), str(base)), "weights")[1][1]
    change_tensors(tuned, lambda tensors: {name: each for name, each in tensors.items() if "up_proj" not in name})
    found = examine(str(tuned), str(base))
    assert not found.accepted
    (status, fact) = said(found, "weights")[1]
    assert status == "refused"
    assert "1 missing (model.layers.0.mlp.up_proj.weight)" in fact


def test_a_base_without_template_and_end_is_warned_of(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "base")
    (folder / "chat_template.jinja").unlink()
    (folder / "tokenizer_config.json").write_text("{}")
    config = json.loads((folder / "config.json").read_text())
    del config["eos_token_id"]
    (folder / "config.json").write_text(json.dumps(config))
    found = examine(str(folder))
    assert found.accepted
    assert said(found, "template") == [("warning", "none: it can be asked in suites of policy plain alone")]
    assert said(found, "ends")[0][0] == "warning"


def test_what_would_be_refused_exits_with_1_and_says_all_of_it(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "bad")
    (folder / "chat_template.jinja").write_text("{% endfor %}")
    result = run(str(folder))
    assert result.exit_code == 1
    assert "XX  template" in result.output
    assert "its chat template cannot be read" in result.output
    assert "ok  weights" in result.output
    assert "an evaluation would refuse it (template" in result.output
    missing = run(str(tmp_path / "nowhere"))
    assert missing.exit_code == 1
    assert "no such folder" in missing.output


def test_the_findings_are_one_json_document(tmp_path: Path) -> None:
    result = run(str(write_checkpoint(tmp_path / "base")), "--json")
    document = json.loads(result.stdout)
    assert document["accepted"] is True
    assert {"checkpoint", "used", "weights", "tokenizer", "template", "ends", "positions", "images"} <= {
        each["topic"] for each in document["findings"]
    }


def test_a_base_needs_a_checkpoint() -> None:
    result = run("--base", "nano:base")
    assert result.exit_code == 2
    assert "names the base of a CHECKPOINT, which is missing" in result.output
