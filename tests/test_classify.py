"""Classify: each comment is decided once, in its order, and not at all where its author was faster."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from bot.classify import Classify
from bot.config import Config
from bot.inbox import comment_gone
from bot.model import AuthorKind, Batch, CommentState, Mode
from bot.store.engine.port import Queue
from bot.store.tables import action, assessment, case, comment, decision, job
from classifiers.labels import Assessment, Label, NotAssessed
from tests.support import NOON, PRACTICE, Finding, HasText, House, StubAssessor, opened_store, posted

CHOSEN: Mapping[str, Finding] = {
    "abuse": {Label.HARASSMENT: 0.99},
    "rude": {Label.HARASSMENT: 0.9},
    "hola": NotAssessed.LANGUAGE,
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened_store(tmp_path) as db:
        yield House(db)


def classify(house: House, assessor: StubAssessor, budget: int = 50) -> Classify:
    rules = {"harassment": {"do": ["hide"], "budget_per_day": budget}}
    account = {"name": PRACTICE, "platform": "replay", "on_call": [{"name": "asha"}]}
    config = Config.model_validate({"rules": rules, "accounts": [account]})
    return Classify(config, house.db, house.engine, house.clock, assessor)


async def received(house: House, *texts: str) -> list[int]:
    events = tuple(posted(str(number), text) for number, text in enumerate(texts, 1))
    await house.inbox.receive(PRACTICE, Mode.LIVE, Batch(events, "c"))
    return [row.id for row in house.rows(comment)]


async def test_a_batch_that_comes_twice_is_decided_once(house: House) -> None:
    ids = await received(house, "abuse", "rude", "hola", "thanks")
    judge = classify(house, StubAssessor(CHOSEN))
    assert await judge(ids) == {}
    states = [row.state for row in house.rows(comment)]
    assert states == [CommentState.ACTING, *[CommentState.SETTLED] * 3]
    before = [house.rows(table) for table in (assessment, decision, action, case, job, comment)]
    await judge(ids)
    assert [house.rows(table) for table in (assessment, decision, action, case, job, comment)] == before


async def test_the_budget_is_spent_in_the_order_in_which_they_came(house: House) -> None:
    ids = await received(house, *["abuse"] * 4)
    await classify(house, StubAssessor(CHOSEN), budget=2)(ids)
    assert [row.reason for row in house.rows(decision)] == ["acted", "acted", "budget", "budget"]
    assert [row.comment_id for row in house.rows(action)] == ids[:2]


class Overtaken(StubAssessor):
    """While it reads, the author of the first comment deletes it."""

    def __init__(self, house: House) -> None:
        super().__init__(CHOSEN)
        self._house = house

    def assess(self, texts: Sequence[HasText]) -> list[Assessment]:
        self._house.db.run_now(lambda tx: comment_gone(tx, self._house.db.cipher, PRACTICE, "1", NOON))
        return super().assess(texts)


@pytest.mark.parametrize("text", ["abuse", "rude", "thanks"])
async def test_what_went_while_it_was_read_is_not_decided(house: House, text: str) -> None:
    ids = await received(house, text, "abuse")
    await classify(house, Overtaken(house))(ids)
    assert [row.state for row in house.rows(comment)] == [CommentState.GONE, CommentState.ACTING]
    assert [row.comment_id for row in house.rows(decision)] == ids[1:]
    assert [row.comment_id for row in house.rows(action)] == ids[1:]
    assert [row.comments for row in house.rows(case)] == [1]


async def test_what_we_wrote_ourselves_is_not_judged_even_when_asked(house: House) -> None:
    await house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted("1", "abuse", AuthorKind.BOT),), "c"))
    await classify(house, StubAssessor(CHOSEN))([1])
    assert house.rows(decision) == []
    assert await house.engine.waiting(Queue.CLASSIFY) == 0
