"""Pairing: two runs become one table of items, or are refused (harness/README.md, invariant 1)."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.errors import CheckFailedError
from harness.records import Outcome, Run, RunRecord, Sampling, Table, TableRecord
from harness.scoring.transitions import transition_names

_SHARED = ("task", "family", "group", "cluster_id", "guess_rate")
_SIDED = ("output", "extracted", "outcome", "score", "finish_reason", "n_output_tokens")
_EXAMPLES = 3
# What may differ where the tuned side has an image processor of its own.
_PROCESSOR = ("processor", "processor_origin", "min_pixels", "max_pixels")
_CONDITIONS = {"processor": "image processor", "processor_origin": "whose image processor"}


Source = Run | Table


@dataclass(frozen=True)
class Pair:
    """A base and a tuned run that answered the same questions.

    ``items`` has one row an item, sorted by task and item id: ``item_id``, what both share (task, family, group,
    cluster_id, guess_rate), what each side did (``base_outcome``, ``base_correct``, ``base_output``, ...) and its
    ``transition``. Where answers were sampled it has one row an answer, with its ``repeat``: both sides' answers of one
    repeat were drawn with the same seed. The records are both of runs or both of bare tables.
    """

    base: RunRecord | TableRecord
    tuned: RunRecord | TableRecord
    items: pd.DataFrame


def pair(base: Source, tuned: Source) -> Pair:
    """Join two runs, or two bare tables, item by item.

    Raises ``CheckFailedError`` with counts and examples when they differ in suite, engine, tokenizer, template,
    decoding, items or prompts, when an item failed on either side, or when a run does not hold its whole suite. Of
    tables only tasks, items and the columns they have can be compared. Under the template policy "native" template and
    prompts may differ, and under an image processor of the tuned side's own the pixels; an alarm says so. A base run of
    before conditions were written down pairs with a tuned run that states them where its answers show that it would
    give the same in them; the scorecard notes it.
    """
    if isinstance(base, Run) and isinstance(tuned, Run):
        _check_records(base.record, tuned.record)
    elif isinstance(base, Table) and isinstance(tuned, Table):
        _check_tables(base.record, tuned.record)
    else:
        raise refusal("one is a run folder, the other a bare table; give the samples.parquet of the run, as a table")
    for side, run in (("base", base), ("tuned", tuned)):
        _check_rows(side, run)
    key = ["item_id", "repeat"] if "repeat" in base.samples else ["item_id"]
    left, right = base.samples, tuned.samples
    ids, others = _ids(left, key), _ids(right, key)
    _check_items(ids, others, base)
    if not others.equals(ids):
        right = right.iloc[others.get_indexer(ids)]
    unchecked = base.record.template_policy == "native" or not _both_know_prompts(base, tuned)
    for column in (*_SHARED, *(() if unchecked else ("prompt_digest",))):
        differing = ids[np.asarray(left[column].array != right[column].array, dtype=bool)]
        if len(differing):
            what = "prompts differ" if column == "prompt_digest" else f"column {column!r} differs"
            raise refusal(f"{what} on {_some(differing, len(left))}; {_way_out(base)}")
    if isinstance(base, Run) and isinstance(tuned, Run):
        if not unchecked and not tuned.record.own_processor:
            _check_prompt_tokens(left, right, ids)
        if lacks_conditions(base.record, tuned.record):
            _check_unstated(left, tuned.record, unchecked=unchecked)
    items = _joined(left, right, [*key, *_SHARED])
    _check_tasks(items)
    return Pair(base.record, tuned.record, in_item_order(items, ["task", *key]))


def _ids(rows: pd.DataFrame, key: list[str]) -> pd.Index:
    """What tells the answers of a run apart."""
    return pd.Index(rows["item_id"]) if len(key) == 1 else pd.MultiIndex.from_frame(rows[key])


def _joined(left: pd.DataFrame, right: pd.DataFrame, shared: Sequence[str]) -> pd.DataFrame:
    """The columns of ``Pair.items`` from the rows of both sides in one order."""
    sides = {"base": left, "tuned": right}
    # Arrays, not columns: nothing is to be aligned, which would cost more than all the rest.
    columns: dict[str, Any] = {column: left[column].array for column in shared}
    columns |= {f"{side}_{column}": rows[column].array for column in _SIDED for side, rows in sides.items()}
    columns |= {f"{side}_off_list": rows["off_list"].array if "off_list" in rows else False
                for side, rows in sides.items()}  # fmt: skip
    # Once for the whole pair: every number of every task asks for it.
    correct = [(rows["outcome"] == Outcome.CORRECT).to_numpy(dtype=bool) for rows in sides.values()]
    columns |= {"base_correct": correct[0], "tuned_correct": correct[1], "transition": transition_names(*correct)}
    return pd.DataFrame(columns, copy=False)


def in_item_order(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """``rows`` sorted by columns without missing values, numbered from 0."""
    keys = list(zip(*(rows[column].to_numpy().tolist() for column in by), strict=True))
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return rows.iloc[order].reset_index(drop=True) if order != list(range(len(keys))) else rows.reset_index(drop=True)


def _both_know_prompts(base: Source, tuned: Source) -> bool:
    return all(
        isinstance(source, Run) or bool((source.samples["prompt_digest"] != "").any()) for source in (base, tuned)
    )


def _way_out(source: Source) -> str:
    if isinstance(source, Run):
        return "evaluate both with one command"
    return "give two logs of the same evaluation (same tasks, same version of their data, same limit)"


def _check_records(base: RunRecord, tuned: RunRecord) -> None:
    if base.screened != tuned.screened:
        side = "base" if tuned.screened is None else "tuned"
        raise refusal(f"the {side} run was screened and holds only part of its suite; evaluate it without --screen")
    own_base = base.checkpoint.base
    if own_base is not None and own_base.weights_digest == tuned.checkpoint.weights_digest:
        raise refusal("BASE is an adapter of TUNED; give them the other way round")
    native = base.template_policy == tuned.template_policy == "native"
    facts: list[tuple[str, Any, Any]] = [
        ("suite", f"{base.suite.name}-{base.suite.version}", f"{tuned.suite.name}-{tuned.suite.version}"),
        ("suite digest", base.suite.digest, tuned.suite.digest),
        ("protocol", base.suite.protocol, tuned.suite.protocol),
        ("suite tasks", base.suite.tasks, tuned.suite.tasks),
        ("suite transfer tasks", base.suite.transfer, tuned.suite.transfer),
        ("suite adjacent tasks", base.suite.adjacent, tuned.suite.adjacent),
        ("engine", base.engine.environment, tuned.engine.environment),
        *_conditions(base, tuned),
        ("tokenizer", base.tokenizer_digest, tuned.tokenizer_digest),
        *([] if native else [("chat template", base.template_digest, tuned.template_digest)]),
        ("template policy", base.template_policy, tuned.template_policy),
        ("decoding", base.decoding, tuned.decoding),
    ]
    if base.judge != tuned.judge:
        raise refusal(
            f"judge version differs: base {base.judge}, tuned {tuned.judge}; judge both again with `retention rejudge`"
        )
    for name, mine, theirs in facts:
        if mine != theirs:
            raise refusal(
                f"{name} differs: base {_short(mine)}, tuned {_short(theirs)}; evaluate both with one command"
            )


def _conditions(base: RunRecord, tuned: RunRecord) -> list[tuple[str, Any, Any]]:
    """Each condition by its name; nothing where the base's record is of before conditions were written down."""
    if base.conditions is None:
        return []
    if tuned.conditions is None:
        raise refusal(
            "the tuned run is of an older version and does not state its conditions (length, image processor), which "
            "the base run does; evaluate both with one command"
        )
    if base.own_processor:
        raise refusal("images of the base run went through another's image processor; evaluate both with one command")
    mine, theirs = (each.conditions.model_dump() for each in (base, tuned) if each.conditions)
    own = _PROCESSOR if tuned.own_processor else ()
    names = [name for name in mine if name not in own]
    return [(_CONDITIONS.get(name, name.replace("_", " ")), mine[name], theirs[name]) for name in names]


def lacks_conditions(base: RunRecord, tuned: RunRecord) -> bool:
    """Whether only the tuned run states its conditions, as the base run is of before they were written down."""
    return base.conditions is None and tuned.conditions is not None


def _check_unstated(base: pd.DataFrame, tuned: RunRecord, *, unchecked: bool) -> None:
    """A base run that does not state its conditions is taken where its answers would be the same in the tuned run's."""
    why = "their prompts are not compared" if unchecked else _why_otherwise(base, tuned)
    if why:
        raise refusal(
            "the base run is of an older version and does not state its conditions (length, image processor), which "
            f"the tuned run does, and {why}; evaluate both with one command"
        )


def _why_otherwise(base: pd.DataFrame, tuned: RunRecord) -> str:
    """Why the base might answer otherwise in the conditions of the tuned run; empty where it cannot.

    The base's answers end at its own tokens in either, so one token is the same one. Answers of a task that its budget
    cut are equally long, and those that the length cut are not.
    """
    stated = tuned.conditions
    if stated is None:
        return ""
    if tuned.own_processor:
        return "the tuned checkpoint's own image processor was used"
    if len(stated.stop_token_ids) > 1:
        return f"answers may end at {len(stated.stop_token_ids)} tokens, of which it may not have known each"
    if (longest := int((base["n_prompt_tokens"] + base["n_output_tokens"]).max())) > stated.max_model_len:
        return f"has up to {longest} tokens of prompt and answer, more than the {stated.max_model_len} allowed there"
    cut = base[base["finish_reason"] == "length"].groupby("task")["n_output_tokens"].nunique()
    if (cut > 1).any():
        return f"its answers to {cut.idxmax()} were cut at {int(cut.max())} different numbers of tokens"
    return ""


def _check_prompt_tokens(base: pd.DataFrame, tuned: pd.DataFrame, ids: pd.Index) -> None:
    """A prompt of the same digest and another number of tokens had its images cut into other patches."""
    mine, theirs = (rows["n_prompt_tokens"].to_numpy() for rows in (base, tuned))
    differing = np.flatnonzero((mine != theirs) & (mine > 0) & (theirs > 0))
    if len(differing):
        counts = f"{mine[differing[0]]} for the base and {theirs[differing[0]]} for the tuned model"
        raise refusal(
            f"numbers of prompt tokens differ on {_some(ids[differing], len(base))}, the first {counts}, so the "
            "two were not shown the same pixels; evaluate both with one command, which gives both the base's image "
            "processor"
        )


def _check_tables(base: TableRecord, tuned: TableRecord) -> None:
    if base.repeats != tuned.repeats:
        raise refusal(f"base has {base.repeats} answers an item, tuned {tuned.repeats}; sample both alike")
    if base.form != tuned.form:
        raise refusal(
            f"base is a {base.form}, tuned a {tuned.form}: their items have no common names; give two of the same tool"
        )
    for side, held, wanted in (("tuned", tuned.tasks, base.tasks), ("base", base.tasks, tuned.tasks)):
        if missing := sorted(wanted.keys() - held.keys()):
            names = ", ".join(missing[:_EXAMPLES]) + (", ..." if len(missing) > _EXAMPLES else "")
            shared = len(base.tasks.keys() & tuned.tasks.keys())
            raise refusal(
                f"the {side} table lacks {len(missing)} of {len(wanted)} tasks of the other ({names}); {shared} are in "
                f"both, {len(base.tasks.keys() - tuned.tasks.keys())} only in the base, "
                f"{len(tuned.tasks.keys() - base.tasks.keys())} only in the tuned: give two with the same tasks"
            )


def _check_rows(side: str, run: Source) -> None:
    rows = run.samples
    sampled = "repeat" in rows
    if (twice := rows.duplicated(["item_id", "repeat"] if sampled else "item_id")).any():
        repeated = rows["item_id"][twice]
        raise refusal(f"the {side} run repeats {_some(repeated, len(rows))}")
    if (erroneous := rows["error"].notna()).any():
        failed = rows.loc[erroneous, "item_id"]
        reason = str(rows.loc[erroneous, "error"].iloc[0]).splitlines()[:1]
        raise refusal(
            f"the {side} run failed on {_some(failed, len(rows))} ({''.join(reason)[:80]}); "
            "evaluate again to finish them"
        )
    for column, valid in (
        ("score", rows["score"].between(0, 1)),
        ("guess_rate", rows["guess_rate"].between(0, 1, inclusive="left")),
        ("outcome", rows["outcome"].isin(list(Outcome))),
    ):
        if not valid.all():
            invalid = rows.loc[~valid, "item_id"]
            raise refusal(f"the {side} run has an invalid {column} on {_some(invalid, len(rows))}")
    if sampled:
        _check_repeats(side, rows, Sampling.of(run.record.decoding))
    firsts = rows[rows["repeat"] == 0] if sampled else rows
    held = Counter(map(str, firsts["task"].to_numpy().tolist()))
    for task in sorted({*held, *run.record.suite.tasks}):
        if held.get(task, 0) != (expected := run.record.suite.tasks.get(task, 0)):
            raise refusal(f"the {side} run has {held.get(task, 0)} items of {task}, but the suite has {expected}")


def _check_repeats(side: str, rows: pd.DataFrame, sampling: Sampling | None) -> None:
    """All items of a task have so many answers, 0, 1, 2, ...: those that the run's record states, or where options are
    compared one."""
    numbers = rows.groupby(["task", "item_id"], sort=False)["repeat"].agg(["size", "max"]).reset_index()
    most = numbers.groupby("task")["size"].transform("max")
    drawn = rows.get("seed", rows["repeat"]).notna().groupby(rows["task"]).any()
    due = most if sampling is None else numbers["task"].map(drawn).map({True: sampling.repeats, False: 1})
    short = numbers.loc[(numbers["size"] != due) | (numbers["max"] != due - 1), "item_id"]
    if len(short):
        raise refusal(
            f"the {side} run has another number of sampled answers than it should to {_some(short, len(numbers))}; "
            "evaluate again to finish them"
        )


def _check_items(base: pd.Index, tuned: pd.Index, source: Source) -> None:
    if base.equals(tuned):
        return
    only_base, only_tuned = base.difference(tuned), tuned.difference(base)
    for side, missing in (("tuned", only_base), ("base", only_tuned)):
        if len(missing):
            both = len(base) - len(only_base)
            counts = f"{both} in both, {len(only_base)} only in the base, {len(only_tuned)} only in the tuned"
            way_out = _unicode_hint(base, tuned) or f"; {_way_out(source)}"
            raise refusal(f"the {side} run lacks {_some(missing, len(base))} of the other: {counts}{way_out}")


def _unicode_hint(base: pd.Index, tuned: pd.Index) -> str:
    """What to say where the ids of both sides are the same once their characters are composed alike."""
    sides = [{unicodedata.normalize("NFC", _full(key)) for key in side} for side in (base, tuned)]
    if sides[0] != sides[1]:
        return ""
    return "; their ids match after Unicode normalisation: write them in one form (NFC) in both"


def _full(key: Any) -> str:
    return " #".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _check_tasks(items: pd.DataFrame) -> None:
    tasks, families, groups = (items[column].to_numpy().tolist() for column in ("task", "family", "group"))
    if len(set(zip(tasks, families, groups, strict=True))) == len(set(tasks)):
        return
    for column in ("family", "group"):
        counts = items.groupby("task")[column].nunique()
        if (counts > 1).any():
            task = counts.index[np.argmax(counts)]
            raise refusal(f"task {task} has items of {int(counts.max())} different {column} values")


def refusal(why: str) -> CheckFailedError:
    return CheckFailedError(f"refused: {visible(why)}")


def visible(text: str) -> str:
    """``text`` on one line, with terminal codes made visible: messages quote files that anyone may write."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _some(ids: Any, total: int) -> str:
    # A run's ids are digests, told apart by their first characters; a table's are whatever its author wrote.
    shown = ", ".join(map(_shown, ids[:_EXAMPLES]))
    what = "answers" if isinstance(next(iter(ids), None), tuple) else "items"
    return f"{len(ids)} of {total} {what} ({shown}{', ...' if len(ids) > _EXAMPLES else ''})"


def _shown(key: Any) -> str:
    """An item's id; of an answer with its repeat."""
    item_id, *repeat = key if isinstance(key, tuple) else (key,)
    text = str(item_id)
    return text[: 12 if len(text) == 64 else 40] + "".join(f" #{each}" for each in repeat)


def _short(value: Any) -> str:
    text = str(value)
    if len(text) == 64 and text.isalnum():
        return f"{text[:12]}.."
    return text if len(text) <= 200 else f"{text[:200]}.."
