"""Polls that fail, a stream that breaks, and hours without X: every comment comes, once."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from bot.clock import FastClock, StillClock
from bot.model import Gap
from bot.sandbox import faults
from bot.sandbox.faults import Fault
from bot.sandbox.x import HALF_LINE, MISSING_TAG, X
from tests.x.practice import PROBLEMS, Connect, posted, streaming

BROKEN = [faults.HTML_503, faults.RESET, faults.HALF, faults.CLOSE, Fault(body="[]"), Fault(status=403, body="null")]


@pytest.mark.parametrize("fault", BROKEN)
async def test_reading_goes_on_after_a_poll_that_failed(connect: Connect, x: X, fault: Fault) -> None:
    clock = FastClock(datetime.now(UTC), speed=50)
    async with connect(clock, own_seconds=0, search_seconds=0) as practice:
        id_ = await x.say("@clinic hello", reply_to=practice.post)
        x.fail("GET", "/2/users/*/mentions", fault)
        (event,) = posted(await practice.events(lambda found: bool(posted(found))))
    assert event.id == id_


LINES = [
    HALF_LINE, MISSING_TAG, faults.HANG, faults.RESET, faults.RESET_AFTER, faults.HALF, faults.CLOSE,
    Fault(body="\x00\xff\r\n"), Fault(body='{"errors":[{"title":"operational-disconnect"}]}\r\n'),
]  # fmt: skip


@pytest.mark.parametrize("fault", LINES)
async def test_no_fault_of_the_stream_loses_a_comment(connect: Connect, x: X, fault: Fault) -> None:
    async with connect(stream=True, poll_seconds=3) as practice:
        reading = asyncio.create_task(practice.events(lambda found: len(posted(found)) == 4))
        await streaming(x)
        x.fail("SEND", "*", fault)
        ids = [await x.say(f"@clinic {n}", reply_to=practice.post) for n in range(3)]
        assert {c.id for c in posted(await reading)} == {practice.post, *ids}


async def test_the_stream_comes_back_after_every_refusal(connect: Connect, x: X) -> None:
    for status in (409, 503):
        x.fail("GET", "/2/tweets/search/stream", Fault(status=status, body="<h1>"))
    async with connect(stream=True, poll_seconds=60) as practice:
        reading = asyncio.create_task(practice.events(lambda found: len(posted(found)) == 2))
        await streaming(x)
        await x.say("@clinic hello", reply_to=practice.post)
        assert len(posted(await reading)) == 2
        assert [rule["value"] for rule in x.rules.values()] == ["to:clinic"]


async def test_what_x_says_before_it_ends_the_stream_is_logged(
    connect: Connect, x: X, caplog: pytest.LogCaptureFixture
) -> None:
    told = {"errors": [{"title": "operational-disconnect", "type": PROBLEMS + "operational-disconnect"}]}
    async with connect(stream=True, poll_seconds=1) as practice:
        reading = asyncio.create_task(practice.events(lambda found: False))
        await streaming(x)
        x.fail("SEND", "*", Fault(body=json.dumps(told) + "\r\n"))
        await x.say("@clinic hello", reply_to=practice.post)
        while not (lines := [record for record in caplog.records if record.message == "stream_told"]):
            assert not reading.done()
            await asyncio.sleep(0.01)
        reading.cancel()
    (line,) = lines
    assert line.fields == {"category": "operational-disconnect"}  # type: ignore[attr-defined]


async def test_a_token_that_the_stream_refuses_is_told_and_polls_go_on(connect: Connect, x: X) -> None:
    x.fail("GET", "/2/tweets/search/stream*", faults.UNAUTHORISED, times=9)
    async with connect(stream=True) as practice:
        id_ = await x.say("@clinic hello", reply_to=practice.post)
        events = await practice.events(lambda found: len(posted(found)) == 2 and any(isinstance(e, Gap) for e in found))
    (gap,) = [e for e in events if isinstance(e, Gap)]
    assert "bearer token" in gap.why
    assert "by polls only" in gap.why
    assert id_ in {c.id for c in posted(events)}


async def test_x_that_cannot_be_read_for_long_is_told_once_and_read_on_as_soon_as_it_can(
    connect: Connect, x: X
) -> None:
    clock = StillClock(datetime.now(UTC))
    x.fail("GET", "/2/users/*", faults.HTML_503, times=60)
    async with connect(clock, search_seconds=0, poll_seconds=120) as practice:
        id_ = await x.say("@clinic hello", reply_to=practice.post)
        events = await practice.events(lambda found: sum(isinstance(e, Gap) for e in found) == 2)
    away, back = [e.why for e in events if isinstance(e, Gap)]
    assert away.startswith("X cannot be read since ")
    assert back.startswith("X can be read again since ")
    assert id_ in {c.id for c in posted(events)}
    assert len(x.journal.calls("GET", "/2/users/*")) < 70
