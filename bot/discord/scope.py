"""Which channels of a Discord server an account reads."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import discord
from discord.ext import commands

from bot.errors import CredentialsRevoked

Channel = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread
_CHANNELS = (discord.TextChannel, discord.VoiceChannel, discord.StageChannel)
_PARENTS = (discord.TextChannel, discord.ForumChannel)  # of threads


@dataclass(frozen=True, slots=True)
class Scope:
    """What is read: a server, and of it these channels with their threads; none named = all. Never the desk's."""

    account: str
    server: int
    channels: frozenset[int]
    staff: frozenset[str]
    backfill: timedelta
    desk: int | None = None  # its channel: what moderators say there, in its threads too, is no comment

    def holds(self, channel: Any) -> bool:
        ids = {channel.id, getattr(channel, "parent_id", channel.id)}
        return self.desk not in ids and (not self.channels or not ids.isdisjoint(self.channels))

    def of(self, guild: discord.Guild) -> list[Channel]:
        return [each for each in guild.channels if isinstance(each, _CHANNELS) and self.holds(each)]

    def parents(self, guild: discord.Guild) -> list[discord.TextChannel | discord.ForumChannel]:
        return [each for each in guild.channels if isinstance(each, _PARENTS) and self.holds(each)]

    def guild(self, client: commands.Bot) -> discord.Guild:
        """Raises `CredentialsRevoked` where the bot is not a member."""
        guild = client.get_guild(self.server)
        if guild is None:
            raise CredentialsRevoked(f"the bot is not a member of the server {self.server}: invite it")
        return guild
