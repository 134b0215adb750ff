"""Calling people on Discord to the cases that they should look at: by severity, not in quiet hours, each time once.

A call is written down as made after it was made, so that none is lost. Whether one was made already (its answer was
lost, or the process died) is looked up in the channel before it is made again.
"""

from dataclasses import dataclass, field
from datetime import datetime, time
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import discord
from sqlalchemy import Row

from bot.config import Config, OnDiscord
from bot.model import Severity
from bot.on_call import A_MEMBER, people
from bot.review import postings
from bot.store.database import Database

MOST_SEARCHED = 500  # messages after a card


@dataclass(slots=True)
class DiscordCalls:
    """`since`: when this process began; another may have called to older cases."""

    config: Config
    db: Database
    since: datetime
    _tried: set[tuple[int, int]] = field(default_factory=set)  # rows and their reminders, as long as nobody knows

    @property
    def desk(self) -> OnDiscord:
        return self.config.desk.discord

    async def make(self, client: discord.Client, now: datetime) -> None:
        """Whoever is to look at a case is called once, and at each reminder: the next on call, then everybody."""
        severities = {Severity[name.upper()] for name in self.desk.ping}
        if is_quiet(self.desk, now):
            severities = {each for each in severities if each >= Severity[self.desk.wake_for.upper()]}
        severities.add(Severity.CRISIS)  # those on call are called, also where no role is
        rows = await self.db.read(partial(postings.uncalled, severities=severities))
        for row in rows:
            await self._call(client, row)

    async def _call(self, client: discord.Client, row: Row[Any]) -> None:
        told = f"case {row.case_id} waits: {Severity(row.severity).name.lower()}"
        told += f", reminder {row.reminders}" if row.reminders else ""
        key = (row.id, row.reminders)
        place = client.get_partial_messageable(int(self.desk.channel or 0))
        if not (self._may_be_made(row) and await _was_made(client, place, row, told)):
            self._tried.add(key)
            on = discord.MessageReference(message_id=int(row.message), channel_id=place.id, fail_if_not_exists=False)
            ids = discord.AllowedMentions(everyone=False, replied_user=False, roles=True, users=True)
            text = " ".join([*self._called(row), told])
            nonce = f"call-{row.id}-{row.reminders}-{row.severity}"  # called anew to a case that became graver
            await place.send(text, allowed_mentions=ids, reference=on, nonce=nonce)
        pings = row.reminders + 1
        await self.db.run(partial(postings.called, row_id=row.id, pings=pings, severity=row.severity))
        self._tried.discard(key)

    def _may_be_made(self, row: Row[Any]) -> bool:
        return (row.id, row.reminders) in self._tried or row.opened_at < self.since

    def _called(self, row: Row[Any]) -> list[str]:
        roles = [self.desk.ping[name] for name in self.desk.ping if Severity[name.upper()] == row.severity]
        if row.reminders >= 2:
            roles += [role for each in self.desk.roles.values() for role in each]
        on_call = people(self.config, row.account)
        everybody = row.severity == Severity.CRISIS and row.reminders >= len(on_call)
        called = [one for one in on_call if everybody or one.name == row.assigned_to]
        members = [one.contact for one in called if A_MEMBER.fullmatch(one.contact)]
        return [f"<@&{role}>" for role in dict.fromkeys(roles)] + [f"<@{member}>" for member in members]


def is_quiet(desk: OnDiscord, now: datetime) -> bool:
    """Whether `now` is within the quiet hours, which may go past midnight."""
    if not desk.quiet_hours:
        return False
    begins, ends = (time.fromisoformat(each) for each in desk.quiet_hours.split("-"))
    here = now.astimezone(ZoneInfo(desk.time_zone)).time()
    return begins <= here < ends if begins <= ends else here >= begins or here < ends


async def _was_made(client: discord.Client, place: discord.PartialMessageable, row: Row[Any], told: str) -> bool:
    """Whether we said so since the card was posted."""
    async for message in place.history(after=discord.Object(int(row.message)), limit=MOST_SEARCHED):
        ours = client.user is not None and message.author.id == client.user.id
        if ours and message.content.endswith(told):
            return True
    return False
