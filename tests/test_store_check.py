"""`check` finds before the first start what would stop it."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.commands.store_check import store_check
from bot.config import Config
from bot.errors import ConfigError
from tests.support import KEY


@pytest.fixture(autouse=True)
def no_key_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAPERONE_KEY", raising=False)


@pytest.fixture
def sealed_folder() -> Iterator[Path]:
    """A folder that may be read and not written to, also when the tests are run by root."""
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        if user == 0:
            os.seteuid(65534)
        yield folder
        os.seteuid(user)
        folder.chmod(0o755)


def first(folder: Path, key_file: Path | None = None) -> Config:
    store = {"path": folder / "new" / "c.sqlite3", "key_file": key_file or folder / "new" / "c.key"}
    return Config.model_validate({"store": store, "accounts": [{"name": "practice", "platform": "replay"}]})


def test_before_the_first_start_nothing_is_made(tmp_path: Path) -> None:
    assert "will be made" in store_check(first(tmp_path))[0]
    assert not list(tmp_path.iterdir())


WRONG = {"cut short": KEY[:-4], "the older one cut short": f"{KEY},{KEY[:20]}", "words": "correct horse", "none": ","}


@pytest.mark.parametrize("key", WRONG.values(), ids=WRONG)
def test_a_key_in_the_environment_that_is_none_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("CHAPERONE_KEY", key)
    with pytest.raises(ConfigError, match="not a key"):
        store_check(first(tmp_path))


@pytest.mark.parametrize(
    ("key", "mode", "told"),
    [(KEY[:-4], 0o600, "not a key"), (KEY, 0o644, "chmod 600")],
    ids=["cut short", "others read it"],
)
def test_a_key_file_that_cannot_be_used_is_told_of(tmp_path: Path, key: str, mode: int, told: str) -> None:
    file = tmp_path / "c.key"
    file.write_text(key)
    file.chmod(mode)
    with pytest.raises(ConfigError, match=told):
        store_check(first(tmp_path, file))


def test_a_folder_that_may_not_be_written_to_is_told_of(sealed_folder: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be made"):
        store_check(first(sealed_folder))


def test_a_file_where_the_folder_should_be_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "new").touch()
    with pytest.raises(ConfigError, match="cannot be made"):
        store_check(first(tmp_path))


def test_a_folder_that_takes_no_key_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"file/c\.key cannot be made"):
        store_check(first(tmp_path, tmp_path / "file" / "c.key"))
