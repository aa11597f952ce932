"""The pages of studies: every figure from the results, whatever names stand in them, the same bytes every time."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from harness.scoring import CLAIM_WORDS, StudyResults, verdict_sentence
from leaderboard.board.board import Board
from leaderboard.numbers.formats import percent
from leaderboard.site.build import render, write_site
from leaderboard.site.checks import check_site
from leaderboard.site.findings.views import cited_works, findings
from tests.support.studies import Arm, along, study

HOSTILE = '<img src=x onerror="alert(1)">{{ 7*7 }}\u202e'
ARMS = {
    "high": Arm((0.97, 0.98, 0.975), title="High", kl=0.1, perplexity=1.1),
    "low": Arm((0.40, 0.41, 0.405), title="Low", rate=1e-3, kl=1.5, perplexity=3.0),
    "wide": Arm((0.97, 0.2, 0.6), title="Wide", method="rft", kl=0.2),
    "dead": Arm((None, 0.9, 0.9), title="Dead", method="rollout-sft"),
}
CLAIMS = [("high", "low"), ("low", "high"), ("wide", "high"), ("dead", "high")]


@pytest.fixture(scope="module")
def results() -> StudyResults:
    return study(ARMS, CLAIMS, target={"predictors": (along("normalised gain", (0.1, 0.9)),)})


def folder_with(tmp_path: Path, *studies: StudyResults) -> Path:
    folder = tmp_path / "studies"
    folder.mkdir()
    for place, made in enumerate(studies):
        (folder / f"{place}.json").write_text(made.to_json(), encoding="utf-8")
    return folder


def shown(tmp_path: Path, results: StudyResults, page: str = "findings/made-up.html") -> str:
    return render(Board((), ()), studies=folder_with(tmp_path, results))[page].decode()


def words(text: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", re.sub(r"</?(bdi|wbr)>", "", text))).split())


def test_there_are_pages_and_a_link_to_them_only_where_there_are_results(tmp_path: Path, results: StudyResults) -> None:
    without = render(Board((), ()), studies=tmp_path / "nothing")
    assert not [name for name in without if name.startswith("findings")]
    assert b"findings.html" not in without["index.html"]
    files = render(Board((), ()), studies=folder_with(tmp_path, results))
    assert {"findings.html", "findings/made-up.html"} <= set(files)
    assert b'<a href="findings.html">Findings</a>' in files["index.html"]
    assert "study.html" not in files


def test_the_built_pages_hold_their_links_html_and_budgets(tmp_path: Path, results: StudyResults) -> None:
    other = study({"alone": Arm((0.9,))}, name="other", quick=True, missing=("jigsaw/sft-seed1",))
    folder = folder_with(tmp_path, results, other)
    write_site(Board((), ()), tmp_path / "public", studies=folder)
    assert check_site(tmp_path / "public", jobs=1).problems == []


def test_the_verdict_is_the_one_sentence_of_the_claims(tmp_path: Path, results: StudyResults) -> None:
    sentence = verdict_sentence(results.targets[0], len(results.seeds))
    assert sentence.startswith("Of 4 claims at matched gain 1 is shown, 1 is contradicted, 1 is undecided and 1 is not")
    files = render(Board((), ()), studies=folder_with(tmp_path, results))
    for page in ("findings.html", "findings/made-up.html"):
        assert sentence in words(files[page].decode()), page


def test_pages_of_a_study_on_a_toy_say_so_before_any_verdict(tmp_path: Path, results: StudyResults) -> None:
    folder = folder_with(tmp_path, results, results.model_copy(update={"name": "toy", "base_parameters": 120_000}))
    files = render(Board((), ()), studies=folder)
    said = {name: words(text.decode()) for name, text in files.items() if name.endswith(".html")}
    for page in ("findings.html", "findings/toy.html"):
        assert "toy of 120,000 parameters" in said[page]
    first = said["findings/toy.html"].index("toy of 120,000 parameters")
    assert first < said["findings/toy.html"].index(verdict_sentence(results.targets[0], len(results.seeds)))
    assert said["findings.html"].count("toy of") == 1
    assert "toy of" not in said["findings/made-up.html"]


def test_the_matrix_has_every_test_in_words(tmp_path: Path, results: StudyResults) -> None:
    matrix = shown(tmp_path, results).split('<table class="matrix')[1].split("</table>")[0]
    cells = re.findall(r'<td class="cell ([a-z-]+)"[^>]*title="([^"]+)"><b>([a-z ]+)</b>', matrix)
    assert [word for _, _, word in cells] == [CLAIM_WORDS[test.verdict] for test in results.targets[0].claims]
    assert all(name == word.replace(" ", "-") for name, _, word in cells)
    told = {word: unescape(said) for _, said, word in cells}
    assert "High keeps more than Low" in told["shown"]
    assert told["not reached"] == "Dead gets there with 2 of 3 seeds; High gets there with 3 of 3 seeds"


def test_every_checkpoint_is_in_the_table_that_stands_for_the_drawings(tmp_path: Path, results: StudyResults) -> None:
    table = words(shown(tmp_path, results).split("Every checkpoint along training")[1].split("</table>")[0])
    for training in results.targets[0].trainings:
        for curve in training.curves:
            for point in curve.points:
                row = f"{training.title}, seed {curve.seed}, step {point.step} {percent(point.score)}"
                assert " ".join(row.split()) in table


def test_what_a_study_lacks_is_said(tmp_path: Path, results: StudyResults) -> None:
    text = words(shown(tmp_path, results.model_copy(update={"missing": ("jigsaw/sft-seed1",), "quick": True})))
    assert "Not in these numbers: jigsaw/sft-seed1." in text
    assert "quick form" in text
    assert "Not drawn: Wide: learns from samples of its own" in text
    assert "Dead failed to learn the target" in text


def test_one_seed_has_no_mean_and_no_words_about_seeds(tmp_path: Path) -> None:
    text = words(shown(tmp_path, study({"a": Arm((0.9,)), "b": Arm((0.2,))}, [("a", "b")])))
    assert text.count("One seed: undecided.") == 2
    assert "mean over seeds" not in text.lower().split("all numbers")[1]
    assert "Strong:" not in text


def test_hostile_names_are_text(tmp_path: Path, results: StudyResults) -> None:
    target = results.targets[0]
    fields: dict[str, Any] = {
        "trainings": tuple(each.model_copy(update={"title": HOSTILE}) for each in target.trainings),
        "claims": tuple(each.model_copy(update={"source": HOSTILE}) for each in target.claims),
        "target": HOSTILE,
    }
    hostile = results.model_copy(
        update={
            "title": HOSTILE,
            "base": HOSTILE,
            "missing": (HOSTILE,),
            "targets": (target.model_copy(update=fields), target),
        }
    )
    for page in ("findings/made-up.html", "findings.html"):
        folder = tmp_path / page.replace("/", "-")
        folder.mkdir()
        html = shown(folder, hostile, page)
        assert "<img" not in html
        assert "\u202e" not in html
        assert "{{ 7*7 }}" in html
        ids = re.findall(r'id="([^"]*)"', html)
        assert len(ids) == len(set(ids))


def test_papers_are_linked_by_their_numbers_alone() -> None:
    assert cited_works("arXiv 2506.23508: x") == {"arXiv 2506.23508": "https://arxiv.org/abs/2506.23508"}
    assert cited_works('arXiv 25"><b>: x') == {}


def test_two_targets_of_one_name_have_their_own_anchors(results: StudyResults) -> None:
    (finding,) = findings([results.model_copy(update={"targets": results.targets * 2})])
    assert [view.id for view in finding.targets] == ["jigsaw-1", "jigsaw-2"]


def test_the_same_results_give_the_same_bytes(tmp_path: Path, results: StudyResults) -> None:
    folder = folder_with(tmp_path, results)
    assert render(Board((), ()), studies=folder) == render(Board((), ()), studies=folder)
