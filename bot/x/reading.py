"""Reading X: the poll of the mentions as the floor, our own timeline, searches for what mentions nobody, the stream.

Everything read is turned into batches for the inbox. The cursor holds how far each poll came; lines of the stream do
not move it, so that the poll reads them once more, and nothing is lost between a line and the store.
"""

import asyncio
import json
import logging
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from bot.clock import Clock
from bot.errors import Ambiguous, CredentialsRevoked, Later, PlatformError
from bot.model import AuthorKind, Batch, Event, Gap, Gone, Malformed, Posted
from bot.x.client import Client
from bot.x.errors import SOON
from bot.x.ids import first_id
from bot.x.live import Item, Live, Sign
from bot.x.memory import Ledger, Memory
from bot.x.posts import Line, Page, Post, comment

log = logging.getLogger("chaperone.x")

MOST_MENTIONS = 800  # X hands out no older ones
SEARCHABLE = timedelta(days=7) - timedelta(minutes=5)  # X's recent search reaches no farther back
WATCHED = 10  # conversations of ours that are searched, the newest; so many fit into a query of 512 characters
KEPT = 5_000  # posts and roots remembered while running
LINES_AT_ONCE = 200


class Poll(StrEnum):
    OWN = "own"  # first, for it says which conversations are ours
    MENTIONS = "mentions"
    SEARCH = "search"
    RECHECK = "recheck"


@dataclass(frozen=True, slots=True)
class Plan:
    """How often each poll is made, in seconds (0 = never), and what a read costs in dollars."""

    every: dict[Poll, float]
    slow_seconds: float  # between two polls of the mentions, once the day's budget is spent
    look_back: timedelta  # how much of the past is read at the very first start
    read_price: float
    mention_price: float


@dataclass(frozen=True, slots=True)
class Marks:
    """The newest id that each poll has read; "" = none yet."""

    own: str = ""
    mentions: str = ""
    search: str = ""

    @classmethod
    def read(cls, cursor: str | None) -> "Marks":
        return cls(**json.loads(cursor)) if cursor else cls()

    def written(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class _Root:
    """The post that a conversation began with."""

    words: str | None
    ours: bool | None  # None = X did not say


class Reader:
    def __init__(
        self, client: Client, live: Live, memory: Memory, ledger: Ledger, plan: Plan, clock: Clock,
        handle: str, staff: frozenset[str], stream: Callable[[bool], None],
    ) -> None:  # fmt: skip
        """`stream` is called with whether the stream is wanted now."""
        self._client, self._live, self._memory, self._ledger = client, live, memory, ledger
        self._plan, self._clock, self._handle, self._staff, self._stream = plan, clock, handle, staff, stream
        self._roots: OrderedDict[str, _Root] = OrderedDict()
        self._newest: OrderedDict[str, int] = OrderedDict()  # the newest edit handed on, by first id
        self._recent: deque[str] = deque(maxlen=100)  # looked up again, for what was deleted
        self._told: set[str] = set()  # troubles that a person was told of already
        self._due: dict[Poll, datetime] = {}
        self._polls: dict[Poll, Callable[[Marks], Awaitable[tuple[list[Event], Marks]]]] = {
            Poll.OWN: self._own, Poll.MENTIONS: self._mentions, Poll.SEARCH: self._search, Poll.RECHECK: self._recheck,
        }  # fmt: skip

    def is_foreign(self, thread: str) -> bool:
        """Whether a conversation is known to be somebody else's."""
        return thread in self._roots and self._roots[thread].ours is False

    async def batches(self, cursor: str | None) -> AsyncIterator[Batch]:
        marks = Marks.read(cursor)
        self._newest.clear()  # what was not stored the last time is handed on again
        now = self._clock.now()
        self._due = {poll: now for poll, seconds in self._plan.every.items() if seconds}
        self._later(Poll.RECHECK)
        while True:
            events = self._mind_the_budget()
            for poll in self._due_now():
                found, marks = await self._tried(poll, marks)
                events += found
            if events:
                yield Batch(tuple(events), marks.written())
            if lines := await self._lines():
                events = await self._from_the_stream(lines)
                if events:
                    yield Batch(tuple(events), marks.written())

    def _mind_the_budget(self) -> list[Event]:
        """The stream runs only while the day's budget lasts; the polls go on, ever so slowly."""
        spent = not self._ledger.may_read()
        self._stream(not spent)
        if not spent:
            self._told.discard("budget")
            return []
        minutes = self._plan.slow_seconds / 60
        why = f"the day's budget for X is spent ({self._ledger.told()}): until midnight UTC it reads the mentions only"
        return self._tell("budget", f"{why}, every {minutes:.0f} minutes")

    def _due_now(self) -> list[Poll]:
        now, slow = self._clock.now(), not self._ledger.may_read()
        return [poll for poll, at in self._due.items() if at <= now and (poll is Poll.MENTIONS or not slow)]

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
            found = await self._polls[poll](marks)
        except CredentialsRevoked:
            raise
        except (Later, Ambiguous) as error:
            self._due[poll] = error.at if isinstance(error, Later) else self._clock.now() + SOON
            log.warning("poll_put_off", extra={"fields": {"where": poll, "until": self._due[poll]}})
            return [], marks
        except PlatformError as error:
            return self._tell(poll, f"X cannot be read as planned ({poll}): {error}"), marks
        self._told.discard(poll)
        return found

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
        posts: list[Post] = []
        for item in items:
            match item:
                case Gone():
                    events.append(item)
                case Sign.CONNECTED:
                    self._told.discard(Sign.REFUSED)
                    self._due[Poll.MENTIONS] = self._clock.now()  # for what came while nobody listened
                case Sign.REFUSED:
                    why = "X does not accept the bearer token: comments come by polls only, and later"
                    events += self._tell(Sign.REFUSED, why)
                case bytes():
                    posts += _from_line(item)
        self._ledger.spend(self._plan.read_price * len(posts), reads=len(posts))
        return events + await self._posted(posts)

    async def _own(self, marks: Marks) -> tuple[list[Event], Marks]:
        page = await self._all(self._client.own, marks.own, MOST_MENTIONS, self._plan.read_price)
        for post in page.posts:
            if post.conversation_id in ("", post.id):
                self._memory.began(post.id)
                self._keep_root(post.id, _Root(post.words, ours=True))
        return page.set_aside + await self._posted(page.posts), replace(marks, own=page.newest)

    async def _mentions(self, marks: Marks) -> tuple[list[Event], Marks]:
        page = await self._all(self._client.mentions, marks.mentions, MOST_MENTIONS, self._plan.mention_price)
        events = page.set_aside + await self._posted(page.posts)
        if marks.mentions and page.full:
            events.append(Gap(f"more than {MOST_MENTIONS} mentions came at once; X hands out no older ones"))
        return events, replace(marks, mentions=page.newest)

    async def _search(self, marks: Marks) -> tuple[list[Event], Marks]:
        """For comments that leave our name out, which neither mentions nor stream show."""
        oldest = first_id(self._clock.now() - SEARCHABLE)
        watched = [each for each in list(self._memory.own)[-WATCHED:] if int(each) > int(oldest)]
        if not watched:
            return [], marks
        since = marks.search if int(marks.search or 0) > int(oldest) else ""
        query = f"({' OR '.join(f'conversation_id:{each}' for each in watched)}) -from:{self._handle}"

        async def call(**window: Any) -> Page:
            return await self._client.search(query, **window)

        page = await self._all(call, since, MOST_MENTIONS, self._plan.read_price)
        return page.set_aside + await self._posted(page.posts), replace(marks, search=page.newest)

    async def _recheck(self, marks: Marks) -> tuple[list[Event], Marks]:
        """The newest posts are looked up again; what their authors deleted is gone."""
        ids = list(self._recent)
        if not ids:
            return [], marks
        page = await self._client.look_up([self._memory.newest(each) for each in ids])
        self._ledger.spend(self._plan.read_price * len(page.data), reads=len(page.data))
        gone = {self._memory.first(each.resource_id) for each in page.errors if each.gone}
        for each in gone & set(self._recent):
            self._recent.remove(each)
        return [Gone(each) for each in ids if each in gone], marks

    async def _all(self, call: Callable[..., Awaitable[Page]], since: str, most: int, price: float) -> "_Read":
        """All pages from after `since`, oldest post first. Half of them is as good as none: it begins anew."""
        start = None if since else self._clock.now() - self._plan.look_back
        read, token = _Read(since), None
        while True:
            page = await call(since_id=since or None, start_time=start, pagination_token=token)
            self._ledger.spend(price * len(page.data), reads=len(page.data))
            read.take(page)
            token = page.meta.next_token
            if token is None or read.count >= most:
                read.posts.sort(key=lambda post: int(post.id))
                read.full = token is not None or read.count >= most
                return read

    async def _posted(self, posts: Sequence[Post]) -> list[Event]:
        new = [post for post in posts if self._is_new(post)]
        await self._find_roots({post.conversation_id for post in new} - {""})
        return [self._event(post) for post in new]

    def _is_new(self, post: Post) -> bool:
        """Once only, and never an older edit after a newer one."""
        if self._newest.get(post.first, 0) >= int(post.id):
            return False
        self._newest[post.first] = int(post.id)
        if len(self._newest) > KEPT:
            self._newest.popitem(last=False)
        return True

    def _event(self, post: Post) -> Event:
        self._memory.edited(post)
        kind = self._kind(post)
        if kind is AuthorKind.PUBLIC and post.first not in self._recent:
            self._recent.append(post.first)
        root = self._roots.get(post.conversation_id) if post.conversation_id != post.id else None
        return Posted(comment(post, kind, root=root.words if root else None, summoned=self._summoned(post)))

    def _kind(self, post: Post) -> AuthorKind:
        if post.author_id == self._client.user_id:
            return AuthorKind.BOT if self._memory.is_the_bots(post) else AuthorKind.STAFF
        return AuthorKind.STAFF if post.author_id in self._staff else AuthorKind.PUBLIC

    def _summoned(self, post: Post) -> bool:
        """X lets us answer who mentioned or quoted us. Whether the name it puts in front counts, it does not say:
        here it does, and where that is wrong X refuses and a person is asked."""
        return post.mentions(self._client.user_id, self._handle) or (post.quotes or "") in self._memory.own

    async def _find_roots(self, threads: set[str]) -> None:
        """Each conversation's first post is looked up once; without it a comment is judged by itself."""
        missing = [each for each in threads if each not in self._roots][:100]
        if not missing or not self._ledger.may_read():
            return
        try:
            page = await self._client.look_up(missing)
        except CredentialsRevoked:
            raise
        except PlatformError:
            return
        self._ledger.spend(self._plan.read_price * len(page.data), reads=len(page.data))
        found = {post.id: post for post in page.posts()}
        for each in missing:
            post = found.get(each)
            ours = post.author_id == self._client.user_id if post else None
            self._keep_root(each, _Root(post.words if post else None, ours))

    def _keep_root(self, thread: str, root: _Root) -> None:
        self._roots[thread] = root
        if len(self._roots) > KEPT:
            self._roots.popitem(last=False)


class _Read:
    """What some pages held."""

    def __init__(self, since: str) -> None:
        self.posts: list[Post] = []
        self.set_aside: list[Event] = []
        self.newest, self.count, self.full = since, 0, False

    def take(self, page: Page) -> None:
        for raw in page.data:
            self.count += 1
            try:
                post = Post.model_validate(raw)
            except ValidationError as error:
                self.set_aside.append(_set_aside(raw, error))
                continue
            self.posts.append(post)
            self.newest = max(self.newest, post.id, key=lambda id_: int(id_ or 0))


def _set_aside(raw: dict[str, Any], error: ValidationError) -> Malformed:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    why = f"field {'.'.join(str(part) for part in first['loc'])!r}: {first['type']}"
    content = json.dumps(raw).encode()
    return Malformed(f"post {str(raw.get('id'))[:20]}", why, content)


def _from_line(line: bytes) -> list[Post]:
    """Empty where it cannot be read: half a line is no post, and the poll brings it whole."""
    try:
        return [Post.model_validate(Line.model_validate_json(line).data)]
    except ValidationError:
        log.warning("stream_line_unreadable", extra={"fields": {"bytes": len(line)}})
        return []
