"""The page of the reference study: every figure from the results, in words that follow from them."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from harness.errors import RetentionError
from harness.scoring.study.results import Agreement, Predictor, StudyResults, TargetResult
from leaderboard.board.board import Board
from leaderboard.numbers.formats import points, ratio
from leaderboard.site import study as page
from leaderboard.site.build import render, write_site
from leaderboard.site.checks import check_site

pytestmark = pytest.mark.slow

HOSTILE = '<img src=x onerror="alert(1)">{{ 7*7 }}\u202e'


@pytest.fixture(scope="module")
def results(study_results: StudyResults) -> StudyResults:
    return study_results


@pytest.fixture(scope="module")
def target(results: StudyResults) -> TargetResult:
    return results.targets[0]


def folder_with(tmp_path: Path, **studies: StudyResults) -> Path:
    folder = tmp_path / "studies"
    folder.mkdir()
    for name, study in studies.items():
        (folder / f"{name}.json").write_text(study.to_json(), encoding="utf-8")
    return folder


def shown(tmp_path: Path, results: StudyResults) -> str:
    return render(Board((), ()), studies=folder_with(tmp_path, small=results))["study.html"].decode()


def words(text: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def changed(results: StudyResults, **fields: Any) -> StudyResults:
    target = results.targets[0].model_copy(update=fields)
    return StudyResults.model_validate(results.model_copy(update={"targets": (target,)}).model_dump())


def test_there_is_a_page_and_a_link_to_it_only_where_there_are_results(tmp_path: Path, results: StudyResults) -> None:
    without = render(Board((), ()), studies=tmp_path / "nothing")
    assert "study.html" not in without
    assert b"study.html" not in without["index.html"]
    files = render(Board((), ()), studies=folder_with(tmp_path, small=results))
    assert b'<a href="study.html">Study</a>' in files["index.html"]
    assert b'<a href="../study.html">Study</a>' not in files["index.html"]


def test_the_built_page_holds_its_links_html_and_budgets(tmp_path: Path, results: StudyResults) -> None:
    write_site(Board((), ()), tmp_path / "public", studies=folder_with(tmp_path, small=results))
    assert check_site(tmp_path / "public", jobs=1).problems == []


def test_every_training_and_what_it_kept_is_in_the_table(
    tmp_path: Path, results: StudyResults, target: TargetResult
) -> None:
    text = words(shown(tmp_path, results))
    for training in target.trainings:
        for matched in training.matched:
            assert " ".join(page.matched_text(matched).split()) in text
    assert "0 of 2 seeds reach this gain" in text
    assert "1 planned training is not in these numbers: jigsaw/sft-slow-seed1" in text


def test_every_checkpoint_is_in_the_table_that_stands_for_the_drawings(
    tmp_path: Path, results: StudyResults, target: TargetResult
) -> None:
    html = shown(tmp_path, results)
    table = words(html.split("<details>")[1])
    every = [point for training in target.trainings for curve in training.curves for point in curve.points]
    assert html.split("<details>")[1].count("<tr><th") == len(every) + 1
    for point in every:
        assert " ".join(f"{ratio(point.normalised_gain)} {ratio(point.retention_macro)} [".split()) in table
    assert html.count("<circle") >= len(every)


def test_a_training_that_did_not_learn_is_said_to_have_failed(target: TargetResult) -> None:
    (sentence,) = page.failures(target)
    best = max(
        point.normalised_gain or 0.0
        for training in target.trainings
        if training.name == "self-sft"
        for curve in training.curves
        for point in curve.points
    )
    assert sentence == (
        f"Own samples reaches a normalised gain of {ratio(0.25)} with 0 of 2 seeds; "
        f"its best checkpoint has {ratio(best)}."
    )


@pytest.mark.parametrize(
    ("counts", "answer"),
    [
        ((3, 0, 0, 1), "Yes, in every comparison made"),
        ((3, 0, 2, 0), "For the most part, and nothing contradicts it"),
        ((2, 0, 9, 0), "Mostly undecided; the rest is as stated"),
        ((3, 1, 2, 0), "In part, and in part the other way round"),
        ((0, 2, 0, 0), "No, the other way round"),
        ((0, 2, 1, 0), "No"),
        ((0, 0, 4, 1), "Undecided"),
        ((0, 0, 0, 5), "It could not be tested"),
    ],
)
def test_the_answer_follows_from_the_counts(
    target: TargetResult, counts: tuple[int, int, int, int], answer: str
) -> None:
    holds, contradicted, undecided, not_comparable = counts
    count = Agreement(holds=holds, contradicted=contradicted, undecided=undecided, not_comparable=not_comparable)
    assert page.ordering(target.model_copy(update={"agreement": count})) == answer


def test_a_contradicted_claim_is_listed_with_its_numbers(tmp_path: Path, results: StudyResults) -> None:
    target = results.targets[0]
    against = next(test for test in target.claims if test.difference is not None).model_copy(
        update={"difference": -0.123, "difference_ci": (-0.2, -0.05), "verdict": "contradicted", "p_holm": 0.004}
    )
    text = words(shown(tmp_path, changed(results, claims=(against,))))
    assert f"{points(-0.123)} points [{points(-0.2)}, {points(-0.05)}] against SFT, 3e-4 (p 0.004)" in text


def test_what_the_learning_rate_alone_does_is_said(target: TargetResult) -> None:
    sentence = list(page.contradictions(target))[1]
    sft, slow = (next(t for t in target.trainings if t.name == name).matched[1] for name in ("sft", "sft-slow"))
    assert sft.retention_macro is not None
    assert slow.retention_macro is not None
    assert f"from {ratio(sft.retention_macro)} (3e-4) to {ratio(slow.retention_macro)} (1e-4)" in sentence
    assert f"{points(slow.retention_macro - sft.retention_macro)} points" in sentence


@pytest.mark.parametrize(
    ("interval", "says"),
    [
        ((0.4, 0.9), "more of it goes with more forgetting"),
        ((-0.9, -0.4), "more of it goes with less forgetting"),
        ((-0.2, 0.4), "no relation is seen"),
    ],
)
def test_a_correlation_is_read_by_its_interval(interval: tuple[float, float], says: str) -> None:
    found = Predictor(name="x", of="y", pairs=9, trainings=5, spearman=0.1, spearman_ci=interval)
    assert page.predicts(found) == says


def test_the_short_form_gives_way_to_the_whole_study(tmp_path: Path, results: StudyResults) -> None:
    quick = results.model_copy(update={"quick": True, "title": "quick one"})
    assert [study.quick for study in page.read_studies(folder_with(tmp_path, a=quick, b=results))] == [False]
    (tmp_path / "other").mkdir()
    alone = page.read_studies(folder_with(tmp_path / "other", a=quick))
    assert [study.title for study in alone] == ["quick one"]
    assert "quick form" in words(shown(tmp_path / "other" / "studies", quick))


def test_results_that_do_not_hold_are_refused_by_file_and_field(tmp_path: Path, results: StudyResults) -> None:
    folder = folder_with(tmp_path, small=results)
    (folder / "small.json").write_text(results.to_json().replace('"quick": false', '"quick": "perhaps"'), "utf-8")
    with pytest.raises(RetentionError, match=r"small.json: quick: .*copy results.json"):
        page.read_studies(folder)
    with pytest.raises(RetentionError, match=r"small.json: quick"):
        render(Board((), ()), studies=folder)


def test_hostile_names_are_text(tmp_path: Path, results: StudyResults) -> None:
    target = results.targets[0]
    trainings = tuple(each.model_copy(update={"title": HOSTILE}) for each in target.trainings)
    claims = tuple(each.model_copy(update={"source": HOSTILE}) for each in target.claims)
    study = results.model_copy(update={"title": HOSTILE, "base": HOSTILE, "missing": (HOSTILE,)})
    html = shown(tmp_path, changed(study, trainings=trainings, claims=claims, target=HOSTILE))
    assert "<img" not in html
    assert "\u202e" not in html
    assert "{{ 7*7 }}" in html


def test_the_same_results_give_the_same_bytes(tmp_path: Path, results: StudyResults) -> None:
    folder = folder_with(tmp_path, small=results)
    assert render(Board((), ()), studies=folder) == render(Board((), ()), studies=folder)
