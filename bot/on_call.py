"""On call: who is told of a crisis, in which order, and the rows that say so. Transaction bodies; they reach nobody.

    round 0: the first person · round 1: the next · … · after the last: everybody, again and again

A round ends after `desk.crisis_minutes`, or when nobody in it can be reached. It all ends when somebody rules, and
rests while somebody has taken the case. Each notice is a row before it is sent (see `bot/notify.py`); the desk on
Discord calls the same people by its own means. Should Discord refuse it, everybody is told of that at once.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.sqlite import insert

from bot.config import Account, Config, OnCall
from bot.model import CaseState, Reason, Severity
from bot.store.engine.port import Engine, Job, Queue
from bot.store.queries import NewCase, Note, put_in_case, write_audit
from bot.store.tables import audit, case, notice


class NoticeState(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"  # nobody answers there: the next person was told at once
    CANCELLED = "cancelled"  # somebody has taken the case, or ruled


A_MEMBER = re.compile(r"\d{15,20}")  # the id of a member of a Discord server
WAITING = (NoticeState.PENDING, NoticeState.SENDING)


def people(config: Config, account: str) -> tuple[OnCall, ...]:
    """Those on call who can be reached somehow; all of them where nobody can: then the queue shows whose it is.

    What came before its account was renamed in the config, or left it, is everybody's who is on call for another.
    """
    named = [one for one in config.accounts if one.name == account] or config.accounts
    found = dict.fromkeys(person for one in named for person in reachable(config, one))
    return tuple(found) or tuple(person for one in named for person in one.on_call)


def reachable(config: Config, account: Account) -> tuple[OnCall, ...]:
    """Those on call who have an address, or whom the desk on Discord can call."""
    desk = config.desk.discord.channel is not None
    return tuple(one for one in account.on_call if one.notify or (desk and A_MEMBER.fullmatch(one.contact)))


def of_round(everybody: Sequence[OnCall], number: int) -> Sequence[OnCall]:
    """Who is told in a round: one after the other, then everybody."""
    return everybody[number : number + 1] or everybody


def first_call(tx: Connection, config: Config, account: str, case_id: int, now: datetime) -> None:
    """A crisis was found: its first person is told. Doing it again, as further comments join the case, is harmless."""
    _write(tx, account, case_id, 0, of_round(people(config, account), 0), now)


def next_call(tx: Connection, config: Config, row: Row[Any], now: datetime) -> str | None:
    """Nobody ruled in time, or nobody could be reached: the next round. Returns whose case it is from now on."""
    everybody, number = people(config, row.account), row.reminders + 1
    told: str | None = everybody[number % len(everybody)].name if everybody else row.assigned_to
    due = now + timedelta(minutes=config.desk.crisis_minutes)
    values = {"reminders": number, "due_at": due, "assigned_to": told}
    tx.execute(update(case).where(case.c.id == row.id).values(values))
    _write(tx, row.account, row.id, number, of_round(everybody, number), now)
    return told


def pass_on(tx: Connection, config: Config, failed: Row[Any], now: datetime) -> None:
    """Somebody could not be reached: tell the next at once. Where everybody was told already, the timer goes on."""
    row = tx.execute(select(case).where(case.c.id == failed.case_id, case.c.state == CaseState.OPEN)).first()
    if row is None or row.reminders != failed.round or failed.round >= len(people(config, row.account)):
        return
    told = next_call(tx, config, row, now)
    write_audit(tx, now, [Note("case_passed_on", account=row.account, case_id=row.id, detail=told)])


def tell_desk_stopped(tx: Connection, config: Config, why: str, now: datetime) -> None:
    """Discord refuses the desk until the next start: each account has a case, and who has an address is told, at most
    once a day.
    """
    write_audit(tx, now, [Note(Reason.DESK_STOPPED, detail=why)])
    for account in config.accounts:
        key, everybody = f"desk_stopped:{account.name}:{now:%Y-%m-%d}", people(config, account.name)
        new = NewCase(key, account.name, Reason.DESK_STOPPED, None, why, Severity.URGENT)
        _write(tx, account.name, put_in_case(tx, new, None, now), len(everybody), everybody, now)


def desk_stopped(tx: Connection) -> str | None:
    """Why Discord has refused the desk since the last start; None where it did not."""
    either = audit.c.what.in_(["started", Reason.DESK_STOPPED])
    last = tx.execute(select(audit).where(either).order_by(audit.c.id.desc()).limit(1)).first()
    why: str | None = last.detail if last is not None and last.what == Reason.DESK_STOPPED else None
    return why


def taken(row: Row[Any], now: datetime) -> bool:
    """Whether somebody has taken the case: that is how a call is acknowledged."""
    return row.claimed_by is not None and bool(row.claimed_until > now)


def send_pending(tx: Connection, engine: Engine) -> None:
    """Ask for the sending of all that waits; what was asked for already is left as it is."""
    waits = select(notice.c.id).where(notice.c.state.in_(WAITING))
    jobs = [Job(str(id_), id_, priority=Severity.CRISIS) for id_ in tx.execute(waits).scalars()]
    engine.enqueue(tx, Queue.NOTIFY, jobs)


def _write(tx: Connection, account: str, case_id: int, number: int, told: Sequence[OnCall], now: datetime) -> None:
    rows = [
        {"case_id": case_id, "account": account, "round": number, "person": one.name, "made_at": now,
         "state": NoticeState.PENDING}
        for one in told
        if one.notify
    ]  # fmt: skip
    if rows:
        tx.execute(insert(notice).on_conflict_do_nothing(), rows)
