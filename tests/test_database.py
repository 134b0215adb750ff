"""The database: groups of writes, what stops it, its shape, and the audit that nobody rewrites."""

import asyncio
import os
import re
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from bot.config import Config
from bot.errors import StoreError, StoreKeyWrong, StoreNewer, StoreUnavailable
from bot.history import today
from bot.retention import expire
from bot.store.cipher import Cipher, new_key
from bot.store.database import Database
from bot.store.lock import is_running, process_lock
from bot.store.queries import Note, forget_quotes, save_cursor, write_audit
from bot.store.tables import audit, cursor, metadata
from tests.support import KEY, NOON, PRACTICE, opened_store

FILE = "chaperone.sqlite3"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with opened_store(tmp_path) as db:
        yield db


def keep(value: str) -> Callable[[Connection], None]:
    return lambda tx: save_cursor(tx, value, value, NOON)


def kept(db: Database) -> list[str]:
    return list(db.read_now(lambda tx: tx.execute(select(cursor.c.value).order_by(cursor.c.value)).scalars()))


class Block:
    """A body that holds the writer, so that the bodies asked for meanwhile become one group."""

    def __init__(self) -> None:
        self.reached, self.free = threading.Event(), threading.Event()

    def __call__(self, tx: Connection) -> None:
        self.reached.set()
        self.free.wait()


async def together(db: Database, *bodies: Callable[[Connection], None]) -> list[BaseException | None]:
    """What became of each body, all of them written in one group."""
    block = Block()
    first = asyncio.create_task(db.run(block))
    await asyncio.to_thread(block.reached.wait)
    writes = [asyncio.create_task(db.run(body)) for body in bodies]
    await asyncio.sleep(0)
    block.free.set()
    await first
    return await asyncio.gather(*writes, return_exceptions=True)


def fail_after_writing(tx: Connection) -> None:
    save_cursor(tx, "failed", "failed", NOON)
    raise ValueError("a mistake")


def break_a_rule(tx: Connection) -> None:
    for _ in range(2):
        tx.execute(insert(cursor).values(account="twice", value="twice", at=NOON))


def misspell(tx: Connection) -> None:
    save_cursor(tx, "misspelt", "misspelt", NOON)
    tx.execute(text("SELECT no_such_column FROM cursor"))


@pytest.mark.parametrize("mistake", [fail_after_writing, break_a_rule, misspell])
async def test_a_body_that_fails_takes_nothing_else_with_it(
    db: Database, mistake: Callable[[Connection], None]
) -> None:
    before, failure, after = await together(db, keep("before"), mistake, keep("after"))
    assert (before, after) == (None, None)
    assert isinstance(failure, Exception)
    assert kept(db) == ["after", "before"]


async def test_a_body_nobody_waits_for_any_more_does_not_stop_the_writer(db: Database) -> None:
    block = Block()
    first = asyncio.create_task(db.run(block))
    await asyncio.to_thread(block.reached.wait)
    waiting = asyncio.create_task(db.run(keep("called off")))
    await asyncio.sleep(0)
    for task in (first, waiting):
        task.cancel()
    await asyncio.gather(first, waiting, return_exceptions=True)
    block.free.set()
    await db.run(keep("next"))
    assert kept(db) == ["next"]


def test_closing_finishes_what_was_asked_for(tmp_path: Path) -> None:
    with opened_store(tmp_path) as db:
        block = Block()
        writers = [threading.Thread(target=db.run_now, args=[body]) for body in (block, keep("one"), keep("two"))]
        writers[0].start()
        block.reached.wait()
        for writer in writers[1:]:
            writer.start()
        block.free.set()
        for writer in writers:
            writer.join()
    with opened_store(tmp_path) as db:
        assert kept(db) == ["one", "two"]


# What stops a database that is open. A pragma makes it meet the real thing; what is returned ends the trouble.


def locked(db: Database) -> Callable[[], None]:
    db.run_now(lambda tx: tx.exec_driver_sql("PRAGMA busy_timeout = 0"))
    other = sqlite3.connect(db.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other.close


def full(db: Database) -> Callable[[], None]:
    pages = db.read_now(lambda tx: tx.exec_driver_sql("PRAGMA page_count").scalar_one())
    db.run_now(lambda tx: tx.exec_driver_sql(f"PRAGMA max_page_count = {pages}"))
    return lambda: db.run_now(lambda tx: tx.exec_driver_sql("PRAGMA max_page_count = 1000000").close())


def read_only(db: Database) -> Callable[[], None]:
    db.run_now(lambda tx: tx.exec_driver_sql("PRAGMA query_only = ON"))
    return db.close


def keep_much(tx: Connection) -> None:
    save_cursor(tx, "much", "x" * 100_000, NOON)


TROUBLE = pytest.mark.parametrize(
    ("stop", "told"), [(locked, "write lock"), (full, "disk is full"), (read_only, "read-only")]
)


@TROUBLE
async def test_trouble_gives_one_clear_error_and_loses_nothing(
    tmp_path: Path, stop: Callable[[Database], Callable[[], None]], told: str
) -> None:
    with opened_store(tmp_path) as db:
        await db.run(keep("earlier"))
        mend = stop(db)
        for answer in await asyncio.gather(*(db.run(keep_much) for _ in range(3)), return_exceptions=True):
            assert isinstance(answer, StoreUnavailable)
            assert told in str(answer)
        assert kept(db) == ["earlier"]
        mend()
    with opened_store(tmp_path) as db:
        await db.run(keep("later"))
        assert kept(db) == ["earlier", "later"]


@pytest.mark.parametrize("stop", [locked, full])
async def test_work_goes_on_when_the_trouble_is_over(
    db: Database, stop: Callable[[Database], Callable[[], None]]
) -> None:
    mend = stop(db)
    with pytest.raises(StoreUnavailable):
        await db.run(keep_much)
    mend()
    await db.run(keep_much)
    assert len(kept(db)) == 1


async def test_a_full_disk_stops_the_whole_group(db: Database) -> None:
    mend = full(db)
    answers = await together(db, keep("first"), keep_much, keep("last"))
    assert {type(answer) for answer in answers} == {StoreUnavailable}
    assert kept(db) == []
    mend()


def keep_many(tx: Connection) -> None:
    for number in range(100):
        save_cursor(tx, str(number), "x" * 3_000, NOON)


def damage(file: Path) -> None:
    """Bring everything into the main file, and spoil all of it but the first page."""
    other = sqlite3.connect(file)
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    with file.open("r+b") as pages:
        pages.seek(4096)
        pages.write(b"\xff" * (file.stat().st_size - 4096))


async def test_damage_found_while_running_is_told_of(db: Database) -> None:
    await db.run(keep_many)
    damage(db.path)
    everything = select(func.sum(func.length(cursor.c.value)))
    with pytest.raises(StoreUnavailable, match="damaged"):
        await db.run(lambda tx: tx.execute(everything).all())
    with pytest.raises(StoreUnavailable, match="damaged"):
        await db.read(lambda tx: tx.execute(everything).all())


# What stops a database from being opened.


def not_a_database(folder: Path) -> None:
    (folder / FILE).write_bytes(b"these are not the bytes you are looking for" * 100)


def a_folder(folder: Path) -> None:
    (folder / FILE).mkdir()


def newer(folder: Path) -> None:
    with opened_store(folder) as db:
        db.run_now(lambda tx: tx.execute(text("UPDATE alembic_version SET version_num = '9999'")))


def of_another_key(folder: Path) -> None:
    with opened_store(folder, new_key()):
        pass


@pytest.mark.parametrize(
    ("spoil", "error", "told"),
    [
        (not_a_database, StoreUnavailable, "not a database"),
        (a_folder, StoreUnavailable, "cannot be opened"),
        (newer, StoreNewer, "schema 9999"),
        (of_another_key, StoreKeyWrong, "CHAPERONE_KEY"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_and_left_as_it_is(
    tmp_path: Path, spoil: Callable[[Path], None], error: type[StoreError], told: str
) -> None:
    spoil(tmp_path)
    file = tmp_path / FILE
    before = file.read_bytes() if file.is_file() else None
    with pytest.raises(error, match=told), opened_store(tmp_path):
        raise AssertionError("it was opened")
    assert (file.read_bytes() if file.is_file() else None) == before


@pytest.fixture
def sealed_folder() -> Iterator[Path]:
    """A folder that may be read and not written to, also when the tests are run by root."""
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with opened_store(folder):
            pass
        for path in [*folder.iterdir(), folder]:
            path.chmod(0o555)
        if user == 0:
            os.seteuid(65534)
        yield folder
        os.seteuid(user)
        folder.chmod(0o755)


def test_a_folder_that_may_not_be_written_to_is_told_of(sealed_folder: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"read-only|cannot be opened"), opened_store(sealed_folder):
        raise AssertionError("it was opened")
    with pytest.raises(StoreUnavailable, match="cannot be"), opened_store(sealed_folder / "new"):
        raise AssertionError("it was opened")
    with pytest.raises(StoreUnavailable, match="lock"), process_lock(sealed_folder / FILE):
        raise AssertionError("it was locked")


def test_one_process_holds_a_database_and_its_folder_is_made(tmp_path: Path) -> None:
    database = tmp_path / "new" / FILE
    assert not is_running(database)
    with process_lock(database):
        assert is_running(database)
        with pytest.raises(StoreUnavailable, match="Another chaperone"), process_lock(database):
            raise AssertionError("two hold it")
    assert not is_running(database)


# Its shape.


def shape(tx: Connection) -> dict[str, list[str]]:
    """The statement that makes each table and index, as a bag of words: their order and quotes do not matter."""
    query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type IN ('index', 'table')"
    rows = tx.exec_driver_sql(query).all()
    return {row.name: sorted(re.findall(r"\w+", row.sql)) for row in rows if row.name != "alembic_version"}


def test_the_migrations_lead_to_the_tables(db: Database) -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as tx:
        assert db.read_now(shape) == shape(tx)


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    with opened_store(tmp_path) as db:
        db.run_now(keep("kept"))
        tables = db.read_now(lambda tx: tx.exec_driver_sql("SELECT sql FROM sqlite_master").all())
    with opened_store(tmp_path) as db:
        assert kept(db) == ["kept"]
        assert db.read_now(lambda tx: tx.exec_driver_sql("SELECT sql FROM sqlite_master").all()) == tables


def plan(tx: Connection, body: Callable[[Connection], object]) -> list[str]:
    """How each table is found in whatever the body asks for."""
    asked: list[tuple[str, Any]] = []
    event.listen(tx, "before_cursor_execute", lambda *seen: asked.append((seen[2], seen[3])))
    body(tx)
    steps = [tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {how}", what).all() for how, what in [*asked]]
    return [step.detail for each in steps for step in each]


@pytest.mark.parametrize(
    "often",
    [
        lambda tx: today(tx, PRACTICE, {"a"}, NOON),
        lambda tx: forget_quotes(tx, Cipher([KEY]), PRACTICE, ["1"]),
        lambda tx: expire(tx, Config.model_validate({"accounts": [{"name": PRACTICE, "platform": "replay"}]}), NOON),
    ],
)
def test_no_growing_table_is_read_from_end_to_end(db: Database, often: Callable[[Connection], object]) -> None:
    found = db.run_now(lambda tx: plan(tx, often))
    assert found
    growing = r"(comment|assessment|decision|action|case|case_comment|ruling|audit)\b"
    whole = re.compile(rf"SCAN {growing}|SEARCH {growing}.*\(account=\?\)")  # of an account, too
    assert [step for step in found if whole.match(step)] == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET actor = 'nobody'",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit (id, at, actor, what) VALUES (1, '2026-03-01', 'nobody', 'nothing')",
    ],
)
async def test_the_audit_cannot_be_rewritten(db: Database, change: str) -> None:
    await db.run(lambda tx: write_audit(tx, NOON, [Note("started")]))
    with pytest.raises(IntegrityError, match="append only"):
        await db.run(lambda tx: tx.execute(text(change)))
    assert [row.what for row in await db.read(lambda tx: tx.execute(select(audit)).all())] == ["started"]
    await db.run(lambda tx: write_audit(tx, NOON, [Note("settled")]))
    assert len(await db.read(lambda tx: tx.execute(select(audit)).all())) == 2


async def test_no_value_of_a_statement_stands_in_an_error(db: Database) -> None:
    with pytest.raises(IntegrityError) as caught:
        await db.run(lambda tx: tx.execute(insert(audit).values(what="I have shingles")))
    assert "shingles" not in str(caught.value)


def test_the_key_in_use_opens_what_is_stored(tmp_path: Path) -> None:
    with opened_store(tmp_path, KEY) as db:
        first = db.cipher.keyed_hash("text", "same")
    with opened_store(tmp_path, KEY) as db:
        assert db.cipher.keyed_hash("text", "same") == first
