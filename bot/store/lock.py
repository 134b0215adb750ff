"""One process a database: the embedded engine's promises hold for one."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.errors import StoreUnavailable


@contextmanager
def process_lock(database: Path) -> Iterator[None]:
    """Hold the lock while working. The kernel lets go of it however the process ends.

    Raises `StoreUnavailable` when another process has it.
    """
    with _lock_file(database).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreUnavailable(
                f"Another chaperone runs on {database}. Stop that one first, or give this one its own `store.path`."
            ) from None
        file.write(str(os.getpid()))
        file.flush()
        yield


def is_running(database: Path) -> bool:
    try:
        with process_lock(database):
            return False
    except StoreUnavailable:
        return True


def _lock_file(database: Path) -> Path:
    return database.with_name(database.name + ".lock")
