"""Outage: what no model could read is judged once one can; until then it waits for a person."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.classify import Classify
from bot.config import Config
from bot.model import Batch, CaseState, CommentState, Mode, Reason, Role, Severity
from bot.outage import assess_again
from bot.review import rulings
from bot.review.cases import Person, Ruling, Said
from bot.store.queries import NewCase, put_in_case
from bot.store.tables import case, case_comment, comment, decision
from classifiers.labels import Label, NotAssessed
from tests.support import NOON, PRACTICE, Finding, House, StubAssessor, opened_store, posted

DOWN = NotAssessed.MODEL_DOWN
TOLD: Finding = {Label.CRISIS: 0.99}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened_store(tmp_path) as db:
        yield House(db)


def started(house: House, model: str) -> int:
    """Started with this model. Returns how many comments it is to judge again."""
    return house.db.run_now(lambda tx: assess_again(tx, house.engine, model, NOON))


async def judged(house: House, model: str, tonight: Finding = DOWN, name: str = PRACTICE) -> None:
    account = {"name": name, "platform": "replay", "on_call": [{"name": "asha"}]}
    config = Config.model_validate({"accounts": [account]})
    assessor = StubAssessor({"tonight": tonight, "broken": DOWN}, model)
    await Classify(config, house.db, house.engine, house.clock, assessor)([row.id for row in house.rows(comment)])


async def heard(house: House, *texts: str) -> None:
    events = tuple(posted(f"{text} {number}", text) for number, text in enumerate(texts))
    await house.inbox.receive(PRACTICE, Mode.LIVE, Batch(events, texts[0]))


def ruled(house: House, case_id: int, what: Ruling, comment_id: int | None = None) -> None:
    said = Said(what, Person("asha", Role.LEAD), comment_id=comment_id)
    house.db.run_now(lambda tx: rulings.rule(tx, house.engine, house.db.cipher, case_id, said, NOON))


def open_cases(house: House) -> list[tuple[str, int, list[int]]]:
    """Reason, how many comments it says it has, and which they are."""
    held = [(row.case_id, row.comment_id) for row in house.rows(case_comment)]
    waiting = [row for row in house.rows(case) if row.state == CaseState.OPEN]
    return [(row.reason, row.comments, [id_ for in_, id_ in held if in_ == row.id]) for row in waiting]


async def test_what_a_model_failed_on_is_judged_by_it_after_a_start_without_it(house: House) -> None:
    await heard(house, "tonight")
    await judged(house, "a")
    assert started(house, "lexicon") == 1
    await judged(house, "lexicon")
    assert open_cases(house) == [(Reason.MODEL_DOWN, 1, [1])]
    assert started(house, "a") == 1
    await judged(house, "a", TOLD)
    assert open_cases(house) == [(Reason.FLAGGED, 1, [1])]
    assert house.rows(case)[-1].severity == Severity.CRISIS
    assert house.comment(1).state == CommentState.SETTLED
    assert [(row.model, row.reason) for row in house.rows(decision)] == [("lexicon", DOWN), ("a", Reason.FLAGGED)]


async def test_what_waited_is_judged_though_its_account_was_renamed_in_the_config_meanwhile(house: House) -> None:
    await heard(house, "tonight")
    await judged(house, "lexicon")
    assert started(house, "a") == 1
    await judged(house, "a", TOLD, name="renamed")
    assert open_cases(house) == [(Reason.FLAGGED, 1, [1])]
    assert house.rows(case)[-1].assigned_to == "asha"


async def test_what_the_model_of_now_failed_on_keeps_its_case_when_others_leave_it(house: House) -> None:
    await heard(house, "tonight")
    await judged(house, "lexicon")
    await heard(house, "broken")
    await judged(house, "a")
    assert open_cases(house) == [(Reason.MODEL_DOWN, 2, [1, 2])]
    assert started(house, "a") == 1
    assert open_cases(house) == [(Reason.MODEL_DOWN, 1, [2])]
    await judged(house, "a", TOLD)
    assert open_cases(house) == [(Reason.MODEL_DOWN, 1, [2]), (Reason.FLAGGED, 1, [1])]
    assert started(house, "a") == 0


async def test_a_case_that_a_person_called_a_crisis_is_left_to_people(house: House) -> None:
    await heard(house, "tonight")
    await judged(house, "lexicon")
    house.db.run_now(lambda tx: tx.execute(case.update().values(severity=Severity.CRISIS)))
    assert started(house, "a") == 0
    assert open_cases(house) == [(Reason.MODEL_DOWN, 1, [1])]


async def test_what_a_person_ruled_on_is_not_judged_again(house: House) -> None:
    await heard(house, "tonight", "tonight", "tonight")
    await judged(house, "lexicon")
    ruled(house, 1, Ruling.KEEP, comment_id=1)
    ruled(house, 1, Ruling.NOTE, comment_id=2)
    assert started(house, "a") == 2
    assert [row.state for row in house.rows(comment)] == ["settled", "received", "received"]
    assert open_cases(house) == [(Reason.MODEL_DOWN, 1, [1])]


async def test_what_a_person_ruled_on_in_another_case_is_not_judged_again(house: House) -> None:
    await heard(house, "tonight")
    await judged(house, "lexicon")
    new = NewCase("k", PRACTICE, Reason.FLAGGED, Label.HARASSMENT, "why", Severity.HIGH)
    ruled(house, house.db.run_now(lambda tx: put_in_case(tx, new, 1, NOON)), Ruling.KEEP)
    assert started(house, "a") == 0
    assert open_cases(house) == [(Reason.MODEL_DOWN, 1, [1])]
