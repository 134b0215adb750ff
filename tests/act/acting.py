"""Actions that are asked for, worked off or cut short by a crash, and what follows."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row

from bot.actions import ACTIONS
from bot.model import Ability, ActionState, Capability, Lane, Reason, Role, Verb
from bot.review.cases import Person
from bot.store.tables import account, case, case_comment, lane
from tests.support import House

MINUTE = timedelta(minutes=1)
QUARTER = timedelta(minutes=15)
ASHA = Person("asha", Role.LEAD)
HIDES = Lane("hide", 2, 15 * 60)
IN_LANE = {Verb.HIDE: Capability(Ability.NATIVE, lane="hide")}


def asked(house: House, verb: Verb, **values: Any) -> int:
    """An action on the comment: with a template, where the verb says something."""
    template = {"template": "diagnosis_request"} if ACTIONS[verb].says_words else {}
    return house.wish(1, verb, **template | values)


@dataclass(frozen=True)
class Follows:
    """What must be so afterwards."""

    state: ActionState
    note: str
    attempts: int
    again: timedelta | None = None  # from now
    case: Reason | None = None
    blocked: bool = False  # the lane
    stopped: bool = False  # the account


def follows(house: House, id_: int, again: Any) -> Follows:
    row, rows = house.action(id_), house.rows(case)
    assert [each.case_id for each in house.rows(case_comment)] == [
        each.id for each in rows if each.reason != Reason.STOPPED
    ]
    assert (row.settled_at is None) == (row.state in (ActionState.PENDING, ActionState.SENDING))
    lanes = house.rows(lane)
    return Follows(
        ActionState(row.state),
        row.note,
        row.attempts,
        again[id_] - house.clock.now() if again else None,
        Reason(rows[0].reason) if rows else None,
        bool(lanes) and lanes[0].blocked_until is not None,
        house.rows(account)[0].stopped_why is not None,
    )


CHECKING = Follows(ActionState.SENDING, "checking", 1, timedelta(seconds=1))
STOPPED = Follows(ActionState.PENDING, "stopped: renew the credentials", 0, MINUTE, case=Reason.STOPPED, stopped=True)


async def never() -> None:
    await asyncio.Event().wait()


async def worked_off(house: House, id_: int) -> Row[Any]:
    """The action, after all its turns."""
    again = await house.act([id_])
    while again:
        house.clock.advance(again[id_] - house.clock.now())
        again = await house.act([id_])
    return house.action(id_)


async def killed(house: House, ids: list[int], *, effect_first: bool) -> House:
    """The house after a crash in the middle of a call, which had arrived or not."""
    reached = asyncio.Event()

    async def die() -> None:
        reached.set()
        await never()

    house.platform.answers, house.platform.effect_first = [die], effect_first
    life = asyncio.create_task(house.act(ids))
    await reached.wait()
    life.cancel()
    with suppress(asyncio.CancelledError):
        await life
    return house.restarted()
