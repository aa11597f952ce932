import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from harness.evaluation.store import CHUNK, ResponseStore, StoredEngine, StoreError, Variant
from harness.protocol import Completion, Decoding, GenerateRequest, Prompt, ScoreRequest
from tests.support.evaluating import requests
from tests.support.fakes import RECORD, FakeEngine


def ask(store: ResponseStore, engine: FakeEngine, asked: list[GenerateRequest], weights: str = "w") -> StoredEngine:
    stored = StoredEngine(store, Variant(weights, engine.record), lambda: engine)
    answers = dict(stored.generate(asked))
    assert sorted(answers) == list(range(len(asked)))
    return stored


def test_a_second_run_starts_no_engine_and_gives_the_same_answers(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "s.sqlite") as store:
        ask(store, FakeEngine("one"), requests(5))

        def forbidden() -> FakeEngine:
            raise AssertionError("started an engine although everything is stored")

        again = StoredEngine(store, Variant("w", RECORD), forbidden)
        assert {c.text for _, c in again.generate(requests(5))} == {"one"}
        assert (again.reused, again.generated) == (5, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"item_id": "another item"},
        {"prompt": Prompt("q", (9,))},
        {"prompt": Prompt("q0", (0, 1), (b"image",))},
        {"decoding": Decoding(9)},
        {"decoding": Decoding(8, stop=("\n",))},
        {"decoding": Decoding(8, temperature=1.0, seed=3)},
    ],
)
def test_whatever_decides_an_answer_is_in_its_key(tmp_path: Path, change: dict[str, object]) -> None:
    with ResponseStore(tmp_path / "s.sqlite") as store:
        ask(store, FakeEngine(), requests(1))
        assert ask(store, FakeEngine(), requests(1, **change)).generated == 1


def test_two_models_and_two_engines_never_share_an_answer(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "s.sqlite") as store:
        ask(store, FakeEngine(), requests(3), "base")
        assert ask(store, FakeEngine(), requests(3), "tuned").generated == 3
        for change in (
            {"version": "2"},
            {"dtype": "bfloat16"},
            {"mode": "x"},
            {"device": "gpu"},
            {"adapter": "merged"},
        ):
            engine = FakeEngine()
            engine.record = RECORD.model_copy(update=change)
            assert ask(store, engine, requests(3), "base").generated == 3, change


def test_an_engine_that_dies_loses_nothing_it_answered(tmp_path: Path) -> None:
    asked = requests(CHUNK + 60)
    with ResponseStore(tmp_path / "s.sqlite") as store:
        dying = FakeEngine(fail_after=CHUNK + 40)
        with pytest.raises(RuntimeError, match="died"):
            ask(store, dying, asked)
    with ResponseStore(tmp_path / "s.sqlite") as store:
        healthy = FakeEngine()
        assert ask(store, healthy, asked).generated == 20
        assert not set(healthy.asked) & set(dying.asked)


@pytest.mark.slow
def test_a_process_killed_outright_loses_at_most_one_chunk(tmp_path: Path) -> None:
    program = f"""
import os
from pathlib import Path
from harness.evaluation.store import CHUNK, ResponseStore, StoredEngine, Variant
from tests.support.fakes import FakeEngine
from tests.support.evaluating import requests
store = ResponseStore(Path({str(tmp_path / "s.sqlite")!r}))
engine = FakeEngine()
stored = StoredEngine(store, Variant("w", engine.record), lambda: engine)
for count, _ in enumerate(stored.generate(requests(2 * CHUNK + 100))):
    if count == 2 * CHUNK + 50:
        os.kill(os.getpid(), 9)
"""
    root = Path(__file__).parents[3]
    killed = subprocess.run([sys.executable, "-c", program], cwd=root, check=False)
    assert killed.returncode == -9
    with ResponseStore(tmp_path / "s.sqlite") as store:
        assert ask(store, FakeEngine(), requests(2 * CHUNK + 100)).generated == 100


@pytest.mark.slow
def test_two_processes_on_one_store_do_not_corrupt_it(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    program = f"""
import sys
from pathlib import Path
from harness.evaluation.store import ResponseStore, StoredEngine, Variant
from tests.support.fakes import FakeEngine
from tests.support.evaluating import requests
first = int(sys.argv[1])
with ResponseStore(Path({str(path)!r})) as store:
    for start in range(first, first + 3000, 40):
        engine = FakeEngine()
        asked = requests(start + 40)[start:]
        assert len(dict(StoredEngine(store, Variant("w", engine.record), lambda: engine).generate(asked))) == 40
"""
    root = Path(__file__).parents[3]
    both = [subprocess.Popen([sys.executable, "-c", program, str(first)], cwd=root) for first in (0, 1000)]
    assert [each.wait(120) for each in both] == [0, 0]
    with ResponseStore(path) as store:
        assert ask(store, FakeEngine(), requests(4000)).reused == 4000
        assert store._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert store._db.execute("SELECT count(*) FROM answers").fetchone() == (4000,)


def test_a_full_disk_is_a_clear_error_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    asked = requests(6 * CHUNK)
    with ResponseStore(path) as store:
        ask(store, FakeEngine(), asked[:CHUNK])
        (pages,) = store._db.execute("PRAGMA page_count").fetchone()
        store._db.execute(f"PRAGMA max_page_count={2 * pages}")
        with pytest.raises(StoreError, match=r"s\.sqlite: .*disk is full.*free some space.*goes on from there"):
            ask(store, FakeEngine(), asked)
    with ResponseStore(path) as store:
        again = ask(store, FakeEngine(), asked)
        assert again.reused >= CHUNK
        assert again.reused % CHUNK == 0
        assert again.reused + again.generated == len(asked)


def test_siblings_are_asked_in_the_same_stream_and_stored_under_their_own_keys(tmp_path: Path) -> None:
    lead, sibling = Variant("base", RECORD), Variant("tuned", RECORD.model_copy(update={"adapter": "lora"}), "tuned")
    asked = requests(10)
    with ResponseStore(tmp_path / "s.sqlite") as store:
        engine = FakeEngine()
        stored = StoredEngine(store, lead, lambda: engine, [sibling])
        assert sorted(dict(stored.generate(asked))) == list(range(10))
        assert (stored.generated, stored.generated_for) == (10, {"base": 10, "tuned": 10})
        later = StoredEngine(store, sibling, lambda: pytest.fail("asked again"))
        assert len(dict(later.generate(asked))) == 10
        assert (later.reused, later.generated) == (10, 0)


def test_what_only_a_sibling_misses_is_left_to_its_own_run(tmp_path: Path) -> None:
    lead, sibling = Variant("base", RECORD), Variant("tuned", RECORD, "tuned")
    with ResponseStore(tmp_path / "s.sqlite") as store:
        assert len(dict(StoredEngine(store, lead, FakeEngine).generate(requests(10)))) == 10
        again = StoredEngine(store, lead, lambda: pytest.fail("started for another's sake"), [sibling])
        assert len(dict(again.generate(requests(10)))) == again.reused == 10
        one_more = StoredEngine(store, lead, FakeEngine, [sibling])
        assert len(dict(one_more.generate(requests(11)))) == 11
        assert one_more.generated_for == {"base": 1, "tuned": 11}


def test_a_store_damaged_in_the_middle_is_named(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with ResponseStore(path) as store:
        ask(store, FakeEngine(), requests(2000))
    content = bytearray(path.read_bytes())
    content[4096 * 3 :] = b"\xff" * (len(content) - 4096 * 3)
    path.write_bytes(content)
    with ResponseStore(path) as store, pytest.raises(StoreError, match=r"s\.sqlite: cannot be read"):
        ask(store, FakeEngine(), requests(2000))


def test_a_failed_answer_is_handed_on_but_asked_again(tmp_path: Path) -> None:
    class Failing(FakeEngine):
        def generate(self, asked):  # type: ignore[no-untyped-def]
            yield from ((k, Completion("", "error", 0, 0, error="too long")) for k in range(len(asked)))

    with ResponseStore(tmp_path / "s.sqlite") as store:
        assert ask(store, Failing(), requests(2)).generated == 2
        assert ask(store, FakeEngine(), requests(2)).generated == 2


def test_scores_are_stored_too(tmp_path: Path) -> None:
    asked = [ScoreRequest("i", Prompt("q", (1,)), ((2,), (3, 4)))]
    with ResponseStore(tmp_path / "s.sqlite") as store:
        engine = FakeEngine()
        runs = [dict(StoredEngine(store, Variant("w", engine.record), lambda: engine).score(asked)) for _ in range(2)]
    assert runs[0] == runs[1]
    assert engine.asked == ["i"]


def test_a_corrupt_store_and_a_newer_one_are_named(tmp_path: Path) -> None:
    (tmp_path / "corrupt.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match=r"corrupt\.sqlite: cannot be used"):
        ResponseStore(tmp_path / "corrupt.sqlite")
    with sqlite3.connect(tmp_path / "newer.sqlite") as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(StoreError, match="version 99 is newer"):
        ResponseStore(tmp_path / "newer.sqlite")


@pytest.mark.parametrize(
    "change",
    [
        "answer = replace(answer, 'one', 'oNe')",
        "answer = CAST(x'ff' || answer AS TEXT)",
        "answer = ''",
        "source = source || 'x'",
        "digest = NULL",
        "digest = x'00'",
    ],
)
def test_an_answer_that_was_changed_on_disk_is_noticed_and_asked_for_again(tmp_path: Path, change: str) -> None:
    path = tmp_path / "s.sqlite"
    with ResponseStore(path) as store:
        ask(store, FakeEngine("one"), requests(5))
        store._db.execute(f"UPDATE answers SET {change} WHERE key = (SELECT min(key) FROM answers)")
    with ResponseStore(path) as store, pytest.raises(StoreError, match="1 stored answers were changed on disk"):
        ask(store, FakeEngine("one"), requests(5))
    with ResponseStore(path) as store:
        again = ask(store, FakeEngine("one"), requests(5))
        assert (again.reused, again.generated) == (4, 1)


def test_a_flipped_byte_in_the_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with ResponseStore(path) as store:
        ask(store, FakeEngine("a text that is easily found"), requests(1))
        store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    content = path.read_bytes()
    assert content.count(b"easily found") == 1
    path.write_bytes(content.replace(b"easily found", b"easily fOund"))
    with ResponseStore(path) as store, pytest.raises(StoreError, match="changed on disk"):
        ask(store, FakeEngine(), requests(1))


def test_a_store_of_before_there_were_digests_keeps_its_answers(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with ResponseStore(path) as store:
        ask(store, FakeEngine("one"), requests(5))
        rows = store._db.execute("SELECT key, source, answer FROM answers").fetchall()
    path.unlink()
    with sqlite3.connect(path) as older:
        older.execute("CREATE TABLE answers (key BLOB PRIMARY KEY, source TEXT, answer TEXT) WITHOUT ROWID")
        older.executemany("INSERT INTO answers VALUES (?, ?, ?)", rows)
        older.execute("PRAGMA user_version=1")
    older.close()
    with ResponseStore(path) as store:
        assert ask(store, FakeEngine("one"), requests(5)).reused == 5
    with ResponseStore(path) as store:
        assert ask(store, FakeEngine("one"), requests(5)).reused == 5


def test_a_store_without_the_columns_of_this_version_is_named(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "older.sqlite") as database:
        database.execute("CREATE TABLE answers (key BLOB PRIMARY KEY, answer TEXT) WITHOUT ROWID")
    database.close()
    with pytest.raises(StoreError, match=r"older\.sqlite: cannot be used .*source"):
        ResponseStore(tmp_path / "older.sqlite")


def test_a_replicate_is_asked_anew_in_another_order_and_kept_apart(tmp_path: Path) -> None:
    asked = requests(40)
    orders = []
    with ResponseStore(tmp_path / "s.sqlite") as store:
        for replicate, seed in ((0, 0), (1, 1), (2, 2), (2, 2)):
            engine = FakeEngine()
            stored = StoredEngine(store, Variant("w", RECORD, replicate=replicate), lambda e=engine: e, seed=seed)  # type: ignore[misc]
            answers = dict(stored.generate(asked))
            assert sorted(answers) == list(range(40))
            assert all(answers[k].n_prompt_tokens == 2 for k in answers)
            orders.append(engine.asked)
    assert orders[3] == []
    assert len({tuple(order) for order in orders[:3]}) == 3
    assert all(sorted(order) == sorted(orders[0]) for order in orders[:3])
