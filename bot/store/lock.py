"""One process a database: the embedded engine's promises hold for one."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from bot.errors import StoreUnavailable


@contextmanager
def process_lock(database: Path) -> Iterator[None]:
    """Hold the lock while working. The kernel lets go of it however the process ends.

    Raises `StoreUnavailable` when another process has it, or where no lock can be written.
    """
    with _lock_file(database) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreUnavailable(
                f"Another chaperone runs on {database}. Stop that one first, or give this one its own `store.path`."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def is_running(database: Path) -> bool:
    try:
        with process_lock(database):
            return False
    except StoreUnavailable:
        return True


def _lock_file(database: Path) -> TextIO:
    file = database.with_name(database.name + ".lock")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open("a")  # not "w": who has the lock wrote their number into it
    except OSError as error:
        raise StoreUnavailable(f"The lock file {file} cannot be written: {type(error).__name__}") from None
