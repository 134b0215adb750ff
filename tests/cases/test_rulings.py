"""Who may rule what, and what follows from it."""

import pytest

from bot.errors import DeskError
from bot.model import Batch, CaseState, Gone, Mode, Reason, Severity, Verb
from bot.review.cases import Person, Ruling
from bot.store.queries import NewCase, put_in_case
from bot.store.tables import action, case, ruling
from classifiers.labels import Label
from tests.cases.desk import ASHA, BEN, CLEO, flagged, rule
from tests.support import NOON, PRACTICE, House, posted


async def test_a_flood_is_one_case_and_one_ruling_does_all_of_it(house: House) -> None:
    case_id = await flagged(house, 30)
    assert house.rows(case)[0].comments == 30
    assert rule(house, case_id, Ruling.HIDE).actions == 30
    assert {row.verb for row in house.rows(action)} == {Verb.HIDE}
    assert house.rows(case)[0].state == CaseState.CLOSED


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
