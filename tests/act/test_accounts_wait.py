"""Accounts that are stopped, paused or not there wait, and lose nothing."""

import pytest

from bot.act import Act
from bot.config import Config
from bot.errors import CredentialsRevoked
from bot.guard import ReplyGuard
from bot.lanes import Lanes
from bot.model import ActionState, CaseState, Reason, Severity, Verb
from bot.review import pauses, rulings
from bot.review.cases import Ruling, Said
from bot.schedule import remind
from bot.store.queries import NewCase, put_in_case, start_account
from bot.store.tables import action, case
from classifiers.labels import Label
from tests.act.acting import ASHA, MINUTE, asked, worked_off
from tests.support import NOON, PRACTICE, TEMPLATES, House


async def test_a_stopped_account_waits_until_it_is_renewed(house: House) -> None:
    house.platform.answers = [CredentialsRevoked("401")]
    first, second = asked(house, Verb.HIDE), asked(house, Verb.MUTE)
    await house.act([first])
    assert await house.act([first, second]) == dict.fromkeys((first, second), NOON + MINUTE)
    assert len(house.platform.calls) == 1
    await house.db.run(lambda tx: start_account(tx, PRACTICE, NOON))
    await house.act([first, second])
    assert [verb for verb, _ in house.platform.effects] == [Verb.HIDE, Verb.MUTE]


async def test_a_stop_is_told_again_while_it_lasts_and_anew_after_a_start(house: House) -> None:
    config = Config.model_validate({"accounts": [{"name": PRACTICE, "platform": "replay"}]})
    house.platform.answers = [CredentialsRevoked("401"), CredentialsRevoked("403")]
    id_ = asked(house, Verb.HIDE)
    await house.act([id_])
    await house.db.run(lambda tx: remind(tx, config, NOON + 240 * MINUTE))
    await house.db.run(lambda tx: start_account(tx, PRACTICE, NOON + 300 * MINUTE))
    await house.act([id_])
    told = [(row.state, row.why, row.reminders) for row in house.rows(case)]
    assert told == [(CaseState.CLOSED, "401", 1), (CaseState.OPEN, "403", 0)]


@pytest.mark.parametrize("label", [Label.HARASSMENT, None])
async def test_a_paused_account_waits_but_not_for_what_people_ruled(house: House, label: Label | None) -> None:
    new = NewCase("k", PRACTICE, Reason.FLAGGED, Label.HARASSMENT, "why", Severity.NORMAL)
    case_id = await house.db.run(lambda tx: put_in_case(tx, new, 1, NOON))
    machines = asked(house, Verb.HIDE)
    await house.db.run(lambda tx: pauses.set_pause(tx, PRACTICE, label, ASHA, NOON))
    assert await house.act([machines]) == {machines: NOON + MINUTE}
    said = Said(Ruling.MUTE, ASHA)
    await house.db.run(lambda tx: rulings.rule(tx, house.engine, house.db.cipher, case_id, said, NOON))
    ruled = house.rows(action)[-1].id
    assert await house.act([machines, ruled]) == {machines: NOON + MINUTE}
    assert [verb for verb, _ in house.platform.effects] == [Verb.MUTE]
    await house.db.run(lambda tx: pauses.lift_pause(tx, PRACTICE, label, ASHA, NOON))
    assert await house.act([machines]) == {}


async def test_a_pause_of_another_label_holds_nothing_up(house: House) -> None:
    await house.db.run(lambda tx: pauses.set_pause(tx, PRACTICE, Label.SOLICITATION, ASHA, NOON))
    assert (await worked_off(house, asked(house, Verb.HIDE))).state == ActionState.DONE


async def test_an_account_taken_out_of_the_config_waits(house: House) -> None:
    id_ = asked(house, Verb.HIDE)
    without = Act(house.db, house.clock, {}, Lanes({}), TEMPLATES, ReplyGuard())
    assert await without([id_]) == {id_: NOON + MINUTE}
    assert await house.act([id_]) == {}
