"""What becomes of posts of our own side, tweepy and discord.py against the emulators: `python -m benchmarks.own_side`.

Both accounts are live, and every rule that may act does: hide, answer, mute; on Discord hiding is deleting, and may be
automatic. The shipped model judges; with `--stub`, where there is no time for it, a list of two words does. A moderator
presses Remove on the desk wherever the card lets them.

Prints, for each post, the times from post to case, case to card and press to removed, or what the card says in place
of it; then what was done to posts of our own side without a press. Exit status 1 where that is anything at all.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, Row, func, select

from bot.app import App, running
from bot.chat import Chats
from bot.classify import Assessor
from bot.clock import SystemClock
from bot.commandline import pipeline
from bot.config import Config
from bot.model import AuthorKind, Role
from bot.sandbox.discord import TOKEN, Discord
from bot.sandbox.discord_world import MANAGE_MESSAGES, Json, components
from bot.sandbox.resolver import connector
from bot.sandbox.x import X
from bot.store.tables import action, case, case_comment, comment, decision
from classifiers.labels import Label
from tests.support import StubAssessor

COLLEAGUE = "77"  # on X
# Seconds between two looks. By default 60 at our own timeline, 120 at the mentions, and 3600 at what mentions nobody
# in our conversations: so long it may take on top until a colleague's answer to a reader is seen on X.
POLLS = {"own_seconds": 1.0, "poll_seconds": 5.0, "search_seconds": 4.0}
PATIENCE = 120.0  # seconds until something that must happen is given up
PAUSE = 0.02  # between two looks, and so the precision of the times
ACTS = {"do": ["hide", "warn", "mute"]}
RULES: dict[str, Any] = dict.fromkeys(("harassment", "diagnosis_request", "misinformation", "solicitation"), ACTS)
RULES |= {"health_disclosure": ACTS | {"about_oneself": ["hide"], "about_somebody_else": ["hide"]}}
COLUMNS = ("where", "who wrote", "post → case", "case → card", "press → removed", "severity", "the card says")
out = Console(width=170, highlight=False)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds; None where there was none."""

    to_case: float | None = None
    to_card: float | None = None
    to_removed: float | None = None
    severity: str = "no case"
    says: str = ""


class Scene:
    """Both emulators, the app between them, and a desk with a moderator."""

    def __init__(self, x: X, discord: Discord, stub: bool) -> None:
        self.x, self.discord, self.stub = x, discord, stub
        self.desk, self.general, self.locked = (discord.channel(name) for name in ("desk", "general", "locked"))
        discord.world.forbid(self.locked, MANAGE_MESSAGES)
        roles = {role: discord.role(role) for role in Role}
        self.ben = discord.member("ben", roles[Role.MODERATOR])
        self.reader, self.colleague = discord.member("reader"), discord.member("colleague")
        self.roles = {role: [int(id_)] for role, id_ in roles.items()}
        self.post = x.publish("Asthma week: three things to check before winter.")

    def config(self, folder: Path) -> Config:
        same: dict[str, Any] = {"mode": "live", "country": "GB", "on_call": [{"name": "asha"}]}
        of_x = {"handle": "clinic"} | POLLS
        watched = {"channels": [int(self.general), int(self.locked)], "delete_automatically": True}
        accounts = [
            {"name": "clinic", "platform": "x", "staff": [COLLEAGUE], "settings": of_x} | same,
            {"name": "community", "platform": "discord_server", "staff": [self.colleague],
             "settings": {"server": int(self.discord.world.guild)} | watched} | same,
        ]  # fmt: skip
        store = {"path": folder / "bench.sqlite3", "key_file": folder / "bench.key"}
        desk = {"discord": {"channel": int(self.desk), "roles": self.roles}}
        return Config.model_validate({"store": store, "rules": RULES, "accounts": accounts, "desk": desk})

    @asynccontextmanager
    async def playing(self) -> AsyncIterator[App]:
        os.environ.update(self.x.keys.environment("clinic"), CHAPERONE_DISCORD_TOKEN=TOKEN)
        with tempfile.TemporaryDirectory() as folder:
            config = self.config(Path(folder))
            judge: Assessor = StubAssessor({"stupid": {Label.HARASSMENT: 0.999}}) if self.stub else pipeline(config)
            chats = Chats(SystemClock(), lambda: connector(self.discord))
            reaching = running(config, judge, chats=chats, connector=lambda: connector(self.x))
            async with reaching as app, asyncio.TaskGroup() as group:
                group.create_task(app.run())
                await until(lambda: bool(self.x.streams))
                await self.discord.journal.arrival("GET", f"*/channels/{self.locked}/messages", count=1)
                yield app
                app.stop()

    def there(self, id_: str) -> bool:
        said = [each["id"] for channel in (self.general, self.locked) for each in self.discord.said(channel)]
        return id_ in self.x.tweets or id_ in said

    def card(self, case_id: int) -> Json | None:
        return next((each for each in self.discord.said(self.desk) if f"Case {case_id} " in shown(each)), None)

    async def followed(self, app: App, id_: str) -> Times:
        """From the post, which was just made, to its end."""
        began = perf_counter()
        await until(lambda: bool(app.db.read_now(lambda tx: _decided(tx, id_))))
        row = app.db.read_now(lambda tx: _case(tx, id_))
        if row is None:
            return Times(says="left alone")
        opened = perf_counter()
        await until(lambda: self.card(row.id) is not None)
        carded = perf_counter()
        card = self.card(row.id) or {}
        severity, what = _line(card, "### Case").split(" · ")[1:]
        times = Times(opened - began, carded - opened, None, severity)
        if not may_remove(card):
            return Times(times.to_case, times.to_card, None, severity, f"{what}. {_line(card, 'Remove: cannot')}")
        form = await self.discord.press(card["id"], f"desk:remove:{row.id}", self.ben)
        await form.answered()
        pressed = perf_counter()
        await self.discord.submit(form, {"words": ""})
        await until(lambda: not self.there(id_))
        removed = perf_counter()
        await until(lambda: "delete by `ben`: `deleted`" in shown(card))
        says = f"{what}. Then: {_line(card, 'delete by').replace('`', '')}"
        return Times(times.to_case, times.to_card, removed - pressed, severity, says)


def shown(message: Json) -> str:
    return "\n".join(str(part.get("content", "")) for part in components(message["components"]))


def may_remove(card: Json) -> bool:
    found = [
        each for each in components(card["components"]) if str(each.get("custom_id", "")).startswith("desk:remove")
    ]
    return bool(found) and not found[0].get("disabled")


def _line(card: Json, begins: str) -> str:
    lines = shown(card).splitlines()
    link = next((line for line in lines if line.startswith("[Open it")), "")
    told = next((line for line in lines if line.startswith(begins)), "")
    return told + (f"; {link}" if begins.startswith("Remove") else "")


def _decided(tx: Connection, id_: str) -> Any:
    found = select(decision.c.id).join(comment, comment.c.id == decision.c.comment_id)
    return tx.execute(found.where(comment.c.external_id == id_)).first()


def _case(tx: Connection, id_: str) -> Row[Any] | None:
    held = select(case_comment.c.case_id).join(comment, comment.c.id == case_comment.c.comment_id)
    return tx.execute(select(case).where(case.c.id.in_(held.where(comment.c.external_id == id_)))).first()


def _automatic(tx: Connection) -> int:
    ours = select(comment.c.id).where(comment.c.author_kind == AuthorKind.STAFF)
    alone = action.c.ruling_id.is_(None) & action.c.comment_id.in_(ours)
    return tx.execute(select(func.count()).where(alone)).scalar_one()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(PAUSE)


async def main(stub: bool) -> int:
    async with X() as x, Discord(limits={}) as discord:
        scene = Scene(x, discord, stub)
        async with scene.playing() as app:
            asked = await x.say("@clinic I have had asthma since May and nobody calls me back", reply_to=scene.post)
            heard = await discord.post(scene.general, scene.reader, "when does the clinic open tomorrow?")
            table = Table(
                "where", "who wrote", "post → case", "case → card", "press → removed", "severity", "the card says"
            )
            for where, who, post in _posts(scene, asked, heard):
                times = await scene.followed(app, await post())
                figures = (times.to_case, times.to_card, times.to_removed)
                table.add_row(where, who, *(_told(each) for each in figures), times.severity, times.says)
            out.print(table)
            alone = app.db.read_now(_automatic)
    out.print(f"done to posts of our own side without a press: {alone}")
    return int(alone > 0)


def _posts(scene: Scene, asked: str, heard: str) -> list[tuple[str, str, Callable[[], Any]]]:
    x, discord = scene.x, scene.discord

    async def published(text: str) -> str:
        return x.publish(text)

    breach = "So glad your scan came back clear! See you on Tuesday, Tamara."
    abuse = "You are a disgusting liar, I hope you choke on it, you stupid cow."
    return [
        ("X", "the account, a reply", lambda: x.say(f"@u2001 {breach}", author=x.me, reply_to=asked)),
        ("X", "the account, a post", lambda: published("Mrs. Okafor's biopsy came back clear. Well done Gloria!")),
        ("X", "a colleague, a reply", lambda: x.say(f"@u2001 {breach}", author=COLLEAGUE, reply_to=asked)),
        ("X", "a colleague, abuse", lambda: x.say(f"@u2001 {abuse}", author=COLLEAGUE, reply_to=scene.post)),
        ("X", "the account, harmless", lambda: published("Flu jabs on Saturday, nine to noon. No booking needed.")),
        ("Discord", "a colleague", lambda: discord.post(scene.general, scene.colleague, breach, heard)),
        ("Discord", "a colleague, abuse", lambda: discord.post(scene.general, scene.colleague, abuse)),
        ("Discord", "where the bot may not", lambda: discord.post(scene.locked, scene.colleague, breach)),
        ("Discord", "a colleague, harmless", lambda: discord.post(scene.general, scene.colleague, "We open at nine.")),
    ]


def _told(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.0f} ms"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.own_side")
    parser.add_argument("--stub", action="store_true")
    sys.exit(asyncio.run(main(parser.parse_args().stub)))
