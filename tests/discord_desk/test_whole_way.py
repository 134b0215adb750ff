"""From a comment to a card, a press and a hidden comment, with the whole app."""

import asyncio
import json
from pathlib import Path

import pytest

from bot.app import running
from bot.chat import Chats
from bot.clock import SystemClock
from bot.config import Config
from bot.sandbox.discord import TOKEN, Discord
from bot.sandbox.resolver import connector
from classifiers.labels import Label
from tests.discord_desk.room import shown, until
from tests.support import PRACTICE, StubAssessor


async def test_a_comment_becomes_a_card_and_a_press_is_done_on_the_platform(
    server: Discord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole app: replay brings a comment, a moderator presses Hide, the platform hides, the card says so."""
    monkeypatch.setenv("CHAPERONE_DISCORD_TOKEN", TOKEN)
    (tmp_path / "comments.jsonl").write_text('{"id": "17", "text": "you fool", "author": "u9"}\n')
    channel, role = server.channel("desk"), server.role("moderators")
    ben = server.member("ben", role)
    config = Config.model_validate({
        "store": {"path": tmp_path / "c.sqlite3", "key_file": tmp_path / "c.key"},
        "desk": {"discord": {"channel": int(channel), "roles": {"moderator": [int(role)]}}},
        "rules": {"harassment": {"do": []}},
        "accounts": [{
            "name": PRACTICE, "platform": "replay", "mode": "live",
            "settings": {"path": tmp_path / "comments.jsonl", "outcomes": tmp_path / "outcomes.jsonl"},
        }],
    })  # fmt: skip
    assessor = StubAssessor({"fool": {Label.HARASSMENT: 0.95}})
    async with running(config, assessor, chats=Chats(SystemClock(), lambda: connector(server))) as app:
        task = asyncio.create_task(app.run())
        card_here = await until(lambda: next((each for each in server.said(channel) if each["components"]), None))
        assert "you fool" in shown(card_here)
        await server.press(card_here["id"], "desk:hide:1", ben)
        await until(lambda: "hide by `ben`: `hidden`" in shown(server.said(channel)[0]) or None)
        app.stop()
        await task
    assert json.loads((tmp_path / "outcomes.jsonl").read_text().splitlines()[0])["verb"] == "hide"
