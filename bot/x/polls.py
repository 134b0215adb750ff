"""The polls: our own timeline, mentions, searches for what mentions nobody, and looks for what was deleted."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from bot.clock import Clock
from bot.model import Event, Gap, Gone, Malformed
from bot.x.client import Client
from bot.x.conversations import Conversations
from bot.x.ids import first_id
from bot.x.memory import Ledger, Memory
from bot.x.plan import Marks, Plan, Poll
from bot.x.posts import Page, Post

MOST_MENTIONS = 800  # X hands out no older ones
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
        page = await self._all(self._client.own, marks.own, MOST_MENTIONS, self._plan.read_price)
        for post in page.posts:
            if post.conversation_id in ("", post.id):
                self._conversations.began(post)
        return page.set_aside + await self._conversations.events(page.posts), replace(marks, own=page.newest)

    async def _mentions(self, marks: Marks) -> tuple[list[Event], Marks]:
        page = await self._all(self._client.mentions, marks.mentions, MOST_MENTIONS, self._plan.mention_price)
        events = page.set_aside + await self._conversations.events(page.posts)
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
        return page.set_aside + await self._conversations.events(page.posts), replace(marks, search=page.newest)

    async def _recheck(self, marks: Marks) -> tuple[list[Event], Marks]:
        """The newest posts are looked up again; what their authors deleted is gone."""
        ids = list(self._conversations.recent)
        if not ids:
            return [], marks
        page = await self._client.look_up([self._memory.newest(each) for each in ids])
        self._ledger.spend(self._plan.read_price * len(page.data), reads=len(page.data))
        gone = {self._memory.first(each.resource_id) for each in page.errors if each.gone}
        for each in gone & set(self._conversations.recent):
            self._conversations.recent.remove(each)
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
