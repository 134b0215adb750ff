"""The emulator, and what connects an adapter to it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.platforms import base
from bot.platforms.x import Adapter, Settings
from bot.sandbox.resolver import connector
from bot.sandbox.x import X
from tests.x.practice import Connect, hand_over_keys, practising


@pytest.fixture
async def x() -> AsyncIterator[X]:
    async with X(keep_alive=0.5) as x:
        yield x


@pytest.fixture
async def connect(x: X, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    hand_over_keys(x, monkeypatch)
    post = x.publish("Our opening hours")

    def make(clock: Any = None, staff: frozenset[str] = frozenset(), **settings: Any) -> Any:
        around = base.Surroundings(
            "practice", clock or SystemClock(), tmp_path / "x", staff, connector=lambda: connector(x)
        )
        quick = {"handle": "clinic", "poll_seconds": 0.3, "call_seconds": 2, "silence_seconds": 2, "stream": False}
        return practising(Adapter.connect(Settings.model_validate(quick | settings), around), x, post)

    yield make
