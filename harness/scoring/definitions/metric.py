"""Metric: what one number means, as an object that the command line, the pages and the schemas print."""

from __future__ import annotations

import re
import textwrap
from dataclasses import asdict, dataclass
from typing import Any, Literal

Unit = Literal["points", "percent", "ratio", "count", "number", "probability", "nats", "word"]
Section = Literal["notation", "learning", "forgetting", "diagnostics", "summary", "statistics", "studies"]

_SHOWN: dict[Unit, str] = {"points": "shown in points", "percent": "shown in per cent", "ratio": "shown in per cent",
                           "nats": "in nats"}  # fmt: skip
_ARXIV = re.compile(r"arXiv ([0-9]{4}\.[0-9]{5})")
_DOI = re.compile(r"doi:(10\.[0-9]{4,9}/[^\s;,]+)")
# Where the parts of a scorecard stand in its JSON.
_PLACES = {"Scorecard": "", "TargetScore": "target.", "GroupScore": "groups.NAME.", "TaskScore": "tasks.NAME.",
           "NoiseScore": "noise.tasks.NAME.", "DriftScore": "drift.tasks.NAME.",
           "PassAt": "tasks.NAME.pass_at."}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Metric:
    """The definition of one number.

    ``name`` is the key it is looked up by and its anchor on pages; ``title`` and ``symbol`` are how people write it.
    ``range`` is that of the stored value: rates and changes are stored as fractions and shown in per cent and points.
    ``formula`` is part of the hash of every published number that it defines: another formula is another number.
    ``fields`` are the document fields that hold it, as ``TaskScore.delta`` (a definition of the JSON Schema and one of
    its properties); ``interval`` is the field beside it with its 95 % interval.
    """

    name: str
    title: str
    formula: str
    range: str
    unit: Unit
    sentence: str
    section: Section
    symbol: str = ""
    source: str = ""
    fields: tuple[str, ...] = ()
    interval: str | None = None

    def __str__(self) -> str:
        return f"{self.label} = {self.formula}"

    @property
    def label(self) -> str:
        """Title and symbol: ``Forgotten rate (F)``."""
        return f"{self.title} ({self.symbol})" if self.symbol else self.title

    @property
    def anchor(self) -> str:
        """The place of the definition on a page: the name, with hyphens."""
        return self.name.replace("_", "-")

    @property
    def scale(self) -> str:
        """The range, and how a value is shown where that differs: ``0 to 1, shown in per cent``."""
        return f"{self.range}, {_SHOWN[self.unit]}" if self.unit in _SHOWN else self.range

    @property
    def typeset(self) -> str:
        """The formula with the signs of print for those of a keyboard."""
        text = self.formula.replace("->", "→").replace("^2", "²").replace("*", "·").replace("sqrt(", "√(")
        return re.sub(r"(?<!\S)- (?=\S)", "− ", text)

    @property
    def keys(self) -> tuple[str, ...]:
        """Where the scorecard has it: ``tasks.NAME.delta``."""
        parts = [field.split(".") for field in self.fields]
        return tuple(_PLACES[part] + name for part, name in parts if part in _PLACES)

    @property
    def links(self) -> dict[str, str]:
        """The addresses of the works that ``source`` names by an arXiv number or a DOI, by how they are named."""
        papers = {found[0]: f"https://arxiv.org/abs/{found[1]}" for found in _ARXIV.finditer(self.source)}
        return papers | {found[0]: f"https://doi.org/{found[1]}" for found in _DOI.finditer(self.source)}

    @property
    def description(self) -> str:
        """Formula and sentence, as the description of a field in a JSON Schema."""
        return f"{self.label}: {self.formula}. {self.sentence}"

    def to_dict(self) -> dict[str, Any]:
        """All that is stated of it, for JSON."""
        return asdict(self) | {"keys": self.keys}

    def to_text(self) -> str:
        """A few lines for a terminal."""
        rows = {"name": self.name, "formula": self.formula, "range": self.scale, "in JSON": ", ".join(self.keys),
                "interval": self.interval, "source": self.source}  # fmt: skip
        facts = "\n".join(f"  {label:<9} {value}" for label, value in rows.items() if value)
        sentence = textwrap.fill(self.sentence, 100, initial_indent="  ", subsequent_indent="  ")
        return f"{self.label}\n{sentence}\n\n{facts}\n"

    def to_markdown(self) -> str:
        """A part of a page in Markdown, under a heading of the third level."""
        source = self.source
        for named, address in self.links.items():
            source = source.replace(named, f"[{named}]({address})")
        facts = [f"`{self.name}`", self.scale, *([f"with a 95 % interval, `{self.interval}`"] if self.interval else []),
                 *([f"source: {source}"] if source else [])]  # fmt: skip
        return f"### {self.label}\n\n    {self.formula}\n\n{self.sentence}\n\n{'; '.join(facts)}\n"
