"""The emulated gateway: HELLO and heartbeats, IDENTIFY, READY, RESUME with replay, in text or one zlib stream.

Every session sees what its intents let it see. Events of a session without a connection wait for its RESUME.
"""

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from bot.sandbox.discord_world import DM, Json, World
from bot.sandbox.stream import Stream

HEARTBEAT_MILLISECONDS = 41_250
RESUME_HOST = "gateway-resume.discord.gg"
DAILY_IDENTIFIES = 1000
KEPT_EVENTS = 1000  # of a session, for its RESUME
TOKEN_REFUSED, INTENTS_REFUSED = 4004, 4014  # close codes


class Op(IntEnum):
    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    RESUME = 6
    RECONNECT = 7
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


GUILDS, BANS, GUILD_MESSAGES, DIRECT_MESSAGES = 1 << 0, 1 << 2, 1 << 9, 1 << 12
MESSAGE_CONTENT, AUTOMOD_EXECUTION = 1 << 15, 1 << 21
_NEEDED = {
    "CHANNEL": GUILDS, "THREAD": GUILDS, "GUILD_CREATE": GUILDS, "GUILD_BAN": BANS,
    "AUTO_MODERATION_ACTION": AUTOMOD_EXECUTION,
}  # fmt: skip


@dataclass
class Session:
    """One IDENTIFY. `stream` is None while it is not connected."""

    id: str
    user: str
    intents: int
    stream: Stream | None
    seq: int = 0
    past: list[tuple[int, str]] = field(default_factory=list)

    async def push(self, event: str, data: Json) -> None:
        self.seq += 1
        piece = json.dumps({"op": Op.DISPATCH, "t": event, "s": self.seq, "d": data})
        self.past = [*self.past[1 - KEPT_EVENTS :], (self.seq, piece)]
        if self.stream is not None:
            await self.stream.send(piece)

    def sees(self, event: str, data: Json, world: World) -> bool:
        if event.startswith("MESSAGE"):
            direct = world.channels[data["channel_id"]]["type"] == DM
            return bool(self.intents & (DIRECT_MESSAGES if direct else GUILD_MESSAGES))
        return all(self.intents & bit for prefix, bit in _NEEDED.items() if event.startswith(prefix))

    def allowed(self, event: str, data: Json) -> Json:
        """Without the words, where the intent for them is missing and they are not its own."""
        words = self.intents & MESSAGE_CONTENT or data.get("author", {}).get("id") == self.user
        if words or event not in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
            return data
        return data | {"content": "", "embeds": [], "components": []}


class Gateway:
    """`tokens` leads each bot's token to its user."""

    def __init__(self, world: World, tokens: dict[str, str], new_id: Callable[[], str]) -> None:
        self.sessions: dict[str, Session] = {}
        self.identifies_left = DAILY_IDENTIFIES
        self.content_allowed = True  # whether the developer portal grants the privileged intent
        self._world, self._tokens, self._new_id = world, tokens, new_id

    async def tell(self, event: str, data: Json, user: str | None = None) -> None:
        """Tell every session that may see it, or those of one bot."""
        for session in list(self.sessions.values()):
            if user in (None, session.user) and session.sees(event, data, self._world):
                await session.push(event, session.allowed(event, data))

    async def reconnect(self) -> None:
        """Ask every client to come back and resume."""
        await self._all({"op": Op.RECONNECT, "d": None})

    async def invalidate(self, *, resumable: bool = False) -> None:
        """End every session; what happened in between is lost to it unless it is resumable."""
        streams = [session.stream for session in self.sessions.values() if session.stream]
        if not resumable:
            self.sessions.clear()
        for stream in streams:
            await _send(stream, {"op": Op.INVALID_SESSION, "d": resumable})

    async def serve(self, stream: Stream, *, compressed: bool) -> None:
        """One connection, from HELLO until it ends."""
        if compressed:
            stream.encode = _zlib_stream()
        session: Session | None = None
        await _send(stream, {"op": Op.HELLO, "d": {"heartbeat_interval": HEARTBEAT_MILLISECONDS}})
        try:
            async for text in stream.received():
                said = json.loads(text)
                if said["op"] == Op.HEARTBEAT:
                    await _send(stream, {"op": Op.HEARTBEAT_ACK})
                elif said["op"] == Op.IDENTIFY:
                    session = await self._identify(stream, said["d"])
                elif said["op"] == Op.RESUME:
                    session = await self._resume(stream, said["d"])
        finally:
            if session is not None and session.stream is stream:
                session.stream = None

    async def _identify(self, stream: Stream, said: Json) -> Session | None:
        self.identifies_left -= 1
        user = self._tokens.get(said["token"])
        if user is None:
            await stream.close(TOKEN_REFUSED)
            return None
        if said["intents"] & MESSAGE_CONTENT and not self.content_allowed:
            await stream.close(INTENTS_REFUSED)
            return None
        session = Session(self._new_id(), user, said["intents"], stream)
        self.sessions[session.id] = session
        await session.push("READY", self._ready(session))
        await session.push("GUILD_CREATE", self._world.guild_payload())
        return session

    def _ready(self, session: Session) -> Json:
        return {
            "v": 10, "user": self._world.users[session.user], "session_id": session.id,
            "guilds": [{"id": self._world.guild, "unavailable": True}],
            "resume_gateway_url": f"wss://{RESUME_HOST}", "application": {"id": session.user, "flags": 1 << 19},
        }  # fmt: skip

    async def _resume(self, stream: Stream, said: Json) -> Session | None:
        session = self.sessions.get(said["session_id"])
        if said["token"] not in self._tokens:
            await stream.close(TOKEN_REFUSED)
            return None
        if session is None:
            await _send(stream, {"op": Op.INVALID_SESSION, "d": False})
            return None
        sent = said["seq"] or 0
        while missed := [each for each in session.past if each[0] > sent]:
            sent, piece = missed[0]
            await stream.send(piece)
        session.stream = stream
        await session.push("RESUMED", {})
        return session

    async def _all(self, said: Json) -> None:
        for session in list(self.sessions.values()):
            if session.stream is not None:
                await _send(session.stream, said)


async def _send(stream: Stream, said: Json) -> None:
    await stream.send(json.dumps({"t": None, "s": None} | said))


def _zlib_stream() -> Callable[[str], bytes]:
    """One compression context for a whole connection; every message ends with a flush."""
    context: Any = zlib.compressobj()

    def encode(text: str) -> bytes:
        packed: bytes = context.compress(text.encode()) + context.flush(zlib.Z_SYNC_FLUSH)
        return packed

    return encode
