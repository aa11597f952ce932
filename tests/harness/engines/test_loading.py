"""Tensors of real toy models against the model classes of transformers and PEFT, made in the sandbox."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.checkpoints import Checkpoint, CheckpointError, WeightsReport, nano_root, open_checkpoint
from harness.engines import loading
from harness.engines.loading import check_weights, checked
from harness.sandbox import Failure, FailureKind
from tests.support.toys import CONFIGS, change_tensors, write_peft, write_toy

Tensors = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A cache of its own, so that every comparison is made once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    home = tmp_path_factory.mktemp("toys")
    return lambda kind: home / kind if (home / kind).exists() else write_toy(home / kind, kind)


def report_of(folder: Path) -> WeightsReport:
    return check_weights(open_checkpoint(str(folder)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", CONFIGS)
def test_what_transformers_saves_is_whole(kind: str, toys: Callable[[str], Path]) -> None:
    report = report_of(toys(kind))
    assert report.whole, report
    assert report.as_they_are


@pytest.mark.parametrize("name", ["base", "sft"])
def test_the_shipped_checkpoints_are_whole(name: str) -> None:
    assert report_of(nano_root() / name).as_they_are
    assert report_of(nano_root() / name).whole


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN"])
def test_a_configuration_may_state_a_number_without_end(
    number: str, toys: Callable[[str], Path], tmp_path: Path
) -> None:
    """As those of Mamba 2 and of its kin do (`time_step_limit`)."""
    folder = shutil.copytree(toys("llama"), tmp_path / "model")
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(text.replace("{", f'{{"time_step_limit": [0.0, {number}], ', 1))
    assert report_of(folder).whole


def without(part: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {name: each for name, each in tensors.items() if part not in name}


def plus(**more: Any) -> Callable[[Tensors], Tensors]:
    return lambda tensors: tensors | {name.replace("__", "."): each for name, each in more.items()}


FAULTS: list[tuple[Callable[[Tensors], Tensors], str]] = [
    (without("layers.1.mlp.up_proj"), r"1 missing \(model\.layers\.1\.mlp\.up_proj\.weight\)"),
    (without("layers.1."), r"9 missing \(model\.layers\.1\.input_layernorm\.weight, .* and 6 more\)"),
    (without("lm_head"), r"1 missing \(lm_head\.weight\)"),
    (without("model.norm"), r"1 missing \(model\.norm\.weight\)"),
    (plus(model__layers__2__mlp__up_proj__weight=np.ones((64, 64), np.float32)), r"1 unknown to it \(model\.layers\.2"),
    (plus(adapter__weight=np.ones(3, np.float32)), r"1 unknown to it \(adapter\.weight\)"),
    (plus(model__norm__weight=np.ones(3, np.float32)),
     r"1 of another shape \(model\.norm\.weight: \(3\) instead of \(64\)"),
    (lambda tensors: {f"encoder.{name}": each for name, each in tensors.items()}, r"21 missing .*, 21 unknown"),
]  # fmt: skip


def copied(toys: Callable[[str], Path], kind: str, folder: Path) -> Path:
    shutil.copytree(toys(kind), folder)
    return folder


def test_tensors_that_are_missing_unknown_or_of_another_shape_are_refused_by_name(
    toys: Callable[[str], Path], tmp_path: Path
) -> None:
    for number, (change, says) in enumerate(FAULTS):
        folder = change_tensors(copied(toys, "llama", tmp_path / str(number)), change)
        with pytest.raises(CheckpointError, match=says):
            checked(open_checkpoint(str(folder)))


def test_what_old_libraries_wrote_and_new_ones_ignore_passes(toys: Callable[[str], Path], tmp_path: Path) -> None:
    change = plus(model__layers__0__self_attn__rotary_emb__inv_freq=np.ones(16, np.float32))
    report = report_of(change_tensors(copied(toys, "llama", tmp_path / "a"), change))
    assert report.whole
    assert report.as_they_are


def test_two_tensors_for_one_tied_parameter_must_be_equal(toys: Callable[[str], Path], tmp_path: Path) -> None:
    def copy(tensors: Tensors) -> Tensors:
        return tensors | {"lm_head.weight": tensors["model.embed_tokens.weight"].copy()}

    def other(tensors: Tensors) -> Tensors:
        return tensors | {"lm_head.weight": tensors["model.embed_tokens.weight"] + 1}

    def moved(tensors: Tensors) -> Tensors:
        tensors["lm_head.weight"] = tensors.pop("model.embed_tokens.weight")
        return tensors

    assert report_of(change_tensors(copied(toys, "llama-tied", tmp_path / "copy"), copy)).whole
    with pytest.raises(CheckpointError, match=r"lm_head\.weight and model\.embed_tokens\.weight are one tensor"):
        checked(open_checkpoint(str(change_tensors(copied(toys, "llama-tied", tmp_path / "other"), other))))
    only = report_of(change_tensors(copied(toys, "llama-tied", tmp_path / "moved"), moved))
    assert only.renamed == (("lm_head.weight", "model.embed_tokens.weight"),)


def test_the_record_states_what_was_stripped_and_left_out(toys: Callable[[str], Path], tmp_path: Path) -> None:
    change: Callable[[Tensors], Tensors] = lambda tensors: {  # noqa: E731
        f"module.{name}": each for name, each in plus(v_head__weight=np.ones(3, np.float32))(tensors).items()
    }
    opened = open_checkpoint(str(change_tensors(copied(toys, "llama", tmp_path / "a"), change)))
    found = checked(opened)
    assert (found.record.stripped, found.record.left_out) == ("module.", ("module.v_head.weight",))
    assert found.record.weights_digest == opened.record.weights_digest
    assert checked(found) is found


def test_a_configuration_of_another_model_is_refused(toys: Callable[[str], Path], tmp_path: Path) -> None:
    for number, (change, says) in enumerate(
        [
            ({"hidden_size": 48, "head_dim": 16}, "hidden_size is 48, but no tensor has a side of 48"),
            ({"intermediate_size": 48}, "of another shape"),
            ({"num_hidden_layers": 3}, r"9 missing \(model\.layers\.2"),
            ({"num_hidden_layers": 10**7}, "but the weights have 21 tensors"),
            ({"model_type": "no-such-model"}, "cannot be compared"),
            ({"hidden_size": 10**15}, "but the longest side of a tensor is 64"),
            ({"vocab_size": "many"}, "cannot be compared"),
        ]
    ):
        folder = copied(toys, "llama", tmp_path / str(number))
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(CheckpointError, match=says):
            checked(open_checkpoint(str(folder)))


@pytest.mark.parametrize("kind", ["timeout", "memory", "crash", "too large"])
def test_a_model_that_cannot_be_made_within_limits_is_one_line_with_the_way_out(
    toys: Callable[[str], Path], kind: FailureKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def call(self, *_: object) -> Failure:
            return Failure(kind, "no answer within 60 s")

    monkeypatch.setattr(loading, "_VERSION", kind)  # What is cached was found by another.
    monkeypatch.setattr(loading, "_sandbox", lambda count: Full())
    with pytest.raises(CheckpointError) as caught:
        checked(open_checkpoint(str(toys("llama"))))
    assert "cannot be compared with the model of config.json: no answer within 60 s; it takes more" in str(caught.value)
    assert str(caught.value).endswith("restore the configuration that they were trained with")


@pytest.fixture(scope="module")
def llama(toys: Callable[[str], Path]) -> Checkpoint:
    return open_checkpoint(str(toys("llama")))


@pytest.fixture(scope="module")
def adapter(llama: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from peft import LoraConfig

    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"])
    return write_peft(tmp_path_factory.mktemp("adapter") / "adapter", llama.path, config)


def renamed(change: Callable[[str], str]) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {change(name): each for name, each in tensors.items()}


ADAPTER_FAULTS: list[tuple[Callable[[Tensors], Tensors], dict[str, Any], str]] = [
    (without("layers.1.self_attn.v_proj"), {}, r"2 missing \(base_model\.model\.model\.layers\.1\.self_attn\.v_proj"),
    (without("lora_B"), {}, "4 missing"),
    (lambda tensors: tensors, {"target_modules": ["q_proj", "v_proj", "o_proj"]}, r"4 missing \(.*o_proj"),
    (lambda tensors: tensors, {"target_modules": ["q_proj"]}, r"4 unknown to it \(.*v_proj"),
    (lambda tensors: tensors, {"r": 8}, r"8 of another shape \(.*lora_A\.weight: \(4, 64\) instead of \(8, 64\)"),
    (lambda tensors: tensors, {"target_modules": ["query"]}, "Target modules .*query.* not found"),
    (lambda tensors: tensors, {"modules_to_save": ["lm_head"]}, r"1 missing \(base_model\.model\.lm_head\.weight\)"),
    (renamed(lambda name: name.replace("layers.1", "layers.7")), {}, r"4 missing .*layers\.1.* 4 unknown .*layers\.7"),
    (renamed(lambda name: name.replace("model.layers", "transformer.h")), {}, "8 missing .* 8 unknown"),
    (lambda tensors: {name: each[..., :32] for name, each in tensors.items()}, {}, "of another shape"),
]  # fmt: skip


def test_adapters_that_do_not_fit_their_base_are_refused_by_name(
    llama: Checkpoint, adapter: Path, tmp_path: Path
) -> None:
    for number, (change, fields, says) in enumerate(ADAPTER_FAULTS):
        folder = tmp_path / str(number)
        shutil.copytree(adapter, folder)
        change_tensors(folder, change)
        config = json.loads((folder / "adapter_config.json").read_text())
        (folder / "adapter_config.json").write_text(json.dumps(config | fields))
        with pytest.raises(CheckpointError, match=says):
            checked(open_checkpoint(str(folder), llama))


def test_names_that_peft_did_not_write_are_read_as_its_own(llama: Checkpoint, adapter: Path, tmp_path: Path) -> None:
    changes: list[Callable[[str], str]] = [
        lambda name: name.replace(".weight", ".default.weight"),
        lambda name: name.removeprefix("base_model.model."),
        lambda name: f"_orig_mod.{name}",
    ]
    for number, change in enumerate(changes):
        folder = tmp_path / str(number)
        shutil.copytree(adapter, folder)
        found = checked(open_checkpoint(str(change_tensors(folder, renamed(change))), llama))
        assert found.loading is not None
        assert found.loading.whole
        assert found.loading.fit.converted or found.loading.renamed


def test_an_adapter_for_another_shape_of_model_is_refused(
    toys: Callable[[str], Path], adapter: Path, tmp_path: Path
) -> None:
    folder = copied(toys, "llama", tmp_path / "narrow")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"hidden_size": 32, "head_dim": 32}))
    change_tensors(folder, lambda tensors: {name: each[..., :32] for name, each in tensors.items()})
    report = check_weights(open_checkpoint(str(adapter)), open_checkpoint(str(folder)))
    assert len(report.fit.misshapen) == 4


def test_an_adapter_of_a_vision_model_whose_language_half_does_not_match_is_refused(tmp_path: Path) -> None:
    """The old and the new names of the language model are both read; a third is not, and vision alone is not enough."""
    home, base = nano_root() / "lora-replay", open_checkpoint("nano:base")
    for name, change in (
        ("old", lambda each: each.replace("model.language_model.", "language_model.model.")),
        ("bad", lambda each: each.replace("model.language_model.", "model.text_model.")),
    ):
        folder = tmp_path / name
        shutil.copytree(home, folder)
        report = check_weights(open_checkpoint(str(change_tensors(folder, renamed(change))), base))
        assert report.whole == (name == "old")
        assert report.fit.converted


def test_the_same_answer_is_cached_for_another_fine_tune_of_the_same_shape(
    toys: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = change_tensors(
        copied(toys, "llama", tmp_path / "a"), lambda tensors: {k: v + 1 for k, v in tensors.items()}
    )
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"_name_or_path": "elsewhere", "use_cache": False}))
    report_of(toys("llama"))

    def no_sandbox(*_: object) -> Any:
        raise AssertionError("started a sandbox")

    monkeypatch.setattr("harness.sandbox.Sandbox.call", no_sandbox)
    assert report_of(folder).whole
