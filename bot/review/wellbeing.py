"""Nobody has to read abuse all day: a cap on the severe cases that one person rules."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from bot.errors import DeskError
from bot.model import Severity
from bot.review.cases import Person
from bot.store.tables import case, ruling


def mind(tx: Connection, most: int | None, case_id: int, by: Person, now: datetime) -> None:
    """Raises `DeskError` where the case is severe and `by` ruled `most` severe ones since midnight UTC.

    A crisis is nobody's to turn away: it neither counts nor is kept from anyone.
    """
    severe = case.c.severity.in_([Severity.HIGH, Severity.URGENT])
    asked = tx.execute(select(case.c.id).where(case.c.id == case_id, severe)).first()
    if most is None or asked is None:
        return
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    theirs = select(func.count(func.distinct(ruling.c.case_id))).join(case, case.c.id == ruling.c.case_id)
    theirs = theirs.where(severe, ruling.c.actor == by.name, ruling.c.at >= midnight, ruling.c.case_id != case_id)
    if tx.execute(theirs).scalar_one() >= most:
        raise DeskError(f"You have ruled {most} severe cases today. Leave this one to a colleague, and take a break.")
