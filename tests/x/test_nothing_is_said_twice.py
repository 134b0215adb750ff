"""What landed without an answer is found, over a restart too, and not said again."""

from pathlib import Path

import pytest

from bot.errors import Ambiguous
from bot.model import Verb
from bot.platforms.base import Observed
from bot.sandbox import faults
from bot.sandbox.faults import Fault
from bot.sandbox.x import X
from bot.x.memory import Memory
from bot.x.posts import Post, fingerprint
from tests.x.practice import ME, Connect, payload


def test_our_words_are_known_again_as_x_gives_them_back() -> None:
    assert fingerprint("See https://a.org/b & ask") == fingerprint("@u9 @clinic See https://t.co/xyz &amp; ask")
    assert fingerprint("Ask (www.clinic.example).") == fingerprint("@u9 Ask (https://t.co/xyz).")
    assert fingerprint("one thing") != fingerprint("another")


def test_what_was_said_is_remembered_over_a_restart_and_a_torn_line(tmp_path: Path) -> None:
    file = tmp_path / "memory.jsonl"
    first = Memory(file)
    first.intend("a", "17", "Our words")
    first.intend("b", "18", "Our words")
    first.landed("b", "30")
    with file.open("ab") as torn:
        torn.write(b'{"key": "c", "to"')
    again = Memory(file)
    again.intend("d", "19", "More")
    assert [Memory(file).said(key) is not None for key in "abcd"] == [True, True, False, True]
    mine = Post.model_validate(
        payload(id="31", text="@u9 Our words", referenced_tweets=[{"type": "replied_to", "id": "17"}])
    )
    other = mine.model_copy(update={"text": "Our patient Sam"})
    known = mine.model_copy(update={"id": "30", "text": "anything"})
    assert [again.is_the_bots(post) for post in (mine, other, known)] == [True, False, True]
    assert b"Our words" not in file.read_bytes()


@pytest.mark.parametrize("fault", [faults.RESET_AFTER, faults.HALF])
@pytest.mark.parametrize("verb", [Verb.REPLY, Verb.MESSAGE])
async def test_what_landed_without_an_answer_is_found_and_not_said_twice(
    connect: Connect, x: X, verb: Verb, fault: Fault
) -> None:
    async with connect() as practice:
        asked = await x.say("@clinic what is it?", reply_to=practice.post)
        order = practice.order("k", asked, "See www.clinic.example, or write to info@mail.clinic.example.")
        assert await practice.adapter.observe(verb, order) is Observed.NOT_DONE
        x.fail("POST", "*", fault)
        with pytest.raises(Ambiguous):
            await getattr(practice.adapter, verb.value)(order)
    async with connect() as practice:  # as after a crash
        assert await practice.adapter.observe(verb, practice.order("k", asked)) is Observed.DONE


async def test_what_did_not_land_is_not_found(connect: Connect, x: X) -> None:
    async with connect() as practice:
        asked = await x.say("@clinic what is it?", reply_to=practice.post)
        order = practice.order("k", asked, "Please ask your own doctor.")
        for fault in (faults.RESET, faults.HTML_503, faults.CLOSE):
            x.fail("POST", "/2/tweets", fault)
            with pytest.raises(Ambiguous):
                await practice.adapter.reply(order)
            assert await practice.adapter.observe(Verb.REPLY, order) is Observed.NOT_DONE
        await practice.adapter.reply(order)
    assert said_by_us(x) == 1


async def test_what_was_sent_before_is_not_taken_for_what_did_not_land(connect: Connect, x: X) -> None:
    async with connect() as practice:
        words = "Please ask your own doctor."
        await practice.adapter.message(practice.order("a month ago", "1", words))
        order = practice.order("k", "2", words)
        for fault, landed in ((faults.RESET, Observed.NOT_DONE), (faults.RESET_AFTER, Observed.DONE)):
            x.fail("POST", "*", fault)
            with pytest.raises(Ambiguous):
                await practice.adapter.message(order)
            assert await practice.adapter.observe(Verb.MESSAGE, order) is landed
    assert len(x.messages) == 2


async def test_a_lost_reply_is_not_found_in_another_that_differs_only_in_its_link(connect: Connect, x: X) -> None:
    async with connect() as practice:
        asked = await x.say("@clinic how do I book?", reply_to=practice.post)
        await practice.adapter.reply(practice.order("first", asked, "See https://clinic.example/old"))
        order = practice.order("k", asked, "See https://clinic.example/new")
        x.fail("POST", "/2/tweets", faults.RESET)
        with pytest.raises(Ambiguous):
            await practice.adapter.reply(order)
        assert await practice.adapter.observe(Verb.REPLY, order) is Observed.NOT_DONE


async def test_our_own_duplicate_is_our_earlier_reply(connect: Connect, x: X) -> None:
    async with connect() as practice:
        asked = await x.say("@clinic what is it?", reply_to=practice.post)
        order = practice.order("k", asked, "Please ask your own doctor.")
        x.fail("POST", "/2/tweets", faults.RESET_AFTER)
        with pytest.raises(Ambiguous):
            await practice.adapter.reply(order)
        await practice.adapter.reply(order)
        await practice.adapter.reply(practice.order("another", asked, "Please ask your own doctor."))
    assert said_by_us(x) == 1


def said_by_us(x: X) -> int:
    return sum(tweet.author_id == ME and tweet.answers is not None for tweet in x.tweets.values())
