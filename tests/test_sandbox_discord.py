"""The emulated Discord and the app's own client, tried with discord.py itself: nothing is patched."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import discord
import pytest
from discord import app_commands, ui
from discord.ext import commands

from bot.chat import Chats, token
from bot.clock import StillClock, SystemClock
from bot.errors import ConfigError, CredentialsRevoked, Later
from bot.sandbox.discord import TOKEN, Discord, too_many
from bot.sandbox.faults import CLOSE, RESET, RESET_AFTER, Fault
from bot.sandbox.resolver import connector

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
async def server() -> AsyncIterator[Discord]:
    async with Discord(limits={}) as server:
        yield server


@pytest.fixture
async def chats(server: Discord) -> AsyncIterator[Chats]:
    async with Chats(SystemClock(), lambda: connector(server)) as chats:
        yield chats


class Heard:
    """What a listener was called with, to be waited for."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Any] = asyncio.Queue()

    async def hear(self, *args: Any) -> None:
        self._queue.put_nowait(args[0] if args else None)

    async def next(self) -> Any:
        return await asyncio.wait_for(self._queue.get(), 60)


async def ready(server: Discord, chats: Chats) -> commands.Bot:
    return await chats.of(TOKEN).ready()


async def test_the_client_hears_messages_edits_and_deletions(server: Discord, chats: Chats) -> None:
    general, sam, heard = server.channel("general"), server.member("Sam"), {}
    for event in ("message", "raw_message_edit", "raw_message_delete"):
        heard[event] = Heard()
        chats.of(TOKEN).listen(event, heard[event].hear)
    await ready(server, chats)
    first = await server.post(general, sam, "good morning")
    second = await server.post(general, sam, "anybody?", reply_to=first)
    said = [await heard["message"].next() for _ in range(2)]
    assert [(str(each.id), each.content) for each in said] == [(first, "good morning"), (second, "anybody?")]
    assert said[1].reference.resolved.content == "good morning"
    assert said[0].author.name == "Sam"
    await server.edit(first, "good evening")
    assert (await heard["raw_message_edit"].next()).message.content == "good evening"
    await server.delete(first)
    assert str((await heard["raw_message_delete"].next()).message_id) == first


async def test_a_nonce_is_used_once(server: Discord, chats: Chats) -> None:
    general = server.channel("general")
    client = await ready(server, chats)
    channel = await client.fetch_channel(int(general))
    assert isinstance(channel, discord.TextChannel)
    one, two = [await channel.send("hello", nonce="n1") for _ in range(2)]
    assert one.id == two.id
    assert len(server.said(general)) == 1
    server.clock.advance(301)
    assert (await channel.send("hello", nonce="n1")).id != one.id


async def test_history_comes_in_pages_and_after_a_message(server: Discord, chats: Chats) -> None:
    general, sam = server.channel("general"), server.member("Sam")
    ids = [int(await server.post(general, sam, str(n))) for n in range(230)]
    channel = await (await ready(server, chats)).fetch_channel(int(general))
    assert isinstance(channel, discord.TextChannel)
    after = [each.id async for each in channel.history(after=discord.Object(ids[9]), limit=None)]
    assert after == ids[10:]
    assert [each.id async for each in channel.history(limit=3)] == ids[:-4:-1]


ERRORS: list[tuple[Callable[[discord.Guild, discord.TextChannel], Any], int, int]] = [
    (lambda _, channel: channel.fetch_message(1), 404, 10008),
    (lambda guild, _: guild.fetch_member(1), 404, 10007),
    (lambda guild, _: guild.unban(discord.Object(1)), 404, 10026),
    (lambda _, channel: channel.send(""), 400, 50006),
    (lambda _, channel: channel.send("x" * 2001), 400, 50035),
    (lambda _, channel: channel.send("x", nonce="n" * 26), 400, 50035),
]


@pytest.mark.parametrize(("call", "status", "code"), ERRORS, ids=[str(code) for _, _, code in ERRORS])
async def test_errors_have_the_codes_of_discord(
    server: Discord, chats: Chats, call: Callable[[Any, Any], Any], status: int, code: int
) -> None:
    general = int(server.channel("general"))
    client = await ready(server, chats)
    with pytest.raises(discord.HTTPException) as caught:
        await call(client.get_guild(int(server.world.guild)), await client.fetch_channel(general))
    assert (caught.value.status, caught.value.code) == (status, code)


async def test_people_are_timed_out_banned_and_written_to_with_a_reason(server: Discord, chats: Chats) -> None:
    sam, ada = server.member("Sam"), server.member("Ada")
    guild = (await ready(server, chats)).get_guild(int(server.world.guild))
    assert guild is not None
    member = await guild.fetch_member(int(sam))
    await member.timeout(timedelta(days=1), reason="case 12: insult")
    assert (await guild.fetch_member(int(sam))).is_timed_out()
    with pytest.raises(discord.HTTPException) as too_long:
        await member.timeout(timedelta(days=29))
    assert too_long.value.code == 50035
    await member.send("please mind the rules")
    assert [each["content"] for each in server.direct(sam)] == ["please mind the rules"]
    await server.close_dms(ada)
    with pytest.raises(discord.Forbidden) as closed:
        await (await guild.fetch_member(int(ada))).send("and you")
    assert closed.value.code == 50007
    await guild.ban(discord.Object(int(sam)), reason="case 13")
    assert [entry.reason async for entry in guild.audit_logs(oldest_first=True)] == ["case 12: insult", "case 13"]
    assert (await guild.fetch_ban(discord.Object(int(sam)))).reason == "case 13"


class Card(ui.LayoutView):
    def __init__(self) -> None:
        super().__init__(timeout=None)
        keep: ui.Button[Any] = ui.Button(label="Keep", custom_id="keep:12")
        row: ui.ActionRow[Any] = ui.ActionRow(keep, ui.Button(label="Reply…", custom_id="reply:12"))
        self.add_item(ui.Container(ui.TextDisplay("case 12"), row))


class Reply(ui.Modal, title="Reply"):
    words: ui.Label[Any] = ui.Label(text="Words", component=ui.TextInput(custom_id="words"))


async def test_a_card_is_pressed_answered_edited_and_asks_with_a_modal(server: Discord, chats: Chats) -> None:
    desk, asha, heard = server.channel("desk"), server.member("Asha", server.role("moderator")), Heard()
    chats.of(TOKEN).listen("interaction", heard.hear)
    client = await ready(server, chats)
    channel = await client.fetch_channel(int(desk))
    assert isinstance(channel, discord.TextChannel)
    card = await channel.send(view=Card())
    container = server.said(desk)[0]["components"][0]
    assert [part["id"] for part in (container, *container["components"])] == [1, 2, 3]
    pressed = await server.press(str(card.id), "keep:12", by=asha)
    interaction: discord.Interaction[Any] = await heard.next()
    assert [role.name for role in interaction.user.roles] == ["@everyone", "moderator"]  # type: ignore[union-attr]
    await interaction.response.defer()
    assert (await pressed.answered())["type"] == 6
    done = ui.LayoutView()
    done.add_item(ui.TextDisplay("kept by Asha"))
    await channel.get_partial_message(card.id).edit(view=done)
    assert server.said(desk)[0]["components"][0]["content"] == "kept by Asha"

    asked = await server.press(str(card.id), "reply:12", by=asha)
    modal = Reply()
    await (await heard.next()).response.send_modal(modal)
    filled = await server.submit(asked, {"words": "please call us"})
    submission: discord.Interaction[Any] = await heard.next()
    assert submission.data is not None
    assert "please call us" in json.dumps(submission.data)
    await submission.response.send_message("noted", ephemeral=True)
    assert [each["content"] for each in filled.shown] == ["noted"]
    assert len(server.said(desk)) == 1
    await submission.edit_original_response(content="sent")
    await submission.followup.send("anything else?", ephemeral=True)
    assert [each["content"] for each in filled.shown] == ["sent", "anything else?"]


async def test_an_answer_after_three_seconds_is_too_late_and_a_second_one_too(server: Discord, chats: Chats) -> None:
    desk, asha, heard = server.channel("desk"), server.member("Asha"), Heard()
    chats.of(TOKEN).listen("interaction", heard.hear)
    channel = await (await ready(server, chats)).fetch_channel(int(desk))
    assert isinstance(channel, discord.TextChannel)
    card = str((await channel.send(view=Card())).id)
    pressed = await server.press(card, "keep:12", by=asha)
    server.clock.advance(3.1)
    late = await heard.next()
    with pytest.raises(discord.NotFound) as caught:
        await late.response.defer()
    assert caught.value.code == 10062
    assert pressed.answer is None
    again = await server.press(card, "keep:12", by=asha)
    interaction = await heard.next()
    await interaction.response.defer()
    with pytest.raises(discord.HTTPException) as twice:
        await interaction._state.http.request(
            discord.http.Route("POST", f"/interactions/{again.id}/{again.token}/callback"), json={"type": 6}
        )
    assert twice.value.code == 40060


async def test_slash_commands_are_registered_and_given(server: Discord, chats: Chats) -> None:
    desk, asha = server.channel("desk"), server.member("Asha")

    async def register(client: commands.Bot) -> None:
        group: app_commands.Group = app_commands.Group(name="case", description="one case")

        @group.command(name="show", description="shows it")
        async def show(interaction: discord.Interaction[Any], number: int) -> None:
            await interaction.response.defer(ephemeral=True)
            await interaction.followup.send(f"case {number}")

        client.tree.add_command(group)
        await client.tree.sync()

    chats.of(TOKEN).prepare(register)
    await ready(server, chats)
    given = await server.command("case show", asha, desk, number=12)
    assert (await given.answered())["type"] == 5
    await server.journal.arrival("POST", "/api/v10/webhooks/*")
    while not given.shown or given.shown[0]["content"] != "case 12":
        await asyncio.sleep(0.01)
    assert not server.said(desk)


async def test_automod_executions_are_told(server: Discord, chats: Chats) -> None:
    general, sam, heard = server.channel("general"), server.member("Sam"), Heard()
    chats.of(TOKEN).listen("automod_action", heard.hear)
    await ready(server, chats)
    rule = await server.automod(general, sam, "some slur", "slur")
    told = await heard.next()
    assert (str(told.rule_id), str(told.user_id), told.matched_keyword) == (rule, sam, "slur")


async def test_a_resumed_session_replays_what_it_missed(server: Discord, chats: Chats) -> None:
    general, sam, heard, resumed = server.channel("general"), server.member("Sam"), Heard(), Heard()
    chats.of(TOKEN).listen("message", heard.hear)
    chats.of(TOKEN).listen("resumed", resumed.hear)
    await ready(server, chats)
    await server.reconnect()
    await server.post(general, sam, "while you were away")
    assert (await heard.next()).content == "while you were away"
    await resumed.next()
    assert [call.body["op"] for call in server.journal.calls("RECEIVE")].count(2) == 1  # type: ignore[index]
    assert server.gateway.identifies_left == 999


async def test_a_session_that_cannot_be_resumed_is_opened_again(server: Discord) -> None:
    clock = StillClock(NOON)
    async with Chats(clock, lambda: connector(server)) as chats:
        opened = Heard()
        chats.of(TOKEN).listen("ready", opened.hear)
        await ready(server, chats)
        await opened.next()
        await server.invalidate()
        await opened.next()
    assert clock.now() >= NOON + timedelta(seconds=5)  # as Discord asks, and as our own clock passes it
    assert server.gateway.identifies_left == 998


async def test_text_frames_and_zlib_say_the_same(server: Discord) -> None:
    async with aiohttp.ClientSession(server.url) as session:
        async with session.ws_connect("/") as plain:
            hello = (await plain.receive()).data
        async with session.ws_connect("/?compress=zlib-stream") as packed:
            frame = (await packed.receive()).data
    assert frame.endswith(b"\x00\x00\xff\xff")
    assert zlib.decompressobj().decompress(frame).decode() == hello
    assert json.loads(hello)["op"] == 10


async def test_without_the_intent_there_are_no_words(server: Discord) -> None:
    general, sam, heard = server.channel("general"), server.member("Sam"), Heard()
    intents = discord.Intents(guilds=True, guild_messages=True)
    async with discord.Client(intents=intents, connector=connector(server), guild_ready_timeout=0.1) as client:

        @client.event
        async def on_message(message: discord.Message) -> None:
            await heard.hear(message.content)

        await client.login(TOKEN)
        running = asyncio.create_task(client.connect())
        while not client.is_ready():
            await asyncio.sleep(0.01)
        await server.post(general, sam, "private words")
        assert await heard.next() == ""
    await running


async def test_rate_limits_come_with_their_headers() -> None:
    async with Discord() as server, aiohttp.ClientSession(server.url) as session:
        general = server.channel("general")
        said = {"url": f"/api/v10/channels/{general}/messages", "headers": {"Authorization": f"Bot {TOKEN}"}}
        answers = [await session.post(**said, json={"content": "x"}) for _ in range(6)]  # type: ignore[arg-type]
        assert [each.status for each in answers] == [200] * 5 + [429]
        assert [each.headers["X-RateLimit-Remaining"] for each in answers] == ["4", "3", "2", "1", "0", "0"]
        body = await answers[5].json()
        assert answers[5].headers["Via"]
        assert 0 < body["retry_after"] <= 5
        assert body["global"] is False


async def test_another_process_plays_members(server: Discord) -> None:
    general, sam = server.channel("general"), server.member("Sam")
    async with aiohttp.ClientSession(server.url + "/__sandbox__/discord/") as session:
        posted = await session.post("post", json={"channel": general, "by": sam, "text": "hello"})
        id_ = (await posted.json())["id"]
        world = await (await session.get("world")).json()
        assert world["messages"][general][id_]["content"] == "hello"
        assert (await session.post("press", json={"message": "1", "custom_id": "x", "by": sam})).status == 400
        assert (await session.post("cook", json={})).status == 404
    assert not server.journal.calls(path="/__sandbox__/*")


# the app's client


async def test_everybody_who_asks_with_a_token_shares_its_client(server: Discord, chats: Chats) -> None:
    assert chats.of(TOKEN) is chats.of(TOKEN)
    first, second = await asyncio.gather(chats.of(TOKEN).ready(), chats.of(TOKEN).ready())
    assert first is second
    assert server.gateway.identifies_left == 999
    other = server.add_bot("other", "desk")
    desk = await chats.of("other").ready()
    assert desk.user is not None
    assert (desk.user.id, server.gateway.identifies_left) == (int(other), 998)


async def test_a_refused_token_is_told_at_once_and_later(server: Discord, chats: Chats) -> None:
    with pytest.raises(Later):
        _ = chats.of("wrong").client
    for _ in range(2):
        with pytest.raises(CredentialsRevoked, match="token"):
            await chats.of("wrong").ready()
    with pytest.raises(CredentialsRevoked):
        _ = chats.of("wrong").client
    server.gateway.content_allowed = False
    with pytest.raises(CredentialsRevoked, match="intent"):
        await chats.of(TOKEN).ready()


async def test_a_token_that_is_renewed_elsewhere_ends_the_client(server: Discord, chats: Chats) -> None:
    await ready(server, chats)
    server.tokens.clear()
    await server.reconnect()
    with pytest.raises(CredentialsRevoked):
        while chats.of(TOKEN).client:
            await asyncio.sleep(0.01)


HTML = Fault(status=503, body="<h1>busy</h1>", headers={"Content-Type": "text/html"})
ESCAPES = {
    "503 at login": ("GET", "/api/v10/users/@me", HTML),
    "reset at login": ("GET", "/api/v10/users/@me", RESET),
    "the gateway answers no websocket": ("GET", "/", Fault(status=502)),
    "the gateway resets the first connect": ("GET", "/", RESET),
    "the gateway goes after HELLO": ("SEND", "/", RESET_AFTER),
    "the gateway closes politely": ("SEND", "/", CLOSE),
}


@pytest.mark.parametrize("name", ESCAPES)
async def test_what_ends_the_library_does_not_end_the_chat(server: Discord, name: str) -> None:
    general, sam, heard = server.channel("general"), server.member("Sam"), Heard()
    server.fail(*ESCAPES[name])
    async with Chats(StillClock(NOON), lambda: connector(server)) as chats:
        chats.of(TOKEN).listen("message", heard.hear)
        await chats.of(TOKEN).ready()
        await server.post(general, sam, "hello")
        assert (await heard.next()).content == "hello"


async def test_after_a_long_outage_the_chat_is_back_within_a_minute(server: Discord) -> None:
    clock, opened = StillClock(NOON), Heard()
    async with Chats(clock, lambda: connector(server)) as chats:
        chats.of(TOKEN).listen("ready", opened.hear)
        await chats.of(TOKEN).ready()
        await opened.next()
        server.fail("GET", "/", RESET, times=20)
        await next(iter(server.streams)).close(1001)
        await opened.next()
    tries = [call.when for call in server.journal.calls("GET", "/")]
    assert len(tries) == 22
    assert clock.now() - NOON < timedelta(minutes=21)
    assert server.gateway.identifies_left == 998


async def test_a_crash_loop_does_not_use_up_the_days_sessions(server: Discord) -> None:
    server.gateway.identifies_left = 9
    clock = StillClock(NOON)
    async with Chats(clock, lambda: connector(server)) as chats:
        await chats.of(TOKEN).ready()
    assert clock.now() == NOON + timedelta(hours=4) / 9


async def test_a_long_rate_limit_is_told_and_not_waited_for(server: Discord, chats: Chats) -> None:
    general = server.channel("general")
    channel = await (await ready(server, chats)).fetch_channel(int(general))
    assert isinstance(channel, discord.TextChannel)
    server.fail("POST", "*/messages", too_many(90))
    with pytest.raises(discord.RateLimited):
        await channel.send("hello")


def test_a_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAPERONE_DISCORD_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="CHAPERONE_MY_PRACTICE_DISCORD_TOKEN"):
        token("my-practice")
    monkeypatch.setenv("CHAPERONE_DISCORD_TOKEN", "shared")
    monkeypatch.setenv("CHAPERONE_MY_PRACTICE_DISCORD_TOKEN", "own")
    assert (token(), token("my-practice"), token("other")) == ("shared", "own", "shared")
