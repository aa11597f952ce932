"""What a tuned checkpoint ships and an evaluation leaves unused, because the base's serves both models of a pair."""

from collections.abc import Iterator

from harness.checkpoints.checkpoint import Checkpoint, CheckpointError
from harness.checkpoints.conditions import Conditions
from harness.checkpoints.processor import read_processor
from harness.checkpoints.prompt_policy import Prompts
from harness.checkpoints.template_files import special_tokens, template_of
from harness.checkpoints.templates import ChatTemplate, TemplateError

_LONGEST = 500


def unused_of(base: Checkpoint, tuned: Checkpoint, conditions: Conditions, prompts: Prompts) -> tuple[str, ...]:
    """A sentence for each thing of ``tuned`` that the base's takes the place of; none where both are the same."""
    found = [*_processor(tuned, conditions), *_template(base, tuned, prompts)]
    return tuple(each if len(each) <= _LONGEST else f"{each[: _LONGEST - 2]}.." for each in found)


def _processor(tuned: Checkpoint, conditions: Conditions) -> Iterator[str]:
    if conditions.processor is None or conditions.record.processor_origin == "tuned":
        return
    own, used = read_processor(tuned.path), read_processor(conditions.processor)
    if own is not None and used is not None and (differing := own.differences(used)):
        yield (
            f"the tuned checkpoint ships another image processor than its base ({'; '.join(differing)}), which was "
            "not used: images went through the base's (--processor tuned takes its own)"
        )


def _template(base: Checkpoint, tuned: Checkpoint, prompts: Prompts) -> Iterator[str]:
    if prompts.policy != "chat" or prompts.origin == "tuned" or _makes_the_same(base.base or base, tuned, prompts):
        return
    whose = "the base's" if prompts.origin == "base" else "the one that was given"
    yield (
        f"the tuned checkpoint ships another chat template, which was not used: prompts went through {whose} "
        "(--chat-template tuned takes its own)"
    )


def _makes_the_same(root: Checkpoint, tuned: Checkpoint, prompts: Prompts) -> bool:
    """Whether ``tuned`` ships no template, or one that asks in the same words whatever its source says."""
    try:
        source = template_of(tuned.path)
        if source is None:
            return True
        template = ChatTemplate(source, special_tokens(root.path))
        return template.render("?") == prompts.shared.render("?").text
    except (CheckpointError, TemplateError):
        return False
