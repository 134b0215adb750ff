"""What discord.py raises, as what the rest of the house understands. Nothing of Discord's own words is passed on."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import aiohttp
import discord

from bot.clock import Clock
from bot.errors import Ambiguous, CredentialsRevoked, Later, PlatformError, QuotaSpent, Refused, Unanswered, Vanished

UNREACHED_SECONDS = 30  # until a call is tried again that did not reach Discord, or found it down
CLOUDFLARE_SECONDS = 3600  # a ban of this machine's address; its length is not told

UNKNOWN_MESSAGE, UNKNOWN_BAN, DMS_CLOSED = 10008, 10026, 50007
GONE = {10003: "the channel is gone", UNKNOWN_MESSAGE: "the message is gone"}
REFUSED = {
    10007: "the author has left the server",
    10013: "the author's account is gone",
    50001: "the bot may not see that channel",
    DMS_CLOSED: "the author takes no direct messages",
    50013: "the bot lacks the permission, or its role stands below the author's",
    50278: "the author shares no server with the bot any more",
}  # by Discord's JSON error code


@contextmanager
def told_as_ours(clock: Clock, *, creating: bool = False) -> Iterator[None]:
    """Errors of discord.py raised inside come out as `PlatformError`.

    `creating`: the call makes something new, so that nobody knows what became of it where Discord fell down.
    """
    try:
        yield
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        raise translated(error, clock, creating=creating) from error
    except RuntimeError as error:
        if str(error) != "Session is closed":  # by aiohttp: the client is being replaced, nothing was sent
            raise
        raise Later("Discord cannot be reached", _after(clock, UNREACHED_SECONDS)) from error


def translated(error: Exception, clock: Clock, *, creating: bool) -> PlatformError:
    match error:
        case discord.RateLimited():
            return Later("rate limit", _after(clock, error.retry_after))
        case discord.HTTPException():
            return _answered(error, clock, creating)
        case aiohttp.ClientConnectorError():
            return Later("Discord cannot be reached", _after(clock, UNREACHED_SECONDS))
        case _:
            return Ambiguous("the connection broke")


def _answered(error: discord.HTTPException, clock: Clock, creating: bool) -> PlatformError:
    if error.status == 401:
        return CredentialsRevoked("Discord does not accept the token any more")
    if error.status == 429:
        return QuotaSpent("Discord refuses this machine for a while", _after(clock, CLOUDFLARE_SECONDS))
    if error.status >= 500:
        down = Unanswered("Discord is down", _after(clock, UNREACHED_SECONDS))
        return Ambiguous("Discord failed in the middle of it") if creating else down
    if error.code in GONE:
        return Vanished(GONE[error.code])
    if "message_reference" in error.text:  # of a reply: what it answers is gone
        return Vanished(GONE[UNKNOWN_MESSAGE])
    return Refused(REFUSED.get(error.code, f"Discord refused it with {error.status}, code {error.code}"))


def _after(clock: Clock, seconds: float) -> datetime:
    return clock.now() + timedelta(seconds=seconds)
