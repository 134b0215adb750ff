"""Edits: nobody edits their way out of a case, and nothing is done for words that are not there any more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.classify import Classify
from bot.config import Config
from bot.model import ActionState, AuthorKind, Batch, CaseState, Mode, Role, Severity, Verb
from bot.review import rulings
from bot.review.cases import Person, Ruling, Said
from bot.store.tables import action, audit, case, case_comment, comment
from classifiers.labels import Label
from tests.support import NOON, PRACTICE, House, StubAssessor, opened_store, posted

FOUND = {"abuse": {Label.HARASSMENT: 0.99}, "rude": {Label.HARASSMENT: 0.9}, "crisis": {Label.CRISIS: 0.99}}
BEN = Person("ben", Role.MODERATOR)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened_store(tmp_path) as db:
        yield House(db)


async def said(house: House, *texts: str, kind: AuthorKind = AuthorKind.PUBLIC) -> None:
    """One comment, edited from text to text."""
    for number, text in enumerate(texts):
        await house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted("1", text, kind),), str(number)))


async def judged(house: House, *do: str) -> None:
    account = {"name": PRACTICE, "platform": "replay", "on_call": [{"name": "asha"}]}
    config = Config.model_validate({"rules": {"harassment": {"do": do or ["hide"]}}, "accounts": [account]})
    judge = Classify(config, house.db, house.engine, house.clock, StubAssessor(FOUND))
    await judge([row.id for row in house.rows(comment)])


def states(house: House) -> list[str]:
    return [row.state for row in house.rows(action)]


async def test_what_waits_for_an_older_edit_is_called_off_when_a_newer_one_comes(house: House) -> None:
    await said(house, "abuse")
    await judged(house)
    assert states(house) == [ActionState.PENDING]
    await said(house, "good morning")
    (row,) = house.rows(action)
    assert (row.state, row.note) == (ActionState.CANCELLED, "it was edited")
    await judged(house)
    await house.act([row.id])
    assert house.platform.calls == []


async def test_what_was_edited_before_it_was_judged_is_acted_on_as_it_is_now(house: House) -> None:
    await said(house, "abuse", "good morning", "abuse indeed")
    await judged(house)
    assert states(house) == [ActionState.CANCELLED, ActionState.PENDING]
    assert house.rows(action)[1].comment_id == 3


@pytest.mark.parametrize(("first", "severity"), [("rude", Severity.HIGH), ("crisis", Severity.CRISIS)])
async def test_an_open_case_goes_on_with_the_newest_edit_and_keeps_the_first_words(
    house: House, first: str, severity: Severity
) -> None:
    await said(house, first)
    await judged(house)
    await said(house, "good morning")
    await judged(house)
    (row,) = house.rows(case)
    assert (row.state, row.severity, row.comments) == (CaseState.OPEN, severity, 2)
    assert [each.comment_id for each in house.rows(case_comment)] == [1, 2]
    assert "edited" in [each.what for each in house.rows(audit)]


async def test_what_was_done_to_somebody_found_in_crisis_is_taken_back(house: House) -> None:
    await said(house, "abuse")
    await judged(house, "hide", "mute")
    await house.act([1, 2])
    await said(house, "crisis")
    await judged(house, "hide", "mute")
    await house.act([3, 4])
    assert [verb for verb, _ in house.platform.effects] == [Verb.HIDE, Verb.MUTE, Verb.RESTORE, Verb.UNMUTE]
    assert states(house) == [ActionState.DONE] * 4


async def test_a_ruling_is_done_once_to_the_newest_edit(house: House) -> None:
    await said(house, "rude")
    await judged(house)
    await said(house, "rude indeed")
    await judged(house)
    ruled = Said(Ruling.HIDE, BEN)
    done = house.db.run_now(lambda tx: rulings.rule(tx, house.engine, house.db.cipher, 1, ruled, NOON))
    assert (done.actions, [row.comment_id for row in house.rows(action)]) == (1, [2])


async def test_what_a_person_ruled_outlives_an_edit(house: House) -> None:
    await said(house, "rude")
    await judged(house)
    ruled = Said(Ruling.HIDE, BEN)
    house.db.run_now(lambda tx: rulings.rule(tx, house.engine, house.db.cipher, 1, ruled, NOON))
    await said(house, "good morning")
    assert states(house) == [ActionState.PENDING]
    await house.act([1])
    assert [verb for verb, _ in house.platform.effects] == [Verb.HIDE]
    assert house.rows(case)[0].state == CaseState.CLOSED


async def test_what_takes_a_hide_back_is_not_called_off(house: House) -> None:
    """The machine hid it; it was edited into a crisis, and once more before it was restored."""
    await said(house, "abuse")
    await judged(house)
    await house.act([1])
    await said(house, "crisis")
    await judged(house)
    await said(house, "good morning")
    assert [(row.verb, row.state) for row in house.rows(action)][1] == (Verb.RESTORE, ActionState.PENDING)
