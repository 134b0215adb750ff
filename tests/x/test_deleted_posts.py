"""What was deleted is gone, and what its author keeps from us is not."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.clock import StillClock
from bot.errors import Refused, Vanished
from bot.model import Gone
from bot.sandbox.x import X
from tests.x.practice import Connect, posted


async def test_a_comment_found_deleted_is_gone(connect: Connect, x: X) -> None:
    async with connect(recheck_seconds=0.4) as practice:
        one, other = [await x.say(f"@clinic {n}", reply_to=practice.post) for n in range(2)]
        x.delete(one)
        with pytest.raises(Vanished):
            await practice.adapter.hide(practice.order("k", one))
        events = await practice.events(lambda found: Gone(one) in found and len(posted(found)) == 2)
        x.delete(other)
        assert Gone(other) in await practice.events(lambda found: Gone(other) in found, None)
    assert Gone(one) in events


async def test_what_was_deleted_is_found_after_a_restart_too_and_when_it_is_due(connect: Connect, x: X) -> None:
    clock = StillClock(begun := datetime.now(UTC))
    cursor = ""
    async with connect(clock, staff=frozenset({"77"}), recheck_seconds=3600) as practice:
        ids = [await x.say(f"@clinic {author}", author=author, reply_to=practice.post) for author in ("9", "77")]
        async for batch in practice.adapter.events(None):
            cursor = batch.cursor
            break
    for each in ids:
        x.delete(each)
    clock.advance(timedelta(seconds=3595))
    async with connect(clock, recheck_seconds=3600) as practice:
        found = await practice.events(lambda found: len(found) == 2, cursor)
        assert clock.now() - begun >= timedelta(hours=1)
    assert set(found) == {Gone(each) for each in ids}


async def test_what_its_author_keeps_from_us_is_not_gone_and_hiding_it_says_why(connect: Connect, x: X) -> None:
    async with connect(recheck_seconds=0.4) as practice:
        kept, deleted = [await x.say(f"@Clinic {n}", author=n, reply_to=practice.post) for n in ("8", "9")]
        await practice.events(lambda found: len(posted(found)) == 3)
        x.protected.add("8")
        x.delete(deleted)
        with pytest.raises(Refused, match="protected, suspended, or has blocked"):
            await practice.adapter.hide(practice.order("k", kept))
        events = await practice.events(lambda found: Gone(deleted) in found)
    assert Gone(kept) not in events
