"""What a power cut must not take away is on the disk before anything is done that counts on it."""

import os
from pathlib import Path

import pytest

from bot.store.cipher import keys_from
from bot.x.memory import Memory

OnDisk = dict[Path, bytes]


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch) -> OnDisk:
    """What is surely on the disk: the bytes of each file when it was last put there, none for a folder."""
    surely: OnDisk = {}
    really = os.fsync

    def sync(descriptor: int) -> None:
        really(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}").resolve()
        surely[path] = path.read_bytes() if path.is_file() else b""

    monkeypatch.setattr(os, "fsync", sync)
    return surely


def test_what_we_are_about_to_say_on_x(tmp_path: Path, on_disk: OnDisk) -> None:
    file = tmp_path / "memory.jsonl"
    memory = Memory(file)
    for key in ("first", "second"):
        memory.intend(key, "17", "Our words")
        assert on_disk == {tmp_path: b"", file: file.read_bytes()}


def test_a_new_key_before_anything_is_sealed_with_it(tmp_path: Path, on_disk: OnDisk) -> None:
    file = tmp_path / "chaperone.key"
    (key,) = keys_from(None, file)
    assert on_disk == {tmp_path: b"", file: f"{key}\n".encode()}
