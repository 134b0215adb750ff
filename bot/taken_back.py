"""Taken back: what an undo has to reverse, and how it meets a call that is still under way.

A call without an answer may have arrived. So it is reversed like one that has, and is not made again; and what
reverses it waits until it has ended, or it would be the call that comes last.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select, tuple_

from bot.model import ActionState, Mode
from bot.store.tables import action, case_comment, comment, ruling
from classifiers.labels import Label

CALL_OFF = ("keep", "undo")  # the rulings after which nothing is to be done that was not done before
FAILED = (ActionState.CANCELLED, ActionState.REFUSED, ActionState.UNKNOWN)  # such an undo took nothing back
ARRIVED = (ActionState.DONE, ActionState.SENDING, ActionState.UNKNOWN)  # or may have, for all we know


def to_take_back(tx: Connection, those: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """Those actions that were done, or may have been, and are not being taken back. The live ones first."""
    found = select(action).where(those, _stands())
    return tx.execute(found.order_by(action.c.mode != Mode.LIVE, action.c.id)).all()


def done_by_rule(tx: Connection, label: Label, since: datetime) -> Sequence[Row[Any]]:
    """What the machine did for this label since then, or is about to: `id`, `comment_id` and its first `case_id`.

    In their order. What a person asked for too is left out, whichever edit they saw.
    """
    by_machine = action.c.ruling_id.is_(None) & action.c.undo_of.is_(None) & (action.c.label == label)
    recent = action.c.settled_at.is_(None) | (action.c.settled_at >= since)
    there = by_machine & recent & (_stands() | (action.c.state == ActionState.PENDING))
    wish = tuple_(comment.c.account, comment.c.external_id, action.c.verb)
    found: Select[Any] = select(action.c.id, action.c.comment_id, func.min(case_comment.c.case_id).label("case_id"))
    found = found.join(comment, comment.c.id == action.c.comment_id)
    found = found.join(case_comment, case_comment.c.comment_id == action.c.comment_id)
    found = found.where(there, wish.not_in(_wished_by_people())).group_by(action.c.id)
    return tx.execute(found.order_by("case_id", action.c.comment_id, action.c.id)).all()


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


def _stands() -> ColumnElement[bool]:
    """Done, or perhaps done, and not being taken back; not what takes something back itself."""
    being = select(action.c.undo_of).where(action.c.undo_of.is_not(None), action.c.state.not_in(FAILED))
    # an attempt is used up by a call without an answer, never by one that was told to come back later
    arrived = or_(action.c.state.in_(ARRIVED), and_(action.c.state == ActionState.CANCELLED, action.c.attempts > 0))
    return and_(action.c.undo_of.is_(None), arrived, action.c.id.not_in(being))


def _wished_by_people() -> Select[Any]:
    """Account, comment and verb of what people asked for."""
    asked = action.c.ruling_id.is_not(None) & action.c.undo_of.is_(None)
    asked &= action.c.state.not_in([ActionState.CANCELLED, ActionState.REFUSED])
    wish = select(comment.c.account, comment.c.external_id, action.c.verb)
    return wish.join(action, action.c.comment_id == comment.c.id).where(asked)
