"""Comments that join a case after somebody looked at it: nobody rules on what they could not have seen."""

from sqlalchemy import Connection, select

from bot.errors import DeskError
from bot.review.answers import counted
from bot.review.cases import LEAVES_OPEN, Ruling
from bot.store.tables import case


def none_joined(tx: Connection, case_id: int, seen: int, what: Ruling, look: str) -> None:
    """Raises `DeskError` where the case has more comments than were `seen`; `look` says how to see them."""
    comments = tx.execute(select(case.c.comments).where(case.c.id == case_id)).scalar() or 0
    if comments > seen and what not in LEAVES_OPEN:
        raise DeskError(
            f"Case {case_id} has {counted(comments, 'comment')}, {comments - seen} more than you saw, "
            f"so nothing was done. {look}"
        )
