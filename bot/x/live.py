"""The filtered stream through tweepy, supervised: one attempt at a time, with our own waiting in between.

tweepy's stream retries 401, 403 and 409 for ever, reconnects without pause after a clean close, and ends without
a word on half a line, on a rule without a tag, or on any error of a handler. So each of its handlers here does one of
two things: it puts what came into the queue, or it ends the attempt. What it missed, the poll of the mentions brings.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum

import aiohttp
from aiohttp import BaseConnector, ClientSession, ClientTimeout
from tweepy import StreamRule, TweepyException
from tweepy.asynchronous import AsyncStreamingClient

from bot.clock import Clock
from bot.errors import CredentialsRevoked, Later
from bot.model import Gone
from bot.x.posts import TWEET_FIELDS

log = logging.getLogger("chaperone.x")

MOST_WAITING = 10_000  # lines; what comes on top is left to the poll
NO_STREAM = (
    "X does not accept the bearer token, which the stream needs: copy it anew from your app at developer.x.com into "
    "the environment and start again, or write `stream = false`"
)
SHARED = (
    "its app has rules that are not this account's ({}): what they match costs money too, and is counted here; give "
    "each account an app of its own"
)
STEADY_SECONDS = 60.0  # a connection that held so long begins again at the shortest wait


class Sign(StrEnum):
    """What stands in the queue beside lines and posts that are gone."""

    CONNECTED = "connected"  # something may have been missed before
    REFUSED = "refused"  # the bearer token is not accepted: only polls from now on


class Ended(StrEnum):
    """Why an attempt ended, as X's guide on handling disconnections tells them apart."""

    CLOSED = "closed"
    NETWORK = "network"
    HTTP = "http"
    BUSY = "busy"  # 420 or 429
    REFUSED = "refused"  # 401 or 403
    FAILED = "failed"


WAITS = {  # seconds: the first and the longest; doubled each time. 50 connections in 15 minutes are allowed
    Ended.CLOSED: (1.0, 60.0), Ended.NETWORK: (1.0, 60.0), Ended.HTTP: (5.0, 320.0), Ended.FAILED: (5.0, 320.0),
    Ended.BUSY: (60.0, 900.0), Ended.REFUSED: (300.0, 3600.0),
}  # fmt: skip

Item = bytes | Gone | Sign


class _EndedBy(Exception):
    def __init__(self, why: Ended) -> None:
        super().__init__(why)
        self.why = why


class _Attempt(AsyncStreamingClient):  # type: ignore[misc] # tweepy has no types
    """One connection. tweepy swallows what its handlers raise and hands it to `on_exception`."""

    def __init__(self, bearer: str, put: Callable[[Item], None]) -> None:
        super().__init__(bearer, return_type=dict)
        self._put = put
        self.why = Ended.FAILED

    async def on_connect(self) -> None:
        self._put(Sign.CONNECTED)

    async def on_data(self, raw_data: bytes) -> None:
        self._put(raw_data)

    async def on_keep_alive(self) -> None:
        pass

    async def on_closed(self, resp: object) -> None:
        raise _EndedBy(Ended.CLOSED)

    async def on_connection_error(self) -> None:
        raise _EndedBy(Ended.NETWORK)

    async def on_request_error(self, status_code: int) -> None:
        raise _EndedBy(_why(status_code))

    async def on_exception(self, exception: Exception) -> None:
        self.why = exception.why if isinstance(exception, _EndedBy) else Ended.FAILED

    async def on_disconnect(self) -> None:
        pass


class Live:
    """The stream of one account. `run` goes on until it is cancelled; `queue` is where everything arrives."""

    def __init__(
        self, bearer: str, rule: StreamRule, connector: Callable[[], BaseConnector], clock: Clock, silence: float
    ) -> None:
        """`silence` (seconds): X says something every 20; after so long without a sign the stream is dead."""
        self._bearer, self.rule, self._connector = bearer, rule, connector
        self._clock, self._silence = clock, silence
        self.queue: asyncio.Queue[Item] = asyncio.Queue(MOST_WAITING)
        self.arrived = asyncio.Event()

    def put(self, item: Item) -> None:
        """Never waits, for a stream that is not read is cut off."""
        if not self.queue.full():
            self.queue.put_nowait(item)
        self.arrived.set()

    async def run(self) -> None:
        failures = 0
        while True:
            began = self._clock.now()
            why = await self._attempt(self._listen)
            held = (self._clock.now() - began).total_seconds()
            failures = 0 if held >= STEADY_SECONDS else failures
            first, longest = WAITS[why]
            wait = min(first * 2**failures, longest)
            failures = min(failures + 1, 16)
            log.warning("stream_ended", extra={"fields": {"category": why, "held": held, "wait": wait}})
            await self._clock.sleep(wait)

    async def check(self) -> str:
        """What a person is told. Raises `CredentialsRevoked` or `Later`; opens no stream."""
        others: list[dict[str, str]] = []

        async def look(attempt: _Attempt) -> None:
            others.extend(rule for rule in await _rules(attempt) if not self._is_ours(rule))
            attempt.why = Ended.CLOSED

        why = await self._attempt(look)
        if why is Ended.REFUSED:
            raise CredentialsRevoked(NO_STREAM)
        if why is not Ended.CLOSED:
            told = f"the rules of X's stream cannot be read now ({why}): try again in some minutes"
            raise Later(told, self._clock.now())
        accepted = "the stream's token is accepted"
        return f"{accepted}; but {SHARED.format(len(others))}" if others else accepted

    async def _attempt(self, work: Callable[[_Attempt], Awaitable[None]]) -> Ended:
        """Connect, work until that ends, say why it ended."""
        attempt = _Attempt(self._bearer, self.put)
        timeout = ClientTimeout(total=None, sock_connect=self._silence, sock_read=self._silence)
        async with ClientSession(connector=self._connector(), timeout=timeout) as session:
            attempt.session = session
            try:
                await work(attempt)
            except TweepyException as error:
                attempt.why = _why(getattr(getattr(error, "response", None), "status", 0))
            except (aiohttp.ClientError, TimeoutError, OSError):
                attempt.why = Ended.NETWORK
            except (ValueError, AttributeError, TypeError, KeyError):  # how tweepy fails on a body it does not expect
                attempt.why = Ended.FAILED
            finally:
                await _finished(attempt)
        if attempt.why is Ended.REFUSED:
            self.put(Sign.REFUSED)
        return attempt.why

    async def _listen(self, attempt: _Attempt) -> None:
        await self._have_the_rule(attempt)
        await asyncio.wait({attempt.filter(tweet_fields=TWEET_FIELDS)})  # it swallows being cancelled

    async def _have_the_rule(self, attempt: _Attempt) -> None:
        ours = [rule for rule in await _rules(attempt) if self._is_ours(rule)]
        stale = [rule["id"] for rule in ours if (rule.get("tag"), rule["value"]) != (self.rule.tag, self.rule.value)]
        if stale:
            await attempt.delete_rules(stale)
        if len(stale) == len(ours):
            await attempt.add_rules(self.rule)

    def _is_ours(self, rule: Mapping[str, str]) -> bool:
        """Also under the tag of an account that was renamed since: X takes no second rule of the same value."""
        return bool(rule.get("tag") == self.rule.tag or rule["value"] == self.rule.value)


async def _rules(attempt: _Attempt) -> list[dict[str, str]]:
    """All that the app has, which may not be ours alone."""
    return list((await attempt.get_rules()).get("data", []))


def _why(status: int) -> Ended:
    return {401: Ended.REFUSED, 403: Ended.REFUSED, 420: Ended.BUSY, 429: Ended.BUSY}.get(status, Ended.HTTP)


async def _finished(attempt: _Attempt) -> None:
    """tweepy keeps its reading in a task of its own; it goes with the attempt."""
    if attempt.task is not None and not attempt.task.done():
        attempt.task.cancel()
        await asyncio.gather(attempt.task, return_exceptions=True)
