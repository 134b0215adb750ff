"""Inbox: what arrives is written down once, sealed, with its cursor; and forgotten when its author deletes it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from bot.errors import StoreUnavailable
from bot.inbox import KEPT_OF_MALFORMED, Inbox, Received
from bot.model import (
    ActionState,
    Author,
    AuthorKind,
    Batch,
    CaseState,
    Comment,
    CommentState,
    Event,
    Gap,
    Gone,
    Malformed,
    Mode,
    Posted,
    Reason,
    Severity,
    Verb,
)
from bot.platforms.base import Surroundings
from bot.platforms.replay import Adapter, Settings
from bot.store.engine.port import Queue
from bot.store.queries import NewCase, opened, put_in_case, stored_cursor
from bot.store.tables import action, audit, case, comment, job, set_aside
from tests.support import NOON, PRACTICE, House, opened_store, posted


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened_store(tmp_path) as db:
        yield House(db)


async def receive(house: House, *events: Event, cursor: str = "c", account: str = PRACTICE) -> Received:
    return await house.inbox.receive(account, Mode.LIVE, Batch(events, cursor))


def texts(house: House) -> list[str | None]:
    """The words of each comment, in the order they were written down; None where they were forgotten."""
    bodies = [opened(house.db.cipher, row.body) for row in house.rows(comment)]
    return [body.text if body else None for body in bodies]


def cursor(house: House, account: str = PRACTICE) -> str | None:
    return house.db.read_now(lambda tx: stored_cursor(tx, account))


def everything(house: House) -> list[object]:
    tables = (comment, action, case, audit, job, set_aside)
    return [house.rows(table) for table in tables]


async def test_a_comment_is_written_down_sealed_and_asked_to_be_classified(house: House) -> None:
    event = posted("17", "I have shingles", thread="t1", parent="16", parent_text="ask us", url="https://example.org")
    assert await receive(house, event, cursor="after 17") == Received(comments=1)
    (row,) = house.rows(comment)
    body = opened(house.db.cipher, row.body)
    assert body is not None
    assert (body.text, body.author_id, body.author_name) == ("I have shingles", "u1", "Sam")
    assert (body.parent_text, body.url) == ("ask us", "https://example.org")
    assert (row.external_id, row.edit, row.state, row.mode) == ("17", 0, CommentState.RECEIVED, Mode.LIVE)
    assert (row.thread, row.parent, row.posted_at, row.seen_at) == ("t1", "16", NOON, NOON)
    assert [(each.queue, each.ref) for each in house.rows(job)] == [(Queue.CLASSIFY, row.id)]
    assert [(each.what, each.comment_id) for each in house.rows(audit)] == [("received", row.id)]
    assert cursor(house) == "after 17"


def test_no_word_lies_open_in_the_file(tmp_path: Path) -> None:
    said = Comment("1", "I have shingles", Author("author-4711", "Samantha Q"), NOON, parent_text="shingles?")
    with opened_store(tmp_path) as db:
        asyncio.run(receive(House(db), Posted(said), Malformed("line 2", "why", b'{"text": "my shingles')))
    files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"received" in files
    for word in (b"shingles", b"author-4711", b"Samantha"):
        assert word not in files


async def test_a_second_reading_adds_nothing(house: House) -> None:
    events = (
        posted("1", "a"),
        posted("2", "b"),
        posted("2", "b, mended"),
        Malformed("line 4", "why", b"x"),
        posted("3", "c"),
        Gone("3"),
        Gap("who knows"),
    )
    first = await receive(house, *events)
    assert first == Received(comments=3, edits=1, gone=1, set_aside=1)
    before = everything(house)
    assert await receive(house, *events) == Received(known=4)
    assert everything(house) == before


async def test_the_same_twice_in_one_batch_is_one(house: House) -> None:
    assert await receive(house, posted("1", "a"), posted("1", "a")) == Received(comments=1, known=1)


async def test_an_edit_is_written_beside_what_it_changed(house: House) -> None:
    await receive(house, posted("1", "a"))
    assert await receive(house, posted("1", "b")) == Received(edits=1)
    assert await receive(house, posted("1", "a")) == Received(edits=1)
    assert [(row.edit, row.state) for row in house.rows(comment)] == [(n, CommentState.RECEIVED) for n in range(3)]
    assert texts(house) == ["a", "b", "a"]
    assert [row.ref for row in house.rows(job)] == [1, 2, 3]


async def test_accounts_do_not_share_ids(house: House) -> None:
    await receive(house, posted("1", "a"), cursor="one")
    assert await receive(house, posted("1", "a"), cursor="two", account="other") == Received(comments=1)
    assert (cursor(house), cursor(house, "other")) == ("one", "two")
    keys = {row.author_key for row in house.rows(comment)}
    assert len(keys) == 2  # who writes to two accounts is not joined by us


async def test_what_we_wrote_ourselves_is_kept_and_never_classified(house: House) -> None:
    events = [posted(str(number), "hello", kind) for number, kind in enumerate(AuthorKind)]
    await receive(house, *events)
    rows = {row.author_kind: row for row in house.rows(comment)}
    assert rows[AuthorKind.BOT].state == CommentState.SETTLED
    assert {each.ref for each in house.rows(job)} == {rows[AuthorKind.PUBLIC].id, rows[AuthorKind.STAFF].id}


# Gone.


def in_case(house: House, *comment_ids: int, closed: bool = False) -> int:
    new = NewCase(f"k{closed}", PRACTICE, Reason.FLAGGED, None, "why", Severity.NORMAL, closed=closed)
    ids = {house.db.run_now(lambda tx, one=one: put_in_case(tx, new, one, NOON)) for one in comment_ids}  # type: ignore[misc]
    (id_,) = ids
    return id_


async def test_what_its_author_deleted_is_forgotten_in_every_edit(house: House) -> None:
    await receive(house, posted("1", "a"), posted("1", "b"), posted("2", "c"))
    assert await receive(house, Gone("1")) == Received(gone=1)
    assert texts(house) == [None, None, "c"]
    assert [row.state for row in house.rows(comment)] == [CommentState.GONE, CommentState.GONE, CommentState.RECEIVED]
    assert [row.comment_id for row in house.rows(audit) if row.what == "gone"] == [1, 2]


async def test_what_its_author_deleted_is_not_kept_in_the_answers_to_it(house: House) -> None:
    await receive(house, posted("1", "a"), posted("2", "b", parent="1", parent_text="a"))
    await receive(house, Gone("1"))
    body = opened(house.db.cipher, house.rows(comment)[1].body)
    assert body is not None
    assert (body.text, body.parent_text) == ("b", None)


async def test_what_its_author_deleted_is_not_kept_in_what_was_typed_in_reply(house: House) -> None:
    await receive(house, posted("1", "a"))
    said = house.wish(1, Verb.REPLY, state=ActionState.DONE, words=house.db.cipher.seal("typed"))
    await receive(house, Gone("1"))
    assert house.action(said).words is None


async def test_what_was_not_known_cannot_be_gone(house: House) -> None:
    assert await receive(house, Gone("1"), Gone("1"), cursor="next") == Received()
    assert cursor(house) == "next"


async def test_a_case_closes_when_nothing_is_left_in_it(house: House) -> None:
    await receive(house, posted("1", "a"), posted("2", "b"))
    id_ = in_case(house, 1, 2)
    await receive(house, Gone("1"))
    assert [row.state for row in house.rows(case)] == [CaseState.OPEN]
    await receive(house, Gone("2"))
    (row,) = house.rows(case)
    assert (row.id, row.state, row.closed_by, row.closed_at) == (id_, CaseState.CLOSED, "its author", NOON)
    assert [each.case_id for each in house.rows(audit) if each.what == "case_closed"] == [id_]


async def test_a_case_that_nobody_needs_to_rule_stays_as_it_is(house: House) -> None:
    await receive(house, posted("1", "a"))
    in_case(house, 1, closed=True)
    await receive(house, Gone("1"))
    assert [row.state for row in house.rows(case)] == [CaseState.ACTED]


async def test_what_was_not_sent_yet_is_called_off(house: House) -> None:
    await receive(house, posted("1", "a"))
    waiting, sent = house.wish(1, Verb.HIDE), house.wish(1, Verb.MUTE, key="sent", state=ActionState.SENDING)
    await receive(house, Gone("1"))
    assert house.action(waiting).state == ActionState.CANCELLED
    assert house.action(sent).state == ActionState.SENDING
    row = house.comment(1)
    assert (row.state, row.actions_open) == (CommentState.GONE, 1)


async def test_events_count_in_their_order(house: House) -> None:
    await receive(house, posted("1", "a"))
    assert await receive(house, Gone("1"), posted("1", "b")) == Received(edits=1, gone=1)
    assert [row.state for row in house.rows(comment)] == [CommentState.GONE, CommentState.RECEIVED]
    assert texts(house) == [None, "b"]


# Set aside, and gaps.


async def test_what_cannot_be_read_is_kept_sealed_and_counted_once(house: House) -> None:
    raw = b"\xff" + b"x" * (2 * KEPT_OF_MALFORMED)
    assert await receive(house, Malformed("line 7", "not UTF-8", raw)) == Received(set_aside=1)
    assert await receive(house, Malformed("line 7", "not UTF-8", raw)) == Received()
    (row,) = house.rows(set_aside)
    assert (row.account, row.position, row.why, row.at) == (PRACTICE, "line 7", "not UTF-8", NOON)
    assert house.db.cipher.open_bytes(row.words) == raw[:KEPT_OF_MALFORMED]


async def test_what_stands_in_the_same_place_later_is_kept_too(house: House) -> None:
    """A file that was replaced has a seventh line again."""
    await receive(house, Malformed("line 7", "why", b"x"))
    assert await receive(house, Malformed("line 7", "why", b"y")) == Received(set_aside=1)


async def test_a_gap_is_a_case_and_stays_one_which_says_what_is_wrong_now(house: House) -> None:
    await receive(house, Gap("the file was replaced"))
    await receive(house, Gap("again"))
    (row,) = house.rows(case)
    assert (row.reason, row.state, row.why, row.comments) == (Reason.GAP, CaseState.OPEN, "again", 0)


# All or nothing.


async def test_a_batch_that_cannot_be_written_leaves_nothing_and_the_cursor(house: House) -> None:
    await receive(house, posted("1", "a"), cursor="first")
    before = everything(house)
    pages = house.db.read_now(lambda tx: tx.exec_driver_sql("PRAGMA page_count").scalar_one())
    await house.db.run(lambda tx: tx.exec_driver_sql(f"PRAGMA max_page_count = {pages}").close())
    with pytest.raises(StoreUnavailable):
        await receive(house, posted("2", "b"), Gone("1"), posted("3", "c" * 100_000), cursor="second")
    assert everything(house) == before
    assert cursor(house) == "first"


def recorded(folder: Path, *more: bytes) -> Path:
    path = folder / "comments.jsonl"
    lines = [b'{"id": "%d", "text": "hello %d"}' % (n % 280, n % 280) for n in range(300)]
    path.write_bytes(b"\n".join([*lines, b"broken", *more]))
    return path


async def test_a_second_run_over_a_file_adds_nothing(tmp_path: Path, house: House) -> None:
    path = recorded(tmp_path, b'{"id": "5", "deleted": true}')
    assert await run(house.inbox, path, None) == {"comments": 280, "known": 20, "set_aside": 1, "gone": 1}
    before = everything(house)
    assert await run(house.inbox, path, cursor(house)) == {}
    assert everything(house) == before


async def test_a_file_read_from_its_start_again_adds_nothing(tmp_path: Path, house: House) -> None:
    path = recorded(tmp_path)
    await run(house.inbox, path, None)
    before = everything(house)
    assert await run(house.inbox, path, None) == {"known": 300}
    assert everything(house) == before


async def test_what_is_there_again_is_looked_at_again(house: House) -> None:
    await receive(house, posted("1", "a"))
    await receive(house, Gone("1"))
    assert await receive(house, posted("1", "a")) == Received(edits=1)
    assert [row.state for row in house.rows(comment)] == [CommentState.GONE, CommentState.RECEIVED]


async def run(inbox: Inbox, path: Path, cursor: str | None) -> dict[str, int]:
    """Read the file through the inbox; what that added, in all."""
    counts: dict[str, int] = {}
    around = Surroundings(PRACTICE, inbox._clock, path.with_name("own"))
    async with Adapter.connect(Settings(path=path, follow=False), around) as adapter:
        async for batch in adapter.events(cursor):
            received = await inbox.receive(PRACTICE, Mode.LIVE, batch)
            for name in Received.__slots__:
                counts[name] = counts.get(name, 0) + getattr(received, name)
    return {name: count for name, count in counts.items() if count}


events = st.one_of(
    st.builds(posted, st.sampled_from("123"), st.sampled_from("ab"), st.sampled_from(AuthorKind)),
    st.builds(Gone, st.sampled_from("1234")),
    st.builds(Malformed, st.sampled_from(["line 1", "line 2"]), st.just("why"), st.binary(max_size=2)),
    st.builds(Gap, st.just("why")),
)


def forget_all(tx: Connection) -> None:
    for table in (case, job, set_aside, comment):
        tx.execute(table.delete())


@given(st.lists(st.lists(events, max_size=6), max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_newest_of_each_comment_is_what_the_platform_said_last(
    house: House, batches: list[list[Event]]
) -> None:
    last: dict[str, str | None] = {}
    await house.db.run(forget_all)
    for batch in batches:
        await receive(house, *batch)
        before = everything(house)
        assert (await receive(house, *batch)).comments == 0
        assert everything(house) == before
        for event in batch:
            if isinstance(event, Posted):
                last[event.comment.id] = event.comment.text
            elif isinstance(event, Gone) and event.id in last:
                last[event.id] = None
    found = {row.external_id: text for row, text in zip(house.rows(comment), texts(house), strict=True)}
    assert found == last
