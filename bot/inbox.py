"""Inbox: what a platform brought is written down, with the cursor that covers it, before anything else happens.

A batch is one transaction: new comments and edits, comments that are gone, payloads set aside, the cursor, the
audit, and the jobs that ask for classification. Reading a batch a second time adds nothing.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from bot.clock import Clock
from bot.model import (
    AuthorKind,
    Batch,
    CaseState,
    Comment,
    CommentState,
    Gap,
    Gone,
    Malformed,
    Mode,
    Posted,
    Reason,
    Severity,
)
from bot.store.cipher import Cipher
from bot.store.database import Database
from bot.store.engine.port import Engine, Job, Queue
from bot.store.queries import NewCase, Note, cancel_pending, put_in_case, save_cursor, sealed, write_audit
from bot.store.tables import case, case_comment, comment, set_aside

log = logging.getLogger("chaperone.inbox")

KEPT_OF_MALFORMED = 64 * 1024  # bytes kept of a payload that was set aside


@dataclass(frozen=True, slots=True)
class Received:
    """What a batch added."""

    comments: int = 0
    edits: int = 0
    known: int = 0
    gone: int = 0
    set_aside: int = 0


@dataclass(frozen=True, slots=True)
class _Known:
    """The newest edit of a comment that is stored already."""

    edit: int
    text_key: str


class Inbox:
    def __init__(self, db: Database, engine: Engine, clock: Clock) -> None:
        self._db, self._engine, self._clock = db, engine, clock

    async def receive(self, account: str, mode: Mode, batch: Batch) -> Received:
        """Write the batch down. `mode` is the account's now; it stays with its comments."""
        now = self._clock.now()
        received = await self._db.run(lambda tx: self._receive(tx, account, mode, batch, now))
        self._engine.wake()
        return received

    def _receive(self, tx: Connection, account: str, mode: Mode, batch: Batch, now: datetime) -> Received:
        counts: Counter[str] = Counter()
        posted = [event.comment for event in batch.events if isinstance(event, Posted)]
        counts.update(self._write_comments(tx, account, mode, posted, now))
        for event in batch.events:
            match event:
                case Gone(id):
                    counts["gone"] += comment_gone(tx, account, id, now)
                case Malformed():
                    counts["set_aside"] += self._put_aside(tx, account, event, now)
                case Gap(why):
                    new = NewCase(f"gap:{account}", account, Reason.GAP, None, why, Severity.NORMAL)
                    put_in_case(tx, new, None, now)
        save_cursor(tx, account, batch.cursor, now)
        return Received(**counts)

    def _write_comments(
        self, tx: Connection, account: str, mode: Mode, posted: Sequence[Comment], now: datetime
    ) -> Counter[str]:
        counts: Counter[str] = Counter()
        known = _known(tx, account, posted)
        rows = []
        for it in posted:
            text_key, before = self._db.cipher.keyed_hash("text", it.text), known.get(it.id)
            if before is not None and before.text_key == text_key:
                counts["known"] += 1
                continue
            edit = 0 if before is None else before.edit + 1
            counts["edits" if edit else "comments"] += 1
            known[it.id] = _Known(edit, text_key)
            rows.append(_row(self._db.cipher, account, mode, it, edit, text_key, now))
        if rows:
            self._insert(tx, rows, now)
        return counts

    def _insert(self, tx: Connection, rows: Sequence[dict[str, Any]], now: datetime) -> None:
        new = insert(comment).returning(comment.c.id, comment.c.author_kind, sort_by_parameter_order=True)
        written = tx.execute(new, rows).all()
        account = rows[0]["account"]
        write_audit(tx, now, [Note("received", account=account, comment_id=row.id) for row in written])
        judged = [row.id for row in written if row.author_kind != AuthorKind.BOT]
        self._engine.enqueue(tx, Queue.CLASSIFY, [Job(str(id_), id_) for id_ in judged])

    def _put_aside(self, tx: Connection, account: str, event: Malformed, now: datetime) -> int:
        log.warning("set_aside", extra={"fields": {"account": account, "position": event.position}})
        row = upsert(set_aside).values(
            account=account, position=event.position, why=event.why, at=now,
            text_key=self._db.cipher.keyed_hash("set aside", event.raw.decode("latin-1")),
            words=self._db.cipher.seal_bytes(event.raw[:KEPT_OF_MALFORMED]),
        )  # fmt: skip
        return tx.execute(row.on_conflict_do_nothing()).rowcount


def comment_gone(tx: Connection, account: str, external_id: str, now: datetime) -> int:
    """Its author deleted it: words go, what was still to be done is called off, cases of nothing else close."""
    mine = (comment.c.account == account) & (comment.c.external_id == external_id)
    present = mine & (comment.c.state != CommentState.GONE)
    ids = list(tx.execute(select(comment.c.id).where(present)).scalars())
    if not ids:
        return 0
    cancel_pending(tx, ids, "its author deleted the comment", now)
    tx.execute(update(comment).where(present).values(state=CommentState.GONE, body=None))
    write_audit(tx, now, [Note("gone", account=account, comment_id=id_) for id_ in ids])
    _close_empty_cases(tx, ids, now)
    return 1


def _close_empty_cases(tx: Connection, comment_ids: Sequence[int], now: datetime) -> None:
    held = select(case_comment.c.case_id).where(case_comment.c.comment_id.in_(comment_ids))
    left = (
        select(case_comment.c.case_id)
        .join(comment, comment.c.id == case_comment.c.comment_id)
        .where(comment.c.state != CommentState.GONE)
    )
    empty = (case.c.state == CaseState.OPEN) & case.c.id.in_(held) & case.c.id.not_in(left)
    closed = update(case).where(empty).values(state=CaseState.CLOSED, closed_at=now, closed_by="its author")
    ids = tx.execute(closed.returning(case.c.id)).scalars()
    write_audit(tx, now, [Note("case_closed", case_id=id_, detail="its author deleted the comment") for id_ in ids])


def _known(tx: Connection, account: str, posted: Sequence[Comment]) -> dict[str, _Known]:
    ids = [it.id for it in posted]
    rows = tx.execute(
        select(comment.c.external_id, comment.c.edit, comment.c.text_key)
        .where(comment.c.account == account, comment.c.external_id.in_(ids))
        .order_by(comment.c.edit)
    )
    return {row.external_id: _Known(row.edit, row.text_key) for row in rows}


def _row(
    cipher: Cipher, account: str, mode: Mode, it: Comment, edit: int, text_key: str, now: datetime
) -> dict[str, Any]:
    judged = it.author.kind is not AuthorKind.BOT
    return {
        "account": account,
        "external_id": it.id,
        "edit": edit,
        "author_key": cipher.keyed_hash("author", account, it.author.id),
        "author_kind": it.author.kind,
        "thread": it.thread,
        "parent": it.parent,
        "summoned": it.summoned,
        "posted_at": it.posted_at,
        "seen_at": now,
        "mode": mode,
        "text_key": text_key,
        "body": sealed(cipher, it),
        "state": CommentState.RECEIVED if judged else CommentState.SETTLED,
    }
