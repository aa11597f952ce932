"""Findings: what studies showed, one page a study, every sentence and drawing made from its numbers."""

from leaderboard.site.findings.documents import read_studies
from leaderboard.site.findings.looks import rate
from leaderboard.site.findings.sentences import predicts, unbroken
from leaderboard.site.findings.views import Finding, cited_works, findings, minutes, settings

__all__ = ["Finding", "cited_works", "findings", "minutes", "predicts", "rate", "read_studies", "settings", "unbroken"]
