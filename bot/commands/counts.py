"""What the store holds, counted."""

from collections import Counter
from typing import Any

from sqlalchemy import Connection, func, select

from bot.model import CaseState
from bot.store.tables import (
    account,
    action,
    assessment,
    case,
    comment,
    cursor,
    decision,
    job,
    lane,
    notice,
    pause,
    set_aside,
)


def summary(tx: Connection) -> dict[str, Any]:
    """Counts over the whole store, as `status --json` and `demo --json` print them."""
    first = select(func.min(assessment.c.id)).group_by(assessment.c.comment_id)
    seen = select(assessment.c.not_assessed).where(assessment.c.id.in_(first))
    reasons = Counter(tx.execute(seen).scalars())
    flags = Counter(label for row in tx.execute(select(decision.c.flags)).scalars() for label in row)
    return {
        "comments": number_of(tx, comment),
        "assessed": reasons.pop(None, 0),
        "not_assessed": dict(reasons),
        "flags": dict(flags),
        "verdicts": tally(tx, decision.c.verdict),
        "actions": _pairs(tx, action.c.verb, action.c.state),
        "modes_of_actions": tally(tx, action.c.mode),
        "cases": tally(tx, case.c.state),
        "cases_open_by_reason": tally(tx, case.c.reason, case.c.state == CaseState.OPEN),
        "states": tally(tx, comment.c.state),
        "notices": tally(tx, notice.c.state),
        "set_aside": number_of(tx, set_aside),
        "jobs_waiting": tally(tx, job.c.queue),
        "accounts": [dict(row) for row in tx.execute(select(account)).mappings()],
        "paused": [dict(row) for row in tx.execute(select(pause)).mappings()],
        "lanes": [dict(row) for row in tx.execute(select(lane)).mappings()],
        "read_until": [dict(row) for row in tx.execute(select(cursor.c.account, cursor.c.at)).mappings()],
    }


def number_of(tx: Connection, table: Any, *where: Any) -> int:
    return tx.execute(select(func.count()).select_from(table).where(*where)).scalar_one()


def tally(tx: Connection, column: Any, *where: Any) -> dict[str, int]:
    return dict(tx.execute(select(column, func.count()).where(*where).group_by(column)).tuples().all())


def _pairs(tx: Connection, first: Any, second: Any) -> dict[str, int]:
    rows = tx.execute(select(first, second, func.count()).group_by(first, second))
    return {f"{one} {other}": count for one, other, count in rows}
