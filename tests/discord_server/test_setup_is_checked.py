"""Settings, the token, membership and permissions: what is missing is said."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import takewhile
from pathlib import Path

import discord
import pytest

from bot.chat import Chats
from bot.clock import StillClock
from bot.commands.setup import Finding, platform_checks
from bot.config import read
from bot.discord.reading import Reading
from bot.discord.scope import Scope
from bot.errors import ConfigError, CredentialsRevoked, Refused
from bot.model import Ability, Verb
from bot.platforms.base import Surroundings
from bot.platforms.discord_server import Adapter, Settings
from bot.sandbox.discord import TOKEN, Discord
from bot.sandbox.discord_gateway import TOKEN_REFUSED
from bot.sandbox.discord_world import MANAGE_MESSAGES
from bot.sandbox.resolver import connector
from bot.shipped import shipped
from tests.discord_server.practice import CONFIG, Practice
from tests.support import NOON


def test_the_shipped_example_works_and_has_every_setting_with_its_default(tmp_path: Path) -> None:
    lines = shipped("chaperone.toml").read_text().splitlines()
    first = lines.index('## platform = "discord_server"') - 2
    example = "\n".join(
        line.removeprefix("## ") for line in takewhile(lambda line: line.startswith("## "), lines[first:])
    )
    (tmp_path / "chaperone.toml").write_text(example)
    (account,) = read(tmp_path / "chaperone.toml").accounts
    written = account.settings
    assert account.platform_settings() == Settings(server=written["server"])
    assert list(written) == list(Settings.model_fields)


async def test_without_a_token_the_account_cannot_be_connected(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHAPERONE_DISCORD_TOKEN")
    with pytest.raises(ConfigError, match="CHAPERONE_DISCORD_TOKEN"):
        async with Adapter.connect(Settings(server=1), Surroundings("practice", practice.clock, practice.folder)):
            pass


async def test_a_server_that_we_are_no_member_of_stops_the_account(practice: Practice) -> None:
    async with Chats(practice.clock, lambda: connector(practice.discord)) as chats:
        around = Surroundings("practice", practice.clock, practice.folder, chats=chats)
        async with Adapter.connect(Settings(server=5), around) as adapter:
            with pytest.raises(CredentialsRevoked, match="invite"):
                await anext(adapter.events(None))
            with pytest.raises(CredentialsRevoked, match="invite"):
                await adapter.check()


async def token_is_reset(server: Discord) -> None:
    server.tokens.clear()
    for stream in list(server.streams):
        await stream.close(TOKEN_REFUSED)


async def token_is_reset_while_the_gateway_is_away(server: Discord) -> None:
    server.tokens.clear()
    server.gateway.sessions.clear()
    for stream in list(server.streams):
        await stream.close(1001)


async def bot_is_kicked(server: Discord) -> None:
    await server.gateway.tell("GUILD_DELETE", {"id": server.world.guild})


@pytest.mark.parametrize(
    ("shut_out", "why"),
    [(token_is_reset, "token"), (token_is_reset_while_the_gateway_is_away, "token"), (bot_is_kicked, "invite")],
)
async def test_whoever_is_shut_out_while_reading_stops_the_account(
    shut_out: Callable[[Discord], Awaitable[None]], why: str
) -> None:
    clock = StillClock(NOON)
    async with Discord(clock, limits={}) as server, Chats(clock, lambda: connector(server)) as chats:
        scope = Scope("practice", int(server.world.guild), frozenset(), frozenset(), timedelta())
        batches = Reading(scope, chats.of(TOKEN), clock).events(None)
        general, sam = server.channel("general"), server.member("Sam")
        await anext(batches)
        await server.post(general, sam, "hello")
        while not (await anext(batches)).events:
            pass
        await shut_out(server)
        with pytest.raises(CredentialsRevoked, match=why):
            async with asyncio.timeout(20):
                async for _ in batches:
                    pass


async def test_check_tells_what_the_bot_may_do_where(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    server, file = practice.discord, practice.folder / "chaperone.toml"
    file.write_text(CONFIG.format(server=server.world.guild, channel=f"{practice.general}, 5"))
    config = read(file)

    def told() -> list[tuple[Finding, str]]:
        lines = platform_checks(config, config.accounts[0], lambda: connector(server))
        return [(finding, words) for finding, _, words in lines]

    fine = f"is a member of the server {server.world.guild}, and may do all that is needed in 1 channels"
    assert await practice.adapter.check() == [fine]
    assert await asyncio.to_thread(told) == [(Finding.FAIL, "channel 5 is not there")]
    server.world.channels["5"] = server.world.channels[practice.general] | {"id": "5"}
    assert (await asyncio.to_thread(told))[0][0] is Finding.OK
    server.world.roles[server.world.guild]["permissions"] = str(discord.Permissions(view_channel=True).value)
    [(finding, words)] = await asyncio.to_thread(told)
    assert (finding, words.count("lacks read_message_history, send_messages")) == (Finding.FAIL, 2)
    monkeypatch.setenv("CHAPERONE_DISCORD_TOKEN", "stale")
    [(finding, words)] = await asyncio.to_thread(told)
    assert (finding, "does not accept the token: put a new one" in words) == (Finding.FAIL, True)


async def test_where_the_bot_may_not_manage_messages_nothing_is_deleted_and_it_says_so(practice: Practice) -> None:
    order, world = await practice.order(), practice.discord.world
    assert practice.adapter.capability(Verb.DELETE, order.target, NOON).ability is Ability.NATIVE
    world.forbid(practice.general, MANAGE_MESSAGES)
    with pytest.raises(Refused, match="lacks the permission"):
        await practice.adapter.delete(order)
    role = {"guild_id": world.guild, "role": world.roles[world.guild]}
    await practice.discord.gateway.tell("GUILD_ROLE_UPDATE", role)
    await practice.discord.gateway.tell("CHANNEL_UPDATE", world.channels[practice.general])
    async with asyncio.timeout(60):
        while practice.adapter.capability(Verb.DELETE, order.target, NOON).ability is not Ability.IMPOSSIBLE:
            await asyncio.sleep(0.001)
    assert "Manage Messages" in practice.adapter.capability(Verb.HIDE, order.target, NOON).note
