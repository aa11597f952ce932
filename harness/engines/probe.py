"""Does an adapter have an effect? Asked of the running engine before its first answer (design.md, invariant 6)."""

from collections.abc import Sequence
from dataclasses import replace

from harness.engines import EngineError
from harness.protocol import Engine, Failed, Prompt, ScoreRequest

_PROMPTS = 4


def check_effect(engine: Engine, name: str, adapter: str, modules: Sequence[str], prompts: Sequence[Prompt]) -> None:
    """Raise ``EngineError`` unless ``adapter`` changes log-probabilities on a few of the prompts in ``prompts``.

    Prompts with images come first, so that a vision tower is looked through. The base is asked twice: where an engine
    does not repeat itself exactly, only a change larger than that noise counts.
    """
    by_length = sorted(prompts, key=lambda prompt: len(prompt.token_ids))
    chosen = [prompt for prompt in by_length if prompt.images][: _PROMPTS // 2]
    chosen += [prompt for prompt in by_length if not prompt.images][: _PROMPTS - len(chosen)]
    chosen = chosen or by_length[:1]
    probes = [ScoreRequest(f"probe {k}", each, _letters(each.token_ids)) for k, each in enumerate(chosen)]
    first, second = _scores(engine, probes), _scores(engine, probes)
    changed = _scores(engine, [replace(probe, adapter=adapter) for probe in probes])
    noise = max(abs(a - b) for a, b in zip(first, second, strict=True))
    effect = max(abs(a - b) for a, b in zip(first, changed, strict=True))
    if effect <= noise:
        listed = ", ".join(modules[:8]) + (f" and {len(modules) - 8} more" if len(modules) > 8 else "")
        raise EngineError(
            f"{name}: the adapter changes no log-probability on {len(probes)} probe prompts (largest change "
            f"{effect:.2g}, noise {noise:.2g}); target modules that did not take: {listed}; use --adapters merge, "
            "which says whether it changes any weight"
        )


def _letters(token_ids: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    return tuple((token,) for token in sorted(set(token_ids))[:8])


def _scores(engine: Engine, probes: Sequence[ScoreRequest]) -> list[float]:
    answers = dict(engine.score(probes))
    found: list[float] = []
    for index in range(len(probes)):
        answer = answers[index]
        if isinstance(answer, Failed):
            raise EngineError(f"a probe prompt failed: {answer.error}")
        found += [score.logprob for score in answer]
    return found
