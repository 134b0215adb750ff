"""Act: what follows from each answer, what a crash leaves behind, and what is never done."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, update

from bot.act import MOST_ATTEMPTS, Act
from bot.actions import ACTIONS
from bot.errors import (
    Ambiguous,
    CredentialsRevoked,
    Later,
    PlatformError,
    QuotaSpent,
    Refused,
    StoreUnavailable,
    Vanished,
)
from bot.guard import ReplyGuard
from bot.lanes import Lanes
from bot.model import (
    Ability,
    ActionState,
    Batch,
    Capability,
    CommentState,
    Gone,
    Lane,
    Mode,
    Reason,
    Role,
    Severity,
    Verb,
)
from bot.platforms.base import Observed
from bot.review import cases
from bot.review.cases import Person, Ruling, Said
from bot.store.engine.port import Queue
from bot.store.queries import NewCase, put_in_case
from bot.store.tables import account, action, audit, case, case_comment, comment, lane
from classifiers.labels import Label
from tests.support import NOON, PRACTICE, TEMPLATES, Answer, House, opened_store, posted

MINUTE = timedelta(minutes=1)
QUARTER = timedelta(minutes=15)
ASHA = Person("asha", Role.LEAD)
HIDES = Lane("hide", 2, 15 * 60)
IN_LANE = {Verb.HIDE: Capability(Ability.NATIVE, lane="hide")}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """One comment, and an account in live mode."""
    with opened_store(tmp_path) as db:
        house = House(db)
        await house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted("1", "a"),), "c"))
        yield house


def asked(house: House, verb: Verb, **values: Any) -> int:
    """An action on the comment: with a template, where the verb says something."""
    template = {"template": "diagnosis_request"} if ACTIONS[verb].says_words else {}
    return house.wish(1, verb, **template | values)


@dataclass(frozen=True)
class Follows:
    """What must be so afterwards."""

    state: ActionState
    note: str
    attempts: int
    again: timedelta | None = None  # from now
    case: Reason | None = None
    blocked: bool = False  # the lane
    stopped: bool = False  # the account


DONE = Follows(ActionState.DONE, "", 1)
CHECKING = Follows(ActionState.SENDING, "checking", 1, timedelta(seconds=1))
WAITING = Follows(ActionState.PENDING, "waiting: busy", 0, 10 * MINUTE, blocked=True)
SOON = replace(WAITING, again=timedelta(seconds=1))
STOPPED = Follows(ActionState.PENDING, "stopped: renew the credentials", 0, MINUTE, case=Reason.STOPPED, stopped=True)
REFUSED = Follows(ActionState.REFUSED, "not here", 1, case=Reason.REFUSED)
GONE_DONE = Follows(ActionState.DONE, "gone", 1)
GONE_REFUSED = Follows(ActionState.REFUSED, "the comment is gone", 1)
BROKEN = Follows(ActionState.UNKNOWN, "the adapter failed", 1, case=Reason.UNKNOWN_OUTCOME)


async def never() -> None:
    await asyncio.Event().wait()


ANSWERS: list[tuple[Answer, Follows, Follows]] = [
    # answer; what follows for a hide, which may be repeated; what follows for a reply, which may not
    (None, DONE, DONE),
    (Later("busy", NOON + 10 * MINUTE), WAITING, WAITING),
    (Later("busy", NOON - 10 * MINUTE), SOON, SOON),  # by a clock that is behind
    (QuotaSpent("busy", NOON + 10 * MINUTE), WAITING, WAITING),
    (Ambiguous("no answer"), CHECKING, CHECKING),
    (TimeoutError(), CHECKING, CHECKING),
    (ConnectionResetError(), CHECKING, CHECKING),
    (PlatformError("something"), CHECKING, CHECKING),
    (never, CHECKING, CHECKING),  # longer than a call may take
    (Refused("not here"), REFUSED, REFUSED),
    (Vanished("404"), GONE_DONE, GONE_REFUSED),
    (CredentialsRevoked("401"), STOPPED, STOPPED),
    (ZeroDivisionError("a mistake of the adapter"), BROKEN, BROKEN),
]


@pytest.mark.parametrize(("answer", "hide", "reply"), ANSWERS)
@pytest.mark.parametrize("verb", [Verb.HIDE, Verb.REPLY])
async def test_what_follows_from_an_answer(
    house: House, answer: Answer, hide: Follows, reply: Follows, verb: Verb
) -> None:
    house.platform.able = {verb: Capability(Ability.NATIVE, lane="lane")}
    house.platform.call_seconds = 0.05
    house = house.restarted()
    house.platform.answers = [answer]
    id_ = asked(house, verb)
    again = await house.act([id_])
    assert follows(house, id_, again) == (hide if verb is Verb.HIDE else reply)
    assert [made for made, _ in house.platform.calls] == [verb]
    closed = house.action(id_).state not in (ActionState.PENDING, ActionState.SENDING)
    assert house.comment(1).state == (CommentState.SETTLED if closed else CommentState.ACTING)


def follows(house: House, id_: int, again: Any) -> Follows:
    row, rows = house.action(id_), house.rows(case)
    assert [each.case_id for each in house.rows(case_comment)] == [
        each.id for each in rows if each.reason != Reason.STOPPED
    ]
    assert (row.settled_at is None) == (row.state in (ActionState.PENDING, ActionState.SENDING))
    lanes = house.rows(lane)
    return Follows(
        ActionState(row.state),
        row.note,
        row.attempts,
        again[id_] - house.clock.now() if again else None,
        Reason(rows[0].reason) if rows else None,
        bool(lanes) and lanes[0].blocked_until is not None,
        house.rows(account)[0].stopped_why is not None,
    )


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
    house.db.run_now(lambda tx: cases.rule(tx, house.engine, house.db.cipher, 1, said, NOON))
    ruled = house.rows(action)[-1]
    await house.act([ruled.id])
    assert (ruled.verb, house.action(ruled.id).state) == (Verb.HIDE, ActionState.DONE)


async def test_our_copy_is_handed_over_to_restore_and_for_nothing_else(house: House) -> None:
    for verb in (Verb.HIDE, Verb.RESTORE):
        await house.act([asked(house, verb)])
    copies = {verb: order.copy for verb, order in house.platform.calls}
    assert copies == {Verb.HIDE: None, Verb.RESTORE: "a"}
    assert "copy" not in repr(house.platform.calls)


async def test_what_was_refused_alike_is_one_case(house: House) -> None:
    events = tuple(posted(str(number), "b") for number in range(2, 5))
    await house.inbox.receive(PRACTICE, Mode.LIVE, Batch(events, "d"))
    house.platform.answers = [Refused("not here")] * 4
    ids = [house.wish(number, Verb.HIDE) for number in range(1, 5)]
    await house.act(ids)
    assert [row.comments for row in house.rows(case)] == [4]


async def test_a_comment_is_settled_by_its_last_action(house: House) -> None:
    hide, reply = asked(house, Verb.HIDE), asked(house, Verb.REPLY)
    await house.act([hide])
    assert house.comment(1).state == CommentState.ACTING
    await house.act([reply])
    assert house.comment(1).state == CommentState.SETTLED
    assert await house.act([hide, reply]) == {}
    assert len(house.platform.calls) == 2
    assert house.comment(1).actions_open == 0


async def test_every_step_stands_in_the_audit(house: House) -> None:
    house.platform.answers = [Later("busy", NOON + MINUTE)]
    id_ = asked(house, Verb.HIDE)
    await house.act([id_])
    await house.act([id_])
    told = [(row.what, row.detail) for row in house.rows(audit) if row.action_id == id_]
    assert told == [("action_pending", "hide: waiting: busy"), ("action_done", "hide")]


# What nobody knows: a row found in `sending`.

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


async def worked_off(house: House, id_: int) -> Row[Any]:
    """The action, after all its turns."""
    again = await house.act([id_])
    while again:
        house.clock.advance(again[id_] - house.clock.now())
        again = await house.act([id_])
    return house.action(id_)


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


# Crashes: the process is gone at an instant, and comes back.


async def killed(house: House, ids: list[int], *, effect_first: bool) -> House:
    """The house after a crash in the middle of a call, which had arrived or not."""
    reached = asyncio.Event()

    async def die() -> None:
        reached.set()
        await never()

    house.platform.answers, house.platform.effect_first = [die], effect_first
    life = asyncio.create_task(house.act(ids))
    await reached.wait()
    life.cancel()
    with suppress(asyncio.CancelledError):
        await life
    return house.restarted()


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


# Shadow.


@pytest.mark.parametrize("verb", [Verb.HIDE, Verb.REPLY])
async def test_shadow_does_nothing_and_says_so(house: House, verb: Verb) -> None:
    house.platform.lanes, house.platform.able = (HIDES,), IN_LANE
    house = house.restarted(Mode.SHADOW)
    row = await worked_off(house, asked(house, verb, mode=Mode.SHADOW))
    assert (row.state, row.note) == (ActionState.DONE, "shadow: nothing was done")
    assert house.platform.calls == []
    assert house.rows(lane) == []


async def test_shadow_says_what_could_not_be_done(house: House) -> None:
    house.platform.able = {Verb.HIDE: Capability(Ability.IMPOSSIBLE, "nobody can hide here")}
    house = house.restarted(Mode.SHADOW)
    row = await worked_off(house, asked(house, Verb.HIDE, mode=Mode.SHADOW))
    assert (row.state, row.note) == (ActionState.REFUSED, "nobody can hide here")
    assert [each.reason for each in house.rows(case)] == [Reason.REFUSED]


async def test_shadow_says_what_the_guard_would_not_let_pass(house: House) -> None:
    house = house.restarted(Mode.SHADOW)
    row = await worked_off(house, asked(house, Verb.REPLY, mode=Mode.SHADOW, template="unknown"))
    assert row.state == ActionState.REFUSED


async def test_a_comment_seen_in_shadow_stays_in_shadow_when_the_account_goes_live(house: House) -> None:
    house = house.restarted(Mode.SHADOW)
    before = asked(house, Verb.HIDE, mode=Mode.SHADOW)
    house = house.restarted(Mode.LIVE)
    assert (await worked_off(house, before)).note == "shadow: nothing was done"
    assert house.platform.calls == []


async def test_an_account_back_in_shadow_does_no_more(house: House) -> None:
    waiting = asked(house, Verb.HIDE)
    house = house.restarted(Mode.SHADOW)
    assert (await worked_off(house, waiting)).note == "shadow: nothing was done"
    assert house.platform.calls == []


@pytest.mark.parametrize(
    ("arrived", "found", "state", "note"),
    [
        (True, None, ActionState.DONE, "found done"),
        (False, None, ActionState.DONE, "shadow: nothing was done"),
        (True, Observed.CANNOT_SAY, ActionState.UNKNOWN, "nobody knows whether it arrived"),
    ],
)
async def test_what_was_under_way_when_the_account_went_back_to_shadow_is_found_out(
    house: House, arrived: bool, found: Observed | None, state: ActionState, note: str
) -> None:
    house.platform.found = found
    id_ = asked(house, Verb.HIDE)
    await killed(house, [id_], effect_first=arrived)
    house = house.restarted(Mode.SHADOW)
    row = await worked_off(house, id_)
    assert (row.state, row.note) == (state, note)
    assert len(house.platform.calls) == 1


# Accounts that are stopped, paused or not there, and comments that are gone.


async def test_a_stopped_account_waits_until_it_is_renewed(house: House) -> None:
    house.platform.answers = [CredentialsRevoked("401")]
    first, second = asked(house, Verb.HIDE), asked(house, Verb.MUTE)
    await house.act([first])
    assert await house.act([first, second]) == dict.fromkeys((first, second), NOON + MINUTE)
    assert len(house.platform.calls) == 1
    await house.db.run(lambda tx: tx.execute(update(account).values(stopped_why=None)))
    await house.act([first, second])
    assert [verb for verb, _ in house.platform.effects] == [Verb.HIDE, Verb.MUTE]


@pytest.mark.parametrize("label", [Label.HARASSMENT, None])
async def test_a_paused_account_waits_but_not_for_what_people_ruled(house: House, label: Label | None) -> None:
    new = NewCase("k", PRACTICE, Reason.FLAGGED, Label.HARASSMENT, "why", Severity.NORMAL)
    case_id = await house.db.run(lambda tx: put_in_case(tx, new, 1, NOON))
    machines = asked(house, Verb.HIDE)
    await house.db.run(lambda tx: cases.set_pause(tx, PRACTICE, label, ASHA, NOON))
    assert await house.act([machines]) == {machines: NOON + MINUTE}
    said = Said(Ruling.MUTE, ASHA)
    await house.db.run(lambda tx: cases.rule(tx, house.engine, house.db.cipher, case_id, said, NOON))
    ruled = house.rows(action)[-1].id
    assert await house.act([machines, ruled]) == {machines: NOON + MINUTE}
    assert [verb for verb, _ in house.platform.effects] == [Verb.MUTE]
    await house.db.run(lambda tx: cases.lift_pause(tx, PRACTICE, label, ASHA, NOON))
    assert await house.act([machines]) == {}


async def test_a_pause_of_another_label_holds_nothing_up(house: House) -> None:
    await house.db.run(lambda tx: cases.set_pause(tx, PRACTICE, Label.SOLICITATION, ASHA, NOON))
    assert (await worked_off(house, asked(house, Verb.HIDE))).state == ActionState.DONE


async def test_an_account_taken_out_of_the_config_waits(house: House) -> None:
    id_ = asked(house, Verb.HIDE)
    without = Act(house.db, house.clock, {}, Lanes({}), TEMPLATES, ReplyGuard())
    assert await without([id_]) == {id_: NOON + MINUTE}
    assert await house.act([id_]) == {}


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


# What is said.


async def test_a_template_is_said_as_it_is_written(house: House) -> None:
    await house.act([asked(house, Verb.REPLY)])
    ((_, order),) = house.platform.calls
    assert order.text is not None
    assert order.text.words in TEMPLATES.all_words()


async def test_words_that_the_guard_does_not_let_pass_are_not_said(house: House) -> None:
    typed = house.db.cipher.seal("Thank you for your visit, Sam")
    row = await worked_off(house, asked(house, Verb.REPLY, template=None, words=typed))
    assert row.state == ActionState.REFUSED
    assert "Sam" not in row.note
    assert house.platform.calls == []
    assert [each.reason for each in house.rows(case)] == [Reason.REFUSED]


async def test_typed_words_that_repeat_the_commenter_are_refused_at_sending_too(house: House) -> None:
    told = posted("2", "I have psoriasis and nobody helps")
    await house.inbox.receive(PRACTICE, Mode.LIVE, Batch((told,), "d"))
    typed = house.db.cipher.seal("Psoriasis is no laughing matter")
    for comment_id in (1, 2):
        await worked_off(house, house.wish(comment_id, Verb.REPLY, words=typed))
    assert [row.state for row in house.rows(action)] == [ActionState.DONE, ActionState.REFUSED]


# Lanes.


async def flood(house: House, severities: list[Severity]) -> None:
    events = tuple(posted(str(number), "b") for number in range(2, len(severities) + 2))
    await house.inbox.receive(PRACTICE, Mode.LIVE, Batch(events, "d"))
    for number, severity in enumerate(severities, 2):
        house.wish(number, Verb.HIDE, severity=severity)


def hidden(house: House) -> list[int]:
    """The severities of what was hidden, in the order of the calls."""
    by_key = {row.key: row.severity for row in house.rows(action)}
    return [by_key[key] for _, key in house.platform.effects]


async def left_alone(_: Sequence[int]) -> dict[int, datetime]:
    return {}


async def worked(house: House, calls: int) -> House:
    """Let the engine work until so many calls were made and nothing is due, then stop."""
    house.engine.handle(Queue.ACT, house.act, batch=16)
    house.engine.handle(Queue.CLASSIFY, left_alone)
    running = asyncio.create_task(house.engine.run())
    while len(house.platform.calls) < calls or not await house.engine.idle():
        await asyncio.sleep(0.01)
    house.engine.stop()
    await running
    return house.restarted()


async def test_a_lane_is_spent_on_the_most_severe_and_a_restart_forgets_nothing(house: House) -> None:
    house.platform.lanes, house.platform.able = (HIDES,), IN_LANE
    low, normal, high = Severity.LOW, Severity.NORMAL, Severity.HIGH
    await flood(house, [low, high, normal, low, high, normal])
    house = await worked(house.restarted(), 2)
    assert hidden(house) == [high, high]
    house = await worked(house, 2)
    assert hidden(house) == [high, high]
    house.clock.advance(QUARTER)
    house = await worked(house, 4)
    assert hidden(house) == [high, high, normal, normal]
    house.clock.advance(QUARTER)
    assert hidden(await worked(house, 6)) == [high, high, normal, normal, low, low]


async def test_what_waits_in_a_lane_does_not_hold_up_other_verbs(house: House) -> None:
    house.platform.lanes, house.platform.able = (HIDES,), IN_LANE
    house = house.restarted()
    await flood(house, [Severity.HIGH] * 3)
    ids = [row.id for row in house.rows(action)]
    again = await house.act([*ids, asked(house, Verb.REPLY)])
    assert again == {ids[2]: NOON + QUARTER}
    assert [verb for verb, _ in house.platform.calls] == [Verb.HIDE, Verb.HIDE, Verb.REPLY]


async def test_a_lane_that_the_platform_blocked_stays_blocked_over_a_restart(house: House) -> None:
    house.platform.able = IN_LANE
    house.platform.answers = [Later("busy", NOON + QUARTER)]
    first, second = asked(house, Verb.HIDE), asked(house, Verb.HIDE, key="second")
    await house.act([first])
    house = house.restarted()
    assert await house.act([first, second]) == dict.fromkeys((first, second), NOON + QUARTER)
    assert len(house.platform.calls) == 1
    house.clock.advance(QUARTER)
    assert await house.act([first, second]) == {}


async def test_lanes_of_a_clock_gone_back_are_not_closed_for_ever(house: House) -> None:
    house.platform.lanes, house.platform.able = (HIDES,), IN_LANE
    house = house.restarted()
    await flood(house, [Severity.HIGH] * 3)
    ids = [row.id for row in house.rows(action)]
    assert list(await house.act(ids)) == [ids[2]]
    house.clock.advance(-timedelta(hours=1))
    assert await house.act(ids) == {}
