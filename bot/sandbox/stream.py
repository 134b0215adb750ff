"""A long answer, chunked or websocket: each of its pieces is journalled and may meet a fault."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from aiohttp import WSMsgType, web

from bot.sandbox.faults import Fault, Kind, written

Meet = Callable[[str, str], Fault]  # journals a piece by its method and text, and says what happens to it


class Stream:
    """Open until `ended`, which is when its handler is to return `response`."""

    def __init__(self, request: web.Request, response: web.StreamResponse, meet: Meet) -> None:
        self.path = request.path
        self.response = response
        self.ended = asyncio.Event()
        self.encode: Callable[[str], str | bytes] = str  # what a websocket's message becomes on the wire
        self._request = request
        self._meet = meet

    async def send(self, piece: str) -> None:
        """Sends a piece; one that nobody reads any more is dropped."""
        if self.ended.is_set():
            return
        fault = self._meet("SEND", piece)
        with suppress(ConnectionError):
            await self._write(_left_of(piece, fault))
            await self._break(fault)

    async def received(self) -> AsyncIterator[str]:
        """The text messages of a websocket's client. One that meets a fault is lost, whatever that does."""
        if not isinstance(self.response, web.WebSocketResponse):
            raise TypeError("only the client of a websocket says anything back")
        async for message in self.response:
            if message.type is WSMsgType.TEXT:
                fault = self._meet("RECEIVE", message.data)
                if fault.kind is Kind.NOTHING:
                    yield message.data
                await self._break(fault)

    async def close(self, code: int = 1000) -> None:
        """Ends it properly, a websocket with this code."""
        self.ended.set()
        if isinstance(self.response, web.WebSocketResponse):
            await self.response.close(code=code)

    async def _write(self, text: str) -> None:
        if not text:
            return
        if isinstance(self.response, web.WebSocketResponse):
            await _send(self.response, self.encode(text))
        else:
            await self.response.write(text.encode())

    async def _break(self, fault: Fault) -> None:
        match fault.kind:
            case Kind.RESET | Kind.RESET_AFTER:
                self.ended.set()
                reset(self._request)
            case Kind.HALF:
                self.ended.set()
                hang_up(self._request)
            case Kind.CLOSE:
                await self.close(fault.status)


async def _send(socket: web.WebSocketResponse, message: str | bytes) -> None:
    if isinstance(message, bytes):
        await socket.send_bytes(message)
    else:
        await socket.send_str(message)


def _left_of(piece: str, fault: Fault) -> str:
    match fault.kind:
        case Kind.NOTHING | Kind.RESET_AFTER:
            return piece
        case Kind.ANSWER:
            return written(fault.body)
        case Kind.HALF:
            return piece[: len(piece) // 2]
        case Kind.RESET | Kind.HANG | Kind.CLOSE:
            return ""


async def half(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Sends half of the body of an answer that promised all of it, and hangs up."""
    body = response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""
    torn = web.StreamResponse(status=response.status, headers=response.headers)
    torn.content_length = len(body)
    await torn.prepare(request)
    await torn.write(body[: len(body) // 2])
    hang_up(request)
    return torn


def reset(request: web.Request) -> None:
    """Breaks the connection so that the client sees ECONNRESET."""
    if request.transport is not None:
        at_once = struct.pack("ii", 1, 0)
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        request.transport.abort()


def hang_up(request: web.Request) -> None:
    """Ends the connection politely after what was written, without an end to the answer."""
    if request.transport is not None:
        request.transport.close()
