"""Secrets: detect what looks like a credential in a file that is about to be published.

A record never copies the environment, but it has free-text fields (packages, decoding, notes), and a pull request is
public the moment it is opened.
"""

from __future__ import annotations

import re

_WORD = r"(?<![A-Za-z0-9])"
_KINDS = {
    "a Hugging Face token": r"hf_[A-Za-z0-9]{30,64}",
    "a GitHub token": r"(gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})",
    "a GitLab token": r"glpat-[A-Za-z0-9_-]{20,64}",
    "an API key": r"(sk-[A-Za-z0-9_-]{20,200}|AIza[A-Za-z0-9_-]{35}|gsk_[A-Za-z0-9]{40,64}|xai-[A-Za-z0-9]{40,100})",
    "a cloud access key": r"(AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])",
    "a Slack token": r"xox[abeprs]-[A-Za-z0-9-]{10,200}",
    "a PyPI token": r"pypi-[A-Za-z0-9_-]{50,250}",
    "a signed web token": r"eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,2000}",
    "a private key": r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY",
    "a password in an address": r"[a-z][a-z0-9+.-]{1,20}://[^\s/@:\"']{1,100}:[^\s/@\"']{1,200}@",
}
_PATTERNS = {kind: re.compile(_WORD + pattern, re.ASCII) for kind, pattern in _KINDS.items()}
_PATTERNS["a secret beside its name"] = re.compile(
    r"(api_?key|access_?key|(auth|access|_)_?token|secret|passw(or)?d|credentials?)[\"']?\s{0,3}[:=]\s{0,3}[\"']?"
    r"(?![0-9.]+\b)[^\s\"',}]{8}",
    re.ASCII | re.IGNORECASE,
)


def find_secret(text: str) -> str | None:
    """The kind of secret that ``text`` seems to contain, in words; never the secret itself."""
    return next((kind for kind, pattern in _PATTERNS.items() if pattern.search(text)), None)
