"""In shadow nothing is done, what would be is said, and what was under way is found out."""

import pytest

from bot.errors import Unanswered
from bot.model import Ability, ActionState, Capability, Mode, Reason, Severity, Verb
from bot.platforms.base import Observed
from bot.review import undoing
from bot.review.story import comment_story
from bot.store.queries import NewCase, put_in_case
from bot.store.tables import case, lane
from tests.act.acting import ASHA, HIDES, IN_LANE, asked, killed, worked_off
from tests.support import NOON, PRACTICE, House


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


NOT_ANSWERED = [
    (True, None, ActionState.DONE, "found done", Mode.LIVE),
    (False, None, ActionState.DONE, "shadow: nothing was done", Mode.SHADOW),
    (True, Observed.CANNOT_SAY, ActionState.UNKNOWN, "nobody knows whether it arrived", Mode.LIVE),
]


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize(("arrived", "found", "state", "note", "mode"), NOT_ANSWERED)
async def test_what_had_no_answer_when_the_account_went_back_to_shadow_is_found_out(
    house: House, arrived: bool, found: Observed | None, state: ActionState, note: str, mode: Mode, busy: bool
) -> None:
    """`busy`: the platform asked to come back later, so that it would have been sent again."""
    house.platform.found, id_ = found, asked(house, Verb.HIDE)
    if busy:
        house.platform.answers, house.platform.effect_first = [trouble], arrived
        await house.act([id_])
    else:
        await killed(house, [id_], effect_first=arrived)
    house = house.restarted(Mode.SHADOW)
    row = await worked_off(house, id_)
    assert (row.state, row.note, row.mode) == (state, note, mode)
    assert len(house.platform.calls) == 1


async def trouble() -> None:
    raise Unanswered("trouble", NOON)


async def test_what_shadow_did_not_do_is_never_told_as_done(house: House) -> None:
    """It was asked for while the account was live."""
    id_ = asked(house, Verb.HIDE)
    house = house.restarted(Mode.SHADOW)
    await worked_off(house, id_)
    story = house.db.read_now(lambda tx: comment_story(tx, house.db.cipher, 1))
    assert [told.outcome for told in story.actions] == ["would be hidden (shadow)"]


@pytest.mark.parametrize("killed_first", [False, True])
async def test_an_undo_that_meets_shadow_took_nothing_back_and_can_be_asked_for_again(
    house: House, killed_first: bool
) -> None:
    new = NewCase("k", PRACTICE, Reason.FLAGGED, None, "why", Severity.HIGH)
    case_id = house.db.run_now(lambda tx: put_in_case(tx, new, 1, NOON))
    await worked_off(house, asked(house, Verb.HIDE))
    assert undone(house, case_id) == 1
    if killed_first:
        await killed(house, [2], effect_first=False)
    house = house.restarted(Mode.SHADOW)
    row = await worked_off(house, 2)
    assert (row.state, row.note) == (ActionState.REFUSED, "the account is in shadow: nothing was taken back")
    assert [each.reason for each in house.rows(case)] == [Reason.FLAGGED, Reason.REFUSED]
    house = house.restarted(Mode.LIVE)
    assert undone(house, case_id) == 1
    await worked_off(house, 3)
    assert [verb for verb, _ in house.platform.effects] == [Verb.HIDE, Verb.RESTORE]


def undone(house: House, case_id: int) -> int:
    now, cipher = house.clock.now(), house.db.cipher
    return house.db.run_now(lambda tx: undoing.undo(tx, house.engine, cipher, case_id, ASHA, now)).actions
