"""X: what its payloads and errors become, what it can do, and that nothing it does wrong loses or repeats anything."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.app import App, running
from bot.clock import FastClock, StillClock, SystemClock
from bot.config import Config
from bot.errors import (
    Ambiguous,
    ConfigError,
    CredentialsRevoked,
    Later,
    PlatformError,
    QuotaSpent,
    Refused,
    Vanished,
)
from bot.model import (
    Ability,
    ActionState,
    Author,
    AuthorKind,
    Capability,
    Comment,
    Event,
    Gap,
    Gone,
    Malformed,
    Posted,
    Reason,
    Target,
    Verb,
)
from bot.platforms import base
from bot.platforms.base import Observed, Order
from bot.platforms.x import Adapter, Settings
from bot.sandbox import faults
from bot.sandbox.faults import Fault
from bot.sandbox.resolver import connector
from bot.sandbox.x import HALF_LINE, MISSING_TAG, USAGE_CAPPED, X
from bot.store.tables import account, action, audit, case
from bot.store.tables import comment as comment_table
from bot.x.errors import NO_MESSAGES, READ_ONLY, Duplicate, answer, error
from bot.x.memory import Budget, Ledger, Memory
from bot.x.posts import Post, comment, fingerprint
from classifiers.labels import Label
from tests.support import NOON, StubAssessor

ME = "1001"
AT = "2026-03-01T12:00:00.000Z"
PATIENCE = 20.0  # seconds until something that must happen is given up


def payload(**more: Any) -> dict[str, Any]:
    return {"id": "17", "text": "hello", "author_id": "9", "created_at": AT, "conversation_id": "5"} | more


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
    assert comment(Post.model_validate(sent), AuthorKind.PUBLIC, root=None, summoned=False) == becomes


def at(seconds: float) -> str:
    return str(int((NOON + timedelta(seconds=seconds)).timestamp()))


DUPLICATE = {"detail": "You are not allowed to create a Tweet with duplicate content."}
PROBLEMS = "https://api.twitter.com/2/problems/"
MAP: list[tuple[int, object, dict[str, str], type[PlatformError], type[PlatformError], timedelta | None]] = [
    # status, body, headers; what a wish becomes, what a creation becomes; when it may be tried again
    (400, {"title": "Invalid"}, {}, Refused, Refused, None),
    (401, {}, {}, CredentialsRevoked, CredentialsRevoked, None),
    (403, {"detail": "Forbidden"}, {}, Refused, Refused, None),
    (403, DUPLICATE, {}, Duplicate, Duplicate, None),
    (403, {"type": PROBLEMS + "oauth1-permissions"}, {}, Refused, Refused, None),
    (403, {"detail": "Your account is suspended and…"}, {}, CredentialsRevoked, CredentialsRevoked, None),
    (403, {"errors": [{"code": 326, "message": "…, this account is temporarily locked. Please log in"}]}, {},
     CredentialsRevoked, CredentialsRevoked, None),
    (404, {"type": PROBLEMS + "resource-not-found"}, {}, Vanished, Vanished, None),
    (409, {}, {}, Refused, Refused, None),
    (429, {}, {"x-rate-limit-reset": at(60)}, Later, Later, timedelta(seconds=60)),
    (429, {}, {"x-rate-limit-reset": "soon"}, Later, Later, timedelta(minutes=15)),
    (429, "<html>", {}, Later, Later, timedelta(minutes=15)),
    (429, {"type": PROBLEMS + "usage-capped"}, {}, QuotaSpent, QuotaSpent, timedelta(hours=12)),
    (
        429, {}, {"x-user-limit-24hour-remaining": "0", "x-user-limit-24hour-reset": at(3600)},
        QuotaSpent, QuotaSpent, timedelta(hours=1),
    ),
    (
        429, {}, {"x-app-limit-24hour-remaining": "0", "x-app-limit-24hour-reset": at(7200)},
        QuotaSpent, QuotaSpent, timedelta(hours=2),
    ),
    (500, {}, {}, Later, Ambiguous, timedelta(seconds=30)),
    (503, "<h1>Over capacity</h1>", {}, Later, Ambiguous, timedelta(seconds=30)),
    (0, None, {}, Later, Ambiguous, timedelta(seconds=5)),  # no answer, or none that can be read
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "headers", "wish", "creation", "again"), MAP)
def test_what_an_answer_means(
    status: int, body: object, headers: dict[str, str], wish: type, creation: type, again: timedelta | None
) -> None:
    told = answer(status, body, headers)
    wished = error(told, creates=False, now=NOON)
    assert type(wished) is wish
    assert type(error(told, creates=True, now=NOON)) is creation
    assert (wished.at - NOON if isinstance(wished, Later) else None) == again


def test_what_x_says_in_its_own_words_is_not_passed_on() -> None:
    told = answer(403, {"detail": "somebody wrote this", "type": "https://x.example/a sentence"}, {})
    assert str(error(told, creates=True, now=NOON)) == "X does not allow it (403)"


FORBIDDEN = [
    ({"type": PROBLEMS + "not-authorized-for-resource"}, "protected, suspended, or has blocked the account"),
    ({"type": PROBLEMS + "client-forbidden"}, "see that it is in a project"),
    (
        {"detail": "Reply to this conversation is not allowed because you have not been mentioned…"},
        "mentioned or quoted",
    ),
    ({"detail": "You attempted to reply to a Tweet that is deleted or not visible to you."}, "the post is deleted"),
    ({"detail": "You do not have permission to DM one or more participants."}, "takes no messages"),
    ({"type": "about:blank"}, "X does not allow it (403)"),
]


@pytest.mark.parametrize(("body", "why"), FORBIDDEN)
def test_a_refusal_says_why_in_our_own_words(body: dict[str, str], why: str) -> None:
    assert why in str(error(answer(403, body, {}), creates=True, now=NOON))


def test_a_clock_that_is_wrong_is_not_taken_for_wrong_keys() -> None:
    told = answer(401, {}, {"date": "Sun, 01 Mar 2026 12:00:00 GMT"})
    for minutes, how in ((-12, "12 minutes slow"), (12, "12 minutes fast")):
        wrong = error(told, creates=False, now=NOON, signed=NOON + timedelta(minutes=minutes))
        assert isinstance(wrong, Later)
        assert how in str(wrong)
    for date in ({}, {"date": "soon"}, {"date": "Sun, 01 Mar 2026 12:00:00 GMT"}):
        found = error(answer(401, {}, date), creates=False, now=NOON, signed=NOON + timedelta(minutes=1))
        assert isinstance(found, CredentialsRevoked)


def test_our_words_are_known_again_as_x_gives_them_back() -> None:
    assert fingerprint("See https://a.org/b & ask") == fingerprint("@u9 @clinic See https://t.co/xyz &amp; ask")
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


def test_a_days_budget_is_kept_over_a_restart_and_full_again_the_next_day(tmp_path: Path) -> None:
    clock, file = StillClock(NOON), tmp_path / "spent.json"
    ledger = Ledger(file, Budget(reads=10, posts=2, dollars=1.0), clock)
    ledger.spend(0.9, reads=9, posts=1)
    ledger = Ledger(file, Budget(reads=10, posts=2, dollars=1.0), clock)
    assert (ledger.may_read(), ledger.may_post(0.05), ledger.may_post(0.2)) == (True, True, False)
    ledger.spend(0.01, reads=1)
    assert not ledger.may_read()
    told = ["10 of 10 reads, 1 of 2 posts, $0.91 of $1.00 today (until midnight UTC)", ledger.slowed(1800)]
    assert ledger.standing(1800) == told
    for word in ("10 reads", "`reads_per_day`", "Until 2026-03-02 00:00 UTC", "every 30 minutes", "raise that limit"):
        assert word in ledger.slowed(1800)
    ledger.spend(0.1, posts=1)
    assert "replies and messages wait until 2026-03-02 00:00 UTC: no more than 2" in ledger.standing(1800)[-1]
    clock.advance(ledger.full_again() - clock.now())
    assert (ledger.may_read(), ledger.today.day) == (True, "2026-03-02")


# With the emulator.


@dataclass
class Words:
    words: str


@dataclass
class Practice:
    """An account on the emulator, and the adapter that works for it."""

    x: X
    adapter: Adapter
    post: str

    def order(self, key: str, id_: str, words: str | None = None, author: str = "2001", summoned: bool = True) -> Order:
        target = Target(id_, author, self.post, self.post, summoned, NOON)
        return Order(key, target, Words(words) if words else None)

    async def events(self, enough: Callable[[list[Event]], bool], cursor: str | None = None) -> list[Event]:
        """What is read until it is enough."""
        found: list[Event] = []

        async def read() -> None:
            async for batch in self.adapter.events(cursor):
                found.extend(batch.events)
                if enough(found):
                    return

        await asyncio.wait_for(read(), PATIENCE)
        return found


Connect = Callable[..., Any]


@pytest.fixture
async def x() -> AsyncIterator[X]:
    async with X(keep_alive=0.5) as x:
        yield x


@pytest.fixture
async def connect(x: X, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    for name, value in x.keys.environment("practice").items():
        monkeypatch.setenv(name, value)
    post = x.publish("Our opening hours")

    def make(clock: Any = None, staff: frozenset[str] = frozenset(), **settings: Any) -> Any:
        around = base.Surroundings(
            "practice", clock or SystemClock(), tmp_path / "x", staff, connector=lambda: connector(x)
        )
        quick = {"handle": "clinic", "poll_seconds": 0.3, "call_seconds": 2, "silence_seconds": 2, "stream": False}
        return _practice(Adapter.connect(Settings.model_validate(quick | settings), around), x, post)

    yield make


@asynccontextmanager
async def _practice(connection: AbstractAsyncContextManager[Adapter], x: X, post: str) -> AsyncIterator[Practice]:
    async with connection as adapter:
        yield Practice(x, adapter, post)


def posted(events: list[Event]) -> list[Comment]:
    return [event.comment for event in events if isinstance(event, Posted)]


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


@pytest.mark.parametrize("fault", [faults.RESET_AFTER, faults.HALF])
@pytest.mark.parametrize("verb", [Verb.REPLY, Verb.MESSAGE])
async def test_what_landed_without_an_answer_is_found_and_not_said_twice(
    connect: Connect, x: X, verb: Verb, fault: Fault
) -> None:
    async with connect() as practice:
        asked = await x.say("@clinic what is it?", reply_to=practice.post)
        order = practice.order("k", asked, "Please ask your own doctor.")
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


def said_by_us(x: X) -> int:
    return sum(tweet.author_id == ME and tweet.answers is not None for tweet in x.tweets.values())


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


async def test_wishes_are_fulfilled_and_taken_back(connect: Connect, x: X) -> None:
    async with connect() as practice:
        id_ = await x.say("awful", reply_to=practice.post)
        order, adapter = practice.order("k", id_), practice.adapter
        await adapter.hide(order)
        assert await adapter.observe(Verb.HIDE, order) is Observed.CANNOT_SAY
        await adapter.restore(order)
        await adapter.mute(order)
        assert await adapter.observe(Verb.MUTE, order) is Observed.DONE
        await adapter.unmute(order)
        assert await adapter.observe(Verb.MUTE, order) is Observed.NOT_DONE
        assert (x.hidden, x.muted) == (set(), set())
        x.delete(id_)
        assert await adapter.observe(Verb.HIDE, order) is Observed.GONE
        await adapter.delete(practice.order("d", practice.post, author=ME))
    assert practice.post not in x.tweets


async def test_a_comment_found_deleted_is_gone(connect: Connect, x: X) -> None:
    async with connect(recheck_seconds=0.4) as practice:
        one, other = [await x.say(f"@clinic {n}", reply_to=practice.post) for n in range(2)]
        x.delete(one)
        with pytest.raises(Vanished):
            await practice.adapter.hide(practice.order("k", one))
        events = await practice.events(lambda found: Gone(one) in found and len(posted(found)) == 2)
        x.delete(other)
        assert Gone(other) in await practice.events(lambda found: Gone(other) in found, None)
    assert Gone(one) in events


async def test_what_was_deleted_is_found_after_a_restart_too_and_when_it_is_due(connect: Connect, x: X) -> None:
    clock = StillClock(begun := datetime.now(UTC))
    cursor = ""
    async with connect(clock, staff=frozenset({"77"}), recheck_seconds=3600) as practice:
        ids = [await x.say(f"@clinic {author}", author=author, reply_to=practice.post) for author in ("9", "77")]
        async for batch in practice.adapter.events(None):
            cursor = batch.cursor
            break
    for each in ids:
        x.delete(each)
    clock.advance(timedelta(seconds=3595))
    async with connect(clock, recheck_seconds=3600) as practice:
        found = await practice.events(lambda found: len(found) == 2, cursor)
        assert clock.now() - begun >= timedelta(hours=1)
    assert set(found) == {Gone(each) for each in ids}


async def test_what_its_author_keeps_from_us_is_not_gone_and_hiding_it_says_why(connect: Connect, x: X) -> None:
    async with connect(recheck_seconds=0.4) as practice:
        kept, deleted = [await x.say(f"@Clinic {n}", author=n, reply_to=practice.post) for n in ("8", "9")]
        await practice.events(lambda found: len(posted(found)) == 3)
        x.protected.add("8")
        x.delete(deleted)
        with pytest.raises(Refused, match="protected, suspended, or has blocked"):
            await practice.adapter.hide(practice.order("k", kept))
        events = await practice.events(lambda found: Gone(deleted) in found)
    assert Gone(kept) not in events


async def test_what_x_says_before_it_ends_the_stream_is_logged(
    connect: Connect, x: X, caplog: pytest.LogCaptureFixture
) -> None:
    told = {"errors": [{"title": "operational-disconnect", "type": PROBLEMS + "operational-disconnect"}]}
    async with connect(stream=True, poll_seconds=1) as practice:
        reading = asyncio.create_task(practice.events(lambda found: len(posted(found)) == 2))
        while not x.streams:
            await asyncio.sleep(0.01)
        x.fail("SEND", "*", Fault(body=json.dumps(told) + "\r\n"))
        await x.say("@clinic hello", reply_to=practice.post)
        await reading
    (line,) = [record for record in caplog.records if record.message == "stream_told"]
    assert line.fields == {"category": "operational-disconnect"}  # type: ignore[attr-defined]


async def test_a_search_ends_with_the_days_budget_and_goes_on_the_next_day(connect: Connect, x: X) -> None:
    clock = FastClock(datetime.now(UTC).replace(hour=12), speed=50)
    async with connect(clock, search_seconds=20, reads_per_day=30, slow_seconds=20) as practice:
        middle = await x.say("one", author="7", reply_to=practice.post)
        ids = [await x.say(f"unseen {n}", author="8", reply_to=middle) for n in range(40)]
        events = practice.adapter.events(None)
        found: list[str] = []
        spent: list[int] = []
        async for batch in events:
            found += [c.id for c in posted(list(batch.events)) if c.id in ids]
            if any("the day's budget" in e.why for e in batch.events if isinstance(e, Gap)):
                spent.append(practice.adapter._ledger.today.reads)
                clock.advance(timedelta(days=1))
            if len(found) == 40:
                break
    assert spent[0] <= 40
    assert len(set(found)) == 40


def note_of(able: Capability) -> tuple[Ability, str]:
    return able.ability, able.lane


ABLE = [
    # verb, whether the author summoned us, whose, what it can
    (Verb.HIDE, False, "2001", (Ability.NATIVE, "hide")),
    (Verb.RESTORE, False, "2001", (Ability.NATIVE, "hide")),
    (Verb.HIDE, False, ME, (Ability.IMPOSSIBLE, "hide")),
    (Verb.REPLY, True, "2001", (Ability.NATIVE, "reply")),
    (Verb.REPLY, False, "2001", (Ability.IMPOSSIBLE, "reply")),
    (Verb.MESSAGE, False, "2001", (Ability.APPROXIMATE, "dm")),
    (Verb.MESSAGE, False, ME, (Ability.IMPOSSIBLE, "dm")),
    (Verb.MUTE, False, "2001", (Ability.APPROXIMATE, "mute")),
    (Verb.DELETE, False, "2001", (Ability.IMPOSSIBLE, "delete")),
    (Verb.DELETE, False, ME, (Ability.NATIVE, "delete")),
    (Verb.BAN, True, "2001", (Ability.IMPOSSIBLE, "")),
]


async def test_what_it_can_do(connect: Connect) -> None:
    async with connect() as practice:
        for verb, summoned, author, able in ABLE:
            target = Target("1", author, practice.post, summoned=summoned)
            capability = practice.adapter.capability(verb, target, NOON)
            assert note_of(capability) == able, verb
            assert capability.note or capability.ability is Ability.NATIVE
        limits = {lane.name: (lane.limit, lane.seconds) for lane in practice.adapter.lanes}
        assert limits == {"hide": (50, 900), "reply": (100, 900), "dm": (15, 900), "mute": (50, 900)} | {
            "unmute": (50, 900), "delete": (50, 900)}  # fmt: skip


async def test_no_message_is_tried_with_keys_that_may_send_none(connect: Connect, x: X) -> None:
    x.keys.level = "read-write"
    async with connect() as practice:
        target = Target("1", "2001", practice.post)
        with pytest.raises(Refused, match="may not do this"):
            await practice.adapter.message(practice.order("k", "1", "Our words"))
        assert any(NO_MESSAGES in line for line in await practice.adapter.check())
        assert practice.adapter.capability(Verb.MESSAGE, target, NOON).note == NO_MESSAGES
        assert practice.adapter.capability(Verb.HIDE, target, NOON).ability is Ability.NATIVE


async def test_a_hide_that_x_did_not_do_is_not_taken_for_done(connect: Connect, x: X) -> None:
    async with connect() as practice:
        id_ = await x.say("awful", reply_to=practice.post)
        x.fail("PUT", "*", Fault(body={"data": {"hidden": False}}))
        with pytest.raises(Refused, match="still shown"):
            await practice.adapter.hide(practice.order("k", id_))


async def test_what_stands_in_anothers_conversation_cannot_be_hidden(connect: Connect, x: X) -> None:
    async with connect() as practice:
        theirs = await x.say("my day", author="8")
        id_ = await x.say("@clinic is this right?", author="9", reply_to=theirs)
        await practice.events(lambda found: any(c.id == id_ for c in posted(found)))
        able = practice.adapter.capability(Verb.HIDE, Target(id_, "9", theirs), NOON)
    assert able.ability is Ability.IMPOSSIBLE
    assert "began" in able.note


async def test_the_lane_hears_what_x_says_is_left(connect: Connect, x: X) -> None:
    async with connect() as practice:
        id_ = await x.say("awful", reply_to=practice.post)
        await practice.adapter.hide(practice.order("k", id_))
        heard = practice.adapter.capability(Verb.HIDE, Target(id_, "2001", practice.post), NOON).heard
    assert heard is not None
    assert heard.left == 49


async def test_one_401_is_asked_about_again_and_only_then_believed(connect: Connect, x: X) -> None:
    async with connect() as practice:
        id_ = await x.say("awful", reply_to=practice.post)
        x.fail("PUT", "*", faults.UNAUTHORISED)
        with pytest.raises(Later):
            await practice.adapter.hide(practice.order("k", id_))
        x.keys.revoked = True
        with pytest.raises(CredentialsRevoked):
            await practice.adapter.hide(practice.order("k", id_))
        with pytest.raises(CredentialsRevoked):
            await practice.events(lambda found: False)


BROKEN = [faults.HTML_503, faults.RESET, faults.HALF, faults.CLOSE, Fault(body="[]"), Fault(status=403, body="null")]


@pytest.mark.parametrize("fault", BROKEN)
async def test_reading_goes_on_after_a_poll_that_failed(connect: Connect, x: X, fault: Fault) -> None:
    clock = FastClock(datetime.now(UTC), speed=50)
    async with connect(clock, own_seconds=0, search_seconds=0) as practice:
        id_ = await x.say("@clinic hello", reply_to=practice.post)
        x.fail("GET", "/2/users/*/mentions", fault)
        (event,) = posted(await practice.events(lambda found: bool(posted(found))))
    assert event.id == id_


async def test_a_post_that_cannot_be_read_is_set_aside_and_hides_no_other(connect: Connect, x: X) -> None:
    page = {"data": [payload(), {"id": "18", "text": "no author"}], "meta": {"result_count": 2}}
    async with connect(own_seconds=0, search_seconds=0) as practice:
        x.fail("GET", "/2/users/*/mentions", Fault(body=page))
        events = await practice.events(bool)
    aside = [event for event in events if isinstance(event, Malformed)]
    assert [(each.position, each.why) for each in aside] == [("post 18", "field 'author_id': missing")]
    assert [c.id for c in posted(events)] == ["17"]


LINES = [
    HALF_LINE, MISSING_TAG, faults.HANG, faults.RESET, faults.RESET_AFTER, faults.HALF, faults.CLOSE,
    Fault(body="\x00\xff\r\n"), Fault(body='{"errors":[{"title":"operational-disconnect"}]}\r\n'),
]  # fmt: skip


@pytest.mark.parametrize("fault", LINES)
async def test_no_fault_of_the_stream_loses_a_comment(connect: Connect, x: X, fault: Fault) -> None:
    async with connect(stream=True, poll_seconds=3) as practice:
        reading = asyncio.create_task(practice.events(lambda found: len(posted(found)) == 4))
        while not x.streams:
            await asyncio.sleep(0.01)
        x.fail("SEND", "*", fault)
        ids = [await x.say(f"@clinic {n}", reply_to=practice.post) for n in range(3)]
        assert {c.id for c in posted(await reading)} == {practice.post, *ids}


async def test_the_stream_comes_back_after_every_refusal(connect: Connect, x: X) -> None:
    for status in (409, 503):
        x.fail("GET", "/2/tweets/search/stream", Fault(status=status, body="<h1>"))
    async with connect(stream=True, poll_seconds=60) as practice:
        reading = asyncio.create_task(practice.events(lambda found: len(posted(found)) == 2))
        while not x.streams:
            await asyncio.sleep(0.01)
        await x.say("@clinic hello", reply_to=practice.post)
        assert len(posted(await reading)) == 2
        assert [rule["value"] for rule in x.rules.values()] == ["to:clinic"]


async def test_a_token_that_the_stream_refuses_is_told_and_polls_go_on(connect: Connect, x: X) -> None:
    x.fail("GET", "/2/tweets/search/stream*", faults.UNAUTHORISED, times=9)
    async with connect(stream=True) as practice:
        id_ = await x.say("@clinic hello", reply_to=practice.post)
        events = await practice.events(lambda found: len(posted(found)) == 2 and any(isinstance(e, Gap) for e in found))
    (gap,) = [e for e in events if isinstance(e, Gap)]
    assert "bearer token" in gap.why
    assert "by polls only" in gap.why
    assert id_ in {c.id for c in posted(events)}


async def test_when_the_budget_is_spent_it_slows_and_says_so(connect: Connect, x: X) -> None:
    async with connect(stream=True, reads_per_day=2, posts_per_day=0, slow_seconds=1) as practice:
        ids = [await x.say(f"@clinic {n}", reply_to=practice.post) for n in range(3)]
        events = await practice.events(lambda found: any(isinstance(e, Gap) for e in found))
        assert {c.id for c in posted(events)} == {practice.post, *ids}
        (gap,) = [e for e in events if isinstance(e, Gap)]
        assert "budget for X is spent" in gap.why
        late = await x.say("@clinic late", reply_to=practice.post)
        assert late in {
            c.id for c in posted(await practice.events(lambda found: any(c.id == late for c in posted(found))))
        }
        assert not x.streams
        with pytest.raises(QuotaSpent):
            await practice.adapter.reply(practice.order("k", late, "Our words"))
    assert not x.journal.calls("POST", "/2/tweets")


async def test_a_usage_cap_waits_for_the_next_day(connect: Connect, x: X) -> None:
    async with connect() as practice:
        id_ = await x.say("awful", reply_to=practice.post)
        x.fail("PUT", "*", USAGE_CAPPED)
        with pytest.raises(QuotaSpent) as caught:
            await practice.adapter.hide(practice.order("k", id_))
    assert caught.value.at.astimezone(UTC).hour == 0
    assert caught.value.at > datetime.now(UTC)


def test_missing_keys_are_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "API_SECRET", "ACCESS_TOKEN", "ACCESS_SECRET"):
        monkeypatch.setenv(f"CHAPERONE_X_ST_MARYS_{name}", "12-secret")
    around = base.Surroundings("st-marys", StillClock(NOON), tmp_path)

    async def enter() -> None:
        async with Adapter.connect(Settings(handle="clinic"), around):
            pass

    with pytest.raises(ConfigError, match="CHAPERONE_X_ST_MARYS_BEARER_TOKEN"):
        asyncio.run(enter())
    monkeypatch.setenv("CHAPERONE_X_ST_MARYS_ACCESS_TOKEN", "no number")
    with pytest.raises(ConfigError, match="CHAPERONE_X_ST_MARYS_ACCESS_TOKEN") as told:
        asyncio.run(enter())
    assert "no number" not in str(told.value)


def spoilt(**keys: Any) -> Callable[[X], None]:
    def spoil(x: X) -> None:
        for name, value in keys.items():
            setattr(x.keys, name, value)

    return spoil


CHECKED = [
    (spoilt(level="read"), Refused, READ_ONLY),
    (spoilt(api_secret="another"), CredentialsRevoked, "typed wrong, revoked or replaced"),
    (spoilt(revoked=True), CredentialsRevoked, "make new ones, put them into the environment and start again"),
    (spoilt(bearer="another"), CredentialsRevoked, "bearer token"),
    (spoilt(suspended=True), CredentialsRevoked, "log in at x.com and appeal"),
    (spoilt(ahead=720.0), Later, "12 minutes slow"),
    (spoilt(ahead=-720.0), Later, "12 minutes fast"),
]


@pytest.mark.parametrize(("spoil", "kind", "told"), CHECKED)
async def test_a_check_says_what_is_wrong_and_what_to_do(
    connect: Connect, x: X, spoil: Callable[[X], None], kind: type[PlatformError], told: str
) -> None:
    spoil(x)
    async with connect(stream=True) as practice:
        with pytest.raises(kind, match=re.escape(told)):
            await practice.adapter.check()


async def test_a_check_without_a_network_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with X() as x:
        for name, value in x.keys.environment("practice").items():
            monkeypatch.setenv(name, value)
    around = base.Surroundings("practice", SystemClock(), tmp_path, connector=lambda: connector(x))
    async with Adapter.connect(Settings(handle="clinic"), around) as adapter:
        with pytest.raises(Later, match="on the internet"):
            await adapter.check()


async def test_x_that_cannot_be_read_for_long_is_told_once_and_read_on_as_soon_as_it_can(
    connect: Connect, x: X
) -> None:
    clock = StillClock(datetime.now(UTC))
    x.fail("GET", "/2/users/*", faults.HTML_503, times=60)
    async with connect(clock, search_seconds=0, poll_seconds=120) as practice:
        id_ = await x.say("@clinic hello", reply_to=practice.post)
        events = await practice.events(lambda found: sum(isinstance(e, Gap) for e in found) == 2)
    away, back = [e.why for e in events if isinstance(e, Gap)]
    assert away.startswith("X cannot be read since ")
    assert back.startswith("X can be read again since ")
    assert id_ in {c.id for c in posted(events)}
    assert len(x.journal.calls("GET", "/2/users/*")) < 70


async def test_refused_keys_stop_their_account_alone_keep_its_queue_and_are_told(
    x: X, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in x.keys.environment("practice").items():
        monkeypatch.setenv(name, value)
    comments = tmp_path / "comments.jsonl"
    comments.write_text("")
    config = Config.model_validate(
        {
            "store": {"path": tmp_path / "db.sqlite3", "key_file": tmp_path / "db.key"},
            "accounts": [
                {"name": "practice", "platform": "x", "mode": "live", "settings": {"handle": "clinic"}},
                {"name": "other", "platform": "replay", "mode": "live", "settings": {
                    "path": comments, "outcomes": tmp_path / "outcomes.jsonl"}},
            ],
        }
    )  # fmt: skip
    post = x.publish("Our opening hours")
    assessor = StubAssessor({"awful": {Label.HARASSMENT: 0.99}})
    async with running(config, assessor, connector=lambda: connector(x)) as app, asyncio.TaskGroup() as group:
        group.create_task(app.run())
        while not x.streams:
            await asyncio.sleep(0.01)
        for method, path in (("PUT", "*"), ("GET", "/2/users/me")):  # and no poll, so that the comment surely arrives
            x.fail(method, path, faults.UNAUTHORISED, times=9)
        await x.say("awful", reply_to=post)
        while not (
            stopped := app.db.read_now(lambda tx: tx.execute(select(account).where(account.c.stopped_why != "")).all())
        ):
            await asyncio.sleep(0.05)
        comments.write_text('{"id": "1", "text": "awful", "author": "u"}\n')
        while not (tmp_path / "outcomes.jsonl").exists():
            await asyncio.sleep(0.05)
        app.stop()
        waits = app.db.read_now(lambda tx: tx.execute(select(action).where(action.c.account == "practice")).one())
        told = app.db.read_now(lambda tx: tx.execute(select(case).where(case.c.reason == Reason.STOPPED)).one())
    assert [row.name for row in stopped] == ["practice"]
    assert (waits.verb, waits.state) == (Verb.HIDE, ActionState.PENDING)
    assert (told.account, told.state) == ("practice", "open")
    assert "make new ones" in told.why


def rehearsed(folder: Path, **settings: Any) -> Config:
    """One live account of the emulator, whose polls are quick."""
    quick = {"poll_seconds": 20, "own_seconds": 60, "search_seconds": 60, "slow_seconds": 60, "recheck_seconds": 0}
    one = {"name": "practice", "platform": "x", "mode": "live", "settings": {"handle": "clinic"} | quick | settings}
    store = {"path": folder / "db.sqlite3", "key_file": folder / "db.key"}
    return Config.model_validate({"store": store, "accounts": [one]})


async def test_after_eight_hours_without_x_the_gap_is_filled_within_the_budget_oldest_first_and_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FastClock(NOON, speed=50)
    assessor = StubAssessor({"awful": {Label.HARASSMENT: 0.99}, "dying": {Label.CRISIS: 0.99}})
    async with X(clock, keep_alive=0.5) as x:
        for name, value in x.keys.environment("practice").items():
            monkeypatch.setenv(name, value)
        post = x.publish("Our opening hours")
        config = rehearsed(tmp_path, reads_per_day=70, own_seconds=600, search_seconds=600)
        async with (
            running(config, assessor, clock, connector=lambda: connector(x)) as app,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(app.run())
            while not x.streams or len(known(app)) < 1:
                await asyncio.sleep(0.01)
            mentioned, unmentioned, crises = await outage(x, clock, post)
            while not (mentioned <= set(known(app)) and any(why.startswith("the day's") for why in gaps(app))):
                await asyncio.sleep(0.05)
            spent = json.loads((tmp_path / "db.practice" / "x-spent.json").read_text())
            clock.advance(timedelta(hours=12))
            awful = {id_ for id_, tweet in x.tweets.items() if tweet.text.startswith("awful")}
            while not (mentioned | unmentioned <= set(known(app)) and awful <= x.hidden and await app.engine.idle()):
                await asyncio.sleep(0.05)
            app.stop()
            told = gaps(app)
            order = [each for each in known(app) if each in crises]
    assert spent["day"] == "2026-03-01"
    assert spent["reads"] <= 70 + len(mentioned)  # the mentions are read whatever the budget, each once
    assert order == crises
    assert x.hidden == awful
    assert len([call for call in x.journal.calls("PUT") if call.status == 200]) == len(awful)
    starts = ["X cannot be read since 2026-03-01", "X can be read again since 2026-03-01", "the day's budget"]
    assert [why[: len(start)] for why, start in zip(told, starts, strict=False)] == starts


async def outage(x: X, clock: FastClock, post: str) -> tuple[set[str], set[str], list[str]]:
    """Eight hours in which people write and X answers nobody: who mentions us, who does not, and the crises."""
    x.fail("*", "*", faults.HTML_503, times=10**6)
    for stream in list(x.streams):
        await stream.close()
    mentioned, unmentioned, crises = [], [], []
    for number in range(16):
        crisis = number in (3, 9)
        first = await x.say(f"{'dying' if crisis else 'awful'} {number}", author=f"{3000 + number}", reply_to=post)
        crises += [first] if crisis else []
        mentioned += [first, await x.say(f"fine {number}", author=f"{4000 + number}", reply_to=post)]
        unmentioned.append(await x.say(f"awful too {number}", author=f"{5000 + number}", reply_to=first))
        clock.advance(timedelta(minutes=30))
        await asyncio.sleep(0.1)
    x._faults.orders.clear()
    return set(mentioned), set(unmentioned), crises


def gaps(app: App) -> list[str]:
    """What a person was told of the reading, in order."""
    told = select(audit.c.detail).where(audit.c.what == "gap").order_by(audit.c.id)
    return [str(each) for each in app.db.read_now(lambda tx: tx.execute(told).scalars().all())]


def known(app: App) -> list[str]:
    """The comments in the store, in the order in which they came there."""
    ids = select(comment_table.c.external_id).order_by(comment_table.c.id)
    return list(app.db.read_now(lambda tx: tx.execute(ids).scalars().all()))
