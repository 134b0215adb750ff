"""Reading X: the poll of the mentions as the floor, our own timeline, searches for what mentions nobody, the stream.

Everything read is turned into batches for the inbox. The cursor holds how far each poll came; lines of the stream do
not move it, so that the poll reads them once more, and nothing is lost between a line and the store.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from bot.clock import Clock
from bot.errors import Ambiguous, CredentialsRevoked, Later, PlatformError
from bot.model import Batch, Event, Gap, Gone, Posted
from bot.x.conversations import Conversations
from bot.x.errors import SOON
from bot.x.ledger import Ledger
from bot.x.live import NO_STREAM, Item, Live, Sign
from bot.x.plan import Marks, Plan, Poll
from bot.x.polls import Polls
from bot.x.posts import Line, Post

log = logging.getLogger("chaperone.x")

LINES_AT_ONCE = 200
LASTING = timedelta(minutes=20)  # a poll that fails for so long is told to a person; longer than a rate window
_LAST = datetime.max.replace(tzinfo=UTC)


class Reader:
    def __init__(
        self, polls: Polls, live: Live, conversations: Conversations, ledger: Ledger, plan: Plan, clock: Clock,
        stream: Callable[[bool], None],
    ) -> None:  # fmt: skip
        """`stream` is called with whether the stream is wanted now."""
        self._polls, self._live, self._conversations, self._ledger = polls, live, conversations, ledger
        self._plan, self._clock, self._stream = plan, clock, stream
        self._told: set[str] = set()  # troubles that a person was told of already
        self._due: dict[Poll, datetime] = {}
        self._failing: dict[Poll, tuple[datetime, int]] = {}  # since when, and how often

    async def batches(self, cursor: str | None) -> AsyncIterator[Batch]:
        now = self._clock.now()
        stored, marks = cursor, Marks.read(cursor, now, self._plan.look_back)
        self._conversations.begin(marks.recent)
        self._due = {poll: now for poll, seconds in self._plan.every.items() if seconds}
        if Poll.RECHECK in self._due:
            self._due[Poll.RECHECK] = marks.recheck_at(self._plan.every[Poll.RECHECK])
        try:
            while True:
                events = self._mind_the_budget()
                for poll in self._due_now():
                    found, marks = await self._tried(poll, marks)
                    events += found
                marks = self._remembering(marks)
                if events or marks.written() != stored:
                    stored = marks.written()
                    yield Batch(tuple(_oldest_first(events)), stored)
                if (lines := await self._lines()) and (events := await self._from_the_stream(lines)):
                    marks = self._remembering(marks)
                    stored = marks.written()
                    yield Batch(tuple(events), stored)
        finally:
            self._stream(False)  # X takes money for what nobody reads, too

    def _remembering(self, marks: Marks) -> Marks:
        return replace(marks, recent=tuple(self._conversations.recent))

    def _mind_the_budget(self) -> list[Event]:
        """The stream runs only while the day's budget lasts; the polls go on, ever so slowly."""
        spent = not self._ledger.may_read()
        self._stream(not spent)
        if not spent:
            self._told.discard("budget")
            return []
        return self._tell("budget", self._ledger.slowed(self._plan.slow_seconds))

    def _due_now(self) -> Iterator[Poll]:
        """One after the other: each may spend what is left of the day's budget."""
        for poll, at in list(self._due.items()):
            if at <= self._clock.now() and (poll is Poll.MENTIONS or self._ledger.may_read()):
                yield poll

    def _later(self, poll: Poll) -> None:
        seconds = self._plan.every.get(poll, 0)
        if not seconds:
            return
        if not self._ledger.may_read():
            seconds = max(seconds, self._plan.slow_seconds)
        self._due[poll] = self._clock.now() + timedelta(seconds=seconds)

    async def _tried(self, poll: Poll, marks: Marks) -> tuple[list[Event], Marks]:
        """One poll's trouble is not the others', except for keys that are refused."""
        self._later(poll)
        try:
            found = await self._polls.made(poll, marks)
        except CredentialsRevoked:
            raise
        except (Later, Ambiguous) as error:
            return self._put_off(poll, error), marks
        except PlatformError as error:
            return self._tell(poll, f"X cannot be read as planned ({poll}): {error}"), marks
        self._told.discard(poll)
        events, marks = found
        return self._answers_again(poll) + events, marks

    def _answers_again(self, poll: Poll) -> list[Event]:
        """What failed as well is tried at once; whoever was told of it hears that it is over."""
        now = self._clock.now()
        if self._failing.pop(poll, None):
            self._due |= dict.fromkeys(self._failing, now)
        if "away" not in self._told or (self._failing and poll is not Poll.MENTIONS):
            return []
        self._told.discard("away")
        self._failing.clear()
        return [Gap(f"X can be read again since {now:%Y-%m-%d %H:%M} UTC; what came meanwhile is read now")]

    def _put_off(self, poll: Poll, error: PlatformError) -> list[Event]:
        """Tried again soon, then ever more rarely, up to the poll's own pace; a person is told of what lasts."""
        now = self._clock.now()
        since, times = self._failing.get(poll, (now, 0))
        self._failing[poll] = since, times + 1
        pause = min(SOON * 2 ** min(times, 10), timedelta(seconds=self._plan.every[poll]))
        self._due[poll] = max(now + pause, error.at if isinstance(error, Later) else now)
        log.warning("poll_put_off", extra={"fields": {"where": poll, "until": self._due[poll]}})
        if self._due[poll] - since < LASTING:
            return []
        why = f"X cannot be read since {since:%Y-%m-%d %H:%M} UTC: {error}"
        return self._tell("away", f"{why}. What comes meanwhile is read as soon as it can be; look at X yourself")

    def _tell(self, trouble: str, why: str) -> list[Event]:
        if trouble in self._told:
            return []
        self._told.add(trouble)
        return [Gap(why)]

    async def _lines(self) -> list[Item]:
        """What the stream brought until the next poll is due; at once where there is something."""
        queue = self._live.queue
        if queue.empty():
            soonest = min(at for poll, at in self._due.items() if poll is Poll.MENTIONS or self._ledger.may_read())
            await self._wait((soonest - self._clock.now()).total_seconds())
        return [queue.get_nowait() for _ in range(min(queue.qsize(), LINES_AT_ONCE))]

    async def _wait(self, seconds: float) -> None:
        asleep = asyncio.ensure_future(self._clock.sleep(max(0.0, seconds)))
        told = asyncio.ensure_future(self._live.arrived.wait())
        try:
            await asyncio.wait({asleep, told}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asleep.cancel()
            told.cancel()
            await asyncio.gather(asleep, told, return_exceptions=True)
        self._live.arrived.clear()

    async def _from_the_stream(self, items: Sequence[Item]) -> list[Event]:
        events: list[Event] = []
        lines: list[Line] = []
        for item in items:
            match item:
                case Gone():
                    events.append(item)
                case Sign.CONNECTED:
                    self._told.discard(Sign.REFUSED)
                    self._due[Poll.MENTIONS] = self._clock.now()  # for what came while nobody listened
                case Sign.REFUSED:
                    why = f"{NO_STREAM}; meanwhile comments come by polls only, minutes later"
                    events += self._tell(Sign.REFUSED, why)
                case bytes():
                    lines.append(_line(item))
        return events + await self._conversations.events(self._posts(lines))

    def _posts(self, lines: Sequence[Line]) -> list[Post]:
        """What our own rule asked for. X takes money for the rest too, which other rules of the app did."""
        read = [(line.data, line.matches(self._live.rule.tag)) for line in lines if line.data is not None]
        self._ledger.spend(self._plan.read_price * len(read), reads=len(read))
        return [post for post, ours in read if ours]


def _oldest_first(events: Sequence[Event]) -> list[Event]:
    """Comments of several polls in the order in which they were written; what is gone comes after them."""
    return sorted(events, key=lambda each: each.comment.posted_at if isinstance(each, Posted) else _LAST)


def _line(line: bytes) -> Line:
    """Without a post where it cannot be read: half a line is none, and the poll brings it whole."""
    try:
        read = Line.model_validate_json(line)
    except ValidationError:
        log.warning("stream_line_unreadable", extra={"fields": {"bytes": len(line)}})
        return Line()
    if read.errors:  # X says why it ends the stream, which `live.py` begins again
        log.warning("stream_told", extra={"fields": {"category": read.errors[0].name}})
    return read
