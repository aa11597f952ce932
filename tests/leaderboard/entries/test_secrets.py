"""Credentials are found by their forms, and what only looks a little like one is left alone."""

from pathlib import Path

import pytest

from leaderboard.entries.secrets import find_secret

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('"commit": "hf_' + "aB3" * 11 + '"', "a Hugging Face token"),
        ("ghp_" + "a1" * 18, "a GitHub token"),
        ("github_pat_" + "a" * 30, "a GitHub token"),
        ("glpat-" + "a" * 20, "a GitLab token"),
        ("summary: used sk-proj-" + "a" * 30, "an API key"),
        ("AIza" + "a" * 35, "an API key"),
        ("AKIA" + "A1" * 8, "a cloud access key"),
        ("xoxb-1234567890-abc", "a Slack token"),
        ("pypi-" + "A" * 60, "a PyPI token"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.x", "a signed web token"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "a private key"),
        ("https://ada:hunter22@example.org/x", "a password in an address"),
        ('"WANDB_API_KEY": "0123abcd0123abcd"', "a secret beside its name"),
        ("HF_TOKEN=abcdefgh1", "a secret beside its name"),
        ("password: correcthorse", "a secret beside its name"),
    ],
)
def test_a_credential_is_told_by_its_form(text: str, kind: str) -> None:
    assert find_secret(text) == kind
    assert find_secret(f"x: 1\n{text}\ny: 2") == kind


@pytest.mark.parametrize(
    "text",
    [
        "tokens: 100000000",
        "n_output_tokens: 12345678",
        "hf_transfer 0.1.9",
        "revision: " + "a1" * 20,
        "sha256: " + "0" * 64,
        "tokenizer_digest: " + "0" * 64,
        "summary: the secret of its success is data",
        "https://example.org/a:b@c",
        "task-sk-1",
        "bos_token: <s>",
    ],
)
def test_what_is_no_credential_passes(text: str) -> None:
    assert find_secret(text) is None


def test_what_is_shipped_holds_none() -> None:
    files = [*ROOT.glob("submissions/*/manifest.yaml"), *ROOT.glob("submissions/*/tuned/run.json"),
             *ROOT.glob("leaderboard/data/bases/*/*/run.json")]  # fmt: skip
    assert len(files) >= 5
    assert [find_secret(path.read_text("utf-8")) for path in files] == [None] * len(files)
