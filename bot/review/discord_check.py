"""Whether the desk on Discord could work: its token, its channel, and what the bot may do there. Nothing is posted."""

from bot.chat import Chats, Connect, token
from bot.clock import SystemClock
from bot.config import OnDiscord
from bot.discord.permissions import entered, lacking
from bot.discord.scope import Channel
from bot.errors import ConfigError, Refused

NEEDED = ("view_channel", "read_message_history", "send_messages", "create_public_threads", "send_messages_in_threads")


async def desk_check(on: OnDiscord, connect: Connect) -> list[str]:
    """What `chaperone check` prints of the desk. Raises `ConfigError` or `PlatformError`."""
    if on.channel is None:
        return ["on the command line"]
    if not any(on.roles.values()):
        raise ConfigError("Nobody may rule on Discord: name the roles that may in `desk.discord.roles`.")
    clock = SystemClock()
    async with Chats(clock, connect) as chats:
        client = await entered(chats.of(token()), clock)
        channel = client.get_channel(on.channel)
        if not isinstance(channel, Channel):
            told = "correct `desk.discord.channel`, or invite the bot to its server"
            raise ConfigError(f"The bot finds no channel {on.channel} that takes cards: {told}.")
        if told := lacking(channel, NEEDED):
            raise Refused(f"{told}: allow it there")
    return [f"on Discord, in channel {on.channel}, where the bot may do all that is needed, and on the command line"]
