"""Text expires, knowledge stays: words go after their time or when a person asks; scores and the audit stay."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Exists, Select, String, Table, exists, or_, select, update

from bot.config import Config
from bot.model import CaseState, Severity, Verb
from bot.store.cipher import Cipher
from bot.store.queries import Note, forget_quotes, forget_words, write_audit
from bot.store.tables import action, assessment, case, case_comment, comment, decision, ruling, secret, set_aside

LONGEST_BATCH = 500  # rows expired in one transaction, so that none holds the writer for long

SEALED = ((comment, "body"), (ruling, "words"), (action, "words"), (set_aside, "words"), (secret, "value"))


def expire(tx: Connection, config: Config, now: datetime) -> bool:
    """Words go after their time. Returns whether more are due."""
    old = now - timedelta(days=config.store.keep_text_days)
    crisis_old = now - timedelta(days=config.store.keep_crisis_text_days)
    ids = tx.execute(_expired(old, crisis_old)).scalars().all()
    forget_words(tx, ids)
    _forget_typed(tx, old, crisis_old)
    tx.execute(update(set_aside).where(set_aside.c.at < old).values(words=None))
    write_audit(tx, now, [Note("text_expired", comment_id=id_) for id_ in ids])
    return len(ids) == LONGEST_BATCH


def _expired(old: datetime, crisis_old: datetime) -> Select[int]:
    """What an open case still needs stays until it is closed."""
    judged = exists().where(decision.c.comment_id == comment.c.id, decision.c.severity == Severity.CRISIS)
    crisis = or_(judged, _in_case(case.c.severity == Severity.CRISIS))
    seen = comment.c.seen_at
    due = or_(~crisis & (seen < old), crisis & (seen < crisis_old)) & ~_in_case(case.c.state == CaseState.OPEN)
    kept = comment.c.body.is_not(None) & (seen < max(old, crisis_old))
    return select(comment.c.id).where(kept, due).limit(LONGEST_BATCH)


def _in_case(which: ColumnElement[bool]) -> Exists:
    return exists().where(case_comment.c.comment_id == comment.c.id, case.c.id == case_comment.c.case_id, which)


def _forget_typed(tx: Connection, old: datetime, crisis_old: datetime) -> None:
    """Why a moderator ruled, or what they replied, may quote a comment: it goes when its case has no words left."""
    theirs = (case_comment.c.case_id == ruling.c.case_id) & (comment.c.id == case_comment.c.comment_id)
    crisis = exists().where(case.c.id == ruling.c.case_id, case.c.severity == Severity.CRISIS)
    gone = ~exists().where(theirs, comment.c.body.is_not(None))
    gone &= (ruling.c.at < max(old, crisis_old)) & or_(ruling.c.at < old, crisis)
    replies = select(ruling.c.id).where(ruling.c.what == Verb.REPLY, gone)
    tx.execute(update(action).where(action.c.words.is_not(None), action.c.ruling_id.in_(replies)).values(words=None))
    tx.execute(update(ruling).where(ruling.c.words.is_not(None), gone).values(words=None))


def erase(tx: Connection, cipher: Cipher, author_key: str, actor: str, now: datetime) -> int:
    """Forget a person: their words, also where they are quoted, what was typed in their cases, their id, and the hash
    that joined their comments.

    Returns how many comments.
    """
    theirs = comment.c.author_key == author_key
    wrote = tx.execute(select(comment.c.id, comment.c.account, comment.c.external_id).where(theirs)).all()
    ids = [row.id for row in wrote]
    for row in wrote:
        forget_quotes(tx, cipher, row.account, [row.external_id])
    forget_words(tx, ids)
    tx.execute(update(comment).where(theirs).values(author_key=None))
    _forget_in_cases(tx, ids, author_key)
    tx.execute(update(assessment).where(assessment.c.comment_id.in_(ids)).values(spans=[]))
    write_audit(tx, now, [Note("erased", actor, comment_id=id_) for id_ in ids])
    return len(ids)


def _forget_in_cases(tx: Connection, ids: Sequence[int], author_key: str) -> None:
    """What was typed there may be about them. A flood is one case because the key of the case names its author."""
    theirs = select(case_comment.c.case_id).where(case_comment.c.comment_id.in_(ids))
    tx.execute(update(ruling).where(ruling.c.case_id.in_(theirs)).values(words=None))
    nobody = "erased/" + case.c.id.cast(String)
    tx.execute(update(case).where(case.c.id.in_(theirs), case.c.key.contains(author_key)).values(key=nobody))


def author_of(tx: Connection, account: str, comment_id: int) -> str | None:
    """What joins the comments of whoever wrote this one; None where there is no such comment, or nothing is kept."""
    theirs = select(comment.c.author_key).where(comment.c.id == comment_id, comment.c.account == account)
    found: str | None = tx.execute(theirs).scalar()
    return found


def rotate(tx: Connection, cipher: Cipher) -> int:
    """Seal everything with the first key, so that the others can be thrown away. Returns how many values."""
    return sum(_reseal(tx, cipher, table, column) for table, column in SEALED)


def _reseal(tx: Connection, cipher: Cipher, table: Table, column: str) -> int:
    key, sealed = next(iter(table.primary_key)), table.c[column]
    rows = tx.execute(select(key, sealed).where(sealed.is_not(None))).all()
    for id_, value in rows:
        tx.execute(update(table).where(key == id_).values({column: cipher.reseal(value)}))
    return len(rows)
