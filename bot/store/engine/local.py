"""The embedded engine: a leased job table in our own database, one process.

The process lock (`bot/store/lock.py`) makes sure there is one, so that at the start every lease is void. A
lease has a name of its own, and only under that name it is completed: work that outlived its lease cannot
complete what was leased anew. What failed twice is leased alone, so that it does not take others with it again.
"""

import asyncio
import logging
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

import stamina
from sqlalchemy import Connection, Select, bindparam, delete, exists, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from bot.clock import Clock
from bot.errors import StoreUnavailable
from bot.store.database import Database
from bot.store.engine.port import Handler, Job, Later, Queue
from bot.store.tables import job

log = logging.getLogger("chaperone.engine")

TOGETHER = 2  # so often a batch is tried as a whole; a crash or a passing fault makes it fail once
LEASE = timedelta(seconds=120)  # at least three request timeouts
BACKOFFS = (1, 2, 4, 8, 16, 32, 64, 128, 300)  # seconds; the last one for ever


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
    attempts: int  # that failed, or were cut short by a crash


@dataclass(frozen=True, slots=True)
class _Lease:
    owner: str
    jobs: Sequence[_Leased]


class LocalEngine:
    def __init__(self, db: Database, clock: Clock, poll: float = 0.5) -> None:
        """`poll` (seconds) is how soon work is seen that another process asked for, or that became due."""
        self._db, self._clock, self._poll = db, clock, poll
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
            lease = await self._db.run(lambda tx: _lease(tx, work, now))
            if lease.jobs:
                await self._do(work, lease)
            return bool(lease.jobs)
        finally:
            self._busy -= 1

    async def _do(self, work: _Work, lease: _Lease) -> None:
        failed = False
        try:
            later = await work.handler([each.ref for each in lease.jobs])
        except Exception as error:  # the top of a task: nothing that one job does may end the daemon
            log.error("job_failed", extra={"fields": {"queue": work.queue, "jobs": len(lease.jobs)}}, exc_info=error)
            later, failed = self._backoff(lease.jobs), True
        async for attempt in stamina.retry_context(StoreUnavailable, attempts=None, timeout=None, wait_max=30):
            with attempt:
                await self._db.run(lambda tx: _settle(tx, lease, later, failed))

    def _backoff(self, jobs: Sequence[_Leased]) -> Later:
        now, last = self._clock.now(), len(BACKOFFS) - 1
        return {each.ref: now + timedelta(seconds=BACKOFFS[min(each.attempts, last)]) for each in jobs}


def _lease(tx: Connection, work: _Work, now: datetime) -> _Lease:
    due = [_Leased(row.id, row.ref, row.attempts) for row in tx.execute(_due(work.queue, now, work.batch))]
    jobs = list(takewhile(lambda each: each.attempts < TOGETHER, due)) or due[:1]
    lease = _Lease(secrets.token_hex(8), jobs)
    mine = {"owner": lease.owner, "lease_until": now + LEASE, "attempts": job.c.attempts + 1}
    tx.execute(update(job).where(job.c.id.in_([each.id for each in jobs])).values(mine))
    return lease


def _settle(tx: Connection, lease: _Lease, later: Later, failed: bool) -> None:
    """What is done goes; the rest waits. Waiting, where nothing failed, uses up no attempt."""
    done = [each.id for each in lease.jobs if each.ref not in later]
    tx.execute(delete(job).where(job.c.id.in_(done), job.c.owner == lease.owner))
    again = [
        {"b_id": each.id, "b_at": later[each.ref], "b_attempts": each.attempts + failed}
        for each in lease.jobs
        if each.ref in later
    ]
    if again:
        mine = (job.c.id == bindparam("b_id")) & (job.c.owner == lease.owner)
        waits = update(job).where(mine).values(run_at=bindparam("b_at"), attempts=bindparam("b_attempts"))
        tx.execute(waits.values(owner=None, lease_until=None), again)


def _due(queue: Queue, now: datetime, limit: int) -> Select[tuple[int, int, int]]:
    free = or_(job.c.owner.is_(None), job.c.lease_until < now)
    ready = or_(job.c.run_at.is_(None), job.c.run_at <= now)
    return (
        select(job.c.id, job.c.ref, job.c.attempts)
        .where(job.c.queue == queue, ready, free)
        .order_by(job.c.priority.desc(), job.c.id)
        .limit(limit)
    )
