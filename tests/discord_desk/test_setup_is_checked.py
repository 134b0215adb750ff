"""`chaperone check` tries the desk: its token, its channel, and what the bot may do there."""

import asyncio

import pytest

from bot.commands.setup import Finding, desk_checks
from bot.config import Config
from bot.sandbox.discord import TOKEN, Discord
from bot.sandbox.discord_world import FORUM, SEND_MESSAGES
from bot.sandbox.resolver import connector
from tests.discord_desk.room import ACCOUNT


async def checked(server: Discord, channel: str) -> tuple[Finding, str]:
    desk = {"channel": int(channel), "roles": {"moderator": [1]}}
    config = Config.model_validate({"accounts": [ACCOUNT], "desk": {"discord": desk}})
    [(found, what, told)] = await asyncio.to_thread(lambda: list(desk_checks(config, lambda: connector(server))))
    assert what == "desk"
    return found, told


async def test_check_says_what_keeps_the_desk_from_working(server: Discord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAPERONE_DISCORD_TOKEN", TOKEN)
    desk, forum = server.channel("desk"), server.channel("cases", FORUM)
    assert (await checked(server, desk))[0] is Finding.OK
    for nowhere in ("5", forum):
        found, told = await checked(server, nowhere)
        assert (found, "correct `desk.discord.channel`" in told) == (Finding.FAIL, True), told
    server.world.forbid(desk, SEND_MESSAGES)
    assert await checked(server, desk) == (
        Finding.FAIL, f"in channel {desk} the bot lacks send_messages: allow it there"
    )  # fmt: skip
    monkeypatch.setenv("CHAPERONE_DISCORD_TOKEN", "stale")
    found, told = await checked(server, desk)
    assert (found, "put a new one" in told) == (Finding.FAIL, True), told
    assert not server.said(desk)
