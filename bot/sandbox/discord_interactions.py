"""Interactions of the emulated Discord: what a member presses, fills in or commands, and how a bot answers.

The answer (callback) must come within three seconds of the platform's clock; its token then lives for a quarter of an
hour, for edits and further messages. What only the member sees (ephemeral) is in no channel: see `shown`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from bot.sandbox.discord_gateway import Gateway
from bot.sandbox.discord_world import (
    ACKNOWLEDGED,
    ALL_PERMISSIONS,
    CHAT_COMMAND,
    EPHEMERAL,
    LOADING,
    UNKNOWN_INTERACTION,
    UNKNOWN_MESSAGE,
    UNKNOWN_WEBHOOK,
    Json,
    World,
    components,
)

DEADLINE = timedelta(seconds=3)
TOKEN_LIFE = timedelta(minutes=15)
COMMAND, COMPONENT, MODAL_SUBMIT = 2, 3, 5  # types of interactions
BUTTON, TEXT_INPUT = 2, 4  # types of components
_OPTION_TYPES = {bool: 5, int: 4, str: 3, float: 10}


class Answer(IntEnum):
    MESSAGE = 4
    MESSAGE_LATER = 5
    UPDATE_LATER = 6
    UPDATE = 7
    MODAL = 9


@dataclass
class Interaction:
    """One, from the press to its end. `answer` is what the bot called back with; None until it did."""

    id: str
    token: str
    bot: str
    member: str
    channel: str
    type: int
    at: datetime
    about: Json | None = None  # the message it was pressed on
    answer: Json | None = None
    original: Json | None = None  # the message that "@original" means
    shown: list[Json] = field(default_factory=list)  # messages that only the member sees
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def answered(self) -> Json:
        """What the bot called back with, waited for."""
        await self.done.wait()
        assert self.answer is not None  # noqa: S101 - set before `done`
        return self.answer


class Interactions:
    def __init__(self, world: World, gateway: Gateway, clock: Callable[[], datetime]) -> None:
        self.all: dict[str, Interaction] = {}  # by token
        self._world, self._gateway, self._now = world, gateway, clock

    async def press(self, message: str, custom_id: str, by: str, values: Sequence[str] = ()) -> Interaction:
        """A member presses a button, or chooses `values`; also a `custom_id` that no client would offer.

        The message may be one that only a member sees.
        """
        private = {each["id"]: each for it in self.all.values() for each in it.shown}
        on = private[message] if message in private else self._world.found(message)
        known = {each.get("custom_id"): each for each in components(on["components"])}
        part = known.get(custom_id, {"type": BUTTON, "id": 0})
        data = {"custom_id": custom_id, "component_type": part["type"], "id": part["id"]}
        chosen = {"values": list(values)} if values else {}
        return await self._begin(COMPONENT, on["author"]["id"], by, on["channel_id"], data | chosen, on)

    async def submit(self, opened: Interaction, values: Mapping[str, str]) -> Interaction:
        """The member fills in the modal that an interaction was answered with, by the custom ids of its fields."""
        modal = (await opened.answered())["data"]
        tree = [_filled(each, values) for each in modal["components"]]
        data = {"custom_id": modal["custom_id"], "components": tree}
        return await self._begin(MODAL_SUBMIT, opened.bot, opened.member, opened.channel, data, opened.about)

    async def command(self, name: str, by: str, channel: str, **options: str | int | bool) -> Interaction:
        """A member gives a slash command; "case show" is the sub-command "show" of "case"."""
        first, *rest = name.split()
        bot, known = self._registered(first)
        given: list[Json] = [
            {"name": key, "type": _OPTION_TYPES[type(each)], "value": each} for key, each in options.items()
        ]
        for depth, part in enumerate(reversed(rest), 1):
            given = [{"name": part, "type": depth, "options": given}]
        data = {"id": known["id"], "name": first, "type": 1, "options": given, "resolved": {}}
        return await self._begin(COMMAND, bot, by, channel, data, None)

    def _registered(self, name: str) -> tuple[str, Json]:
        for bot, commands in self._world.commands.items():
            for each in commands:
                if each["name"] == name:
                    return bot, each
        raise LookupError(f"no bot registered the command {name}")

    async def _begin(self, kind: int, bot: str, by: str, channel: str, data: Json, about: Json | None) -> Interaction:
        now = self._now()
        id_ = self._world.new_id(now)
        new = Interaction(id_, f"interaction-{id_}", bot, by, channel, kind, now, about, original=about)
        self.all[new.token] = new
        await self._gateway.tell("INTERACTION_CREATE", self._payload(new, data), bot)
        return new

    def _payload(self, new: Interaction, data: Json) -> Json:
        guild, channel = self._world.guild, self._world.channel(new.channel)
        message = {"message": self._world.told_of(new.about)} if new.about else {}
        return {
            "id": new.id, "application_id": new.bot, "type": new.type, "token": new.token, "version": 1, "data": data,
            "guild_id": guild, "guild": {"id": guild, "locale": "en-GB", "features": []}, "context": 0,
            "channel_id": new.channel, "channel": channel, "entitlements": [], "attachment_size_limit": 10 << 20,
            "member": self._world.member(new.member) | {"permissions": ALL_PERMISSIONS},
            "app_permissions": ALL_PERMISSIONS, "locale": "en-GB", "guild_locale": "en-GB",
            "authorizing_integration_owners": {"0": guild},
        } | message  # fmt: skip

    async def callback(self, id_: str, token: str, said: Json) -> Json:
        """The bot's answer; returns what `with_response` asks for. Raises `DiscordError`."""
        it = self.all.get(token)
        if it is None or it.id != id_ or self._now() - it.at > DEADLINE:
            raise UNKNOWN_INTERACTION
        if it.answer is not None:
            raise ACKNOWLEDGED
        it.answer = said
        try:
            resource = await self._answer(it, Answer(said["type"]), said.get("data") or {})
        except Exception:
            it.answer = None
            raise
        it.done.set()
        told: Json = {"id": it.id, "type": it.type}
        if resource and "message" in resource:
            message = resource["message"]
            told |= {"response_message_id": message["id"], "response_message_loading": said["type"] == 5}
            told |= {"response_message_ephemeral": bool(message["flags"] & EPHEMERAL)}
        return {"interaction": told} | ({"resource": resource} if resource else {})

    async def _answer(self, it: Interaction, kind: Answer, data: Json) -> Json | None:
        match kind:
            case Answer.MESSAGE | Answer.MESSAGE_LATER:
                it.original = await self._say(it, data if kind is Answer.MESSAGE else data | {"content": "…"})
                if kind is Answer.MESSAGE_LATER:
                    it.original |= {"content": "", "flags": it.original["flags"] | LOADING}
                return {"type": kind, "message": it.original}
            case Answer.UPDATE:
                return {"type": kind, "message": await self.edit(it.bot, it.token, "@original", data)}
            case _:
                return None

    async def follow_up(self, bot: str, token: str, said: Json) -> Json:
        """A further message; the first after an answer put off takes that one's place. Raises `DiscordError`."""
        it = self._living(bot, token)
        if it.original is not None and it.original["flags"] & LOADING:
            return await self.edit(bot, token, "@original", said)
        return await self._say(it, said)

    async def edit(self, bot: str, token: str, message: str, said: Json) -> Json:
        """Edit the original answer or a further message. Raises `DiscordError`."""
        found = self.found(bot, token, message)
        self._world.amend(self._now(), found, said)
        if not found["flags"] & EPHEMERAL:
            await self._gateway.tell("MESSAGE_UPDATE", self._world.told_of(found))
        return found

    async def delete(self, bot: str, token: str, message: str) -> None:
        it, found = self._living(bot, token), self.found(bot, token, message)
        if found in it.shown:
            it.shown.remove(found)
            return
        del self._world.messages[found["channel_id"]][found["id"]]
        about = {"id": found["id"], "channel_id": found["channel_id"], "guild_id": self._world.guild}
        await self._gateway.tell("MESSAGE_DELETE", about)

    def found(self, bot: str, token: str, message: str) -> Json:
        """The message that a webhook's path means. Raises `DiscordError`."""
        it = self._living(bot, token)
        if message != "@original":
            own = [each for each in it.shown if each["id"] == message]
            return own[0] if own else self._world.message(it.channel, message)
        if it.original is None:
            raise UNKNOWN_MESSAGE
        private = it.original["flags"] & EPHEMERAL
        if not private and it.original["id"] not in self._world.messages[it.channel]:
            raise UNKNOWN_MESSAGE
        return it.original

    def _living(self, bot: str, token: str) -> Interaction:
        it = self.all.get(token)
        if it is None or it.bot != bot or self._now() - it.at > TOKEN_LIFE:
            raise UNKNOWN_WEBHOOK
        return it

    async def _say(self, it: Interaction, said: Json) -> Json:
        message = self._world.compose(self._now(), it.channel, it.bot, said)
        message |= {"application_id": it.bot, "type": CHAT_COMMAND if it.type == COMMAND else message["type"]}
        if message["flags"] & EPHEMERAL:
            it.shown.append(message)
        else:
            self._world.put(message)
            await self._gateway.tell("MESSAGE_CREATE", self._world.told_of(message))
        return message


def _filled(part: Json, values: Mapping[str, str]) -> Json:
    """A component of a modal as its submission has it."""
    kept: Json = {key: part[key] for key in ("type", "id", "custom_id") if key in part}
    if "component" in part:
        kept["component"] = _filled(part["component"], values)
    if "components" in part:
        kept["components"] = [_filled(each, values) for each in part["components"]]
    if part.get("custom_id") is None:
        return kept
    given: Any = values.get(part["custom_id"], part.get("value", ""))
    return kept | ({"value": given} if part["type"] == TEXT_INPUT else {"values": [given] if given else []})
