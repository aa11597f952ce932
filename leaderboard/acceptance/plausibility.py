"""Step 7 of acceptance: outputs and scores that a model is unlikely to produce, each a named alarm with evidence.

An honest run may raise most of them, so most only flag (:data:`leaderboard.entries.rules.RULES` says which refuse).
Passing does not prove outputs genuine: that is what verification is for, which generates a random sample again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from harness.checkpoints import ChatTemplate, TemplateError, token_counter
from harness.records import RECORD_FILE, SAMPLES_FILE, Outcome, Run
from harness.scoring import MARGIN, Scorecard, holm, mcnemar, points, share
from leaderboard.acceptance import fabrication
from leaderboard.acceptance.coverage import Candidate
from leaderboard.acceptance.cuts import cut_marks
from leaderboard.acceptance.references import reference
from leaderboard.documents import MANIFEST_FILE, TEMPLATE_FILE, TUNED_FOLDER
from leaderboard.entries import Findings, finding, some

if TYPE_CHECKING:
    from leaderboard.entries.judges import AnswerKey, Recomputer

SAMPLES = f"{TUNED_FOLDER}/{SAMPLES_FILE}"
_LITTLE_EFFECT = 0.99
_FEW = 20
# How unlikely no bare wrong answer must be by the base's rate of them.
_BARE_P = 0.01
_LEARNED_ALONE = 20
_BAND_P = 1e-4
_BIAS_P = 1e-6
_BIAS_DISTANCE = 0.2
_LONG_GOLD = 40
# The longest token of a common vocabulary has 128 characters; the mark of a truncated output adds some.
_CHARACTERS_A_TOKEN = 256
# Rates at which a flag is raised: of unparsed, truncated and empty outputs among a task's items.
_RATES = {"unparsed": 0.2, "cut-off": 0.1, "empty": 0.05}
_LABEL = re.compile(r"\A\(?([a-z]|[0-9]{1,2})\)?[.):]?\Z")
_TAGS = re.compile(r"</?answer>|\\boxed\{|\}", re.IGNORECASE)
# What stands in for a checkpoint's special tokens, which an entry does not have.
_TOKENS = {name: f"<{name}>" for name in ("bos_token", "eos_token", "unk_token", "pad_token")}
# Alarms of the scorecard that have their own rule here.
_OWN_RULE = {"constant_answers": "constant-answers"}


def plausibility(entry: Candidate) -> Findings:
    """7: the alarms of a single entry; :mod:`~leaderboard.acceptance.copies` compares entries with each other."""
    if entry.pair is None or entry.suite is None or entry.manifest is None:
        return
    base, tuned = entry.pair
    yield from effect(base, tuned)
    yield from base_band(entry, base)
    recomputer = entry.around.judges.recomputer(entry.suite)
    yield from template(entry, tuned, recomputer)
    for name, run in entry.sides():
        # Of a base run once, however many entries share it.
        key = name, run.record.samples_sha256
        found = entry.around.of_bases.get(key)
        if found is None:
            found = tuple(_of_one_side(entry, name, run, recomputer))
            if run is base:
                entry.around.of_bases[key] = found
        yield from found
    yield from answer_rates(base, tuned)
    yield from gold(base, tuned, recomputer)
    yield from positions(tuned, recomputer)
    if entry.card is not None:
        yield from only_improves(entry.card)
        yield from alarms(entry.card)
        own = reference(entry.folder.name, entry.manifest.method.family, base, tuned, entry.card)
        others = entry.around.references(entry)
        for sign in (fabrication.outside_references, fabrication.few_losses, fabrication.unlike_mistakes):
            yield from sign(own, others)
    tested = [data.id for data in entry.manifest.training_data if data.overlap_with_suite == "test"]
    if tested:
        yield finding("test-data", MANIFEST_FILE, f"{tested[0]} overlaps the test items", "training_data")


def lengths(entry: Candidate) -> Findings:
    """7, before anything reads the outputs: those that are longer than their tokens, which may take minutes to judge.

    Such an entry is refused, and neither judged nor compared.
    """
    if entry.suite is None:
        return
    recomputer = entry.around.judges.recomputer(entry.suite)
    for name, run in entry.sides():
        for found in token_counts(name, run, recomputer):
            entry.overlong = True
            yield found


def _of_one_side(entry: Candidate, name: str, run: Run, recomputer: Recomputer) -> Findings:
    yield from texts(entry, name, run, recomputer)
    if run.record.dirty:
        yield finding("modified-harness", f"{name}{RECORD_FILE}", "the checkout had modified files", "dirty")


def effect(base: Run, tuned: Run) -> Findings:
    """Outputs that equal the base's."""
    both = _joined(base, tuned)
    same = int((both["output_base"] == both["output_tuned"]).sum())
    why = f"{same} of {len(both)} outputs equal the base's"
    if len(both) and same == len(both):
        yield finding("no-effect", SAMPLES, why, "output", same=same, items=len(both))
    elif len(both) and same >= _LITTLE_EFFECT * len(both):
        yield finding("little-effect", SAMPLES, why, "output", same=same, items=len(both))


def base_band(entry: Candidate, base: Run) -> Findings:
    """The base against every other known run of its weights, on the items that both answered.

    Only a run that a maintainer has verified, or put there, says that another one is wrong; of two that came with
    entries, nobody knows yet which is.
    """
    if entry.base is None or base.record.samples_sha256 in entry.around.verified_bases:
        return
    file = f"{entry.base.name}{SAMPLES_FILE}"
    known = False
    for stored, other in entry.around.other_runs(entry.base):
        columns = ["item_id", "task", "outcome"]
        both = base.samples[columns].merge(other.samples[columns], on="item_id", suffixes=("", "_known"))
        tests = []
        for task, rows in both.groupby("task", sort=True):
            mine, theirs = (rows[f"outcome{side}"] == Outcome.CORRECT for side in ("", "_known"))
            n01, n10 = int((mine & ~theirs).sum()), int((~mine & theirs).sum())
            tests.append((str(task), float(mine.mean() - theirs.mean()), mcnemar(n10, n01), len(rows)))
        known = known or bool(tests)
        adjusted = holm([test[2] for test in tests])
        for (task, delta, _, n), p in zip(tests, adjusted, strict=True):
            if p < _BAND_P and abs(delta) >= MARGIN:
                is_right = (
                    other.record.samples_sha256 in entry.around.verified_bases
                    or stored.home not in entry.around.entered_bases
                )
                rule = "base-band" if is_right else "base-differs"
                why = f"{task}: {points(delta)} points against {stored.name} on {n} common items (p = {p:.1g})"
                yield finding(rule, file, why, "outcome", task=task, delta=delta, p=p, known=stored.name)
    if not known and base.record.samples_sha256 not in entry.around.accepted_bases:
        yield finding("base-unknown", file, "no accepted entry uses this run, and no other run of its weights is known")


def template(entry: Candidate, tuned: Run, recomputer: Recomputer) -> Findings:
    """The run's own chat template, if any: it matches the record, and is content-blind."""
    if not tuned.record.has_own_template:
        return
    path = entry.folder / TUNED_FOLDER / TEMPLATE_FILE
    name = f"{TUNED_FOLDER}/{TEMPLATE_FILE}"
    if name in entry.broken or not path.is_file():
        return
    source = path.read_bytes().decode("utf-8", errors="replace")
    arguments = tuned.record.prompts.template_arguments if tuned.record.prompts else {}
    try:
        rendered = ChatTemplate(source, _TOKENS, arguments)
        if rendered.digest != tuned.record.template_digest:
            why = f"its digest is not template_digest in {RECORD_FILE}"
            yield finding("template", name, why, actual=rendered.digest[:12])
            return
        counts = (0, 1) if recomputer.shows_images else (0,)
        seeing = [images for images in counts if not rendered.is_content_blind(images)]
        questions = [] if seeing else [each for task in recomputer.suite.tasks for each in recomputer.questions(task)]
        known = sorted({place for images in counts for place in rendered.recognised(questions, images)})
    except TemplateError as error:
        yield finding("template", name, str(error))
        return
    if seeing:
        yield finding("template", name, "the text around a question depends on the question", images=seeing)
    elif known:
        why = f"the text around {len(known)} of {len(questions)} questions of the suite differs from that around others"
        yield finding("template", name, why, questions=[questions[place] for place in known[:3]])


def token_counts(name: str, run: Run, recomputer: Recomputer) -> Findings:
    """Impossible token counts: over the budget, or too few for the text."""
    file = f"{name}{SAMPLES_FILE}"
    # As arrays, once for all tasks: a column costs more than the rows that are looked at.
    tasks, ids = (run.samples[column].to_numpy() for column in ("task", "item_id"))
    tokens = run.samples["n_output_tokens"].to_numpy(dtype=np.int64)
    long = np.array([len(output) for output in run.samples["output"].tolist()]) > _CHARACTERS_A_TOKEN * tokens
    for task in dict.fromkeys(tasks.tolist()):
        budget = recomputer.budget(task) if task in recomputer.suite.tasks else None
        if budget is None:
            continue
        over = ids[(tasks == task) & (tokens > budget)]
        if len(over):
            why = f"{task}: {len(over)} outputs have more than the {budget} tokens that the task allows"
            yield finding("token-counts", file, why, "n_output_tokens", items=some(over))
        bare = ids[(tasks == task) & long]
        if len(bare):
            why = f"{task}: {len(bare)} outputs have more text than their tokens allow"
            yield finding("token-counts", file, why, "n_output_tokens", items=some(bare))


def texts(entry: Candidate, name: str, run: Run, recomputer: Recomputer) -> Findings:
    """Marks of truncation, reasons for an end and token counts that do not fit the text of the outputs."""
    file = f"{name}{SAMPLES_FILE}"
    home = entry.folder if name.startswith(TUNED_FOLDER) else entry.around.shelf.bases.parent
    size = (home / file).stat().st_size if (home / file).is_file() else 0
    yield from cut_marks(file, run.samples, run.record.full_log, size)
    for task, rows in run.samples[run.samples["finish_reason"] == "length"].groupby("task", sort=False):
        budget = recomputer.budget(str(task)) if str(task) in recomputer.suite.tasks else None
        if budget is not None:
            yield from fabrication.finish_reasons(file, str(task), rows, budget)
    if (count := token_counter(run.record.tokenizer_digest)) is not None:
        yield from fabrication.recounted(file, run.samples, count)


def answer_rates(base: Run, tuned: Run) -> Findings:
    """Tasks on which the tuned model has many unparsed, truncated or empty outputs, more than the base."""
    of_base = _rates(base.samples)
    for task, rates in _rates(tuned.samples).items():
        before = of_base.get(task, dict.fromkeys(_RATES, 0.0))
        for rule, least in _RATES.items():
            if rates[rule] >= least and rates[rule] > before[rule]:
                why = f"{task}: {share(rates[rule])} of the outputs, {share(before[rule])} of the base's"
                yield finding(rule, SAMPLES, why, task=task, tuned=rates[rule], base=before[rule])


def gold(base: Run, tuned: Run, recomputer: Recomputer) -> Findings:
    """Outputs that are the gold answer word for word.

    Two signs: outputs that are only the answer are always right, while other outputs have another form (a model that
    gives bare answers is sometimes wrong with one, and how often those of the base are wrong says how likely none is).
    Or half of the outputs contain a long gold text, and fewer than one in twenty of the base's.
    """
    for task, rows in _by_task(tuned, "item_id", "output", "extracted", "outcome"):
        keys = recomputer.answer_keys(task) if task in recomputer.suite.tasks else {}
        golds = [_gold(keys, item_id) for item_id in rows["item_id"].tolist()]
        if len(rows) < _FEW or not any(golds):
            continue
        own = base.samples[base.samples["task"] == task]
        count, wrong = _bare_answers(rows)
        others = len(rows) - count
        if count >= _FEW and not wrong and others >= _FEW and others >= 0.2 * len(rows):
            of_base, wrong_of_base = _bare_answers(own)
            error = (wrong_of_base + 0.5) / (of_base + 1)
            if of_base < _FEW or (1 - error) ** count < _BARE_P:
                why = f"{task}: {count} outputs are the bare gold answer, and none is a bare wrong one"
                yield finding("gold-copied", SAMPLES, why, "output", task=task, bare=count, other=others)
        long = [text if len(text) >= _LONG_GOLD else "" for text in map(_plain, golds)]
        if sum(map(bool, long)) >= _FEW and (copied := _containing(rows["output"], long)) >= 0.5:
            mine = dict(zip(rows["item_id"].tolist(), long, strict=True))
            before = _containing(own["output"], [mine.get(item_id, "") for item_id in own["item_id"].tolist()])
            if before < 0.05:
                why = (
                    f"{task}: {share(copied)} of the outputs contain the gold text word for word, "
                    f"{share(before)} of the base's"
                )
                yield finding("gold-copied", SAMPLES, why, "output", task=task, tuned=copied, base=before)


def _bare_answers(rows: pd.DataFrame) -> tuple[int, int]:
    """How many outputs are nothing but what was read out of them, and how many of those are not correct."""
    bare = [_bare(output) for output in rows["output"].tolist()]
    stated = rows["extracted"].fillna("").tolist()
    is_bare = np.array([text != "" and text == _bare(answer) for text, answer in zip(bare, stated, strict=True)], bool)
    return int(is_bare.sum()), int((rows["outcome"] != Outcome.CORRECT).to_numpy()[is_bare].sum())


def positions(tuned: Run, recomputer: Recomputer) -> Findings:
    """The positions of the chosen options against those of the right ones, per multiple-choice task."""
    for task, rows in _by_task(tuned, "item_id", "extracted"):
        keys = recomputer.answer_keys(task) if task in recomputer.suite.tasks else {}
        places: list[tuple[int, int, int]] = []
        for item_id, stated in zip(rows["item_id"].tolist(), rows["extracted"].tolist(), strict=True):
            item = keys.get(item_id)
            if item is None or not item.options or not isinstance(stated, str) or item.answer is None:
                continue
            chosen, right = option_of(stated, item.options), option_of(item.answer, item.options)
            if chosen is not None and right is not None:
                places.append((len(item.options), chosen, right))
        for size in sorted({place[0] for place in places}):
            alike = [place[1:] for place in places if place[0] == size]
            if len(alike) < _FEW:
                continue
            chosen_counts, right_counts = (
                np.bincount([place[side] for place in alike], minlength=size).astype(float) for side in (0, 1)
            )
            # A position that is never right would have an expected count of zero; half an item each avoids that.
            expected = (right_counts + 0.5) / (right_counts + 0.5).sum() * len(alike)
            distance = 0.5 * float(np.abs(chosen_counts - expected).sum()) / len(alike)
            p = float(chdtrc(size - 1, ((chosen_counts - expected) ** 2 / expected).sum()))
            if distance >= _BIAS_DISTANCE and p < _BIAS_P:
                shares = [round(float(count) / len(alike), 3) for count in chosen_counts]
                why = f"{task}: options by position were chosen {shares}, right {_shares(right_counts)}"
                yield finding("position-bias", SAMPLES, why, "extracted", task=task, chosen=shares, p=p)


def only_improves(card: Scorecard) -> Findings:
    """Prior tasks on which much was learned and nothing forgotten: real answers change in both directions."""
    learned = sum(task.n01 for task in card.prior_tasks.values())
    forgotten = sum(task.n10 for task in card.prior_tasks.values())
    if learned >= _LEARNED_ALONE and forgotten == 0:
        why = f"{learned} items of the prior tasks were learned and none forgotten"
        yield finding("only-improves", SAMPLES, why, "outcome", learned=learned)


def alarms(card: Scorecard) -> Findings:
    """The scorecard's own alarms."""
    for alarm in card.alarms:
        rule = _OWN_RULE.get(alarm.kind, "alarm")
        yield finding(rule, SAMPLES, alarm.message, kind=alarm.kind, task=alarm.task, side=alarm.side)


def _by_task(run: Run, *columns: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """These columns of each task's rows; a group of all columns takes longer than what is asked of it."""
    for task, rows in run.samples[list(columns)].groupby(run.samples["task"].to_numpy(dtype=object), sort=False):
        yield str(task), rows


def _joined(base: Run, tuned: Run) -> pd.DataFrame:
    columns = ["item_id", "output"]
    return base.samples[columns].merge(tuned.samples[columns], on="item_id", suffixes=("_base", "_tuned"))


def _rates(samples: pd.DataFrame) -> dict[str, dict[str, float]]:
    """The rates of ``_RATES`` by task, in the order of the rows."""
    marks = {
        "unparsed": (samples["outcome"] == Outcome.UNPARSED).to_numpy(dtype=float),
        "cut-off": (samples["finish_reason"] == "length").to_numpy(dtype=float),
        "empty": np.array([not output.strip() for output in samples["output"].tolist()], dtype=float),
    }
    found = pd.DataFrame(marks).groupby(samples["task"].to_numpy(), sort=False).mean()
    return {str(task): dict(zip(marks, rates, strict=True)) for task, *rates in found.itertuples()}


def _gold(keys: dict[str, AnswerKey], item_id: str) -> str:
    item = keys.get(item_id)
    return "" if item is None or item.answer is None else item.answer


def _bare(text: str) -> str:
    """The text without answer tags, white space, case or a full stop."""
    return "" if len(text) > 2000 else _plain(_TAGS.sub(" ", text)).strip(" .*")


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _containing(outputs: pd.Series, golds: list[str]) -> float:
    """Share of the outputs that contain their gold text, among those with a long one."""
    pairs = [(output, text) for output, text in zip(outputs.tolist(), golds, strict=True) if text]
    return sum(text in _plain(output) for output, text in pairs) / len(pairs) if pairs else 0.0


def _shares(counts: np.ndarray) -> list[float]:
    return [round(float(count) / float(counts.sum()), 3) for count in counts]


def option_of(stated: str, options: Sequence[str]) -> int | None:
    """Which option a stated answer names, by its text or by its letter or number, for counting positions."""
    plain = stated.strip().casefold()
    texts = [option.strip().casefold() for option in options]
    if plain in texts:
        return texts.index(plain)
    label = _LABEL.match(plain)
    if label is None:
        return None
    place = int(label[1]) - 1 if label[1].isdigit() else ord(label[1]) - ord("a")
    return place if 0 <= place < len(texts) else None
