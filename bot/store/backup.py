"""A copy of the database, made while it is in use."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.errors import StoreError
from bot.store.database import unavailable


def back_up(database: Path, to: Path) -> None:
    """Write the database as it is now into one new file that only its owner may read.

    Raises `StoreError` where there is a file already, or `StoreUnavailable`; then no copy is left behind.
    """
    try:
        os.close(os.open(to, os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise StoreError(f"There is something at {to} already: name a file that is not there yet.") from None
    except OSError as error:
        raise unavailable(error, f"The backup {to}") from None
    try:
        _copy(database, to)
    except BaseException as error:
        to.unlink()
        if isinstance(error, sqlite3.Error):
            raise unavailable(error, f"The database {database} or its backup {to}") from None
        raise


def _copy(database: Path, to: Path) -> None:
    """In one step, so that nothing written meanwhile begins it anew. A database that is not there is not made."""
    there = f"{database.resolve().as_uri()}?mode=rw"
    with closing(sqlite3.connect(there, uri=True)) as source, closing(sqlite3.connect(to)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # as WAL it could not be read where nothing may be written beside it
