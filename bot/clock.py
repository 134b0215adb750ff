"""The one clock of daemon, sandbox and tests, so that hours can pass in milliseconds."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class FastClock:
    """A clock that runs `speed` times as fast from `start`; `advance` jumps, also backwards."""

    def __init__(self, start: datetime, speed: float = 1000.0) -> None:
        self._start = start
        self._speed = speed
        self._zero = time.monotonic()

    def now(self) -> datetime:
        elapsed = time.monotonic() - self._zero  # not the loop's time: the store's thread asks too
        return self._start + timedelta(seconds=elapsed * self._speed)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)

    def advance(self, by: timedelta) -> None:
        self._start += by


class StillClock:
    """Stands still until `advance`; sleeping gives way once and returns at the time slept to."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.advance(timedelta(seconds=seconds))
        await asyncio.sleep(0)

    def advance(self, by: timedelta) -> None:
        self._now += by
