"""Checkup: what an evaluation would make of one checkpoint, said without running it.

What is used of its folder and what is not, how it is asked, where its answers end, and what would be refused, each with
the way out that the error gives. Reads files alone; no engine starts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.checkpoints import (
    Checkpoint,
    CheckpointError,
    PromptRenderer,
    Prompts,
    conditions_of,
    longest,
    open_checkpoint,
    prompts_for,
    read_header,
    read_json,
    read_processor,
    same_tokenizer,
    template_of,
    tokenizers_agree,
    unused_of,
    vocabulary_size,
)
from harness.errors import RetentionError
from harness.evaluation.doctor import Finding

_SHOWN = 8
# Settings of generation_config.json that would make a model sample, search or forbid tokens.
_SEARCH = ("temperature", "top_p", "top_k", "repetition_penalty", "num_beams", "max_new_tokens", "do_sample")


@dataclass(frozen=True)
class Checkup:
    """All findings; ``accepted`` is False when an evaluation would refuse the checkpoint."""

    findings: tuple[Finding, ...]
    accepted: bool


@dataclass(frozen=True)
class _Subject:
    """The checkpoint, and the base it is evaluated against; its own, where it is looked at by itself."""

    checkpoint: Checkpoint
    base: Checkpoint

    @property
    def root(self) -> Path:
        return (self.base.base or self.base).path

    @property
    def is_pair(self) -> bool:
        return self.base != self.checkpoint


def examine(reference: str, base: str | None = None) -> Checkup:
    """Look at one checkpoint, and at what it would be given beside ``base``."""
    findings: list[Finding] = []
    try:
        opened = open_checkpoint(base) if base is not None else None
        checkpoint = open_checkpoint(reference)
    except RetentionError as error:
        return Checkup((Finding("checkpoint", "refused", str(error)),), False)
    subject = _Subject(checkpoint, opened or checkpoint.base or checkpoint)
    for topic, say in _SECTIONS:
        try:
            findings += say(subject)
        except RetentionError as error:
            findings.append(Finding(topic, "refused", str(error)))
    return Checkup(tuple(findings), all(each.status != "refused" for each in findings))


def _kind(subject: _Subject) -> Iterator[Finding]:
    record = subject.checkpoint.record
    of = f" on {record.base.name}" if record.base else ""
    where = f"hub, {record.revision}" if record.source == "hub" else "local"
    yield Finding("checkpoint", "ok", f"{record.name}, {record.kind}{of}, {record.architecture}, {where}")
    yield Finding("digest", "ok", f"weights {record.weights_digest[:12]}, tokenizer {record.tokenizer_digest[:12]}")


def _files(subject: _Subject) -> Iterator[Finding]:
    used = subject.checkpoint.record.files
    yield Finding("used", "ok", _listed(sorted(used)))
    ignored = sorted({path.name + "/" * path.is_dir() for path in subject.checkpoint.path.iterdir()} - set(used))
    if ignored:
        yield Finding("ignored", "ok", _listed(ignored))


def _weights(subject: _Subject) -> Iterator[Finding]:
    paths = [
        subject.checkpoint.path / name for name in subject.checkpoint.record.files if name.endswith(".safetensors")
    ]
    tensors = [tensor for path in sorted(paths) for tensor in read_header(path)]
    size = sum(each.end - each.start for each in tensors)
    kinds = ", ".join(sorted({each.dtype for each in tensors}))
    shown = f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
    files = "one file" if len(paths) == 1 else f"{len(paths)} files"
    yield Finding("weights", "ok", f"{len(tensors)} tensors of {kinds}, {shown} in {files}")


def _quantisation(subject: _Subject) -> Iterator[Finding]:
    for checkpoint in (subject.checkpoint, *([subject.base] if subject.is_pair else [])):
        stated = _json(checkpoint.path, "config.json").get("quantization_config")
        if isinstance(stated, dict):
            yield Finding("quantised", "ok", f"{checkpoint.record.name}: {stated.get('quant_method', 'unnamed')}")


def _adapter(subject: _Subject) -> Iterator[Finding]:
    if subject.checkpoint.base is None:
        return
    config = _json(subject.checkpoint.path, "adapter_config.json")
    targets = config.get("target_modules")
    modules = _listed(sorted(map(str, targets))) if isinstance(targets, list) else str(targets)
    fact = f"{config.get('peft_type')} of rank {config.get('r')}, alpha {config.get('lora_alpha')}, on {modules}"
    yield Finding("adapter", "ok", fact)
    yield Finding("claim", "ok", f"its configuration names the base {config.get('base_model_name_or_path')}")
    if subject.checkpoint.base.record.weights_digest != subject.base.record.weights_digest:
        names = subject.checkpoint.base.record.name
        raise CheckpointError(
            f"{subject.checkpoint.record.name}: its adapter_config.json names base {names}, not "
            f"{subject.base.record.name}; evaluate it against its own base"
        )


def _tokenizer(subject: _Subject) -> Iterator[Finding]:
    renderer = PromptRenderer(subject.root, "plain")
    bos = "puts a BOS before a text" if renderer.bos_count(renderer.render("a")) else "puts no BOS before a text"
    yield Finding("tokenizer", "ok", f"{vocabulary_size(subject.root) or 'unknown'} rows in its embedding, {bos}")
    if subject.is_pair:
        same_tokenizer(subject.base, subject.checkpoint)
        same = tokenizers_agree(subject.base, subject.checkpoint)
        fact = (
            "the base's, token for token" if same else "another file than the base's; compared on the suite's prompts"
        )
        yield Finding("tokenizer", "ok", fact)


def _prompts(subject: _Subject) -> Iterator[Finding]:
    if template_of(subject.root) is None:
        yield Finding("template", "warning", "none: it can be asked in suites of policy plain alone")
        return
    renderer = _asked(subject).shared
    prompt = renderer.render("?")
    yield Finding("template", "ok", f"{renderer.template_digest[:12]}; a question becomes {prompt.text!r}")
    count = renderer.bos_count(prompt)
    if renderer.lacks_bos:
        yield Finding("template", "warning", "it begins with no BOS, which the tokenizer puts before every other text")
    elif count > 1:
        yield Finding("template", "warning", f"it begins with {count} BOS tokens")
    if not renderer.is_content_blind():
        yield Finding("template", "warning", "what stands around a question depends on the question")


def _ends(subject: _Subject) -> Iterator[Finding]:
    tuned = (subject.checkpoint,) if subject.is_pair else ()
    prompts = _asked(subject)
    conditions = conditions_of(subject.base, tuned=tuned, prompts=prompts)
    ends, known = conditions.record.stop_token_ids, prompts.shared.vocabulary
    if ends:
        yield Finding("ends", "ok", _listed([f"{each} {known.text_of(each) or '(its own)'}" for each in ends]))
    else:
        yield Finding("ends", "warning", "no file says which token ends an answer: each runs to its budget")
    for note in conditions.pair_notes:
        yield Finding("pair", "warning", note)
    for note in unused_of(subject.base, subject.checkpoint, conditions, prompts) if subject.is_pair else ():
        yield Finding("unused", "warning", note)


def _limits(subject: _Subject) -> Iterator[Finding]:
    folders = dict.fromkeys(
        (subject.root, subject.checkpoint.path if subject.checkpoint.base is None else subject.root)
    )
    counts = [longest(folder) for folder in folders]
    stated = min((each for each in counts if each is not None), default=None)
    fact = (
        "any number, by its configuration" if stated is None else f"{stated}, which prompt and answer have to fit into"
    )
    yield Finding("positions", "ok", fact)


def _images(subject: _Subject) -> Iterator[Finding]:
    found = read_processor(subject.root)
    if found is None:
        yield Finding("images", "ok", "none: no image processor")
        return
    budget = found.pixels
    pixels = f", {budget.fewest or 0} to {budget.most or 'any'} pixels" if budget else ""
    yield Finding("images", "ok", f"{found.kind} {found.digest[:12]}{pixels}")


def _generation(subject: _Subject) -> Iterator[Finding]:
    stated = _json(subject.checkpoint.path, "generation_config.json")
    if named := [f"{name} {stated[name]}" for name in _SEARCH if stated.get(name) not in (None, False)]:
        yield Finding("decoding", "ok", f"suites decode greedily; not used: {', '.join(named)}")


def _asked(subject: _Subject) -> Prompts:
    tuned = (subject.checkpoint,) if subject.is_pair else ()
    return prompts_for(subject.base, tuned, "plain" if template_of(subject.root) is None else "chat")


def _json(folder: Path, name: str) -> dict[str, Any]:
    return read_json(folder / name) if (folder / name).is_file() else {}


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


# Each section, and what its refusal is called.
_SECTIONS: tuple[tuple[str, Callable[[_Subject], Iterator[Finding]]], ...] = (
    ("checkpoint", _kind),
    ("files", _files),
    ("weights", _weights),
    ("quantised", _quantisation),
    ("adapter", _adapter),
    ("tokenizer", _tokenizer),
    ("template", _prompts),
    ("ends", _ends),
    ("positions", _limits),
    ("images", _images),
    ("decoding", _generation),
)
