"""Readings: one output read twice, for its content and for its form.

The content decides the outcome: what an output says, in whatever form, is knowledge all the same. The form that was
asked for is read beside it, so that a change of style shows as one (``strict``), and never as forgetting.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.answers.extraction import Judgement


@dataclass(frozen=True)
class Readings:
    """``content`` is what the output says, ``form`` the answer in the form that was asked for, unparsed in any other;
    ``details`` are further numbers of this answer."""

    content: Judgement
    form: Judgement
    details: Mapping[str, float] = field(default_factory=dict)

    def metrics(self) -> dict[str, Any]:
        """What a task's ``process_results`` returns for one item."""
        strict = self.form.metrics()
        return {
            **self.content.metrics(),
            "off_list": int(self.content.off_list),
            "strict": strict["acc"],
            "strict_unparsed": strict["unparsed"],
            "extracted": self.content.extracted,
            "layer": self.content.layer,
            **self.details,
        }
