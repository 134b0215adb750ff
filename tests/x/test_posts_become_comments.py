"""What a post of X becomes, whose it is, and where it is found."""

from typing import Any

import pytest

from bot.errors import Ambiguous
from bot.model import Author, AuthorKind, Comment, Malformed
from bot.sandbox import faults
from bot.sandbox.faults import Fault
from bot.sandbox.x import X
from bot.x.posts import Post, comment
from tests.support import NOON
from tests.x.practice import ME, Connect, payload, posted


def expected(**more: Any) -> Comment:
    values: dict[str, Any] = {
        "id": "17", "text": "hello", "author": Author("9"), "posted_at": NOON, "thread": "5",
        "url": "https://x.com/i/web/status/17",
    } | more  # fmt: skip
    return Comment(**values)


GOLDEN = [
    (payload(), expected()),
    (payload(text="I &lt;3 you &amp; all"), expected(text="I <3 you & all")),
    (payload(note_tweet={"text": "a long one, whole"}, text="a long…"), expected(text="a long one, whole")),
    (payload(text="\ud83d"), expected(text="�")),
    (payload(referenced_tweets=[{"type": "replied_to", "id": "5"}]), expected(parent="5")),
    (payload(conversation_id=""), expected(thread="17")),
    (
        payload(id="19", edit_history_tweet_ids=["17", "18", "19"], text="edited"),
        expected(text="edited", url="https://x.com/i/web/status/19"),
    ),
    (payload(attachments={"x": 1}, public_metrics={}), expected()),
]


@pytest.mark.parametrize(("sent", "becomes"), GOLDEN)
def test_what_a_post_becomes(sent: dict[str, Any], becomes: Comment) -> None:
    post = Post.model_validate(sent)
    assert comment(post, AuthorKind.PUBLIC, parent=post.answers, parent_text=None, summoned=False) == becomes


async def test_replies_come_with_the_post_they_stand_under(connect: Connect, x: X) -> None:
    async with connect() as practice:
        id_ = await x.say("@clinic a question", reply_to=practice.post)
        own, said = posted(await practice.events(lambda found: len(posted(found)) == 2))
    assert (own.id, own.author.kind, own.parent_text) == (practice.post, AuthorKind.STAFF, None)
    assert (said.id, said.thread, said.parent, said.parent_text) == (
        id_,
        practice.post,
        practice.post,
        "Our opening hours",
    )
    assert said.summoned


async def test_an_edit_is_the_same_comment_and_the_call_names_its_newest_id(connect: Connect, x: X) -> None:
    async with connect() as practice:
        first = await x.say("awful", reply_to=practice.post)
        await practice.events(lambda found: len(posted(found)) == 2)
        newest = await x.edit(first, "awful, really")
        *_, edited = posted(
            await practice.events(lambda found: any(c.text != "awful" and c.id == first for c in posted(found)))
        )
        assert (edited.id, edited.text) == (first, "awful, really")
        await practice.adapter.hide(practice.order("k", first))
    assert x.journal.calls("PUT")[0].path == f"/2/tweets/{newest}/hidden"
    assert x.hidden == {first, newest}


async def test_an_answer_to_any_edit_answers_the_comment(connect: Connect, x: X) -> None:
    async with connect(staff=frozenset({"77"})) as practice:
        first = await x.say("@clinic I have it", reply_to=practice.post)
        middle = await x.edit(first, "@clinic I have had it")
        await x.say("@clinic so sorry", author="77", reply_to=middle)
        await x.edit(middle, "@clinic I have had it for years")
        comments = posted(await practice.events(lambda found: len(posted(found)) == 3))
    assert {c.author.id: c.parent for c in comments} == {ME: None, "2001": practice.post, "77": first}


@pytest.mark.parametrize("author", [ME, "8"])
async def test_anothers_words_are_kept_only_with_what_answers_them(connect: Connect, x: X, author: str) -> None:
    async with connect() as practice:
        root = await x.say("I have lupus", author=author)
        answer = await x.say("@clinic can you help?", author="9", reply_to=root)
        await x.say("@clinic indeed?", author="10", reply_to=answer)
        comments = posted(await practice.events(lambda found: {"9", "10"} <= {c.author.id for c in posted(found)}))
    words = {c.author.id: c.parent_text for c in comments}
    assert (words["9"], words["10"]) == ("I have lupus", "I have lupus" if author == ME else None)


async def test_a_reply_that_mentions_nobody_is_found_by_search(connect: Connect, x: X) -> None:
    async with connect(search_seconds=0.3) as practice:
        middle = await x.say("one", author="7", reply_to=practice.post)
        id_ = await x.say("a word between two others", author="8", reply_to=middle)
        found = posted(await practice.events(lambda found: any(c.id == id_ for c in posted(found))))
    assert {c.id for c in found} == {practice.post, middle, id_}


async def test_what_the_bot_said_is_the_bots_and_what_a_colleague_said_is_staff(connect: Connect, x: X) -> None:
    async with connect(staff=frozenset({"77"})) as practice:
        asked = await x.say("@clinic what is it?", reply_to=practice.post)
        await practice.adapter.reply(practice.order("k", asked, "Please ask your own doctor."))
        x.fail("POST", "/2/tweets", faults.RESET_AFTER)
        with pytest.raises(Ambiguous):
            await practice.adapter.reply(practice.order("m", asked, "More words."))
        typed = x._put("@u2001 come by, Sam", ME, x.tweets[asked]).id
        colleague = await x.say("@clinic indeed", author="77", reply_to=practice.post)
        events = await practice.events(lambda found: len(posted(found)) == 6)
    kinds = {c.id: c.author.kind for c in posted(events)}
    assert (kinds[typed], kinds[colleague], kinds[asked]) == (AuthorKind.STAFF, AuthorKind.STAFF, AuthorKind.PUBLIC)
    assert sorted(kinds.values()).count(AuthorKind.BOT) == 2


async def test_a_post_that_cannot_be_read_is_set_aside_and_hides_no_other(connect: Connect, x: X) -> None:
    page = {"data": [payload(), {"id": "18", "text": "no author"}], "meta": {"result_count": 2}}
    async with connect(own_seconds=0, search_seconds=0) as practice:
        x.fail("GET", "/2/users/*/mentions", Fault(body=page))
        events = await practice.events(bool)
    aside = [event for event in events if isinstance(event, Malformed)]
    assert [(each.position, each.why) for each in aside] == [("post 18", "field 'author_id': missing")]
    assert [c.id for c in posted(events)] == ["17"]
