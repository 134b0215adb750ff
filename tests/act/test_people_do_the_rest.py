"""What a platform cannot do, what is left to people, and what is no longer there to be done."""

import asyncio
from datetime import timedelta

import pytest

from bot.errors import Later
from bot.model import Ability, ActionState, Batch, Capability, CommentState, Gone, Mode, Reason, Severity, Verb
from bot.review import rulings
from bot.review.cases import Ruling, Said
from bot.store.tables import action, audit, case, comment
from tests.act.acting import ASHA, MINUTE, asked, worked_off
from tests.support import NOON, PRACTICE, House


async def test_what_cannot_be_said_in_public_is_said_in_private(house: House) -> None:
    house.platform.able = {Verb.REPLY: Capability(Ability.IMPOSSIBLE, "only where they mentioned us")}
    id_ = asked(house, Verb.REPLY)
    assert await house.act([id_]) == {}
    assert (house.action(id_).verb, house.action(id_).state) == (Verb.MESSAGE, ActionState.DONE)
    assert [verb for verb, _ in house.platform.effects] == [Verb.MESSAGE]
    said = [row.detail for row in house.rows(audit) if row.what == "action_changed"]
    assert said == ["message in place of reply: only where they mentioned us"]


@pytest.mark.parametrize("verb", [Verb.HIDE, Verb.REPLY])
async def test_what_a_platform_cannot_do_goes_to_a_person(house: House, verb: Verb) -> None:
    cannot = Capability(Ability.IMPOSSIBLE, "only where they mentioned us")
    house.platform.able = {verb: cannot, Verb.MESSAGE: cannot}
    id_ = asked(house, verb, severity=Severity.HIGH)
    assert await house.act([id_]) == {}
    assert house.action(id_).state == ActionState.REFUSED
    (row,) = house.rows(case)
    assert (row.reason, row.why, row.severity) == (
        Reason.REFUSED,
        f"{verb}: only where they mentioned us",
        Severity.HIGH,
    )
    assert row.due_at == NOON + timedelta(hours=4)
    assert house.platform.calls == []


@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.SHADOW])
async def test_what_is_left_to_people_is_done_only_where_a_person_said_so(house: House, mode: Mode) -> None:
    house.platform.able = {Verb.HIDE: Capability(Ability.APPROXIMATE, "deletes the message", people_only=True)}
    by_itself = asked(house, Verb.HIDE, mode=mode)
    assert await house.act([by_itself]) == {}
    row = house.action(by_itself)
    assert (row.state, row.note) == (ActionState.REFUSED, "left to a person: deletes the message")
    assert [each.reason for each in house.rows(case)] == [Reason.REFUSED]
    said = Said(Ruling.HIDE, ASHA)
    house.db.run_now(lambda tx: rulings.rule(tx, house.engine, house.db.cipher, 1, said, NOON))
    ruled = house.rows(action)[-1]
    await house.act([ruled.id])
    assert (ruled.verb, house.action(ruled.id).state) == (Verb.HIDE, ActionState.DONE)


@pytest.mark.parametrize(("verb", "state"), [(Verb.HIDE, ActionState.DONE), (Verb.REPLY, ActionState.REFUSED)])
async def test_a_comment_that_went_while_its_call_waited_needs_nothing_more(
    house: House, verb: Verb, state: ActionState
) -> None:
    leave, busy = asyncio.Event(), Later("busy", NOON + MINUTE)

    async def wait_then_busy() -> None:
        await leave.wait()
        raise busy

    house.platform.answers = [wait_then_busy]
    id_ = asked(house, verb)
    calling = asyncio.create_task(house.act([id_]))
    while not house.platform.calls:
        await asyncio.sleep(0.01)
    await house.inbox.receive(PRACTICE, Mode.LIVE, Batch((Gone("1"),), "d"))
    leave.set()
    await calling
    assert (await worked_off(house, id_)).state == state
    assert len(house.platform.calls) == 1
    assert house.rows(case) == []
    assert (house.comment(1).state, house.comment(1).actions_open) == (CommentState.GONE, 0)


async def test_what_expired_is_a_persons(house: House) -> None:
    id_ = asked(house, Verb.MUTE)
    await house.db.run(lambda tx: tx.execute(comment.update().values(body=None)))
    assert (await worked_off(house, id_)).state == ActionState.REFUSED
    assert house.platform.calls == []
    assert [row.reason for row in house.rows(case)] == [Reason.REFUSED]
