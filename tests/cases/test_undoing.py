"""Undo takes back what was done, in a case, for one comment, or by a rule, and calls off what waits."""

from datetime import timedelta

import pytest

from bot.errors import DeskError, Refused
from bot.model import ActionState, Batch, CaseState, Mode, Reason, Severity, Verb
from bot.review import undoing
from bot.review.cases import Person, Ruled, Ruling
from bot.store.queries import NewCase, put_in_case
from bot.store.tables import action, case, ruling
from classifiers.labels import Label
from tests.cases.desk import ASHA, BEN, flagged, rule, undo
from tests.support import NOON, PRACTICE, House, posted


async def test_undo_takes_back_what_was_done_and_calls_off_what_was_not(house: House) -> None:
    case_id = await flagged(house, 2)
    rule(house, case_id, Ruling.HIDE)
    await house.act([1])
    assert undo(house, case_id).actions == 1
    states = {(row.id, row.verb): row.state for row in house.rows(action)}
    assert states == {
        (1, "hide"): ActionState.DONE,
        (2, "hide"): ActionState.CANCELLED,
        (3, "restore"): ActionState.PENDING,
    }
    await house.act([3])
    assert house.platform.effects[-1][0] is Verb.RESTORE


async def test_undoing_twice_does_nothing_more(house: House) -> None:
    case_id = await flagged(house)
    rule(house, case_id, Ruling.HIDE)
    await house.act([1])
    undo(house, case_id)
    await house.act([2])
    assert undo(house, case_id).actions == 0


async def test_a_restore_that_waits_survives_a_second_undo_and_a_keep(house: House) -> None:
    case_id = await flagged(house)
    rule(house, case_id, Ruling.HIDE)
    await house.act([1])
    assert undo(house, case_id).actions == 1
    assert undo(house, case_id, BEN).actions == 0
    other = NewCase("other", PRACTICE, Reason.FLAGGED, Label.HARASSMENT, "why", Severity.HIGH)
    rule(house, house.db.run_now(lambda tx: put_in_case(tx, other, 1, NOON)), Ruling.KEEP)
    await house.act([2])
    assert [verb for verb, _ in house.platform.effects] == [Verb.HIDE, Verb.RESTORE]
    assert house.comment(1).actions_open == 0


async def test_a_restore_that_was_refused_can_be_asked_for_again(house: House) -> None:
    case_id = await flagged(house)
    rule(house, case_id, Ruling.HIDE)
    house.platform.answers = [None, Refused("not now")]
    await house.act([1])
    undo(house, case_id)
    await house.act([2])
    assert undo(house, case_id).actions == 1
    await house.act([3])
    assert [verb for verb, _ in house.platform.effects] == [Verb.HIDE, Verb.RESTORE]


async def test_what_was_hidden_by_the_machine_and_by_a_person_is_restored_once(house: House) -> None:
    case_id = await flagged(house)
    house.wish(1, Verb.HIDE)
    rule(house, case_id, Ruling.HIDE)
    await house.act([1, 2])
    assert undo(house, case_id).actions == 1


async def test_what_cannot_be_undone_is_said(house: House) -> None:
    case_id = await flagged(house)
    rule(house, case_id, Ruling.WARN, template="diagnosis_request")
    await house.act([1])
    assert undo(house, case_id).cannot == ("comment 1: answered cannot be undone by us",)


async def test_undoing_one_comment_leaves_the_others_and_the_case_as_they_are(house: House) -> None:
    case_id = await flagged(house, 3)
    rule(house, case_id, Ruling.HIDE, comment_id=1)
    rule(house, case_id, Ruling.HIDE, comment_id=2)
    rule(house, case_id, Ruling.MUTE, comment_id=3)
    await house.act([1, 2])
    assert undo(house, case_id, comment_id=2).actions == 1
    await house.act([4])
    assert [(row.comment_id, row.verb, row.state) for row in house.rows(action)] == [
        (1, Verb.HIDE, ActionState.DONE), (2, Verb.HIDE, ActionState.DONE),
        (3, Verb.MUTE, ActionState.PENDING), (2, Verb.RESTORE, ActionState.DONE),
    ]  # fmt: skip
    assert [row.undone_by for row in house.rows(ruling)] == [None, 4, None, None]
    assert house.rows(case)[0].state == CaseState.OPEN
    with pytest.raises(DeskError, match="Comment 9 is not in case"):
        undo(house, case_id, comment_id=9)


def undo_rule(house: House, label: Label = Label.HARASSMENT, by: Person = ASHA) -> list[Ruled]:
    """All that the rule did within a day."""
    now = house.clock.now()
    since = now - timedelta(days=1)
    return house.db.run_now(lambda tx: undoing.undo_rule(tx, house.engine, house.db.cipher, label, since, by, now))


async def test_undoing_a_rule_takes_back_its_own_of_the_time_asked_for_and_calls_off_the_rest(house: House) -> None:
    await flagged(house, 4)
    await house.act([house.wish(1, Verb.HIDE)])
    house.clock.advance(timedelta(days=2))
    await house.act([house.wish(2, Verb.HIDE), house.wish(2, Verb.MUTE, label=Label.SOLICITATION)])
    waits = house.wish(3, Verb.HIDE)
    assert [ruled.actions for ruled in undo_rule(house)] == [1, 0]
    assert [row.undo_of for row in house.rows(action) if row.verb == Verb.RESTORE] == [2]
    assert house.action(waits).state == ActionState.CANCELLED
    assert house.rows(case)[0].state == CaseState.OPEN
    assert undo_rule(house) == []


async def test_undoing_a_rule_leaves_alone_what_a_person_wanted_too(house: House) -> None:
    """The machine hid a first edit; a person read the second, and hid that."""
    await flagged(house)
    await house.act([house.wish(1, Verb.HIDE)])
    await house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted(text="worse"),), "d"))
    rule(house, 1, Ruling.HIDE)
    assert undo_rule(house) == []


async def test_undoing_a_rule_is_a_leads(house: House) -> None:
    with pytest.raises(DeskError, match="undo all that a rule did one must be lead"):
        undo_rule(house, by=BEN)
