"""Discord: the messages of a server's channels and threads, as comments.

There is no hiding on Discord. To hide is to delete, and to restore is to repost our own copy in a quote; both say so
on the card, and the machine deletes alone only where the config says so. What was missed while we were away is read
from the channels' history, and from that of threads which were closed meanwhile: new messages, and edits among the
last hundred of each channel before them. A deletion in that time is noticed when something is done to the message.

What we post carries the key of its order as the number of its text component, which nobody sees: `observe` finds it
there. Discord's own nonce keeps a call that is sent twice within minutes from posting twice.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

import discord
from discord import ui
from pydantic import Field

from bot.chat import Chat, token
from bot.chat_errors import DMS_CLOSED, UNKNOWN_BAN, UNKNOWN_MESSAGE, told_as_ours
from bot.discord.permissions import entered, lacking
from bot.discord.reading import Reading
from bot.discord.scope import Scope
from bot.errors import PlatformError, Refused
from bot.model import Ability, Batch, Capability, Lane, Target, Verb
from bot.platforms import base

MOST_SEARCHED = 300  # messages looked through for one of ours
MAY_NOT_DELETE = "the bot lacks the permission Manage Messages in that channel"
LONGEST_POST = 4000  # characters of a message's text components
NEEDED = ("view_channel", "read_message_history", "send_messages", "manage_messages", "moderate_members", "ban_members")
NOTES = {
    Verb.HIDE: "deletes the message: our copy can be reposted as long as we keep its text",
    Verb.RESTORE: "reposts our copy in a quote; the original cannot come back",
    Verb.DELETE: "deletes the message for good",
    Verb.MUTE: "a timeout: the author can read, and write nowhere on the server",
    Verb.MESSAGE: "a direct message, if the author takes any",
}


class Settings(base.Settings):
    server: int = Field(gt=0, description="the server's id: developer mode on, right click on it, Copy Server ID")
    channels: tuple[int, ...] = Field(
        (), description="ids of those to watch, with their threads; empty = all but the desk's"
    )
    delete_automatically: bool = Field(False, description="hiding is deleting here: false asks a person each time")
    mute_minutes: int = Field(
        1440, ge=1, le=40_320, description="how long a muted author cannot write; 28 days at most"
    )
    closed_dms: Literal["refuse", "public"] = Field(
        "refuse", description="who takes no direct message: tell the moderator, or answer in public"
    )
    backfill_hours: int = Field(0, ge=0, le=8760, description="at the very first start, read so many hours back")


class Adapter(base.Platform):
    call_seconds = 20.0
    lanes = (Lane("delete", 5, 1), Lane("say", 5, 5), Lane("member", 10, 10))
    spends = {  # noqa: RUF012 - as the base has it
        Verb.HIDE: "delete", Verb.DELETE: "delete", Verb.RESTORE: "say", Verb.REPLY: "say", Verb.MESSAGE: "say",
        Verb.MUTE: "member", Verb.UNMUTE: "member", Verb.BAN: "member", Verb.UNBAN: "member",
    }  # fmt: skip

    def __init__(self, settings: Settings, around: base.Surroundings, chat: Chat) -> None:
        self._settings, self._around, self._chat = settings, around, chat
        channels, backfill = frozenset(settings.channels), timedelta(hours=settings.backfill_hours)
        self._scope = Scope(around.account, settings.server, channels, around.staff, backfill, around.desk)
        self._reading = Reading(self._scope, chat, around.clock)

    @classmethod
    @asynccontextmanager
    async def connect(cls, settings: base.Settings, around: base.Surroundings) -> AsyncIterator["Adapter"]:
        chat = around.chats.of(token(around.account))
        yield cls(Settings.model_validate(settings), around, chat)

    async def check(self) -> list[str]:
        scope, guild = self._scope, self._scope.guild(await entered(self._chat, self._around.clock))
        watched = scope.of(guild)
        wrong = [f"channel {id_} is not there" for id_ in self._settings.channels if guild.get_channel(id_) is None]
        if scope.desk in scope.channels:
            wrong.append(f"channel {scope.desk} is the desk's, which is never watched: take it out of `channels`")
        wrong += [told for channel in watched if (told := lacking(channel, NEEDED))]
        if wrong:
            raise Refused("; ".join(wrong))
        return [f"is a member of the server {guild.id}, and may do all that is needed in {len(watched)} channels"]

    def events(self, cursor: str | None) -> AsyncIterator[Batch]:
        """The cursor is a JSON object: the last message read of each channel."""
        return self._reading.events(cursor)

    def capability(self, verb: Verb, target: Target, now: datetime) -> Capability:
        able = super().capability(verb, target, now)
        rough = verb in (Verb.HIDE, Verb.RESTORE)
        deletes = verb in (Verb.HIDE, Verb.DELETE)
        if deletes and not self._may_delete(target):
            return Capability(Ability.IMPOSSIBLE, MAY_NOT_DELETE, self.spends[verb])
        return replace(
            able,
            ability=Ability.APPROXIMATE if rough else able.ability,
            note=NOTES.get(verb, ""),
            lane=self.spends[verb],
            people_only=deletes and not self._settings.delete_automatically,
        )

    async def hide(self, order: base.Order) -> None:
        """Delete it, and what we may have reposted of it."""
        place = self._place(order)
        with told_as_ours(self._around.clock):
            if not await self._delete(place, int(order.target.comment_id), order):
                repost = await self._ours(place, _restored(order), order)
                if isinstance(repost, discord.Message):
                    await self._delete(place, repost.id, order)

    async def delete(self, order: base.Order) -> None:
        await self.hide(order)

    async def restore(self, order: base.Order) -> None:
        place = self._place(order)
        with told_as_ours(self._around.clock, creating=True):
            if await self._stands(place, order):
                return
            if order.copy is None:
                raise Refused("its text has expired: nothing is left to repost")
            words = f"Restored by the moderators. <@{order.target.author_id}> wrote:\n>>> {order.copy}"
            await place.send(view=_said(words[:LONGEST_POST], _restored(order)), nonce=_nonce(order))

    async def reply(self, order: base.Order) -> None:
        place = self._place(order)
        answered = discord.MessageReference(
            message_id=int(order.target.comment_id), channel_id=int(order.target.thread), guild_id=self._settings.server
        )
        with told_as_ours(self._around.clock, creating=True):
            await place.send(view=_said(_words(order), mark(order.key)), reference=answered, nonce=_nonce(order))

    async def message(self, order: base.Order) -> None:
        try:
            with told_as_ours(self._around.clock, creating=True):
                direct = await self._chat.client.create_dm(discord.Object(int(order.target.author_id)))
                await direct.send(view=_said(_words(order), mark(order.key)), nonce=_nonce(order))
        except Refused as error:
            closed = isinstance(error.__cause__, discord.HTTPException) and error.__cause__.code == DMS_CLOSED
            if not closed or self._settings.closed_dms == "refuse":
                raise
            await self.reply(order)

    async def mute(self, order: base.Order) -> None:
        until = self._around.clock.now() + timedelta(minutes=self._settings.mute_minutes)
        await self._time_out(order, until)

    async def unmute(self, order: base.Order) -> None:
        await self._time_out(order, None)

    async def ban(self, order: base.Order) -> None:
        with told_as_ours(self._around.clock):
            guild = await self._guild()
            await guild.ban(_author(order), reason=_reason(order), delete_message_seconds=0)

    async def unban(self, order: base.Order) -> None:
        with told_as_ours(self._around.clock):
            guild = await self._guild()
            try:
                await guild.unban(_author(order), reason=_reason(order))
            except discord.NotFound as error:
                if error.code != UNKNOWN_BAN:
                    raise

    async def observe(self, verb: Verb, order: base.Order) -> base.Observed:
        with told_as_ours(self._around.clock):
            match verb:
                case Verb.HIDE | Verb.DELETE:
                    return _seen(not await self._stands(self._place(order), order))
                case Verb.RESTORE:
                    return _seen(await self._stands(self._place(order), order))
                case Verb.MUTE | Verb.UNMUTE:
                    member = await (await self._guild()).fetch_member(_author(order).id)
                    until = member.timed_out_until
                    muted = until is not None and until > self._around.clock.now()
                    return _seen(muted is (verb is Verb.MUTE))
                case Verb.BAN | Verb.UNBAN:
                    return _seen(await self._is_banned(order) is (verb is Verb.BAN))
                case Verb.REPLY:
                    return await self._said_already(self._place(order), order)
                case Verb.MESSAGE:
                    return await self._messaged_already(order)

    def _may_delete(self, target: Target) -> bool:
        """As far as the gateway told; where it did not, Discord itself will say."""
        try:
            guild = self._chat.client.get_guild(self._settings.server)
        except PlatformError:  # nobody is connected
            return True
        place = guild.get_channel_or_thread(int(target.thread)) if guild and target.thread.isdecimal() else None
        return guild is None or place is None or place.permissions_for(guild.me).manage_messages

    def _place(self, order: base.Order) -> discord.PartialMessageable:
        thread = int(order.target.thread)
        return self._chat.client.get_partial_messageable(thread, guild_id=self._settings.server)

    async def _guild(self) -> discord.Guild:
        client = self._chat.client
        return client.get_guild(self._settings.server) or await client.fetch_guild(self._settings.server)

    async def _delete(self, place: discord.PartialMessageable, id_: int, order: base.Order) -> bool:
        """False where it was gone before."""
        self._reading.deleting(id_)
        try:
            await self._chat.client.http.delete_message(place.id, id_, reason=_reason(order))
        except discord.HTTPException as error:
            self._reading.not_deleted(id_)
            if error.code != UNKNOWN_MESSAGE:
                raise
            return False
        return True

    async def _time_out(self, order: base.Order, until: datetime | None) -> None:
        with told_as_ours(self._around.clock):
            member = await (await self._guild()).fetch_member(_author(order).id)
            await member.edit(timed_out_until=until, reason=_reason(order))

    async def _stands(self, place: discord.PartialMessageable, order: base.Order) -> bool:
        """Whether people can read it: the message itself, or what we reposted of it."""
        try:
            await place.fetch_message(int(order.target.comment_id))
        except discord.NotFound as error:
            if error.code != UNKNOWN_MESSAGE:
                raise
            return isinstance(await self._ours(place, _restored(order), order), discord.Message)
        return True

    async def _is_banned(self, order: base.Order) -> bool:
        try:
            await (await self._guild()).fetch_ban(_author(order))
        except discord.NotFound as error:
            if error.code != UNKNOWN_BAN:
                raise
            return False
        return True

    async def _messaged_already(self, order: base.Order) -> base.Observed:
        direct = await self._chat.client.create_dm(_author(order))
        found = await self._said_already(direct, order)
        if found is base.Observed.NOT_DONE and self._settings.closed_dms == "public":
            return await self._said_already(self._place(order), order)
        return found

    async def _said_already(self, place: discord.abc.Messageable, order: base.Order) -> base.Observed:
        found = await self._ours(place, mark(order.key), order)
        return found if isinstance(found, base.Observed) else base.Observed.DONE

    async def _ours(
        self, place: discord.abc.Messageable, marked: int, order: base.Order
    ) -> discord.Message | Literal[base.Observed.NOT_DONE, base.Observed.CANNOT_SAY]:
        """Our message with that mark since the comment, or whether the search came to its end without one."""
        searched = 0
        async for message in place.history(limit=MOST_SEARCHED):
            searched += 1
            if message.id < int(order.target.comment_id):
                return base.Observed.NOT_DONE
            if message.author == self._chat.client.user and any(
                getattr(part, "id", None) == marked for part in message.components
            ):
                return message
        return base.Observed.CANNOT_SAY if searched == MOST_SEARCHED else base.Observed.NOT_DONE


def mark(key: str) -> int:
    """A number for a component, from the first 28 bits of a key in hexadecimal; Discord's own begin at 1."""
    return int(key[:7], 16) + 1000


def _restored(order: base.Order) -> int:
    """The mark of a repost: the same for whoever restores that message."""
    return mark(hashlib.sha256(order.target.comment_id.encode()).hexdigest())


def _said(words: str, marked: int) -> ui.LayoutView:
    return ui.LayoutView(timeout=None).add_item(ui.TextDisplay(words, id=marked))


def _words(order: base.Order) -> str:
    if order.text is None:
        raise Refused("there are no words to say")
    return order.text.words


def _nonce(order: base.Order) -> str:
    return order.key[:25]


def _reason(order: base.Order) -> str:
    return f"chaperone {order.key}"


def _author(order: base.Order) -> discord.Object:
    return discord.Object(int(order.target.author_id))


def _seen(done: bool) -> base.Observed:
    return base.Observed.DONE if done else base.Observed.NOT_DONE
