"""What can go wrong between a client and a platform, made to happen on request."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from aiohttp import web
from pydantic import ConfigDict, PositiveInt

from bot.sandbox.journal import Call


class Kind(StrEnum):
    """What happens to a call; in brackets, to a piece of a stream."""

    NOTHING = "nothing"  # lets calls through to an order behind this one
    ANSWER = "answer"  # this answer and no effect (this piece instead of the other)
    HANG = "hang"  # no effect, no answer until the client leaves (lost)
    RESET = "reset"  # no effect, the connection is reset (before the piece)
    RESET_AFTER = "reset_after"  # the effect, then the connection is reset without an answer (after the piece)
    HALF = "half"  # the effect, then the connection ends after half of the body (of the piece)
    CLOSE = "close"  # no effect, the connection ends politely (lost, and the stream is ended properly)


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong; `status`, `headers` and `body` are of the answer, which is JSON where it is no string.

    A websocket is closed with `status` as its close code.
    """

    kind: Kind = Kind.ANSWER
    status: int = 200
    body: object = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    __pydantic_config__ = ConfigDict(extra="forbid")


NOTHING = Fault(Kind.NOTHING)
HANG = Fault(Kind.HANG)
RESET = Fault(Kind.RESET)
RESET_AFTER = Fault(Kind.RESET_AFTER)
HALF = Fault(Kind.HALF)
CLOSE = Fault(Kind.CLOSE, status=1000)
HTML_503 = Fault(status=503, body="<h1>Over capacity</h1>", headers={"Content-Type": "text/html"})
UNAUTHORISED = Fault(status=401, body={"title": "Unauthorized"})
FORBIDDEN = Fault(status=403, body={"title": "Forbidden"})
TOO_MANY = Fault(status=429, body={"title": "Too Many Requests"})  # each platform has its own reset headers


@dataclass(frozen=True, slots=True)
class Order:
    """The next `times` calls whose method and path match these shell patterns meet `fault`."""

    fault: Fault
    method: str = "*"
    path: str = "*"
    times: PositiveInt = 1
    __pydantic_config__ = ConfigDict(extra="forbid")


class Faults:
    """The orders that are not used up; where several match, the oldest is met."""

    def __init__(self) -> None:
        self.orders: list[Order] = []

    def meet(self, call: Call) -> Fault:
        """What happens to this call; its order is used up once."""
        for at, order in enumerate(self.orders):
            if call.matches(order.method, order.path):
                left = [replace(order, times=order.times - 1)] if order.times > 1 else []
                self.orders[at : at + 1] = left
                call.fault = order.fault.kind
                return order.fault
        return NOTHING


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A string goes out as it is, all else as JSON with the bare type that discord.py demands."""
    if isinstance(body, str):
        return web.Response(text=body, status=status, headers=headers)
    typed = {"Content-Type": "application/json"} | dict(headers or {})
    return web.Response(body=written(body).encode(), status=status, headers=typed)


def written(body: object) -> str:
    return body if isinstance(body, str) else json.dumps(body)
