"""Who is told of a crisis, when, and through what: `python -m benchmarks.crisis [--only a,b,c,d,e]`.

The whole app runs, live, on a clock that is moved on by hand, with the emulated Discord for a desk and a receiver on
loopback for a second channel (apprise's json://). The comment is a crisis and, as sure, abuse and an advert, whose
rules hide, answer and mute. Prints for each scene who was told after how many minutes, and what was done to it.

    a  the model's file is gone          d  nobody answers; after 45 minutes the third person takes the case
    b  the desk is offline               e  the process is killed while it sends, and started again
    c  at three at night, in quiet hours
"""

import argparse
import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from bot import logs
from bot.app import App, running
from bot.chat import Chats
from bot.classify import Assessor
from bot.clock import SystemClock
from bot.commandline import pipeline
from bot.config import Config
from bot.model import Mode, Role, Severity
from bot.review import cases, postings
from bot.sandbox.discord import TOKEN, Discord
from bot.sandbox.guard import only_loopback
from bot.sandbox.resolver import connector
from classifiers.labels import Label
from classifiers.pipeline import Pipeline
from classifiers.settings import Settings
from tests.support import StubAssessor

TEXT = "i want to kill myself tonight, you useless quack, buy my cure"
GRAVE = {"tonight,": {Label.CRISIS: 0.99, Label.HARASSMENT: 0.99, Label.SOLICITATION: 0.99}}
TELLING = ("kill", "tonight", "quack", "cure", "Sam")  # must stand in no notice
PEOPLE = ("Asha", "Ben", "Cleo")
NOON, NIGHT = datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 1, 3, tzinfo=UTC)


class HandClock:
    """Stands still until it is moved on; whoever sleeps wakes when its time has come."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        until = self._now + timedelta(seconds=seconds)
        while self._now < until:
            await asyncio.sleep(0.01)

    def advance(self, by: timedelta) -> None:
        self._now += by


@dataclass
class Post:
    """The second channel: a webhook for each person. It notes when it was called; `held` answers never."""

    clock: Any
    got: list[tuple[datetime, str, dict[str, Any]]] = field(default_factory=list)
    held: bool = False
    port: int = 0

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((self.clock.now(), request.match_info["who"], await request.json()))
        while self.held:
            await asyncio.sleep(0.05)
        return web.Response()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Post"]:
        app = web.Application()
        app.router.add_post("/{who}", self.take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.port = site.port
            yield self
        finally:
            self.held = False
            await runner.cleanup()


@dataclass(frozen=True, slots=True)
class Scene:
    name: str
    start: datetime = NOON
    minutes: int = 12
    desk: bool = True
    taken_after: int | None = None  # minutes; by the third person
    model: bool = True


SCENES = {
    "a": Scene("a: the model's file is gone", model=False),
    "b": Scene("b: the desk is offline", desk=False),
    "c": Scene("c: 03:00, in quiet hours", start=NIGHT),
    "d": Scene("d: nobody answers for 45 minutes", minutes=60, taken_after=45),
}


@dataclass(frozen=True, slots=True)
class Notice:
    minute: float
    who: str
    through: str


async def play(scene: Scene) -> tuple[list[Notice], str]:
    clock, members = HandClock(scene.start), dict[str, str]()
    post = Post(clock)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        await stack.enter_async_context(post.listening())
        server = Discord(clock, limits={})
        async with AsyncExitStack() as online:
            await online.enter_async_context(server)
            members |= {name: server.member(name) for name in PEOPLE}
            config = _config(folder, post.port, server, members)
            if not scene.desk:
                await online.aclose()
            chats = Chats(SystemClock(), lambda: connector(server))
            async with running(config, _assessor(scene, config), clock, chats) as app:
                await _run(app, clock, scene)
        told = [_at(scene, at, who, "webhook, by apprise") for at, who, _ in post.got]
        channel = str(config.desk.discord.channel)
        told += _called(scene, server.said(channel), members) if scene.desk else []
        _no_words([body for _, _, body in post.got])
        return sorted(told, key=lambda each: (each.minute, each.through, each.who)), _done_to_it(folder)


async def _run(app: App, clock: HandClock, scene: Scene) -> None:
    task = asyncio.create_task(app.run())
    await _until_noted(app)
    for minute in range(scene.minutes + 1):
        await _settled(app, scene)
        if minute == scene.taken_after:
            third = cases.Person(PEOPLE[2], Role.TRIAGE)
            minutes = app.config.desk.claim_minutes
            await app.db.run(partial(cases.claim, case_id=1, by=third, now=clock.now(), minutes=minutes))
        clock.advance(timedelta(minutes=1))
        await app.schedule.fire("timers")
    await _settled(app, scene)
    app.stop()
    await task


async def _until_noted(app: App) -> None:
    while not await app.db.read(cases.queue):
        await asyncio.sleep(0.02)


async def _settled(app: App, scene: Scene) -> None:
    """What is due is done; on the desk too, where there is one."""
    while not await app.engine.idle():
        await asyncio.sleep(0.02)
    while scene.desk and not await app.db.read(_called_on_desk):
        await asyncio.sleep(0.02)


def _called_on_desk(tx: Connection) -> bool:
    """Whether the case has its card, and those on call were called to it as often as they should be."""
    return bool(postings.standing(tx)) and not postings.uncalled(tx, [Severity.CRISIS])


def _config(folder: Path, port: int, server: Discord, members: dict[str, str]) -> Config:
    channel, role = server.channel("desk"), server.role("moderators")
    comment = {"id": "1", "text": TEXT, "author": "u1", "name": "Sam"}
    (folder / "comments.jsonl").write_text(json.dumps(comment) + "\n")
    people = [
        {"name": name, "contact": members[name], "notify": [f"json://127.0.0.1:{port}/{name}"]} for name in PEOPLE
    ]
    return Config.model_validate({
        "store": {"path": folder / "c.sqlite3", "key_file": folder / "c.key"},
        "classifier": {"folder": str(folder / "no-weights")},
        "rules": {label: {"do": ["hide", "warn", "mute"]} for label in ("harassment", "solicitation")},
        "desk": {"claim_minutes": 60, "discord": {
            "channel": int(channel), "roles": {"moderator": [int(role)]}, "ping": {"crisis": int(role)},
            "quiet_hours": "22:00-07:00",
        }},
        "accounts": [{
            "name": "practice", "platform": "replay", "mode": Mode.LIVE, "country": "GB", "on_call": people,
            "settings": {"path": folder / "comments.jsonl", "outcomes": folder / "outcomes.jsonl"},
        }],
    })  # fmt: skip


def _assessor(scene: Scene, config: Config) -> Assessor:
    return StubAssessor(GRAVE) if scene.model else pipeline(config)


def _at(scene: Scene, at: datetime, who: str, through: str) -> Notice:
    return Notice((at - scene.start).total_seconds() / 60, who, through)


def _called(scene: Scene, said: Sequence[dict[str, Any]], members: dict[str, str]) -> list[Notice]:
    """The calls on Discord, by whom they mention."""
    found: list[Notice] = []
    for each in said:
        at = datetime.fromisoformat(each["timestamp"])
        found += [_at(scene, at, name, "Discord") for name, id_ in members.items() if f"<@{id_}>" in each["content"]]
    return found


def _no_words(bodies: Sequence[dict[str, Any]]) -> None:
    told = json.dumps(bodies)
    if any(word in told for word in TELLING):
        raise SystemExit("a notice holds words of the comment")


def _done_to_it(folder: Path) -> str:
    file = folder / "outcomes.jsonl"
    calls = len(file.read_text().splitlines()) if file.exists() else 0
    with sqlite3.connect(folder / "c.sqlite3") as db:
        wanted = db.execute("SELECT count(*) FROM action").fetchone()[0]
    return f"actions wanted {wanted}, calls to the platform {calls}"


async def killed() -> tuple[list[Notice], str]:
    """Scene e: a process of its own in real time, without a model; killed (-9) while its first notice is held."""
    post = Post(SystemClock(), held=True)
    with tempfile.TemporaryDirectory() as name:
        async with post.listening():
            folder = Path(name)
            began, child = datetime.now(UTC), _start(folder, post.port)
            while not post.got:
                await asyncio.sleep(0.1)
            child.send_signal(signal.SIGKILL)
            child.wait()
            post.held = False
            child = _start(folder, post.port)
            while len(post.got) < 2:
                await asyncio.sleep(0.1)
            await asyncio.sleep(1)
            child.terminate()
            await asyncio.to_thread(child.wait)
        rows = [Notice((at - began).total_seconds() / 60, who, f"webhook: {told}") for (at, who, _), told in zip(
            post.got, ("the process was killed here", "again, after the restart"), strict=True)]  # fmt: skip
        return rows, _done_to_it(folder)


def _start(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "benchmarks.crisis", "--child", str(folder), "--port", str(port)])


async def _child(folder: Path, port: int) -> None:
    (folder / "comments.jsonl").write_text(json.dumps({"id": "1", "text": TEXT, "author": "u1"}) + "\n")
    config = Config.model_validate({
        "store": {"path": folder / "c.sqlite3", "key_file": folder / "c.key"},
        "accounts": [{
            "name": "practice", "platform": "replay", "mode": Mode.LIVE, "country": "GB",
            "on_call": [{"name": PEOPLE[0], "notify": [f"json://127.0.0.1:{port}/{PEOPLE[0]}"]}],
            "settings": {"path": folder / "comments.jsonl", "outcomes": folder / "outcomes.jsonl"},
        }],
    })  # fmt: skip
    async with running(config, Pipeline.without_model(Settings(), "scene e")) as app:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, app.stop)
        await app.run()


def _print(out: Console, name: str, told: Sequence[Notice], done: str) -> None:
    table = Table("minutes after the comment", "who", "through", title=name, title_justify="left")
    for each in told:
        table.add_row(f"{each.minute:.1f}", each.who, each.through)
    out.print(table)
    out.print(f"done to the comment by the machine: {done}\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crisis")
    parser.add_argument("--only", default="a,b,c,d,e")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ["CHAPERONE_DISCORD_TOKEN"] = TOKEN
    only_loopback()
    logs.configure("error", json=False)
    if arguments.child:
        asyncio.run(_child(arguments.child, arguments.port))
        return
    out = Console(width=100)
    for letter in arguments.only.split(","):
        told, done = asyncio.run(killed() if letter == "e" else play(SCENES[letter]))
        _print(out, SCENES[letter].name if letter in SCENES else "e: killed while it sends, started again", told, done)


if __name__ == "__main__":
    main()
