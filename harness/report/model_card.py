"""Model card: a pair of one's own as the hub states results, and putting that into a card that is there."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.errors import RetentionError
from harness.report.hub import NAME, Stated, eval_results, model_index
from harness.scoring import Scorecard
from harness.temporary import passing_folder

EVIDENCE = "self-reported"
_FRONT_MATTER = re.compile(r"(?P<open>\s*---\r?\n)(?P<inside>.*?)\r?\n(?P<close>---[ \t]*(?:\r?\n|\Z))", re.DOTALL)
RESULTS_FILE = Path(".eval_results") / "retentionbench.yaml"


@dataclass(frozen=True)
class CardBlock:
    """What a model's repository on the hub says of one pair: ``model_index`` for the front matter of its README,
    ``eval_results`` for ``.eval_results/retentionbench.yaml`` (None where retention is not defined)."""

    model_index: dict[str, Any]
    eval_results: list[dict[str, Any]] | None

    def to_text(self) -> str:
        """Both in YAML, each under a comment that says where it goes."""
        parts = ["# Front matter of README.md\n", to_yaml(self.model_index)]
        if self.eval_results is not None:
            parts += [f"\n# {RESULTS_FILE}\n", to_yaml(self.eval_results)]
        return "".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Both as one JSON object."""
        return self.model_index | {"eval_results": self.eval_results}

    def write(self, readme: Path) -> list[Path]:
        """Put it into ``readme`` and beside it, and return the files written.

        All else in them stays, results of others too; those of this project on the same suite, target and base are
        replaced. ``RetentionError`` where something there cannot be read; nothing is written then.
        """
        front = _merged(readme, _front_matter(readme), self.model_index)
        results = readme.parent / RESULTS_FILE
        entries = _with_others(results, self.eval_results)
        try:
            _save(readme, front)
            if entries:
                results.parent.mkdir(exist_ok=True)
                results.write_text(to_yaml(entries), encoding="utf-8")
        except OSError as error:
            raise RetentionError(f"{readme}: cannot be written ({error.strerror}); name a file in a folder") from error
        return [readme, results] if entries else [readme]


def card_block(card: Scorecard, *, date: str | None = None) -> CardBlock:
    """The block of ``card``, marked as self-reported; ``date`` is when the tuned model was run.

    ``RetentionError`` for a pair that a screening left early, and for one of which no number is defined.
    """
    if card.screened:
        raise RetentionError(
            f"{card.tuned.name}: screened, so that its numbers are optimistic; evaluate the whole suite"
        )
    stated = Stated(
        model=card.tuned.name,
        base=card.base.name,
        target=None if card.target is None else card.target.family,
        suite=(card.suite.name, card.suite.version),
        evidence=EVIDENCE,
        date=date,
        arguments={"evidence": EVIDENCE, "signature": card.signature},
    )
    index = model_index(card, stated)
    if not index["model-index"][0]["results"][0]["metrics"]:
        why = card.reasons["retention_macro"]
        raise RetentionError(f"{card.tuned.name}: no number for a card is defined, without a target and {why}")
    return CardBlock(index, eval_results(card, stated))


def to_yaml(document: Any) -> str:
    """YAML with keys in their order, one line a text."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=10_000)


def _front_matter(readme: Path) -> dict[str, Any]:
    from huggingface_hub.repocard import metadata_load

    if readme.is_dir():
        raise RetentionError(f"{readme}: a folder; name the card in it ({readme / 'README.md'})")
    if not readme.exists():
        return {}
    try:
        found = metadata_load(readme)
    except (OSError, UnicodeDecodeError, ValueError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RetentionError(f"{readme}: its front matter cannot be read ({reason}); correct it first") from error
    return found or {}


def _save(readme: Path, front: dict[str, Any]) -> None:
    """Write the front matter of ``readme``, the text below it kept, in one step."""
    from huggingface_hub.repocard import metadata_save

    with passing_folder(beside=readme) as folder:
        copied = folder / readme.name
        if readme.exists():
            shutil.copy(readme, copied)
        edited = _edited(copied, front)
        if edited is None:
            metadata_save(copied, front)
        else:
            copied.write_text(edited, encoding="utf-8", newline="")
        copied.replace(readme)


def _edited(readme: Path, front: dict[str, Any]) -> str | None:
    """The text of ``readme`` with only its ``model-index`` changed, so that comments and spelling of all else stay.

    None where that does not give ``front``: no front matter yet, or an index in a form that has no lines of its own.
    """
    text = readme.read_bytes().decode("utf-8-sig") if readme.exists() else ""
    found = _FRONT_MATTER.match(text)
    if found is None:
        return None
    end = "\r\n" if found["open"].endswith("\r\n") else "\n"
    lines = f"{found['inside']}{end}".splitlines(keepends=True)
    start = next((at for at, line in enumerate(lines) if line.startswith("model-index:")), len(lines))
    rest = lines[start + 1 :]
    after = next((at for at, line in enumerate(rest) if line.strip() and line[0] not in " \t-"), len(rest))
    index = to_yaml({"model-index": front["model-index"]}).replace("\n", end)
    inside = "".join([*lines[:start], index, *rest[after:]])
    return f"{found['open']}{inside}{found['close']}{text[found.end() :]}" if yaml.safe_load(inside) == front else None


def _with_others(path: Path, entries: list[dict[str, Any]] | None) -> list[Any]:
    """``entries`` after those of other suites and targets that ``path`` has already."""
    if entries is None:
        return []
    try:
        there = yaml.safe_load(path.read_text("utf-8")) if path.exists() else []
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RetentionError(f"{path}: cannot be read as YAML; correct or delete it first") from error
    if not isinstance(there or [], list):
        raise RetentionError(f"{path}: not a list of results; correct or delete it first")
    new = [each["dataset"] for each in entries]
    return [each for each in there or [] if not (isinstance(each, dict) and each.get("dataset") in new)] + entries


def _merged(readme: Path, front: dict[str, Any], block: dict[str, Any]) -> dict[str, Any]:
    """``front`` with the results of ``block`` in its ``model-index``, in place of those of the same pair."""
    (new,) = block["model-index"]
    models = front.get("model-index") or []
    if not isinstance(models, list) or not all(isinstance(model, dict) for model in models):
        raise RetentionError(f"{readme}: model-index is not a list of models; correct it first")
    if not models:
        return front | {"model-index": [new]}
    # The hub shows the first model of a card, which is the one that the repository holds.
    first, *others = models
    there = first.get("results") or []
    if not isinstance(there, list):
        raise RetentionError(f"{readme}: the results in its model-index are not a list; correct them first")
    results = [each for each in there if not _same(each, new["results"][0])]
    return front | {"model-index": [first | {"results": results + new["results"]}, *others]}


def _same(old: Any, new: dict[str, Any]) -> bool:
    """Whether ``old`` is of this project, on the same suite, for the same target, from the same base."""
    try:
        data, task = old["dataset"], old["task"]
        is_ours = str(data["name"]).startswith(f"{NAME} ")
        same = (data["type"], task["name"], data["args"]["base"])
    except (KeyError, TypeError):
        return False
    return is_ours and same == (new["dataset"]["type"], new["task"]["name"], new["dataset"]["args"]["base"])
