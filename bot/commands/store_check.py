"""What `chaperone check` finds of the store: its key, and the database or where the first start will make it."""

import os
from pathlib import Path

from bot.app import opened
from bot.commandline import key_place
from bot.config import Config, Secrets
from bot.errors import ConfigError
from bot.store.cipher import Cipher, keys_from


def store_check(config: Config) -> list[str]:
    """Makes nothing. Raises `ConfigError` or `StoreError`."""
    database, place = config.store.path, key_place(config)
    if not database.exists():
        _first_start(config)
        return [f"{database} will be made at the first start", f"sealed with the key from {place}"]
    with opened(config):
        return [f"{database} opens with the key from {place}"]


def _first_start(config: Config) -> None:
    """Raises `ConfigError` for a key that is none, and for what could not be made."""
    store, given = config.store, Secrets().key
    if given or store.key_file.exists():
        Cipher(keys_from(given, store.key_file))
    else:
        _must_be_makeable(store.key_file)
    _must_be_makeable(store.path)


def _must_be_makeable(file: Path) -> None:
    folder = next(each for each in file.parents if each.exists())
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        raise ConfigError(f"{file} cannot be made: {folder} is no folder that may be written to.")
