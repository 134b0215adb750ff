"""The Discord server as a platform, through the real discord.py, against the emulator: nothing is patched."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest
from sqlalchemy import Row, Table, select

from bot.app import running
from bot.chat import Chats
from bot.chat_errors import translated
from bot.clock import StillClock, SystemClock
from bot.commands.setup import Finding, platform_checks
from bot.config import read
from bot.discord.reading import Reading, Scope
from bot.errors import (
    Ambiguous,
    ConfigError,
    CredentialsRevoked,
    Later,
    PlatformError,
    QuotaSpent,
    Refused,
    Vanished,
)
from bot.model import (
    Ability,
    ActionState,
    Author,
    AuthorKind,
    Batch,
    CaseState,
    Comment,
    Gap,
    Gone,
    Posted,
    Reason,
    Role,
    Target,
    Verb,
)
from bot.platforms.base import Observed, Order, Platform, Surroundings
from bot.platforms.discord_server import Adapter, Settings
from bot.replies import Cleared
from bot.review.cases import Person, Ruling, Said, rule, undo
from bot.sandbox.discord import TOKEN, Discord, too_many
from bot.sandbox.discord_world import MANAGE_MESSAGES
from bot.sandbox.faults import CLOSE, RESET, RESET_AFTER, Fault
from bot.sandbox.resolver import connector
from bot.shipped import shipped
from bot.store.tables import action, case
from classifiers.labels import Label
from tests.support import NOON, StubAssessor

KEY = "a1b2c3d4" * 4
WORDS = Cleared("Please mind our rules.")
HTML = Fault(status=503, body="<h1>busy</h1>", headers={"Content-Type": "text/html"})

CONFIG = """
[classifier]
folder = "nowhere"
[[accounts]]
name = "practice"
platform = "discord_server"
mode = "live"
settings = {{ server = {server}, channels = [{channel}] }}
"""


@dataclass
class Practice:
    """A server with a channel and an author, and the adapter that watches it; `heard` what it brought."""

    discord: Discord
    clock: StillClock
    folder: Path
    general: str
    sam: str
    adapter: Adapter
    heard: asyncio.Queue[Batch]
    cursor: str | None = None

    async def next(self) -> list[Any]:
        """The events of the next batch that has any."""
        while True:
            batch = await asyncio.wait_for(self.heard.get(), 60)
            self.cursor = batch.cursor
            if batch.events:
                return list(batch.events)

    async def texts(self, count: int) -> list[str]:
        """The texts of so many comments to come."""
        found: list[str] = []
        while len(found) < count:
            found += [event.comment.text for event in await self.next() if isinstance(event, Posted)]
        return found

    async def order(self, text: str = "you charlatan", key: str = KEY, **values: Any) -> Order:
        """About a comment that Sam just posted."""
        return self.about(await self.discord.post(self.general, self.sam, text), key, **values)

    def about(self, message: str, key: str = KEY, **values: Any) -> Order:
        return Order(key, Target(message, self.sam, self.general, posted_at=self.clock.now()), **values)

    def standing(self) -> list[str]:
        """What people can read in the channel."""
        return [each["content"] or each["components"][0]["content"] for each in self.discord.said(self.general)]


@asynccontextmanager
async def watching(
    discord: Discord, clock: StillClock, folder: Path, cursor: str | None = None, **settings: Any
) -> AsyncIterator[tuple[Adapter, asyncio.Queue[Batch]]]:
    heard: asyncio.Queue[Batch] = asyncio.Queue()
    async with Chats(clock, lambda: connector(discord)) as chats:
        around = Surroundings("practice", clock, folder, frozenset({"77"}), chats)
        chosen = Settings.model_validate({"server": int(discord.world.guild)} | settings)
        async with Adapter.connect(chosen, around) as adapter:

            async def read() -> None:
                async for batch in adapter.events(cursor):
                    heard.put_nowait(batch)

            reading = asyncio.create_task(read())
            await chats.of(TOKEN).ready()
            while heard.empty() and discord.world.messages and not reading.done():
                await asyncio.sleep(0.001)
            yield adapter, heard
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading


@pytest.fixture(autouse=True)
def with_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAPERONE_DISCORD_TOKEN", TOKEN)


@pytest.fixture
async def practice(tmp_path: Path) -> AsyncIterator[Practice]:
    clock = StillClock(NOON)
    async with Discord(clock, limits={}) as server:
        general, sam = server.channel("general"), server.member("Sam")
        async with watching(server, clock, tmp_path, channels=[int(general)]) as (adapter, heard):
            yield Practice(server, clock, tmp_path, general, sam, adapter, heard)


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


# reading


async def test_messages_edits_and_deletions_come_as_events(practice: Practice) -> None:
    id_ = await practice.discord.post(practice.general, practice.sam, "good morning")
    await practice.discord.edit(id_, "good evening")
    await practice.discord.delete(id_)
    events: list[Any] = []
    while len(events) < 3:
        events += await practice.next()
    assert [event.comment.text for event in events[:2]] == ["good morning", "good evening"]
    assert events[2] == Gone(id_)


def payload(practice: Practice, **more: Any) -> dict[str, Any]:
    """A message as the gateway tells it."""
    author = {"id": practice.sam, "username": "sam.h", "global_name": "Sam", "discriminator": "0", "avatar": None}
    flat = {"mention_everyone": False, "tts": False, "pinned": False, "flags": 0, "type": 0, "content": ""}
    lists: dict[str, Any] = {key: [] for key in ("mentions", "mention_roles", "attachments", "embeds", "components")}
    where = {"id": "1477658880000000000", "channel_id": practice.general, "guild_id": practice.discord.world.guild}
    when = {"timestamp": NOON.isoformat(), "edited_timestamp": None}
    return {"author": author, **flat, **lists, **where, **when, **more}


def golden(practice: Practice, **more: Any) -> Comment:
    server, id_ = practice.discord.world.guild, "1477658880000000000"
    url = f"https://discord.com/channels/{server}/{practice.general}/{id_}"
    posted_at = discord.utils.snowflake_time(int(id_))
    comment = Comment(id_, "", Author(practice.sam, "Sam"), posted_at, thread=practice.general, url=url)
    return replace(comment, **more)


def bot_user(practice: Practice) -> dict[str, Any]:
    return practice.discord.world.users[practice.discord.bot]


Made = Callable[[Practice], dict[str, Any]]
OTHER: dict[str, Any] = {"id": "77", "username": "asha", "global_name": None, "discriminator": "0", "avatar": None}
GOLDEN: dict[str, tuple[Made, Made]] = {
    "plain": (lambda _: {"content": "my GP is a fraud"}, lambda _: {"text": "my GP is a fraud"}),
    "broken text": (lambda _: {"content": "a\ud800b"}, lambda _: {"text": "a�b"}),
    "a mention of us": (
        lambda it: {"content": "hey", "mentions": [bot_user(it)]},
        lambda _: {"text": "hey", "summoned": True},
    ),
    "staff": (
        lambda _: {"content": "as I told you", "author": OTHER},
        lambda _: {"text": "as I told you", "author": Author("77", "asha", AuthorKind.STAFF)},
    ),
    "us": (
        lambda it: {"content": "noted", "author": bot_user(it)},
        lambda it: {"text": "noted", "author": Author(it.discord.bot, "chaperone", AuthorKind.BOT)},
    ),
    "a reply": (
        lambda it: {
            "content": "same", "type": 19, "message_reference": {"channel_id": it.general, "message_id": "5"},
            "referenced_message": payload(it, id="5", content="I have lupus"),
        },
        lambda _: {"text": "same", "parent": "5", "parent_text": "I have lupus"},
    ),
    "a reply to what is gone": (
        lambda it: {
            "content": "same", "type": 19, "message_reference": {"channel_id": it.general, "message_id": "5"},
            "referenced_message": None,
        },
        lambda _: {"text": "same", "parent": "5"},
    ),
    "a forward hides no words": (
        lambda it: {"message_snapshots": [{"message": payload(it, content="buy my cure")}]},
        lambda _: {"text": "buy my cure"},
    ),
    "a poll hides no words": (
        lambda _: {
            "poll": {
                "question": {"text": "who is a quack?"}, "layout_type": 1, "allow_multiselect": False,
                "answers": [{"answer_id": 1, "poll_media": {"text": "Dr Who"}}], "expiry": "2026-12-01T00:00:00Z",
            }
        },
        lambda _: {"text": "who is a quack?\nDr Who"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GOLDEN)
async def test_a_message_becomes_this_comment(practice: Practice, name: str) -> None:
    given, expected = GOLDEN[name]
    await practice.discord.gateway.tell("MESSAGE_CREATE", payload(practice, **given(practice)))
    assert await practice.next() == [Posted(golden(practice, **expected(practice)))]


async def test_only_the_chosen_channels_and_their_threads_are_read(practice: Practice) -> None:
    server, sam = practice.discord, practice.sam
    other = server.channel("other")
    inside, outside = server.thread(practice.general, "a topic"), server.thread(other, "another")
    for thread in (inside, outside):
        await server.gateway.tell("THREAD_CREATE", server.world.channels[thread])
    for place in (other, outside, inside, practice.general):
        await server.post(place, sam, f"in {place}")
    joined = payload(practice, type=7, author=server.world.users[sam])
    await server.gateway.tell("MESSAGE_CREATE", joined)  # "Sam has joined" is nobody's comment
    await server.post(practice.general, sam, "the last")
    assert await practice.texts(3) == [f"in {inside}", f"in {practice.general}", "the last"]


async def test_after_downtime_what_was_missed_is_read_with_edits(practice: Practice) -> None:
    server, general, sam = practice.discord, practice.general, practice.sam
    early = await server.post(general, sam, "early")
    assert await practice.texts(1) == ["early"]
    practice.clock.advance(timedelta(hours=5))
    await server.edit(early, "early, but ruder")
    missed = [f"missed {n}" for n in range(120)]
    for text in missed:
        await server.post(general, sam, text)
    thread = server.thread(general, "opened meanwhile")
    await server.post(thread, sam, "in the thread")
    async with watching(server, practice.clock, practice.folder, practice.cursor, channels=[int(general)]) as (
        _,
        heard,
    ):
        after = replace(practice, heard=heard)
        assert await after.texts(122) == ["early, but ruder", *missed, "in the thread"]
        await server.post(general, sam, "live")
        assert await after.texts(1) == ["live"]
        cursor = after.cursor
    async with watching(server, practice.clock, practice.folder, cursor, channels=[int(general)]) as (_, heard):
        await server.post(general, sam, "the only one")
        again = replace(practice, heard=heard)
        assert await again.texts(1) == ["the only one"]


async def test_the_first_start_begins_now_or_some_hours_back(practice: Practice) -> None:
    server, general, sam = practice.discord, practice.general, practice.sam
    for text in ("old", "recent"):
        await server.post(general, sam, text)
        practice.clock.advance(timedelta(hours=2))
    async with watching(server, practice.clock, practice.folder, backfill_hours=3) as (_, heard):
        assert await replace(practice, heard=heard).texts(1) == ["recent"]
    async with watching(server, practice.clock, practice.folder) as (_, heard):
        await server.post(general, sam, "now")
        assert await replace(practice, heard=heard).texts(1) == ["now"]


async def test_a_lost_session_is_caught_up_before_anything_newer(practice: Practice) -> None:
    server, general, sam = practice.discord, practice.general, practice.sam
    await server.post(general, sam, "before")
    assert await practice.texts(1) == ["before"]
    server.gateway.sessions.clear()  # nothing that is said now is told, nor kept for a resume
    missed = await server.post(general, sam, "missed")
    await next(iter(server.streams)).close(1001)
    await server.journal.arrival("GET", "*/messages", count=3)
    await server.post(general, sam, "after")
    assert await practice.texts(2) == ["missed", "after"]
    assert missed


async def test_a_flood_beyond_what_is_kept_is_read_from_the_history_and_told(practice: Practice) -> None:
    server, general, sam = practice.discord, practice.general, practice.sam
    scope = Scope("practice", int(server.world.guild), frozenset({int(general)}), frozenset(), timedelta())
    async with Chats(practice.clock, lambda: connector(server)) as chats:
        reading = Reading(scope, chats.of(TOKEN), practice.clock, most_waiting=2)
        batches = reading.events(None)
        await anext(batches)  # it is up to date, and then held back
        for n in range(9):
            await server.post(general, sam, f"flood {n}")
        await practice.texts(9)  # the other client has heard all of them
        events: list[Any] = []
        while not any(isinstance(event, Gap) for event in events):
            events += (await asyncio.wait_for(anext(batches), 60)).events
        read = {event.comment.text for event in events if isinstance(event, Posted)}
        assert read == {f"flood {n}" for n in range(9)}


async def test_a_channel_that_may_not_be_read_is_a_gap(practice: Practice) -> None:
    server, secret = practice.discord, practice.discord.channel("secret")
    forbidden = Fault(status=403, body={"code": 50001, "message": "Missing Access"})
    server.fail("GET", f"*/channels/{secret}/messages", forbidden)
    async with watching(server, practice.clock, practice.folder) as (_, heard):
        assert await replace(practice, heard=heard).next() == [Gap(f"the bot may not read channel {secret} any more")]


async def test_automod_executions_are_logged_without_words(
    practice: Practice, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "chaperone.discord"):
        rule = await practice.discord.automod(practice.general, practice.sam, "a slur", "slur")
        await practice.discord.post(practice.general, practice.sam, "next")
        await practice.texts(1)
    (record,) = [each for each in caplog.records if each.msg == "automod_acted"]
    assert record.fields["rule"] == int(rule)  # type: ignore[attr-defined]
    assert "slur" not in str(record.__dict__)


async def test_a_server_that_we_are_no_member_of_stops_the_account(practice: Practice) -> None:
    async with Chats(practice.clock, lambda: connector(practice.discord)) as chats:
        around = Surroundings("practice", practice.clock, practice.folder, chats=chats)
        async with Adapter.connect(Settings(server=5), around) as adapter:
            with pytest.raises(CredentialsRevoked, match="invite"):
                await anext(adapter.events(None))
            with pytest.raises(CredentialsRevoked, match="invite"):
                await adapter.check()


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
    assert await asyncio.to_thread(told) == [(Finding.FAIL, "Discord refused the token")]


# acting


def test_it_can_do_everything() -> None:
    written = {verb for verb in Verb if getattr(Adapter, verb.value) is not getattr(Platform, verb.value)}
    assert written == set(Verb)
    assert {Adapter.spends[verb] for verb in Verb} == {lane.name for lane in Adapter.lanes}


@pytest.mark.parametrize("automatically", [False, True])
async def test_hiding_is_deleting_and_a_persons_unless_the_config_says_so(
    practice: Practice, automatically: bool
) -> None:
    chosen: dict[str, Any] = {"delete_automatically": automatically}
    async with watching(practice.discord, practice.clock, practice.folder, **chosen) as (adapter, _):
        able = adapter.capability(Verb.HIDE, Target("1", practice.sam), NOON)
        assert (able.ability, able.people_only) == (Ability.APPROXIMATE, not automatically)
        assert "deletes" in able.note
        assert not adapter.capability(Verb.REPLY, Target("1", practice.sam), NOON).people_only


async def test_to_hide_deletes_and_to_restore_reposts_in_a_quote(practice: Practice) -> None:
    order, adapter = await practice.order("you @everyone\ncharlatan"), practice.adapter
    await practice.texts(1)
    assert await adapter.observe(Verb.HIDE, order) is Observed.NOT_DONE
    for _ in range(2):
        await adapter.hide(order)
        assert practice.standing() == []
        assert await adapter.observe(Verb.HIDE, order) is Observed.DONE
    assert practice.discord.world.audit_log[0]["reason"] == f"chaperone {KEY}"
    assert await adapter.observe(Verb.RESTORE, order) is Observed.NOT_DONE
    back = replace(order, key="ff" * 16, copy="you @everyone\ncharlatan")
    for _ in range(2):
        await adapter.restore(back)
        quote = f"Restored by the moderators. <@{practice.sam}> wrote:\n>>> you @everyone\ncharlatan"
        assert practice.standing() == [quote]
        assert await adapter.observe(Verb.RESTORE, back) is Observed.DONE
    assert practice.discord.journal.calls("POST", "*/messages")[0].body["allowed_mentions"] == {"parse": []}  # type: ignore[index]
    await adapter.hide(order)
    assert practice.standing() == []


async def test_what_we_delete_is_not_told_as_gone(practice: Practice) -> None:
    order = await practice.order("first")
    await practice.texts(1)
    await practice.adapter.hide(order)
    second = await practice.discord.post(practice.general, practice.sam, "second")
    await practice.discord.delete(second)
    events: list[Any] = []
    while Gone(second) not in events:
        events += await practice.next()
    assert [event for event in events if isinstance(event, Gone)] == [Gone(second)]


async def test_a_refused_deletion_leaves_the_message_to_its_author(practice: Practice) -> None:
    order = await practice.order()
    practice.discord.fail("DELETE", "*", Fault(status=403, body={"code": 50013, "message": "Missing Permissions"}))
    with pytest.raises(Refused, match="lacks the permission"):
        await practice.adapter.hide(order)
    await practice.discord.delete(order.target.comment_id)
    events: list[Any] = []
    while not any(isinstance(event, Gone) for event in events):
        events += await practice.next()


async def test_without_our_copy_nothing_is_restored(practice: Practice) -> None:
    order = await practice.order()
    await practice.adapter.restore(order)  # it stands: as wished
    await practice.adapter.hide(order)
    with pytest.raises(Refused, match="expired"):
        await practice.adapter.restore(order)


async def test_a_reply_answers_the_comment_once_and_is_found_again(practice: Practice) -> None:
    order, adapter = await practice.order(text="is this lupus?"), practice.adapter
    order = replace(order, text=WORDS)
    assert await adapter.observe(Verb.REPLY, order) is Observed.NOT_DONE
    for _ in range(2):
        await adapter.reply(order)
    assert practice.standing() == ["is this lupus?", WORDS.words]
    answer = practice.discord.said(practice.general)[1]
    assert answer["message_reference"]["message_id"] == order.target.comment_id
    assert len(answer["nonce"]) <= 25
    assert await adapter.observe(Verb.REPLY, order) is Observed.DONE
    assert await adapter.observe(Verb.REPLY, replace(order, key="0" * 32)) is Observed.NOT_DONE


async def test_a_reply_to_what_is_gone_is_told_as_gone(practice: Practice) -> None:
    order = replace(await practice.order(), text=WORDS)
    await practice.discord.delete(order.target.comment_id)
    with pytest.raises(Vanished):
        await practice.adapter.reply(order)
    nowhere = replace(order, target=replace(order.target, thread="5"))
    with pytest.raises(Vanished, match="channel"):
        await practice.adapter.reply(nowhere)


async def test_a_private_word_arrives_or_is_refused_or_said_in_public(practice: Practice) -> None:
    server, adapter = practice.discord, practice.adapter
    order = replace(await practice.order("hm"), text=WORDS)
    assert await adapter.observe(Verb.MESSAGE, order) is Observed.NOT_DONE
    await adapter.message(order)
    assert [each["components"][0]["content"] for each in server.direct(practice.sam)] == [WORDS.words]
    assert await adapter.observe(Verb.MESSAGE, order) is Observed.DONE
    await server.close_dms(practice.sam)
    other = replace(order, key="b" * 32)
    with pytest.raises(Refused, match="no direct messages"):
        await adapter.message(other)
    assert practice.standing() == ["hm"]
    async with watching(server, practice.clock, practice.folder, closed_dms="public") as (public, _):
        await public.message(other)
        assert practice.standing() == ["hm", WORDS.words]
        assert await public.observe(Verb.MESSAGE, other) is Observed.DONE


async def test_an_author_is_muted_for_a_time_and_unmuted(practice: Practice) -> None:
    order, adapter, members = await practice.order(), practice.adapter, practice.discord.world.members
    assert await adapter.observe(Verb.MUTE, order) is Observed.NOT_DONE
    await adapter.mute(order)
    assert members[practice.sam]["communication_disabled_until"] == (NOON + timedelta(days=1)).isoformat()
    assert await adapter.observe(Verb.MUTE, order) is Observed.DONE
    await adapter.unmute(order)
    assert await adapter.observe(Verb.MUTE, order) is Observed.NOT_DONE
    assert await adapter.observe(Verb.UNMUTE, order) is Observed.DONE
    await adapter.mute(order)
    practice.clock.advance(timedelta(days=2))
    assert await adapter.observe(Verb.MUTE, order) is Observed.NOT_DONE
    stranger = replace(order, target=replace(order.target, author_id="5"))
    with pytest.raises(Refused, match="left the server"):
        await adapter.mute(stranger)


async def test_an_author_is_banned_and_unbanned_however_often_it_is_said(practice: Practice) -> None:
    order, adapter = await practice.order(), practice.adapter
    for verb, call, other in ((Verb.BAN, adapter.ban, Verb.UNBAN), (Verb.UNBAN, adapter.unban, Verb.BAN)):
        for _ in range(2):
            await call(order)
            assert await adapter.observe(verb, order) is Observed.DONE
            assert await adapter.observe(other, order) is Observed.NOT_DONE
    assert practice.standing() == ["you charlatan"]  # a ban deletes nothing
    assert {entry["reason"] for entry in practice.discord.world.audit_log} == {f"chaperone {KEY}"}


Call = Callable[[Adapter, Order], Coroutine[Any, Any, None]]
CALLS: dict[str, tuple[Verb, Call, str]] = {
    "hide": (Verb.HIDE, lambda it, order: it.hide(order), "DELETE"),
    "reply": (Verb.REPLY, lambda it, order: it.reply(order), "POST"),
    "mute": (Verb.MUTE, lambda it, order: it.mute(order), "PATCH"),
    "ban": (Verb.BAN, lambda it, order: it.ban(order), "PUT"),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(("fault", "happened"), [(RESET_AFTER, True), (RESET, False), (CLOSE, False)])
async def test_a_call_that_broke_is_ambiguous_and_then_observed(
    practice: Practice, name: str, fault: Fault, happened: bool
) -> None:
    verb, call, method = CALLS[name]
    order = replace(await practice.order(), text=WORDS)
    practice.discord.fail(method, "/api/*", fault, times=2)  # aiohttp itself sends DELETE and PUT again, once
    with pytest.raises(Ambiguous):
        await call(practice.adapter, order)
    assert await practice.adapter.observe(verb, order) is (Observed.DONE if happened else Observed.NOT_DONE)


ANSWERS: list[tuple[Fault, type[PlatformError], type[PlatformError]]] = [
    (Fault(status=401, body={"code": 0, "message": "401: Unauthorized"}), CredentialsRevoked, CredentialsRevoked),
    (Fault(status=403, body={"code": 50013, "message": "Missing Permissions"}), Refused, Refused),
    (Fault(status=403, body={"code": 99999, "message": "new"}), Refused, Refused),
    (Fault(status=404, body={"code": 10003, "message": "Unknown Channel"}), Vanished, Vanished),
    (Fault(status=400, body={"code": 50035, "message": "Invalid Form Body"}), Refused, Refused),
    (too_many(90), Later, Later),
    (Fault(status=429, body="<h1>banned</h1>"), QuotaSpent, QuotaSpent),
    (HTML, Later, Ambiguous),
]


@pytest.mark.parametrize(("fault", "hiding", "replying"), ANSWERS)
async def test_an_error_of_discord_is_told_as_ours(
    practice: Practice, fault: Fault, hiding: type[PlatformError], replying: type[PlatformError]
) -> None:
    order = replace(await practice.order(), text=WORDS)
    for method, call, expected in (
        ("DELETE", practice.adapter.hide, hiding),
        ("POST", practice.adapter.reply, replying),
    ):
        practice.discord.fail(method, "*/messages*", fault)
        with pytest.raises(PlatformError) as caught:
            await call(order)
        assert type(caught.value) is expected
        if isinstance(caught.value, Later):
            assert caught.value.at > practice.clock.now()
    assert practice.standing() == ["you charlatan"]


def test_what_never_reached_discord_is_tried_again_later() -> None:
    unreached = aiohttp.ClientConnectorError(None, OSError(111, "refused"))  # type: ignore[arg-type]
    assert type(translated(unreached, StillClock(NOON), creating=True)) is Later
    assert type(translated(aiohttp.ServerDisconnectedError(), StillClock(NOON), creating=False)) is Ambiguous


async def test_before_the_login_every_call_comes_back_later(practice: Practice) -> None:
    async with Chats(practice.clock, lambda: connector(practice.discord)) as chats:
        around = Surroundings("practice", practice.clock, practice.folder, chats=chats)
        async with Adapter.connect(Settings(server=1), around) as adapter:
            for verb in Verb:
                with pytest.raises(Later):
                    await getattr(adapter, verb.value)(practice.about("1", text=WORDS))


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


async def test_without_a_token_the_account_cannot_be_connected(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHAPERONE_DISCORD_TOKEN")
    with pytest.raises(ConfigError, match="CHAPERONE_DISCORD_TOKEN"):
        async with Adapter.connect(Settings(server=1), Surroundings("practice", practice.clock, practice.folder)):
            pass


ASHA = Person("asha", Role.MODERATOR)


async def test_the_whole_way_from_a_message_to_a_ruling_and_back(practice: Practice) -> None:
    """The machine does not delete alone; a person does, and what they undo is reposted."""
    server, file = practice.discord, practice.folder / "chaperone.toml"
    file.write_text(CONFIG.format(server=server.world.guild, channel=practice.general))
    assessor = StubAssessor({"charlatan": {Label.HARASSMENT: 0.99}})
    chats = Chats(SystemClock(), lambda: connector(server))
    async with running(read(file), assessor, chats=chats) as app:

        async def rows(table: Table) -> Sequence[Row[Any]]:
            return await app.db.read(lambda tx: tx.execute(select(table).order_by(table.c.id)).all())

        async def until(true: Callable[[], Coroutine[Any, Any, bool]]) -> None:
            async with asyncio.timeout(60):
                while not await true():
                    await asyncio.sleep(0.01)

        async def settled(count: int) -> bool:
            found = await rows(action)
            return len([each for each in found if each.settled_at is not None]) >= count

        running_app = asyncio.create_task(app.run())
        await chats.of(TOKEN).ready()
        await server.journal.arrival("GET", f"*/channels/{practice.general}/messages", count=2)  # both have caught up
        await server.post(practice.general, practice.sam, "you charlatan")
        await until(lambda: settled(1))
        (row,) = await rows(action)
        (found,) = [each for each in await rows(case) if each.state == CaseState.OPEN]
        assert (row.state, found.reason, len(practice.standing())) == (ActionState.REFUSED, Reason.REFUSED, 1)
        assert "left to a person" in found.why
        cipher, said = app.db.cipher, Said(Ruling.HIDE, ASHA)
        await app.db.run(lambda tx: rule(tx, app.engine, cipher, found.id, said, app.clock.now()))
        app.engine.wake()
        await until(lambda: settled(2))
        assert practice.standing() == []
        await app.db.run(lambda tx: undo(tx, app.engine, cipher, found.id, ASHA, app.clock.now()))
        app.engine.wake()
        await until(lambda: settled(3))
        assert [each.state for each in await rows(action)][1:] == [ActionState.DONE, ActionState.DONE]
        assert practice.standing() == [f"Restored by the moderators. <@{practice.sam}> wrote:\n>>> you charlatan"]
        app.stop()
        await running_app
