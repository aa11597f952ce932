"""Results of studies are read back, tested again, and refused by file and field."""

from pathlib import Path

import pytest

from harness.errors import RetentionError
from harness.scoring import StudyResults
from leaderboard.site.findings.documents import read_studies
from tests.support.studies import Arm, study

ARMS = {"high": Arm((0.97, 0.98, 0.975)), "low": Arm((0.40, 0.41, 0.405))}


def folder_with(folder: Path, **studies: StudyResults) -> Path:
    for name, results in studies.items():
        (folder / f"{name}.json").write_text(results.to_json(), encoding="utf-8")
    return folder


def test_the_short_form_gives_way_to_the_whole_study(tmp_path: Path) -> None:
    quick = study(ARMS, quick=True, title="quick one")
    assert [each.title for each in read_studies(folder_with(tmp_path, a=quick))] == ["quick one"]
    assert [each.quick for each in read_studies(folder_with(tmp_path, b=study(ARMS)))] == [False]


def test_claims_are_tested_again_by_the_statistics_of_today(tmp_path: Path) -> None:
    made = study(ARMS, [("high", "low")])
    target = made.targets[0]
    old = target.claims[0].model_copy(update={"verdict": "contradicted", "p_holm": 0.9, "difference": -1.0})
    changed = target.model_copy(update={"claims": (old, *target.claims[1:])})
    stored = made.model_copy(update={"targets": (changed,), "schema_version": 1})
    (again,) = read_studies(folder_with(tmp_path, a=stored))
    assert again.targets == made.targets


def test_the_shipped_studies_are_read_as_they_are() -> None:
    folder = Path("leaderboard/data/studies")
    read = {each.name: each for each in read_studies(folder)}
    for path in folder.glob("*.json"):
        stored = StudyResults.model_validate_json(path.read_bytes())
        assert read[stored.name] == stored


def test_what_cannot_be_published_is_refused_by_file_and_field(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, a=study(ARMS))
    text = study(ARMS).to_json().replace('"quick": false', '"quick": "perhaps"')
    (folder / "b.json").write_text(text, encoding="utf-8")
    with pytest.raises(RetentionError, match=r"b.json: quick: .*copy results.json"):
        read_studies(folder)
    folder_with(folder, b=study(ARMS))
    with pytest.raises(RetentionError, match=r"b.json: name: 'made-up' would have the page of a.json"):
        read_studies(folder)


def test_no_folder_is_no_study(tmp_path: Path) -> None:
    assert read_studies(None) == read_studies(tmp_path / "nothing") == ()
