"""Settings of the site: where its repository is, and where pull requests go; ``leaderboard/data/site.yaml``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from harness.errors import RetentionError, first_problem
from harness.records import StrictModel
from leaderboard.documents.fields import Url
from leaderboard.documents.plain_yaml import read_plain_yaml

SETTINGS_FILE = Path("leaderboard/data/site.yaml")


class SiteSettings(StrictModel):
    """What pages say of the project around them.

    ``repository`` is its https address, None where it is not published; ``branch`` is what pull requests are against.
    """

    repository: Url | None = None
    branch: Annotated[str, Field(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,99}\z")] = "main"

    @property
    def pull_requests(self) -> str | None:
        """Where a pull request with an entry is opened."""
        return None if self.repository is None else f"{self.repository.rstrip('/')}/compare/{self.branch}...HEAD"

    @property
    def issues(self) -> str | None:
        """Where an evaluation is asked for and a wrong number is reported."""
        return None if self.repository is None else f"{self.repository.rstrip('/')}/issues/new/choose"


def read_settings(path: Path) -> SiteSettings:
    """The settings in ``path``; the defaults where there is no such file.

    ``RetentionError`` names the file and the field that is not as it must be.
    """
    if not path.is_file():
        return SiteSettings()
    document = read_plain_yaml(path)
    if not isinstance(document, dict):
        raise RetentionError(f"{path}: not a mapping of fields; write repository: https://host/owner/name")
    try:
        return SiteSettings.model_validate(document)
    except ValidationError as error:
        raise RetentionError(f"{path}: {first_problem(error)}") from error
