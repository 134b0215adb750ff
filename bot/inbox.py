"""Inbox: what a platform brought is written down, with the cursor that covers it, before anything else happens.

A batch is one transaction: new comments and edits, comments that are gone, payloads set aside, the cursor, the
audit, and the jobs that ask for classification. Reading a batch a second time adds nothing.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from bot.clock import Clock
from bot.edits import carry_over
from bot.model import (
    AuthorKind,
    Batch,
    CaseState,
    Comment,
    CommentState,
    Event,
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
from bot.store.queries import (
    NewCase,
    Note,
    cancel_pending,
    forget_quotes,
    forget_words,
    put_in_case,
    save_cursor,
    sealed,
    write_audit,
)
from bot.store.tables import case, case_comment, comment, set_aside

log = logging.getLogger("chaperone.inbox")

REMOVED = "since deleted on the platform, by its author or a moderator there"
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
    text_key: str | None  # none = its author deleted it


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
        news = self._news(tx, account, batch.events)
        counts = Counter(known=_posts(batch.events) - _posts(news))
        for posted, run in groupby(news, lambda event: isinstance(event, Posted)):
            if posted:
                comments = [event.comment for event in run if isinstance(event, Posted)]
                counts.update(self._write_comments(tx, account, mode, comments, now))
                continue
            for event in run:
                counts.update(self._take(tx, account, event, now))
        save_cursor(tx, account, batch.cursor, now)
        return Received(**counts)

    def _news(self, tx: Connection, account: str, events: Sequence[Event]) -> list[Event]:
        """Without what is about comments that the batch leaves as they are stored: it was read before."""
        ends = {id_: self._text_key(event) for event in events if (id_ := _about(event))}
        known = _known(tx, account, list(ends))
        same = {id_ for id_, text_key in ends.items() if id_ in known and known[id_].text_key == text_key}
        return [event for event in events if _about(event) not in same]

    def _text_key(self, event: Event) -> str | None:
        return self._db.cipher.keyed_hash("text", event.comment.text) if isinstance(event, Posted) else None

    def _take(self, tx: Connection, account: str, event: Event, now: datetime) -> Counter[str]:
        """What is no comment."""
        match event:
            case Gone(id):
                return Counter(gone=comment_gone(tx, self._db.cipher, account, id, now))
            case Malformed():
                return Counter(set_aside=self._put_aside(tx, account, event, now))
            case Gap(why):
                _tell_gap(tx, account, why, now)
        return Counter()

    def _write_comments(
        self, tx: Connection, account: str, mode: Mode, posted: Sequence[Comment], now: datetime
    ) -> Counter[str]:
        counts: Counter[str] = Counter()
        known = _known(tx, account, [it.id for it in posted])
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
        carry_over(tx, account, {row["external_id"] for row in rows if row["edit"]}, now)

    def _put_aside(self, tx: Connection, account: str, event: Malformed, now: datetime) -> int:
        log.warning("set_aside", extra={"fields": {"account": account, "position": event.position.replace(" ", ":")}})
        row = upsert(set_aside).values(
            account=account, position=event.position, why=event.why, at=now,
            text_key=self._db.cipher.keyed_hash("set aside", event.raw.decode("latin-1")),
            words=self._db.cipher.seal_bytes(event.raw[:KEPT_OF_MALFORMED]),
        )  # fmt: skip
        return tx.execute(row.on_conflict_do_nothing()).rowcount


def _tell_gap(tx: Connection, account: str, why: str, now: datetime) -> None:
    """One case an account, which says what is wrong now; the audit keeps what it said before."""
    new = NewCase(f"gap:{account}", account, Reason.GAP, None, why, Severity.NORMAL)
    told = select(case.c.why).where(case.c.key == new.key, case.c.state == CaseState.OPEN)
    if tx.execute(told).scalar() == why:
        return
    id_ = put_in_case(tx, new, None, now)
    tx.execute(update(case).where(case.c.id == id_).values(why=why))
    write_audit(tx, now, [Note("gap", account=account, case_id=id_, detail=why)])


def comment_gone(tx: Connection, cipher: Cipher, account: str, external_id: str, now: datetime) -> int:
    """Its author deleted it: words go, what was still to be done is called off, cases of nothing else close.

    Crisis stays open, and says so: whoever deletes their words is still in danger.
    """
    mine = (comment.c.account == account) & (comment.c.external_id == external_id)
    present = mine & (comment.c.state != CommentState.GONE)
    ids = list(tx.execute(select(comment.c.id).where(present)).scalars())
    if not ids:
        return 0
    cancel_pending(tx, ids, "it was deleted on the platform", now)
    tx.execute(update(comment).where(present).values(state=CommentState.GONE))
    forget_words(tx, ids)
    forget_quotes(tx, cipher, account, [external_id])
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
    crisis = case.c.severity == Severity.CRISIS
    closed = update(case).where(empty, ~crisis).values(state=CaseState.CLOSED, closed_at=now, closed_by="its author")
    ids = tx.execute(closed.returning(case.c.id)).scalars()
    write_audit(tx, now, [Note("case_closed", case_id=id_, detail="it was deleted on the platform") for id_ in ids])
    told = update(case).where(empty, crisis, ~case.c.why.contains(REMOVED)).values(why=f"{REMOVED}; " + case.c.why)
    ids = tx.execute(told.returning(case.c.id)).scalars()
    write_audit(tx, now, [Note("crisis_deleted", case_id=id_, detail=REMOVED) for id_ in ids])


def _about(event: Event) -> str | None:
    """The id of the comment that an event is about."""
    match event:
        case Posted(it):
            return it.id
        case Gone(id):
            return id
    return None


def _posts(events: Sequence[Event]) -> int:
    return sum(isinstance(event, Posted) for event in events)


def _known(tx: Connection, account: str, ids: Sequence[str]) -> dict[str, _Known]:
    rows = tx.execute(
        select(comment.c.external_id, comment.c.edit, comment.c.text_key, comment.c.state)
        .where(comment.c.account == account, comment.c.external_id.in_(ids))
        .order_by(comment.c.edit)
    )
    return {row.external_id: _Known(row.edit, None if row.state == CommentState.GONE else row.text_key) for row in rows}


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
