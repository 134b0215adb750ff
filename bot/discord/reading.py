"""What is said on a Discord server, as events: what its gateway brings, and what was missed, from the history."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import datetime

import discord

from bot.chat import Chat
from bot.chat_errors import told_as_ours
from bot.clock import Clock
from bot.discord.messages import comment
from bot.discord.progress import Progress
from bot.discord.scope import Channel, Scope
from bot.model import Batch, Event, Gap, Gone, Posted

log = logging.getLogger("chaperone.discord")

PAGE = 100  # messages Discord hands out at once
MOST_WAITING = 10_000  # events in memory; what comes on top is read from the history later


class Reading:
    """Listens from the start, so that nothing is missed between the history and the gateway."""

    def __init__(self, scope: Scope, chat: Chat, clock: Clock, most_waiting: int = MOST_WAITING) -> None:
        self._scope, self._chat, self._clock = scope, chat, clock
        self._heard: asyncio.Queue[Event | None] = asyncio.Queue(most_waiting)  # None = look again
        self._behind, self._lost = True, False
        self._ours: set[int] = set()  # messages that we delete, of which Discord tells us too
        chat.listen("connect", self._on_connect)
        chat.listen("message", self._on_message)
        chat.listen("raw_message_edit", self._on_edit)
        chat.listen("raw_message_delete", self._on_delete)
        chat.listen("raw_bulk_message_delete", self._on_bulk_delete)
        chat.listen("automod_action", self._on_automod)
        chat.listen("guild_remove", self._on_shut_out)
        chat.listen("ended", self._on_shut_out)

    def deleting(self, id_: int) -> None:
        """We delete this message: that it goes is no news."""
        self._ours.add(id_)

    def not_deleted(self, id_: int) -> None:
        """Discord refused: should it go after all, somebody else deleted it."""
        self._ours.discard(id_)

    async def events(self, cursor: str | None) -> AsyncIterator[Batch]:
        """The cursor is a JSON object: the last message read of each channel, and up to where all are read."""
        progress = Progress(cursor, self._clock.now() - self._scope.backfill)
        events: list[Event] = []
        self._behind = True
        while True:
            guild = await self._guild()
            while self._behind:  # before anything newer moves the cursor past what was missed
                self._behind = False
                async for batch in self._catch_up(guild, progress):
                    yield batch
            if events:
                _advance(progress, events)
                yield Batch(tuple(events), progress.cursor)
            events = await self._news()

    async def _guild(self) -> discord.Guild:
        """The server, once its gateway told of its channels; waits for as long as that takes."""
        while (guild := self._scope.guild(await self._chat.ready())).unavailable:
            await self._clock.sleep(1)
        return guild

    async def _news(self) -> list[Event]:
        """What the gateway brought, waited for; a page at most."""
        first = await self._heard.get()
        more = [self._heard.get_nowait() for _ in range(min(self._heard.qsize(), PAGE - 1))]
        events = [event for event in (first, *more) if event is not None]
        if self._lost:
            self._lost = False
            events.append(Gap("more came at once than could be kept: an edit or a deletion may be missing"))
        return events

    async def _catch_up(self, guild: discord.Guild, progress: Progress) -> AsyncIterator[Batch]:
        with told_as_ours(self._clock):
            newest, shut = progress.newest, set[int]()
            threads = [each for each in await guild.active_threads() if self._scope.holds(each)]
            threads += await self._closed_meanwhile(guild, progress.since, shut)
            progress.forget_quiet_ones()
            for channel in [*self._scope.of(guild), *threads]:
                try:
                    async for batch in self._history(channel, progress):
                        yield batch
                except (discord.Forbidden, discord.NotFound):
                    shut.add(channel.id)
            progress.all_read(newest)
            gaps = [Gap(f"the bot may not read channel {id_} any more") for id_ in sorted(shut)]
            yield Batch(tuple(gaps), progress.cursor)

    async def _closed_meanwhile(self, guild: discord.Guild, since: datetime, shut: set[int]) -> list[discord.Thread]:
        """Threads archived since, for something may have been said in them before; not private ones."""
        found: list[discord.Thread] = []
        for parent in self._scope.parents(guild):
            try:
                async for thread in parent.archived_threads(limit=None):  # what was archived last comes first
                    if thread.archive_timestamp < since:
                        break
                    found.append(thread)
            except (discord.Forbidden, discord.NotFound):
                shut.add(parent.id)
        return found

    async def _history(self, channel: Channel, progress: Progress) -> AsyncIterator[Batch]:
        """Edits among the last page that was read, then what is new."""
        known, last = progress.knows(channel.id), progress.last(channel.id)
        events = await self._edits(channel, last, progress.since) if known else []
        async for each in channel.history(after=discord.Object(last), limit=None, oldest_first=True):
            events.extend(self._posted(each))
            progress.read(channel.id, each.id)
            if len(events) >= PAGE:
                yield Batch(tuple(events), progress.cursor)
                events = []
        yield Batch(tuple(events), progress.cursor)

    async def _edits(self, channel: Channel, last: int, since: datetime) -> list[Event]:
        """Not those of before, which were told, or belong to the backlog."""
        page = [each async for each in channel.history(limit=PAGE, before=discord.Object(last + 1))]
        missed = [each for each in reversed(page) if each.edited_at and each.edited_at >= since]
        return [event for each in missed for event in self._posted(each)]

    async def _on_connect(self) -> None:
        """A new session: what happened before it is not told."""
        self._behind = True
        self._put(None)

    async def _on_message(self, message: discord.Message) -> None:
        if self._here(message.guild) and self._scope.holds(message.channel):
            for event in self._posted(message):
                self._put(event)

    async def _on_edit(self, edit: discord.RawMessageUpdateEvent) -> None:
        await self._on_message(edit.message)

    async def _on_delete(self, deletion: discord.RawMessageDeleteEvent) -> None:
        self._gone(deletion.guild_id, {deletion.message_id})

    async def _on_bulk_delete(self, deletion: discord.RawBulkMessageDeleteEvent) -> None:
        self._gone(deletion.guild_id, deletion.message_ids)

    async def _on_automod(self, execution: discord.AutoModAction) -> None:
        if execution.guild_id == self._scope.server:
            fields = {"account": self._scope.account, "rule": execution.rule_id, "did": execution.action.type}
            log.info("automod_acted", extra={"fields": fields | {"channel": execution.channel_id}})

    async def _on_shut_out(self, *_: discord.Guild) -> None:
        """Out of a server, or with its token refused: whoever waits for news finds out which."""
        self._put(None)

    def _gone(self, guild: int | None, ids: set[int]) -> None:
        if guild == self._scope.server:
            for id_ in ids - self._ours:
                self._put(Gone(str(id_)))
            self._ours -= ids

    def _put(self, event: Event | None) -> None:
        try:
            self._heard.put_nowait(event)
        except asyncio.QueueFull:
            self._behind = self._lost = True

    def _here(self, guild: discord.Guild | None) -> bool:
        return guild is not None and guild.id == self._scope.server

    def _posted(self, message: discord.Message) -> Iterator[Posted]:
        if not message.is_system():
            yield Posted(comment(message, self._chat.client.user, self._scope.staff))


def _advance(progress: Progress, events: list[Event]) -> None:
    for event in events:
        if isinstance(event, Posted):
            progress.heard(int(event.comment.thread), int(event.comment.id))
