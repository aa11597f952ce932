"""Best: which checkpoint of a training is kept, by a number of its scorecard and a rule that it has to meet."""

import re
from collections.abc import Callable, Mapping

from harness.errors import RetentionError
from harness.scoring import Scorecard, apply_rule, parse_rule

_SAID = re.compile(r"\s*(?P<metric>\w+)(?:\s+(?P<word>if|unless)\s+(?P<rule>\S.*?))?\s*")
_VALUES: Mapping[str, Callable[[Scorecard], float | None]] = {
    "gain": lambda card: None if card.target is None else card.target.gain,
    "normalised_gain": lambda card: None if card.target is None else card.target.normalised_gain,
    "retention": lambda card: card.retention_macro,
    "retention_ratio": lambda card: card.retention_ratio,
    "worst_group": lambda card: None if card.worst_group is None else card.worst_group.retention,
    "balance": lambda card: card.balance,
}
_OF_TARGET = ("gain", "normalised_gain", "balance")


class Best:
    """``METRIC``, ``METRIC if RULE`` or ``METRIC unless RULE``: the highest METRIC, of checkpoints whose whole 95 %
    interval meets the rule, or of all but those."""

    def __init__(self, text: str) -> None:
        """``RetentionError`` names what is wrong with ``text``."""
        found = _SAID.fullmatch(text)
        metric = found["metric"] if found else ""
        if found is None or metric not in _VALUES:
            raise RetentionError(
                f"keep_best={text!r}: not {', '.join(_VALUES)}, each alone or before a rule, such as "
                "'gain unless retention < 95'"
            )
        self.metric = metric
        self.needs_target = metric in _OF_TARGET
        self._rule = parse_rule(found["rule"]) if found["rule"] else None
        self._wanted = found["word"] != "unless"

    def value(self, card: Scorecard) -> float | None:
        """The number that the highest is kept of; None where ``card`` has none, or does not count by the rule."""
        if self._rule is not None and (apply_rule(self._rule, card).state == "shown") != self._wanted:
            return None
        return _VALUES[self.metric](card)
