"""Lanes: rate limits, kept as rows so that a restart does not forget what was spent."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from bot.model import Ability, Capability, Lane
from bot.store.tables import lane


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
        if spent + able.cost > limit.limit:
            return since + window
        _write(tx, account, able.lane, window_from=since, spent=spent + able.cost, blocked_until=None)
        return None

    def block(self, tx: Connection, account: str, name: str, until: datetime) -> None:
        """The platform said so itself: nothing goes through this lane until then."""
        if name:
            _write(tx, account, name, window_from=until, spent=0, blocked_until=until)


def _write(tx: Connection, account: str, name: str, **values: object) -> None:
    row = insert(lane).values(account=account, name=name, **values)
    tx.execute(row.on_conflict_do_update(index_elements=["account", "name"], set_=values))
