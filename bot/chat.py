"""Chat: the app's Discord clients, one for each token, shared by accounts that watch a server and by the desk.

    async with Chats(clock) as chats:               # the app
        chat = chats.of(token("practice"))          # an adapter, the desk: the same token gives the same chat
        chat.listen("raw_message_edit", on_edit)    # by discord.py's names, before anybody asks for `ready`
        chat.prepare(register)                      # views and commands: after each login, before its gateway
        client = await chat.ready()                 # logs in when first asked

Nobody who shares a client knows of the others. discord.py resumes a session that Discord breaks off, but where the
gateway cannot be reached it ends for good, or waits for up to a quarter of an hour. So each time it cannot, a new
client is made here, at most a minute later, and told the same listeners and preparations; who listens hears
"connect" and reads what was missed. The token comes from the environment alone.
"""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any, Self

import aiohttp
import discord
from discord.ext import commands
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.clock import Clock, SystemClock
from bot.errors import ConfigError, CredentialsRevoked, Later

log = logging.getLogger("chaperone.chat")

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds between two clients
LONGEST_RATE_WAIT = 5.0  # seconds that a call may wait inside the library; for longer it raises `RateLimited`
IDENTIFIES_SPARED = 100  # of 1000 a day, after which Discord resets the token
BETWEEN_IDENTIFIES = 5.0  # seconds, as Discord asks
GUILDS_WITHIN = 0.5  # seconds after READY and after each server; what comes later is fetched when asked for
FOR_GOOD = {
    4004: "Discord does not accept the token: put a new one from the developer portal into the environment",
    4014: "the message content intent is off: turn it on in the developer portal",
}  # the gateway's close codes that no new client changes

Connect = Callable[[], aiohttp.BaseConnector]
Listener = Callable[..., Coroutine[Any, Any, None]]
Prepare = Callable[[commands.Bot], Awaitable[None]]


class _Secrets(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", extra="ignore", hide_input_in_errors=True)

    discord_token: str | None = Field(None, repr=False)


def token(account: str = "") -> str:
    """CHAPERONE_PRACTICE_DISCORD_TOKEN for the account "practice", else CHAPERONE_DISCORD_TOKEN.

    Raises `ConfigError` where neither is set.
    """
    own = f"CHAPERONE_{account.upper().replace('-', '_')}_" if account else "CHAPERONE_"
    found = _Secrets(_env_prefix=own).discord_token or _Secrets(_env_prefix="CHAPERONE_").discord_token
    if not found:
        raise ConfigError(f"There is no Discord token: set CHAPERONE_DISCORD_TOKEN (or {own}DISCORD_TOKEN).")
    return found


def _straight() -> aiohttp.BaseConnector:
    return aiohttp.TCPConnector(limit=0)


class Chat:
    """One token's client, as long as the app runs. Made by `Chats.of`."""

    def __init__(self, token: str, clock: Clock, connect: Connect) -> None:
        self._token, self._clock, self._connect = token, clock, connect
        self._listeners: list[tuple[str, Listener]] = []
        self._preparations: list[Prepare] = []
        self._client: _Client | None = None
        self._ended: CredentialsRevoked | None = None
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()  # set whenever one of the above changed

    def listen(self, event: str, listener: Listener) -> None:
        """Call `listener` at each of discord.py's events of that name, such as "message"; also of later clients.

        At "ended", which is ours, the token was refused: no client comes any more.
        """
        if not inspect.iscoroutinefunction(listener):
            raise TypeError(f"what listens to {event} must be a coroutine function")
        self._listeners.append((event, listener))

    def prepare(self, preparation: Prepare) -> None:
        """Call `preparation` with each client once it is logged in, before its gateway brings anything."""
        self._preparations.append(preparation)

    async def ready(self) -> commands.Bot:
        """The client once its gateway said READY, however long that takes. Raises `CredentialsRevoked`."""
        if self._task is None:
            self._task = asyncio.create_task(self._live(), name="chat")
        while self._client is None or not self._client.is_ready():
            if self._ended is not None:
                raise self._ended
            await self._news.wait()
        return self._client

    @property
    def client(self) -> commands.Bot:
        """The client that is logged in, whether or not its gateway is up.

        Raises `Later` while there is none, and `CredentialsRevoked`.
        """
        if self._ended is not None:
            raise self._ended
        if self._client is None or self._client.user is None:
            raise Later("Discord cannot be reached yet", self._clock.now() + timedelta(seconds=30))
        return self._client

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _live(self) -> None:
        """One client after the other, until the token is refused."""
        wait = FIRST_WAIT
        while self._ended is None:
            born = self._clock.now()
            await self._one_life()
            lasted = (self._clock.now() - born).total_seconds()
            wait = FIRST_WAIT if lasted > LONGEST_WAIT else min(wait * 2, LONGEST_WAIT)
            if self._ended is None:
                await self._clock.sleep(wait)
        for event, listener in self._listeners:
            if event == "ended":
                await listener()

    async def _one_life(self) -> None:
        client = _Client(self._connect(), self._clock, self._preparations, self._tell)
        for event, listener in self._listeners:
            client.add_listener(listener, f"on_{event}")
        self._client = client
        try:
            await client.login(self._token)
            await client.spare_identifies()
            await client.connect(reconnect=False)
        except discord.LoginFailure:
            self._ended = CredentialsRevoked(FOR_GOOD[4004])
        except discord.ConnectionClosed as error:
            if error.code in FOR_GOOD:
                self._ended = CredentialsRevoked(FOR_GOOD[error.code])
            log.warning("chat_closed", extra={"fields": {"code": error.code}})
        except Exception as error:  # the top of a task: see above for what escapes from the library
            log.warning("chat_failed", exc_info=error, extra={"fields": {}})
        finally:
            self._client = None
            await client.close()
            self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Chats:
    """The chats of an app. `connect` makes what a client reaches the network through; a sandbox leads it astray."""

    def __init__(self, clock: Clock | None = None, connect: Connect = _straight) -> None:
        self._clock, self._connect = clock or SystemClock(), connect
        self._chats: dict[str, Chat] = {}

    def of(self, token: str) -> Chat:
        """The one chat of this token."""
        if token not in self._chats:
            self._chats[token] = Chat(token, self._clock, self._connect)
        return self._chats[token]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for chat in self._chats.values():
            await chat.close()


class _Client(commands.Bot):
    """No words are cached, nobody is ever pinged, and no message is a command."""

    def __init__(
        self, connector: aiohttp.BaseConnector, clock: Clock, preparations: list[Prepare], tell: Callable[[], None]
    ) -> None:
        super().__init__(
            command_prefix=(),
            help_command=None,
            intents=discord.Intents(
                guilds=True, guild_messages=True, dm_messages=True, message_content=True,
                moderation=True, auto_moderation_execution=True,
            ),
            connector=connector,
            max_messages=None,
            guild_ready_timeout=GUILDS_WITHIN,
            chunk_guilds_at_startup=False,
            allowed_mentions=discord.AllowedMentions.none(),
        )  # fmt: skip
        self.http.max_ratelimit_timeout = LONGEST_RATE_WAIT  # the constructor takes no less than 30
        self._clock, self._preparations, self._tell = clock, preparations, tell

    async def setup_hook(self) -> None:
        for preparation in self._preparations:
            await preparation(self)

    async def on_ready(self) -> None:
        self._tell()

    async def on_message(self, message: discord.Message) -> None:
        """Not a command, whatever it says."""

    async def on_error(self, event_method: str, /, *_: Any, **__: Any) -> None:
        log.exception("chat_listener_failed", extra={"fields": {"where": event_method}})

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        if initial:
            return
        await self._clock.sleep(BETWEEN_IDENTIFIES)
        if await self._wait_for_identify():
            await self.close()  # a gateway does not wait so long: the next client does, before it connects

    async def spare_identifies(self) -> None:
        """Wait where this day's sessions run short, so that a crash loop does not cost the token."""
        await self._clock.sleep(await self._wait_for_identify())

    async def _wait_for_identify(self) -> float:
        """Seconds; 0 while there are plenty."""
        _, _, limit = await self.http.get_bot_gateway()
        if limit["remaining"] >= IDENTIFIES_SPARED:
            return 0.0
        log.warning("chat_identifies_short", extra={"fields": {"remaining": limit["remaining"]}})
        return limit["reset_after"] / 1000 / max(limit["remaining"], 1)
