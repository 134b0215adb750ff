"""Consequences: who carries an action out. The platform where the account is live, its shadow where it is not."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.model import Capability, Mode, Target, Verb
from bot.platforms.base import Observed, Order, Platform
from bot.replies import Occasion


class Consequences(Protocol):
    """Who carries actions out: a platform, or its shadow."""

    def capability(self, verb: Verb, target: Target, now: datetime) -> Capability: ...

    call_seconds: float

    async def perform(self, verb: Verb, order: Order) -> None: ...

    async def observe(self, verb: Verb, order: Order) -> Observed: ...


class Live:
    """What is decided happens."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.capability = platform.capability
        self.call_seconds = platform.call_seconds

    async def perform(self, verb: Verb, order: Order) -> None:
        async with asyncio.timeout(self.call_seconds):
            await getattr(self._platform, verb.value)(order)

    async def observe(self, verb: Verb, order: Order) -> Observed:
        async with asyncio.timeout(self.call_seconds):
            return await self._platform.observe(verb, order)


class Shadow:
    """Nothing happens; what could not have been done is still refused, so that shadow tells the truth."""

    call_seconds = 0.0

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def capability(self, verb: Verb, target: Target, now: datetime) -> Capability:
        able = self._platform.capability(verb, target, now)
        return Capability(able.ability, able.note, lane="", people_only=able.people_only)

    async def perform(self, verb: Verb, order: Order) -> None:
        return

    async def observe(self, verb: Verb, order: Order) -> Observed:
        return Observed.DONE


@dataclass(frozen=True, slots=True)
class Side:
    """One account as the worker sees it."""

    mode: Mode
    providers: Mapping[Mode, Consequences]
    says: Occasion = field(default_factory=Occasion)  # where and in whose name templates are said
