"""Texts: what names, notes, addresses, outputs and events may say, and a board on which all of them stand.

:func:`hostile_board` writes entries whose every text is hostile, for tests of the site; ``shown`` says what of a text
may be left to see.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from harness.records.run import RECORD_FILE
from harness.records.samples import file_sha256
from leaderboard.documents.identity import seal
from leaderboard.documents.manifest import MANIFEST_FILE
from leaderboard.documents.plain_yaml import Node, read_plain_yaml
from leaderboard.documents.text import clean, deceptive
from leaderboard.ledger.events import Flagged, Submitted, append
from tests.hostile.case import Case, Shop, put
from tests.support.accepting import maintained
from tests.support.synthetic import SyntheticTask, synthetic_run
from tests.support.synthetic_board import Folders, add_entry, folders

MARKUP = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "<svg/onload=alert(3)>",
    '"><iframe src=javascript:alert(4)>',
    "' onmouseover='alert(5)",
    "</title><style>*{display:none}</style>",
    "<a href='javascript:alert(6)'>x</a>",
    "<!--",
    "]]><![CDATA[",
    "&lt;b&gt; &#60;i&#62;",
    "{{ 7 * 7 }}{% raw %}{# c #}",
    "${7*7} #{7*7} <%= 7*7 %>",
)
CITED = ("x}, author={Eve}, note={y", "\\input{/etc/passwd}", "@article{x,", "% comment", "x \\\\ $y$ #1 &", '"x" # y')
MARKDOWN = (
    "[x](javascript:alert(7))",
    "![x](https://evil.example/x.png)",
    "` ``` `",
    "# x | y",
    "@maintainer #1",
    "*x* _y_",
)
FORMULAS = (
    "=cmd|'/c calc'!A1",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "x;=1+1",
    "\t=1+1",
    '\uff1dHYPERLINK("https://evil.example")',
)
UNSEEN = (
    "\u202egnp.exe",
    "na\u200bno",
    "\u2066x\u2069",
    "x\x1b[2J\x1b]0;y\x07",
    "a\u0301" * 3 + "\u0335" * 60,
    "\ue000\ufeffx",
    "one\ntwo\r\nthree",
    "nul\x00l",
    "\U000e0041\U000e0042tags",
    "va\ufe0fri\u034fa\u17b4n\u180bt\u2800s",
)
STRINGS = (*MARKUP, *CITED, *MARKDOWN, *FORMULAS, *UNSEEN)


def shown(text: str, cap: int = 500) -> str:
    """What a reader may see of a text by others."""
    return clean(text, cap) or "\N{EN DASH}"


def restate(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Change the manifest of an entry as somebody with an editor would, and seal it again."""
    document: Node = read_plain_yaml(folder / MANIFEST_FILE)
    assert isinstance(document, dict)
    change(document)
    return put(folder, MANIFEST_FILE, yaml.safe_dump(document, allow_unicode=True, sort_keys=False))


def hostile_board(root: Path) -> tuple[Folders, Path]:
    """A board of hostile texts, and its folder of events: every free text of every entry is one of ``STRINGS``.

    The tasks, families and groups are hostile too, as are all outputs, the reasons of events, and the names of two
    folders that are left out.
    """
    made = folders(root)
    tasks = [SyntheticTask("jigsaw_2x2", "jigsaw", "spatial", 1 / 24, n=60)]
    tasks += [SyntheticTask(text[:60], f"family {text[:60]}", f"group {text[:60]}", n=60) for text in MARKUP[:5]]
    accuracy = {task.name: 0.9 for task in tasks} | {"jigsaw_2x2": 0.2}
    said: dict[str, Any] = {"output": lambda task, place, outcome: STRINGS[place % len(STRINGS)]}
    synthetic_run(made.runs / "base", tasks, name="nano-base", accuracy=accuracy, **said)
    names = [text for text in STRINGS if deceptive(text) is None]
    for number in range(0, len(STRINGS), 4):
        text, *others = (STRINGS * 2)[number : number + 5]
        prepared = add_entry(
            made, f"entry-{number}", {**accuracy, "jigsaw_2x2": 0.4 + number / 100}, seed=number + 1, tasks=tasks,
            **said, packages={text: text}, commit=text,
        )  # fmt: skip
        restate(prepared.folder, partial(_with_texts, texts=[names[number % len(names)], text, *others]))
        _recorded_events(root / "events", prepared.folder, text)
    for name in ("bbb<script>alert(8)<", "ccc\u202e\x1b[2J"):
        (made.submissions / name).mkdir()
    return made, maintained(root / "events")


def _with_texts(document: dict[str, Any], texts: Sequence[str]) -> None:
    name, summary, replay, chosen, data, license_ = texts
    document["tuned"]["local"] = name
    document["method"] |= {"summary": summary, "replay": replay}
    document["selection"]["chosen_by"] = chosen
    document["training_data"] = [{"id": data, "role": "train", "license": license_, "overlap_with_suite": "unknown"}]


def _recorded_events(events: Path, folder: Path, text: str) -> None:
    """The entry's files as its ledger records them, and a doubt in the same words."""
    files = {path.relative_to(folder).as_posix(): file_sha256(path) for path in folder.rglob("*") if path.is_file()}
    append(
        events, Submitted, folder.name, "mo", name=text, suite="synthetic-1", target="jigsaw", base=text,
        contact="ada", base_samples_sha256="0" * 64, tuned_samples_sha256="1" * 64, files=files,
    )  # fmt: skip
    append(events, Flagged, folder.name, "mo", reason=text)


def _stated(change: Callable[[dict[str, Any]], object]) -> Callable[[Shop, Case], str]:
    return lambda shop, case: str(restate(shop.copy(case), change))


def _named(text: str) -> Callable[[Shop, Case], str]:
    return _stated(lambda document: document["tuned"].update(local=text))


def _twin(name: str, says: str, handle: str, tuned: str, algorithm: str) -> Case:
    """An entry of this account, name and algorithm, beside the honest one."""

    def change(document: dict[str, Any]) -> None:
        document["contact"]["handle"] = handle
        document["tuned"]["local"] = tuned
        document["method"]["algorithm"] = algorithm

    return Case(name, "twin", "entry", "refused", says, _stated(change), "twin")


def _noted(*texts: str) -> Callable[[Shop, Case], str]:
    """Up to four texts, each in a field of free text of its own."""
    summary, replay, chosen, license_ = (texts * 4)[:4]

    def change(document: dict[str, Any]) -> None:
        document["method"] |= {"summary": summary, "replay": replay}
        document["selection"]["chosen_by"] = chosen
        data = {"id": f"id {license_}"[:500], "role": "train", "license": license_, "overlap_with_suite": "unknown"}
        document["training_data"] = [data]

    return _stated(change)


def _linked(url: str) -> Callable[[Shop, Case], str]:
    return _stated(lambda document: document.update(references=[url]))


def _homoglyph_repository(document: dict[str, Any]) -> None:
    del document["tuned"]["local"]
    document["tuned"] |= {"repo": "Qw\u0435n/x", "revision": "0" * 40}


def _recorded(shop: Shop, case: Case) -> str:
    """Hostile texts in the fields of a record that nothing else pins."""
    folder = shop.copy(case)
    path = folder / "tuned" / RECORD_FILE
    document = json.loads(path.read_text("utf-8"))
    document |= {"commit": MARKUP[0], "packages": {MARKUP[2]: MARKUP[3]}}
    path.write_text(json.dumps(document), "utf-8")
    seal(folder)
    return str(folder)


def _name(name: str, threat: str, text: str) -> Case:
    return Case(name, threat, "entry", "neutralised", "", _named(text), texts=(text,))


def _notes(name: str, threat: str, texts: tuple[str, ...]) -> Iterator[Case]:
    for start in range(0, len(texts), 4):
        part = texts[start : start + 4]
        yield Case(f"{name}-{start // 4 + 1}", threat, "entry", "neutralised", "", _noted(*part), texts=part)


def _refused(name: str, threat: str, says: str, make: Callable[[Shop, Case], str]) -> Case:
    return Case(name, threat, "entry", "refused", says, make, "manifest-schema")


CASES = [
    *_notes("markup-in-notes", "markup", MARKUP),
    _name("markup-in-a-name", "markup", MARKUP[1]),
    _name("expression-in-a-name", "markup", MARKUP[10]),
    Case("markup-in-the-record", "markup", "entry", "neutralised", "", _recorded, texts=()),
    _refused("script-address", "markup", "https", _linked("javascript:alert(1)")),
    _refused("data-address", "markup", "https", _linked("data:text/html,<script>alert(1)</script>")),
    _refused("address-with-a-password", "markup", "https", _linked("https://example.org@evil.example/")),
    _refused("address-with-quotes", "markup", "https", _linked('https://example.org/"onclick="alert(1)')),
    _refused("address-of-lookalikes", "unicode", "https", _linked("https://ex\u0430mple.org/")),
    _refused("address-of-this-machine", "markup", "https", _linked("https://169.254.169.254/latest/meta-data")),
    *_notes("unseen-in-notes", "unicode", UNSEEN),
    _refused("bidi-name", "unicode", "invisible characters", _named("nano\u202etfs")),
    *(
        _refused(f"unseen-name-{place}", "unicode", "invisible characters", _named(f"nano{unseen}-sft"))
        for place, unseen in enumerate(
            "\ufe0f\u034f\u17b4\u180b\u2800\U000e0100\U0001d159\U00016fe4\ufffc\u2d7f", start=1
        )
    ),
    Case(
        "base-renamed",
        "markup",
        "entry",
        "refused",
        "base.local",
        _stated(lambda document: document["base"].update(local="the base, by ada")),
        "contradiction",
    ),
    _twin("twin-account", "contact.handle: ada-l0 looks like ada-lo", "ada-l0", "another", "grpo"),
    _twin("twin-name", "h0nest looks like honest", "eve", "h0nest", "grpo"),
    _twin("twin-name-of-another-script", "looks like honest", "eve", "h\u1d0fnest", "grpo"),
    _twin("same-name", "honest looks like honest", "eve", "honest", "grpo"),
    _twin("twin-algorithm", "grp0 looks like grpo", "ada-lo", "another", "grp0"),
    _refused("name-of-the-hub", "twin", "reads as a repository", _named("Qwen/Qwen2.5-VL-7B-Instruct")),
    _refused("name-of-an-address", "twin", "reads as a repository or an address", _named("https://evil.example")),
    _refused("zero-width-name", "unicode", "invisible characters", _named("na\u200bno-sft")),
    _refused("homoglyph-name", "unicode", "several scripts", _named("Qw\u0435n")),
    _refused("lookalike-name", "unicode", "look like Latin", _named("\u0430\u0441\u0435")),
    _refused("full-width-name", "unicode", "variants of plain ones", _named("\uff31wen")),
    _refused("homoglyph-repository", "unicode", "owner/name", _stated(_homoglyph_repository)),
    *(_name(f"formula-name-{number}", "formula", text) for number, text in enumerate(FORMULAS[:5], start=1)),
    *(_name(f"citation-name-{number}", "citation", text) for number, text in enumerate(CITED, start=1)),
    *(_name(f"markdown-name-{number}", "citation", text) for number, text in enumerate(MARKDOWN, start=1)),
    _refused("note-too-long", "bomb", "at most 500 characters", _noted("x" * 501)),
]
