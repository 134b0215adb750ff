"""Text expires, knowledge stays: words go after their time or when a person asks; scores and the audit stay."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Table, or_, select, update

from bot.config import Config
from bot.model import CaseState, Severity
from bot.store.cipher import Cipher
from bot.store.queries import Note, forget_quotes, write_audit
from bot.store.tables import action, assessment, case, case_comment, comment, decision, ruling, secret, set_aside

LONGEST_BATCH = 500  # rows expired at once, so that no firing holds the writer for long

SEALED = ((comment, "body"), (ruling, "words"), (action, "words"), (set_aside, "words"), (secret, "value"))


def expire(tx: Connection, config: Config, now: datetime) -> None:
    """Words go after their time; what an open case still needs stays until it is closed."""
    held = select(case_comment.c.comment_id).join(case, case.c.id == case_comment.c.case_id)
    held = held.where(case.c.state == CaseState.OPEN)
    decided = select(decision.c.comment_id).where(decision.c.severity == Severity.CRISIS)
    in_case = select(case_comment.c.comment_id).join(case, case.c.id == case_comment.c.case_id)
    crisis = or_(comment.c.id.in_(decided), comment.c.id.in_(in_case.where(case.c.severity == Severity.CRISIS)))
    old = now - timedelta(days=config.store.keep_text_days)
    oldest = now - timedelta(days=config.store.keep_crisis_text_days)
    expired = (
        select(comment.c.id)
        .where(comment.c.body.is_not(None), comment.c.seen_at < old, comment.c.id.not_in(held))
        .where(~crisis | (comment.c.seen_at < oldest))
        .limit(LONGEST_BATCH)
    )
    ids = tx.execute(expired).scalars().all()
    _forget_words(tx, ids)
    _forget_reasons(tx, old)
    tx.execute(update(set_aside).where(set_aside.c.at < old).values(words=None))
    write_audit(tx, now, [Note("text_expired", comment_id=id_) for id_ in ids])


def _forget_reasons(tx: Connection, old: datetime) -> None:
    """Why a moderator ruled may quote a comment: it goes when the last words of its case are gone."""
    kept = select(case_comment.c.case_id).join(comment, comment.c.id == case_comment.c.comment_id)
    gone = ruling.c.words.is_not(None) & (ruling.c.at < old)
    gone &= ruling.c.case_id.not_in(kept.where(comment.c.body.is_not(None)))
    tx.execute(update(ruling).where(gone).values(words=None))


def erase(tx: Connection, cipher: Cipher, author_key: str, actor: str, now: datetime) -> int:
    """Forget a person: their words, also where they are quoted, their id, and the hash that joined their comments.

    Returns how many comments.
    """
    theirs = comment.c.author_key == author_key
    wrote = tx.execute(select(comment.c.id, comment.c.account, comment.c.external_id).where(theirs)).all()
    ids = [row.id for row in wrote]
    for row in wrote:
        forget_quotes(tx, cipher, row.account, [row.external_id])
    _forget_words(tx, ids)
    tx.execute(update(comment).where(theirs).values(author_key=None))
    tx.execute(update(assessment).where(assessment.c.comment_id.in_(ids)).values(spans=[]))
    write_audit(tx, now, [Note("erased", actor, comment_id=id_) for id_ in ids])
    return len(ids)


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


def _forget_words(tx: Connection, ids: Sequence[int]) -> None:
    tx.execute(update(comment).where(comment.c.id.in_(ids)).values(body=None))
    tx.execute(update(action).where(action.c.comment_id.in_(ids)).values(words=None))
