"""Reading and writing rows by what they mean. Every function is a transaction body, or part of one."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from bot.model import ActionState, CaseState, Comment, CommentState, Reason, Severity
from bot.store.cipher import Cipher
from bot.store.tables import account, action, audit, case, case_comment, comment, cursor

DAEMON = "chaperone"  # the actor of what no person did


@dataclass(frozen=True, slots=True)
class Note:
    """A row of the audit: what happened, by whom. `detail` holds words of ours, never a comment's."""

    what: str
    actor: str = DAEMON
    account: str | None = None
    comment_id: int | None = None
    case_id: int | None = None
    action_id: int | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """What is sealed of a comment."""

    text: str
    author_id: str
    author_name: str
    parent_text: str | None
    url: str | None


def write_audit(tx: Connection, now: datetime, notes: Iterable[Note]) -> None:
    rows = [{"at": now, **asdict(note)} for note in notes]
    if rows:
        tx.execute(insert(audit), rows)


def sealed(cipher: Cipher, it: Comment) -> bytes:
    return cipher.seal(asdict(Body(it.text, it.author.id, it.author.name, it.parent_text, it.url)))


def opened(cipher: Cipher, body: bytes | None) -> Body | None:
    """None once the text has expired or was erased."""
    return Body(**cipher.open(body)) if body is not None else None


def forget_quotes(tx: Connection, cipher: Cipher, account: str, external_ids: Sequence[str]) -> None:
    """What answers these comments keeps its own words, but no longer theirs."""
    answers = (comment.c.account == account) & comment.c.parent.in_(external_ids) & comment.c.body.is_not(None)
    for id_, body in tx.execute(select(comment.c.id, comment.c.body).where(answers)).all():
        alone = cipher.seal(cipher.open(body) | {"parent_text": None})
        tx.execute(update(comment).where(comment.c.id == id_).values(body=alone))


def forget_words(tx: Connection, ids: Sequence[int]) -> None:
    """What these comments say, and what was typed in reply."""
    tx.execute(update(comment).where(comment.c.id.in_(ids)).values(body=None))
    tx.execute(update(action).where(action.c.comment_id.in_(ids)).values(words=None))


def stored_cursor(tx: Connection, name: str) -> str | None:
    return tx.execute(select(cursor.c.value).where(cursor.c.account == name)).scalar()


def save_cursor(tx: Connection, name: str, value: str, now: datetime) -> None:
    row = upsert(cursor).values(account=name, value=value, at=now)
    tx.execute(row.on_conflict_do_update(index_elements=["account"], set_={"value": value, "at": now}))


def comments(tx: Connection, ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Rows of `comment`, in the order of their ids."""
    return tx.execute(select(comment).where(comment.c.id.in_(ids)).order_by(comment.c.id)).all()


def stop_account(tx: Connection, name: str, why: str, now: datetime, remind: timedelta) -> None:
    """Its queue is kept until it is started anew; a person is told, and reminded."""
    tx.execute(update(account).where(account.c.name == name).values(stopped_why=why))
    new = NewCase(f"stopped:{name}", name, Reason.STOPPED, None, why, Severity.URGENT, now + remind)
    put_in_case(tx, new, None, now)


def start_account(tx: Connection, name: str, now: datetime) -> None:
    """It is tried anew: the case of its stop is closed, so that a stop to come is told again."""
    tx.execute(update(account).where(account.c.name == name).values(stopped_why=None))
    stop = (case.c.key == f"stopped:{name}") & (case.c.state == CaseState.OPEN)
    closed = {"state": CaseState.CLOSED, "closed_at": now, "closed_by": DAEMON, "due_at": None}
    ids = tx.execute(update(case).where(stop).values(closed).returning(case.c.id)).scalars().all()
    write_audit(tx, now, [Note("case_closed", account=name, case_id=id_) for id_ in ids])


def close_action(tx: Connection, comment_id: int) -> bool:
    """Count one action less on the comment; True when that was the last one and the comment is settled."""
    left = tx.execute(
        update(comment)
        .where(comment.c.id == comment_id)
        .values(actions_open=comment.c.actions_open - 1)
        .returning(comment.c.actions_open, comment.c.state)
    ).one()
    if left.actions_open == 0 and left.state == CommentState.ACTING:
        tx.execute(update(comment).where(comment.c.id == comment_id).values(state=CommentState.SETTLED))
        return True
    return False


def open_action(tx: Connection, comment_id: int, count: int = 1) -> None:
    """Count actions more on the comment; one that is gone stays gone."""
    tx.execute(update(comment).where(comment.c.id == comment_id).values(actions_open=comment.c.actions_open + count))
    acting = update(comment).where(comment.c.id == comment_id, comment.c.state != CommentState.GONE)
    tx.execute(acting.values(state=CommentState.ACTING))


def cancel_pending(
    tx: Connection, comment_ids: Sequence[int], why: str, now: datetime, *, ruled: bool = True, undos: bool = True
) -> None:
    """Call off what has not been sent yet; `ruled`: also what people asked for; `undos`: what takes something back."""
    those: ColumnElement[bool] = action.c.comment_id.in_(comment_ids)
    if not ruled:
        those = and_(those, action.c.ruling_id.is_(None))
    if not undos:
        those = and_(those, action.c.undo_of.is_(None))
    call_off(tx, those, why, now)


def call_off(tx: Connection, those: ColumnElement[bool], why: str, now: datetime) -> None:
    """Of those actions, what has not been sent yet."""
    rows = tx.execute(
        update(action)
        .where(those, action.c.state == ActionState.PENDING)
        .values(state=ActionState.CANCELLED, note=why, settled_at=now)
        .returning(action.c.id, action.c.comment_id)
    ).all()
    for row in rows:
        close_action(tx, row.comment_id)
    write_audit(tx, now, [Note("action_cancelled", comment_id=r.comment_id, action_id=r.id, detail=why) for r in rows])


@dataclass(frozen=True, slots=True)
class NewCase:
    """`key` groups: an open case with the same key takes the comment in, so that a flood is one case."""

    key: str
    account: str
    reason: str
    label: str | None
    why: str
    severity: Severity
    due_at: datetime | None = None
    assigned_to: str | None = None
    closed: bool = False  # done by the machine: kept for looking and undoing, nobody needs to rule


def put_in_case(tx: Connection, new: NewCase, comment_id: int | None, now: datetime) -> int:
    """Open the case, or join the one that is open; its severity only rises. Returns its id."""
    state = CaseState.ACTED if new.closed else CaseState.OPEN
    found: int | None = tx.execute(select(case.c.id).where(case.c.key == new.key, case.c.state == state)).scalar()
    if found is None:
        opened_case: int = tx.execute(
            insert(case)
            .values(
                key=new.key, account=new.account, reason=new.reason, label=new.label, why=new.why,
                severity=new.severity, state=state, opened_at=now, comments=0, due_at=new.due_at,
                assigned_to=new.assigned_to,
            )
            .returning(case.c.id)
        ).scalar_one()  # fmt: skip
        write_audit(tx, now, [Note(f"case_{state}", account=new.account, case_id=opened_case, comment_id=comment_id)])
        found = opened_case
    if comment_id is not None:
        join_case(tx, found, comment_id)
        worst = func.max(case.c.severity, int(new.severity))
        tx.execute(update(case).where(case.c.id == found).values(severity=worst))
    return found


def join_case(tx: Connection, case_id: int, comment_id: int) -> None:
    """Once, however often it is asked for."""
    link = upsert(case_comment).values(case_id=case_id, comment_id=comment_id).on_conflict_do_nothing()
    added = tx.execute(link).rowcount
    tx.execute(update(case).where(case.c.id == case_id).values(comments=case.c.comments + added))
