"""The daemon at work on the emulator of X, by a clock that leaps to the next thing that is due."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from benchmarks.x.account import Stub, config
from bot.app import App, running
from bot.clock import Clock
from bot.sandbox.resolver import connector
from bot.sandbox.x import X
from bot.store.tables import action, comment, job

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
PATIENCE = 500.0  # real seconds until a measurement is given up


class LeapClock:
    """Runs `speed` times as fast as the wall's, and can leap; who sleeps is woken by a leap past their time."""

    def __init__(self, speed: float = 2.0) -> None:
        self._start, self._zero, self.speed = START, time.monotonic(), speed
        self._moved = asyncio.Event()
        self.sleepers: list[datetime] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=(time.monotonic() - self._zero) * self.speed)

    async def sleep(self, seconds: float) -> None:
        until = self.now() + timedelta(seconds=seconds)
        self.sleepers.append(until)
        try:
            while (left := (until - self.now()).total_seconds()) > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._moved.wait(), left / self.speed)
        finally:
            self.sleepers.remove(until)

    def leap(self, to: datetime) -> None:
        self._start += max(timedelta(), to - self.now())
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


@asynccontextmanager
async def daemon(x: X, clock: Clock, **settings: Any) -> AsyncIterator[App]:
    """The app at work on the emulated account."""
    os.environ.update(x.keys.environment("bench"))
    with tempfile.TemporaryDirectory() as folder:
        chosen = config(Path(folder), **settings)
        async with running(chosen, Stub(), clock, connector=lambda: connector(x)) as app, asyncio.TaskGroup() as group:
            group.create_task(app.run())
            leaping = group.create_task(_leap(app, clock)) if isinstance(clock, LeapClock) else None
            await until(lambda: bool(x.streams))
            yield app
            if leaping:
                leaping.cancel()
            app.stop()


async def _leap(app: App, clock: LeapClock) -> None:
    next_job = select(func.min(func.coalesce(job.c.run_at, START)))
    while True:
        await asyncio.sleep(0.03)
        app.engine.wake()
        if await app.engine.idle():
            due = await app.db.read(lambda tx: tx.execute(next_job).scalar())
            times = [*clock.sleepers, *([due] if due else [])]
            if times and (soonest := min(times)) > clock.now():
                clock.leap(soonest)


async def until(true: Callable[[], bool], patience: float = PATIENCE) -> bool:
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.02)
    return True


async def settled(app: App, comments: int) -> bool:
    """Whether so many comments came, and nothing is to be done any more."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        seen, waiting, unread = await app.db.read(_state)
        if seen >= comments and not waiting and not unread:
            return True
        await asyncio.sleep(0.1)
    return False


def _state(tx: Connection) -> tuple[int, int, int]:
    seen = tx.execute(select(func.count(func.distinct(comment.c.external_id)))).scalar_one()
    waiting = tx.execute(select(func.count()).where(action.c.state.in_(["pending", "sending"]))).scalar_one()
    unread = tx.execute(select(func.count()).where(comment.c.state == "received")).scalar_one()
    return seen, waiting, unread
