"""While a label is paused the machine only asks."""

import pytest

from bot.errors import DeskError
from bot.review import pauses
from classifiers.labels import Label
from tests.cases.desk import ASHA, BEN
from tests.support import NOON, PRACTICE, House


async def test_pausing_is_a_moderators_and_resuming_a_leads(house: House) -> None:
    house.db.run_now(lambda tx: pauses.set_pause(tx, PRACTICE, Label.HARASSMENT, BEN, NOON))
    with pytest.raises(DeskError, match="to resume one must be lead"):
        house.db.run_now(lambda tx: pauses.lift_pause(tx, PRACTICE, Label.HARASSMENT, BEN, NOON))
    assert house.db.run_now(lambda tx: pauses.lift_pause(tx, PRACTICE, Label.HARASSMENT, ASHA, NOON))
    assert not house.db.run_now(lambda tx: pauses.lift_pause(tx, PRACTICE, Label.HARASSMENT, ASHA, NOON))
