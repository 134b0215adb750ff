"""A practice whose adapter is connected through the real discord.py: nothing is patched."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.clock import StillClock
from bot.sandbox.discord import TOKEN, Discord
from tests.discord_server.practice import Practice, watching
from tests.support import NOON


@pytest.fixture(autouse=True)
def with_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAPERONE_DISCORD_TOKEN", TOKEN)


@pytest.fixture
async def practice(tmp_path: Path) -> AsyncIterator[Practice]:
    clock = StillClock(NOON)
    async with Discord(clock, limits={}) as server:
        general, sam = server.channel("general"), server.member("Sam")
        async with watching(server, clock, tmp_path, channels=[int(general)]) as (adapter, heard):
            yield Practice(server, clock, tmp_path, general, sam, adapter, heard)
