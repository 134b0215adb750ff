"""The emulator of X, tried with the unmodified tweepy: what a real X would refuse, it refuses."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
import pytest
import tweepy
from tweepy.asynchronous import AsyncClient

from bot.clock import StillClock
from bot.sandbox.resolver import connector
from bot.sandbox.x import X
from bot.sandbox.x_limits import WINDOW
from bot.x.posts import TWEET_FIELDS
from tests.support import NOON


@pytest.fixture
def clock() -> StillClock:
    return StillClock(NOON)


@pytest.fixture
async def x(clock: StillClock) -> AsyncIterator[X]:
    async with X(clock) as x:
        yield x


@pytest.fixture
async def tweets(x: X) -> AsyncIterator[AsyncClient]:
    client = AsyncClient(
        x.keys.bearer, x.keys.api_key, x.keys.api_secret, x.keys.token, x.keys.token_secret, return_type=dict
    )
    async with aiohttp.ClientSession(connector=connector(x)) as client.session:
        yield client


@pytest.mark.parametrize("spoilt", ["consumer_key", "consumer_secret", "access_token", "access_token_secret"])
async def test_every_part_of_a_signature_counts(tweets: AsyncClient, spoilt: str) -> None:
    assert (await tweets.get_me())["data"]["username"] == "clinic"
    setattr(tweets, spoilt, "1001-wrong")
    with pytest.raises(tweepy.Unauthorized):
        await tweets.get_me()


async def test_a_signature_is_for_its_own_call_and_for_once(tweets: AsyncClient, x: X) -> None:
    session, headers = tweets.session, []

    class Listening:
        def request(self, method: str, url: object, **kept: object) -> object:
            headers.append(kept["headers"])
            return session.request(method, url, **kept)

    tweets.session = Listening()
    await tweets.get_me()
    for path in ("/2/users/me", "/2/users/1001/muting"):
        async with session.get(f"https://api.twitter.com{path}", headers=headers[0]) as again:
            assert again.status == 401


async def test_a_bearer_token_reads_and_does_not_act(tweets: AsyncClient, x: X) -> None:
    post = x.publish("hello")
    assert (await tweets.get_tweets([post]))["data"][0]["text"] == "hello"
    with pytest.raises(tweepy.Unauthorized):
        await tweets.hide_reply(post, user_auth=False)
    tweets.bearer_token = "wrong"
    with pytest.raises(tweepy.Unauthorized):
        await tweets.get_tweets([post])


async def test_keys_for_reading_only_are_told_so(tweets: AsyncClient, x: X) -> None:
    x.keys.level = "read"
    await tweets.get_me()
    with pytest.raises(tweepy.Forbidden, match="oauth1 app permissions"):
        await tweets.mute("7")


async def test_keys_without_messages_send_none_and_a_suspended_account_does_nothing(tweets: AsyncClient, x: X) -> None:
    x.keys.level = "read-write"
    await tweets.mute("7")
    with pytest.raises(tweepy.Forbidden, match="oauth1 app permissions"):
        await tweets.create_direct_message(participant_id="7", text="hi")
    x.keys.suspended = True
    with pytest.raises(tweepy.Forbidden, match="account is suspended"):
        await tweets.get_me()


async def test_a_signature_of_another_time_is_refused_with_the_time_that_is(tweets: AsyncClient, x: X) -> None:
    x.keys.ahead = 720.0
    with pytest.raises(tweepy.Unauthorized) as caught:
        await tweets.get_me()
    said = parsedate_to_datetime(caught.value.response.headers["Date"])
    assert timedelta(minutes=11) < said - datetime.now(UTC) < timedelta(minutes=13)


async def test_a_window_has_its_limit_says_so_and_begins_anew(tweets: AsyncClient, x: X, clock: StillClock) -> None:
    id_ = await x.say("awful", reply_to=x.publish("hello"))
    tweets.return_type = aiohttp.ClientResponse
    told = [(await tweets.hide_reply(id_)).headers["x-rate-limit-remaining"] for _ in range(50)]
    assert told == [str(left) for left in range(49, -1, -1)]
    clock.advance(timedelta(minutes=14))
    with pytest.raises(tweepy.TooManyRequests) as caught:
        await tweets.unhide_reply(id_)
    assert caught.value.reset_time == int((NOON + WINDOW).timestamp())
    clock.advance(timedelta(minutes=1))
    await tweets.unhide_reply(id_)
    assert not x.hidden


async def test_only_replies_in_the_accounts_own_conversations_are_hidden(tweets: AsyncClient, x: X) -> None:
    own, theirs = x.publish("hello"), await x.say("my day")
    for id_ in (own, theirs, await x.say("@clinic look", reply_to=theirs)):
        with pytest.raises(tweepy.Forbidden):
            await tweets.hide_reply(id_)
    id_ = await x.say("awful", reply_to=own)
    for _ in range(2):
        assert (await tweets.hide_reply(id_))["data"] == {"hidden": True}
    x.delete(id_)
    with pytest.raises(tweepy.NotFound):
        await tweets.hide_reply(id_)


async def test_only_who_mentioned_or_quoted_us_is_answered_and_never_twice_the_same(tweets: AsyncClient, x: X) -> None:
    post = x.publish("hello")
    with pytest.raises(tweepy.Forbidden, match="not been mentioned"):
        await tweets.create_tweet(text="hi", in_reply_to_tweet_id=await x.say("well", reply_to=post))
    for id_ in (await x.say("@clinic well", reply_to=post), await x.say("look", quotes=post)):
        await tweets.create_tweet(text="hi", in_reply_to_tweet_id=id_)
        with pytest.raises(tweepy.Forbidden, match="duplicate content"):
            await tweets.create_tweet(text="hi", in_reply_to_tweet_id=id_)
        await tweets.create_tweet(text="hi again", in_reply_to_tweet_id=id_)


async def test_messages_arrive_where_they_are_taken(tweets: AsyncClient, x: X) -> None:
    x.closed.add("8")
    await tweets.create_direct_message(participant_id="7", text="hi")
    with pytest.raises(tweepy.Forbidden):
        await tweets.create_direct_message(participant_id="8", text="hi")
    assert x.messages == [("7", "hi")]
    events = await tweets.get_direct_message_events(participant_id="7", user_auth=True)
    assert [each["text"] for each in events["data"]] == ["hi"]


async def test_pages_are_the_newest_first_and_hold_every_mention_once(tweets: AsyncClient, x: X) -> None:
    post = x.publish("hello")
    ids = [await x.say(f"{n}", reply_to=post) for n in range(12)]
    seen, token, pages = [], None, 0
    while token is not None or not pages:
        params = {"max_results": 5, "since_id": ids[0]} | ({"pagination_token": token} if token else {})
        page = await tweets.get_users_mentions(x.me, user_auth=True, **params)
        seen += [each["id"] for each in page["data"]]
        token, pages = page["meta"].get("next_token"), pages + 1
    assert (seen, pages) == (ids[:0:-1], 3)


async def test_only_the_fields_that_were_asked_for_are_handed_out(tweets: AsyncClient, x: X) -> None:
    id_ = await x.say("@clinic well", reply_to=x.publish("hello"))
    (bare,) = (await tweets.get_tweets([id_]))["data"]
    (full,) = (await tweets.get_tweets([id_], tweet_fields=TWEET_FIELDS))["data"]
    assert bare.keys() == {"id", "text", "edit_history_tweet_ids"}
    assert full.keys() == {*TWEET_FIELDS, "id", "text"} - {"note_tweet"}


async def test_an_edit_is_a_new_id_and_what_is_deleted_is_an_error_beside_the_rest(tweets: AsyncClient, x: X) -> None:
    post = x.publish("hello")
    old, other = await x.say("wrnog", reply_to=post), await x.say("else", reply_to=post)
    new = await x.edit(old, "wrong")
    mentions = await tweets.get_users_mentions(x.me, user_auth=True)
    assert [(each["id"], each["edit_history_tweet_ids"]) for each in mentions["data"]] == [
        (new, [old, new]),
        (other, [other]),
    ]
    x.delete(other)
    page = await tweets.get_tweets([new, other])
    assert [each["id"] for each in page["data"]] == [new]
    assert page["errors"][0]["type"].endswith("/resource-not-found")


async def test_a_post_is_edited_five_times_within_an_hour(x: X, clock: StillClock) -> None:
    old = x.publish("hello")
    for number in range(5):
        old = await x.edit(old, f"hello {number}")
    with pytest.raises(ValueError, match="five edits"):
        await x.edit(old, "once more")
    late = x.publish("another")
    clock.advance(timedelta(minutes=61))
    with pytest.raises(ValueError, match="within an hour"):
        await x.edit(late, "too late")


async def test_what_is_kept_from_the_account_is_not_said_to_be_gone(tweets: AsyncClient, x: X) -> None:
    id_ = await x.say("@Clinic hello", author="8", reply_to=x.publish("hello"))
    x.protected.add("8")
    page = await tweets.get_tweets([id_])
    assert [each["type"].rpartition("/")[2] for each in page["errors"]] == ["not-authorized-for-resource"]
    assert "data" not in await tweets.get_users_mentions(x.me, user_auth=True)


async def test_the_search_knows_conversations_and_reaches_back_seven_days(
    tweets: AsyncClient, x: X, clock: StillClock
) -> None:
    post, other = x.publish("hello"), x.publish("more")
    ids = [await x.say("a", reply_to=post), await x.say("b", reply_to=other)]
    query = f"(conversation_id:{post} OR conversation_id:{other}) -from:clinic"
    found = await tweets.search_recent_tweets(query, user_auth=True)
    assert [each["id"] for each in found["data"]] == ids[::-1]
    clock.advance(timedelta(days=8))
    with pytest.raises(tweepy.BadRequest):
        await tweets.search_recent_tweets(query, user_auth=True, since_id=post)


async def test_there_is_one_stream_and_it_follows_the_rules(tweets: AsyncClient, x: X) -> None:
    post = x.publish("hello")
    headers = {"Authorization": f"Bearer {x.keys.bearer}"}
    url = "https://api.twitter.com/2/tweets/search/stream"
    rules = {"add": [{"value": "to:clinic", "tag": "ours"}]}
    async with tweets.session.post(f"{url}/rules", json=rules, headers=headers) as added:
        assert added.status == 201
    again = {"add": [{"value": "to:clinic", "tag": "another"}]}
    async with tweets.session.post(f"{url}/rules", json=again, headers=headers) as refused:
        assert (await refused.json())["errors"][0]["title"] == "DuplicateRule"
    async with tweets.session.get(url, headers=headers) as stream:
        async with tweets.session.get(url, headers=headers) as second:
            assert second.status == 429
        await x.say("of something else", author="8")
        await x.say("awful", reply_to=post)
        line = await stream.content.readline()
    assert b'"text": "awful"' in line
    assert b'"tag": "ours"' in line
