"""X: replies to a practice's posts, read and answered through tweepy. What it is made of is in `bot/x`.

Five keys per account come from the environment, never from the config; for an account named "st-marys":

    CHAPERONE_X_ST_MARYS_API_KEY        CHAPERONE_X_ST_MARYS_ACCESS_TOKEN
    CHAPERONE_X_ST_MARYS_API_SECRET     CHAPERONE_X_ST_MARYS_ACCESS_SECRET
    CHAPERONE_X_ST_MARYS_BEARER_TOKEN   (for the stream; not needed with `stream = false`)

X has no way to ask whether a reply is hidden; asking for it again is harmless and answers the question. A reply
or message that may or may not have landed is looked for in our own timeline or conversation.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from tweepy import StreamRule

from bot.errors import ConfigError, Refused, Vanished
from bot.model import Ability, Batch, Capability, Gone, Lane, Target, Verb
from bot.platforms import base
from bot.x.client import Client, Keys
from bot.x.conversations import Conversations
from bot.x.errors import NO_MESSAGES, READ_ONLY
from bot.x.ledger import Budget, Ledger, Prices
from bot.x.live import Live
from bot.x.memory import Memory
from bot.x.plan import Plan, Poll
from bot.x.polls import Polls
from bot.x.reading import Reader
from bot.x.saying import Saying

QUARTER = 15 * 60  # seconds; the window of X's rate limits


class Settings(base.Settings):
    handle: str = Field(pattern=r"^\w{1,50}$", description="the account's name on X, without the @")
    stream: bool = Field(True, description="read the stream too: within a second, at the price of a second read")
    poll_seconds: float = Field(120, gt=0, description="between two polls of the mentions; the floor under the stream")
    own_seconds: float = Field(60, ge=0, description="between two polls of our own timeline; 0 = never")
    search_seconds: float = Field(
        3600, ge=0, description="between two searches for replies without a mention; 0 = never"
    )
    recheck_seconds: float = Field(43200, ge=0, description="between two looks for deleted comments; 0 = never")
    look_back_hours: float = Field(24, gt=0, le=168, description="how much of the past the first start reads")
    reads_per_day: int = Field(5000, ge=1, description="above it, only the mentions are read, and slowly")
    posts_per_day: int = Field(100, ge=0, description="replies and messages; above it they wait for the next day")
    dollars_per_day: float = Field(10.0, ge=0, description="of both together, by the prices below")
    slow_seconds: float = Field(1800, gt=0, description="between two polls once the day's budget is spent")
    call_seconds: float = Field(10, gt=0, le=30, description="a call that takes longer is given up and checked")
    silence_seconds: float = Field(
        25, gt=0, description="a stream that says nothing for so long is dead; X does every 20"
    )
    prices: Prices = Field(Prices(), description="what X takes")


class Secrets(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", extra="ignore", hide_input_in_errors=True)

    api_key: str = Field(min_length=1, repr=False)
    api_secret: str = Field(min_length=1, repr=False)
    access_token: str = Field(pattern=r"^\d+-", repr=False, description="begins with the account's number")
    access_secret: str = Field(min_length=1, repr=False)
    bearer_token: str = Field("", repr=False)


class Adapter(base.Platform):
    call_seconds = 10.0
    lanes = (
        Lane("hide", 50, QUARTER), Lane("reply", 100, QUARTER), Lane("dm", 15, QUARTER), Lane("mute", 50, QUARTER),
        Lane("unmute", 50, QUARTER), Lane("delete", 50, QUARTER),
    )  # fmt: skip
    spends = {  # noqa: RUF012 - as the base has it
        Verb.HIDE: "hide", Verb.RESTORE: "hide", Verb.REPLY: "reply", Verb.MESSAGE: "dm", Verb.MUTE: "mute",
        Verb.UNMUTE: "unmute", Verb.DELETE: "delete",
    }  # fmt: skip

    def __init__(self, settings: Settings, around: base.Surroundings, keys: Keys) -> None:
        self._settings, self._around, self._me = settings, around, keys.user_id
        self.call_seconds = settings.call_seconds + 1  # ours ends first, and says more
        self._memory = Memory(around.folder / "x-memory.jsonl")
        self._ledger = _ledger(settings, around)
        self._client = Client(keys, around.connector, around.clock, settings.call_seconds)
        rule = StreamRule(value=f"to:{settings.handle}", tag=f"chaperone-{around.account}")
        self._saying = Saying(self._client, self._memory, self._ledger, settings.prices)
        self._live = Live(keys.bearer, rule, around.connector, around.clock, settings.silence_seconds)
        self._streaming: asyncio.Task[None] | None = None
        plan, clock = _plan(settings), around.clock
        self._conversations = Conversations(
            self._client, self._memory, self._ledger, plan.read_price, settings.handle, around.staff
        )
        polls = Polls(self._client, self._conversations, self._memory, self._ledger, plan, clock, settings.handle)
        self._reader = Reader(polls, self._live, self._conversations, self._ledger, plan, clock, self._stream)

    @classmethod
    @asynccontextmanager
    async def connect(cls, settings: base.Settings, around: base.Surroundings) -> AsyncIterator["Adapter"]:
        """Asks X nothing yet, so that the trouble of one account is not the others'."""
        checked = Settings.model_validate(settings)
        adapter = cls(checked, around, _keys(around.account, needs_bearer=checked.stream))
        async with adapter._client:
            try:
                yield adapter
            finally:
                adapter._stream(wanted=False)

    @classmethod
    def standing(cls, settings: base.Settings, around: base.Surroundings) -> list[str]:
        checked = Settings.model_validate(settings)
        return _ledger(checked, around).standing(checked.slow_seconds)

    async def check(self) -> list[str]:
        handle = await self._client.handle()
        if handle.casefold() != self._settings.handle.casefold():
            wanted = f"the config says @{self._settings.handle}: correct `handle`, or put that account's keys in place"
            raise ConfigError(f"The keys of {self._around.account} belong to @{handle}; {wanted}.")
        lines = [f"reads and acts as @{handle}", self._ledger.told()]
        return [*lines, self._may_write(), await self._may_stream()]

    def _may_write(self) -> str:
        """X says with each answer what the keys are for."""
        level = self._client.access_level
        if level == "read":
            raise Refused(READ_ONLY)
        more = "" if level.endswith(MESSAGES) else f"; but {NO_MESSAGES}"
        return f"may hide and answer{more}" if level else "X does not say whether the keys may write"

    async def _may_stream(self) -> str:
        if not self._settings.stream:
            return f"polls every {self._settings.poll_seconds:.0f} s, no stream"
        return f"polls every {self._settings.poll_seconds:.0f} s besides the stream: {await self._live.check()}"

    def events(self, cursor: str | None) -> AsyncIterator[Batch]:
        """The cursor is JSON: how far each poll has read, and the newest posts, which are looked up again."""
        return self._reader.batches(cursor)

    def capability(self, verb: Verb, target: Target, now: datetime) -> Capability:
        able = super().capability(verb, target, now)
        if able.ability is Ability.IMPOSSIBLE:
            return able
        lane = self.spends[verb]
        if why := self._impossible(verb, target):
            return Capability(Ability.IMPOSSIBLE, why, lane)
        ability = Ability.APPROXIMATE if verb in NOTES else Ability.NATIVE
        return Capability(
            ability, NOTES.get(verb, ""), lane, undoable=verb in UNDOABLE, observable=verb not in HIDING,
            heard=self._client.heard.get(lane),
        )  # fmt: skip

    def _impossible(self, verb: Verb, target: Target) -> str:
        ours = target.author_id == self._me
        if verb in HIDING and ours:
            return "X does not hide what the account itself posted; it can be deleted"
        if verb in HIDING and self._conversations.is_foreign(target.thread):
            return "X hides replies only in conversations that the account began"
        if verb is Verb.REPLY and not (target.summoned or ours):
            return "X lets us answer in public only who mentioned or quoted the account"
        if verb is Verb.DELETE and not ours:
            return "X lets us delete only what the account itself posted"
        if verb is Verb.MESSAGE and self._client.access_level and not self._client.access_level.endswith(MESSAGES):
            return NO_MESSAGES
        if verb in (Verb.MUTE, Verb.UNMUTE, Verb.MESSAGE) and ours:
            return "this is the account itself"
        return ""

    async def observe(self, verb: Verb, order: base.Order) -> base.Observed:
        match verb:
            case Verb.REPLY | Verb.MESSAGE:
                return await self._saying.landed(verb, order)
            case Verb.MUTE | Verb.UNMUTE:
                muted = await self._client.mutes(order.target.author_id)
                return base.Observed.DONE if muted is (verb is Verb.MUTE) else base.Observed.NOT_DONE
            case Verb.HIDE | Verb.RESTORE | Verb.DELETE:
                return await self._there(verb, order.target)
        return base.Observed.CANNOT_SAY

    async def hide(self, order: base.Order) -> None:
        await self._set_hidden(order.target, hidden=True)

    async def restore(self, order: base.Order) -> None:
        await self._set_hidden(order.target, hidden=False)

    async def delete(self, order: base.Order) -> None:
        await self._client.delete(self._memory.newest(order.target.comment_id))

    async def reply(self, order: base.Order) -> None:
        await self._saying.reply(order)

    async def message(self, order: base.Order) -> None:
        await self._saying.message(order)

    async def mute(self, order: base.Order) -> None:
        await self._client.mute(order.target.author_id)

    async def unmute(self, order: base.Order) -> None:
        await self._client.unmute(order.target.author_id)

    async def _set_hidden(self, target: Target, *, hidden: bool) -> None:
        try:
            await self._client.hide(self._memory.newest(target.comment_id), hidden)
        except Vanished:
            self._live.put(Gone(target.comment_id))
            raise

    async def _there(self, verb: Verb, target: Target) -> base.Observed:
        page = await self._client.look_up([self._memory.newest(target.comment_id)])
        if any(each.gone for each in page.errors):
            self._live.put(Gone(target.comment_id))
            return base.Observed.GONE
        return base.Observed.NOT_DONE if verb is Verb.DELETE else base.Observed.CANNOT_SAY

    def _stream(self, wanted: bool) -> None:
        """Start or end the stream; it is ours, and goes with the connection."""
        running = self._streaming is not None and not self._streaming.done()
        if wanted and self._settings.stream and not running:
            self._streaming = asyncio.create_task(self._live.run(), name=f"stream-{self._around.account}")
        elif not wanted and self._streaming is not None:
            self._streaming.cancel()
            self._streaming = None


MESSAGES = "directmessages"  # the end of an access level that covers messages
HIDING = (Verb.HIDE, Verb.RESTORE)
UNDOABLE = (Verb.HIDE, Verb.RESTORE, Verb.MUTE, Verb.UNMUTE)
NOTES = {
    Verb.MESSAGE: "arrives only where the person takes messages from the account",
    Verb.MUTE: "in the account's own view only: others still see what they write",
    Verb.UNMUTE: "in the account's own view only",
}


def _ledger(settings: Settings, around: base.Surroundings) -> Ledger:
    budget = Budget(settings.reads_per_day, settings.posts_per_day, settings.dollars_per_day)
    return Ledger(around.folder / "x-spent.json", budget, around.clock)


def _plan(settings: Settings) -> Plan:
    every = {
        Poll.OWN: settings.own_seconds, Poll.MENTIONS: settings.poll_seconds, Poll.SEARCH: settings.search_seconds,
        Poll.RECHECK: settings.recheck_seconds,
    }  # fmt: skip
    look_back = timedelta(hours=settings.look_back_hours)
    return Plan(every, settings.slow_seconds, look_back, settings.prices.read, settings.prices.mention)


def _keys(account: str, *, needs_bearer: bool) -> Keys:
    """Raises `ConfigError` that names what is missing."""
    prefix = f"CHAPERONE_X_{re.sub(r'[^A-Za-z0-9]', '_', account).upper()}_"
    try:
        it = Secrets(_env_prefix=prefix)
    except ValidationError as error:
        names = ", ".join(prefix + str(each["loc"][0]).upper() for each in error.errors(include_input=False))
        raise ConfigError(f"Set in the environment, from your app at developer.x.com: {names}") from None
    if needs_bearer and not it.bearer_token:
        raise ConfigError(f"Set {prefix}BEARER_TOKEN in the environment, or write `stream = false`.")
    return Keys(it.api_key, it.api_secret, it.access_token, it.access_secret, it.bearer_token)
