"""Edits: what the machine was about to do to an older edit is called off, and open cases go on with the newest.

What was written first stays in its case, so that nobody edits their way out of one. What people ruled stays as well:
they ruled on a comment, and it is done to its newest edit.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, select

from bot.model import CaseState
from bot.store.queries import Note, cancel_pending, join_case, write_audit
from bot.store.tables import case, case_comment, comment

WHY = "it was edited"


def carry_over(tx: Connection, account: str, external_ids: Iterable[str], now: datetime) -> None:
    """After a new edit was written, or an older one was judged."""
    mine = (comment.c.account == account) & comment.c.external_id.in_([*external_ids])
    found = select(comment.c.id, comment.c.external_id, comment.c.edit).where(mine)
    rows = tx.execute(found.order_by(comment.c.external_id, comment.c.edit)).all()
    for _, edits in groupby(rows, key=lambda row: row.external_id):
        *older, newest = edits
        if older:
            _supersede(tx, [each.id for each in older], newest.id, now)


def newest(rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Of each comment its newest edit among these rows, in their order."""
    last = {row.external_id: row.edit for row in sorted(rows, key=lambda row: int(row.edit))}
    return [row for row in rows if row.edit == last[row.external_id]]


def edited(tx: Connection, ids: Sequence[int]) -> set[int]:
    """Those of these of which a newer edit was written."""
    newer = comment.alias()
    same = (newer.c.account == comment.c.account) & (newer.c.external_id == comment.c.external_id)
    found = select(comment.c.id).join(newer, same & (newer.c.edit > comment.c.edit))
    return set(tx.execute(found.where(comment.c.id.in_(ids))).scalars())


def _supersede(tx: Connection, older: list[int], newest_id: int, now: datetime) -> None:
    cancel_pending(tx, older, WHY, now, ruled=False, undos=False)
    held = select(case_comment.c.case_id).where(case_comment.c.comment_id.in_(older))
    there = select(case_comment.c.case_id).where(case_comment.c.comment_id == newest_id)
    waits = (case.c.state == CaseState.OPEN) & case.c.id.in_(held) & case.c.id.not_in(there)
    for case_id in tx.execute(select(case.c.id).where(waits)).scalars().all():
        join_case(tx, case_id, newest_id)
        write_audit(tx, now, [Note("edited", comment_id=newest_id, case_id=case_id)])
