"""What a checkpoint's answers read is decided by its base's tokenizer, and by no file of its own."""

from pathlib import Path
from typing import Any

from tokenizers import AddedToken
from transformers import AutoTokenizer

from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.conditions import conditions_of
from harness.engines import placement
from harness.engines.placement import place
from harness.engines.settings import EngineSettings
from harness.engines.tokenizer import tokenizer_folder
from tests.support.bpe import as_of_old, change_tokenizer, small_bpe, write_bpe_checkpoint
from tests.support.fakes import RECORD, write_adapter


def lying(content: dict[str, Any]) -> None:
    replaced = {"type": "Replace", "pattern": {"String": "Lyon"}, "content": "Paris"}
    content["decoder"] = {"type": "Sequence", "decoders": [content["decoder"], replaced]}


def test_the_bases_tokenizer_reads_every_answer(tmp_path: Path) -> None:
    base = open_checkpoint(str(write_bpe_checkpoint(tmp_path / "base")))
    tuned = open_checkpoint(str(change_tokenizer(write_bpe_checkpoint(tmp_path / "tuned", seed=1), lying)))
    conditions = conditions_of(base, 100)
    assert tokenizer_folder(conditions, tuned) == tokenizer_folder(conditions, base) == base.staged


def test_tokens_that_a_fine_tune_added_read_as_it_named_them(tmp_path: Path) -> None:
    tokenizer = small_bpe()
    size = tokenizer.get_vocab_size()
    tokenizer.add_special_tokens(["<pad>"])
    tokenizer.add_tokens([AddedToken("<think>", normalized=False)])
    base = open_checkpoint(str(write_bpe_checkpoint(tmp_path / "base")))
    tuned = open_checkpoint(str(change_tokenizer(write_bpe_checkpoint(tmp_path / "tuned", tokenizer), lying)))
    served = AutoTokenizer.from_pretrained(tokenizer_folder(conditions_of(base, 100), tuned))
    ids = [size + 1, *small_bpe().encode("It is Lyon").ids, size]
    assert AutoTokenizer.from_pretrained(tuned.path).decode(ids, skip_special_tokens=True) == "<think>It is Paris"
    assert served.decode(ids, skip_special_tokens=True) == "<think>It is Lyon"
    assert served.decode(ids) == "<think>It is Lyon<pad>"


def test_an_adapter_that_added_tokens_has_an_engine_of_its_own(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(placement, "describe", lambda *_: RECORD.model_copy(update={"adapter": "merged"}))
    base = write_bpe_checkpoint(tmp_path / "base")
    folders = [write_adapter(tmp_path / name, base, ["layer"], seed=n) for n, name in enumerate(("a", "b", "c"))]
    small_bpe().save(str(folders[1] / "tokenizer.json"))
    change_tokenizer(folders[1], as_of_old)
    tokenizer = small_bpe()
    tokenizer.add_tokens(["<think>"])
    tokenizer.save(str(folders[2] / "tokenizer.json"))
    checkpoints = [open_checkpoint(str(folder)) for folder in (base, *folders)]
    placed = place(EngineSettings(name="vllm", dtype="float32"), checkpoints)
    names = [[member.checkpoint.record.name for member in each.members] for each in placed]
    assert names == [["base", "a", "b"], ["c"]]
