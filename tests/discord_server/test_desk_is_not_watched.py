"""What moderators say at the desk is nobody's comment, whichever channels an account watches."""

import asyncio

import pytest

from bot.app import connected
from bot.chat import Chats
from bot.config import read
from bot.errors import Refused
from bot.model import Posted
from bot.sandbox.resolver import connector
from tests.discord_server.practice import CONFIG, Practice


@pytest.mark.parametrize("named", [False, True])
async def test_the_desk_and_its_threads_are_read_neither_live_nor_from_the_history(
    practice: Practice, *, named: bool
) -> None:
    server, general, sam = practice.discord, practice.general, practice.sam
    desk = server.channel("desk")
    thread, closed = server.thread(desk, "case 1"), server.thread(desk, "case 2")
    await server.post(closed, sam, "solved")
    await server.archive(closed)
    file, channels = practice.folder / "chaperone.toml", f"{desk}, {general}" if named else ""
    watched = CONFIG.format(server=server.world.guild, channel=channels)
    file.write_text(f"{watched}\n[desk.discord]\nchannel = {desk}\n")
    config, heard = read(file), set[tuple[str, str]]()
    async with (
        asyncio.timeout(60),
        Chats(practice.clock, lambda: connector(server)) as chats,
        connected(config, config.accounts[0], practice.clock, chats) as adapter,
    ):
        batches = adapter.events(None)
        for text in ("missed", "live", "later"):
            for place in (desk, thread, general):
                await server.post(place, sam, text)
            while (general, text) not in heard:
                comments = [event.comment for event in (await anext(batches)).events if isinstance(event, Posted)]
                heard |= {(each.thread, each.text) for each in comments}
        assert {place for place, _ in heard} == {general}
        if named:
            with pytest.raises(Refused, match=f"channel {desk} is the desk's"):
                await adapter.check()
