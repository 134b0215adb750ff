"""The door for whoever stands outside an emulator's process.

GET    /__sandbox__/journal?method=&path=   the calls that match, as JSON lines
GET    /__sandbox__/faults                  the orders that are not used up
POST   /__sandbox__/faults                  one more: {"path": "/2/*", "times": 2, "fault": {"kind": "reset"}}
DELETE /__sandbox__/faults                  none any more
GET    /__sandbox__/clock                   {"now": ...}, the platform's time
POST   /__sandbox__/clock                   {"advance": seconds}
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from aiohttp import web
from pydantic import ConfigDict, FiniteFloat, TypeAdapter, ValidationError

from bot.clock import Clock
from bot.sandbox.faults import Faults, Order, answer
from bot.sandbox.journal import Journal

PREFIX = "/__sandbox__/"


class PlatformClock:
    """The platform's time: everybody's, until it is moved ahead."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = timedelta()

    def now(self) -> datetime:
        return self._clock.now() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Admin:
    journal: Journal
    faults: Faults
    clock: PlatformClock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(PREFIX + "journal", self._show_journal),
            web.get(PREFIX + "faults", self._show_faults),
            web.post(PREFIX + "faults", self._order_fault),
            web.delete(PREFIX + "faults", self._clear_faults),
            web.get(PREFIX + "clock", self._show_clock),
            web.post(PREFIX + "clock", self._advance_clock),
        ]

    async def _show_journal(self, request: web.Request) -> web.Response:
        query = request.query
        return answer(self.journal.jsonl(query.get("method", "*"), query.get("path", "*")))

    async def _show_faults(self, _: web.Request) -> web.Response:
        return answer(TypeAdapter(list[Order]).dump_python(self.faults.orders))

    async def _order_fault(self, request: web.Request) -> web.Response:
        self.faults.orders.append(await _read(request, Order))
        return await self._show_faults(request)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self.faults.orders.clear()
        return await self._show_faults(request)

    async def _show_clock(self, _: web.Request) -> web.Response:
        return answer({"now": self.clock.now().isoformat()})

    async def _advance_clock(self, request: web.Request) -> web.Response:
        self.clock.advance((await _read(request, _Advance)).advance)
        return await self._show_clock(request)


@dataclass(frozen=True, slots=True)
class _Advance:
    advance: FiniteFloat
    __pydantic_config__ = ConfigDict(extra="forbid")


_T = TypeVar("_T")


async def _read(request: web.Request, shape: type[_T]) -> _T:
    try:
        return TypeAdapter(shape).validate_json(await request.read())
    except ValidationError as error:
        raise web.HTTPBadRequest(text=str(error)) from error
