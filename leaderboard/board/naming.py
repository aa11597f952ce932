"""Naming: what a recipe is called, from the fields of its manifest, as people say it.

"SFT with replay · lr 3e-4 · 3 seeds", "LoRA r16 with replay · lr 2e-3 · 1 seed". No two recipes of a track share one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from leaderboard.documents import AdapterRef, Manifest, clean
from leaderboard.numbers import learning_rate, number

# What a method family is called where no algorithm is stated.
FAMILIES = {
    "sft": "SFT",
    "rft": "RFT",
    "dpo": "DPO",
    "sft-on-rollouts": "SFT on rollouts",
    "distill": "distillation",
    "merge": "merge",
    "other": "other method",
}
# Names that are written in capitals however they were typed, and kinds of adapter as their papers write them.
_CAPITALS = frozenset({
    "sft", "rft", "dpo", "ppo", "grpo", "rloo", "ipo", "kto", "orpo", "cpo", "dapo", "gspo", "rlhf", "rlvr", "gkd",
    "opd", "dare", "ewc", "lwf",
})  # fmt: skip
_ADAPTERS = {
    "lora": "LoRA", "qlora": "QLoRA", "dora": "DoRA", "adalora": "AdaLoRA", "rslora": "rsLoRA", "loha": "LoHa",
    "lokr": "LoKr", "vera": "VeRA", "ia3": "IA3", "oft": "OFT", "boft": "BOFT", "prefix_tuning": "prefix tuning",
    "prompt_tuning": "prompt tuning",
}  # fmt: skip
# A hyphen is read as a space in a name with one of these words between its hyphens: SFT-with-replay, not DPO-Positive.
_PHRASE = re.compile(r"[-_](with|without|on|from|of|and|then|for|plus|to|after)[-_]", re.IGNORECASE)
# The dot between the parts of a name, and what is drawn like it.
_DOT = re.compile("[\N{MIDDLE DOT}\u1427\u16eb\u2022\u2027\u2219\u22c5\u30fb\U00010101]")
_LONGEST = 60


def title(manifest: Manifest) -> str:
    """What was done, without its settings: "SFT", "LoRA r16 with replay", "GRPO, LoRA r8"."""
    method, trained = manifest.method, weights(manifest)
    said = _algorithm(method.algorithm) if method.algorithm else FAMILIES[method.family]
    if trained != "full":
        # Nobody says "SFT, LoRA": an adapter alone is one that was tuned on given answers.
        said = trained if said == FAMILIES["sft"] else f"{said}, {trained}"
    if method.replay and "replay" not in said.lower():
        said = f"{said} with replay"
    return clean(said, _LONGEST)


def weights(manifest: Manifest) -> str:
    """Which weights a fine-tune trained: ``full``, or the kind of adapter with its rank where that is stated."""
    rank = manifest.method.lora_rank
    adapter = manifest.tuned.adapter_type if isinstance(manifest.tuned, AdapterRef) else None
    if adapter is None and rank is None:
        return "full"
    kind = _ADAPTERS.get((adapter or "lora").lower(), adapter or "")
    return kind if rank is None else f"{kind} r{rank}"


def _algorithm(stated: str) -> str:
    said = re.sub(r"[-_]", " ", stated) if _PHRASE.search(stated) else stated
    return " ".join(word.upper() if word in _CAPITALS else word for word in said.split(" "))


def _steps(manifest: Manifest) -> str:
    steps = manifest.method.steps
    return "" if steps is None else f"{number(steps)} {'step' if steps == 1 else 'steps'}"


def _rollouts(manifest: Manifest) -> str:
    rollouts = manifest.method.rollouts
    return "" if rollouts is None else f"{number(rollouts)} rollouts"


def _kl(manifest: Manifest) -> str:
    kl = manifest.method.kl_coefficient
    return "" if kl is None else f"KL {number(kl)}"


def _data(manifest: Manifest) -> str:
    return _text("on " + ", ".join(each.id for each in manifest.training_data)) if manifest.training_data else ""


def _replay(manifest: Manifest) -> str:
    return _text(f"replay: {manifest.method.replay}") if manifest.method.replay else ""


def _text(text: str) -> str:
    """Text by others as one part of a name: it cannot pass for two."""
    return _DOT.sub("-", clean(text, 80))


# What tells recipes of one title and learning rate apart, in the order in which it is looked for.
_APART: tuple[Callable[[Manifest], str], ...] = (
    _steps,
    _kl,
    _rollouts,
    lambda manifest: f"by {manifest.contact.handle}",
    _data,
    _replay,
    lambda manifest: _text(f"code {manifest.method.code}") if manifest.method.code else "",
    lambda manifest: _text(f"recipe {manifest.method.recipe}") if manifest.method.recipe else "",
    lambda manifest: _text(manifest.tuned_model.name),
)


def settings(manifests: Sequence[Manifest], last: Sequence[str]) -> list[str]:
    """The settings of each recipe, given what the entries of each state alike: learning rate, and as much more as it
    takes that no two of one title share them. ``last`` are names that are used where nothing stated tells two apart."""
    titles = [title(each) for each in manifests]
    rates = [each.method.learning_rate for each in manifests]
    said = [[] if rate is None else [f"lr {learning_rate(rate)}"] for rate in rates]

    def alike() -> list[list[int]]:
        found: dict[str, list[int]] = {}
        for at, parts in enumerate(said):
            found.setdefault(" · ".join([titles[at], *parts]), []).append(at)
        return [places for places in found.values() if len(places) > 1]

    for more in _APART:
        for places in alike():
            words = {at: more(manifests[at]) for at in places}
            if len(set(words.values())) > 1:
                for at, word in words.items():
                    said[at] += [word] if word else []
    for places in alike():
        for at in places:
            said[at].append(last[at])
    return [" · ".join(parts) for parts in said]


def seed_count(manifests: Sequence[Manifest]) -> str:
    """ "3 seeds", "1 seed", or nothing where an entry's seed is not stated."""
    if len(manifests) > 1:
        return f"{len(manifests)} seeds"
    stated = Counter(manifests[0].method.seeds or [])
    return "1 seed" if len(stated) == 1 else ""
