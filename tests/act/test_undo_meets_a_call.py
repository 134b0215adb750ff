"""Undo, or keep, while a call is under way: it is not made again, and what it may have done is taken back after it."""

from datetime import timedelta

import pytest

from bot.errors import Ambiguous, Later, PlatformError, Unanswered
from bot.model import ActionState, Reason, Severity, Verb
from bot.platforms.base import Observed
from bot.review import cases, rulings, undoing
from bot.review.cases import Ruling, Said
from bot.store.queries import NewCase, put_in_case
from bot.store.tables import action
from tests.act.acting import ASHA, MINUTE, asked
from tests.support import NOON, PRACTICE, Answer, House


async def sent(house: House, verb: Verb = Verb.HIDE) -> int:
    """The case of a comment whose action was sent, with no answer so far."""
    new = NewCase("k", PRACTICE, Reason.FLAGGED, None, "why", Severity.HIGH)
    case_id = house.db.run_now(lambda tx: put_in_case(tx, new, 1, NOON))
    house.platform.answers = [Ambiguous("no answer")]
    await house.act([asked(house, verb)])
    house.clock.advance(timedelta(seconds=1))
    return case_id


def undone(house: House, case_id: int) -> cases.Ruled:
    now, cipher = house.clock.now(), house.db.cipher
    return house.db.run_now(lambda tx: undoing.undo(tx, house.engine, cipher, case_id, ASHA, now))


async def turns(house: House) -> None:
    """Everything takes its turn until nothing is left to do."""
    while waiting := [row.id for row in house.rows(action) if row.settled_at is None]:
        await house.act(waiting)
        house.clock.advance(MINUTE)


def ends(house: House) -> list[tuple[str, str]]:
    return [(row.verb, row.state) for row in house.rows(action)]


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (Observed.DONE, ActionState.DONE),
        (Observed.NOT_DONE, ActionState.CANCELLED),
        (Observed.CANNOT_SAY, ActionState.CANCELLED),
        (Ambiguous("no answer"), ActionState.UNKNOWN),
    ],
)
async def test_a_hide_that_is_undone_while_it_is_checked_is_not_sent_again(
    house: House, found: Answer | Observed, state: ActionState
) -> None:
    case_id = await sent(house)
    assert undone(house, case_id).actions == 1
    house.platform.found = found
    assert 2 in await house.act([2])
    assert [verb for verb, _ in house.platform.calls] == [Verb.HIDE]
    await turns(house)
    assert ends(house) == [(Verb.HIDE, state), (Verb.RESTORE, ActionState.DONE)]
    assert [verb for verb, _ in house.platform.calls] == [Verb.HIDE, Verb.RESTORE]
    assert house.comment(1).actions_open == 0


async def test_a_hide_that_is_undone_before_it_is_sent_again_may_have_arrived(house: House) -> None:
    case_id = await sent(house)
    house.platform.found = Observed.CANNOT_SAY
    house.clock.advance(MINUTE)
    await house.act([1])
    assert ends(house) == [(Verb.HIDE, ActionState.PENDING)]
    assert undone(house, case_id).actions == 1
    await turns(house)
    assert ends(house) == [(Verb.HIDE, ActionState.CANCELLED), (Verb.RESTORE, ActionState.DONE)]


async def test_a_hide_that_was_only_told_to_wait_has_nothing_to_take_back(house: House) -> None:
    case_id = await sent(house)
    house.platform.answers = [Later("busy", NOON + 10 * MINUTE)]
    second = asked(house, Verb.MUTE, key="second")
    await house.act([second])
    undone(house, case_id)
    assert house.action(second).state == ActionState.CANCELLED
    assert [row.verb for row in house.rows(action) if row.undo_of] == [Verb.RESTORE]


@pytest.mark.parametrize("then", [Unanswered("trouble", NOON + 10 * MINUTE), Later("busy", NOON + 10 * MINUTE)])
async def test_a_hide_that_was_not_answered_may_have_arrived(house: House, then: PlatformError) -> None:
    """However often it is tried: an attempt is counted once, so that what follows stays in reach."""
    hide = asked(house, Verb.HIDE)
    for answer in (Unanswered("no answer", NOON), then, then):
        house.platform.answers = [answer]
        await house.act([hide])
        house.clock.advance(10 * MINUTE)
    assert (house.action(hide).state, house.action(hide).attempts) == (ActionState.PENDING, 1)
    new = NewCase("k", PRACTICE, Reason.FLAGGED, None, "why", Severity.HIGH)
    case_id = house.db.run_now(lambda tx: put_in_case(tx, new, 1, NOON))
    assert undone(house, case_id).actions == 1
    await turns(house)
    assert ends(house) == [(Verb.HIDE, ActionState.CANCELLED), (Verb.RESTORE, ActionState.DONE)]


async def test_a_reply_is_not_sent_again_after_an_undo(house: House) -> None:
    case_id = await sent(house, Verb.REPLY)
    undone(house, case_id)
    await turns(house)
    assert ends(house) == [(Verb.REPLY, ActionState.CANCELLED)]


async def test_what_is_ruled_to_be_kept_is_not_hidden_again(house: House) -> None:
    case_id = await sent(house)
    said = Said(Ruling.KEEP, ASHA)
    now = house.clock.now()
    house.db.run_now(lambda tx: rulings.rule(tx, house.engine, house.db.cipher, case_id, said, now))
    await turns(house)
    assert ends(house) == [(Verb.HIDE, ActionState.CANCELLED)]
