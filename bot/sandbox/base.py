"""What every emulator of a platform stands on: a loopback server that notes each call and fails on request.

    class Example(Emulator):
        hosts = ("api.example.org",)

        def routes(self) -> list[web.RouteDef]:
            return [web.get("/me", self.me)]

        async def me(self, request: web.Request) -> web.StreamResponse:
            return answer({"id": "1"})

    async with Example() as example:
        example.fail("GET", "/me", RESET_AFTER, times=2)
        ...
        assert [call.status for call in example.journal.calls("GET", "/me")] == [None, None, 200]

Each piece of a long answer (`Emulator.stream`) is a call as well, whose method is `SEND` or `RECEIVE`: it
stands in the journal and meets faults like any other. `bot/sandbox/admin.py` is for other processes.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import ClassVar, Self

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from bot.clock import Clock, SystemClock
from bot.sandbox import admin
from bot.sandbox.certificate import throwaway
from bot.sandbox.faults import Fault, Faults, Kind, Order, answer
from bot.sandbox.journal import Call, Journal
from bot.sandbox.stream import Stream, half, hang_up, reset

_LOOPBACK = "127.0.0.1"
_SYSTEM_CLOCK = SystemClock()


class Emulator:
    """Serves http at `url`, and https for `hosts` at `tls_port` with a certificate made for this run."""

    hosts: ClassVar[tuple[str, ...]]

    def __init__(self, clock: Clock = _SYSTEM_CLOCK) -> None:
        self.clock = admin.PlatformClock(clock)
        self.journal = Journal()
        self.streams: set[Stream] = set()  # the open ones
        self._faults = Faults()

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """What the platform answers."""
        raise NotImplementedError

    def fail(self, method: str, path: str, fault: Fault, times: int = 1) -> None:
        """The next `times` calls that match these shell patterns meet `fault`; earlier orders go first."""
        self._faults.orders.append(Order(fault, method, path, times))

    @asynccontextmanager
    async def stream(self, request: web.Request) -> AsyncIterator[Stream]:
        """A long answer: a websocket where the client asks for one, else chunked. Return its `response`."""
        response = web.WebSocketResponse() if hdrs.UPGRADE in request.headers else web.StreamResponse()
        await response.prepare(request)
        stream = Stream(request, response, lambda method, piece: self._meet(request, method, piece)[1])
        self.streams.add(stream)
        try:
            yield stream
        finally:
            self.streams.discard(stream)

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._serve])
        app.add_routes(admin.Admin(self.journal, self._faults, self.clock).routes())
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.01)
        await self._runner.setup()
        tls, self.certificate = throwaway(self.hosts)
        plain = web.TCPSite(self._runner, _LOOPBACK, 0)
        secure = web.TCPSite(self._runner, _LOOPBACK, 0, ssl_context=tls)
        await plain.start()
        await secure.start()
        self.url, self.tls_port = plain.name, secure.port
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @web.middleware
    async def _serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(admin.PREFIX):
            return await handler(request)
        body = (await request.read()).decode(errors="replace")
        call, fault = self._meet(request, request.method, body)
        response = await _response(request, handler, fault)
        match fault.kind:
            case Kind.NOTHING | Kind.ANSWER:
                call.status = response.status
            case Kind.HANG:
                await asyncio.Event().wait()  # until the client leaves, which cancels this
            case Kind.RESET | Kind.RESET_AFTER:
                reset(request)
            case Kind.HALF:
                response = await half(request, response)
            case Kind.CLOSE:
                hang_up(request)
        return response

    def _meet(self, request: web.Request, method: str, body: str) -> tuple[Call, Fault]:
        call = Call(self.clock.now(), method, request.path, dict(request.query), _parsed(body))
        self.journal.add(call)
        return call, self._faults.meet(call)


async def _response(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    """What the handler answers, or what the fault says where it comes before the effect."""
    if fault.kind not in (Kind.NOTHING, Kind.RESET_AFTER, Kind.HALF):
        return answer(fault.body, fault.status, fault.headers)
    try:
        return await handler(request)
    except web.HTTPException as error:
        return answer(error.text or "", error.status, error.headers)


def _parsed(body: str) -> object:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body
