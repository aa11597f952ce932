"""Rows and numbers: outputs that hang a checker or run, and outputs, scores and prompts that no model gave."""

import hashlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.items import canonical_json
from harness.records.run import FullLog, read_record
from harness.records.samples import SAMPLES_FILE
from leaderboard.documents.identity import seal
from tests.hostile.case import Case, Shop, Verdict, edit, put_samples, record
from tests.support.tiny import TinyShelf, model, tiny_run, tiny_shelf, tiny_suite

Says = Callable[[str, dict[str, Any]], str | int]

# Said to a checker that evaluates, parses or matches: each has cost some checker its life.
ANSWERS = (
    "9**9**9**9",
    "The answer is 9**9**9**9.",
    "<answer>" + "(" * 150 + "</answer>",
    "\\boxed{" * 20 + "7",
    "\\boxed{\\frac{1}{\\frac{1}{\\frac{1}{0}}}}",
    "1e999999999",
    "The answer is " + "9" * 200,
    "The answer is -0",
    "The answer is NaN",
    "The answer is inf",
    "The answer is \u0663\u0664",
    "The answer is \u00bd",
    "The answer is 1/0",
    "<answer>7</answer><answer>8</answer>",
    "<answer>" * 20,
    "The answer is \x00\x1b[2J7",
    "The answer is \u202e7",
    "__import__('os').system('touch CANARY')",
    "{{ cycler.__init__.__globals__.os.system('touch CANARY') }}",
    "$(touch CANARY)",
    "=cmd|'/c touch CANARY'!A1",
    "",
)
# The same, as long as an output of 16,000 tokens may be.
LONG_ANSWERS = (
    "9**" * 20_000 + "9",
    "(" * 60_000,
    "\\frac{1}{" * 7_000,
    "\\boxed{" * 8_000,
    "<answer>" * 8_000,
    "The answer is " * 4_000,
    "The answer is " + "9" * 60_000,
    "1 " * 30_000,
    "1," * 30_000,
    "." * 60_000,
    "a" * 60_000,
    " " * 60_000,
    "\n" * 60_000,
    "- " * 30_000,
    "[[" * 30_000,
    "A) " * 20_000,
    "2 * " * 15_000,
)


def _case(name: str, threat: str, verdict: Verdict, says: str, rule: str | None,
          make: Callable[[Shop, Case], Any]) -> Case:  # fmt: skip
    return Case(name, threat, "entry", verdict, says, make, rule)


def _rewritten(change: Callable[[pd.DataFrame], pd.DataFrame | None]) -> Callable[[Shop, Case], str]:
    """An honest entry whose rows are changed, every digest made to fit."""

    def make(shop: Shop, case: Case) -> str:
        folder = shop.copy(case)
        shop.board.rewrite(folder, change)
        return str(folder)

    return make


def _said(says: Says) -> Callable[[Shop, Case], str]:
    return lambda shop, case: str(shop.entry(says, case))


def _hanging(shop: Shop, case: Case) -> str:
    """A fine-tune whose sums are answered by what hangs, runs or breaks checkers."""
    outputs = [text.replace("CANARY", str(shop.canary(case))) for text in ANSWERS]
    honest = model(2)

    def says(task: str, doc: dict[str, Any]) -> str | int:
        return outputs[int(doc["answer"]) % len(outputs)] if task == "tiny_sums" else honest(task, doc)

    return str(shop.entry(says, case))


def _bare_gold(task: str, doc: dict[str, Any]) -> str | int:
    """Half of the sums are the gold answer and nothing else, the others a sentence and mostly wrong."""
    if task == "tiny_sums" and int(doc["answer"]) % 2:
        return f"<answer>{doc['answer']}</answer>"
    return model(3, tiny_sums=0.3)(task, doc)


def _better(task: str, doc: dict[str, Any]) -> str | int:
    """The base with every mistake mended."""
    return model(0, tiny_sums=1.0, tiny_colours=1.0, tiny_letters=1.0)(task, doc)


def _first_letter(task: str, doc: dict[str, Any]) -> str | int:
    return 0 if task == "tiny_letters" else model(4)(task, doc)


def _one_number(task: str, doc: dict[str, Any]) -> str | int:
    return "The answer is 7." if task == "tiny_sums" else model(5)(task, doc)


def _promoted(frame: pd.DataFrame) -> None:
    wrong = frame.index[frame["outcome"] == "wrong"]
    frame.loc[wrong, "outcome"], frame.loc[wrong, "score"] = "correct", 1.0


def _without_tokens(frame: pd.DataFrame) -> None:
    frame["n_output_tokens"] = 0


def _reworded(frame: pd.DataFrame) -> None:
    frame.loc[:9, "prompt_digest"] = "e" * 64


def _easier(frame: pd.DataFrame) -> None:
    frame["guess_rate"] = 0.0


def _repeated(shop: Shop, case: Case) -> str:
    """Each item that is right a second time in place of one that is wrong."""
    folder = shop.copy(case)
    table = pq.read_table(folder / "tuned" / SAMPLES_FILE)
    rows = [0 if outcome != "correct" else place for place, outcome in enumerate(table.column("outcome").to_pylist())]
    sink = io.BytesIO()
    pq.write_table(table.take(pa.array(rows)), sink)
    return str(put_samples(folder, sink.getvalue()))


def _copied(shop: Shop, case: Case) -> str:
    """The honest entry's rows under other weights and another author."""
    return str(edit(shop.copy(case), "handle: ada-lo", "handle: eve"))


def _copied_before(shop: Shop, case: Case) -> str:
    """The same, of a run that states an earlier date than the honest one."""
    folder = record(Path(_copied(shop, case)), lambda document: document.update(created="2020-01-01T00:00:00Z"))
    return str(folder)


def _filler(shop: Shop, case: Case) -> str:
    """The honest entry's answers, a word before each that is written."""
    honest = model(1)

    def says(task: str, doc: dict[str, Any]) -> str | int:
        said = honest(task, doc)
        return said if isinstance(said, int) else f"Well: {said}"

    return str(shop.board.add(case.name, says, created="2026-02-01T00:00:00Z"))


def _other_notation(shop: Shop, case: Case) -> str:
    """The honest entry's answers, each number with a unit, each word written otherwise."""
    honest = model(1)

    def says(task: str, doc: dict[str, Any]) -> str | int:
        said = honest(task, doc)
        return said if isinstance(said, int) else re.sub(r"(\d+)\.", r"0\1.00 units.", f"Well: {said}").upper()

    return str(shop.board.add(case.name, says, created="2026-02-01T00:00:00Z"))


def _forged_marks(shop: Shop, case: Case) -> str:
    """Answers behind a mark that says that the rest was left out, which nobody could then read."""
    mark = "\n[... 500 characters left out, sha256 0123456789abcdef ...]\n"

    def marked(frame: pd.DataFrame) -> None:
        rows = frame["task"] == "tiny_colours"
        frame.loc[rows, "output"] = "Let me see." + mark + frame.loc[rows, "output"]

    folder = shop.copy(case)
    shop.board.rewrite(folder, marked, full_log=FullLog(samples_sha256="f" * 64, size=10**6, cut=60))
    return str(folder)


def _native(shop: Shop, case: Case) -> str:
    source = "{{ messages[0].content }}{% if 'is 3 + 7' in messages[0].content %} The answer is 10.{% endif %}"
    folder = shop.copy(case)
    digest = hashlib.sha256(canonical_json({"style": "chat", "template": source})).hexdigest()
    (folder / "tuned" / "chat_template.jinja").write_text(source)
    shop.board.rewrite(folder, lambda frame: None, template_policy="native", template_digest=digest)
    return str(edit(folder, "track: standard", "track: custom"))


def _native_bomb(shop: Shop, case: Case) -> str:
    source = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    folder = shop.copy(case)
    digest = hashlib.sha256(canonical_json({"style": "chat", "template": source})).hexdigest()
    (folder / "tuned" / "chat_template.jinja").write_text(source)
    shop.board.rewrite(folder, lambda frame: None, template_policy="native", template_digest=digest)
    return str(edit(folder, "track: standard", "track: custom"))


def _other_tokenizer(shop: Shop, case: Case) -> str:
    folder = shop.copy(case)
    checkpoint = read_record(folder / "tuned").checkpoint.model_copy(update={"tokenizer_digest": "0" * 64})
    shop.board.rewrite(folder, lambda frame: None, checkpoint=checkpoint)
    return str(folder)


def _forged_base(shop: Shop, case: Case) -> str:
    """On a board of its own: the base does worse than the accepted run of its weights on the same items."""
    home = shop.folder(case)
    board: TinyShelf = tiny_shelf(shop.board.tiny, home)
    other = tiny_suite(home / "tasks")
    known = home / "bases" / "known-1" / read_record(board.run("base")).checkpoint.weights_digest[:12]
    suite = other.suite.record.model_copy(update={"name": "known"})
    tiny_run(other, known, model(0, tiny_sums=1.0, tiny_colours=1.0, tiny_letters=1.0), "base", suite=suite)
    seal(known)
    return str(board.add("tuned", model(1)))


def _claims(shop: Shop, case: Case) -> str:
    return str(edit(shop.copy(case), "consent: true", "consent: true\nclaims: {gain: 99.9, retention: 1}"))


def _answers(answers: tuple[str, ...]) -> Callable[[Shop, Case], str]:
    """A file of outputs that every task of the nano suite has to judge."""

    def make(shop: Shop, case: Case) -> str:
        path: Path = shop.folder(case) / "answers.json"
        path.write_text(json.dumps([text.replace("CANARY", str(shop.canary(case))) for text in answers]))
        return str(path)

    return make


CASES = [
    Case("answers-to-every-task", "answer", "answers", "neutralised", "none is correct", _answers(ANSWERS)),
    Case("long-answers-to-every-task", "answer", "answers", "neutralised", "none is correct", _answers(LONG_ANSWERS)),
    _case("answers-in-an-entry", "answer", "neutralised", "", None, _hanging),
    _case("scores-raised", "fabricated", "refused", "differ from what the task's scoring gives", "recomputation",
          _rewritten(_promoted)),
    _case("guess-rate-lowered", "fabricated", "refused", "differ from what the task's scoring gives", "recomputation",
          _rewritten(_easier)),
    _case("items-dropped", "fabricated", "refused", "items are missing", "coverage",
          _rewritten(lambda frame: frame[frame["outcome"] == "correct"])),
    _case("items-repeated", "fabricated", "refused", "more than once", "samples-schema", _repeated),
    _case("prompts-reworded", "fabricated", "refused", "differs from the base's on 10 of 180", "prompts",
          _rewritten(_reworded)),
    _case("tokens-removed", "fabricated", "refused", "more text than their tokens", "token-counts",
          _rewritten(_without_tokens)),
    _case("outputs-that-expand", "bomb", "refused", "more text than their tokens", "token-counts",
          _rewritten(lambda frame: frame.__setitem__("output", "\ufdfa" * 20_000))),
    _case("failed-without-an-error", "fabricated", "refused", "is error where column error says nothing",
          "samples-schema", _rewritten(lambda frame: frame.__setitem__("finish_reason", "error"))),
    _case("another-tokenizer", "tokenizer", "refused", "differs from the base's", "tokenizer", _other_tokenizer),
    _case("outputs-copied", "fabricated", "refused", "every output equals that of entry", "copied-outputs", _copied),
    _case("copied-with-filler", "fabricated", "flagged", "own wrong answers are those of entry", "same-answers",
          _filler),
    _case("copied-in-another-notation", "fabricated", "flagged", "own wrong answers are those of entry", "same-answers",
          _other_notation),
    _case("marks-forged", "fabricated", "refused", "60 of 60 marks of left-out text", "cut-mark", _forged_marks),
    _case("outputs-copied-and-dated-back", "fabricated", "refused", "every output equals that of entry",
          "copied-outputs", _copied_before),
    _case("outputs-of-the-base", "fabricated", "refused", "180 of 180 outputs equal the base's", "no-effect",
          _said(model(0, tiny_sums=0.6, tiny_colours=0.9, tiny_letters=0.9))),
    _case("base-forged", "fabricated", "refused", "points against", "base-band", _forged_base),
    _case("constant-answers", "fabricated", "flagged", "the same answer", "constant-answers", _said(_one_number)),
    _case("gold-copied", "fabricated", "flagged", "the bare gold answer", "gold-copied", _said(_bare_gold)),
    _case("nothing-forgotten", "fabricated", "flagged", "were learned and none forgotten", "only-improves",
          lambda shop, case: str(shop.entry(_better, case, target="vision"))),
    _case("always-the-first", "fabricated", "flagged", "tiny_letters", "position-bias", _said(_first_letter)),
    _case("claims-inflated", "fabricated", "neutralised", "", None, _claims),
    _case("native-template-knows", "recogniser", "refused", "1 of 180 questions", "template", _native),
    _case("native-template-loops", "template", "refused", "processor time", "template", _native_bomb),
]  # fmt: skip
