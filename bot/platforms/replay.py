"""Replay: comments from a JSONL file, from standard input, or from a file that is still growing.

The smallest adapter, and the one to copy. A line is a comment:

    {"id": "17", "text": "…", "author": "u9", "name": "Sam", "thread": "post-1", "parent": null,
     "parent_post": "…", "at": "2026-03-01T09:00:00Z", "staff": false, "summoned": true}

Only `id` and `text` are needed. The same id with another text is an edit; `{"id": "17", "deleted": true}` says
that its author deleted it. What the bot does is appended to an outcomes file, a line a call, which `observe`
reads.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Annotated, Any, BinaryIO

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from bot.errors import ConfigError
from bot.model import (
    Author,
    AuthorKind,
    Batch,
    Capability,
    Comment,
    Event,
    Gap,
    Gone,
    Lane,
    Malformed,
    Posted,
    Target,
    Verb,
)
from bot.platforms import base

LONGEST_LINE = 1 << 20  # bytes; the longest comment of any platform is far below
BATCH_LINES = 200
UNDONE_BY = {Verb.HIDE: Verb.RESTORE, Verb.RESTORE: Verb.HIDE, Verb.MUTE: Verb.UNMUTE, Verb.UNMUTE: Verb.MUTE}


class Settings(base.Settings):
    path: Path = Field(description='the file to read; "-" is standard input, which is spooled to a file first')
    follow: bool = Field(True, description="wait for more at the end of the file, as `tail -f` does")
    outcomes: Path = Field(Path("outcomes.jsonl"), description="where what was done is appended, a line a call")
    hides_per_15_minutes: int | None = Field(None, ge=1, description="a rate limit to rehearse; none by default")
    pace_seconds: float = Field(0.0, ge=0, description="wait so long after each comment, to watch it live")


def _utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("beyond the calendar") from None


class _Line(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    id: str = Field(min_length=1, max_length=200, coerce_numbers_to_str=True)
    text: str = ""
    author: str = Field("", coerce_numbers_to_str=True)
    name: str = ""
    thread: str = Field("", coerce_numbers_to_str=True)
    parent: str | None = Field(None, coerce_numbers_to_str=True)
    parent_post: str | None = None
    at: Annotated[AwareDatetime, AfterValidator(_utc)] | None = None
    staff: bool = False
    bot: bool = False
    summoned: bool = True
    deleted: bool = False


class Adapter(base.Platform):
    call_seconds = 2.0

    def __init__(self, settings: Settings, around: base.Surroundings) -> None:
        self._settings, self._around = settings, around
        self._path, self._spooling = settings.path, None
        self._read = around.folder / "spool.read"  # what standard input held, once the store has it
        if str(settings.path) == "-":
            self._path = around.folder / "spool.jsonl"
            self._spooling = Thread(target=_spool, args=[self._path], daemon=True)  # it may wait for ever
        self._outcomes = settings.outcomes
        if settings.hides_per_15_minutes:
            self.lanes = (Lane("hide", settings.hides_per_15_minutes, 15 * 60),)

    @classmethod
    @asynccontextmanager
    async def connect(cls, settings: base.Settings, around: base.Surroundings) -> AsyncIterator["Adapter"]:
        adapter = cls(Settings.model_validate(settings), around)
        if adapter._spooling:
            adapter._spooling.start()
        yield adapter

    async def check(self) -> list[str]:
        if not (self._spooling or self._path.exists()):
            raise ConfigError(f"The file to replay, {self._path}, does not exist. Correct `path` of this account.")
        return [f"replays {self._path}", f"writes what it does to {self._outcomes}"]

    async def events(self, cursor: str | None) -> AsyncIterator[Batch]:
        """The cursor is "byte offset:line number". Standard input is deleted once the store has all of it."""
        offset, number = (int(part) for part in (cursor or "0:0").split(":"))
        while True:
            if self._read.exists():  # its cursor goes first: it would skip as much of what is spooled next
                offset, number = 0, 0
                yield Batch((), "0:0")
                self._read.unlink()
            if self._path.exists() and self._path.stat().st_size < offset:
                offset, number = 0, 0
                yield Batch((Gap("the file was replaced by a shorter one; reading it from its start"),), "0:0")
            growing = self._growing()
            lines, offset = await asyncio.to_thread(self._lines, offset, growing)
            events = [self._event(raw, number + ahead) for ahead, raw in enumerate(lines, 1) if raw.strip()]
            number += len(lines)
            if lines:
                yield Batch(tuple(events), f"{offset}:{number}")
                await self._around.clock.sleep(self._settings.pace_seconds * len(events))
            elif growing:
                await self._around.clock.sleep(0.2)
            elif self._spooling and self._path.exists():
                self._path.replace(self._read)
            else:
                return

    def capability(self, verb: Verb, target: Target, now: datetime) -> Capability:
        able = super().capability(verb, target, now)
        lane = "hide" if verb is Verb.HIDE and self.lanes else ""
        return Capability(able.ability, able.note, lane)

    async def observe(self, verb: Verb, order: base.Order) -> base.Observed:
        """A reply is found by its key; a state by the last line that speaks of it."""
        state = base.Observed.NOT_DONE
        for line in self._told():
            if line["comment"] != order.target.comment_id:
                continue
            if line["key"] == order.key or (line["verb"] == verb and verb in UNDONE_BY):
                state = base.Observed.DONE
            elif line["verb"] == UNDONE_BY.get(verb):
                state = base.Observed.NOT_DONE
        return state

    async def hide(self, order: base.Order) -> None:
        self._tell(Verb.HIDE, order)

    async def restore(self, order: base.Order) -> None:
        self._tell(Verb.RESTORE, order)

    async def delete(self, order: base.Order) -> None:
        self._tell(Verb.DELETE, order)

    async def reply(self, order: base.Order) -> None:
        self._tell(Verb.REPLY, order)

    async def mute(self, order: base.Order) -> None:
        self._tell(Verb.MUTE, order)

    async def unmute(self, order: base.Order) -> None:
        self._tell(Verb.UNMUTE, order)

    def _tell(self, verb: Verb, order: base.Order) -> None:
        said = {"text": order.text.words} if order.text else {}
        line = {"key": order.key, "verb": verb, "comment": order.target.comment_id, **said}
        self._outcomes.parent.mkdir(parents=True, exist_ok=True)
        with self._outcomes.open("a+b", buffering=0) as file:
            file.seek(max(file.tell() - 1, 0))
            torn = file.read(1) not in (b"", b"\n")  # by a power cut or a full disk
            file.write(b"\n" * torn + json.dumps(line, ensure_ascii=False).encode() + b"\n")

    def _told(self) -> Iterator[dict[str, Any]]:
        """What was done, as far as it was written whole: a torn line is of a call that nobody can vouch for."""
        if not self._outcomes.exists():
            return
        for line in self._outcomes.read_bytes().splitlines():  # of bytes: text has separators that JSON lets stand
            with suppress(ValueError):
                yield json.loads(line)

    def _growing(self) -> bool:
        return self._spooling.is_alive() if self._spooling else self._settings.follow

    def _lines(self, offset: int, growing: bool) -> tuple[list[bytes], int]:
        """Up to a batch of whole lines from `offset`; one that is too long comes cut, as it will be set aside."""
        lines: list[bytes] = []
        if not self._path.exists():
            return lines, offset
        limit = 1 if self._settings.pace_seconds else BATCH_LINES
        with self._path.open("rb") as file:
            file.seek(offset)
            while len(lines) < limit and (line := file.readline(LONGEST_LINE)):
                while len(line) >= LONGEST_LINE and not line.endswith(b"\n") and (more := file.readline(LONGEST_LINE)):
                    line = line[:LONGEST_LINE] + (b"\n" if more.endswith(b"\n") else b"")
                if not line.endswith(b"\n") and growing:
                    break  # still being written
                lines.append(line)
                offset = file.tell()
        return lines, offset

    def _event(self, raw: bytes, number: int) -> Event:
        position = f"line {number}"
        if len(raw) >= LONGEST_LINE:
            return Malformed(position, f"longer than {LONGEST_LINE} bytes", raw)
        try:
            line = _Line.model_validate(json.loads(raw.decode("utf-8-sig")))
        except UnicodeDecodeError:
            return Malformed(position, "not UTF-8", raw)
        except (ValueError, RecursionError) as error:
            return Malformed(position, _why(error), raw)
        if line.deleted:
            return Gone(line.id)
        if "text" not in line.model_fields_set:
            return Malformed(position, "no field 'text'", raw)
        return Posted(self._comment(line, number))

    def _comment(self, line: _Line, number: int) -> Comment:
        staff = line.staff or line.author in self._around.staff
        kind = AuthorKind.BOT if line.bot else AuthorKind.STAFF if staff else AuthorKind.PUBLIC
        author = line.author or f"line-{number}"
        return Comment(
            id=base.readable(line.id),
            text=base.readable(line.text),
            author=Author(base.readable(author), base.readable(line.name), kind),
            posted_at=line.at or self._around.clock.now(),
            thread=base.readable(line.thread),
            parent=base.readable(line.parent) if line.parent else None,
            parent_text=base.readable(line.parent_post) if line.parent_post else None,
            summoned=line.summoned,
        )


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        if first["loc"]:
            return f"field {'.'.join(str(part) for part in first['loc'])!r}: {first['type']}"
    return "not a JSON object"


def _spool(path: Path) -> None:
    """Keep standard input before anything is done with it: it cannot be read twice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)  # an older one too: it holds people's words in clear
    with path.open("a+b") as spool:
        if spool.tell() and not _ends_a_line(spool):
            spool.write(b"\n")  # an earlier run was cut off in the middle of one
        while piece := os.read(sys.stdin.fileno(), 1 << 16):  # not of `sys.stdin`: its lock would outlive the end
            spool.write(piece)
            spool.flush()
        os.fsync(spool.fileno())


def _ends_a_line(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
