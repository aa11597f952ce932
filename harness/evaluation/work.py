"""Work: how much is asked, in items, tokens and images."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Work:
    """``items`` asked, ``stored`` of them answered already; the rest is counted in ``prompt_tokens`` (with those of
    images, as far as the processor's files say), ``option_tokens`` of options that are scored, ``images``, and
    ``output_tokens``, the most that answers may have. Each of several sampled answers to an item counts."""

    items: int = 0
    stored: int = 0
    prompt_tokens: int = 0
    option_tokens: int = 0
    output_tokens: int = 0
    images: int = 0

    @property
    def to_answer(self) -> int:
        return self.items - self.stored

    def __add__(self, other: "Work") -> "Work":
        return Work(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Work)))

    def times(self, count: int) -> "Work":
        """So much ``count`` times."""
        return Work(*(count * getattr(self, each.name) for each in fields(Work)))


NO_WORK = Work()
