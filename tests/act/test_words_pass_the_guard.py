"""What is said in public, and our copy of what others said."""

from bot.model import ActionState, Batch, Mode, Reason, Verb
from bot.store.tables import action, case
from tests.act.acting import asked, worked_off
from tests.support import PRACTICE, TEMPLATES, House, posted


async def test_a_template_is_said_as_it_is_written(house: House) -> None:
    await house.act([asked(house, Verb.REPLY)])
    ((_, order),) = house.platform.calls
    assert order.text is not None
    assert order.text.words in TEMPLATES.all_words()


async def test_words_that_the_guard_does_not_let_pass_are_not_said(house: House) -> None:
    typed = house.db.cipher.seal("Thank you for your visit, Sam")
    row = await worked_off(house, asked(house, Verb.REPLY, template=None, words=typed))
    assert row.state == ActionState.REFUSED
    assert "Sam" not in row.note
    assert house.platform.calls == []
    assert [each.reason for each in house.rows(case)] == [Reason.REFUSED]


async def test_typed_words_that_repeat_the_commenter_are_refused_at_sending_too(house: House) -> None:
    told = posted("2", "I have psoriasis and nobody helps")
    await house.inbox.receive(PRACTICE, Mode.LIVE, Batch((told,), "d"))
    typed = house.db.cipher.seal("Psoriasis is no laughing matter")
    for comment_id in (1, 2):
        await worked_off(house, house.wish(comment_id, Verb.REPLY, words=typed))
    assert [row.state for row in house.rows(action)] == [ActionState.DONE, ActionState.REFUSED]


async def test_our_copy_is_handed_over_to_restore_and_for_nothing_else(house: House) -> None:
    for verb in (Verb.HIDE, Verb.RESTORE):
        await house.act([asked(house, verb)])
    copies = {verb: order.copy for verb, order in house.platform.calls}
    assert copies == {Verb.HIDE: None, Verb.RESTORE: "a"}
    assert "copy" not in repr(house.platform.calls)
