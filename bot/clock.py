"""The one clock of daemon, sandbox and tests, so that hours can pass in milliseconds."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...


SLOWED = 0.9  # seconds of ours in one second, while the wall clock is behind


class SystemClock:
    """The wall clock, but it never goes back: where that is set back, ours goes on a little more slowly until they
    agree, so that nothing that waits stands still. Forward it goes along: the machine may have slept as long.
    """

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        """`wall` and `steady` in seconds; nobody sets `steady`."""
        self._wall, self._steady = wall, steady
        self._last = wall(), steady()

    def now(self) -> datetime:
        before, then = self._last
        steady = self._steady()
        now = max(self._wall(), before + (steady - then) * SLOWED)
        self._last = now, steady
        return datetime.fromtimestamp(now, UTC)

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
