"""A case is claimed, or ruled on, by one person, and what they did is written down."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.errors import DeskError
from bot.review.cases import Ruling
from bot.store.tables import action, audit, ruling
from tests.cases.desk import ASHA, BEN, claim, flagged, rule, undo
from tests.support import House


async def test_nobody_rules_on_what_another_has_claimed(house: House) -> None:
    case_id = await flagged(house)
    claim(house, case_id, BEN)
    with pytest.raises(DeskError, match="with ben until"):
        rule(house, case_id, Ruling.HIDE, ASHA)
    rule(house, case_id, Ruling.HIDE, BEN)


async def test_a_claim_runs_out(house: House) -> None:
    case_id = await flagged(house)
    claim(house, case_id, BEN)
    house.clock.advance(timedelta(minutes=11))
    rule(house, case_id, Ruling.HIDE, ASHA)


async def test_the_second_ruling_is_told_who_was_first(house: House) -> None:
    case_id = await flagged(house)
    rule(house, case_id, Ruling.KEEP, BEN)
    with pytest.raises(DeskError, match="closed by ben"):
        rule(house, case_id, Ruling.HIDE, ASHA)
    assert len(house.rows(ruling)) == 1
    assert not house.rows(action)


async def test_everything_a_person_did_stands_in_the_audit(house: House) -> None:
    case_id = await flagged(house)
    claim(house, case_id, ASHA)
    rule(house, case_id, Ruling.HIDE)
    undo(house, case_id)
    rows = house.db.read_now(lambda tx: tx.execute(select(audit.c.what).where(audit.c.actor == "asha")).scalars().all())
    assert rows == ["claimed", "ruled", "case_closed", "ruled"]
