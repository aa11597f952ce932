"""Looks: how a training is drawn and named, the same in every drawing of a study."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.scoring import TrainingResult
from leaderboard.documents import clean
from leaderboard.site.plots import FAMILY_SHAPES

# A study's methods in the families of the board, which have a colour and a shape each.
_FAMILIES = {
    "sft": "sft",
    "replay-sft": "sft",
    "rft": "rft",
    "rollout-sft": "sft-on-rollouts",
    "simulated-rollout-sft": "sft-on-rollouts",
    "self-sft": "sft-on-rollouts",
}
# The setting of a recipe that is its learning rate.
_RATE = "optimisation.lr"
_DASHES = 4
_LONGEST_TITLE, _LONGEST_LABEL = 100, 38
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Look:
    """A training in a drawing: colour and shape of its family, a dash and a filling that tell it from its kin, its
    title for a sentence, a label for a margin, and a letter for where there is no room for the label."""

    training: TrainingResult
    family: str
    dash: int
    title: str
    label: str
    letter: str

    @property
    def shape(self) -> str:
        """The path of its mark, about 12 user units wide."""
        return FAMILY_SHAPES[self.family]

    @property
    def hollow(self) -> bool:
        return self.dash % 2 == 1


def looks(trainings: Sequence[TrainingResult]) -> dict[str, Look]:
    """The look of each training by its name, in the order of the study."""
    titles = [_title(training) for training in trainings]
    kin: dict[str, int] = {}
    found = {}
    for place, (training, title) in enumerate(zip(trainings, titles, strict=True)):
        family = _FAMILIES.get(training.method, "other")
        dash = kin[family] = kin.get(family, -1) + 1
        letter = _LETTERS[place] if place < len(_LETTERS) else str(place + 1)
        name = clean(training.name, _LONGEST_LABEL)
        said = title if titles.count(title) == 1 else name
        label = said if len(said) <= _LONGEST_LABEL else name
        found[training.name] = Look(training, family, dash % _DASHES, said, label, letter)
    return found


def _title(training: TrainingResult) -> str:
    """The title up to what explains it."""
    title = training.title.partition(":")[0].replace("learning rate ", "lr ")
    return clean(title, _LONGEST_TITLE)


def but_rate(training: TrainingResult) -> tuple[str, ...]:
    """What trainings share that differ in learning rate alone: the method and the settings besides."""
    others = (f"{name}={value}" for name, value in sorted(training.settings.items()) if name != _RATE)
    return (training.method, *others)


def rate(value: float | None) -> str:
    """A learning rate as titles write it: 1e-3, 2.5e-4, 0.5."""
    if value is None:
        return "not recorded"
    digits, _, power = f"{value:.5e}".partition("e")
    return f"{float(digits):g}e{int(power)}" if 0 < value < 0.1 else f"{value:g}"
