"""What can be done on X, and that it is done or told."""

import pytest

from bot.errors import Refused
from bot.model import Ability, Capability, Target, Verb
from bot.platforms.base import Observed
from bot.sandbox.faults import Fault
from bot.sandbox.x import X
from tests.support import NOON
from tests.x.practice import ME, Connect, posted


async def test_wishes_are_fulfilled_and_taken_back(connect: Connect, x: X) -> None:
    async with connect() as practice:
        id_ = await x.say("awful", reply_to=practice.post)
        order, adapter = practice.order("k", id_), practice.adapter
        await adapter.hide(order)
        assert await adapter.observe(Verb.HIDE, order) is Observed.CANNOT_SAY
        await adapter.restore(order)
        await adapter.mute(order)
        assert await adapter.observe(Verb.MUTE, order) is Observed.DONE
        await adapter.unmute(order)
        assert await adapter.observe(Verb.MUTE, order) is Observed.NOT_DONE
        assert (x.hidden, x.muted) == (set(), set())
        x.delete(id_)
        assert await adapter.observe(Verb.HIDE, order) is Observed.GONE
        await adapter.delete(practice.order("d", practice.post, author=ME))
    assert practice.post not in x.tweets


async def test_a_hide_that_x_did_not_do_is_not_taken_for_done(connect: Connect, x: X) -> None:
    async with connect() as practice:
        id_ = await x.say("awful", reply_to=practice.post)
        x.fail("PUT", "*", Fault(body={"data": {"hidden": False}}))
        with pytest.raises(Refused, match="still shown"):
            await practice.adapter.hide(practice.order("k", id_))


def note_of(able: Capability) -> tuple[Ability, str]:
    return able.ability, able.lane


ABLE = [
    # verb, whether the author summoned us, whose, what it can
    (Verb.HIDE, False, "2001", (Ability.NATIVE, "hide")),
    (Verb.RESTORE, False, "2001", (Ability.NATIVE, "hide")),
    (Verb.HIDE, False, ME, (Ability.IMPOSSIBLE, "hide")),
    (Verb.REPLY, True, "2001", (Ability.NATIVE, "reply")),
    (Verb.REPLY, False, "2001", (Ability.IMPOSSIBLE, "reply")),
    (Verb.MESSAGE, False, "2001", (Ability.APPROXIMATE, "dm")),
    (Verb.MESSAGE, False, ME, (Ability.IMPOSSIBLE, "dm")),
    (Verb.MUTE, False, "2001", (Ability.APPROXIMATE, "mute")),
    (Verb.DELETE, False, "2001", (Ability.IMPOSSIBLE, "delete")),
    (Verb.DELETE, False, ME, (Ability.NATIVE, "delete")),
    (Verb.BAN, True, "2001", (Ability.IMPOSSIBLE, "")),
]


async def test_what_it_can_do(connect: Connect) -> None:
    async with connect() as practice:
        for verb, summoned, author, able in ABLE:
            target = Target("1", author, practice.post, summoned=summoned)
            capability = practice.adapter.capability(verb, target, NOON)
            assert note_of(capability) == able, verb
            assert capability.note or capability.ability is Ability.NATIVE
        limits = {lane.name: (lane.limit, lane.seconds) for lane in practice.adapter.lanes}
        assert limits == {"hide": (50, 900), "reply": (100, 900), "dm": (15, 900), "mute": (50, 900)} | {
            "unmute": (50, 900), "delete": (50, 900)}  # fmt: skip


async def test_what_stands_in_anothers_conversation_cannot_be_hidden(connect: Connect, x: X) -> None:
    async with connect() as practice:
        theirs = await x.say("my day", author="8")
        id_ = await x.say("@clinic is this right?", author="9", reply_to=theirs)
        await practice.events(lambda found: any(c.id == id_ for c in posted(found)))
        able = practice.adapter.capability(Verb.HIDE, Target(id_, "9", theirs), NOON)
    assert able.ability is Ability.IMPOSSIBLE
    assert "began" in able.note


async def test_the_lane_hears_what_x_says_is_left(connect: Connect, x: X) -> None:
    async with connect() as practice:
        id_ = await x.say("awful", reply_to=practice.post)
        await practice.adapter.hide(practice.order("k", id_))
        heard = practice.adapter.capability(Verb.HIDE, Target(id_, "2001", practice.post), NOON).heard
    assert heard is not None
    assert heard.left == 49
