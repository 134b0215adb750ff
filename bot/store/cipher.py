"""Encryption at rest and keyed hashes.

Text is sealed with Fernet (AES-128-CBC and HMAC-SHA256, from `cryptography`). Several keys may be given: the
first seals, all open, so that a key is rotated by putting the new one in front and sealing everything again.
Keyed hashes (who wrote it, is the text the same) use HMAC-SHA256 with a secret of their own, which a rotation
leaves as it is.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot.disk import put_on_disk
from bot.errors import ConfigError, StoreKeyWrong


class Cipher:
    def __init__(self, keys: Sequence[str], pepper: bytes = b"") -> None:
        """Raises `ConfigError` when a key is not 32 bytes in URL-safe base64."""
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise ConfigError(
                "The encryption key is not a key: expected 32 bytes in URL-safe base64. "
                "Make one with `chaperone key` and put it in CHAPERONE_KEY or in the key file."
            ) from error
        self._pepper = pepper

    def with_pepper(self, pepper: bytes) -> "Cipher":
        twin = object.__new__(Cipher)
        twin._fernet, twin._pepper = self._fernet, pepper
        return twin

    def seal(self, value: Any) -> bytes:
        return self._fernet.encrypt(json.dumps(value, ensure_ascii=False).encode())

    def open(self, sealed: bytes) -> Any:
        """Raises `StoreKeyWrong` when none of the keys fits."""
        return json.loads(self.open_bytes(sealed))

    def seal_bytes(self, value: bytes) -> bytes:
        return self._fernet.encrypt(value)

    def open_bytes(self, sealed: bytes) -> bytes:
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken as error:
            raise StoreKeyWrong(
                "The key does not open what is stored. Put the key it was written with into CHAPERONE_KEY "
                "(several, separated by commas, while one is being rotated) or back into the key file."
            ) from error

    def reseal(self, sealed: bytes) -> bytes:
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken as error:
            raise StoreKeyWrong("A stored row is sealed with a key that was not given; nothing was changed.") from error

    def keyed_hash(self, *parts: str) -> str:
        """A 128-bit HMAC-SHA256 in hex; it tells nothing without the database's own secret."""
        message = "\x1f".join(parts).encode()
        return hmac.new(self._pepper, message, hashlib.sha256).hexdigest()[:32]


def new_key() -> str:
    return Fernet.generate_key().decode()


def keys_from(environment: str | None, key_file: Path) -> list[str]:
    """The keys from the environment, else from the key file, which is made (mode 0600) at the first start.

    Raises `ConfigError` when the file cannot be used.
    """
    if environment:
        return [key.strip() for key in environment.split(",") if key.strip()]
    try:
        if not key_file.exists():
            _write_key(key_file)
        if key_file.stat().st_mode & 0o077:
            raise ConfigError(f"The key file {key_file} can be read by others. Run: chmod 600 {key_file}")
        return key_file.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:  # the message of the latter would quote the file
        raise ConfigError(f"The key file {key_file} cannot be used: {type(error).__name__}") from None


def _write_key(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(new_key() + "\n")
    put_on_disk(file)
