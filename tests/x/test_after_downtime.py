"""What came while nobody read is read, or told, however quiet it was before."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.clock import StillClock
from bot.model import Batch, Gap
from bot.sandbox.x import X
from tests.x.practice import Connect, Practice, posted

LONG = timedelta(days=2)


@pytest.fixture
def clock() -> StillClock:
    return StillClock(datetime.now(UTC))


@pytest.fixture
async def x(clock: StillClock) -> AsyncIterator[X]:
    async with X(clock) as x:
        yield x


async def first(practice: Practice, cursor: str | None = None) -> Batch:
    async for batch in practice.adapter.events(cursor):
        return batch
    raise AssertionError("X is read for ever")


async def test_the_first_mention_of_all_is_read_two_days_later(connect: Connect, x: X, clock: StillClock) -> None:
    async with connect(clock, search_seconds=0) as practice:
        cursor = (await first(practice)).cursor
    mention = await x.say("@clinic hello", author="7")
    clock.advance(LONG)
    async with connect(clock, search_seconds=0) as practice:
        assert [each.id for each in posted(list((await first(practice, cursor)).events))] == [mention]


async def test_a_reply_without_a_mention_is_found_two_days_later_after_a_quiet_week(
    connect: Connect, x: X, clock: StillClock
) -> None:
    async with connect(clock) as practice:
        cursor = (await first(practice)).cursor
        clock.advance(timedelta(days=5))
        post = x.publish("Closed on Monday")
        cursor = (await first(practice, cursor)).cursor
    answer = await x.say("@clinic why?", author="7", reply_to=post)
    unmentioned = await x.say("indeed", author="8", reply_to=answer)
    clock.advance(LONG)
    async with connect(clock) as practice:
        found = posted(list((await first(practice, cursor)).events))
    assert {each.id for each in found} == {answer, unmentioned}


async def test_what_no_search_reaches_any_more_is_told_once(connect: Connect, clock: StillClock) -> None:
    cursor = None
    for days, told in ((0, 0), (6, 0), (8, 1), (1, 0)):
        clock.advance(timedelta(days=days))
        async with connect(clock) as practice:
            batch = await first(practice, cursor)
        cursor = batch.cursor
        assert len([each for each in batch.events if isinstance(each, Gap)]) == told
