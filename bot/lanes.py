"""Lanes: rate limits, kept as rows so that a restart does not forget what was spent."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.dialects.sqlite import insert

from bot.model import Ability, ActionState, Capability, Lane, Mode, Verb
from bot.store.tables import action, lane


class Lanes:
    """`limits` holds the lanes of each account, by account and name."""

    def __init__(self, limits: Mapping[tuple[str, str], Lane]) -> None:
        self._limits = limits

    def spend(self, tx: Connection, account: str, able: Capability, now: datetime) -> datetime | None:
        """Take the cost of a call from its lane; or when to come back, if there is not enough left."""
        if not able.lane or able.ability is Ability.IMPOSSIBLE:
            return None
        row = tx.execute(select(lane).where(lane.c.account == account, lane.c.name == able.lane)).first()
        if row is not None and row.blocked_until is not None and row.blocked_until > now:
            until: datetime = row.blocked_until
            return until
        limit = self._limits.get((account, able.lane))
        if limit is None:
            return None
        window = timedelta(seconds=limit.seconds)
        fresh = row is None or not row.window_from <= now < row.window_from + window
        spent, since = (0, now) if row is None or fresh else (row.spent, row.window_from)
        if able.heard is not None and now < able.heard.until:  # the platform knows what else was spent, and until when
            spent, since = max(spent, limit.limit - able.heard.left), min(able.heard.until - window, now)
        if spent + able.cost > limit.limit:
            return since + window
        _write(tx, account, able.lane, window_from=since, spent=spent + able.cost, blocked_until=None)
        return None

    def block(self, tx: Connection, account: str, name: str, until: datetime) -> None:
        """The platform said so itself: nothing goes through this lane until then."""
        if name:
            row = insert(lane).values(account=account, name=name, window_from=until, spent=0, blocked_until=until)
            kept = row.on_conflict_do_update(index_elements=["account", "name"], set_={"blocked_until": until})
            tx.execute(kept)  # what was spent stays spent: a pause of seconds does not fill a lane again


@dataclass(frozen=True, slots=True)
class Wait:
    """What waits for a lane of an account, and when its last call is expected to go out."""

    account: str
    lane: str
    actions: int
    limit: int
    seconds: int
    done_by: datetime
    closed_until: datetime | None = None  # the platform said so, or the day's budget is spent


def expected(
    tx: Connection, account: str, lanes: Sequence[Lane], verbs: Mapping[Verb, str], now: datetime
) -> list[Wait]:
    """For each lane with calls ahead of it; `verbs` says which lane each verb spends."""
    counts = select(action.c.verb, func.count()).group_by(action.c.verb)
    pending = (action.c.account == account) & (action.c.state == ActionState.PENDING) & (action.c.mode == Mode.LIVE)
    waiting: Counter[str] = Counter()
    for verb, count in tx.execute(counts.where(pending)):
        waiting[verbs.get(Verb(verb), "")] += count
    rows = {row.name: row for row in tx.execute(select(lane).where(lane.c.account == account))}
    return [_wait(account, each, waiting[each.name], rows.get(each.name), now) for each in lanes if waiting[each.name]]


def _wait(account: str, each: Lane, count: int, row: Row[Any] | None, now: datetime) -> Wait:
    window = timedelta(seconds=each.seconds)
    since, spent = (row.window_from, row.spent) if row is not None and now < row.window_from + window else (now, 0)
    windows = max(0, -(-(count - (each.limit - spent)) // each.limit))  # whole ones after this one
    blocked = row.blocked_until if row is not None and row.blocked_until is not None else now
    done_by = max(now, blocked, since + windows * window)
    closed_until = blocked if blocked > now else None
    return Wait(account, each.name, count, each.limit, each.seconds, done_by, closed_until)


def _write(tx: Connection, account: str, name: str, **values: object) -> None:
    row = insert(lane).values(account=account, name=name, **values)
    tx.execute(row.on_conflict_do_update(index_elements=["account", "name"], set_=values))
