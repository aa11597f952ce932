"""Copies are found behind case, spaces, punctuation and words around them; honest models are not accused."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

from harness.records.run import Run, RunRecord
from leaderboard.acceptance.copies import Fingerprint, compare, fingerprint, least_runs, words_of
from leaderboard.documents.manifest import Manifest, parse_manifest
from leaderboard.entries.rules import Finding
from tests.support.manifests import manifest
from tests.support.synthetic import ENGINE, synthetic_checkpoint

N = 200
LONG = "First I look at the picture and count the shapes in it, then I compare them with the question about it. "


def run(
    outputs: Sequence[str],
    right: Sequence[bool] | None = None,
    created: str = "2026-01-01T00:00:00Z",
    extracted: Sequence[str] | None = None,
) -> Run:
    correct = [True] * N if right is None else right
    stated_as: Sequence[str | None] = [None] * N if extracted is None else extracted
    rows = [
        {"item_id": f"{k:064d}", "output": output, "outcome": "correct" if fine else "wrong", "extracted": answer}
        for k, (output, fine, answer) in enumerate(zip(outputs, correct, stated_as, strict=True))
    ]
    suite = {"name": "nano", "version": "1", "digest": "0" * 64, "protocol": "p", "tasks": {"t": N}}
    record = RunRecord.model_validate(
        {"checkpoint": synthetic_checkpoint("x"), "suite": suite, "engine": ENGINE, "decoding": {}, "seed": 0,
         "template_digest": "0" * 64, "template_policy": "shared", "bos_count": 0, "packages": {}, "n_items": N,
         "n_errors": 0, "samples_sha256": "0" * 64, "created": created, "wall_seconds": 1.0}
    )  # fmt: skip
    return Run(record, pd.DataFrame(rows))


BASE = run([f"base says {k}" for k in range(N)], [k % 2 == 0 for k in range(N)])


def stated(handle: str = "ada", attempts: int = 9) -> Manifest:
    document = manifest()
    document["contact"] = {"handle": handle}
    document["selection"]["attempts_evaluated"] = str(attempts)
    return parse_manifest(document, "m")


def printed(name: str, tuned: Run, handle: str = "ada", attempts: int = 9) -> Fingerprint:
    return fingerprint(name, stated(handle, attempts), BASE, tuned)


def found(*prints: Fingerprint, order: dict[str, int] | None = None) -> dict[str, Finding]:
    return dict(compare(prints, {each.entry: at for at, each in enumerate(prints)} if order is None else order))


def outputs(seed: int, text: str = "{}") -> list[str]:
    rng = np.random.default_rng(seed)
    return [text.format(number) for number in rng.integers(0, 10_000, N)]


def test_the_later_of_two_equal_entries_is_the_copy_whatever_date_it_states() -> None:
    honest = printed("bbb", run(outputs(1), created="2026-01-02T00:00:00Z"))
    stolen = printed("aaa", run(outputs(1), created="2026-01-01T00:00:00Z"))
    for order in ({"bbb": 0}, {"bbb": 0, "aaa": 1}, {"bbb": 3, "aaa": 7}):
        assert {name: each.rule for name, each in found(stolen, honest, order=order).items()} == {
            "aaa": "copied-outputs"
        }
    assert found(stolen, honest, order={"bbb": 0})["aaa"].evidence == {"entry": "bbb"}


def test_of_entries_that_came_together_none_is_refused_as_the_copy() -> None:
    one, two = (printed(name, run(outputs(1))) for name in ("aaa", "bbb"))
    for order in ({}, {"aaa": 4, "bbb": 4}):
        alike = found(one, two, order=order)
        assert {name: (each.rule, each.action) for name, each in alike.items()} == dict.fromkeys(
            ("aaa", "bbb"), ("near-copy", "flag")
        )


@pytest.mark.parametrize(
    "hide",
    [
        str.upper,
        lambda text: f"  {text}\n!",
        lambda text: text.replace(" ", "  -  "),
        lambda text: text.replace("picture", "pic\u200bture"),
        lambda text: text.translate({ord("a"): "\uff41"}),
    ],
)
def test_spelling_hides_no_copy(hide: Callable[[str], str]) -> None:
    said = [f"{number} {LONG} {number}" for number in outputs(1)]
    copied = printed("bbb", run([hide(text) for text in said], created="2026-02-01T00:00:00Z"))
    assert [each.rule for each in found(printed("aaa", run(said)), copied).values()] == ["copied-outputs"]


@pytest.mark.parametrize("around", ["Sure. {}", "{} I hope that helps!", "Well, {} That is it."])
def test_words_put_around_long_outputs_hide_no_copy(around: str) -> None:
    said = [" ".join(f"{word}{number}" for word in LONG.split()) for number in outputs(1)]
    copied = printed("bbb", run([around.format(text) for text in said], created="2026-02-01T00:00:00Z"))
    (flag,) = found(printed("aaa", run(said)), copied).values()
    assert flag.rule == "near-copy"
    assert flag.evidence["text"] > 0.8


def test_a_preamble_that_every_output_has_makes_no_copy() -> None:
    one, two = (run([f"{LONG} So I think that the number must be {n}." for n in outputs(seed)]) for seed in (1, 2))
    assert found(printed("aaa", one), printed("bbb", two)) == {}


def test_the_least_run_is_found_wherever_it_stands() -> None:
    words = [[f"w{k}x{n}" for n in range(30)] for k in range(N)]
    moved = [["so", "well", *each, "right"] for each in words]
    assert float((least_runs(words) == least_runs(moved)).mean()) > 0.8
    assert len(set(least_runs(words).tolist())) == N
    assert least_runs([]).tolist() == []
    assert len(least_runs([[], ["one"], ["one", "two"]])) == 3


def test_most_outputs_or_most_mistakes_are_a_near_copy() -> None:
    said = outputs(1)
    most = [*said[:-3], "other", "words", "here"]
    (flag,) = found(printed("aaa", run(said)), printed("bbb", run(most))).values()
    assert (flag.rule, flag.action) == ("near-copy", "flag")
    assert flag.evidence["outputs"] == pytest.approx(0.985)
    right = [k % 2 == 0 for k in range(N)]
    own = [text if k % 2 else f"my own {k}" for k, text in enumerate(said)]
    (flag,) = found(printed("aaa", run(said, right)), printed("bbb", run(own, right))).values()
    assert (flag.evidence["outputs"], flag.evidence["mistakes"]) == (0.5, 1.0)


def answers(seed: int) -> tuple[list[str], list[bool]]:
    """What a model states on each item, a quarter of it wrong, as no other model is."""
    rng = np.random.default_rng(seed)
    right = list(rng.random(N) < 0.75)
    return [f"gold {k}" if fine else f"wrong {seed} {k}" for k, fine in enumerate(right)], right


def spoken(said: Sequence[str], right: Sequence[bool], how: str = "{k}. {text}", created: str = "2026-02-01") -> Run:
    spoken_as = [how.format(k=k, text=text) for k, text in enumerate(said)]
    return run(spoken_as, right, f"{created}T00:00:00Z", extracted=said)


def test_answers_in_other_words_are_the_same_answers() -> None:
    said, right = answers(1)
    source = printed("aaa", spoken(said, right, created="2026-01-01"))
    filled = printed("bbb", spoken(said, right, "so {k} hmm {text} okay {k}"))
    (flag,) = found(source, filled).values()
    assert (flag.rule, flag.action, flag.evidence["entries"]) == ("same-answers", "flag", ["aaa"])
    # Mistakes that were mended, or put in, hide nothing.
    for mended in (True, False):
        changed, fine = list(said), list(right)
        for k in range(0, N, 12):
            changed[k], fine[k] = (f"gold {k}", True) if mended else (f"spoilt {k}", False)
        copied = printed("bbb", spoken(changed, fine, "then {text} at {k}"))
        assert [each.rule for each in found(source, copied).values()] == ["same-answers"]


def test_a_mixture_of_a_few_entries_has_no_mistakes_of_its_own() -> None:
    known = [answers(seed) for seed in (1, 2, 3)]
    sources = [printed(f"a{at}", spoken(*each, created="2026-01-01")) for at, each in enumerate(known)]
    rng = np.random.default_rng(7)
    picked = rng.integers(0, 3, N)
    said, right = (["" for _ in range(N)], [True] * N)
    for k, at in enumerate(picked):
        said[k], right[k] = known[at][0][k], known[at][1][k]
    said[5], right[5] = "spoilt", False
    (flag,) = found(*sources, printed("b", spoken(said, right, "mixed {k} {text}"))).values()
    assert (flag.rule, sorted(flag.evidence["entries"])) == ("same-answers", ["a0", "a1", "a2"])
    assert found(*sources, printed("b", spoken(*answers(9)))) == {}


def test_a_mark_of_truncation_is_no_part_of_an_output() -> None:
    said = outputs(1)
    mark = "\n[... 500 characters left out, sha256 0123456789abcdef ...]\n"
    hidden = printed("bbb", run([mark + text for text in said], created="2026-02-01T00:00:00Z"))
    assert [each.rule for each in found(printed("aaa", run(said)), hidden).values()] == ["copied-outputs"]


def test_two_good_models_that_agree_where_they_are_right_are_not_accused() -> None:
    rng = np.random.default_rng(0)
    gold = outputs(1)
    runs = []
    for seed in (1, 2):
        right = rng.random(N) < 0.8
        said = [
            answer if fine else f"wrong {seed} {k}" for k, (answer, fine) in enumerate(zip(gold, right, strict=True))
        ]
        runs.append(run(said, list(right)))
    assert found(*(printed(f"e{k}", each) for k, each in enumerate(runs))) == {}


def test_two_runs_without_effect_are_the_bases_matter_not_copies() -> None:
    same = run([f"base says {k}" for k in range(N)])
    assert found(printed("aaa", same), printed("bbb", same)) == {}


def test_text_that_both_have_from_the_base_makes_no_copy() -> None:
    """Two fine-tunes that keep what the base says, in long outputs, and each change a part of their own."""
    base = run([f"{LONG}So it is {k}, {k + 1} and {k + 2} of them." for k in range(N)])
    said = base.samples["output"].tolist()
    one = run([f"{LONG}No, {7 * k}, {k} and {3 * k} here." if k < 15 else text for k, text in enumerate(said)])
    other = run([f"{LONG}Yes, {5 * k}, {9 * k} or {k} there." if k >= 185 else text for k, text in enumerate(said)])
    prints = [fingerprint(name, stated(), base, tuned) for name, tuned in (("one", one), ("other", other))]
    assert found(*prints) == {}
    copied = run([f"  {text}!" for text in one.samples["output"].tolist()])
    assert found(prints[0], fingerprint("copy", stated(), base, copied))["copy"].rule == "copied-outputs"


def test_entries_of_other_suites_or_items_are_not_compared() -> None:
    other = run(outputs(1))
    other.samples["item_id"] = [f"{k + 1:064d}" for k in range(N)]
    base = Run(BASE.record, BASE.samples.assign(item_id=other.samples["item_id"]))
    prints = printed("aaa", run(outputs(1))), fingerprint("bbb", stated(), base, other)
    assert found(*prints) == {}


def test_more_entries_than_attempts_are_counted_by_author() -> None:
    prints = [
        printed(f"e{k}", run(outputs(k)), handle, attempts=2) for k, handle in enumerate(["ada", "Ada", "ada", "bob"])
    ]
    (name, flag), = found(*prints).items()  # fmt: skip
    assert (name, flag.rule) == ("e2", "attempts")
    assert flag.evidence == {"entries": ["e0", "e1"]}


def test_words_are_letters_and_digits() -> None:
    assert words_of(" The  ANSWER is: 4\uff12, _ok_!\u200b") == ["the", "answer", "is", "42", "ok"]


def test_one_copy_is_found_among_many() -> None:
    prints = [printed(f"{k:03d}", run(outputs(k)), handle=f"h{k}") for k in range(100)]
    prints.append(printed("copy", run(outputs(42), created="2026-03-01T00:00:00Z"), handle="thief"))
    assert {name: each.evidence["entry"] for name, each in found(*prints).items()} == {"copy": "042"}
