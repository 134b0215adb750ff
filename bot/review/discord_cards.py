"""The loop that keeps cards on Discord as the store says: it compares, and posts or edits what differs.

A row stands before a message is posted, and the message's nonce is made of the row, so that a post whose answer was
lost is not repeated; once Discord has forgotten the nonce, the channel is searched instead. Everything may be done
twice, and an hour without Discord is only an hour's delay.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import aiohttp
import discord
from discord.ext import commands
from sqlalchemy import Row

from bot.chat import Chat
from bot.clock import Clock
from bot.config import Config, OnDiscord
from bot.errors import CredentialsRevoked, Later, StoreError
from bot.model import Capability, Target, Verb
from bot.on_call import tell_desk_stopped
from bot.review import postings, presses
from bot.review.card_view import card_view
from bot.review.cards import COMMENTS_LISTED, COMMENTS_SHOWN, Card, Here, card, listing
from bot.review.discord_calls import DiscordCalls
from bot.store.database import Database
from bot.supportive import crisis_lines

log = logging.getLogger("chaperone.desk")

Able = Callable[[str, Verb, Target, datetime], Capability]  # what an account's platform can do; asks nobody
Bot = commands.Bot

BATCH = 4  # cards between two looks at what is most severe now
POLL = 0.5  # seconds
STIR = timedelta(seconds=30)
NONCE_LIVES = timedelta(minutes=2)  # Discord says "a few minutes"
LONGEST_WAIT = 60.0
LATER = timedelta(minutes=5)  # until a card that Discord refused is tried again
UNKNOWN_MESSAGE, UNKNOWN_CHANNEL, NOT_YOURS, HAS_A_THREAD = 10008, 10003, 50005, 160004
TROUBLE = (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError, Later)
TOLD = (Verb.DELETE, Verb.HIDE, Verb.REPLY, Verb.MUTE, Verb.BAN)


@dataclass(slots=True)
class DiscordCards:
    config: Config
    db: Database
    clock: Clock
    chat: Chat
    able: Able
    poll: float = POLL
    _refused: dict[int, datetime] = field(default_factory=dict)  # rows that Discord would not have, and until when
    _stirred: datetime | None = None
    _sessions: int = 1  # of the gateway; what was deleted before one began, nobody tells
    _looked: int = 0  # for which of them we looked at what is there
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _calls: DiscordCalls = field(init=False)

    def __post_init__(self) -> None:
        self._calls = DiscordCalls(self.config, self.db, self.clock.now())

    @property
    def desk(self) -> OnDiscord:
        return self.config.desk.discord

    def wake(self) -> None:
        """Say that something was ruled."""
        self._news.set()

    async def run(self) -> None:
        """Until Discord refuses the token, which people are told; other trouble is tried again, ever more slowly."""
        wait = self.poll
        while True:
            self._news.clear()
            try:
                busy = await self.turn(await self.chat.ready())
                wait = 0.0 if busy else self.poll
            except CredentialsRevoked as error:
                log.error("desk_stopped", extra={"fields": {"why": str(error)}})
                await self.db.run(partial(tell_desk_stopped, config=self.config, why=str(error), now=self.clock.now()))
                return
            except (*TROUBLE, StoreError) as error:
                wait = min(max(wait, self.poll) * 2, LONGEST_WAIT)
                log.warning("desk_waits", extra={"fields": {"seconds": wait, "error": type(error).__name__}})
            except Exception as error:  # the top of a task: the desk's trouble is not the daemon's
                wait = min(max(wait, self.poll) * 2, LONGEST_WAIT)
                log.error("desk_failed", extra={"fields": {"seconds": wait}}, exc_info=error)
            await self._rest(wait)

    async def turn(self, client: Bot) -> bool:
        """Post or edit the gravest of what is out of date. False when all was up to date."""
        now = self.clock.now()
        await self.db.run(partial(postings.take_in, desk=self.desk, now=now))
        if self._stirred is None or now - self._stirred >= STIR:
            await self.db.run(postings.stir)
            self._stirred = now
        if self._looked < self._sessions:
            await self._look_round(client)
        self._refused = {row: until for row, until in self._refused.items() if until > now}
        rows = await self.db.read(partial(postings.due, limit=BATCH, without=[*self._refused]))
        try:
            for row in rows:
                await self._show(client, row)
        except Exception:  # whatever is wrong with a card, people are called
            await self._calls.make(client, now)
            raise
        await self._calls.make(client, now)
        return bool(rows)

    async def reconnected(self) -> None:
        """A session of the gateway begins: what was deleted before it is not told."""
        self._sessions += 1
        self.wake()

    async def lost(self, messages: list[int]) -> None:
        """Messages that somebody deleted; most are not ours."""
        gone = [str(each) for each in messages]
        await self.db.run(partial(postings.lost, messages=gone, channel=str(self.desk.channel)))
        self.wake()

    async def listed(self, case_id: int, page: int) -> Card:
        """A page of a case's comments, or the first. Raises `DeskError` when there is no such case."""
        body = partial(postings.told, case_id=case_id, comments=COMMENTS_LISTED, skip=page * COMMENTS_LISTED)
        told = await self.db.read(partial(body, cipher=self.db.cipher))
        if page and not told.story.comments:  # it was never that long
            return await self.listed(case_id, 0)
        return listing(told.story, self._here(told), page)

    async def drawn(self, case_id: int) -> Card:
        """The card of a case as it is now. Raises `DeskError` when there is no such case."""
        return self._drawn(await self._told(case_id, COMMENTS_SHOWN))

    async def _look_round(self, client: Bot) -> None:
        """Find cards that were deleted while nobody told us."""
        sessions = self._sessions
        for channel, messages in (await self.db.read(postings.standing)).items():
            since = discord.Object(min(int(each) for each in messages) - 1)
            try:
                there = {str(each.id) async for each in _place(client, channel).history(after=since, limit=None)}
            except discord.NotFound:  # a thread that was deleted
                there = set()
            except discord.Forbidden:
                continue
            if missing := [int(each) for each in messages if each not in there]:
                await self.lost(missing)
        self._looked = sessions

    async def _told(self, case_id: int, comments: int) -> postings.Told:
        body = partial(postings.told, cipher=self.db.cipher, case_id=case_id, comments=comments)
        return await self.db.read(body)

    def _drawn(self, told: postings.Told) -> Card:
        return card(told.story, self._here(told))

    def _here(self, told: postings.Told) -> Here:
        calls, supports = crisis_lines(self.config, told.story.row), self.config.crisis.supportive_reply != "off"
        desk = self.desk
        return Here(self._able(told), told.mode, desk.blur_severe, desk.blank_unsure, calls, supports)

    async def _show(self, client: Bot, row: Row[Any]) -> None:
        told = await self._told(row.case_id, COMMENTS_SHOWN if row.kind == postings.CARD else COMMENTS_LISTED)
        made = self._drawn(told) if row.kind == postings.CARD else listing(told.story, self._here(told))
        message, digest = row.message, made.digest()
        try:
            if message is None:
                message = await self._post(client, row, made)
            elif digest != row.shown:
                await _place(client, row.channel).get_partial_message(int(message)).edit(view=card_view(made))
        except discord.HTTPException as error:
            await self._not_shown(row, error)
            return
        if message is not None:
            body = partial(postings.posted, row_id=row.id, message=message, changed=told.changed, digest=digest)
            await self.db.run(body)

    async def _not_shown(self, row: Row[Any], error: discord.HTTPException) -> None:
        """Raises the error again where it is not about this card alone."""
        desk_wide = error.status in (401, 429) or error.status >= 500
        if desk_wide or (error.status == 403 and not self._forbids_one(row, error)):
            raise error
        if row.message is not None and (error.status == 403 or error.code in (UNKNOWN_MESSAGE, UNKNOWN_CHANNEL)):
            await self.lost([int(row.message)])
            return
        log.error("card_refused", extra={"fields": {"case": row.case_id, "code": error.code}})
        if row.kind == postings.THREAD and error.code == UNKNOWN_CHANNEL:  # deleted, and its card may have no other
            await self.db.run(partial(postings.let_go, row_id=row.id))
        else:
            self._refused[row.id] = self.clock.now() + LATER

    def _forbids_one(self, row: Row[Any], error: discord.HTTPException) -> bool:
        """Whether cards in the desk's channel may still be posted: it is a thread, an old channel or another bot's."""
        return row.kind == postings.THREAD or row.channel != str(self.desk.channel) or error.code == NOT_YOURS

    def _able(self, told: postings.Told) -> dict[Verb, Capability]:
        if told.target is None:
            return {}
        account, now = told.story.row.account, self.clock.now()
        return {verb: self.able(account, verb, told.target, now) for verb in TOLD}

    async def _post(self, client: Bot, row: Row[Any], made: Card) -> str | None:
        """The id of the new message; None where it has to wait for another."""
        channel = str(self.desk.channel)  # which may have changed since the row was written
        if row.kind == postings.THREAD:
            thread = await self._thread(client, row)
            if thread is None:
                return None
            channel = thread
        begun = self.clock.now()
        if row.sent_at is not None and begun - row.sent_at > NONCE_LIVES:
            found = await _search(client, channel, made.case_id, row.sent_at)
            if found is not None:
                return found
        await self.db.run(partial(postings.begin, row_id=row.id, channel=channel, now=begun))
        sent = await _place(client, channel).send(view=card_view(made), nonce=f"card-{row.id}-{row.posts}")
        return str(sent.id)

    async def _thread(self, client: Bot, row: Row[Any]) -> str | None:
        """The thread on the case's card, to which Discord gives the id of that message."""
        on = await self.db.read(partial(postings.card_message, case_id=row.case_id))
        if on is None:
            self._refused[row.id] = self.clock.now() + timedelta(seconds=1)
            return None
        try:
            place = await client.fetch_channel(self.desk.channel or 0)
            if not isinstance(place, discord.TextChannel):
                return str(row.channel)  # threads hang on messages of text channels alone
            await place.get_partial_message(int(on)).create_thread(name=f"case {row.case_id}")
        except discord.HTTPException as error:
            if error.code != HAS_A_THREAD:
                raise
        return on

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # `wait_for` of Python 3.11 may swallow a cancellation
                await self._news.wait()


def _place(client: Bot, channel: str) -> discord.PartialMessageable:
    return client.get_partial_messageable(int(channel))


async def _search(client: Bot, channel: str, case_id: int, since: datetime) -> str | None:
    """A card of this case that we posted from about then on."""
    async for message in _place(client, channel).history(after=since - timedelta(minutes=1), limit=200):
        ours = client.user is not None and message.author.id == client.user.id
        pressed = [presses.read(each) for each in _custom_ids(message.components)]
        if ours and any(each is not None and each.case_id == case_id for each in pressed):
            return str(message.id)
    return None


def _custom_ids(parts: Any) -> list[str]:
    found: list[str] = []
    for part in parts:
        if getattr(part, "custom_id", None):
            found.append(part.custom_id)
        found += _custom_ids(getattr(part, "children", ()))
    return found
