"""The emulator, and a room on it with discord.py itself: nothing is patched."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.discord import Discord
from tests.discord_desk.room import Room
from tests.support import House, opened_store


@pytest.fixture
async def server() -> AsyncIterator[Discord]:
    async with Discord(limits={}) as server:
        yield server


@pytest.fixture
async def room(server: Discord, tmp_path: Path) -> AsyncIterator[Room]:
    with opened_store(tmp_path) as db:
        async with Room(server, House(db)) as room:
            yield room
