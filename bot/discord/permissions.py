"""Whether a bot is let into Discord, and what it may do in a channel. Nothing is said or changed there."""

import asyncio
from collections.abc import Iterable

from discord.ext import commands

from bot.chat import Chat
from bot.clock import Clock
from bot.discord.scope import Channel
from bot.errors import Later

WITHIN = 20.0  # seconds


async def entered(chat: Chat, clock: Clock) -> commands.Bot:
    """The client, soon. Raises `CredentialsRevoked`, and `Later` where Discord does not answer."""
    try:
        return await asyncio.wait_for(chat.ready(), WITHIN)
    except TimeoutError:
        raise Later("Discord cannot be reached", clock.now()) from None


def lacking(channel: Channel, needed: Iterable[str]) -> str:
    """What the bot may not do there, of permissions by discord.py's names; "" where it may do all."""
    allowed = channel.permissions_for(channel.guild.me)
    missing = ", ".join(name for name in needed if not getattr(allowed, name))
    return missing and f"in channel {channel.id} the bot lacks {missing}"
