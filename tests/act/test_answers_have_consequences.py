"""What follows from each answer of a platform: for the action, its comment, its lane, the account and a person."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import Ambiguous, CredentialsRevoked, Later, PlatformError, QuotaSpent, Refused, Unanswered, Vanished
from bot.model import Ability, ActionState, Batch, Capability, CommentState, Mode, Reason, Verb
from bot.store.tables import audit, case
from tests.act.acting import CHECKING, MINUTE, STOPPED, Follows, asked, follows, never
from tests.support import NOON, PRACTICE, Answer, House, posted

DONE = Follows(ActionState.DONE, "", 1)
WAITING = Follows(ActionState.PENDING, "waiting: busy", 0, 10 * MINUTE, blocked=True)
UNANSWERED = replace(WAITING, attempts=1)
SOON = replace(WAITING, again=timedelta(seconds=1))
REFUSED = Follows(ActionState.REFUSED, "not here", 1, case=Reason.REFUSED)
GONE_DONE = Follows(ActionState.DONE, "gone", 1)
GONE_REFUSED = Follows(ActionState.REFUSED, "the comment is gone", 1)
BROKEN = Follows(ActionState.UNKNOWN, "the adapter failed", 1, case=Reason.UNKNOWN_OUTCOME)
ANSWERS: list[tuple[Answer, Follows, Follows]] = [
    # answer; what follows for a hide, which may be repeated; what follows for a reply, which may not
    (None, DONE, DONE),
    (Later("busy", NOON + 10 * MINUTE), WAITING, WAITING),
    (Later("busy", NOON - 10 * MINUTE), SOON, SOON),  # by a clock that is behind
    (Unanswered("busy", NOON + 10 * MINUTE), UNANSWERED, UNANSWERED),
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
