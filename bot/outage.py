"""Outage: what waits for a person only because no model could read it is judged once one can, at the next start.

A crisis that a person found among it is theirs, and stays as it is; so does a comment that a person ruled on. Only a
person closes its case, as ever.
"""

from datetime import datetime

from sqlalchemy import Connection, delete, func, or_, select, update

from bot.model import CaseState, CommentState, Reason, Severity
from bot.review.cases import LEAVES_OPEN
from bot.store.engine.port import Engine, Job, Queue
from bot.store.queries import DAEMON, Note, write_audit
from bot.store.tables import case, case_comment, comment, decision, ruling

_DOWN = (case.c.reason == Reason.MODEL_DOWN) & (case.c.state == CaseState.OPEN) & (case.c.severity < Severity.CRISIS)
_ABOUT = or_(ruling.c.comment_id.is_(None), ruling.c.comment_id == case_comment.c.comment_id)
_RULED = (
    select(case_comment.c.comment_id)
    .join(ruling, ruling.c.case_id == case_comment.c.case_id)
    .where(_ABOUT, ruling.c.what.not_in(LEAVES_OPEN))
)


def assess_again(tx: Connection, engine: Engine, model: str, now: datetime) -> int:
    """What waits for a person only because another model was down is judged by this one. Returns how many."""
    waits = select(case_comment.c.comment_id).join(case, case.c.id == case_comment.c.case_id).where(_DOWN)
    last = select(func.max(decision.c.id)).where(decision.c.comment_id.in_(waits)).group_by(decision.c.comment_id)
    unread = (decision.c.reason == Reason.MODEL_DOWN) & (decision.c.model != model)
    again = select(decision.c.comment_id).where(unread, decision.c.id.in_(last))
    settled = (comment.c.state == CommentState.SETTLED) & comment.c.id.in_(again) & comment.c.id.not_in(_RULED)
    ids = tx.execute(update(comment).where(settled).values(state=CommentState.RECEIVED).returning(comment.c.id))
    jobs = [Job(str(id_), id_) for id_ in ids.scalars()]
    engine.enqueue(tx, Queue.CLASSIFY, jobs)
    if jobs:
        left = _leave_cases(tx, now)
        write_audit(tx, now, [Note("assessed_again", comment_id=it.ref, case_id=left.get(it.ref)) for it in jobs])
    return len(jobs)


def _leave_cases(tx: Connection, now: datetime) -> dict[int, int]:
    """A case of nothing else is closed and keeps them; they leave those in which others stay. Returns which left."""
    stays = comment.c.state.not_in([CommentState.RECEIVED, CommentState.GONE])
    others = select(case_comment.c.case_id).join(comment, comment.c.id == case_comment.c.comment_id).where(stays)
    closed = {"state": CaseState.CLOSED, "closed_at": now, "closed_by": DAEMON}
    tx.execute(update(case).where(_DOWN, case.c.id.not_in(others)).values(closed))
    stay = select(case.c.id).where(_DOWN)
    judged = select(comment.c.id).where(comment.c.state == CommentState.RECEIVED)
    leaving = delete(case_comment).where(case_comment.c.case_id.in_(stay), case_comment.c.comment_id.in_(judged))
    left = tx.execute(leaving.returning(case_comment.c.comment_id, case_comment.c.case_id)).all()
    held = select(func.count()).where(case_comment.c.case_id == case.c.id).scalar_subquery()
    tx.execute(update(case).where(_DOWN).values(comments=held))
    return {row.comment_id: row.case_id for row in left}
