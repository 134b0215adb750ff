"""What the emulated Discord answers to a bot's REST calls."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from bot.sandbox.discord_gateway import Gateway
from bot.sandbox.discord_world import (
    DM,
    DMS_CLOSED,
    INVALID,
    LONGEST_TIMEOUT,
    MISSING_PERMISSIONS,
    NONCE_KEPT,
    NOT_YOURS,
    THREAD,
    UNKNOWN_BAN,
    UNKNOWN_GUILD,
    UNKNOWN_USER,
    Json,
    World,
)

Route = tuple[str, str, Callable[..., Awaitable[Any]]]
BAN_ADD, BAN_REMOVE, MEMBER_UPDATE, MESSAGE_DELETE = 22, 23, 24, 72  # entries of the audit log


class Rest:
    """Every endpoint takes the bot that calls, the reason it gives for the audit log, and the parts of its path."""

    def __init__(self, world: World, gateway: Gateway, now: Callable[[], datetime]) -> None:
        self._world, self._gateway, self._now = world, gateway, now

    def routes(self) -> list[Route]:
        message, member = "/channels/{channel}/messages/{message}", "/guilds/{guild}/members/{user}"
        ban, commands = "/guilds/{guild}/bans/{user}", "/applications/{application}/commands"
        of_guild = "/applications/{application}/guilds/{guild}/commands"
        return [
            ("GET", "/users/@me", self._me),
            ("POST", "/users/@me/channels", self._open_direct),
            ("GET", "/users/{user}", self._user),
            ("GET", "/oauth2/applications/@me", self._application),
            ("GET", "/guilds/{guild}", self._guild),
            ("GET", "/guilds/{guild}/channels", self._channels),
            ("GET", "/guilds/{guild}/threads/active", self._threads),
            ("GET", "/channels/{channel}/threads/archived/public", self._archived_threads),
            ("GET", "/guilds/{guild}/roles", self._roles),
            ("GET", "/guilds/{guild}/audit-logs", self._audit_log),
            ("GET", member, self._member),
            ("PATCH", member, self._change_member),
            ("GET", ban, self._ban),
            ("PUT", ban, self._add_ban),
            ("DELETE", ban, self._remove_ban),
            ("GET", "/channels/{channel}", self._channel),
            ("PATCH", "/channels/{channel}", self._change_channel),
            ("POST", "/channels/{channel}/threads", self._start_thread),
            ("POST", message + "/threads", self._start_thread),
            ("GET", "/channels/{channel}/messages", self._history),
            ("POST", "/channels/{channel}/messages", self._say),
            ("GET", message, self._message),
            ("PATCH", message, self._edit),
            ("DELETE", message, self._delete),
            ("GET", commands, self._commands),
            ("PUT", commands, self._register),
            ("GET", of_guild, self._commands),
            ("PUT", of_guild, self._register),
        ]

    async def publish(self, message: Json) -> None:
        place = self._world.channels[message["channel_id"]]
        if place.get("thread_metadata", {}).get("archived"):  # who writes there wakes it
            self._world.archive(self._now(), place["id"], archived=False)
            await self._gateway.tell("THREAD_UPDATE", place)
        self._world.put(message)
        await self._gateway.tell("MESSAGE_CREATE", self._world.told_of(message))

    async def remove(self, message: Json) -> None:
        channel = message["channel_id"]
        del self._world.messages[channel][message["id"]]
        where = {} if self._world.channels[channel]["type"] == DM else {"guild_id": self._world.guild}
        await self._gateway.tell("MESSAGE_DELETE", {"id": message["id"], "channel_id": channel} | where)

    def _note(self, action: int, bot: str, target: str, reason: str | None, **more: Any) -> None:
        id_ = self._world.new_id(self._now())
        entry = {"id": id_, "action_type": action, "user_id": bot, "target_id": target, "reason": reason}
        self._world.audit_log.append(entry | more)

    def _in(self, guild: str) -> None:
        if guild != self._world.guild:
            raise UNKNOWN_GUILD

    # people

    async def _me(self, bot: str, **_: Any) -> Json:
        return self._world.users[bot]

    async def _user(self, user: str, **_: Any) -> Json:
        if user not in self._world.users:
            raise UNKNOWN_USER
        return self._world.users[user]

    async def _application(self, bot: str, **_: Any) -> Json:
        text = dict.fromkeys(("description", "verify_key"), "")
        owner = {"id": "1", "username": "owner", "discriminator": "0", "avatar": None}
        flags = {"bot_public": False, "bot_require_code_grant": False, "flags": 1 << 19}
        return {"id": bot, "name": self._world.users[bot]["username"], "icon": None, "owner": owner} | text | flags

    async def _open_direct(self, bot: str, request: web.Request, **_: Any) -> Json:
        user = str((await request.json())["recipient_id"])
        if user not in self._world.users:
            raise UNKNOWN_USER
        for each in self._world.channels.values():
            if each["type"] == DM and each["recipients"][0]["id"] == user and each["of"] == bot:
                return each
        id_ = self._world.add_channel(self._now(), DM, recipients=[self._world.users[user]], of=bot)
        return self._world.channels[id_]

    async def _member(self, guild: str, user: str, **_: Any) -> Json:
        self._in(guild)
        return self._world.member(user)

    async def _change_member(
        self, bot: str, guild: str, user: str, request: web.Request, reason: str | None, **_: Any
    ) -> Json:
        self._in(guild)
        self._world.member(user)
        changed, until = await request.json(), None
        if changed.get("communication_disabled_until"):
            until = datetime.fromisoformat(changed["communication_disabled_until"])
        if until is not None and until > self._now() + LONGEST_TIMEOUT:
            raise INVALID
        self._world.members[user] |= changed
        self._note(
            MEMBER_UPDATE, bot, user, reason, changes=[{"key": key, "new_value": changed[key]} for key in changed]
        )
        member = self._world.member(user)
        await self._gateway.tell("GUILD_MEMBER_UPDATE", member | {"guild_id": guild})
        return member

    async def _ban(self, guild: str, user: str, **_: Any) -> Json:
        self._in(guild)
        if user not in self._world.bans:
            raise UNKNOWN_BAN
        return {"user": self._world.users[user], "reason": self._world.bans[user]}

    async def _add_ban(
        self, bot: str, guild: str, user: str, reason: str | None, request: web.Request, **_: Any
    ) -> None:
        self._in(guild)
        await self._user(user)
        self._world.bans[user] = reason
        self._world.members.pop(user, None)
        self._note(BAN_ADD, bot, user, reason)
        await self._gateway.tell("GUILD_BAN_ADD", {"guild_id": guild, "user": self._world.users[user]})
        since = self._now() - timedelta(seconds=int(request.query.get("delete_message_seconds", 0)))
        said = [each for messages in self._world.messages.values() for each in messages.values()]
        for message in said:
            if message["author"]["id"] == user and datetime.fromisoformat(message["timestamp"]) > since:
                await self.remove(message)

    async def _remove_ban(self, bot: str, guild: str, user: str, reason: str | None, **_: Any) -> None:
        self._in(guild)
        if user not in self._world.bans:
            raise UNKNOWN_BAN
        del self._world.bans[user]
        self._note(BAN_REMOVE, bot, user, reason)
        await self._gateway.tell("GUILD_BAN_REMOVE", {"guild_id": guild, "user": self._world.users[user]})

    # places

    async def _guild(self, guild: str, **_: Any) -> Json:
        self._in(guild)
        return self._world.guild_payload()

    async def _channels(self, guild: str, **_: Any) -> list[Json]:
        self._in(guild)
        return [each for each in self._world.channels.values() if each["type"] not in (DM, THREAD)]

    async def _threads(self, guild: str, **_: Any) -> Json:
        self._in(guild)
        return {"threads": self._world.threads(), "members": []}

    async def _archived_threads(self, channel: str, request: web.Request, **_: Any) -> Json:
        """What was archived last comes first."""
        self._world.channel(channel)
        found = [each for each in self._world.threads(archived=True) if each["parent_id"] == channel]
        if "before" in request.query:
            before = datetime.fromisoformat(request.query["before"])
            found = [each for each in found if _archived_at(each) < before]
        limit = int(request.query.get("limit", 50))
        last_first = sorted(found, key=_archived_at, reverse=True)
        return {"threads": last_first[:limit], "members": [], "has_more": len(found) > limit}

    async def _roles(self, guild: str, **_: Any) -> list[Json]:
        self._in(guild)
        return list(self._world.roles.values())

    async def _audit_log(self, guild: str, request: web.Request, **_: Any) -> Json:
        """Newest first, but after an entry oldest first."""
        self._in(guild)
        after, entries = request.query.get("after"), self._world.audit_log
        found = entries[::-1] if after is None else [each for each in entries if int(each["id"]) > int(after)]
        lists = (
            "guild_scheduled_events",
            "users",
            "webhooks",
            "integrations",
            "threads",
            "application_commands",
            "auto_moderation_rules",
        )
        return {"audit_log_entries": found} | {key: list[Json]() for key in lists}

    async def _channel(self, channel: str, **_: Any) -> Json:
        return self._world.channel(channel)

    async def _change_channel(self, channel: str, request: web.Request, **_: Any) -> Json:
        found, changed = self._world.channel(channel), await request.json()
        metadata = found.get("thread_metadata", {})
        for key, value in changed.items():
            (metadata if key in metadata else found)[key] = value
        event = "THREAD_UPDATE" if found["type"] == THREAD else "CHANNEL_UPDATE"
        await self._gateway.tell(event, found)
        return found

    async def _start_thread(
        self, bot: str, channel: str, request: web.Request, message: str | None = None, **_: Any
    ) -> Json:
        self._world.channel(channel)
        name = (await request.json())["name"]
        id_ = self._world.add_thread(self._now(), channel, name, bot, message)
        await self._gateway.tell("THREAD_CREATE", self._world.channels[id_] | {"newly_created": True})
        return self._world.channels[id_]

    # messages

    async def _history(self, channel: str, request: web.Request, **_: Any) -> list[Json]:
        return self._world.history(channel, dict(request.query))

    async def _message(self, channel: str, message: str, **_: Any) -> Json:
        return self._world.message(channel, message)

    async def _say(self, bot: str, channel: str, request: web.Request, **_: Any) -> Json:
        said, place = await request.json(), self._world.channel(channel)
        if place["type"] == DM and place["recipients"][0]["id"] in self._world.closed:
            raise DMS_CLOSED
        if "nonce" not in said or not said.get("enforce_nonce"):
            message = self._world.compose(self._now(), channel, bot, said)
            await self.publish(message)
            return message
        key, now = (bot, channel, str(said["nonce"])), self._now()
        at, earlier = self._world.nonces.get(key, (now, ""))
        if earlier in self._world.messages[channel] and now - at < NONCE_KEPT:
            return self._world.messages[channel][earlier]
        message = self._world.compose(now, channel, bot, said)
        self._world.nonces[key] = (now, message["id"])
        await self.publish(message)
        return message

    async def _edit(self, bot: str, channel: str, message: str, request: web.Request, **_: Any) -> Json:
        found = self._world.message(channel, message)
        if found["author"]["id"] != bot:
            raise NOT_YOURS
        self._world.amend(self._now(), found, await request.json())
        await self._gateway.tell("MESSAGE_UPDATE", self._world.told_of(found))
        return found

    async def _delete(self, bot: str, channel: str, message: str, reason: str | None, **_: Any) -> None:
        found = self._world.message(channel, message)
        others = found["author"]["id"] != bot
        if others and not self._world.may_manage_messages(channel):
            raise MISSING_PERMISSIONS
        if others:
            about = {"channel_id": channel, "count": "1"}
            self._note(MESSAGE_DELETE, bot, found["author"]["id"], reason, options=about)
        await self.remove(found)

    # commands

    async def _commands(self, application: str, **_: Any) -> list[Json]:
        return self._world.commands.get(application, [])

    async def _register(self, application: str, request: web.Request, guild: str | None = None, **_: Any) -> list[Json]:
        where = {"guild_id": guild} if guild else {}
        same: Json = {"application_id": application, "version": "1", "default_member_permissions": None}
        given = [{"id": self._world.new_id(self._now())} | same | each | where for each in await request.json()]
        self._world.commands[application] = given
        return given


def _archived_at(thread: Json) -> datetime:
    return datetime.fromisoformat(thread["thread_metadata"]["archive_timestamp"])
