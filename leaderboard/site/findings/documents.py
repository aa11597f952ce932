"""Documents: committed results of studies, read back and tested again."""

from pathlib import Path

from pydantic import ValidationError

from harness.errors import RetentionError, first_problem
from harness.scoring import StudyResults, retest
from leaderboard.site.views import slug


def read_studies(folder: Path | None) -> tuple[StudyResults, ...]:
    """The results in ``folder``, by file name; the short form of a study is left out where the whole one is there.

    Intervals and claims are made anew from what each seed kept, so that a document written by earlier statistics says
    what today's say. ``RetentionError`` names the file and what is wrong with it.
    """
    paths = sorted(folder.glob("*.json")) if folder is not None and folder.is_dir() else []
    found = [(path, _read(path)) for path in paths]
    whole = {study.name for _, study in found if not study.quick}
    kept = [(path, study) for path, study in found if not (study.quick and study.name in whole)]
    pages: dict[str, Path] = {}
    for path, study in kept:
        other = pages.setdefault(slug(study.name), path)
        if other != path:
            raise RetentionError(
                f"{path.name}: name: {study.name!r} would have the page of {other.name}; rename or remove one of them"
            )
    return tuple(study for _, study in kept)


def _read(path: Path) -> StudyResults:
    try:
        return retest(StudyResults.model_validate_json(path.read_bytes()))
    except ValidationError as error:
        raise RetentionError(
            f"{path.name}: {first_problem(error)}; copy results.json of `retention study` there, or remove the file"
        ) from error
