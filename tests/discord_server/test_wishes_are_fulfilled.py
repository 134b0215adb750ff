"""Every verb on Discord: what it does, that doing it twice does it once, and that it is found again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import Refused, Vanished
from bot.model import Ability, Gone, Target, Verb
from bot.platforms.base import Observed, Platform
from bot.platforms.discord_server import Adapter
from bot.sandbox.faults import Fault
from tests.discord_server.practice import KEY, WORDS, Practice, watching
from tests.support import NOON


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
