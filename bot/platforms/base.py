"""What a platform is: one file in this folder with a class `Adapter`, named in the config by the file's name.

To add one, copy `replay.py`: `Settings` (what the config says of it) and `Adapter` with `connect`,
`events(cursor)`, `observe`, and the verbs the platform has. A verb that is not overridden is refused, so what
is written is what it can do. An adapter turns its library's errors into those of `bot/errors.py`; `bot/act.py`
decides what follows from them.
"""

import importlib
import pkgutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol, Self

from aiohttp import BaseConnector, TCPConnector
from pydantic import BaseModel, ConfigDict

import bot.platforms
from bot.chat import Chats
from bot.clock import Clock
from bot.errors import ConfigError, Refused
from bot.model import Ability, Batch, Capability, Lane, Target, Verb
from bot.near import nearest


class Settings(BaseModel):
    """The base of a platform's own part of the config; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Observed(StrEnum):
    DONE = "done"
    NOT_DONE = "not_done"
    GONE = "gone"
    CANNOT_SAY = "cannot_say"


class SpokenText(Protocol):
    """Words that passed the reply guard; nothing else can be sent (see `bot/replies.py`)."""

    @property
    def words(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Order:
    """One call: `key` is the same whenever the same thing is asked for again."""

    key: str
    target: Target
    text: SpokenText | None = None
    copy: str | None = field(default=None, repr=False)  # to restore: what the comment said, while we keep its text


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an adapter is handed besides its settings."""

    account: str
    clock: Clock
    folder: Path  # of its own, for what it must remember outside the store
    staff: frozenset[str] = frozenset()  # author ids of our own side
    chats: Chats = field(default_factory=Chats)  # the app's Discord clients, shared with the desk
    connector: Callable[[], BaseConnector] = TCPConnector  # how the network is reached; emulators have their own
    desk: int | None = None  # the channel of the desk on Discord, where our own people talk: it is never watched


class Platform:
    """The verbs, all refused, and what the rest asks of an adapter."""

    lanes: tuple[Lane, ...] = ()
    spends: Mapping[Verb, str] = {}  # the lane of each verb that has one
    call_seconds: float = 30.0  # a call that takes longer is ambiguous

    @classmethod
    def connect(cls, settings: Settings, around: Surroundings) -> AbstractAsyncContextManager[Self]:
        """Open the connection for as long as the context lasts. Raises `CredentialsRevoked` or `Later`."""
        raise NotImplementedError(f"{cls.__module__} has no connect")

    @classmethod
    def standing(cls, settings: Settings, around: Surroundings) -> list[str]:
        """What `chaperone status` says of the account, without asking the platform: budgets, for one."""
        return []

    async def check(self) -> list[str]:
        """What `chaperone check` should print of the connection; acts on nothing. Raises `PlatformError`."""
        return []

    def events(self, cursor: str | None) -> AsyncIterator[Batch]:
        """Batches from after `cursor` on (None = from the beginning). It ends only where no more can come."""
        raise NotImplementedError(f"{type(self).__module__} has no events")

    def capability(self, verb: Verb, target: Target, now: datetime) -> Capability:
        """Whether the verb works for this comment now; here: whether the verb is written at all."""
        if getattr(type(self), verb.value) is getattr(Platform, verb.value):
            return Capability(Ability.IMPOSSIBLE, note=f"this platform has no way to {verb.value}")
        return Capability(Ability.NATIVE)

    async def observe(self, verb: Verb, order: Order) -> Observed:
        """Ask the platform whether it happened."""
        return Observed.CANNOT_SAY

    async def hide(self, order: Order) -> None:
        raise _refusal(Verb.HIDE)

    async def restore(self, order: Order) -> None:
        raise _refusal(Verb.RESTORE)

    async def delete(self, order: Order) -> None:
        raise _refusal(Verb.DELETE)

    async def reply(self, order: Order) -> None:
        raise _refusal(Verb.REPLY)

    async def message(self, order: Order) -> None:
        raise _refusal(Verb.MESSAGE)

    async def mute(self, order: Order) -> None:
        raise _refusal(Verb.MUTE)

    async def unmute(self, order: Order) -> None:
        raise _refusal(Verb.UNMUTE)

    async def ban(self, order: Order) -> None:
        raise _refusal(Verb.BAN)

    async def unban(self, order: Order) -> None:
        raise _refusal(Verb.UNBAN)


def _refusal(verb: Verb) -> Refused:
    return Refused(f"this platform has no way to {verb.value}")


def names() -> list[str]:
    """The platforms there are: the files of this folder."""
    return sorted(m.name for m in pkgutil.iter_modules(bot.platforms.__path__) if m.name != "base")


def load(name: str) -> tuple[type[Settings], type[Platform]]:
    """A file's `Settings` and `Adapter`. Raises `ConfigError` with the near miss when there is no such file."""
    if name not in names():
        raise ConfigError(f"There is no platform {name!r}{nearest(name, names())}")
    module = importlib.import_module(f"bot.platforms.{name}")
    return module.Settings, module.Adapter


def readable(text: str) -> str:
    """The text with broken surrogates replaced, so that it can be stored, hashed and scored."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
