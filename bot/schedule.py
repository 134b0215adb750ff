"""Schedule: timers of cases and retention of text. APScheduler is only the clock.

Each firing writes its name and slot under a unique key and asks the engine for the work, so that a slot is
worked once however often it fires. What is due is found by asking `due_at`, never by counting ticks, so that a
sleep catches up.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.sqlite import insert

from bot.clock import Clock
from bot.config import Config
from bot.model import CaseState, Severity
from bot.on_call import next_call, send_pending, taken
from bot.retention import expire
from bot.store.database import Database
from bot.store.engine.port import Engine, Job, Later, Queue
from bot.store.queries import Note, write_audit
from bot.store.tables import case, sched_run

log = logging.getLogger("chaperone.schedule")

Firing = Callable[[Connection, Config, datetime], bool]  # whether more is left to do
EVERY = {"timers": timedelta(minutes=1), "retention": timedelta(hours=1)}
URGENCY = {"timers": Severity.CRISIS, "retention": Severity.LOW}  # nobody waits for help while old words go


def remind(tx: Connection, config: Config, now: datetime) -> bool:
    """Cases whose time is up: the next person, for crisis; a higher place in the queue for the rest."""
    due = tx.execute(select(case).where(case.c.state == CaseState.OPEN, case.c.due_at <= now)).all()
    for row in due:
        told: str | None = row.assigned_to
        if row.severity == Severity.CRISIS and _known(config, row.account):
            if taken(row, now):  # whoever took it is called again only if they do not rule in time
                tx.execute(update(case).where(case.c.id == row.id).values(due_at=row.claimed_until))
                continue
            told = next_call(tx, config, config.account(row.account), row, now)
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


FIRINGS: Mapping[str, Firing] = {"timers": remind, "retention": expire}


class Schedule:
    def __init__(self, config: Config, db: Database, engine: Engine, clock: Clock) -> None:
        self._config, self._db, self._engine, self._clock = config, db, engine, clock
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        for name, every in EVERY.items():
            self._scheduler.add_job(
                self.fire,
                "interval",
                args=[name],
                seconds=every.total_seconds(),
                coalesce=True,
                max_instances=1,
            )

    async def start(self) -> None:
        """Everything fires once at once, so that it happens in a process of a minute too, such as a cron job's."""
        for name in EVERY:
            await self.fire(name)
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)

    async def fire(self, name: str) -> None:
        """Write the slot and ask for the work; a slot that is there already fires nothing."""
        now = self._clock.now()
        every = EVERY[name]
        slot = now - timedelta(seconds=now.timestamp() % every.total_seconds())

        def body(tx: Connection) -> None:
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


def _known(config: Config, name: str) -> bool:
    return any(account.name == name for account in config.accounts)
