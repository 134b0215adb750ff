"""What is answered, as the reply guard needs it: whom it names, and what it tells of them."""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from bot.replies import Said
from bot.store.cipher import Cipher
from bot.store.queries import opened
from bot.store.tables import assessment, case_comment, comment
from classifiers.labels import Span, SpanType

MOST = 20  # comments of one case that are looked at


def said_in(tx: Connection, cipher: Cipher, case_id: int, comment_id: int | None = None) -> Said:
    """What a case's comments say, or one of them."""
    found = select(case_comment.c.comment_id).where(case_comment.c.case_id == case_id)
    if comment_id is not None:
        found = found.where(case_comment.c.comment_id == comment_id)
    return said(tx, cipher, tx.execute(found.order_by(case_comment.c.comment_id).limit(MOST)).scalars().all())


def said(tx: Connection, cipher: Cipher, comment_ids: Iterable[int]) -> Said:
    """The words, spans and names of comments as one; empty where nothing is left of them."""
    found = select(comment.c.id, comment.c.body).where(comment.c.id.in_(comment_ids)).order_by(comment.c.id)
    text, names, spans = "", list[str](), list[Span]()
    for row in tx.execute(found).all():
        body = opened(cipher, row.body)
        if body is None:
            continue
        judged = select(assessment.c.spans).where(assessment.c.comment_id == row.id).order_by(assessment.c.id.desc())
        latest = tx.execute(judged.limit(1)).scalar() or []
        spans += [Span(len(text) + start, len(text) + end, SpanType(kind)) for start, end, kind in latest]
        text += body.text + "\n"
        names.append(body.author_name)
    return Said(text, tuple(spans), name=" ".join(names))
