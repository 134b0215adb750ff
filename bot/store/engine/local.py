"""The embedded engine: a leased job table in our own database, one process.

The process lock (`bot/store/lock.py`) makes sure there is one, so that at the start every lease is void. A
lease carries its owner, and only the owner completes it: work that outlived its lease cannot complete somebody
else's.
"""

import asyncio
import logging
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import stamina
from sqlalchemy import Connection, Select, bindparam, delete, exists, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from bot.clock import Clock
from bot.errors import StoreUnavailable
from bot.store.database import Database
from bot.store.engine.port import Handler, Job, Later, Queue
from bot.store.tables import job

log = logging.getLogger("chaperone.engine")

LEASE = timedelta(seconds=120)  # at least three request timeouts
LONGEST_BACKOFF = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class _Work:
    queue: Queue
    handler: Handler
    batch: int
    workers: int


@dataclass(frozen=True, slots=True)
class _Leased:
    id: int
    ref: int
    attempts: int


class LocalEngine:
    def __init__(self, db: Database, clock: Clock, poll: float = 0.5) -> None:
        """`poll` (seconds) is how soon work is seen that another process asked for, or that became due."""
        self._db, self._clock, self._poll = db, clock, poll
        self._owner = secrets.token_hex(8)
        self._work: list[_Work] = []
        self._wakes: list[asyncio.Event] = []
        self._stopping = False
        self._busy = 0

    def enqueue(self, tx: Connection, queue: Queue, jobs: Iterable[Job]) -> None:
        rows = [{"queue": queue, "key": j.key, "ref": j.ref, "run_at": j.run_at, "priority": j.priority} for j in jobs]
        if rows:
            tx.execute(insert(job).on_conflict_do_nothing(), rows)

    def handle(self, queue: Queue, handler: Handler, *, batch: int = 1, workers: int = 1) -> None:
        self._work.append(_Work(queue, handler, batch, workers))

    def wake(self) -> None:
        for event in self._wakes:
            event.set()

    async def run(self) -> None:
        await self._db.run(lambda tx: tx.execute(update(job).values(owner=None, lease_until=None)))
        async with asyncio.TaskGroup() as group:
            for work in self._work:
                for number in range(work.workers):
                    group.create_task(self._worker(work), name=f"{work.queue}-{number}")

    def stop(self) -> None:
        self._stopping = True
        self.wake()

    async def idle(self) -> bool:
        now = self._clock.now()
        due = exists().where(or_(job.c.run_at.is_(None), job.c.run_at <= now))
        return not self._busy and not await self._db.read(lambda tx: tx.execute(select(due)).scalar_one())

    async def waiting(self, queue: Queue) -> int:
        count = select(func.count()).select_from(job).where(job.c.queue == queue)
        return await self._db.read(lambda tx: tx.execute(count).scalar_one())

    async def _worker(self, work: _Work) -> None:
        wake = asyncio.Event()
        self._wakes.append(wake)
        failures = 0
        while not self._stopping:
            wake.clear()
            try:
                busy = await self._turn(work)
                failures = 0
            except StoreUnavailable as error:
                failures += 1
                log.error("store_unavailable", extra={"fields": {"queue": work.queue, "failures": failures}})
                log.debug("store_unavailable_because", exc_info=error)
                busy = False
            if not busy:
                await self._rest(wake, self._poll * 2 ** min(failures, 6))

    async def _rest(self, wake: asyncio.Event, seconds: float) -> None:
        try:
            await asyncio.wait_for(wake.wait(), seconds)
        except TimeoutError:
            return

    async def _turn(self, work: _Work) -> bool:
        """Lease a batch, have it done, settle the leases. False when nothing was due."""
        now = self._clock.now()
        if not await self._db.read(lambda tx: tx.execute(_due(work.queue, now, 1)).first()):
            return False
        self._busy += 1
        try:
            leased = await self._db.run(lambda tx: self._lease(tx, work, now))
            if leased:
                await self._do(work, leased)
            return bool(leased)
        finally:
            self._busy -= 1

    def _lease(self, tx: Connection, work: _Work, now: datetime) -> list[_Leased]:
        rows = tx.execute(_due(work.queue, now, work.batch)).all()
        ids = [row.id for row in rows]
        mine = {"owner": self._owner, "lease_until": now + LEASE, "attempts": job.c.attempts + 1}
        tx.execute(update(job).where(job.c.id.in_(ids)).values(mine))
        return [_Leased(row.id, row.ref, row.attempts) for row in rows]

    async def _do(self, work: _Work, leased: Sequence[_Leased]) -> None:
        try:
            later = await work.handler([each.ref for each in leased])
        except Exception as error:  # the top of a task: nothing that one job does may end the daemon
            log.error("job_failed", extra={"fields": {"queue": work.queue, "jobs": len(leased)}}, exc_info=error)
            later = self._backoff(leased)
        async for attempt in stamina.retry_context(StoreUnavailable, attempts=None, timeout=None, wait_max=30):
            with attempt:
                await self._db.run(lambda tx: self._settle(tx, leased, later))

    def _backoff(self, leased: Sequence[_Leased]) -> Later:
        now = self._clock.now()
        return {each.ref: now + timedelta(seconds=min(2.0**each.attempts, LONGEST_BACKOFF)) for each in leased}

    def _settle(self, tx: Connection, leased: Sequence[_Leased], later: Later) -> None:
        done = [each.id for each in leased if each.ref not in later]
        tx.execute(delete(job).where(job.c.id.in_(done), job.c.owner == self._owner))
        again = [{"b_id": each.id, "b_at": later[each.ref]} for each in leased if each.ref in later]
        if again:
            mine = (job.c.id == bindparam("b_id")) & (job.c.owner == self._owner)
            tx.execute(update(job).where(mine).values(run_at=bindparam("b_at"), owner=None, lease_until=None), again)


def _due(queue: Queue, now: datetime, limit: int) -> Select[tuple[int, int, int]]:
    free = or_(job.c.owner.is_(None), job.c.lease_until < now)
    ready = or_(job.c.run_at.is_(None), job.c.run_at <= now)
    return (
        select(job.c.id, job.c.ref, job.c.attempts)
        .where(job.c.queue == queue, ready, free)
        .order_by(job.c.priority.desc(), job.c.id)
        .limit(limit)
    )
