"""Schedule: timers of cases and retention of text. APScheduler is only the clock.

Each firing writes its name and slot under a unique key and asks the engine for the work, so that a slot is
worked once however often it fires. What is due is found by asking `due_at`, never by counting ticks, so that a
sleep catches up.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from bot.clock import Clock
from bot.config import Config
from bot.model import CaseState, Reason, Severity
from bot.on_call import next_call, send_pending, taken
from bot.retention import expire
from bot.store.database import Database
from bot.store.engine.port import Engine, Job, Later, Queue
from bot.store.queries import Note, write_audit
from bot.store.tables import case, sched_run

log = logging.getLogger("chaperone.schedule")

Firing = Callable[[Connection, Config, datetime], bool]  # whether more is left to do
EVERY = {"timers": timedelta(minutes=1), "retention": timedelta(hours=1)}
DAY = timedelta(days=1)
URGENCY = {"timers": Severity.CRISIS, "retention": Severity.LOW}  # nobody waits for help while old words go


def remind(tx: Connection, config: Config, now: datetime) -> bool:
    """Cases whose time is up: the next person, for crisis; a higher place in the queue for the rest."""
    _hasten(tx, config, now)
    due = tx.execute(select(case).where(case.c.state == CaseState.OPEN, case.c.due_at <= now)).all()
    for row in due:
        told: str | None = row.assigned_to
        if row.severity == Severity.CRISIS:
            if taken(row, now):  # whoever took it is called again only if they do not rule in time
                tx.execute(update(case).where(case.c.id == row.id).values(due_at=row.claimed_until))
                continue
            told = next_call(tx, config, row, now)
        else:
            next_at = now + timedelta(minutes=config.desk.remind_minutes)
            values = {"reminders": row.reminders + 1, "due_at": next_at}
            tx.execute(update(case).where(case.c.id == row.id).values(values))
        log.warning(
            "case_waits",
            extra={"fields": {"case": row.id, "severity": row.severity, "told": row.reminders + 2}},
        )
        write_audit(tx, now, [Note("case_reminded", account=row.account, case_id=row.id, detail=told)])
    return False


def _hasten(tx: Connection, config: Config, now: datetime) -> None:
    """No crisis waits longer than it may, nor does anybody hold its calls: times further ahead are of before the
    clock was set back."""
    crisis = (case.c.state == CaseState.OPEN) & (case.c.severity == Severity.CRISIS)
    crisis &= case.c.reason.not_in([Reason.REFUSED, Reason.UNKNOWN_OUTCOME])  # what failed; the crisis has its own case
    claim, call = timedelta(minutes=config.desk.claim_minutes), timedelta(minutes=config.desk.crisis_minutes)
    tx.execute(update(case).where(crisis, case.c.claimed_until > now + claim).values(claimed_until=now + claim))
    tx.execute(update(case).where(crisis, case.c.due_at > now + max(claim, call)).values(due_at=now + call))


FIRINGS: Mapping[str, Firing] = {"timers": remind, "retention": expire}


class Schedule:
    def __init__(self, config: Config, db: Database, engine: Engine, clock: Clock) -> None:
        self._config, self._db, self._engine, self._clock = config, db, engine, clock
        self.timer = AsyncIOScheduler(timezone="UTC")
        for name, every in EVERY.items():
            self.timer.add_job(
                self.fire,
                "interval",
                args=[name],
                id=name,
                seconds=every.total_seconds(),
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,  # late is better than not at all
            )

    async def start(self) -> None:
        """Everything fires once at once, so that it happens in a process of a minute too, such as a cron job's."""
        for name in EVERY:
            await self.fire(name)
        self.timer.start()

    def stop(self) -> None:
        self.timer.shutdown(wait=False)

    async def mind_the_wall_clock(self, seconds: float = 60.0) -> None:
        """The timer sleeps by the wall clock: set back by an hour, it would sleep for that hour too."""
        while True:
            await asyncio.sleep(seconds)
            now = datetime.now(UTC)
            for job in self.timer.get_jobs():
                if job.next_run_time > now + EVERY[job.id]:
                    job.modify(next_run_time=now)

    async def fire(self, name: str) -> None:
        """Write the slot and ask for the work; a slot that is there already fires nothing.

        Slots to come are of before a start at which the clock had been set back: they would hold up what comes.
        """
        now = self._clock.now()
        every = EVERY[name]
        slot = now - timedelta(seconds=now.timestamp() % every.total_seconds())

        def body(tx: Connection) -> None:
            tx.execute(delete(sched_run).where(sched_run.c.name == name, ~sched_run.c.slot.between(now - DAY, now)))
            row = insert(sched_run).values(name=name, slot=slot).on_conflict_do_nothing().returning(sched_run.c.id)
            if (id_ := tx.execute(row).scalar()) is not None:
                self._engine.enqueue(tx, Queue.FIRE, [Job(f"{name}/{id_}", id_, priority=URGENCY[name])])

        await self._db.run(body)
        self._engine.wake()

    async def __call__(self, ids: Sequence[int]) -> Later:
        """The handler of the fire queue."""
        return await self._db.run(lambda tx: self._work(tx, ids))

    def _work(self, tx: Connection, ids: Sequence[int]) -> Later:
        """What has more left to do is worked again at once, in a transaction of its own."""
        now = self._clock.now()
        slots = tx.execute(select(sched_run.c.id, sched_run.c.name).where(sched_run.c.id.in_(ids))).all()
        later = {id_: now for id_, name in slots if FIRINGS[name](tx, self._config, now)}
        send_pending(tx, self._engine)
        return later
