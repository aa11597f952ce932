"""Prompt policy: in whose words the models of a pair are asked, and who renders them.

- **chat**: the base's chat template and tokenizer, for both models.
- **plain**: no template, for pretrained bases.
- **native**: each model in its own template. Only for the custom track, as any template but the base's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.checkpoints.checkpoint import Checkpoint
from harness.checkpoints.prompts import PromptRenderer, PromptStyle
from harness.checkpoints.scan import CheckpointError
from harness.checkpoints.template_files import read_template, template_of
from harness.checkpoints.templates import Arguments
from harness.checkpoints.tokenizer import extended, new_tokens, open_tokenizer
from harness.checkpoints.tokenizer_identity import tokenizer_folder

Policy = Literal["chat", "plain", "native"]
Origin = Literal["base", "tuned", "file"]
TUNED = "tuned"


@dataclass(frozen=True)
class PromptSettings:
    """What the user chooses of the prompts.

    ``policy`` is that of the suite where it is None. ``template`` is a file, or "tuned" for the template of the tuned
    checkpoint, in place of the base's; ``arguments`` is what it is told beside the messages.
    """

    policy: Policy | None = None
    template: str | None = None
    arguments: Arguments = field(default_factory=dict)


@dataclass(frozen=True)
class Prompts:
    """Who renders the prompts: ``shared`` for every checkpoint but those in ``own``, by their weights digest.

    ``default`` is the suite's policy, ``origin`` whose template ``shared`` has.
    """

    policy: Policy
    shared: PromptRenderer
    default: PromptStyle = "chat"
    origin: Origin = "base"
    arguments: Arguments = field(default_factory=dict)
    own: Mapping[str, PromptRenderer] = field(default_factory=dict)

    @property
    def style(self) -> PromptStyle:
        return "plain" if self.policy == "plain" else "chat"

    @property
    def are_the_suites(self) -> bool:
        """Whether both models are asked by the suite's policy, in the base's template as it is."""
        return self.policy == self.default and self.origin == "base" and not self.arguments

    def of(self, checkpoint: Checkpoint) -> PromptRenderer:
        return self.own.get(checkpoint.record.weights_digest, self.shared)


def prompts_for(
    base: Checkpoint, tuned: Sequence[Checkpoint], default: PromptStyle, settings: PromptSettings | None = None
) -> Prompts:
    """Who asks ``base`` and its fine-tunes in a suite of policy ``default``; ``CheckpointError`` where nobody can."""
    settings = settings or PromptSettings()
    policy = settings.policy or default
    if settings.template is not None and policy != "chat":
        raise CheckpointError(f"--chat-template {settings.template}: prompts of policy {policy} take no such template")
    folder = (base.base or base).path
    if policy == "plain":
        return Prompts(policy, PromptRenderer(folder, "plain", arguments=settings.arguments), default)
    origin, source = _shared_template(base, tuned, settings.template)
    shared = PromptRenderer(folder, "chat", template=source, arguments=settings.arguments)
    if policy == "native":
        own = {each.record.weights_digest: _own_renderer(base, each, settings.arguments) for each in tuned}
        return Prompts(policy, shared, default, origin, settings.arguments, own)
    return Prompts(policy, shared, default, origin, settings.arguments)


def _shared_template(base: Checkpoint, tuned: Sequence[Checkpoint], chosen: str | None) -> tuple[Origin, str | None]:
    """Whose template is shared, and its text where it is not the base's."""
    if chosen is None:
        return "base", None
    origin: Origin = "tuned" if chosen == TUNED else "file"
    source = _tuned_template(tuned) if chosen == TUNED else read_template(Path(chosen).expanduser())
    return ("base", None) if source == template_of((base.base or base).path) else (origin, source)


def _tuned_template(tuned: Sequence[Checkpoint]) -> str:
    found = {_template_of(each): each.record.name for each in tuned}
    source = next(iter(found), None)
    if source is None:
        names = ", ".join(each.record.name for each in tuned) or "no tuned checkpoint"
        raise CheckpointError(f"--chat-template tuned: {names}: no chat template; give one with --chat-template FILE")
    if len(found) > 1:
        names = " and ".join(list(found.values())[:2])
        raise CheckpointError(f"--chat-template tuned: {names} have different chat templates; evaluate each on its own")
    return source


def _template_of(checkpoint: Checkpoint) -> str | None:
    """The template that a checkpoint ships, or that of the base that an adapter is applied to."""
    return template_of(checkpoint.path) or (template_of(checkpoint.base.path) if checkpoint.base else None)


def _own_renderer(base: Checkpoint, tuned: Checkpoint, arguments: Arguments) -> PromptRenderer:
    """Renders in the template of ``tuned``, with the base's tokenizer and the tokens that were added to it."""
    folder, root = tokenizer_folder(tuned), (base.base or base).path
    added = new_tokens(root, folder)
    tokenizer = open_tokenizer(folder, extended(root, added))
    return PromptRenderer(folder, "chat", template=_template_of(tuned), arguments=arguments, tokenizer=tokenizer)
