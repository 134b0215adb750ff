"""The one thing that may be said to somebody in a crisis, where the config lets it."""

import pytest

from bot.classify import Classify
from bot.config import Config
from bot.errors import DeskError
from bot.model import Batch, Mode, Role, Verb
from bot.review import cases, rulings
from bot.review.cases import Person
from bot.store.tables import action
from bot.supportive import supportable
from classifiers.labels import Label
from tests.crisis.lane import THREE, Lane, Post
from tests.support import PRACTICE, House, StubAssessor, posted


def supporting(house: House, reply: str, country: str = "GB") -> Lane:
    lane = Lane(house, Post(), THREE, StubAssessor({"tonight": {Label.CRISIS: 0.99}}))
    account = lane.config.accounts[0].model_copy(update={"country": country})
    crisis = lane.config.crisis.model_copy(update={"supportive_reply": reply})
    lane.config = lane.config.model_copy(update={"accounts": (account,), "crisis": crisis})
    assessor = StubAssessor({"tonight": {Label.CRISIS: 0.99}})
    lane.classify = Classify(lane.config, house.db, house.engine, house.clock, assessor)
    return lane


def pressed(house: House, config: Config, case_id: int) -> cases.Ruled:
    said = cases.Said(cases.Ruling.WARN, Person("ben", Role.MODERATOR))
    now, may = house.clock.now(), supportable(config)
    return house.db.run_now(lambda tx: rulings.rule(tx, house.engine, house.db.cipher, case_id, said, now, may))


@pytest.mark.parametrize(("reply", "said"), [("off", 0), ("press", 0), ("auto", 1)])
async def test_the_machine_says_nothing_alone_unless_the_config_says_so(house: House, reply: str, said: int) -> None:
    lane = supporting(house, reply)
    for number in range(3):
        await lane.house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted(str(number), f"tonight {number}"),), "c"))
    await lane.classify([1, 2, 3])
    assert [(row.verb, row.template) for row in house.rows(action)] == [(Verb.REPLY, Label.CRISIS)] * said


async def test_a_supportive_reply_in_shadow_was_said_to_nobody(house: House) -> None:
    lane = supporting(house, "auto")
    for number, mode in enumerate((Mode.SHADOW, Mode.SHADOW, Mode.LIVE, Mode.LIVE), 1):
        await lane.house.inbox.receive(PRACTICE, mode, Batch((posted(str(number), f"tonight {number}"),), "c"))
        await lane.classify([number])
    assert [(row.comment_id, row.mode) for row in house.rows(action)] == [(1, Mode.SHADOW), (3, Mode.LIVE)]


async def test_a_shadow_reply_does_not_keep_a_person_from_pressing_once_it_is_live(house: House) -> None:
    lane = supporting(house, "auto")
    await lane.house.inbox.receive(PRACTICE, Mode.SHADOW, Batch((posted("1", "tonight"),), "c"))
    await lane.classify([1])
    assert [row.mode for row in house.rows(action)] == [Mode.SHADOW]
    assert pressed(house, lane.config, 1).actions == 1


async def test_a_person_may_press_for_one_supportive_reply_and_no_more(house: House) -> None:
    lane = supporting(house, "press")
    await lane.house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted("1", "tonight"), posted("2", "tonight 2")), "c"))
    await lane.classify([1, 2])
    ruled = pressed(house, lane.config, 1)
    assert (ruled.actions, len(ruled.cannot)) == (1, 1)
    await lane.house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted("3", "tonight 3"),), "d"))
    await lane.classify([3])
    assert pressed(house, lane.config, 2).actions == 0
    assert len(house.rows(action)) == 1


async def test_where_no_help_line_is_known_it_cannot_be_pressed_for(house: House) -> None:
    lane = supporting(house, "press", country="IE")
    await lane.hear("tonight")
    with pytest.raises(DeskError, match="no help line"):
        pressed(house, lane.config, 1)


async def test_without_leave_in_the_config_a_crisis_is_never_warned(house: House) -> None:
    lane = supporting(house, "off")
    await lane.hear("tonight")
    with pytest.raises(DeskError, match="supportive reply is off"):
        pressed(house, lane.config, 1)
