"""An app that serves another account or tool as well: its stream brings what their rules ask for, too."""

import asyncio
from typing import Any

import pytest

from bot.sandbox import faults
from bot.sandbox.x import X
from tests.x.practice import Connect, posted, streaming

OTHERS: dict[str, Any] = {"id": "9", "value": "to:u7", "tag": "chaperone-other"}


@pytest.mark.parametrize("tag", ["chaperone-other", None])
async def test_what_anothers_rule_asks_for_is_counted_and_left_alone(connect: Connect, x: X, tag: str | None) -> None:
    x.rules["9"] = OTHERS | {"tag": tag}
    theirs = await x.say("my practice opens at nine", author="7")
    x.fail("GET", "/2/users/*/mentions", faults.HTML_503, times=99)  # so that the stream alone brings it
    async with connect(stream=True, poll_seconds=60, own_seconds=0, search_seconds=0) as practice:
        reading = asyncio.create_task(practice.events(lambda found: bool(posted(found))))
        await streaming(x)
        await x.say("awful", reply_to=theirs)
        ours = await x.say("@clinic awful", reply_to=practice.post)
        assert [each.id for each in posted(await reading)] == [ours]
        assert practice.adapter._ledger.today.reads == 3  # two lines, and the first post of our conversation
    assert x.rules["9"] == OTHERS | {"tag": tag}


async def test_our_rule_under_another_tag_is_written_anew(connect: Connect, x: X) -> None:
    """X keeps what an account had told it before it was renamed, and takes no rule of the same value beside it."""
    x.rules["8"] = {"id": "8", "value": "to:clinic", "tag": "chaperone-before"}
    x.fail("GET", "/2/users/*/mentions", faults.HTML_503, times=99)
    async with connect(stream=True, poll_seconds=60, own_seconds=0, search_seconds=0) as practice:
        assert not any("an app of its own" in line for line in await practice.adapter.check())
        reading = asyncio.create_task(practice.events(lambda found: bool(posted(found))))
        await streaming(x)
        assert [rule["tag"] for rule in x.rules.values()] == ["chaperone-practice"]
        ours = await x.say("@clinic awful", reply_to=practice.post)
        assert [each.id for each in posted(await reading)] == [ours]


async def test_a_check_tells_of_anothers_rules(connect: Connect, x: X) -> None:
    async with connect(stream=True) as practice:
        assert not any("an app of its own" in line for line in await practice.adapter.check())
        x.rules["9"] = OTHERS
        assert any("(1): what they match" in line for line in await practice.adapter.check())
