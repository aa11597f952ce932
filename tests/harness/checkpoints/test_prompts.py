import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, processors

from harness.checkpoints.checkpoint import CheckpointError, nano_root
from harness.checkpoints.prompts import PromptRenderer
from harness.items import canonical_json
from tests.support.fakes import write_checkpoint


def test_a_question_becomes_one_user_turn_with_images_first(tmp_path: Path) -> None:
    renderer = PromptRenderer(write_checkpoint(tmp_path / "m"))
    assert renderer.render("a b").text == "<|im_start|>user a b<|im_end|><|im_start|>assistant "
    with_image = renderer.render("a b", (b"png",))
    assert with_image.text == "<|im_start|>user <image>a b<|im_end|><|im_start|>assistant "
    assert with_image.token_ids.count(2) == 1


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("a <image> b <image>", "a <image> b <image>"),
        ("<image><image>a", "<image><image>a"),
        ("a b", "<image><image>a b"),
        # As many marks as images, or they are words.
        ("a <image> b", "<image><image>a <image> b"),
    ],
)
def test_images_stand_where_the_question_marks_them(tmp_path: Path, question: str, expected: str) -> None:
    renderer = PromptRenderer(write_checkpoint(tmp_path / "m"))
    assert renderer.render(question, (b"1", b"2")).text.split("user ")[1].startswith(f"{expected}<|im_end|>")


def test_the_digest_sees_tokens_and_images_alone(tmp_path: Path) -> None:
    renderer = PromptRenderer(write_checkpoint(tmp_path / "m"))
    digests = [
        renderer.render("a").digest,
        renderer.render("b").digest,
        renderer.render("a", (b"1",)).digest,
        renderer.render("a", (b"2",)).digest,
    ]
    assert len(set(digests)) == 4
    assert renderer.render("a").digest == digests[0]


def test_bos_is_counted_not_assumed(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m")
    assert PromptRenderer(folder).bos_count(PromptRenderer(folder).render("a")) == 1
    (folder / "chat_template.jinja").write_text("{{ bos_token }}{{ bos_token }}{{ messages[0].content }}")
    assert PromptRenderer(folder).bos_count(PromptRenderer(folder).render("a")) == 2


def with_bos(folder: Path, **config: object) -> Path:
    """A checkpoint whose tokenizer puts ``a`` before every text, as Llama's and Gemma's put their BOS."""
    write_checkpoint(folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.post_processor = processors.TemplateProcessing(single="a $A <|im_end|>", special_tokens=[
        ("a", tokenizer.token_to_id("a")), ("<|im_end|>", tokenizer.token_to_id("<|im_end|>"))])  # fmt: skip
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": "a", **config}))
    return folder


def test_a_chat_prompt_has_the_bos_of_its_template_and_no_other(tmp_path: Path) -> None:
    """As ``apply_chat_template`` of transformers and the chat endpoint of vLLM; what is missing is named."""
    folder = with_bos(tmp_path / "m")
    without = PromptRenderer(folder)
    assert (without.bos_count(without.render("b")), without.lacks_bos) == (0, True)
    from transformers import PreTrainedTokenizerFast

    theirs = PreTrainedTokenizerFast.from_pretrained(folder)
    chat = [{"role": "user", "content": "b"}]
    ids = theirs.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)
    assert list(without.render("b").token_ids) == ids
    source = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").write_text("{{ bos_token }} " + source)
    having = PromptRenderer(folder)
    assert (having.bos_count(having.render("b")), having.lacks_bos) == (1, False)


def test_a_plain_prompt_has_the_bos_that_the_tokenizer_adds_once_and_no_eos(tmp_path: Path) -> None:
    renderer = PromptRenderer(with_bos(tmp_path / "m"), "plain")
    prompt = renderer.render("b b")
    assert prompt.token_ids == (4, 5, 5)
    assert (renderer.bos_count(prompt), renderer.lacks_bos) == (1, False)
    assert renderer.continuations(prompt, [" a"]) == ((4,),)


@pytest.mark.parametrize("file", ["tokenizer_config.json", "special_tokens_map.json"])
def test_add_bos_token_counts_where_the_post_processor_is_silent(tmp_path: Path, file: str) -> None:
    folder = write_checkpoint(tmp_path / "m")
    (folder / "tokenizer_config.json").write_text(json.dumps({"add_bos_token": True}))
    beside = json.loads((folder / file).read_text()) if (folder / file).is_file() else {}
    (folder / file).write_text(json.dumps({**beside, "bos_token": "a"}))
    assert PromptRenderer(folder).lacks_bos
    assert PromptRenderer(folder, "plain").render("b").token_ids == (4, 5)


def test_a_tokenizer_without_bos_lacks_none(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m")
    assert not PromptRenderer(folder).lacks_bos
    (folder / "tokenizer_config.json").write_text(json.dumps({"add_bos_token": True}))
    assert not PromptRenderer(folder).lacks_bos
    assert not PromptRenderer(nano_root() / "base").lacks_bos


def test_a_special_token_of_the_configuration_is_one_token_as_in_transformers(tmp_path: Path) -> None:
    from transformers import PreTrainedTokenizerFast

    folder = write_checkpoint(tmp_path / "m", words=("a", "<s>"))
    (folder / "special_tokens_map.json").write_text(json.dumps({"bos_token": "<s>"}))
    renderer = PromptRenderer(folder, "plain")
    assert renderer.render("<s>a").token_ids == tuple(PreTrainedTokenizerFast.from_pretrained(folder)("<s>a").input_ids)
    assert renderer.bos_count(renderer.render("<s>a")) == 1


def test_the_digests_of_published_runs_are_as_they_were() -> None:
    base = nano_root() / "base"
    published = "f09bceabaecf3faf937d9282f6ff9634f5482e8919e86b51fe2332b2abfb0770"
    assert PromptRenderer(base).template_digest == published
    plain = hashlib.sha256(canonical_json({"style": "plain", "template": ""})).hexdigest()
    assert PromptRenderer(base, "plain").template_digest == plain


def test_the_template_may_stand_in_either_place(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m")
    beside = PromptRenderer(folder)
    source = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").unlink()
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"chat_template": source}))
    inside = PromptRenderer(folder)
    assert inside.render("a b") == beside.render("a b")
    assert inside.template_digest == beside.template_digest


def test_a_model_without_template_can_only_be_asked_plainly(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m")
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(CheckpointError, match="no chat template; use a suite with `prompt: plain`"):
        PromptRenderer(folder)
    assert PromptRenderer(folder, "plain").render("a b").token_ids == (4, 5)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{ raise_exception('no system role') }}", "failed: TemplateError: no system role"),
        ("{{ messages.__class__.__mro__[1].__subclasses__() }}", "failed: SecurityError"),
        ("{{ undefined_name.attribute }}", "failed: UndefinedError"),
        ("{% for %}", "cannot be read: TemplateSyntaxError"),
        ("{% for i in range(10**9) %}x{% endfor %}", "failed: OverflowError"),
        ("x" * 300_000, "more than a chat template may have"),
    ],
)
def test_a_template_that_fails_or_tries_to_escape_is_one_clear_error(tmp_path: Path, template: str, why: str) -> None:
    folder = write_checkpoint(tmp_path / "m")
    (folder / "chat_template.jinja").write_text(template)
    with pytest.raises(CheckpointError, match=why) as caught:
        PromptRenderer(folder).render("a")
    assert "\n" not in str(caught.value)


def test_a_template_that_is_no_text_names_its_file(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m")
    (folder / "chat_template.jinja").write_bytes(b"\xff")
    with pytest.raises(CheckpointError, match=r"chat_template\.jinja: not UTF-8"):
        PromptRenderer(folder)
    (folder / "chat_template.jinja").unlink()
    (folder / "tokenizer_config.json").write_text('{"chat_template": "\\ud800", "bos_token": "\\ud800"}')
    with pytest.raises(CheckpointError, match="the question does not appear whole"):
        PromptRenderer(folder)


def test_only_plain_text_and_blind_templates_keep_the_question_from_deciding(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m")
    assert PromptRenderer(folder).is_content_blind(images=2)
    assert PromptRenderer(folder, "plain").is_content_blind()
    (folder / "chat_template.jinja").write_text("{{ messages[0].content }}{{ messages[0].content | upper }}")
    seeing = PromptRenderer(folder)
    assert not seeing.is_content_blind()
    assert seeing.render("a b").text == "a bA B"


@pytest.mark.parametrize(
    "fields",
    [
        {"model": {"type": "BPE"}},
        {"version": "9"},
        {"post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x", "type_id": 0}}],
                            "pair": [], "special_tokens": {}}},
        {"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}},
    ],
)  # fmt: skip
def test_a_tokenizer_that_panics_is_one_clear_error(tmp_path: Path, fields: dict[str, object]) -> None:
    folder = write_checkpoint(tmp_path / "m")
    content = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(content | fields))
    with pytest.raises(CheckpointError, match=r"tokenizer\.json: not a usable tokenizer"):
        PromptRenderer(folder, "plain").render("a" * 30 + "!")


def test_continuations_are_the_tokens_added_after_the_prompt(tmp_path: Path) -> None:
    renderer = PromptRenderer(write_checkpoint(tmp_path / "m"), "plain")
    prompt = renderer.render("a b")
    assert renderer.continuation(prompt, " a") == (4,)
    assert renderer.continuation(prompt, " b a") == (5, 4)
    assert renderer.continuations(prompt, [" b a", " a"]) == ((5, 4), (4,))


@given(st.text(max_size=80), st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_ids_are_those_of_the_tokenizers_own_encode(question: str, options: list[str]) -> None:
    folder = nano_root() / "base"
    renderer, tokenizer = PromptRenderer(folder, "plain"), Tokenizer.from_file(str(folder / "tokenizer.json"))
    prompt = renderer.render(question)
    assert prompt.token_ids == tuple(tokenizer.encode(question).ids)
    whole = [tuple(tokenizer.encode(question + option).ids) for option in options]
    assert renderer.continuations(prompt, options) == tuple(ids[len(prompt.token_ids) :] for ids in whole)
