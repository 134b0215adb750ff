"""What a message of Discord becomes, and which messages are read."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import discord
import pytest

from bot.model import Author, AuthorKind, Comment, Gone, Posted
from tests.discord_server.practice import Practice
from tests.support import NOON


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


async def test_messages_edits_and_deletions_come_as_events(practice: Practice) -> None:
    id_ = await practice.discord.post(practice.general, practice.sam, "good morning")
    await practice.discord.edit(id_, "good evening")
    await practice.discord.delete(id_)
    events: list[Any] = []
    while len(events) < 3:
        events += await practice.next()
    assert [event.comment.text for event in events[:2]] == ["good morning", "good evening"]
    assert events[2] == Gone(id_)


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
