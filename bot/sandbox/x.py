"""An emulator of X's API v2, as much of it as `bot/platforms/x.py` uses, for the unmodified tweepy.

It checks OAuth 1.0a signatures and the bearer token, keeps X's rate windows and says so in its headers, refuses
replies to whom did not mention or quote the account, and repetitions, and hands out only the fields asked for.

    async with X() as x:
        post = x.publish("Our opening hours")
        comment = await x.say("awful", reply_to=post)   # goes to the stream as well
        ...
        assert comment in x.hidden
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from aiohttp import web

from bot.clock import Clock, SystemClock
from bot.sandbox.base import Emulator
from bot.sandbox.faults import Fault, answer
from bot.sandbox.stream import Stream
from bot.sandbox.x_keys import Access, XKeys, allowed
from bot.sandbox.x_limits import LIMITS, Windows
from bot.sandbox.x_rules import Rules, change
from bot.sandbox.x_world import Tweet, World, shortened
from bot.x.ids import first_id

_SYSTEM_CLOCK = SystemClock()
_PROBLEM = "https://api.twitter.com/2/problems/"
NOT_FOUND, NOT_OURS = _PROBLEM + "resource-not-found", _PROBLEM + "not-authorized-for-resource"

USAGE_CAPPED = Fault(
    status=429, body={"title": "UsageCapExceeded", "period": "Monthly", "type": _PROBLEM + "usage-capped"}
)
MISSING_TAG = Fault(
    body='{"data":{"id":"1","text":"…"},"matching_rules":[{"id":"1"}]}\r\n'
)  # tweepy's stream ends of it
HALF_LINE = Fault(body='{"data":{"id":"1","te\r\n')


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

READ, WRITE, MESSAGE, APP, EITHER = Access.READ, Access.WRITE, Access.MESSAGE, Access.APP, Access.EITHER


class X(World, Emulator):
    """One account, `handle`, whose id is in its tokens; everybody else is a name."""

    hosts = ("api.twitter.com",)

    def __init__(
        self, clock: Clock = _SYSTEM_CLOCK, *, handle: str = "clinic", keep_alive: float = 20.0,
        limits: Mapping[str, tuple[int, int]] = LIMITS,
    ) -> None:  # fmt: skip
        """`keep_alive` (real seconds): how often a silent stream says so."""
        Emulator.__init__(self, clock)
        self.keys, self._keep_alive = XKeys.made_up(), keep_alive
        World.__init__(self, self.clock.now, self.keys.user_id, handle)
        self._windows = Windows(limits, self.clock.now)
        self.rules: Rules = {}
        self._asked_for: dict[Stream, set[str]] = {}  # the fields, by open stream

    # What happens on X by itself.

    async def say(
        self, text: str, *, author: str = "2001", reply_to: str | None = None, quotes: str | None = None
    ) -> str:
        """Somebody posts. A name in the text is a mention; X's own ones in front of a reply are not made up here."""
        tweet = self._put(text, author, self.tweets[reply_to] if reply_to else None, quotes)
        await self._stream_out(tweet)
        return tweet.id

    async def edit(self, id_: str, text: str) -> str:
        """A new id with the old ones in its history."""
        new = self._edited(id_, text)
        await self._stream_out(new)
        return new.id

    async def _stream_out(self, tweet: Tweet) -> None:
        matching = [rule for rule in self.rules.values() if self._matches(rule["value"], tweet)]
        if not matching:
            return
        for stream in list(self.streams):
            line = {
                "data": self._shown(tweet, self._asked_for.get(stream, set())),
                "matching_rules": [{"id": rule["id"], "tag": rule["tag"]} for rule in matching],
            }
            await stream.send(json.dumps(line) + "\r\n")

    # What its API answers.

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/2/users/me", self._kept("me", READ, self._me)),
            web.put("/2/tweets/{id}/hidden", self._kept("hide", WRITE, self._hide)),
            web.post("/2/tweets", self._kept("create", WRITE, self._create)),
            web.delete("/2/tweets/{id}", self._kept("delete", WRITE, self._delete)),
            web.get("/2/tweets", self._kept("look_up", EITHER, self._look_up)),
            web.get("/2/tweets/search/recent", self._kept("search", EITHER, self._search)),
            web.get("/2/tweets/search/stream/rules", self._kept("rules", APP, self._rules)),
            web.post("/2/tweets/search/stream/rules", self._kept("add_rules", APP, self._change_rules)),
            web.get("/2/tweets/search/stream", self._kept("stream", APP, self._stream)),
            web.get("/2/users/{user}/mentions", self._kept("mentions", EITHER, self._mentions)),
            web.get("/2/users/{user}/tweets", self._kept("own", EITHER, self._own)),
            web.get("/2/users/{user}/muting", self._kept("muting", READ, self._muting)),
            web.post("/2/users/{user}/muting", self._kept("mute", WRITE, self._mute)),
            web.delete("/2/users/{user}/muting/{target}", self._kept("unmute", WRITE, self._unmute)),
            web.post("/2/dm_conversations/with/{user}/messages", self._kept("dm", MESSAGE, self._message)),
            web.get("/2/dm_conversations/with/{user}/dm_events", self._kept("dm_events", READ, self._dm_events)),
        ]

    def _kept(self, name: str, access: Access, handler: Handler) -> Handler:
        """The route behind its keys and its rate window, whose headers go out with every answer."""

        async def kept(request: web.Request) -> web.StreamResponse:
            who = allowed(self.keys, request, access)
            if isinstance(who, web.Response):
                return who
            headers = self._windows.spend(name, who)
            if headers is None:
                return _problem(429, "Too Many Requests", headers=self._windows.left(name, who))
            if who == "user":
                headers["x-access-level"] = self.keys.level
            response = await handler(request)
            if not response.prepared:
                response.headers.update(headers)
            return response

        return kept

    async def _me(self, _: web.Request) -> web.Response:
        return answer({"data": {"id": self.me, "name": self.handle, "username": self.handle}})

    async def _hide(self, request: web.Request) -> web.Response:
        tweet = self.tweets.get(request.match_info["id"])
        if tweet is None:
            return _not_found(request.match_info["id"])
        root = self.tweets.get(tweet.conversation_id)
        theirs = root is None or root.author_id != self.me or tweet.author_id in self.protected
        if tweet.answers is None or theirs or tweet.author_id == self.me:
            return _problem(403, "Forbidden", NOT_OURS)
        hidden = (await request.json())["hidden"]
        change = self.hidden.update if hidden else self.hidden.difference_update
        change(tweet.history)
        return answer({"data": {"hidden": hidden}})

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        text, to = shortened(body["text"]), body.get("reply", {}).get("in_reply_to_tweet_id")
        target = self.tweets.get(to) if to else None
        if to and target is None:
            return _problem(403, "You attempted to reply to a Tweet that is deleted or not visible to you.")
        if target is not None and not self._summoned(target):
            return _problem(403, "Reply to this conversation is not allowed because you have not been mentioned.")
        written = f"@u{target.author_id} {text}" if target else text
        if any(it.author_id == self.me and it.answers is target and it.text == written for it in self.tweets.values()):
            return _problem(403, "You are not allowed to create a Tweet with duplicate content.")
        tweet = self._put(written, self.me, target)
        return answer({"data": {"id": tweet.id, "text": tweet.text, "edit_history_tweet_ids": [tweet.id]}}, 201)

    async def _delete(self, request: web.Request) -> web.Response:
        tweet = self.tweets.get(request.match_info["id"])
        if tweet is None:
            return _not_found(request.match_info["id"])
        if tweet.author_id != self.me:
            return _problem(403, "Forbidden", NOT_OURS)
        self.delete(tweet.id)
        return answer({"data": {"deleted": True}})

    async def _look_up(self, request: web.Request) -> web.Response:
        ids = request.query["ids"].split(",")
        kept = {each for each in ids if each in self.tweets and self.tweets[each].author_id in self.protected}
        found = [
            self._shown(self.tweets[each], _fields(request)) for each in ids if each in self.tweets and each not in kept
        ]
        missing = [
            _missing(each, NOT_OURS if each in kept else NOT_FOUND)
            for each in ids
            if each in kept or each not in self.tweets
        ]
        return answer(({"data": found} if found else {}) | ({"errors": missing} if missing else {}))

    async def _mentions(self, request: web.Request) -> web.Response:
        return self._page(request, lambda it: self._matches(f"to:{self.handle}", it) or self._named(it))

    async def _own(self, request: web.Request) -> web.Response:
        return self._page(request, lambda it: it.author_id == self.me)

    async def _search(self, request: web.Request) -> web.Response:
        since = request.query.get("since_id", "")
        if since and int(since) < int(first_id(self.clock.now() - timedelta(days=7))):
            return _problem(400, "'since_id' must be a tweet id created after seven days ago")
        return self._page(request, lambda it: self._matches(request.query["query"], it), cursor="next_token")

    def _page(
        self, request: web.Request, wanted: Callable[[Tweet], bool], cursor: str = "pagination_token"
    ) -> web.Response:
        """The newest first; of an edited post its newest edit. X hands out 800 at most."""
        query = request.query
        since, until = int(query.get("since_id", 0)), int(query.get("until_id", 2**63))
        found = self._newest_first(lambda it: int(it.id) < until and wanted(it), since)[:800]
        at, size = int(query.get(cursor, 0)), int(query.get("max_results", 10))
        shown = [self._shown(it, _fields(request)) for it in found[at : at + size]]
        meta: dict[str, Any] = {"result_count": len(shown)}
        if shown:
            meta |= {"newest_id": shown[0]["id"], "oldest_id": shown[-1]["id"]}
        if at + size < len(found):
            meta["next_token"] = str(at + size)
        return answer(({"data": shown} if shown else {}) | {"meta": meta})

    async def _muting(self, _: web.Request) -> web.Response:
        return answer({"data": [{"id": each, "name": each, "username": f"u{each}"} for each in sorted(self.muted)]})

    async def _mute(self, request: web.Request) -> web.Response:
        self.muted.add((await request.json())["target_user_id"])
        return answer({"data": {"muting": True}})

    async def _unmute(self, request: web.Request) -> web.Response:
        self.muted.discard(request.match_info["target"])
        return answer({"data": {"muting": False}})

    async def _message(self, request: web.Request) -> web.Response:
        user = request.match_info["user"]
        if user in self.closed:
            return _problem(403, "You do not have permission to DM one or more participants.")
        self.messages.append((user, shortened((await request.json())["text"])))
        return answer(
            {"data": {"dm_conversation_id": f"{user}-{self.me}", "dm_event_id": str(len(self.messages))}}, 201
        )

    async def _dm_events(self, request: web.Request) -> web.Response:
        user = request.match_info["user"]
        said = [(number, text) for number, (to, text) in enumerate(self.messages, 1) if to == user]
        events = [{"id": str(number), "text": text, "sender_id": self.me} for number, text in reversed(said)]
        return answer({"data": events, "meta": {"result_count": len(events)}})

    async def _rules(self, _: web.Request) -> web.Response:
        rules = list(self.rules.values())
        return answer(({"data": rules} if rules else {}) | {"meta": {"result_count": len(rules)}})

    async def _change_rules(self, request: web.Request) -> web.Response:
        body = await request.json()
        return answer(change(self.rules, body), 201 if "add" in body else 200)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if self.streams:
            return _problem(429, "This stream is at its limit of one connection.", _PROBLEM + "streaming-connection")
        async with self.stream(request) as stream:
            self._asked_for[stream] = _fields(request)
            try:
                await self._keep_open(stream)
            finally:
                del self._asked_for[stream]
        return stream.response

    async def _keep_open(self, stream: Stream) -> None:
        while not stream.ended.is_set():
            try:
                await asyncio.wait_for(stream.ended.wait(), self._keep_alive)
            except TimeoutError:
                await stream.send("\r\n")


def _fields(request: web.Request) -> set[str]:
    return set(request.query.get("tweet.fields", "").split(","))


def _problem(
    status: int, detail: str, type_: str = "about:blank", headers: Mapping[str, str] | None = None
) -> web.Response:
    return answer({"title": "Problem", "detail": detail, "type": type_, "status": status}, status, headers)


def _missing(id_: str, type_: str) -> dict[str, str]:
    return {
        "value": id_,
        "resource_id": id_,
        "resource_type": "tweet",
        "parameter": "ids",
        "title": "Error",
        "type": type_,
    }


def _not_found(id_: str) -> web.Response:
    return answer({"errors": [_missing(id_, NOT_FOUND)], "title": "Not Found Error", "type": NOT_FOUND}, 404)
