"""The desk: claims, rulings, undo, pauses; who may do what, and that nothing is ruled twice."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from bot.errors import DeskError, Refused
from bot.model import ActionState, Batch, CaseState, Gone, Mode, Reason, Role, Severity, Verb
from bot.review import cases
from bot.review.cases import Person, Ruling, Said
from bot.review.story import case_story, comment_story
from bot.store.queries import NewCase, put_in_case
from bot.store.tables import action, assessment, audit, case, ruling
from classifiers.labels import Label
from tests.support import NOON, PRACTICE, House, opened_store, posted

ASHA, BEN, CLEO = Person("asha", Role.LEAD), Person("ben", Role.MODERATOR), Person("cleo", Role.TRIAGE)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened_store(tmp_path) as db:
        yield House(db)


async def flagged(house: House, count: int = 1) -> int:
    """So many comments of one author in one open case."""
    batch = Batch(tuple(posted(str(number), f"text {number}") for number in range(1, count + 1)), "c")
    await house.inbox.receive(PRACTICE, house.mode, batch)
    new = NewCase("k", PRACTICE, Reason.FLAGGED, Label.HARASSMENT, "why", Severity.HIGH)
    for id_ in range(1, count + 1):
        found = house.db.run_now(lambda tx, id_=id_: put_in_case(tx, new, id_, NOON))  # type: ignore[misc]
    return found


def rule(house: House, case_id: int, what: Ruling, by: Person = ASHA, **said: object) -> cases.Ruled:
    it = Said(what, by, **said)  # type: ignore[arg-type]
    return house.db.run_now(lambda tx: cases.rule(tx, house.engine, house.db.cipher, case_id, it, house.clock.now()))


def undo(house: House, case_id: int, by: Person = ASHA, comment_id: int | None = None) -> cases.Ruled:
    now, cipher = house.clock.now(), house.db.cipher
    return house.db.run_now(lambda tx: cases.undo(tx, house.engine, cipher, case_id, by, now, comment_id=comment_id))


def claim(house: House, case_id: int, by: Person) -> None:
    house.db.run_now(lambda tx: cases.claim(tx, case_id, by, house.clock.now(), 10))


async def test_a_flood_is_one_case_and_one_ruling_does_all_of_it(house: House) -> None:
    case_id = await flagged(house, 30)
    assert house.rows(case)[0].comments == 30
    assert rule(house, case_id, Ruling.HIDE).actions == 30
    assert {row.verb for row in house.rows(action)} == {Verb.HIDE}
    assert house.rows(case)[0].state == CaseState.CLOSED


async def test_a_ruling_is_done_by_the_worker_and_told_on_the_case(house: House) -> None:
    case_id = await flagged(house)
    rule(house, case_id, Ruling.HIDE)
    await house.act([1])
    story = house.db.read_now(lambda tx: case_story(tx, house.db.cipher, case_id))
    assert [told.outcome for told in story.comments[0].actions] == ["hidden"]
    assert "asha (lead): hide" in str(story.rulings[0])


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


MAY = [
    (CLEO, Ruling.KEEP, True), (CLEO, Ruling.LABEL, True), (CLEO, Ruling.HIDE, False), (CLEO, Ruling.BAN, False),
    (BEN, Ruling.HIDE, True), (BEN, Ruling.MUTE, True), (BEN, Ruling.BAN, False), (BEN, Ruling.DELETE, False),
    (ASHA, Ruling.BAN, True), (ASHA, Ruling.DELETE, True),
]  # fmt: skip


@pytest.mark.parametrize(("who", "what", "may"), MAY, ids=[f"{who.role} {what}" for who, what, _ in MAY])
async def test_who_may_rule_what(house: House, who: Person, what: Ruling, may: bool) -> None:
    case_id = await flagged(house)
    if may:
        rule(house, case_id, what, who)
        return
    with pytest.raises(DeskError, match=f"cleo is triage|ben is moderator; to {what}"):
        rule(house, case_id, what, who)
    assert not house.rows(ruling)


async def test_a_label_corrects_and_leaves_the_case_open(house: House) -> None:
    case_id = await flagged(house)
    rule(house, case_id, Ruling.LABEL, labels=(Label.SOLICITATION,))
    assert house.rows(ruling)[0].labels == ["solicitation"]
    assert house.rows(case)[0].state == CaseState.OPEN


async def test_why_a_ruling_was_made_is_kept_encrypted(house: House) -> None:
    case_id = await flagged(house)
    rule(house, case_id, Ruling.KEEP, why="she is his sister")
    row = house.rows(ruling)[0]
    assert b"sister" not in row.words
    assert house.db.cipher.open(row.words) == "she is his sister"


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


async def test_a_persons_ruling_follows_the_accounts_mode_of_now(house: House) -> None:
    """The comment was seen in shadow; the account went live; a person decides now."""
    await house.inbox.receive(PRACTICE, Mode.SHADOW, Batch((posted(),), "c"))
    new = NewCase("k", PRACTICE, Reason.FLAGGED, Label.HARASSMENT, "why", Severity.HIGH)
    case_id = house.db.run_now(lambda tx: put_in_case(tx, new, 1, NOON))
    rule(house, case_id, Ruling.HIDE)
    await house.act([1])
    assert [verb for verb, _ in house.platform.effects] == [Verb.HIDE]


async def test_a_comment_its_author_deleted_is_not_ruled_on(house: House) -> None:
    case_id = await flagged(house, 2)
    await house.inbox.receive(PRACTICE, Mode.LIVE, Batch((Gone("1"),), "d"))
    ruled = rule(house, case_id, Ruling.HIDE)
    assert (ruled.actions, ruled.cannot) == (1, ("comment 1: it was deleted on the platform",))


async def test_a_ruling_on_one_comment_leaves_the_case_open(house: House) -> None:
    case_id = await flagged(house, 2)
    assert rule(house, case_id, Ruling.HIDE, comment_id=2).actions == 1
    assert house.rows(case)[0].state == CaseState.OPEN
    with pytest.raises(DeskError, match="Comment 9 is not in case"):
        rule(house, case_id, Ruling.HIDE, comment_id=9)


async def test_pausing_is_a_moderators_and_resuming_a_leads(house: House) -> None:
    house.db.run_now(lambda tx: cases.set_pause(tx, PRACTICE, Label.HARASSMENT, BEN, NOON))
    with pytest.raises(DeskError, match="to resume one must be lead"):
        house.db.run_now(lambda tx: cases.lift_pause(tx, PRACTICE, Label.HARASSMENT, BEN, NOON))
    assert house.db.run_now(lambda tx: cases.lift_pause(tx, PRACTICE, Label.HARASSMENT, ASHA, NOON))
    assert not house.db.run_now(lambda tx: cases.lift_pause(tx, PRACTICE, Label.HARASSMENT, ASHA, NOON))


async def test_everything_a_person_did_stands_in_the_audit(house: House) -> None:
    case_id = await flagged(house)
    claim(house, case_id, ASHA)
    rule(house, case_id, Ruling.HIDE)
    undo(house, case_id)
    rows = house.db.read_now(lambda tx: tx.execute(select(audit.c.what).where(audit.c.actor == "asha")).scalars().all())
    assert rows == ["claimed", "ruled", "case_closed", "ruled"]


async def test_a_story_is_masked_until_it_is_revealed(house: House) -> None:
    await house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted(text="call Sam now"),), "c"))
    spans = {"comment_id": 1, "model": "m", "probabilities": {}, "spans": [[5, 8, "person"]]}
    house.db.run_now(lambda tx: tx.execute(insert(assessment).values(spans)))
    masked = house.db.read_now(lambda tx: comment_story(tx, house.db.cipher, 1))
    plain = house.db.read_now(lambda tx: comment_story(tx, house.db.cipher, 1, reveal=True))
    assert (masked.text, plain.text) == ("call [PERSON] now", "call Sam now")


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


def undo_rule(house: House, label: Label = Label.HARASSMENT, by: Person = ASHA) -> list[cases.Ruled]:
    """All that the rule did within a day."""
    now = house.clock.now()
    since = now - timedelta(days=1)
    return house.db.run_now(lambda tx: cases.undo_rule(tx, house.engine, house.db.cipher, label, since, by, now))


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
