"""Schedule: timers of cases and retention of text.

What is due is found by asking `due_at`, never by counting rounds, so that a sleep catches up and a round too many
does nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, select, update

from bot.clock import Clock
from bot.config import Config
from bot.model import CaseState, Severity
from bot.on_call import next_call, send_pending, taken
from bot.retention import expire
from bot.store.database import Database
from bot.store.engine.port import Engine
from bot.store.queries import Note, write_audit
from bot.store.tables import case

log = logging.getLogger("chaperone.schedule")

Firing = Callable[[Connection, Config, datetime], bool]  # whether more is left to do
EVERY = {"timers": timedelta(minutes=1), "retention": timedelta(hours=1)}


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
    """No crisis waits longer than it may, though the clock was set back before a start."""
    latest = now + timedelta(minutes=config.desk.crisis_minutes)
    crisis = (case.c.state == CaseState.OPEN) & (case.c.severity == Severity.CRISIS)
    known = case.c.account.in_([account.name for account in config.accounts])
    tx.execute(update(case).where(crisis, known, case.c.due_at > latest).values(due_at=latest))


FIRINGS: Mapping[str, Firing] = {"timers": remind, "retention": expire}


class Schedule:
    def __init__(self, config: Config, db: Database, engine: Engine, clock: Clock) -> None:
        self._config, self._db, self._engine, self._clock = config, db, engine, clock

    async def run(self) -> None:
        """Everything at once, then each in its time, for ever."""
        async with asyncio.TaskGroup() as group:
            for name in EVERY:
                group.create_task(self._keep_up(name), name=name)

    async def _keep_up(self, name: str) -> None:
        while True:
            try:
                await self.fire(name)
            except Exception as error:  # the top of a task: a round that fails must not be the last
                log.error("round_failed", extra={"fields": {"of": name}}, exc_info=error)
            await self._clock.sleep(EVERY[name].total_seconds())

    async def fire(self, name: str) -> None:
        """Work all that is due now; what has more left to do goes on in a transaction of its own."""
        while await self._db.run(partial(self._work, name=name)):
            pass
        self._engine.wake()

    def _work(self, tx: Connection, name: str) -> bool:
        more = FIRINGS[name](tx, self._config, self._clock.now())
        send_pending(tx, self._engine)
        return more
