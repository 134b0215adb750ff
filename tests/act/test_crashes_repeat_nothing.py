"""What a crash or silence leaves behind is looked up first: nothing is lost and nothing done twice."""

import asyncio
import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.act import MOST_ATTEMPTS
from bot.errors import Ambiguous, CredentialsRevoked, Later, Refused, StoreUnavailable, Vanished
from bot.model import ActionState, Reason, Verb
from bot.platforms.base import Observed
from bot.store.tables import case
from tests.act.acting import CHECKING, MINUTE, STOPPED, Follows, asked, follows, killed, never, worked_off
from tests.support import NOON, House

FOUND: list[tuple[Verb, Observed | Exception, Follows]] = [
    (Verb.HIDE, Observed.DONE, Follows(ActionState.DONE, "found done", 2)),
    (Verb.HIDE, Observed.NOT_DONE, Follows(ActionState.PENDING, "sent again", 1, timedelta(seconds=2))),
    (Verb.HIDE, Observed.CANNOT_SAY, Follows(ActionState.PENDING, "sent again", 1, timedelta(seconds=2))),
    (Verb.HIDE, Observed.GONE, Follows(ActionState.DONE, "gone", 2)),
    (Verb.REPLY, Observed.DONE, Follows(ActionState.DONE, "found done", 2)),
    (Verb.REPLY, Observed.NOT_DONE, Follows(ActionState.PENDING, "sent again", 1, timedelta(seconds=2))),
    (
        Verb.REPLY,
        Observed.CANNOT_SAY,
        Follows(ActionState.UNKNOWN, "nobody knows whether it arrived", 2, case=Reason.UNKNOWN_OUTCOME),
    ),
    (Verb.REPLY, Observed.GONE, Follows(ActionState.REFUSED, "the comment is gone", 2)),
    (Verb.HIDE, Ambiguous("no answer"), Follows(ActionState.SENDING, "checking", 2, timedelta(seconds=2))),
    (Verb.HIDE, Vanished("404"), Follows(ActionState.DONE, "gone", 2)),
    (
        Verb.HIDE,
        Refused("may not look"),
        Follows(ActionState.UNKNOWN, "nobody knows whether it arrived", 2, case=Reason.UNKNOWN_OUTCOME),
    ),
    (
        Verb.REPLY,
        Later("busy", NOON + 10 * MINUTE),
        Follows(ActionState.SENDING, "waiting: busy", 1, 10 * MINUTE - timedelta(seconds=5)),
    ),
    (
        Verb.REPLY,
        CredentialsRevoked("401"),
        replace(STOPPED, state=ActionState.SENDING, attempts=1),
    ),
    (
        Verb.HIDE,
        ZeroDivisionError("a mistake"),
        Follows(ActionState.UNKNOWN, "the adapter failed", 2, case=Reason.UNKNOWN_OUTCOME),
    ),
]


@pytest.mark.parametrize(("verb", "found", "expected"), FOUND)
async def test_what_was_interrupted_is_observed_before_anything_else(
    house: House, verb: Verb, found: Observed | Exception, expected: Follows
) -> None:
    house.platform.answers, house.platform.found = [Ambiguous("no answer")], found
    id_ = asked(house, verb)
    await house.act([id_])
    house.clock.advance(timedelta(seconds=5))
    assert follows(house, id_, await house.act([id_])) == expected
    assert len(house.platform.calls) == 1


async def test_nothing_is_observed_before_the_call_must_have_ended(house: House) -> None:
    house.platform.answers, house.platform.found = [Ambiguous("no answer")], ZeroDivisionError("it was asked")
    id_ = asked(house, Verb.HIDE)
    await house.act([id_])
    house.clock.advance(timedelta(seconds=4))
    assert await house.act([id_]) == {id_: NOON + timedelta(seconds=5)}
    assert house.action(id_).state == ActionState.SENDING


async def test_a_look_up_that_hangs_is_given_up(house: House) -> None:
    house.platform.call_seconds = 0.05
    house = house.restarted()
    house.platform.answers = [Ambiguous("no answer")]
    id_ = asked(house, Verb.HIDE)
    await house.act([id_])
    house.clock.advance(MINUTE)
    house.platform.found = never
    assert follows(house, id_, await house.act([id_])) == replace(CHECKING, attempts=2, again=timedelta(seconds=2))


@pytest.mark.parametrize("found", [Observed.NOT_DONE, Observed.CANNOT_SAY, Ambiguous("no answer")])
async def test_what_never_gets_an_answer_ends_with_a_person(house: House, found: Observed | Exception) -> None:
    house.platform.answers, house.platform.found = [Ambiguous("no answer")] * 100, found
    row = await worked_off(house, asked(house, Verb.HIDE))
    assert (row.state, row.attempts) == (ActionState.UNKNOWN, MOST_ATTEMPTS + 1)
    assert [each.reason for each in house.rows(case)] == [Reason.UNKNOWN_OUTCOME]
    assert len(house.platform.calls) == (1 if isinstance(found, Exception) else MOST_ATTEMPTS)


async def test_waiting_uses_up_no_attempt(house: House) -> None:
    house.platform.answers = [Later("busy", NOON)] * 50
    row = await worked_off(house, asked(house, Verb.REPLY))
    assert (row.state, row.attempts) == (ActionState.DONE, 1)


@pytest.mark.parametrize("verb", [Verb.HIDE, Verb.REPLY, Verb.MUTE])
@pytest.mark.parametrize("arrived", [False, True])
async def test_a_crash_during_a_call_neither_loses_nor_repeats_it(house: House, verb: Verb, arrived: bool) -> None:
    id_ = asked(house, verb)
    house = await killed(house, [id_], effect_first=arrived)
    row = await worked_off(house, id_)
    assert row.state == ActionState.DONE
    assert house.platform.effects == [(verb, row.key)]
    assert len(house.platform.calls) == (1 if arrived else 2)


async def test_a_reply_is_not_sent_twice_where_the_platform_cannot_be_asked(house: House) -> None:
    house.platform.found = Observed.CANNOT_SAY
    id_ = asked(house, Verb.REPLY)
    house = await killed(house, [id_], effect_first=True)
    assert (await worked_off(house, id_)).state == ActionState.UNKNOWN
    assert len(house.platform.effects) == 1


async def test_a_crash_takes_nothing_from_the_others_of_the_batch(house: House) -> None:
    ids = [asked(house, verb) for verb in (Verb.HIDE, Verb.REPLY, Verb.MUTE)]
    house = await killed(house, ids, effect_first=True)
    for id_ in ids:
        assert (await worked_off(house, id_)).state == ActionState.DONE
    assert len(house.platform.effects) == 3


async def test_no_call_is_left_under_way_when_the_store_fails(house: House) -> None:
    hide, reply = asked(house, Verb.HIDE), asked(house, Verb.REPLY)
    await house.db.run(lambda tx: tx.exec_driver_sql("PRAGMA busy_timeout = 0").close())
    other, slow = sqlite3.connect(house.db.path, isolation_level=None), asyncio.Event()

    async def lock() -> None:
        other.execute("BEGIN IMMEDIATE")

    async def take_time() -> None:
        await slow.wait()

    house.platform.answers, house.platform.effect_first = [lock, take_time], True
    acting = asyncio.create_task(house.act([hide, reply]))
    while len(house.platform.calls) < 2:
        await asyncio.sleep(0.01)
    with pytest.raises(StoreUnavailable):
        await house.db.run(lambda tx: None)  # the outcome of the hide was asked for before this, and failed too
    await asyncio.sleep(0.05)
    assert not acting.done()
    other.close()
    slow.set()
    with pytest.raises(StoreUnavailable):
        await acting
    assert house.action(reply).state == ActionState.DONE
    assert (await worked_off(house, hide)).state == ActionState.DONE
    assert [verb for verb, _ in house.platform.calls] == [Verb.HIDE, Verb.REPLY]
