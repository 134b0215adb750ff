"""A backup is one file that opens with its key, also when it is made while the database is written to."""

import shutil
import stat
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from bot.__main__ import app
from bot.errors import StoreError, StoreUnavailable
from bot.store.backup import back_up
from bot.store.database import Database
from bot.store.queries import save_cursor
from bot.store.tables import cursor
from tests.support import KEY, NOON, opened_store

CONFIG = '[[accounts]]\nname = "practice"\nplatform = "replay"\nsettings = { path = "c.jsonl" }\n'


def kept(db: Database) -> list[str]:
    return list(db.read_now(lambda tx: tx.execute(select(cursor.c.value)).scalars()))


def restored(copy: Path, folder: Path) -> list[str]:
    folder.mkdir()
    shutil.copy(copy, folder / "chaperone.sqlite3")
    with opened_store(folder) as db:
        return kept(db)


def test_what_was_written_last_is_in_a_backup_of_a_database_in_use(tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite3"
    with opened_store(tmp_path) as db:
        db.run_now(lambda tx: save_cursor(tx, "practice", "before", NOON))
        back_up(db.path, copy)
        db.run_now(lambda tx: save_cursor(tx, "practice", "after", NOON))
        assert kept(db) == ["after"]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert restored(copy, tmp_path / "again") == ["before"]


def test_a_backup_is_one_file_that_nothing_need_be_written_beside(tmp_path: Path) -> None:
    with opened_store(tmp_path) as db:
        back_up(db.path, tmp_path / "copy.sqlite3")
    assert not list(tmp_path.glob("copy.sqlite3-*"))
    assert (tmp_path / "copy.sqlite3").read_bytes()[18:20] == b"\1\1"  # in the header: no WAL


def test_a_backup_overwrites_nothing_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    copy, empty = tmp_path / "copy.sqlite3", tmp_path / "nothing.sqlite3"
    copy.write_text("last week's")
    with opened_store(tmp_path) as db, pytest.raises(StoreError, match="already"):
        back_up(db.path, copy)
    assert copy.read_text() == "last week's"
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        back_up(empty, tmp_path / "of nothing")
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        back_up(tmp_path / "chaperone.sqlite3", tmp_path / "no such folder" / "copy")
    assert not empty.exists()
    assert not (tmp_path / "of nothing").exists()


def test_the_command_says_what_it_wrote_and_that_the_key_is_not_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAPERONE_KEY", KEY)
    (tmp_path / "chaperone.toml").write_text(CONFIG)
    copy = tmp_path / "copy.sqlite3"
    with opened_store(tmp_path):
        done = CliRunner().invoke(app, ["backup", str(copy), "-c", str(tmp_path / "chaperone.toml")])
    assert f"{copy} is the database as it is now" in done.stdout
    assert "its key (CHAPERONE_KEY), which is not in it" in done.stdout
