"""An account on the emulator of X, with the adapter that works for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from bot.model import Comment, Event, Posted, Target
from bot.platforms.base import Order
from bot.platforms.x import Adapter
from bot.sandbox.x import X
from tests.support import NOON

Connect = Callable[..., Any]
ME = "1001"
AT = "2026-03-01T12:00:00.000Z"
PROBLEMS = "https://api.twitter.com/2/problems/"
PATIENCE = 20.0  # seconds until something that must happen is given up


@dataclass
class Words:
    words: str


@dataclass
class Practice:
    """An account on the emulator, and the adapter that works for it."""

    x: X
    adapter: Adapter
    post: str

    def order(self, key: str, id_: str, words: str | None = None, author: str = "2001", summoned: bool = True) -> Order:
        target = Target(id_, author, self.post, self.post, summoned, NOON)
        return Order(key, target, Words(words) if words else None)

    async def events(self, enough: Callable[[list[Event]], bool], cursor: str | None = None) -> list[Event]:
        """What is read until it is enough."""
        found: list[Event] = []

        async def read() -> None:
            async for batch in self.adapter.events(cursor):
                found.extend(batch.events)
                if enough(found):
                    return

        await asyncio.wait_for(read(), PATIENCE)
        return found


@asynccontextmanager
async def practising(connection: AbstractAsyncContextManager[Adapter], x: X, post: str) -> AsyncIterator[Practice]:
    async with connection as adapter:
        yield Practice(x, adapter, post)


def posted(events: list[Event]) -> list[Comment]:
    return [event.comment for event in events if isinstance(event, Posted)]


def payload(**more: Any) -> dict[str, Any]:
    """A post as X tells it."""
    return {"id": "17", "text": "hello", "author_id": "9", "created_at": AT, "conversation_id": "5"} | more


async def streaming(x: X) -> None:
    """Waits until the adapter listens to the stream."""
    while not x.streams:
        await asyncio.sleep(0.01)


def hand_over_keys(x: X, monkeypatch: pytest.MonkeyPatch) -> None:
    """Into the environment, where the adapter looks for those of its account."""
    for name, value in x.keys.environment("practice").items():
        monkeypatch.setenv(name, value)
