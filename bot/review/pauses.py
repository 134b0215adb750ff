"""Pauses: for a label, or for all, the machine only asks until somebody lets it act again."""

from datetime import datetime

from sqlalchemy import Connection, delete
from sqlalchemy.dialects.sqlite import insert

from bot.model import Role
from bot.review.cases import Person
from bot.store.queries import Note, write_audit
from bot.store.tables import pause
from classifiers.labels import Label


def set_pause(tx: Connection, account_name: str, label: Label | None, by: Person, now: datetime) -> None:
    """From now on the machine only asks: for one label, or for all. What people rule is still done."""
    by.must_be(Role.MODERATOR, "pause")
    row = insert(pause).values(account=account_name, label=label or "", by=by.name, at=now)
    tx.execute(row.on_conflict_do_nothing())
    write_audit(tx, now, [Note("paused", by.name, account_name, detail=label or "every label")])


def lift_pause(tx: Connection, account_name: str, label: Label | None, by: Person, now: datetime) -> bool:
    """Let the machine act again. False when it was not paused."""
    by.must_be(Role.LEAD, "resume")
    mine = (pause.c.account == account_name) & (pause.c.label == (label or ""))
    lifted = tx.execute(delete(pause).where(mine)).rowcount > 0
    write_audit(tx, now, [Note("resumed", by.name, account_name, detail=label or "every label")])
    return lifted
