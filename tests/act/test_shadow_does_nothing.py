"""In shadow nothing is done, what would be is said, and what was under way is found out."""

import pytest

from bot.model import Ability, ActionState, Capability, Mode, Reason, Verb
from bot.platforms.base import Observed
from bot.store.tables import case, lane
from tests.act.acting import HIDES, IN_LANE, asked, killed, worked_off
from tests.support import House


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
