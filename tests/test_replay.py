"""Replay: what each line becomes, and that no line is lost, whatever is in it and however the file grows."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.clock import StillClock
from bot.errors import ConfigError
from bot.model import Author, AuthorKind, Batch, Comment, Event, Gap, Gone, Malformed, Posted, Target, Verb
from bot.platforms.base import Observed, Order, Surroundings
from bot.platforms.replay import BATCH_LINES, LONGEST_LINE, Adapter, Settings
from bot.store.cipher import Cipher
from tests.support import KEY, NOON

CIPHER = Cipher([KEY])
NINE = datetime(2026, 3, 1, 9, tzinfo=UTC)
STAFF = frozenset({"dr-lee"})


def adapter(path: Path, clock: StillClock | None = None, **values: Any) -> Adapter:
    chosen = Settings(path=path, outcomes=path.with_name("outcomes.jsonl"), **({"follow": False} | values))
    return Adapter(chosen, Surroundings("practice", clock or StillClock(NOON), path.with_name("own"), STAFF))


async def batches(reader: Adapter, cursor: str | None = None) -> list[Batch]:
    return [batch async for batch in reader.events(cursor)]


async def read(path: Path, raw: bytes, cursor: str | None = None) -> list[Event]:
    """The events of a file that holds `raw`."""
    await asyncio.to_thread(path.write_bytes, raw)
    return [event for batch in await batches(adapter(path), cursor) for event in batch.events]


def comment(id_: str = "17", text: str = "hello", author: Author | None = None, **values: Any) -> Posted:
    filled: dict[str, Any] = {"posted_at": NOON, "summoned": True} | values
    return Posted(Comment(id_, text, author or Author("line-1"), **filled))


def malformed(why: str, line: bytes) -> Malformed:
    return Malformed("line 1", why, line)


GOLDEN: list[tuple[str, Event]] = [
    ('{"id": "17", "text": "hello"}', comment()),
    (
        '{"id": "17", "text": "hello", "author": "u9", "name": "Sam", "thread": "post-1", "parent": "16",'
        ' "parent_post": "Ask us", "at": "2026-03-01T10:00:00+01:00", "summoned": false, "extra": 1}',
        comment(
            author=Author("u9", "Sam"),
            thread="post-1",
            parent="16",
            parent_text="Ask us",
            posted_at=NINE,
            summoned=False,
        ),
    ),
    ('{"id": 17, "text": "hello", "author": 9, "thread": 1}', comment(author=Author("9"), thread="1")),
    ('{"id": "17", "text": ""}', comment(text="")),
    ('{"id": "17", "text": "hello", "staff": true}', comment(author=Author("line-1", kind=AuthorKind.STAFF))),
    (
        '{"id": "17", "text": "hello", "author": "dr-lee"}',
        comment(author=Author("dr-lee", kind=AuthorKind.STAFF)),
    ),
    (
        '{"id": "17", "text": "hello", "author": "dr-lee", "bot": true}',
        comment(author=Author("dr-lee", kind=AuthorKind.BOT)),
    ),
    ('{"id": "17", "deleted": true}', Gone("17")),
    ('{"id": "17", "text": "hello", "deleted": true}', Gone("17")),
    ('{"id": "17", "text": "a\\u0000b"}', comment(text="a\0b")),
    ('{"id": "17", "text": "שלום \u202e hello \u200b\u200d"}', comment(text="שלום \u202e hello \u200b\u200d")),
    ('{"id": "17", "text": "%s"}' % ("🦷" * 10_000), comment(text="🦷" * 10_000)),
    ('{"id": "17", "text": "cut off \\ud83e"}', comment(text="cut off \ufffd")),
    ('{"id": "17", "text": "whole \\ud83e\\uddb7"}', comment(text="whole 🦷")),
    ('\ufeff{"id": "17", "text": "hello"}', comment()),
    ('{"id": "17", "text": "hello", "at": "2026-03-01T09:00:00Z"}\r', comment(posted_at=NINE)),
]

SET_ASIDE: list[tuple[bytes, str]] = [
    (b'{"id": "17"}', "no field 'text'"),
    (b'{"text": "hello"}', "field 'id': missing"),
    (b'{"id": "", "text": "hello"}', "field 'id': string_too_short"),
    (b'{"id": "17", "text": null}', "field 'text': string_type"),
    (b'{"id": "17", "text": ["hello"]}', "field 'text': string_type"),
    (b'{"id": "17", "text": "hello", "at": "yesterday"}', "field 'at': datetime_from_date_parsing"),
    (b'{"id": "17", "text": "hello", "at": "2026-03-01T09:00:00"}', "field 'at': timezone_aware"),
    (b'{"id": "17", "text": "hello", "at": "0001-01-01T00:00:00+14:00"}', "field 'at': value_error"),
    (b'{"id": "17", "text": "hello", "staff": "perhaps"}', "field 'staff': bool_parsing"),
    (b'{"id": "17", "text": "hel', "not a JSON object"),
    (b"[]", "not a JSON object"),
    (b"hello", "not a JSON object"),
    (b"\x00\x00\x00", "not a JSON object"),
    (b"[" * 100_000, "not a JSON object"),
    (b'{"id": %s, "text": "hello"}' % (b"1" * 5_000), "not a JSON object"),
    (b'{"id": "17", "text": "caf\xe9"}', "not UTF-8"),
    (b"\xff\xfe\xfd", "not UTF-8"),
]


@pytest.mark.parametrize(("line", "event"), GOLDEN)
async def test_a_line_becomes_an_event(tmp_path: Path, line: str, event: Event) -> None:
    assert await read(tmp_path / "comments.jsonl", line.encode() + b"\n") == [event]


@pytest.mark.parametrize(("line", "why"), SET_ASIDE)
async def test_a_line_that_cannot_be_read_is_set_aside_with_its_reason(tmp_path: Path, line: bytes, why: str) -> None:
    raw = line + b"\n"
    assert await read(tmp_path / "comments.jsonl", raw) == [malformed(why, raw)]


async def test_nothing_that_was_written_stands_in_why_it_was_set_aside(tmp_path: Path) -> None:
    lines = [b'{"id": "17", "text": {"shingles": 1}}', b'{"id": {"shingles": 1}}', b'{"shingles": ', b"shingles"]
    events = await read(tmp_path / "comments.jsonl", b"\n".join(lines))
    for event in events:
        assert isinstance(event, Malformed)
        assert "shingles" not in event.why + repr(event)


@pytest.mark.parametrize("end", [b"\n", b""])
@pytest.mark.parametrize("size", [LONGEST_LINE, 2 * LONGEST_LINE, 5 * LONGEST_LINE // 2])
async def test_a_line_that_is_too_long_is_cut_and_set_aside_alone(tmp_path: Path, size: int, end: bytes) -> None:
    long = b'{"id": "2", "text": "%s"}' % (b"x" * size)
    first, second = b'{"id": "1", "text": "a"}\n', b'{"id": "3", "text": "b"}'
    raw = first + long + b"\n" + second + b"\n" + long + end
    events = await read(tmp_path / "comments.jsonl", raw)
    kinds = [type(event) for event in events]
    assert kinds == [Posted, Malformed, Posted, Malformed]
    for number, event in ((2, events[1]), (4, events[3])):
        assert isinstance(event, Malformed)
        assert (event.position, event.why) == (f"line {number}", f"longer than {LONGEST_LINE} bytes")
        assert len(event.raw) <= LONGEST_LINE + 1


async def test_blank_lines_are_passed_over_and_counted_as_lines(tmp_path: Path) -> None:
    events = await read(tmp_path / "comments.jsonl", b'\n  \n{"id": "1", "text": "a"}\n\nwrong\n')
    assert events[0] == comment("1", "a", Author("line-3"))
    assert isinstance(events[1], Malformed)
    assert events[1].position == "line 5"


# Any bytes at all.

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
fields = st.sampled_from(["id", "text", "author", "name", "thread", "parent", "parent_post", "at", "staff", "deleted"])
times = st.datetimes(timezones=st.timezones()).map(datetime.isoformat)
likely = st.fixed_dictionaries({"id": st.text(max_size=3), "text": st.text(st.characters(), max_size=9)})
wild = st.dictionaries(fields, anything | times, max_size=5)
lines = st.builds(lambda one, other: json.dumps(one | other).encode(), likely, wild) | st.binary(max_size=30)


@given(st.lists(lines | st.just(b""), max_size=8), st.sampled_from([b"", b"\n"]))
@settings(max_examples=150, deadline=None)
def test_every_line_is_posted_gone_or_set_aside(
    tmp_path_factory: pytest.TempPathFactory, raw: list[bytes], end: bytes
) -> None:
    content = b"\n".join(raw) + end
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    events = asyncio.run(read(path, content))
    assert len(events) == sum(bool(line.strip()) for line in content.split(b"\n"))
    for event in events:
        match event:
            case Posted(it):
                storable(it)
            case _:
                assert isinstance(event, Gone | Malformed)


def storable(it: Comment) -> None:
    """What the store does with a comment must not fail."""
    CIPHER.seal(asdict(it) | {"posted_at": None})
    CIPHER.keyed_hash(it.id, it.text, it.author.id, it.author.name, it.thread)
    assert it.posted_at.astimezone(UTC) == it.posted_at
    assert it.posted_at.tzinfo is UTC


@given(st.lists(lines, max_size=6), st.data())
@settings(max_examples=50, deadline=None)
def test_reading_goes_on_from_any_cursor(
    tmp_path_factory: pytest.TempPathFactory, raw: list[bytes], data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "resumed.jsonl"
    path.write_bytes(b"\n".join(raw))
    whole = asyncio.run(batches(adapter(path, pace_seconds=1.0)))  # a line a batch
    at = data.draw(st.integers(0, len(whole)))
    cursor = whole[at - 1].cursor if at else None
    rest = asyncio.run(batches(adapter(path, StillClock(NOON), pace_seconds=1.0), cursor))
    assert [shown(batch) for batch in rest] == [shown(batch) for batch in whole[at:]]


def shown(batch: Batch) -> tuple[str, list[str]]:
    """A batch without the times that the clock gave its comments."""
    return batch.cursor, [event.comment.id if isinstance(event, Posted) else repr(event) for event in batch.events]


# A file that lives.


async def test_a_long_file_comes_in_batches_with_a_cursor_each(tmp_path: Path) -> None:
    path = tmp_path / "comments.jsonl"
    raw = b"".join(b'{"id": "%d", "text": "a"}\n' % number for number in range(2 * BATCH_LINES + 1))
    path.write_bytes(raw)
    found = await batches(adapter(path))
    assert [len(batch.events) for batch in found] == [BATCH_LINES, BATCH_LINES, 1]
    assert found[-1].cursor == f"{len(raw)}:{2 * BATCH_LINES + 1}"
    assert await batches(adapter(path), found[-1].cursor) == []


def append(path: Path, raw: bytes) -> None:
    with path.open("ab") as file:
        file.write(raw)


async def looked(clock: StillClock) -> None:
    """Until the file was looked at once more, and nothing was found."""
    for _ in range(2):
        before = clock.now()
        while clock.now() == before:
            await asyncio.sleep(0)


def ids(batch: Batch) -> list[str]:
    return [event.comment.id for event in batch.events if isinstance(event, Posted)]


async def followed(path: Path, clock: StillClock) -> AsyncGenerator[Batch, None]:
    async for batch in adapter(path, clock, follow=True).events(None):
        yield batch


async def following(events: AsyncIterator[Batch]) -> Batch:
    return await anext(events)


async def test_a_growing_file_is_followed_and_half_a_line_waited_for(tmp_path: Path) -> None:
    path, clock = tmp_path / "comments.jsonl", StillClock(NOON)
    async with aclosing(followed(path, clock)) as events:
        coming = asyncio.create_task(following(events))
        await looked(clock)  # there is no file yet
        append(path, b'{"id": "1", "text": "a"}\n{"id": "2", "te')
        assert ids(await coming) == ["1"]
        coming = asyncio.create_task(following(events))
        await looked(clock)
        assert not coming.done()
        append(path, b'xt": "b"}\n')
        batch = await coming
        assert ids(batch) == ["2"]
        assert batch.cursor == f"{path.stat().st_size}:2"


async def test_a_long_line_being_written_is_waited_for(tmp_path: Path) -> None:
    path, clock = tmp_path / "comments.jsonl", StillClock(NOON)
    async with aclosing(followed(path, clock)) as events:
        append(path, b"x" * (LONGEST_LINE + 5))
        coming = asyncio.create_task(following(events))
        await looked(clock)
        assert not coming.done()
        append(path, b'x\n{"id": "2", "text": "b"}\n')
        batch = await coming
        assert isinstance(batch.events[0], Malformed)
        assert ids(batch) == ["2"]


async def test_a_file_replaced_by_a_shorter_one_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "comments.jsonl"
    await read(path, b'{"id": "1", "text": "a"}\n' * 3)
    (*_, last) = await batches(adapter(path))
    events = await read(path, b'{"id": "9", "text": "b"}\nwrong\n', last.cursor)
    assert isinstance(events[0], Gap)
    assert events[1] == comment("9", "b")
    assert isinstance(events[2], Malformed)
    assert events[2].position == "line 2"


async def test_a_file_replaced_while_it_is_followed_is_noticed(tmp_path: Path) -> None:
    path, clock = tmp_path / "comments.jsonl", StillClock(NOON)
    append(path, b'{"id": "1", "text": "a"}\n' * 2)
    async with aclosing(followed(path, clock)) as events:
        await anext(events)
        path.unlink()
        coming = asyncio.create_task(following(events))
        await looked(clock)
        append(path, b'{"id": "2", "text": "b"}\n')
        assert isinstance((await coming).events[0], Gap)
        assert ids(await anext(events)) == ["2"]


async def test_pace_is_kept_after_each_comment(tmp_path: Path) -> None:
    path, clock = tmp_path / "comments.jsonl", StillClock(NOON)
    path.write_bytes(b'{"id": "1", "text": "a"}\n{"id": "2", "text": "b"}\n')
    found = await batches(adapter(path, clock, pace_seconds=3.0))
    assert [ids(batch) for batch in found] == [["1"], ["2"]]
    assert clock.now() == NOON + timedelta(seconds=6)


async def test_a_file_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    missing = adapter(tmp_path / "comments.jsonl")
    with pytest.raises(ConfigError, match="does not exist"):
        await missing.check()
    assert await batches(missing) == []


# Standard input.


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """What is written to this descriptor is on standard input."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as file:
        monkeypatch.setattr(sys, "stdin", file)
        yield writing


async def spooled(folder: Path, cursor: str | None = None) -> AsyncGenerator[Batch, None]:
    around = Surroundings("practice", StillClock(NOON), folder)
    async with Adapter.connect(Settings(path=Path("-")), around) as reader:
        async for batch in reader.events(cursor):
            yield batch


async def test_standard_input_is_kept_as_it_comes_and_ends_when_it_ends(tmp_path: Path, stdin: int) -> None:
    async with aclosing(spooled(tmp_path / "own")) as events:
        os.write(stdin, b'{"id": "1", "text": "a"}\n{"id": "2",')
        assert ids(await anext(events)) == ["1"]
        assert (tmp_path / "own" / "spool.jsonl").stat().st_mode & 0o777 == 0o600
        os.write(stdin, b'"text": "b"}\n{"id": "3", "text": "no end of line"}')
        os.close(stdin)
        assert [id_ async for batch in events for id_ in ids(batch)] == ["2", "3"]


@pytest.mark.parametrize("half", [b"", b'{"id": "2", "te'])
async def test_a_second_run_goes_on_with_what_is_new_on_standard_input(tmp_path: Path, stdin: int, half: bytes) -> None:
    """Also where the first was cut off in the middle of a line, which was not read any more."""
    first = b'{"id": "1", "text": "a"}\n'
    append(tmp_path / "spool.jsonl", first + half)
    os.write(stdin, b'{"id": "2", "text": "b"}\n')
    os.close(stdin)
    found = [batch async for batch in spooled(tmp_path, f"{len(first)}:1")]
    assert [id_ for batch in found for id_ in ids(batch)] == ["2"]


@pytest.mark.parametrize("cursor", ["25:1", "0:0"])
async def test_a_run_that_was_cut_off_while_it_forgot_what_it_had_read_neither_repeats_nor_skips(
    tmp_path: Path, stdin: int, cursor: str
) -> None:
    append(tmp_path / "spool.read", b'{"id": "1", "text": "a"}\n')
    os.write(stdin, b'{"id": "2", "text": "b"}\n{"id": "3", "text": "c"}\n')
    os.close(stdin)
    found = [batch async for batch in spooled(tmp_path, cursor)]
    assert [id_ for batch in found for id_ in ids(batch)] == ["2", "3"]
    assert found[-1].cursor == "0:0"
    assert not any((tmp_path / name).exists() for name in ("spool.read", "spool.jsonl"))


STOPS_EARLY = """
import asyncio, sys
from pathlib import Path
from bot.clock import SystemClock
from bot.platforms.base import Surroundings
from bot.platforms.replay import Adapter, Settings

async def main():
    around = Surroundings("practice", SystemClock(), Path(sys.argv[1]))
    async with Adapter.connect(Settings(path=Path("-")), around) as reader:
        await anext(reader.events(None))

asyncio.run(main())
"""


def test_a_process_ends_in_order_while_standard_input_is_open(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STOPS_EARLY, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b'{"id": "1", "text": "a"}\n')
        process.stdin.flush()
        assert process.stderr.read() == b""
        assert process.wait() == 0


# What it does, and finds again.


def order(key: str = "k1", id_: str = "17") -> Order:
    return Order(key, Target(id_, "u1"))


async def test_a_state_is_observed_by_the_last_that_was_done(tmp_path: Path) -> None:
    reader = adapter(tmp_path / "comments.jsonl")
    assert await reader.observe(Verb.HIDE, order()) is Observed.NOT_DONE
    await reader.hide(order())
    assert await reader.observe(Verb.HIDE, order("k2")) is Observed.DONE
    assert await reader.observe(Verb.HIDE, order("k2", "18")) is Observed.NOT_DONE
    await reader.restore(order("k3"))
    assert await reader.observe(Verb.HIDE, order()) is Observed.NOT_DONE
    assert await reader.observe(Verb.RESTORE, order("k9")) is Observed.DONE
    assert await reader.observe(Verb.MUTE, order("k4")) is Observed.NOT_DONE


async def test_a_reply_is_observed_by_its_key(tmp_path: Path) -> None:
    reader = adapter(tmp_path / "comments.jsonl")
    await reader.reply(order("k1"))
    assert await reader.observe(Verb.REPLY, order("k1")) is Observed.DONE
    assert await reader.observe(Verb.REPLY, order("k2")) is Observed.NOT_DONE


async def test_a_torn_line_of_the_outcomes_hides_none_of_the_others(tmp_path: Path) -> None:
    reader = adapter(tmp_path / "comments.jsonl")
    await reader.hide(order("k1"))
    with (tmp_path / "outcomes.jsonl").open("ab") as outcomes:
        outcomes.write(b'{"key": "k2", "verb": "hi')
    assert await reader.observe(Verb.HIDE, order("k1")) is Observed.DONE
    await reader.reply(order("k3"))
    assert await reader.observe(Verb.REPLY, order("k3")) is Observed.DONE


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
@settings(max_examples=100, deadline=None)
def test_any_id_is_found_again(tmp_path_factory: pytest.TempPathFactory, id_: str) -> None:
    folder = tmp_path_factory.mktemp("ids")
    reader = adapter(folder / "comments.jsonl")
    asyncio.run(reader.hide(order("k1", id_)))
    assert asyncio.run(reader.observe(Verb.HIDE, order("k2", id_))) is Observed.DONE
