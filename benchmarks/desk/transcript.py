"""From a comment on X to a card that says what was done, then a restart and a month: the exchange, readable.

The unmodified discord.py and tweepy against their emulators. The classifier is a stand-in that finds two words, so
that the transcript is the same whatever the model of the day.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.desk.room import until_true
from benchmarks.tables import out
from bot.app import running
from bot.chat import Chats
from bot.clock import FastClock
from bot.config import Config
from bot.review.card_html import dated, page
from bot.sandbox.discord import TOKEN, Discord
from bot.sandbox.discord_world import components
from bot.sandbox.journal import Call
from bot.sandbox.resolver import connector
from bot.sandbox.x import X
from classifiers.labels import Assessment, Label, Span, SpanType
from classifiers.pipeline import Text
from tests.discord_desk.room import shown

DOCS = Path(__file__).parents[2] / "docs"
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
MONTH = timedelta(days=31)
DRAWN = 4  # cards on the picture
ABUSE = "you are a fool and a fraud, @clinic, everyone should come and tell you so"
LATER = "what a fool, this doctor"
SURE = "my son has asthma and nobody has called us back"
UNSURE = "Quentin Foxglove of 12 Mill Lane had his asthma review with you, ask him"
BUTTON, TEXT = 2, 10  # types of components
KINDS = {4: "a message", 5: "acknowledged; an answer follows", 6: "acknowledged", 9: "a form"}


class Standin:
    """Finds "fool" and "asthma"."""

    model = "stand-in"

    def assess(self, texts: Sequence[Text]) -> list[Assessment]:
        return [self._assess(it.text) for it in texts]

    def line(self, label: Label, when_right: float) -> float | None:
        return 0.9

    def tells(self, reply: str) -> float | None:
        return None

    def _assess(self, text: str) -> Assessment:
        found = {Label.HARASSMENT: 0.97} if "fool" in text else {}
        found |= {Label.HEALTH_DISCLOSURE: 0.96} if "asthma" in text else {}
        spans = tuple(Span(*it.span(), SpanType.CONDITION) for it in re.finditer("asthma", text))
        return Assessment(self.model, dict.fromkeys(Label, 0.01) | found, spans)


async def transcript() -> int:
    clock = FastClock(START, speed=1)
    with tempfile.TemporaryDirectory() as folder:
        async with X(clock, keep_alive=5.0) as x, Discord(clock, limits={}) as server:
            os.environ.update(x.keys.environment("clinic") | {"CHAPERONE_DISCORD_TOKEN": TOKEN})
            parts, cards = list[str](), list[list[dict[str, Any]]]()
            async for part in _play(x, server, clock, Path(folder)):
                parts.append(_told(*part))
                cards = cards if len(cards) == DRAWN else deepcopy([each["components"] for each in _cards(server)])
    text = "\n".join(parts)
    (DOCS / "discord-transcript.md").write_text(HEAD + text, encoding="utf-8")
    out.print(text, markup=False)
    _drawn(cards)
    return 0


def _cards(server: Discord) -> list[dict[str, Any]]:
    return [each for messages in server.world.messages.values() for each in messages.values() if each["components"]]


HEAD = """# A comment, a card, a press: the exchange

Written by `python -m benchmarks.desk transcript`: the app with discord.py and tweepy as they are, against the emulators
of Discord and X. Heartbeats, logins and polls are left out. The classifier is a stand-in.

"""

Part = tuple[str, Sequence[tuple[str, Call]], dict[str, str]]


async def _play(x: X, server: Discord, clock: FastClock, folder: Path) -> AsyncIterator[Part]:
    """The parts of the story, each with what was said meanwhile."""
    channel, role = server.channel("desk"), server.role("moderators")
    ben = server.member("ben", role)
    names = {channel: "desk", ben: "ben"}
    seen = {"Discord": 0, "X": 0}

    def said() -> list[tuple[str, Call]]:
        """New since the last time, in order."""
        found = []
        for who, journal in (("Discord", server.journal), ("X", x.journal)):
            calls = journal.calls()
            found += [(who, call) for call in calls[seen[who] :]]
            seen[who] = len(calls)
        return sorted(found, key=lambda each: each[1].when)

    async def showing(words: str) -> str:
        """The message that says so, waited for."""
        await until_true(lambda: any(words in shown(each) for each in server.said(channel)), 0.05)
        return str(next(each["id"] for each in server.said(channel) if words in shown(each)))

    post = x.publish("Our opening hours in spring")
    async with _daemon(x, server, clock, folder, int(channel), int(role)):
        await until_true(lambda: bool(x.streams), 0.05)
        said()
        await x.say(ABUSE, author="2001", reply_to=post)
        card = await showing("you are a fool")
        names[card] = "card of case 1"
        yield "A comment on X becomes a card", said(), names
        await (await server.press(card, "desk:hide:1", ben)).answered()
        await showing("hide by `ben`: `hidden`")
        yield "Ben presses Hide, X hides, the card says so", said(), names
        await x.say(LATER, author="2002", reply_to=post)
        names[old := await showing("what a fool")] = "card of case 2"
        await x.say(SURE, author="2003", reply_to=post)
        names[await showing("[CONDITION]")] = "card of case 3"
        await x.say(UNSURE, author="2004", reply_to=post)
        names[await showing("No words here")] = "card of case 4"
        yield "Three more: abuse, a disclosure that is masked for certain, and one that is not", said(), names
    clock.advance(MONTH)
    async with _daemon(x, server, clock, folder, int(channel), int(role)):
        await until_true(lambda: bool(x.streams) and bool(server.gateway.sessions), 0.05)
        await asyncio.sleep(2)
        said()
        await (await server.press(old, "desk:hide:2", ben)).answered()
        await until_true(lambda: "`hidden`" in shown(server.world.messages[channel][old]), 0.05)
        yield "The daemon was restarted, a month has passed; Ben presses Hide on the old card", said(), names


@asynccontextmanager
async def _daemon(
    x: X, server: Discord, clock: FastClock, folder: Path, channel: int, role: int
) -> AsyncIterator[None]:
    config = Config.model_validate({
        "store": {"path": folder / "c.sqlite3", "key_file": folder / "c.key"},
        "desk": {"discord": {"channel": channel, "roles": {"moderator": [role]}}},
        "rules": {"harassment": {"do": []}},
        "accounts": [{
            "name": "clinic", "platform": "x", "mode": "live", "country": "GB",
            "settings": {"handle": "clinic", "search_seconds": 0, "own_seconds": 0},
        }],
    })  # fmt: skip
    chats = Chats(clock, lambda: connector(server))
    async with running(config, Standin(), clock, chats, lambda: connector(x)) as app:
        task = asyncio.create_task(app.run())
        yield
        app.stop()
        await task


def _told(title: str, said: Sequence[tuple[str, Call]], names: dict[str, str]) -> str:
    lines = [line for who, call in said for line in _line(who, call, names)]
    return f"## {title}\n\n" + "\n".join(lines) + "\n"


def _line(who: str, call: Call, names: dict[str, str]) -> Iterator[str]:
    """One call as a paragraph; none for what only keeps the connection."""
    at, body = f"`{call.when:%d %b %H:%M:%S}`", call.body if isinstance(call.body, dict) else {}
    path = re.sub(r"\d{15,}", lambda it: names.get(it.group(), "…"), call.path.removeprefix("/api/v10"))
    if call.method == "SEND" and who == "X" and "data" in body:
        yield f"{at} **X → Chaperone**, on the stream: “{body['data']['text']}”\n"
    elif call.method == "SEND" and body.get("t") == "INTERACTION_CREATE":
        it = body["d"]
        user = names.get(it["member"]["user"]["id"], "somebody")
        yield f"{at} **Discord → Chaperone**, on the gateway: {user} presses `{it['data']['custom_id']}`\n"
    elif call.path.endswith("/callback"):
        yield f"{at} **Chaperone → Discord**: {KINDS.get(body['type'], body['type'])}\n"
    elif call.method in ("POST", "PATCH") and "components" in body:
        yield f"{at} **Chaperone → Discord**: `{call.method} {path}`\n\n{_card(body['components'])}\n"
    elif who == "X" and call.method in ("PUT", "POST"):
        yield f"{at} **Chaperone → X**: `{call.method} {path}` {json.dumps(call.body)} → {call.status}\n"


def _card(tree: list[dict[str, Any]]) -> str:
    """A card's words, and a line of its buttons, quoted."""
    words = "\n".join(dated(part["content"]) for part in components(tree) if part["type"] == TEXT)
    buttons = " ".join(
        f"[{part['label']}]" if not part.get("disabled") else f"[~~{part['label']}~~]"
        for part in components(tree)
        if part["type"] == BUTTON
    )
    return "\n".join(f"> {line}" for line in [*words.split("\n"), "", buttons])


def _drawn(cards: list[list[dict[str, Any]]]) -> None:
    """The cards as a picture, where there is a browser to draw them."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        out.print("No browser here, so docs/card.png stays as it was.")
        return
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "cards.html").write_text(page(cards), encoding="utf-8")
        how = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=700,1900"]
        where = [f"--screenshot={DOCS / 'card.png'}", f"file://{folder}/cards.html"]
        subprocess.run([browser, *how, *where], check=False, capture_output=True, timeout=300)
    out.print("Written: docs/discord-transcript.md, docs/card.png")
