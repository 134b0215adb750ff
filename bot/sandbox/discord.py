"""Discord, emulated: one server, its REST and gateway as discord.py 2.7 uses them, and members to play.

    async with Discord(clock) as discord:
        general, sam = discord.channel("general"), discord.member("Sam")
        bot = commands.Bot(..., connector=connector(discord))     # token TOKEN; nothing is patched
        id_ = await discord.post(general, sam, "good morning")    # told over the gateway
        pressed = await discord.press(card, "keep:12", by=sam)    # see `discord_interactions.py`
        assert (await pressed.answered())["type"] == 6

Other processes do the same by POST /__sandbox__/discord/press {"message": …, "custom_id": …, "by": …}.
Rate limits are counted in real time, for that is how clients wait; `limits={}` has none.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from bot.clock import Clock, SystemClock
from bot.sandbox.admin import PREFIX
from bot.sandbox.base import Emulator
from bot.sandbox.discord_gateway import RESUME_HOST, Gateway
from bot.sandbox.discord_interactions import Interaction, Interactions
from bot.sandbox.discord_rest import Rest
from bot.sandbox.discord_world import ALL_PERMISSIONS, DM, TEXT, DiscordError, Json, World
from bot.sandbox.faults import Fault, answer

TOKEN = "sandbox-token"  # noqa: S105 - opens the sandbox alone
VIA = {"Via": "1.1 google"}
_PLAYED = ["post", "edit", "delete", "press", "submit", "command", "automod", "reconnect", "invalidate", "close_dms"]

Limits = Mapping[str, tuple[int, float]]  # "METHOD path pattern" to calls and seconds, for each channel or server
LIMITS: Limits = {
    "POST /channels/{channel}/messages": (5, 5.0),
    "PATCH /channels/{channel}/messages/{message}": (5, 5.0),
    "DELETE /channels/{channel}/messages/{message}": (5, 1.0),
    "PATCH /guilds/{guild}/members/{user}": (10, 10.0),
}


def too_many(seconds: float, *, everywhere: bool = False) -> Fault:
    """A 429 as Discord's own servers send it; without `Via` it would count as a ban by Cloudflare."""
    body = {"message": "You are being rate limited.", "retry_after": seconds, "global": everywhere}
    return Fault(status=429, body=body, headers=VIA | {"Retry-After": str(seconds)})


class Discord(Emulator):
    hosts = ("discord.com", "gateway.discord.gg", RESUME_HOST)

    def __init__(self, clock: Clock | None = None, limits: Limits = LIMITS) -> None:
        super().__init__(clock or SystemClock())
        now = self.clock.now()
        self.world = World()
        self.world.guild = self.world.new_id(now)
        self.world.add_role(now, "@everyone", ALL_PERMISSIONS, self.world.guild)
        self.tokens: dict[str, str] = {}  # of bots, to their users
        self.bot = self.add_bot(TOKEN, "chaperone")
        self.gateway = Gateway(self.world, self.tokens, self._new_id)
        self.interactions = Interactions(self.world, self.gateway, self.clock.now)
        self.rest = Rest(self.world, self.gateway, self.clock.now)
        self._limits, self._spent = limits, dict[str, list[float]]()

    def routes(self) -> list[web.RouteDef]:
        api = [
            web.route(how, "/api/v10" + path, self._api(f"{how} {path}", do)) for how, path, do in self.rest.routes()
        ]
        hook = "/api/v10/webhooks/{bot}/{token}"
        return [
            *api,
            web.get("/", self._gateway),
            web.get("/api/v10/gateway/bot", self._api("GET /gateway/bot", self._gateway_bot)),
            web.post("/api/v10/interactions/{id}/{token}/callback", self._answered(self._callback)),
            web.post(hook, self._answered(self._follow_up)),
            web.route("*", hook + "/messages/{message}", self._answered(self._webhook_message)),
            web.post(PREFIX + "discord/{play}", self._play),
            web.get(PREFIX + "discord/world", self._show),
        ]

    # the server and who plays in it

    def add_bot(self, token: str, name: str) -> str:
        """Another bot of the server, with its own token."""
        user = self.tokens[token] = self.world.add_user(self.clock.now(), name, bot=True)
        self.world.add_member(self.clock.now(), user, [])
        return user

    def channel(self, name: str, kind: int = TEXT) -> str:
        return self.world.add_channel(self.clock.now(), kind, name)

    def thread(self, parent: str, name: str) -> str:
        return self.world.add_thread(self.clock.now(), parent, name, self.bot)

    def role(self, name: str) -> str:
        return self.world.add_role(self.clock.now(), name)

    def member(self, name: str, *roles: str) -> str:
        user = self.world.add_user(self.clock.now(), name)
        self.world.add_member(self.clock.now(), user, list(roles))
        return user

    async def close_dms(self, user: str) -> None:
        """From now on nobody can write to this member."""
        self.world.closed.add(user)

    def said(self, channel: str) -> list[Json]:
        """The messages of a channel, oldest first."""
        return list(self.world.messages[channel].values())

    def direct(self, user: str) -> list[Json]:
        """What bots wrote to this member, oldest first."""
        mine = [each for each in self.world.channels.values() if each["type"] == DM]
        return [said for each in mine if each["recipients"][0]["id"] == user for said in self.said(each["id"])]

    # what members do

    async def post(self, channel: str, by: str, text: str, reply_to: str | None = None) -> str:
        said: Json = {"content": text} | ({"message_reference": {"message_id": reply_to}} if reply_to else {})
        message = self.world.compose(self.clock.now(), channel, by, said)
        await self.rest.publish(message)
        return str(message["id"])

    async def edit(self, message: str, text: str) -> None:
        found = self.world.found(message)
        self.world.amend(self.clock.now(), found, {"content": text})
        await self.gateway.tell("MESSAGE_UPDATE", self.world.told_of(found))

    async def delete(self, message: str) -> None:
        await self.rest.remove(self.world.found(message))

    async def archive(self, thread: str) -> None:
        """Its author closes it, or its time is up."""
        self.world.archive(self.clock.now(), thread)
        await self.gateway.tell("THREAD_UPDATE", self.world.channels[thread])

    async def press(self, message: str, custom_id: str, by: str, values: tuple[str, ...] = ()) -> Interaction:
        """See `Interactions.press`."""
        return await self.interactions.press(message, custom_id, by, values)

    async def submit(self, opened: Interaction | str, values: Mapping[str, str]) -> Interaction:
        """See `Interactions.submit`; `opened` may be its token."""
        it = self.interactions.all[opened] if isinstance(opened, str) else opened
        return await self.interactions.submit(it, values)

    async def command(self, name: str, by: str, channel: str, **options: str | int | bool) -> Interaction:
        """See `Interactions.command`."""
        return await self.interactions.command(name, by, channel, **options)

    async def automod(self, channel: str, by: str, text: str, keyword: str = "") -> str:
        """Discord's own AutoMod blocks a message before anybody sees it; returns the rule's id."""
        rule = self._new_id()
        told = {"guild_id": self.world.guild, "action": {"type": 1, "metadata": {}}, "rule_id": rule, "user_id": by}
        matched = {"rule_trigger_type": 1, "matched_keyword": keyword, "matched_content": keyword, "content": text}
        await self.gateway.tell("AUTO_MODERATION_ACTION_EXECUTION", told | matched | {"channel_id": channel})
        return rule

    async def reconnect(self) -> None:
        """Op 7: every client is asked to come back."""
        await self.gateway.reconnect()

    async def invalidate(self, resumable: bool = False) -> None:
        """Op 9: every session ends."""
        await self.gateway.invalidate(resumable=resumable)

    # how it is served

    def _new_id(self) -> str:
        return self.world.new_id(self.clock.now())

    def _api(self, route: str, do: Callable[..., Awaitable[Any]]) -> Callable[[web.Request], Awaitable[web.Response]]:
        """A route of the API: the token is checked, the rate limit counted, an error answered as Discord does."""

        async def called(request: web.Request) -> Any:
            bot = self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bot "))
            if bot is None:
                raise DiscordError(401, 0, "401: Unauthorized")
            reason = unquote(request.headers.get("X-Audit-Log-Reason", "")) or None
            return await do(bot=bot, reason=reason, request=request, **request.match_info)

        serve = self._answered(called)

        async def limited(request: web.Request) -> web.Response:
            fault, headers = self._spend(route, request)
            response = answer(fault.body, fault.status, fault.headers) if fault else await serve(request)
            response.headers.update(headers)
            return response

        return limited

    def _answered(self, do: Callable[..., Awaitable[Any]]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def served(request: web.Request) -> web.Response:
            try:
                body = await do(request)
            except DiscordError as error:
                told = {"code": error.code, "message": error.message}
                return answer(told | ({"errors": error.errors} if error.errors else {}), error.status)
            return answer("", 204) if body is None else answer(body)

        return served

    def _spend(self, route: str, request: web.Request) -> tuple[Fault | None, dict[str, str]]:
        """Count the call; or the answer that it is one too many."""
        if route not in self._limits:
            return None, {}
        (most, window), now = self._limits[route], asyncio.get_running_loop().time()
        major = request.match_info.get("channel") or request.match_info.get("guild")
        spent = self._spent.setdefault(f"{route} {major}", [])
        spent[:] = [at for at in spent if at > now - window]
        fault = too_many(round(spent[0] + window - now, 3)) if len(spent) >= most else None
        if fault is None:
            spent.append(now)
        after = spent[0] + window - now
        headers = {"Limit": str(most), "Remaining": str(most - len(spent)), "Reset-After": f"{after:.3f}"}
        headers |= {"Reset": f"{self.clock.now().timestamp() + after:.3f}", "Bucket": f"{hash(route) & 0xFFFFFFFF:x}"}
        return fault, {f"X-RateLimit-{key}": value for key, value in headers.items()}

    async def _gateway(self, request: web.Request) -> web.StreamResponse:
        async with self.stream(request) as stream:
            await self.gateway.serve(stream, compressed=request.query.get("compress") == "zlib-stream")
        return stream.response

    async def _gateway_bot(self, **_: Any) -> Json:
        limit = {"total": 1000, "remaining": self.gateway.identifies_left, "reset_after": 14_400_000}
        return {"url": "wss://gateway.discord.gg", "shards": 1, "session_start_limit": limit | {"max_concurrency": 1}}

    async def _callback(self, request: web.Request) -> Json | None:
        path = request.match_info
        told = await self.interactions.callback(path["id"], path["token"], await request.json())
        return told if request.query.get("with_response") in ("1", "true") else None

    async def _follow_up(self, request: web.Request) -> Json:
        return await self.interactions.follow_up(**request.match_info, said=await request.json())

    async def _webhook_message(self, request: web.Request) -> Json | None:
        if request.method == "PATCH":
            return await self.interactions.edit(**request.match_info, said=await request.json())
        if request.method == "DELETE":
            await self.interactions.delete(**request.match_info)
            return None
        return self.interactions.found(**request.match_info)

    async def _play(self, request: web.Request) -> web.Response:
        play = request.match_info["play"]
        if play not in _PLAYED:
            raise web.HTTPNotFound(text=f"members can {', '.join(_PLAYED)}")
        try:
            done = await getattr(self, play)(**await request.json())
        except (TypeError, LookupError, DiscordError) as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        told = {"id": done.id, "token": done.token} if isinstance(done, Interaction) else {"id": done}
        return answer(told)

    async def _show(self, _: web.Request) -> web.Response:
        kept = ("guild", "users", "members", "roles", "channels", "messages", "bans", "commands", "audit_log")
        return answer({key: value for key, value in asdict(self.world).items() if key in kept} | {"bot": self.bot})
