"""Notify: the second channel. It tells those on call of a crisis when Discord is down, and when it is not; and that
Discord refuses the desk.

    pending ──▶ sending ──apprise──▶ sent
                   ▲    └──────────▶ pending again: the same address, then the person's next ──▶ failed: the next person

What is sent says that a comment needs a person, on which account, and how to see it: never a word of the comment, nor
whose it is. A notice found in `sending` was cut short by a crash and is sent again: to be told twice does no harm.
"""

import asyncio
import logging
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dotenv import dotenv_values
from sqlalchemy import Connection, Row, select, update

from bot.clock import Clock
from bot.config import Config, OnCall
from bot.errors import ConfigError
from bot.model import CaseState, Reason
from bot.on_call import WAITING, NoticeState, pass_on, people, send_pending, taken
from bot.store.database import Database
from bot.store.engine.port import Engine, Later
from bot.store.queries import Note, write_audit
from bot.store.tables import case, notice

log = logging.getLogger("chaperone.notify")

TRIES = 3  # at one address, before the person's next address is tried
WAIT_SECONDS = 10  # between two tries
EXAMPLE = "mailto://alerts:$CHAPERONE_MAIL_PASSWORD@mail.example.org?to=you@example.org"
TITLE = "Chaperone: a comment needs a person now"
NOBODY_CALLED = "Chaperone: no cards and no calls on Discord"
INSTEAD = "When that is mended, start `chaperone run` again. Until then look at `chaperone queue` yourself."
_FROM_ENVIRONMENT = re.compile(r"\$([A-Z][A-Z0-9_]*)")
_SECRET_IN_CLEAR = re.compile(r"^[a-z0-9]+://[^/@:]*:(?!\$)[^/@]+@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Told:
    """What a notice says."""

    title: str
    body: str


Send = Callable[[str, Told], bool]  # an address of the config and what to say; False = it did not arrive; never raises


class Notify:
    def __init__(self, config: Config, db: Database, engine: Engine, clock: Clock, send: Send | None = None) -> None:
        self._config, self._db, self._engine, self._clock = config, db, engine, clock
        self._send = send or through_apprise

    async def __call__(self, ids: Sequence[int]) -> Later:
        """The handler of the notify queue."""
        rows = await self._db.run(lambda tx: self._begin(tx, ids))
        arrived = await asyncio.gather(*(asyncio.to_thread(self._tell, row) for row in rows))
        later = await self._db.run(lambda tx: self._settle_all(tx, list(zip(rows, arrived, strict=True))))
        self._engine.wake()
        return later

    def _begin(self, tx: Connection, ids: Sequence[int]) -> Sequence[Row[Any]]:
        """Those that are still wanted, written down as being sent."""
        now = self._clock.now()
        found = select(
            notice, case.c.state.label("case_state"), case.c.claimed_by, case.c.claimed_until, case.c.opened_at,
            case.c.reason, case.c.why,
        )  # fmt: skip
        found = found.join(case, case.c.id == notice.c.case_id)
        rows = tx.execute(found.where(notice.c.id.in_(ids), notice.c.state.in_(WAITING)).order_by(notice.c.id)).all()
        wanted = [row for row in rows if row.case_state == CaseState.OPEN and not taken(row, now)]
        unwanted = [row.id for row in rows if row not in wanted]
        ended = {"state": NoticeState.CANCELLED, "settled_at": now}
        tx.execute(update(notice).where(notice.c.id.in_(unwanted)).values(ended))
        sending = {"state": NoticeState.SENDING, "sent_at": now}
        tx.execute(update(notice).where(notice.c.id.in_([row.id for row in wanted])).values(sending))
        return wanted

    def _tell(self, row: Row[Any]) -> bool:
        """In a thread of its own."""
        ways = self._person(row).notify
        return row.way < len(ways) and self._send(ways[row.way], words(row))

    def _person(self, row: Row[Any]) -> OnCall:
        """As the config has them now; somebody taken out of it cannot be reached."""
        known = people(self._config, row.account)
        return next((one for one in known if one.name == row.person), OnCall(name=row.person))

    def _settle_all(self, tx: Connection, ended: Sequence[tuple[Row[Any], bool]]) -> Later:
        later = {row.id: at for row, arrived in ended if (at := self._settle(tx, row, arrived)) is not None}
        send_pending(tx, self._engine)
        return later

    def _settle(self, tx: Connection, row: Row[Any], arrived: bool) -> datetime | None:
        """Write what came of it; returns when to try again."""
        now, tries = self._clock.now(), row.tries + 1
        way = row.way + (tries >= TRIES)
        waits = not arrived and way < len(self._person(row).notify)
        state = NoticeState.SENT if arrived else NoticeState.PENDING if waits else NoticeState.FAILED
        values = {"state": state, "settled_at": None if waits else now}
        values |= {} if arrived else {"way": way, "tries": tries % TRIES}
        tx.execute(update(notice).where(notice.c.id == row.id).values(values))
        fields = {"case": row.case_id, "account": row.account, "round": row.round, "state": state}
        if waits:
            log.warning("notice_not_sent", extra={"fields": fields})
            return now + timedelta(seconds=WAIT_SECONDS) if way == row.way else now
        note = Note(f"notice_{state}", account=row.account, case_id=row.case_id, detail=row.person)
        write_audit(tx, now, [note])
        if not arrived:
            log.error("notice_failed", extra={"fields": fields})
            pass_on(tx, self._config, row, now)
        return None


def words(row: Row[Any]) -> Told:
    """Whose comment it is, and what it says, is for the desk alone."""
    id_ = row.case_id
    if row.reason == Reason.DESK_STOPPED:
        return Told(NOBODY_CALLED, f"Account {row.account}, for {row.person}: {row.why}. {INSTEAD} (Notice {row.id})")
    body = (
        f"Account {row.account}, case {id_}, found {row.opened_at:%Y-%m-%d %H:%M} UTC. It waits for you, {row.person}. "
        f"See it: chaperone show {id_}, or its card on Discord. "
        f"Take it, and nobody else is called: chaperone claim {id_} --as YOU, or Take on the card. (Notice {row.id})"
    )
    return Told(TITLE, body)


def address(written: str) -> str:
    """With each "$NAME" filled from the environment, or `.env`. Raises `ConfigError` for one that is not set."""
    known = {**dotenv_values(".env"), **os.environ}
    missing = [name for name in _FROM_ENVIRONMENT.findall(written) if not known.get(name)]
    if missing:
        raise ConfigError(f"Set {', '.join(missing)} in the environment: an on-call person's `notify` needs it.")
    return _FROM_ENVIRONMENT.sub(lambda found: str(known[found[1]]), written)


def holds_secret(written: str) -> bool:
    """Whether an address has a password in clear, which belongs in the environment."""
    return _SECRET_IN_CLEAR.match(written) is not None


def service(written: str) -> str:
    """What kind of service an address is of. Raises `ConfigError`, without quoting it, where apprise knows none."""
    found = _plugin(written)
    if found is None:
        raise ConfigError(
            "This is no address that apprise can read. It is written like "
            f"{EXAMPLE} (e-mail); for others see https://appriseit.com."
        )
    return str(found.service_name)


def through_apprise(written: str, told: Told) -> bool:
    """Blocks for some seconds at most: apprise gives up after four without a connection, or an answer."""
    try:
        plugin = _plugin(written)
        return plugin is not None and bool(plugin.notify(body=told.body, title=told.title))
    except Exception as error:  # the top of a thread; whatever a service does, the next address or person is tried
        log.error("notice_broke", extra={"fields": {"error": type(error).__name__}})
        return False


def _plugin(written: str) -> Any:
    import apprise  # noqa: PLC0415 - knows a hundred services; only who is called needs them

    return apprise.Apprise.instantiate(address(written), suppress_exceptions=True)
