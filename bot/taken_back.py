"""Taken back: what an undo has to reverse, and how it meets a call that is still under way.

A call without an answer may have arrived. So it is reversed like one that has, and is not made again; and what
reverses it waits until it has ended, or it would be the call that comes last.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select, tuple_

from bot.model import ActionState, Mode
from bot.store.tables import action, case_comment, ruling

CALL_OFF = ("keep", "undo")  # the rulings after which nothing is to be done that was not done before
FAILED = (ActionState.CANCELLED, ActionState.REFUSED, ActionState.UNKNOWN)  # such an undo took nothing back
ARRIVED = (ActionState.DONE, ActionState.SENDING, ActionState.UNKNOWN)  # or may have, for all we know


def to_take_back(tx: Connection, comment_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """What was done to these comments, or may have been, and is not being taken back. The live ones first."""
    being = select(action.c.undo_of).where(action.c.undo_of.is_not(None), action.c.state.not_in(FAILED))
    # an attempt is used up by a call without an answer, never by one that was told to come back later
    arrived = or_(action.c.state.in_(ARRIVED), and_(action.c.state == ActionState.CANCELLED, action.c.attempts > 0))
    theirs = action.c.comment_id.in_(comment_ids) & action.c.undo_of.is_(None)
    found = select(action).where(theirs, arrived, action.c.id.not_in(being))
    return tx.execute(found.order_by(action.c.mode != Mode.LIVE, action.c.id)).all()


def is_early(tx: Connection, act: Row[Any]) -> bool:
    """Whether what it takes back is still under way."""
    taken = select(action.c.comment_id, action.c.verb).where(action.c.id == act.undo_of)
    alike = tuple_(action.c.comment_id, action.c.verb).in_(taken) & (action.c.id < act.id)
    under_way = select(action.c.id).where(alike, action.c.state == ActionState.SENDING)
    return act.undo_of is not None and tx.execute(under_way).first() is not None


def is_called_off(tx: Connection, act: Row[Any]) -> bool:
    """Whether it was taken back, or a person ruled that it should not be, since it was sent."""
    if act.undo_of is not None:
        return False
    since = (ruling.c.at >= action.c.sent_at) & (ruling.c.id > func.coalesce(action.c.ruling_id, 0))
    about = or_(ruling.c.comment_id.is_(None), ruling.c.comment_id == action.c.comment_id)
    ruled = select(ruling.c.id).join(case_comment, case_comment.c.case_id == ruling.c.case_id)
    ruled = ruled.join(action, action.c.comment_id == case_comment.c.comment_id)
    ruled = ruled.where(action.c.id == act.id, ruling.c.what.in_(CALL_OFF), since, about)
    taken = select(action.c.id).where(action.c.undo_of == act.id)
    return any(tx.execute(each).first() is not None for each in (ruled, taken))
