"""After downtime, a lost session or a flood, what was said is read once and in order; else there is a gap."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.chat import Chats
from bot.discord.progress import Progress
from bot.discord.reading import Reading
from bot.discord.scope import Scope
from bot.model import Gap, Posted
from bot.sandbox.discord import TOKEN
from bot.sandbox.discord_world import FORUM
from bot.sandbox.faults import Fault
from bot.sandbox.resolver import connector
from tests.discord_server.practice import Practice, watching
from tests.support import NOON


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


async def test_a_thread_that_wakes_up_is_not_read_from_before_the_first_start(practice: Practice) -> None:
    server, general, sam = practice.discord, practice.general, practice.sam
    thread = server.thread(general, "for years")
    await server.post(thread, sam, "years old")
    await server.archive(thread)
    practice.clock.advance(timedelta(days=1))
    async with watching(server, practice.clock, practice.folder) as (_, heard):
        await server.post(general, sam, "live")
        first = replace(practice, heard=heard)
        assert await first.texts(1) == ["live"]
    await server.post(thread, sam, "awake again")
    async with watching(server, practice.clock, practice.folder, first.cursor) as (_, heard):
        assert await replace(practice, heard=heard).texts(1) == ["awake again"]


async def test_a_first_start_that_is_broken_off_goes_on_from_its_beginning(practice: Practice) -> None:
    server, general, sam = practice.discord, practice.general, practice.sam
    thread = server.thread(general, "open")
    await server.post(thread, sam, "old")
    practice.clock.advance(timedelta(hours=1))
    async with watching(server, practice.clock, practice.folder) as (_, heard):
        broken_off = await heard.get()  # when it has read one channel, and no thread
    practice.clock.advance(timedelta(hours=1))
    await server.post(thread, sam, "new")
    async with watching(server, practice.clock, practice.folder, broken_off.cursor) as (_, heard):
        assert await replace(practice, heard=heard).texts(1) == ["new"]


async def test_edits_of_before_the_first_start_are_never_read(practice: Practice) -> None:
    server, general, sam = practice.discord, practice.general, practice.sam
    old = await server.post(general, sam, "old")
    await server.edit(old, "edited before")
    practice.clock.advance(timedelta(hours=1))
    async with watching(server, practice.clock, practice.folder) as (_, heard):
        await server.post(general, sam, "live")
        first = replace(practice, heard=heard)
        assert await first.texts(1) == ["live"]
    await server.post(general, sam, "missed")
    async with watching(server, practice.clock, practice.folder, first.cursor) as (_, heard):
        assert await replace(practice, heard=heard).texts(1) == ["missed"]


async def test_threads_that_were_closed_meanwhile_are_read(practice: Practice) -> None:
    """Also posts of a forum, and whether or not we knew the thread."""
    server, general, sam = practice.discord, practice.general, practice.sam
    forum = server.channel("questions", FORUM)
    long_closed, known = server.thread(general, "long closed"), server.thread(general, "known")
    await server.archive(long_closed)
    practice.clock.advance(timedelta(hours=1))
    async with watching(server, practice.clock, practice.folder) as (_, heard):
        await server.post(known, sam, "live")
        first = replace(practice, heard=heard)
        assert await first.texts(1) == ["live"]
    practice.clock.advance(timedelta(hours=1))
    for thread, text in ((known, "missed"), (server.thread(forum, "a question"), "asked")):
        await server.post(thread, sam, text)
        await server.archive(thread)
    before = len(server.journal.calls("GET", f"*/channels/{long_closed}/messages"))
    async with watching(server, practice.clock, practice.folder, first.cursor) as (_, heard):
        again = replace(practice, heard=heard)
        assert await again.texts(2) == ["missed", "asked"]
        await server.post(known, sam, "awake again")
        assert await again.texts(1) == ["awake again"]
    assert len(server.journal.calls("GET", f"*/channels/{long_closed}/messages")) == before == 0


async def test_a_forum_whose_closed_posts_may_not_be_read_is_a_gap(practice: Practice) -> None:
    server, forum = practice.discord, practice.discord.channel("questions", FORUM)
    forbidden = Fault(status=403, body={"code": 50001, "message": "Missing Access"})
    server.fail("GET", "*/threads/archived/public", forbidden)
    async with watching(server, practice.clock, practice.folder, channels=[int(forum)]) as (_, heard):
        assert await replace(practice, heard=heard).next() == [Gap(f"the bot may not read channel {forum} any more")]


def test_a_cursor_that_names_channels_alone_is_read_on_with() -> None:
    progress = Progress('{"5": 100, "6": 90}', NOON)
    assert (progress.last(6), progress.last(7), progress.last(120)) == (90, 100, 119)
    progress.heard(7, 200)
    assert Progress(progress.cursor, NOON).last(8) == 200


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
