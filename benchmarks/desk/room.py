"""A desk to press on, and its cards."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.sandbox.discord import Discord
from tests.discord_desk.room import Room, shown
from tests.support import House, opened_store


@asynccontextmanager
async def desk(settings: Mapping[str, Any] | None = None) -> AsyncIterator[Room]:
    """A desk on a server without rate limits."""
    with tempfile.TemporaryDirectory() as folder, opened_store(Path(folder)) as db:
        async with Discord(limits={}) as server, Room(server, House(db), settings or {}, poll=0.5) as room:
            yield room


async def cards(room: Room, count: int, key: str = "k") -> dict[int, str]:
    """So many new cases with the messages of their cards."""
    ids = [await room.case(key=f"{key}{number}") for number in range(count)]
    wanted = set(ids)
    await until_true(lambda: wanted <= set(_on(room)), 0.1)
    return {id_: message for id_, message in _on(room).items() if id_ in wanted}


def _on(room: Room) -> dict[int, str]:
    return {int(shown(each).split()[2]): each["id"] for each in room.messages()}


async def until_true(holds: Callable[[], bool], pause: float = 0.001) -> None:
    while not holds():
        await asyncio.sleep(pause)
