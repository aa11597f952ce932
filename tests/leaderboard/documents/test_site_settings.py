"""Settings of the site: read strictly, and named where they do not hold."""

from pathlib import Path

import pytest

from harness.errors import RetentionError
from leaderboard.documents.site_settings import SETTINGS_FILE, SiteSettings, read_settings

ROOT = Path(__file__).parents[3]


def test_without_a_file_nothing_is_linked(tmp_path: Path) -> None:
    settings = read_settings(tmp_path / "site.yaml")
    assert settings == SiteSettings()
    assert (settings.pull_requests, settings.issues) == (None, None)


def test_the_shipped_settings_are_read() -> None:
    assert read_settings(ROOT / SETTINGS_FILE).branch == "main"


def test_addresses_follow_from_the_repository(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("repository: https://example.org/owner/name/\nbranch: release\n")
    settings = read_settings(path)
    assert settings.pull_requests == "https://example.org/owner/name/compare/release...HEAD"
    assert settings.issues == "https://example.org/owner/name/issues/new/choose"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("repository: http://example.org/x", "repository: write https"),
        ("repository: https://user@example.org/x", "repository: write https"),
        ("repository: javascript:alert(1)", "repository"),
        ("branch: 'a b'", "branch"),
        ("branch: ../main", "branch"),
        ("color: red", "color"),
        ("- a", "not a mapping"),
    ],
)
def test_what_does_not_hold_is_named(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(text + "\n")
    with pytest.raises(RetentionError, match=why) as caught:
        read_settings(path)
    assert str(path) in str(caught.value)
