"""An app that serves another account or tool as well: its stream brings what their rules ask for, too."""

import asyncio

from bot.sandbox import faults
from bot.sandbox.x import X
from tests.x.practice import Connect, posted, streaming

OTHERS = {"id": "9", "value": "to:u7", "tag": "chaperone-other"}


async def test_what_anothers_rule_asks_for_is_counted_and_left_alone(connect: Connect, x: X) -> None:
    x.rules["9"] = OTHERS
    theirs = await x.say("my practice opens at nine", author="7")
    x.fail("GET", "/2/users/*/mentions", faults.HTML_503, times=99)  # so that the stream alone brings it
    async with connect(stream=True, poll_seconds=60, own_seconds=0, search_seconds=0) as practice:
        reading = asyncio.create_task(practice.events(lambda found: bool(posted(found))))
        await streaming(x)
        await x.say("awful", reply_to=theirs)
        ours = await x.say("@clinic awful", reply_to=practice.post)
        assert [each.id for each in posted(await reading)] == [ours]
        assert practice.adapter._ledger.today.reads == 3  # two lines, and the first post of our conversation
    assert x.rules["9"] == OTHERS


async def test_a_check_tells_of_anothers_rules(connect: Connect, x: X) -> None:
    async with connect(stream=True) as practice:
        assert not any("an app of its own" in line for line in await practice.adapter.check())
        x.rules["9"] = OTHERS
        assert any("(1): what they match" in line for line in await practice.adapter.check())
