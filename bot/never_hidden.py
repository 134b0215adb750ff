"""Never hidden: what the machine did, or was about to do, to a comment that turns out to be a crisis is taken back.

That happens where a comment is edited, or judged anew. What people did stays as they ruled.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from bot.actions import ACTIONS, action_key
from bot.model import ActionState, Severity, Verb
from bot.store.engine.port import Engine, Job, Queue
from bot.store.queries import Note, close_action, open_action, write_audit
from bot.store.tables import action, comment
from bot.taken_back import FAILED

TAKEN_BACK = {verb: back for verb in (Verb.HIDE, Verb.MUTE) if (back := ACTIONS[verb].undone_by)}
WHY = "the comment is a crisis, which the machine never hides"
CALL_ENDS = timedelta(minutes=2)  # until a call that is under way has ended


def spare(tx: Connection, engine: Engine, row: Row[Any], decision_id: int, now: datetime) -> bool:
    """Of a comment just found a crisis, over all its edits: call off what waits, take back what was done.

    Returns whether anything has to be taken back.
    """
    same = (comment.c.account == row.account) & (comment.c.external_id == row.external_id)
    by_machine = action.c.comment_id.in_(select(comment.c.id).where(same)) & action.c.ruling_id.is_(None)
    by_machine &= action.c.undo_of.is_(None) & (action.c.decision_id != decision_id)
    _call_off(tx, tx.execute(select(action).where(by_machine, action.c.state == ActionState.PENDING)).all(), now)
    undone = select(action.c.undo_of).where(action.c.undo_of.is_not(None), action.c.state.not_in(FAILED))
    may_be_done = or_(
        action.c.state.in_([ActionState.DONE, ActionState.SENDING, ActionState.UNKNOWN]),
        (action.c.state == ActionState.CANCELLED) & (action.c.attempts > 0),  # after a call without an answer
    )
    done = select(action).where(by_machine, action.c.verb.in_(TAKEN_BACK), may_be_done, action.c.id.not_in(undone))
    found = tx.execute(done).all()
    for each in found:
        _take_back(tx, engine, row, each, decision_id, now)
    return bool(found)


def _call_off(tx: Connection, waiting: Any, now: datetime) -> None:
    ended = {"state": ActionState.CANCELLED, "note": WHY, "settled_at": now}
    for each in waiting:
        tx.execute(update(action).where(action.c.id == each.id).values(ended))
        close_action(tx, each.comment_id)
    notes = [Note("action_cancelled", comment_id=each.comment_id, action_id=each.id, detail=WHY) for each in waiting]
    write_audit(tx, now, notes)


def _take_back(tx: Connection, engine: Engine, row: Row[Any], done: Row[Any], decision_id: int, now: datetime) -> None:
    verb = TAKEN_BACK[Verb(done.verb)]
    values = {
        "key": action_key(row.account, row.external_id, row.edit, verb, f"crisis:{decision_id}:{done.id}"),
        "comment_id": row.id, "decision_id": decision_id, "undo_of": done.id, "account": row.account,
        "label": done.label, "verb": verb, "mode": done.mode, "severity": Severity.CRISIS,
        "state": ActionState.PENDING,
    }  # fmt: skip
    id_ = tx.execute(insert(action).values(values).returning(action.c.id)).scalar_one()
    open_action(tx, row.id)
    at = None if done.state == ActionState.DONE else now + CALL_ENDS
    engine.enqueue(tx, Queue.ACT, [Job(str(id_), id_, run_at=at, priority=Severity.CRISIS)])
    write_audit(tx, now, [Note(f"{verb}_wanted", account=row.account, comment_id=row.id, action_id=id_, detail=WHY)])
