"""A desk on the emulator of Discord, its people, and what they are shown."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import insert

from bot.chat import Chats
from bot.clock import SystemClock
from bot.config import Config, OnDiscord
from bot.guard import ReplyGuard
from bot.model import Batch, Capability, Reason, Role, Severity, Target, Verb
from bot.review.discord_cards import DiscordCards
from bot.review.discord_commands import registration
from bot.review.discord_desk import DiscordDesk
from bot.sandbox.discord import TOKEN, Discord
from bot.sandbox.discord_interactions import Interaction
from bot.sandbox.discord_world import Json, components
from bot.sandbox.resolver import connector
from bot.store.engine.port import Queue
from bot.store.queries import NewCase, put_in_case
from bot.store.tables import assessment
from classifiers.labels import Label
from tests.support import NOON, PRACTICE, TEMPLATES, House, posted

T = TypeVar("T")
ACCOUNT = {"name": PRACTICE, "platform": "replay", "on_call": [{"name": "Asha", "contact": "1" * 18}]}


@dataclass
class Room:
    """A server with a desk, its people, and the house behind it; `restarted` is what a crash leaves of it."""

    server: Discord
    house: House
    settings: Mapping[str, Any] = field(default_factory=dict)
    poll: float = 0.01
    comments: int = 0

    def __post_init__(self) -> None:
        self.channel = self.server.channel("desk")
        roles = {role: self.server.role(role) for role in (*Role, "reveal", "called")}
        self.roles = roles
        self.asha = self.server.member("asha", roles[Role.LEAD], roles["reveal"])
        self.ben = self.server.member("ben", roles[Role.MODERATOR])
        self.cleo = self.server.member("cleo", roles[Role.TRIAGE])
        self.mallory = self.server.member("mallory")

    async def __aenter__(self) -> "Room":
        self._stack = AsyncExitStack()
        on = OnDiscord.model_validate(
            {"channel": int(self.channel), "roles": {role: [int(self.roles[role])] for role in Role}, **self.settings}
        )
        config = Config.model_validate({"accounts": [ACCOUNT], "desk": {"discord": on.model_dump()}})
        chats = await self._stack.enter_async_context(Chats(SystemClock(), lambda: connector(self.server)))
        self.chat, db, clock = chats.of(TOKEN), self.house.db, self.house.clock
        self.cards = DiscordCards(config, db, clock, self.chat, self._able, self.poll)
        guard = ReplyGuard()
        self.desk = DiscordDesk(config, db, self.house.engine, clock, TEMPLATES, guard, self.cards)
        self.desk.listen(self.chat)
        self.chat.prepare(registration(self.desk))
        self.house.engine.handle(Queue.ACT, self.house.act, batch=16)
        self._tasks = [asyncio.create_task(self.cards.run()), asyncio.create_task(self.house.engine.run())]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._tasks[0].cancel()
        self.house.engine.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    def _able(self, account: str, verb: Verb, target: Target, now: datetime) -> Capability:
        return self.house.platform.capability(verb, target, now)

    def restarted(self) -> "Room":
        again = Room.__new__(Room)
        again.__dict__ |= self.__dict__ | {"house": self.house.restarted()}
        return again

    async def case(self, text: str = "you fool", count: int = 1, key: str = "k", **new: Any) -> int:
        """So many comments in one open case."""
        ids = range(self.comments + 1, self.comments + 1 + count)
        self.comments += count
        batch = Batch(tuple(posted(str(number), f"{text} {number}") for number in ids), "c")
        await self.house.inbox.receive(PRACTICE, self.house.mode, batch)
        values: dict[str, Any] = {"reason": Reason.FLAGGED, "label": Label.HARASSMENT, "severity": Severity.NORMAL}
        values |= {"why": "harassment 0.94"} | new
        judged = {"model": "m", "probabilities": dict.fromkeys(Label, 0.01) | {values["label"]: 0.94}, "spans": []}

        def body(tx: Any) -> int:
            tx.execute(insert(assessment), [judged | {"comment_id": id_} for id_ in ids])
            found = [put_in_case(tx, NewCase(key=key, account=PRACTICE, **values), id_, NOON) for id_ in ids]
            return found[0]

        return await self.house.db.run(body)

    def messages(self, channel: str | None = None) -> list[Json]:
        return [each for each in self.server.said(channel or self.channel) if each["components"]]

    async def card(self, case_id: int) -> Json:
        """The message of its card, waited for."""
        return await until(lambda: next((each for each in self.messages() if f"Case {case_id} " in shown(each)), None))

    async def shows(self, case_id: int, words: str) -> Json:
        return await until(
            lambda: next(
                (each for each in self.messages() if f"Case {case_id} " in shown(each) and words in shown(each)), None
            )
        )

    async def press(self, case_id: int, what: str, by: str) -> Interaction:
        message = await self.card(case_id)
        return await self.server.press(message["id"], f"desk:{what}:{case_id}", by)


async def until(found: Callable[[], T | None]) -> T:
    """What `found` finds, waited for."""
    async with asyncio.timeout(60):
        while not (it := found()):
            await asyncio.sleep(0.005)
        return it


def shown(message: Json) -> str:
    return "\n".join(str(part.get("content", "")) for part in components(message["components"]))


async def told(it: Interaction) -> str:
    """What only who pressed was told."""
    message = await until(lambda: next((each for each in it.shown if each["content"] or each["components"]), None))
    return message["content"] or shown(message)
