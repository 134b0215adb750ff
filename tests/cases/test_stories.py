"""What is told of a case and of a comment."""

from sqlalchemy import insert

from bot.model import Batch, Mode
from bot.review.cases import Ruling
from bot.review.story import case_story, comment_story
from bot.store.tables import assessment
from tests.cases.desk import flagged, rule
from tests.support import PRACTICE, House, posted


async def test_a_ruling_is_done_by_the_worker_and_told_on_the_case(house: House) -> None:
    case_id = await flagged(house)
    rule(house, case_id, Ruling.HIDE)
    await house.act([1])
    story = house.db.read_now(lambda tx: case_story(tx, house.db.cipher, case_id))
    assert [told.outcome for told in story.comments[0].actions] == ["hidden"]
    assert "asha (lead): hide" in str(story.rulings[0])


async def test_a_story_is_masked_until_it_is_revealed(house: House) -> None:
    await house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted(text="call Sam now"),), "c"))
    spans = {"comment_id": 1, "model": "m", "probabilities": {}, "spans": [[5, 8, "person"]]}
    house.db.run_now(lambda tx: tx.execute(insert(assessment).values(spans)))
    masked = house.db.read_now(lambda tx: comment_story(tx, house.db.cipher, 1))
    plain = house.db.read_now(lambda tx: comment_story(tx, house.db.cipher, 1, reveal=True))
    assert (masked.text, plain.text) == ("call [PERSON] now", "call Sam now")
