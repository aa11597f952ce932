"""The manifest's schema: what it accepts, and the field it names when it does not."""

from pathlib import Path
from typing import Any

import pytest

from leaderboard.documents.manifest import AdapterRef, ManifestError, parse_manifest, read_manifest, write_manifest
from tests.support.manifests import HUB, LOCAL, manifest


def changed(path: str, value: Any) -> dict[str, Any]:
    document = manifest()
    *parents, last = path.split(".")
    place: Any = document
    for name in parents:
        place = place[int(name)] if name.isdigit() else place[name]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return document


def test_text_is_typed_by_the_schema() -> None:
    read = parse_manifest(manifest(), "m")
    assert (read.method.learning_rate, read.method.steps, read.method.seeds) == (1e-5, 400, [7])
    assert read.method.kl_coefficient is None
    assert read.base.name == "Qwen/Qwen2.5-VL-7B-Instruct"
    assert read.base.link == f"https://huggingface.co/Qwen/Qwen2.5-VL-7B-Instruct/tree/{'a' * 40}"
    assert (read.tuned_model.name, read.tuned_model.link) == ("nano-base", None)


def test_an_adapter_is_told_from_a_full_checkpoint() -> None:
    read = parse_manifest(changed("tuned", {"adapter": HUB, "adapter_type": "lora"}), "m")
    assert isinstance(read.tuned, AdapterRef)
    assert read.tuned_model.repo == HUB["repo"]


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("extra", "1", "extra: Extra inputs"),
        ("schema", "retentionbench-manifest-2", "schema: manifest version 2 is newer"),
        ("suite.id", "x/../../y", "suite.id"),
        ("suite.version", "1/..", "suite.version"),
        ("schema", "retentionbench-run-1", "schema"),
        ("base.revision", "main", "base.revision: write the 40 hex digits of a commit"),
        ("base.revision", "a" * 40 + "\n", "base.revision"),
        ("base.revision", None, "base: repo needs revision"),
        ("base.local", "x", "base: give either repo with revision, or local"),
        ("tuned", LOCAL | {"local": "Qwen/Qwen2.5-VL-7B-Instruct"}, "tuned: local reads as a repository"),
        ("tuned", LOCAL | {"local": "https://example.org"}, "tuned: local reads as a repository or an address"),
        ("base.repo", "../../etc/passwd", "base.repo"),
        ("base.weights_digest", "B" * 64, "base.weights_digest"),
        ("base.files", {"../up.safetensors": "c" * 64}, "base.files"),
        ("base.files", {"C:\\x": "c" * 64}, "base.files"),
        ("base.files", {}, "base.files"),
        ("tuned", {"adapter": LOCAL}, "tuned.adapter_type: Field required"),
        ("method.family", "magic", "method.family"),
        ("method.steps", "1.0", "method.steps: write a whole number"),
        ("method.steps", "-1", "method.steps"),
        ("method.learning_rate", "nan", "method.learning_rate: write a plain decimal"),
        ("method.learning_rate", "1e999", "method.learning_rate"),
        ("method.summary", "x" * 501, "method.summary"),
        ("method.code", "http://example.org", "method.code: write https://"),
        ("training_data.0.overlap_with_suite", "clean", "training_data.0.overlap_with_suite"),
        ("selection.attempts_evaluated", "0", "selection.attempts_evaluated"),
        ("license", "free for all!", "license"),
        ("contact.handle", "ada@example.org", "contact.handle: write an account name"),
        ("references", ["https://example.org"] * 6, "references"),
        ("consent", "no", "consent: write true or false"),
        ("consent", "false", "document: consent must be true"),
        ("tuned.weights_digest", "x", "tuned.weights_digest: write 64 lower-case hex digits"),
        ("target", None, "target: Field required"),
    ],
)
def test_a_broken_rule_names_its_field(path: str, value: Any, complaint: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(changed(path, value), "m.yaml")
    assert str(caught.value).startswith("m.yaml: ")
    assert complaint in str(caught.value)


def test_written_manifests_read_back_equal(tmp_path: Path) -> None:
    document = changed("method.summary", "yes: 'a' \"b\" # c\\ é 漢")
    document["method"]["replay"] = "no"
    first = parse_manifest(document, "m")
    write_manifest(tmp_path / "manifest.yaml", first)
    assert read_manifest(tmp_path / "manifest.yaml") == first


def test_a_list_is_no_manifest() -> None:
    with pytest.raises(ManifestError, match="not a mapping"):
        parse_manifest(["a"], "m")
