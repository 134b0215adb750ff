"""Said once: one answer an author, thread and day, where somebody was answered."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.classify import Classify
from bot.config import Config
from bot.errors import Refused
from bot.model import ActionState, Batch, Mode
from bot.store.tables import action, comment, decision
from classifiers.labels import Label
from tests.support import PRACTICE, House, StubAssessor, opened_store, posted

FOUND = {"ask": {Label.DIAGNOSIS_REQUEST: 0.99}, "abuse": {Label.HARASSMENT: 0.99}, "crisis": {Label.CRISIS: 0.99}}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened_store(tmp_path) as db:
        yield House(db)


async def heard(house: House, id_: str, text: str, mode: Mode = Mode.LIVE) -> None:
    await house.inbox.receive(PRACTICE, mode, Batch((posted(id_, text),), text))


async def judged(house: House) -> None:
    account = {"name": PRACTICE, "platform": "replay", "on_call": [{"name": "asha"}]}
    rules = {"diagnosis_request": {"do": ["warn"]}, "harassment": {"do": ["hide"]}}
    config = Config.model_validate({"rules": rules, "accounts": [account]})
    judge = Classify(config, house.db, house.engine, house.clock, StubAssessor(FOUND))
    await judge([row.id for row in house.rows(comment)])


async def test_a_question_edited_before_it_was_judged_is_answered_as_it_is_now(house: House) -> None:
    await heard(house, "1", "ask")
    await heard(house, "1", "ask now")
    await judged(house)
    states = [(row.comment_id, row.state) for row in house.rows(action)]
    assert states == [(1, ActionState.CANCELLED), (2, ActionState.PENDING)]


async def test_an_answer_that_was_called_off_for_an_edit_is_given_to_the_edit(house: House) -> None:
    await heard(house, "1", "ask")
    await judged(house)
    await heard(house, "1", "ask now")
    await judged(house)
    states = [(row.comment_id, row.state) for row in house.rows(action)]
    assert states == [(1, ActionState.CANCELLED), (2, ActionState.PENDING)]


async def test_an_edit_does_not_hide_that_its_author_is_in_danger(house: House) -> None:
    await heard(house, "1", "crisis")
    await heard(house, "1", "abuse")
    await judged(house)
    assert [row.verdict for row in house.rows(decision)] == ["ask", "ask"]


async def test_an_answer_in_shadow_answered_nobody(house: House) -> None:
    modes = (Mode.SHADOW, Mode.SHADOW, Mode.LIVE, Mode.LIVE)
    for number, mode in enumerate(modes):
        await heard(house, str(number), "ask", mode)
    await judged(house)
    assert [(row.comment_id, row.mode) for row in house.rows(action)] == [(1, Mode.SHADOW), (3, Mode.LIVE)]


async def test_an_answer_done_in_shadow_does_not_silence_the_next_one_live(house: House) -> None:
    await heard(house, "1", "ask", Mode.SHADOW)
    await judged(house)
    await house.act([1])
    await heard(house, "2", "ask")
    await judged(house)
    assert [row.state for row in house.rows(action)] == [ActionState.DONE, ActionState.PENDING]


@pytest.mark.parametrize(("hours", "said"), [(23, 1), (25, 2)])
async def test_the_next_day_it_may_be_said_again(house: House, hours: int, said: int) -> None:
    await heard(house, "1", "ask")
    await judged(house)
    await house.act([1])
    house.clock.advance(timedelta(hours=hours))
    await heard(house, "2", "ask")
    await judged(house)
    assert len(house.rows(action)) == said


@pytest.mark.parametrize(("refused", "said"), [(True, 2), (False, 1)])
async def test_a_refused_answer_does_not_silence_the_next_one(house: House, refused: bool, said: int) -> None:
    house.platform.answers = [Refused("no replies here")] if refused else []
    await heard(house, "1", "ask")
    await judged(house)
    await house.act([1])
    await heard(house, "2", "ask")
    await judged(house)
    assert len(house.rows(action)) == said
