"""What a typed reply answers, as the guard needs it: nothing of it may be repeated."""

from sqlalchemy import Connection, select

from bot.replies import Said
from bot.store.cipher import Cipher
from bot.store.queries import opened
from bot.store.tables import assessment, case_comment, comment
from classifiers.labels import Span, SpanType

MOST = 20  # comments of one case that are looked at


def said_in(tx: Connection, cipher: Cipher, case_id: int, comment_id: int | None = None) -> Said:
    """The words, spans and names of a case's comments, or of one of them, as one."""
    found = select(comment.c.id, comment.c.body).join(case_comment, case_comment.c.comment_id == comment.c.id)
    found = found.where(case_comment.c.case_id == case_id).order_by(comment.c.id).limit(MOST)
    text, names, spans = "", list[str](), list[Span]()
    for row in tx.execute(found if comment_id is None else found.where(comment.c.id == comment_id)).all():
        body = opened(cipher, row.body)
        if body is None:
            continue
        judged = select(assessment.c.spans).where(assessment.c.comment_id == row.id).order_by(assessment.c.id.desc())
        latest = tx.execute(judged.limit(1)).scalar() or []
        spans += [Span(len(text) + start, len(text) + end, SpanType(kind)) for start, end, kind in latest]
        text += body.text + "\n"
        names.append(body.author_name)
    return Said(text, tuple(spans), name=" ".join(names))
