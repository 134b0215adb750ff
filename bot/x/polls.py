"""The polls: our own timeline, mentions, searches for what mentions nobody, and looks for what was deleted."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from bot.clock import Clock
from bot.model import Event, Gap, Gone, Malformed
from bot.x.client import Client
from bot.x.conversations import Conversations
from bot.x.ids import first_id
from bot.x.ledger import Ledger
from bot.x.memory import Memory
from bot.x.plan import Marks, Plan, Poll
from bot.x.posts import Page, Post

MOST_AT_ONCE = 800  # of the mentions X hands out no older ones
PAGE, FEWEST_AT_ONCE = 100, 10  # posts, as X allows them
SEARCHABLE = timedelta(days=7) - timedelta(minutes=5)  # X's recent search reaches no farther back
WATCHED = 10  # conversations of ours that are searched, the newest; so many fit into a query of 512 characters


class Polls:
    def __init__(
        self, client: Client, conversations: Conversations, memory: Memory, ledger: Ledger, plan: Plan, clock: Clock,
        handle: str,
    ) -> None:  # fmt: skip
        self._client, self._conversations, self._memory, self._ledger = client, conversations, memory, ledger
        self._plan, self._clock, self._handle = plan, clock, handle
        self._of: dict[Poll, Callable[[Marks], Awaitable[tuple[list[Event], Marks]]]] = {
            Poll.OWN: self._own, Poll.MENTIONS: self._mentions, Poll.SEARCH: self._search, Poll.RECHECK: self._recheck,
        }  # fmt: skip

    async def made(self, poll: Poll, marks: Marks) -> tuple[list[Event], Marks]:
        """What the poll found, and how far it has come."""
        return await self._of[poll](marks)

    async def _own(self, marks: Marks) -> tuple[list[Event], Marks]:
        page = await self._all(self._client.own, marks.own, self._plan.read_price, self._affordable())
        for post in page.posts:
            if post.conversation_id in ("", post.id):
                self._conversations.began(post)
        return await self._found(page, "posts of our own"), replace(marks, own=page.mark)

    async def _mentions(self, marks: Marks) -> tuple[list[Event], Marks]:
        """All of them, whatever the day's budget: they are cheap, and a crisis may be among them."""
        page = await self._all(self._client.mentions, marks.mentions, self._plan.mention_price, MOST_AT_ONCE)
        return await self._found(page, "mentions"), replace(marks, mentions=page.mark)

    async def _search(self, marks: Marks) -> tuple[list[Event], Marks]:
        """For comments that leave our name out, which neither mentions nor stream show."""
        now = self._clock.now()
        oldest, missed = first_id(now - SEARCHABLE), _missed(datetime.fromisoformat(marks.searched), now)
        marks = replace(marks, searched=now.isoformat())
        watched = [each for each in list(self._memory.own)[-WATCHED:] if int(each) > int(oldest)]
        if not watched:
            return missed, marks
        since = max(marks.search, oldest, key=int)
        until = marks.search_until if int(marks.search_until or 0) > int(since) else ""
        query = f"({' OR '.join(f'conversation_id:{each}' for each in watched)}) -from:{self._handle}"

        async def call(**window: Any) -> Page:
            return await self._client.search(query, **window)

        page = await self._all(call, since, self._plan.read_price, self._affordable(), until)
        top = marks.search_top or page.newest
        if page.cut:
            marks = replace(marks, search=since, search_until=page.oldest, search_top=top)
        else:
            marks = replace(marks, search=top, search_until="", search_top="")
        return missed + await self._found(page, "replies without a mention"), marks

    async def _recheck(self, marks: Marks) -> tuple[list[Event], Marks]:
        """The newest posts are looked up again, colleagues' too; what their authors deleted is gone."""
        ids = list(reversed(self._conversations.recent))[: self._affordable()]
        marks = replace(marks, rechecked=self._clock.now().isoformat())
        if not ids:
            return [], marks
        page = await self._client.look_up([self._memory.newest(each) for each in ids])
        self._ledger.spend(self._plan.read_price * len(page.data), reads=len(page.data))
        gone = {self._memory.first(each.resource_id) for each in page.errors if each.gone}
        for each in gone & set(self._conversations.recent):
            self._conversations.recent.remove(each)
        return [Gone(each) for each in ids if each in gone], marks

    def _affordable(self) -> int:
        return min(MOST_AT_ONCE, self._ledger.reads_left(self._plan.read_price))

    async def _found(self, read: "_Read", what: str) -> list[Event]:
        events = read.set_aside + await self._conversations.events(read.posts)
        if read.full:
            events.append(Gap(f"more than {MOST_AT_ONCE} {what} came at once; older ones are not handed out"))
        return events

    async def _all(
        self, call: Callable[..., Awaitable[Page]], since: str, price: float, most: int, until: str = ""
    ) -> "_Read":
        """The pages from after `since` (and before `until`), oldest post first. X begins with the newest: where the
        day's budget ends in between (`most`), what was read is handed on, and the rest when there is money again."""
        read, token = _Read(since), None
        while True:
            size = max(FEWEST_AT_ONCE, min(PAGE, most - read.count))
            page = await call(since_id=since, until_id=until or None, pagination_token=token, max_results=size)
            self._ledger.spend(price * len(page.data), reads=len(page.data))
            read.take(page)
            token = page.meta.next_token
            if token is None or read.count >= most:
                read.posts.sort(key=lambda post: int(post.id))
                read.full = read.count >= MOST_AT_ONCE
                read.cut = token is not None and not read.full
                return read


class _Read:
    """What some pages held."""

    def __init__(self, since: str) -> None:
        self.posts: list[Post] = []
        self.set_aside: list[Event] = []
        self.since, self.newest, self.oldest, self.count = since, since, "", 0
        self.full = False  # X holds no more, or we ask for no more at once
        self.cut = False  # the day's budget ended before the oldest

    @property
    def mark(self) -> str:
        """From where to go on."""
        return self.since if self.cut else self.newest

    def take(self, page: Page) -> None:
        for raw in page.data:
            self.count += 1
            try:
                post = Post.model_validate(raw)
            except ValidationError as error:
                self.set_aside.append(_set_aside(raw, error))
                continue
            self.posts.append(post)
            self.newest = max(self.newest, post.id, key=int)
            self.oldest = min(self.oldest or post.id, post.id, key=int)


def _missed(searched: datetime, now: datetime) -> list[Event]:
    if now - searched < SEARCHABLE:
        return []
    why = f"X's search reaches seven days back, and none was made since {searched:%Y-%m-%d %H:%M} UTC: older replies"
    return [Gap(f"{why} that do not mention the account were not read; look at X yourself")]


def _set_aside(raw: dict[str, Any], error: ValidationError) -> Malformed:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    why = f"field {'.'.join(str(part) for part in first['loc'])!r}: {first['type']}"
    content = json.dumps(raw).encode()
    return Malformed(f"post {str(raw.get('id'))[:20]}", why, content)
