"""Calls to X through tweepy's async client. Every one of its errors leaves here as one of ours.

tweepy never waits for a rate limit here: with OAuth 1.0a its waiting ends in an AttributeError, and without a reset
header it asks again without pause. It hands out whole responses, for the limits stand in their headers.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
import tweepy
from aiohttp import BaseConnector, ClientResponse, ClientSession, ClientTimeout
from pydantic import ValidationError
from tweepy.asynchronous import AsyncClient

from bot.clock import Clock
from bot.errors import CredentialsRevoked, Later, PlatformError, Refused
from bot.model import Allowance
from bot.x.errors import SOON, Answer, answer, error, resets_at
from bot.x.posts import TWEET_FIELDS, Page

UNREACHABLE = (
    "X cannot be reached: see that this machine is on the internet, its clock is right, and no firewall or proxy keeps "
    "it from api.twitter.com"
)
CONFIRMATIONS = 2  # a 401 may be X's own trouble: so often it is asked whether the keys are really refused


@dataclass(frozen=True, slots=True)
class Keys:
    """Of one account. `token` begins with the id of its user, as X makes them."""

    api_key: str
    api_secret: str
    token: str
    token_secret: str
    bearer: str

    def __repr__(self) -> str:
        return "Keys()"

    @property
    def user_id(self) -> str:
        return self.token.partition("-")[0]


class Client(AbstractAsyncContextManager["Client"]):
    """One account's calls. `heard` is what X last said of each lane."""

    def __init__(self, keys: Keys, connector: Callable[[], BaseConnector], clock: Clock, seconds: float) -> None:
        self._clock, self._connector, self._seconds = clock, connector, seconds
        self.user_id = keys.user_id
        self.heard: dict[str, Allowance] = {}
        self.access_level = ""  # "read", "read-write" or "read-write-directmessages", once X said so
        self._tweepy = AsyncClient(
            keys.bearer, keys.api_key, keys.api_secret, keys.token, keys.token_secret, return_type=ClientResponse
        )

    async def __aenter__(self) -> Self:
        timeout = ClientTimeout(total=self._seconds)
        self._tweepy.session = ClientSession(connector=self._connector(), timeout=timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._tweepy.session.close()

    async def handle(self) -> str:
        """Of the account, without the @."""
        return str((await self._data(self._tweepy.get_me()))["username"])

    async def hide(self, post_id: str, hidden: bool) -> None:
        """Raises `Refused` where X answers that it is not as wanted now."""
        call = self._tweepy.hide_reply if hidden else self._tweepy.unhide_reply
        if (await self._data(call(post_id), lane="hide")).get("hidden", hidden) is not hidden:
            raise Refused(f"X answered that the post is still {'shown' if hidden else 'hidden'}")

    async def delete(self, post_id: str) -> None:
        await self._data(self._tweepy.delete_tweet(post_id), lane="delete")

    async def reply(self, to: str, words: str) -> str:
        """The new post's id."""
        call = self._tweepy.create_tweet(text=words, in_reply_to_tweet_id=to)
        return str((await self._data(call, lane="reply", creates=True))["id"])

    async def message(self, user_id: str, words: str) -> str:
        """The new message's id."""
        call = self._tweepy.create_direct_message(participant_id=user_id, text=words)
        return str((await self._data(call, lane="dm", creates=True))["dm_event_id"])

    async def mute(self, user_id: str) -> None:
        await self._data(self._tweepy.mute(user_id), lane="mute")

    async def unmute(self, user_id: str) -> None:
        await self._data(self._tweepy.unmute(user_id), lane="unmute")

    async def mentions(self, **window: Any) -> Page:
        return await self._page(self._tweepy.get_users_mentions(self.user_id, **_paged(window)))

    async def own(self, **window: Any) -> Page:
        return await self._page(self._tweepy.get_users_tweets(self.user_id, **_paged(window)))

    async def search(self, query: str, **window: Any) -> Page:
        paged = _paged(window)
        if "pagination_token" in paged:  # named otherwise here
            paged["next_token"] = paged.pop("pagination_token")
        return await self._page(self._tweepy.search_recent_tweets(query, **paged))

    async def look_up(self, ids: list[str]) -> Page:
        """At most 100; what is gone stands in `errors`."""
        return await self._page(self._tweepy.get_tweets(ids, user_auth=True, tweet_fields=TWEET_FIELDS))

    async def messages_with(self, user_id: str) -> dict[str, str]:
        """What we wrote to that person, by its id, of the newest messages between them and us."""
        call = self._tweepy.get_direct_message_events(
            participant_id=user_id, max_results=100, dm_event_fields=["id", "text", "sender_id"]
        )
        events = (await self._body(call)).get("data", [])
        return {each.get("id"): str(each.get("text", "")) for each in events if each.get("sender_id") == self.user_id}

    async def mutes(self, user_id: str) -> bool:
        """Whether that person is among the newest 1,000 whom the account mutes."""
        muted = (await self._body(self._tweepy.get_muted(max_results=1000))).get("data", [])
        return any(each.get("id") == user_id for each in muted)

    async def _page(self, call: Awaitable[ClientResponse]) -> Page:
        try:
            return Page.model_validate(await self._body(call))
        except ValidationError as error:
            raise Later("X sent a page that cannot be read", self._clock.now() + SOON) from error

    async def _data(
        self, call: Awaitable[ClientResponse], *, lane: str = "", creates: bool = False
    ) -> Mapping[str, Any]:
        body = await self._body(call, lane=lane, creates=creates)
        data = body.get("data")
        if isinstance(data, dict):
            return data
        told = answer(404 if _gone(body) else 0, body, {})
        raise error(told, creates=creates, now=self._clock.now())

    async def _body(self, call: Awaitable[ClientResponse], *, lane: str = "", creates: bool = False) -> dict[str, Any]:
        try:
            return await self._answered(call, lane, creates)
        except CredentialsRevoked:
            if await self._really_refused():
                raise
            raise Later("X refused the keys once, and took them again", self._clock.now() + SOON) from None

    async def _answered(self, call: Awaitable[ClientResponse], lane: str, creates: bool) -> dict[str, Any]:
        told, cause = Answer(0), None
        try:
            response = await call
            self._hear(lane, response.headers)
            body = await response.json()
            if isinstance(body, dict):
                return body
        except tweepy.HTTPException as caught:
            told, cause = await _told(caught.response), caught
            self._hear(lane, told.headers)
        except aiohttp.ContentTypeError as caught:  # a page of HTML, whose status tweepy did not look at
            told, cause = answer(caught.status, None, _small(caught.headers or {})), caught
        except aiohttp.ClientConnectorError as caught:  # it was never sent
            raise Later(UNREACHABLE, self._clock.now() + SOON) from caught
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as caught:
            cause = caught
        except (ValueError, AttributeError, TypeError) as caught:  # how tweepy fails on half a body or an odd one
            cause = caught
        raise error(told, creates=creates, now=self._clock.now(), signed=datetime.now(UTC)) from cause

    async def _really_refused(self) -> bool:
        for _ in range(CONFIRMATIONS):
            await self._clock.sleep(1)
            try:
                await self._answered(self._tweepy.get_me(), "", False)
            except CredentialsRevoked:
                continue
            except PlatformError:
                return False
            return False
        return True

    def _hear(self, lane: str, headers: Mapping[str, str]) -> None:
        self.access_level = headers.get("x-access-level", self.access_level)
        left, until = headers.get("x-rate-limit-remaining", ""), resets_at(headers)
        if lane and left.isdecimal() and until is not None:
            self.heard[lane] = Allowance(int(left), until)


def _paged(window: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in window.items() if value is not None}
    return {"max_results": 100, "tweet_fields": TWEET_FIELDS, "user_auth": True} | given


async def _told(response: ClientResponse) -> Answer:
    """Its body was read already; tweepy keeps only a part of it."""
    try:
        body = await response.json()
    except (aiohttp.ClientError, ValueError):
        body = None
    return answer(response.status, body, _small(response.headers))


def _small(headers: Mapping[str, str]) -> dict[str, str]:
    """Their names in small letters, for a plain dict tells them apart."""
    return {name.casefold(): value for name, value in headers.items()}


def _gone(body: Mapping[str, Any]) -> bool:
    errors = body.get("errors")
    return isinstance(errors, list) and any(
        isinstance(each, dict) and str(each.get("type", "")).endswith("/resource-not-found") for each in errors
    )
