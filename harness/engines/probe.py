"""Do adapters have an effect, and only on their own answers? Asked of the running engine before its first answer.

An adapter that changes nothing would be scored as a perfect memory (harness/README.md, invariant 6). One that leaks
into the base's answers in a shared batch would hide what it forgot: vLLM's CPU kernels do that when every adapter slot
is taken (vllm pull request 48421), and its mixture-of-experts kernels did (vllm issue 42008).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.engines.settings import EngineError
from harness.protocol import Engine, Failed, Prompt, ScoreRequest

_PROMPTS = 4
# Nats that a batch's composition may move a log-probability by in bfloat16 without being a leak.
_ROUNDING = 0.02


def check_effects(engine: Engine, adapters: Mapping[str, tuple[str, Sequence[str]]], prompts: Sequence[Prompt]) -> None:
    """Raise ``EngineError`` unless each adapter changes log-probabilities on a few of ``prompts``, and not the base's.

    ``adapters`` maps what requests call an adapter to its name and the modules it targets. Prompts with images come
    first, so that a vision tower is covered. The base answers several times: where an engine does not repeat
    itself exactly, only a change larger than that noise counts.
    """
    by_length = sorted(prompts, key=lambda prompt: len(prompt.token_ids))
    chosen = [prompt for prompt in by_length if prompt.images][: _PROMPTS // 2]
    chosen += [prompt for prompt in by_length if not prompt.images][: _PROMPTS - len(chosen)]
    probes = [ScoreRequest(f"probe {k}", each, _letters(each.token_ids)) for k, each in enumerate(chosen)]
    variants = [None, *adapters]
    (alone,) = _scores(engine, probes, [None])
    noise = max(_largest_change(alone, again) for again in _scores(engine, probes, [None] * len(variants)))
    base, *changed = _scores(engine, probes, variants)
    for (name, modules), scores in zip(adapters.values(), changed, strict=True):
        effect = _largest_change(alone, scores)
        if effect <= noise:
            listed = ", ".join(modules[:8]) + (f" and {len(modules) - 8} more" if len(modules) > 8 else "")
            raise EngineError(
                f"{name}: the adapter changes no log-probability on {len(probes)} probe prompts (largest change "
                f"{effect:.2g}, noise {noise:.2g}); target modules that did not take: {listed}; where it was "
                "applied beside its base, --adapters merge says whether it changes any weight"
            )
    leak = _largest_change(alone, base)
    if leak > max(4 * noise, _ROUNDING):
        names = ", ".join(name for name, _ in adapters.values())
        raise EngineError(
            f"the base's log-probabilities move by {leak:.2g} when it shares a batch with {names}: the engine applies "
            "an adapter to the base's requests; use --adapters merge (a server: --max-loras one above its adapters)"
        )


def _letters(token_ids: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    return tuple((token,) for token in sorted(set(token_ids))[:8])


def _scores(engine: Engine, probes: Sequence[ScoreRequest], variants: Sequence[str | None]) -> list[list[float]]:
    """Log-probabilities of all probes by each of ``variants``, requested in one mixed stream."""
    requests = [replace(probe, adapter=variant) for probe in probes for variant in variants]
    answers = dict(engine.score(requests))
    found: list[list[float]] = [[] for _ in variants]
    for index in range(len(requests)):
        answer = answers[index]
        if isinstance(answer, Failed):
            raise EngineError(f"a probe prompt failed: {answer.error}")
        found[index % len(variants)] += [score.logprob for score in answer]
    return found


def _largest_change(first: Sequence[float], second: Sequence[float]) -> float:
    return max(abs(a - b) for a, b in zip(first, second, strict=True))
