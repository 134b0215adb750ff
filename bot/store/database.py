"""The database: one thread writes, in groups; readers have their own connections.

A transaction body is a plain function of a connection, run by `db.run(body)`. The writer takes what has queued
up since its last commit, runs each body in a savepoint of one transaction and commits once, so that a body that
fails takes nothing else with it and many small transactions cost one write to the disk. Bodies must not wait
for anything.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from bot.errors import ChaperoneError, StoreUnavailable
from bot.store.cipher import Cipher
from bot.store.migrate import migrate, unlock

T = TypeVar("T")
Body = Callable[[Connection], T]

BUSY_MS = 15_000  # how long another process (a desk command) may hold the write lock
GROUP = 64  # bodies a commit; above this the wait for the first of them grows with no gain


@dataclass(slots=True)
class _Write:
    body: Body[Any]
    result: Future[Any]


class Database:
    def __init__(self, writer: Engine, reader: Engine, cipher: Cipher, path: Path) -> None:
        self.cipher, self.path = cipher, path
        self._writer, self._reader = writer, reader
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="store-writer", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: Path, keys: list[str]) -> "Database":
        """Open, migrate and unlock. Raises `StoreNewer`, `StoreKeyWrong` or `StoreUnavailable`."""
        writer = _engine(path, "BEGIN IMMEDIATE")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with writer.begin() as tx:
                migrate(tx)
                cipher = unlock(tx, Cipher(keys))
        except (DBAPIError, OSError) as error:
            raise unavailable(error, f"The database {path}") from None
        return cls(writer, _engine(path, "BEGIN"), cipher, path)

    async def run(self, body: Body[T]) -> T:
        """Run a write. Raises what the body raises, or `StoreUnavailable`; then nothing of it is kept."""
        return await asyncio.wrap_future(self._put(body))

    def run_now(self, body: Body[T]) -> T:
        """`run` for a command that has no event loop."""
        return self._put(body).result()

    async def read(self, body: Body[T]) -> T:
        return await asyncio.to_thread(self.read_now, body)

    def read_now(self, body: Body[T]) -> T:
        try:
            with self._reader.begin() as tx:
                return body(tx)
        except DBAPIError as error:
            if not _in_doubt(error):
                raise
            raise unavailable(error) from None

    def close(self) -> None:
        """Finish the writes that were asked for, then let go of the file."""
        self._queue.put(None)
        self._thread.join()
        self._writer.dispose()
        self._reader.dispose()

    def _put(self, body: Body[T]) -> Future[T]:
        write: Future[T] = Future()
        self._queue.put(_Write(body, write))
        return write

    def _write_all(self) -> None:
        while (first := self._queue.get()) is not None:
            group = [first]
            while len(group) < GROUP and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    self._queue.put(None)
                    break
                group.append(following)
            self._commit(group)

    def _commit(self, group: list[_Write]) -> None:
        wanted = [write for write in group if write.result.set_running_or_notify_cancel()]
        results: list[tuple[_Write, Any]] = []
        failures: list[tuple[_Write, BaseException]] = []
        try:
            with self._writer.begin() as tx:
                for write in wanted:
                    savepoint = tx.begin_nested()
                    try:
                        value = write.body(tx)
                    except Exception as error:
                        if _in_doubt(error):
                            raise
                        savepoint.rollback()
                        failures.append((write, error))
                    else:
                        savepoint.commit()
                        results.append((write, value))
        except Exception as error:
            cause = unavailable(error)
            results, failures = [], [(write, cause) for write in wanted]
        for write, value in results:
            write.result.set_result(value)
        for write, failure in failures:
            write.result.set_exception(failure)


def _engine(path: Path, begin: str) -> Engine:
    engine = create_engine(f"sqlite:///{path}", hide_parameters=True, pool_size=4, max_overflow=0)

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves: the driver's own begins too late
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


_CAUSES = {
    "locked": "another program holds its write lock; close it (a backup or a database browser?)",
    "full": "the disk is full; free some space",
    "readonly": "it is read-only; check the owner and the permissions of the file and its folder",
    "unable to open": "it cannot be opened; check that the folder exists and may be written to",
    "not a database": "the file is not a database; move it away or correct `store.path`",
    "malformed": "the file is damaged; restore the last copy that `chaperone backup` made",
    "disk I/O": "the disk cannot be read or written; look after it",
}


def _cause(error: BaseException) -> str | None:
    told = "unable to open" if isinstance(error, OSError) else str(getattr(error, "orig", error))
    return next((hint for word, hint in _CAUSES.items() if word in told), None)


def _in_doubt(error: Exception) -> bool:
    """Whether the whole transaction is lost, and not only the body that met the error."""
    return isinstance(error, MemoryError) or (isinstance(error, DBAPIError) and _cause(error) is not None)


def unavailable(error: BaseException, what: str = "The database") -> ChaperoneError:
    """Its words reach moderators, whose presses nobody tries again, in a chat, where no path belongs."""
    if isinstance(error, ChaperoneError):
        return error
    cause = _cause(error) or type(error).__name__
    again = "Nothing was changed; what you asked for was not written down: do it again."
    return StoreUnavailable(f"{what} cannot be used: {cause}. {again}")
