"""What there is on the emulated Discord: a server with its people, channels and messages, as Discord's own JSON.

Nothing here is sent or received. `discord.py` serves it, `discord_gateway.py` tells of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]

TEXT, DM, THREAD, FORUM = 0, 1, 11, 15  # types of channels
DEFAULT, REPLY, CHAT_COMMAND = 0, 19, 20  # types of messages
EPHEMERAL, LOADING, COMPONENTS_V2 = 1 << 6, 1 << 7, 1 << 15  # flags of messages
ALL_PERMISSIONS = str((1 << 50) - 1)
ADMINISTRATOR, SEND_MESSAGES, MANAGE_MESSAGES = 1 << 3, 1 << 11, 1 << 13  # permissions
LONGEST_TIMEOUT = timedelta(days=28)
NONCE_KEPT = timedelta(minutes=5)
MOST_COMPONENTS, MOST_WORDS, LONGEST_CONTENT = 40, 4000, 2000
_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)


class DiscordError(Exception):
    """An answer of Discord that is not 2xx."""

    def __init__(self, status: int, code: int, message: str, **errors: Json) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.errors = status, code, message, errors


UNAUTHORISED = DiscordError(401, 0, "401: Unauthorized")
UNKNOWN_CHANNEL = DiscordError(404, 10003, "Unknown Channel")
UNKNOWN_GUILD = DiscordError(404, 10004, "Unknown Guild")
UNKNOWN_MEMBER = DiscordError(404, 10007, "Unknown Member")
UNKNOWN_MESSAGE = DiscordError(404, 10008, "Unknown Message")
UNKNOWN_USER = DiscordError(404, 10013, "Unknown User")
UNKNOWN_WEBHOOK = DiscordError(404, 10015, "Unknown Webhook")
UNKNOWN_BAN = DiscordError(404, 10026, "Unknown Ban")
UNKNOWN_INTERACTION = DiscordError(404, 10062, "Unknown interaction")
NOT_YOURS = DiscordError(403, 50005, "Cannot edit a message authored by another user")
EMPTY_MESSAGE = DiscordError(400, 50006, "Cannot send an empty message")
DMS_CLOSED = DiscordError(403, 50007, "Cannot send messages to this user")
MISSING_PERMISSIONS = DiscordError(403, 50013, "Missing Permissions")
INVALID = DiscordError(400, 50035, "Invalid Form Body")
_NO_SUCH_MESSAGE = {"code": "REPLIES_UNKNOWN_MESSAGE", "message": "Unknown message"}
REPLY_TO_NOTHING = DiscordError(400, 50035, "Invalid Form Body", message_reference={"_errors": [_NO_SUCH_MESSAGE]})
ACKNOWLEDGED = DiscordError(400, 40060, "Interaction has already been acknowledged.")


@dataclass
class World:
    """One server, `guild`. Ids are strings, as in Discord's JSON."""

    guild: str = ""
    users: dict[str, Json] = field(default_factory=dict)
    members: dict[str, Json] = field(default_factory=dict)  # of the server, by user
    roles: dict[str, Json] = field(default_factory=dict)
    channels: dict[str, Json] = field(default_factory=dict)  # threads and direct messages too
    messages: dict[str, dict[str, Json]] = field(default_factory=dict)  # by channel, then by id, oldest first
    bans: dict[str, str | None] = field(default_factory=dict)  # user to reason
    closed: set[str] = field(default_factory=set)  # users who take no direct messages
    commands: dict[str, list[Json]] = field(default_factory=dict)  # by application
    audit_log: list[Json] = field(default_factory=list)  # what bots did with a reason, oldest first
    nonces: dict[tuple[str, str, str], tuple[datetime, str]] = field(default_factory=dict)
    last_id: int = 0

    def new_id(self, now: datetime) -> str:
        """A snowflake of that time, larger than every one before."""
        self.last_id = max(self.last_id + 1, int((now - _EPOCH) / timedelta(milliseconds=1)) << 22)
        return str(self.last_id)

    def add_user(self, now: datetime, name: str, *, bot: bool = False) -> str:
        id_ = self.new_id(now)
        about = {"username": name, "global_name": name, "discriminator": "0", "avatar": None, "bot": bot}
        self.users[id_] = {"id": id_} | about
        return id_

    def add_member(self, now: datetime, user: str, roles: list[str]) -> None:
        none = {"nick": None, "avatar": None, "communication_disabled_until": None}
        flags = {"deaf": False, "mute": False, "flags": 0, "pending": False}
        self.members[user] = {"roles": roles, "joined_at": now.isoformat()} | none | flags

    def add_role(self, now: datetime, name: str, permissions: str = "0", id_: str | None = None) -> str:
        id_ = id_ or self.new_id(now)
        looks = {"color": 0, "colors": {"primary_color": 0}, "hoist": False, "icon": None, "flags": 0}
        rights = {"permissions": permissions, "managed": False, "mentionable": False, "position": len(self.roles)}
        self.roles[id_] = {"id": id_, "name": name} | looks | rights
        return id_

    def add_channel(self, now: datetime, kind: int, name: str = "", **more: Any) -> str:
        id_ = str(more.pop("id", None) or self.new_id(now))
        place = {} if kind == DM else {"guild_id": self.guild, "name": name}
        listed = kind in (TEXT, FORUM)
        shape = {"position": len(self.channels), "permission_overwrites": [], "nsfw": False} if listed else {}
        self.channels[id_] = {"id": id_, "type": kind, "last_message_id": None} | place | shape | more
        self.messages[id_] = {}
        return id_

    def add_thread(self, now: datetime, parent: str, name: str, owner: str, id_: str | None = None) -> str:
        metadata = {
            "archived": False, "auto_archive_duration": 1440, "archive_timestamp": now.isoformat(), "locked": False,
        }  # fmt: skip
        counts = {"message_count": 0, "member_count": 1, "owner_id": owner, "parent_id": parent}
        return self.add_channel(now, THREAD, name, id=id_, thread_metadata=metadata, **counts)

    def archive(self, now: datetime, thread: str, *, archived: bool = True) -> None:
        self.channels[thread]["thread_metadata"] |= {"archived": archived, "archive_timestamp": now.isoformat()}

    def threads(self, *, archived: bool = False) -> list[Json]:
        every = [each for each in self.channels.values() if each["type"] == THREAD]
        return [each for each in every if each["thread_metadata"]["archived"] is archived]

    def forbid(self, channel: str, permission: int) -> None:
        """From now on nobody has this permission (a bit) in the channel; administrators would have it anyway."""
        everybody = self.roles[self.guild]
        everybody["permissions"] = str(int(everybody["permissions"]) & ~ADMINISTRATOR)
        denied = {"id": self.guild, "type": 0, "allow": "0", "deny": str(permission)}
        self.channels[channel]["permission_overwrites"].append(denied)

    def may_manage_messages(self, channel: str) -> bool:
        place = self.channels[channel]
        place = self.channels[place["parent_id"]] if place["type"] == THREAD else place
        denied = [int(each["deny"]) for each in place.get("permission_overwrites", [])]
        return place["type"] != DM and not any(each & MANAGE_MESSAGES for each in denied)

    def channel(self, id_: str) -> Json:
        if id_ not in self.channels:
            raise UNKNOWN_CHANNEL
        return self.channels[id_]

    def message(self, channel: str, id_: str) -> Json:
        self.channel(channel)
        if id_ not in self.messages[channel]:
            raise UNKNOWN_MESSAGE
        return self.messages[channel][id_]

    def found(self, id_: str) -> Json:
        """The message, in whichever channel."""
        for messages in self.messages.values():
            if id_ in messages:
                return messages[id_]
        raise UNKNOWN_MESSAGE

    def member(self, user: str) -> Json:
        """With its user, as REST and most events want it."""
        if user not in self.members:
            raise UNKNOWN_MEMBER
        return {"user": self.users[user]} | self.members[user]

    def history(self, channel: str, query: Json) -> list[Json]:
        """Newest first, as Discord answers whatever was asked."""
        self.channel(channel)
        ordered = sorted(self.messages[channel].values(), key=lambda each: int(each["id"]))
        limit = int(query.get("limit", 50))
        if "after" in query:
            ordered = [each for each in ordered if int(each["id"]) > int(query["after"])][:limit]
        if "before" in query:
            ordered = [each for each in ordered if int(each["id"]) < int(query["before"])]
        return ordered[-limit:][::-1]

    def compose(self, now: datetime, channel: str, author: str, said: Json) -> Json:
        """A new message, not yet put anywhere."""
        checked(said)
        reference = said.get("message_reference")
        answers = self.messages[channel].get(str(reference["message_id"])) if reference else None
        if reference and answers is None and reference.get("fail_if_not_exists", True):
            raise REPLY_TO_NOTHING
        message: Json = {
            "id": self.new_id(now), "channel_id": channel, "author": self.users[author], "timestamp": now.isoformat(),
            "edited_timestamp": None, "tts": False, "mention_everyone": False, "mentions": [], "mention_roles": [],
            "attachments": [], "pinned": False, "type": REPLY if reference else DEFAULT,
            "content": said.get("content") or "", "embeds": said.get("embeds") or [], "flags": said.get("flags", 0),
            "components": numbered(said.get("components") or []),
        }  # fmt: skip
        if reference:
            about = {"channel_id": channel, "guild_id": self.guild, "message_id": str(reference["message_id"])}
            message |= {"message_reference": about, "referenced_message": answers}
        if "nonce" in said:
            message["nonce"] = said["nonce"]
        return message

    def amend(self, now: datetime, message: Json, said: Json) -> None:
        """What is said takes the place of what was; null empties it."""
        empty = {"content": "", "embeds": [], "components": [], "flags": 0}
        changed = {key: said[key] or none for key, none in empty.items() if key in said}
        edited = message | changed
        checked(edited)
        edited["flags"] = (edited["flags"] | message["flags"] & EPHEMERAL) & ~LOADING
        message |= edited | {"components": numbered(edited["components"]), "edited_timestamp": now.isoformat()}

    def put(self, message: Json) -> None:
        self.messages[message["channel_id"]][message["id"]] = message
        self.channels[message["channel_id"]]["last_message_id"] = message["id"]

    def told_of(self, message: Json) -> Json:
        """The message as the gateway tells it."""
        channel, author = self.channels[message["channel_id"]], message["author"]["id"]
        if channel["type"] == DM:
            return message
        member = {"member": self.members[author]} if author in self.members else {}
        return message | {"guild_id": self.guild} | member

    def guild_payload(self) -> Json:
        """The server as GUILD_CREATE tells it."""
        here = [each for each in self.channels.values() if each["type"] != DM]
        bots = [self.member(user) for user in self.members if self.users[user]["bot"]]
        return {
            "id": self.guild, "name": "The practice", "owner_id": "1", "icon": None, "member_count": len(self.members),
            "large": False, "unavailable": False, "roles": list(self.roles.values()), "members": bots, "emojis": [],
            "features": [], "stickers": [], "preferred_locale": "en-GB", "verification_level": 0,
            "default_message_notifications": 0, "explicit_content_filter": 0, "mfa_level": 0, "nsfw_level": 0,
            "channels": [each for each in here if each["type"] != THREAD], "voice_states": [], "presences": [],
            "threads": self.threads(), "stage_instances": [],
            "guild_scheduled_events": [], "premium_tier": 0, "joined_at": _EPOCH.isoformat(), "soundboard_sounds": [],
        }  # fmt: skip


def checked(said: Json) -> None:
    """Raises `DiscordError` where a message breaks Discord's limits."""
    parts = list(components(said.get("components") or []))
    v2 = bool(said.get("flags", 0) & COMPONENTS_V2)
    words = sum(len(str(part.get("content") or "")) for part in parts)
    if len(said.get("content") or "") > LONGEST_CONTENT or len(str(said.get("nonce") or "")) > 25:
        raise INVALID
    if v2 and (said.get("content") or said.get("embeds") or len(parts) > MOST_COMPONENTS or words > MOST_WORDS):
        raise INVALID
    ids = [part["custom_id"] for part in parts if "custom_id" in part]
    if len(ids) != len(set(ids)) or any(not 1 <= len(each) <= 100 for each in ids):
        raise INVALID
    if not (said.get("content") or said.get("embeds") or parts or said.get("attachments")):
        raise EMPTY_MESSAGE


def components(tree: list[Json]) -> Iterator[Json]:
    """Every component, outermost first; what they hold comes right after them."""
    for each in tree:
        yield each
        inner = [each[key] for key in ("accessory", "component") if each.get(key)]
        yield from components([*each.get("components", []), *inner])


def numbered(tree: list[Json]) -> list[Json]:
    """The same tree; each component has an id, as Discord gives them."""
    for number, each in enumerate(components(tree), 1):
        each.setdefault("id", number)
    return tree
