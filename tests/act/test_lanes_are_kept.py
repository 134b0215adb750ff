"""A lane is spent on the most severe first, and neither a restart nor a clock opens or closes it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.errors import Later
from bot.model import Batch, Mode, Severity, Verb
from bot.store.engine.port import Queue
from bot.store.tables import action
from tests.act.acting import HIDES, IN_LANE, QUARTER, asked
from tests.support import NOON, PRACTICE, House, posted


async def flood(house: House, severities: list[Severity]) -> None:
    events = tuple(posted(str(number), "b") for number in range(2, len(severities) + 2))
    await house.inbox.receive(PRACTICE, Mode.LIVE, Batch(events, "d"))
    for number, severity in enumerate(severities, 2):
        house.wish(number, Verb.HIDE, severity=severity)


def hidden(house: House) -> list[int]:
    """The severities of what was hidden, in the order of the calls."""
    by_key = {row.key: row.severity for row in house.rows(action)}
    return [by_key[key] for _, key in house.platform.effects]


async def left_alone(_: Sequence[int]) -> dict[int, datetime]:
    return {}


async def worked(house: House, calls: int) -> House:
    """Let the engine work until so many calls were made and nothing is due, then stop."""
    house.engine.handle(Queue.ACT, house.act, batch=16)
    house.engine.handle(Queue.CLASSIFY, left_alone)
    running = asyncio.create_task(house.engine.run())
    while len(house.platform.calls) < calls or not await house.engine.idle():
        await asyncio.sleep(0.01)
    house.engine.stop()
    await running
    return house.restarted()


async def test_a_lane_is_spent_on_the_most_severe_and_a_restart_forgets_nothing(house: House) -> None:
    house.platform.lanes, house.platform.able = (HIDES,), IN_LANE
    low, normal, high = Severity.LOW, Severity.NORMAL, Severity.HIGH
    await flood(house, [low, high, normal, low, high, normal])
    house = await worked(house.restarted(), 2)
    assert hidden(house) == [high, high]
    house = await worked(house, 2)
    assert hidden(house) == [high, high]
    house.clock.advance(QUARTER)
    house = await worked(house, 4)
    assert hidden(house) == [high, high, normal, normal]
    house.clock.advance(QUARTER)
    assert hidden(await worked(house, 6)) == [high, high, normal, normal, low, low]


async def test_what_waits_in_a_lane_does_not_hold_up_other_verbs(house: House) -> None:
    house.platform.lanes, house.platform.able = (HIDES,), IN_LANE
    house = house.restarted()
    await flood(house, [Severity.HIGH] * 3)
    ids = [row.id for row in house.rows(action)]
    again = await house.act([*ids, asked(house, Verb.REPLY)])
    assert again == {ids[2]: NOON + QUARTER}
    assert [verb for verb, _ in house.platform.calls] == [Verb.HIDE, Verb.HIDE, Verb.REPLY]


async def test_a_lane_that_the_platform_blocked_stays_blocked_over_a_restart(house: House) -> None:
    house.platform.able = IN_LANE
    house.platform.answers = [Later("busy", NOON + QUARTER)]
    first, second = asked(house, Verb.HIDE), asked(house, Verb.HIDE, key="second")
    await house.act([first])
    house = house.restarted()
    assert await house.act([first, second]) == dict.fromkeys((first, second), NOON + QUARTER)
    assert len(house.platform.calls) == 1
    house.clock.advance(QUARTER)
    assert await house.act([first, second]) == {}


async def test_lanes_of_a_clock_gone_back_are_not_closed_for_ever(house: House) -> None:
    house.platform.lanes, house.platform.able = (HIDES,), IN_LANE
    house = house.restarted()
    await flood(house, [Severity.HIGH] * 3)
    ids = [row.id for row in house.rows(action)]
    assert list(await house.act(ids)) == [ids[2]]
    house.clock.advance(-timedelta(hours=1))
    assert await house.act(ids) == {}
