"""Cases: what a person is asked, whose it is, and what they can say of it. No chat library, no platform.

Every function here, in `rulings`, `undoing` and `pauses` is a transaction body, which every desk (console, Discord)
calls: what it writes, its audit and its jobs commit together, and the act worker does the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, select, update

from bot.errors import DeskError
from bot.model import CaseState, Mode, Role, Verb
from bot.store.queries import Note, write_audit
from bot.store.tables import account, case, case_comment, comment
from classifiers.labels import Label


class Ruling(StrEnum):
    """What a moderator can say of a case."""

    KEEP = "keep"
    HIDE = "hide"
    WARN = "warn"
    REPLY = "reply"
    MUTE = "mute"
    DELETE = "delete"
    BAN = "ban"
    LABEL = "label"
    NOTE = "note"  # for whoever looks next
    UNDO = "undo"


LEAST_ROLE = {
    Ruling.KEEP: Role.TRIAGE, Ruling.LABEL: Role.TRIAGE, Ruling.NOTE: Role.TRIAGE, Ruling.BAN: Role.LEAD,
    Ruling.DELETE: Role.LEAD,
}  # fmt: skip
LEAVES_OPEN = frozenset({Ruling.LABEL, Ruling.NOTE})
VERBS = {
    Ruling.HIDE: Verb.HIDE, Ruling.WARN: Verb.REPLY, Ruling.REPLY: Verb.REPLY, Ruling.MUTE: Verb.MUTE,
    Ruling.DELETE: Verb.DELETE, Ruling.BAN: Verb.BAN,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """Who rules."""

    name: str
    role: Role

    def must_be(self, least: Role, what: str) -> None:
        """Raises `DeskError`."""
        order = list(Role)
        if order.index(self.role) < order.index(least):
            raise DeskError(f"{_known_as(self.name)} is {self.role}; to {what} one must be {least}")


@dataclass(frozen=True, slots=True)
class Said:
    """A ruling as it was said. `words` is a typed reply, which the guard has let pass already."""

    what: Ruling
    by: Person
    why: str = ""
    labels: tuple[Label, ...] = ()
    template: str | None = None
    words: str | None = None
    comment_id: int | None = None  # only this comment of the case; None = all of them


@dataclass(frozen=True, slots=True)
class Ruled:
    """What came of it: actions asked for, and what could not be done, in words for a person."""

    actions: int
    cannot: tuple[str, ...] = ()
    mode: Mode = Mode.SHADOW  # in which that is done: in shadow nothing happens on the platform


def queue(tx: Connection, account_name: str | None = None, state: CaseState = CaseState.OPEN) -> Sequence[Row[Any]]:
    """Cases, the most severe first, then the oldest."""
    found = select(case).where(case.c.state == state)
    if account_name is not None:
        found = found.where(case.c.account == account_name)
    return tx.execute(found.order_by(case.c.severity.desc(), case.c.opened_at, case.c.id)).all()


def claim(tx: Connection, case_id: int, by: Person, now: datetime, minutes: int) -> None:
    """Take a case, so that nobody else acts on it meanwhile. Raises `DeskError` when somebody has it."""
    row = case_for(tx, case_id, by, now)
    until = now + timedelta(minutes=minutes)
    tx.execute(update(case).where(case.c.id == row.id).values(claimed_by=by.name, claimed_until=until))
    write_audit(tx, now, [Note("claimed", by.name, row.account, case_id=row.id)])


def assign(tx: Connection, case_id: int, to: str, by: Person, now: datetime) -> None:
    """Say whose case it is. Raises `DeskError`."""
    by.must_be(Role.MODERATOR, "assign")
    row = case_for(tx, case_id, by, now)
    tx.execute(update(case).where(case.c.id == row.id).values(assigned_to=to))
    write_audit(tx, now, [Note("assigned", by.name, row.account, case_id=row.id, detail=to)])


def close_case(tx: Connection, row: Row[Any], by: Person, now: datetime) -> None:
    closed = {"state": CaseState.CLOSED, "closed_at": now, "closed_by": by.name, "due_at": None}
    tx.execute(update(case).where(case.c.id == row.id).values(closed))
    write_audit(tx, now, [Note("case_closed", by.name, row.account, case_id=row.id)])


def find_case(tx: Connection, case_id: int) -> Row[Any]:
    """Raises `DeskError` where there is none."""
    row = tx.execute(select(case).where(case.c.id == case_id)).first()
    if row is None:
        raise DeskError(f"There is no case {case_id}; the queue lists the open ones")
    return row


def case_for(tx: Connection, case_id: int, by: Person, now: datetime) -> Row[Any]:
    """The case, for whoever works it now. Raises `DeskError` where it is closed, or with somebody else."""
    row = find_case(tx, case_id)
    if row.state == CaseState.CLOSED:
        raise DeskError(
            f"Case {case_id} was closed by {_known_as(row.closed_by)} at {row.closed_at:%Y-%m-%d %H:%M} UTC"
        )
    if row.claimed_by not in (None, by.name) and row.claimed_until > now:
        raise DeskError(f"Case {case_id} is with {_known_as(row.claimed_by)} until {row.claimed_until:%H:%M} UTC")
    return row


def comments_of(tx: Connection, case_id: int, only: int | None) -> Sequence[Row[Any]]:
    """All of the case, or one alone, with `account_mode`: their account's of now. Raises `DeskError`."""
    found = select(comment, account.c.mode.label("account_mode")).join(account, account.c.name == comment.c.account)
    found = found.join(case_comment, case_comment.c.comment_id == comment.c.id)
    found = found.where(case_comment.c.case_id == case_id)
    if only is not None:
        found = found.where(comment.c.id == only)
    rows = tx.execute(found.order_by(comment.c.id)).all()
    if only is not None and not rows:
        raise DeskError(f"Comment {only} is not in case {case_id}")
    return rows


def _known_as(actor: str | None) -> str:
    """Without what stands behind the slash, which makes them unmistakable and is nothing for people."""
    return (actor or "nobody").partition("/")[0]
