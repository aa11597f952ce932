"""IFEval: instructions that a program can check, such as "no commas" or "at least 300 words" (chance level 0).

    general_ifeval  Write a 300+ word summary of the wikipedia page ".." Do not use any commas and highlight at
                    least 3 sections that has titles in markdown format ..         -> three checks, all to be passed

The checks are lm-eval's own, called and not copied. Two of the 25 kinds of instruction need nltk's ``punkt_tab`` data,
which no package carries and which would be downloaded: they are left out everywhere, so that a verdict does not depend
on who has the data. 26 of the 541 prompts have no other instruction and are not asked; ``unchecked`` counts those that
an item keeps beside others. An answer is correct when it follows every instruction that is checked, to the letter;
``score`` is the share of instructions followed; ``loose`` forgives emphasis and an opening or closing line.
"""

import contextlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any
from unittest.mock import patch

from harness import plugin
from harness.answers import without_thoughts
from harness.items import Item, canonical_json
from harness.plugin import Reader
from harness.sources import Row, Source

# Kinds of instruction whose checks split a text into sentences or words with punkt_tab.
_UNCHECKED = frozenset({"length_constraints:number_sentences", "change_case:capital_word_frequency"})


def _items(rows: Iterator[Row]) -> Iterator[Item]:
    for row in rows:
        # The hub's table gives every instruction every argument, empty where it has none.
        arguments = [{name: _plain(each) for name, each in row.items() if each is not None} for row in row["kwargs"]]
        listed = list(zip(row["instruction_id_list"], arguments, strict=True))
        checked = [(kind, each) for kind, each in listed if kind not in _UNCHECKED]
        if not checked:
            continue
        checks = {
            "instructions": [kind for kind, _ in checked],
            "arguments": [each for _, each in checked],
            "unchecked": len(listed) - len(checked),
        }
        yield Item(
            task="general_ifeval",
            question=row["prompt"],
            answer=canonical_json(checks).decode(),
            target="",
            guess_rate=0,
            group=checked[0][0].partition(":")[0],
        )


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def judge(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """``process_results``: the verdicts of lm-eval's checks on the output without its thoughts; an empty
    one is unparsed."""
    # What is thought aloud is not the response, and would break "no commas" for whoever thinks.
    checks, output = _checks(), without_thoughts(results[0]) or ""
    wanted = json.loads(doc["answer"])
    asked = checks.InputExample(0, wanted["instructions"], doc["question"], wanted["arguments"])
    strict = checks.test_instruction_following_strict(asked, output)
    loose = checks.test_instruction_following_loose(asked, output)
    followed = strict.follow_instruction_list
    return {
        "acc": int(strict.follow_all_instructions),
        "score": sum(followed) / len(followed),
        "unparsed": int(not output.strip()),
        "extracted": None,
        "layer": None,
        "loose": int(loose.follow_all_instructions),
        "loose_score": sum(loose.follow_instruction_list) / len(followed),
        "unchecked": wanted["unchecked"],
    }


@cache
def _checks() -> Any:
    """lm-eval's checks, imported without the download that they start. Language detection is made repeatable."""
    import langdetect
    import nltk

    langdetect.DetectorFactory.seed = 0
    with patch.object(nltk, "download", lambda *_, **__: True), contextlib.redirect_stdout(io.StringIO()):
        from lm_eval.tasks.ifeval import utils
    return utils


TASKS: dict[str, Reader] = {
    "general_ifeval": Reader(
        (
            Source(
                "google/IFEval",
                "966cd89545d6b6acfd7638bc708b98261ca58e84",
                "train",
                "ifeval_prompts",
                files=("input_data.jsonl",),
            ),
        ),
        _items,
    )
}

load = plugin.reader(TASKS)
