"""Our own side: what colleagues post is held against the reply guard, as if the practice were about to say it."""

from typing import Any

from sqlalchemy import Connection, Row, select

from bot.guard import Teller, judge
from bot.heard import said
from bot.model import AuthorKind, Mark
from bot.replies import Said
from bot.store.cipher import Cipher
from bot.store.queries import opened
from bot.store.tables import comment

UNWISE = frozenset({"advice", "contact", "length", "unreadable"})  # rules that find no patient revealed
TO_EVERYBODY = frozenset({"yours", "you did", "treatment", "diagnosis", "advice"})  # rules about who is answered


def marks(row: Row[Any], text: str, answered: Said | None, teller: Teller | None = None) -> tuple[Mark, ...]:
    """What the guard would not let pass of a comment, a row of its table.

    In a post that answers nobody and opens a thread of its own, "your skin" is everybody's.
    """
    spared = TO_EVERYBODY if row.thread == row.external_id else frozenset[str]()
    return tuple(
        Mark(each.start, each.end, each.why, reveals=each.rule not in UNWISE)
        for each in judge(text, answered, teller=teller).reasons
        if each.rule not in spared
    )


def answered(tx: Connection, cipher: Cipher, row: Row[Any]) -> Said | None:
    """What a comment answers, as it was stored, or as it came with it; None where it is no reader's."""
    if row.parent is None:
        return None
    same = (comment.c.account == row.account) & (comment.c.external_id == row.parent)
    parent = tx.execute(select(comment).where(same).order_by(comment.c.edit.desc()).limit(1)).first()
    if parent is None:
        body = opened(cipher, row.body)
        return Said(body.parent_text) if body and body.parent_text else None
    return said(tx, cipher, [parent.id]) if parent.author_kind == AuthorKind.PUBLIC else None
