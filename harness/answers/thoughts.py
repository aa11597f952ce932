"""Thoughts: where a model's thinking aloud ends and its answer begins."""

import re

_END = re.compile(r"</think(?:ing)?>", re.IGNORECASE)


def after_thought(output: str) -> str:
    """What stands behind the last ``</think>``, or the whole output: an answer weighed in a thought is not stated."""
    return _END.split(output)[-1]
