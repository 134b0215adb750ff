"""Encryption at rest: keys that change, keys that are wrong, and the file they live in."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot.errors import ConfigError, StoreKeyWrong
from bot.model import Batch, Mode
from bot.retention import rotate
from bot.store.cipher import Cipher, keys_from, new_key
from bot.store.queries import opened
from bot.store.tables import comment
from tests.support import KEY, PRACTICE, House, opened_store, posted

PEPPER = b"p" * 32


@given(st.text())
def test_what_is_sealed_opens_again(text: str) -> None:
    cipher = Cipher([KEY])
    assert cipher.open(cipher.seal(text)) == text


def test_the_first_key_seals_and_every_key_opens() -> None:
    old, new = new_key(), new_key()
    before, during, after = Cipher([old]), Cipher([new, old]), Cipher([new])
    sealed = before.seal("words")
    assert during.open(sealed) == "words"
    assert after.open(during.seal("words")) == "words"
    assert after.open(during.reseal(sealed)) == "words"
    with pytest.raises(StoreKeyWrong):
        after.open(sealed)
    with pytest.raises(StoreKeyWrong):
        after.reseal(sealed)


def test_hashes_are_keyed_and_stable_under_rotation() -> None:
    old, new = new_key(), new_key()
    before = Cipher([old]).with_pepper(PEPPER).keyed_hash("author", PRACTICE, "u1")
    assert Cipher([new]).with_pepper(PEPPER).keyed_hash("author", PRACTICE, "u1") == before
    assert Cipher([old]).with_pepper(b"q" * 32).keyed_hash("author", PRACTICE, "u1") != before
    assert Cipher([old]).with_pepper(PEPPER).keyed_hash("author", "other", "u1") != before


async def test_a_store_is_rotated_with_its_hashes_left_alone(tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    with opened_store(tmp_path, old) as db:
        await House(db).inbox.receive(PRACTICE, Mode.LIVE, Batch((posted(text="hello"),), "1"))
    with opened_store(tmp_path, new, old) as db:
        (before,) = House(db).rows(comment)
        assert await db.run(lambda tx: rotate(tx, db.cipher)) == 2  # the comment and the store's own secret
    with opened_store(tmp_path, new) as db:
        (row,) = House(db).rows(comment)
        body = opened(db.cipher, row.body)
        assert body is not None
        assert body.text == "hello"
        assert row.author_key == before.author_key == db.cipher.keyed_hash("author", PRACTICE, "u1")
        assert row.text_key == before.text_key


async def test_nothing_is_rotated_where_one_value_does_not_open(tmp_path: Path) -> None:
    old, new, stranger = new_key(), new_key(), Cipher([new_key()])
    with opened_store(tmp_path, old) as db:
        house = House(db)
        await house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted("1", "hello"), posted("2", "you")), "2"))
        await db.run(lambda tx: tx.execute(comment.update().where(comment.c.id == 2).values(body=stranger.seal("x"))))
        before = house.rows(comment)
        with pytest.raises(StoreKeyWrong):
            await db.run(lambda tx: rotate(tx, Cipher([new, old])))
        assert house.rows(comment) == before
        assert await db.read(lambda tx: tx.execute(select(comment.c.id)).scalars().all()) == [1, 2]


def test_the_key_file_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "new" / "chaperone.key"
    keys = keys_from(None, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert keys_from(None, file) == keys
    Cipher(keys)


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    assert keys_from(" one , two,", tmp_path / "chaperone.key") == ["one", "two"]
    assert not (tmp_path / "chaperone.key").exists()


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "chaperone.key"
    keys_from(None, file)
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        keys_from(None, file)


def garbled(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")


def emptied(file: Path) -> None:
    file.write_text("")


def a_folder(file: Path) -> None:
    file.mkdir(0o700)


def a_word(file: Path) -> None:
    file.write_text("péché")


@pytest.mark.parametrize("spoil", [garbled, emptied, a_folder, a_word])
def test_a_key_file_without_a_key_is_told_of(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    file = tmp_path / "chaperone.key"
    spoil(file)
    file.chmod(0o700 if file.is_dir() else 0o600)
    with pytest.raises(ConfigError, match="key"):
        Cipher(keys_from(None, file))
