"""Names and shapes against a model that is given by its parameters alone: what is stripped, left out and refused."""

from collections.abc import Callable, Mapping

import pytest

from harness.checkpoints.parameters import (
    Fit,
    WeightsReport,
    compare_tensors,
    refuse_misfit,
    tied_tensors,
)
from harness.checkpoints.scan import CheckpointError

MODEL = {
    "model.embed.weight": (8, 4),
    "model.layers.0.q.weight": (4, 4),
    "model.layers.1.q.weight": (4, 4),
    "head.weight": (8, 4),
}


def fits(shapes: Mapping[str, tuple[int, ...]]) -> Fit:
    """As a library would say it of ``MODEL``."""
    return Fit(
        missing=tuple(sorted(MODEL.keys() - shapes.keys())),
        unexpected=tuple(sorted(shapes.keys() - MODEL.keys())),
        misshapen=tuple(sorted(name for name in MODEL.keys() & shapes.keys() if MODEL[name] != shapes[name])),
    )


def renamed(change: Callable[[str], str]) -> dict[str, tuple[int, ...]]:
    return {change(name): shape for name, shape in MODEL.items()}


@pytest.mark.parametrize(
    ("change", "stripped"),
    [
        (lambda name: name, None),
        (lambda name: f"_orig_mod.{name}", "_orig_mod."),
        (lambda name: f"module.{name}", "module."),
        (lambda name: f"base_model.model.{name}", "base_model.model."),
        (lambda name: f"_forward_module.{name}", "_forward_module."),
        (lambda name: f"pretrained_model.{name}", "pretrained_model."),
        (lambda name: f"model.{name}", "model."),
        (lambda name: f"_forward_module._orig_mod.{name}", "_forward_module. _orig_mod."),
        (lambda name: f"module.module.{name}", "module."),
        (lambda name: f"module._orig_mod.base_model.model.{name}", "_orig_mod. module. base_model.model."),
        (lambda name: name.replace(".q.", "._fsdp_wrapped_module._checkpoint_wrapped_module.q."),
         "_fsdp_wrapped_module. _checkpoint_wrapped_module."),
        (lambda name: name.replace("layers.1.", "layers.1._orig_mod."), "_orig_mod."),
        (lambda name: name.replace("model.layers", "model.module.layers"), "module."),
    ],
)  # fmt: skip
def test_what_wrappers_put_into_names_is_taken_out(change: Callable[[str], str], stripped: str | None) -> None:
    report = compare_tensors(renamed(change), fits, adapter=False)
    assert report.whole
    assert report.stripped == stripped
    assert dict(report.renamed) == {change(name): name for name in MODEL if change(name) != name}
    refuse_misfit("model", report, adapter=False)


def test_what_does_not_fit_without_a_prefix_either_is_reported_under_the_nearest_names() -> None:
    shapes = renamed(lambda name: f"module.{name}")
    del shapes["module.head.weight"]
    report = compare_tensors(shapes, fits, adapter=False)
    assert not report.whole
    with pytest.raises(CheckpointError, match=r"the model of config\.json: 1 missing \(head\.weight\); save"):
        refuse_misfit("model", report, adapter=False)


def test_names_that_become_one_are_not_stripped() -> None:
    report = compare_tensors({**MODEL, "module.head.weight": (8, 4)}, fits, adapter=False)
    assert report.fit.unexpected == ("module.head.weight",)


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod."])
def test_heads_of_another_purpose_are_left_out(prefix: str) -> None:
    heads = {"v_head.summary.weight": (1, 4), "v_head.summary.bias": (1,), "score.weight": (1, 4)}
    shapes = {f"{prefix}{name}": shape for name, shape in {**MODEL, **heads}.items()}
    report = compare_tensors(shapes, fits, adapter=False)
    assert report.whole
    assert sorted(report.left_out) == sorted(f"{prefix}{name}" for name in heads)
    assert "not loaded: " in report.summary()


def test_a_head_does_not_excuse_another_tensor() -> None:
    shapes = {**MODEL, "v_head.summary.weight": (1, 4), "extra.weight": (1,)}
    report = compare_tensors(shapes, fits, adapter=False)
    assert report.fit.unexpected == ("extra.weight",)
    assert not report.whole


@pytest.mark.parametrize(
    ("shapes", "says"),
    [
        ({name: each for name, each in MODEL.items() if "layers.1" not in name}, r"1 missing \(model\.layers\.1\.q"),
        ({**MODEL, "model.layers.2.q.weight": (4, 4)}, r"1 unknown to it \(model\.layers\.2"),
        ({**MODEL, "head.weight": (9, 4)}, r"1 of another shape \(head\.weight"),
        ({**MODEL, "model.layers.0.q.lora_A.weight": (2, 4)}, r"merge its adapter \(model\.merge_and_unload"),
    ],
)
def test_a_misfit_is_refused_by_name(shapes: dict[str, tuple[int, ...]], says: str) -> None:
    with pytest.raises(
        CheckpointError, match=rf"a/model: its tensors are not those of the model of config\.json: .*{says}"
    ):
        refuse_misfit("a/model", compare_tensors(shapes, fits, adapter=False), adapter=False)


ADAPTER = ("base_model.model.model.layers.0.q.lora_A.weight", "base_model.model.model.layers.0.q.lora_B.weight")


@pytest.mark.parametrize(
    "change",
    [
        lambda name: name,
        lambda name: name.replace("lora_A.", "lora_A.default.").replace("lora_B.", "lora_B.default."),
        lambda name: name.removeprefix("base_model.model."),
        lambda name: f"module.{name}",
        lambda name: name.replace("layers.0.", "layers.0._orig_mod."),
        lambda name: f"_orig_mod.{name}".replace(".weight", ".default.weight"),
    ],
)
def test_names_of_an_adapters_tensors_are_read_as_peft_writes_them(change: Callable[[str], str]) -> None:
    def peft(shapes: Mapping[str, tuple[int, ...]]) -> Fit:
        return Fit(unexpected=tuple(sorted(shapes.keys() - set(ADAPTER))), missing=tuple(set(ADAPTER) - shapes.keys()))

    report = compare_tensors({change(name): (4, 4) for name in ADAPTER}, peft, adapter=True)
    assert report.whole
    assert dict(report.renamed) == {change(name): name for name in ADAPTER if change(name) != name}


def test_one_tensor_in_two_places_is_found_under_the_names_of_the_file() -> None:
    report = WeightsReport(Fit(tied=(("lm_head.weight", "model.language_model.embed_tokens.weight"),)))
    names = ["language_model.model.embed_tokens.weight", "language_model.lm_head.weight"]
    source = "model.language_model.embed_tokens.weight"
    assert list(tied_tensors(report, names)) == [(names[1], names[0], source)]
    assert list(tied_tensors(report, names[:1])) == []
    assert list(tied_tensors(report, names[1:])) == [(names[1], None, source)]


def test_contradicting_tensors_are_refused() -> None:
    report = WeightsReport(Fit(), contradictions=(("lm_head.weight", "model.embed_tokens.weight"),))
    with pytest.raises(
        CheckpointError, match=r"lm_head\.weight and model\.embed_tokens\.weight are one tensor.*to false"
    ):
        refuse_misfit("model", report, adapter=False)
