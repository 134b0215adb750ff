"""A server with a channel and an author on the emulator of Discord, and the adapter that watches it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.chat import Chats
from bot.clock import StillClock
from bot.model import Batch, Posted, Target
from bot.platforms.base import Order, Surroundings
from bot.platforms.discord_server import Adapter, Settings
from bot.replies import Cleared
from bot.sandbox.discord import TOKEN, Discord
from bot.sandbox.resolver import connector

KEY = "a1b2c3d4" * 4
WORDS = Cleared("Please mind our rules.")
CONFIG = """
[classifier]
folder = "nowhere"
[[accounts]]
name = "practice"
platform = "discord_server"
mode = "live"
settings = {{ server = {server}, channels = [{channel}] }}
"""


@dataclass
class Practice:
    """A server with a channel and an author, and the adapter that watches it; `heard` what it brought."""

    discord: Discord
    clock: StillClock
    folder: Path
    general: str
    sam: str
    adapter: Adapter
    heard: asyncio.Queue[Batch]
    cursor: str | None = None

    async def next(self) -> list[Any]:
        """The events of the next batch that has any."""
        while True:
            batch = await asyncio.wait_for(self.heard.get(), 60)
            self.cursor = batch.cursor
            if batch.events:
                return list(batch.events)

    async def texts(self, count: int) -> list[str]:
        """The texts of so many comments to come."""
        found: list[str] = []
        while len(found) < count:
            found += [event.comment.text for event in await self.next() if isinstance(event, Posted)]
        return found

    async def order(self, text: str = "you charlatan", key: str = KEY, **values: Any) -> Order:
        """About a comment that Sam just posted."""
        return self.about(await self.discord.post(self.general, self.sam, text), key, **values)

    def about(self, message: str, key: str = KEY, **values: Any) -> Order:
        return Order(key, Target(message, self.sam, self.general, posted_at=self.clock.now()), **values)

    def standing(self) -> list[str]:
        """What people can read in the channel."""
        return [each["content"] or each["components"][0]["content"] for each in self.discord.said(self.general)]


@asynccontextmanager
async def watching(
    discord: Discord, clock: StillClock, folder: Path, cursor: str | None = None, **settings: Any
) -> AsyncIterator[tuple[Adapter, asyncio.Queue[Batch]]]:
    heard: asyncio.Queue[Batch] = asyncio.Queue()
    async with Chats(clock, lambda: connector(discord)) as chats:
        around = Surroundings("practice", clock, folder, frozenset({"77"}), chats)
        chosen = Settings.model_validate({"server": int(discord.world.guild)} | settings)
        async with Adapter.connect(chosen, around) as adapter:

            async def read() -> None:
                async for batch in adapter.events(cursor):
                    heard.put_nowait(batch)

            reading = asyncio.create_task(read())
            await chats.of(TOKEN).ready()
            while heard.empty() and discord.world.messages and not reading.done():
                await asyncio.sleep(0.001)
            yield adapter, heard
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
