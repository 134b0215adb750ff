"""Eight hours without X, with the whole app."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.app import App, running
from bot.clock import FastClock
from bot.config import Config
from bot.sandbox import faults
from bot.sandbox.resolver import connector
from bot.sandbox.x import X
from bot.store.tables import audit
from bot.store.tables import comment as comment_table
from classifiers.labels import Label
from tests.support import NOON, StubAssessor
from tests.x.practice import hand_over_keys


async def test_after_eight_hours_without_x_the_gap_is_filled_within_the_budget_oldest_first_and_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FastClock(NOON, speed=20)
    assessor = StubAssessor({"awful": {Label.HARASSMENT: 0.99}, "dying": {Label.CRISIS: 0.99}})
    async with X(clock, keep_alive=0.5) as x:
        hand_over_keys(x, monkeypatch)
        post = x.publish("Our opening hours")
        config = rehearsed(tmp_path, reads_per_day=70, own_seconds=600, search_seconds=600)
        async with (
            running(config, assessor, clock, connector=lambda: connector(x)) as app,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(app.run())
            while not x.streams or len(known(app)) < 1:
                await asyncio.sleep(0.01)
            mentioned, unmentioned, crises = await outage(x, clock, post)
            while not (mentioned <= set(known(app)) and any(why.startswith("the day's") for why in gaps(app))):
                await asyncio.sleep(0.05)
            while not await app.engine.idle():  # a leap in the middle of a call would let its lease run out
                await asyncio.sleep(0.05)
            spent = json.loads((tmp_path / "db.practice" / "x-spent.json").read_text())
            clock.advance(timedelta(hours=12))
            awful = {id_ for id_, tweet in x.tweets.items() if tweet.text.startswith("awful")}
            while not (mentioned | unmentioned <= set(known(app)) and awful <= x.hidden and await app.engine.idle()):
                await asyncio.sleep(0.05)
            app.stop()
            told = gaps(app)
            order = [each for each in known(app) if each in crises]
    assert spent["day"] == "2026-03-01"
    assert spent["reads"] <= 70 + len(mentioned)  # the mentions are read whatever the budget, each once
    assert order == crises
    assert x.hidden == awful
    assert len([call for call in x.journal.calls("PUT") if call.status == 200]) == len(awful)
    starts = ["X cannot be read since 2026-03-01", "X can be read again since 2026-03-01", "the day's budget"]
    assert [why[: len(start)] for why, start in zip(told, starts, strict=False)] == starts


def rehearsed(folder: Path, **settings: Any) -> Config:
    """One live account of the emulator, whose polls are quick."""
    quick = {"poll_seconds": 20, "own_seconds": 60, "search_seconds": 60, "slow_seconds": 60, "recheck_seconds": 0}
    one = {"name": "practice", "platform": "x", "mode": "live", "settings": {"handle": "clinic"} | quick | settings}
    store = {"path": folder / "db.sqlite3", "key_file": folder / "db.key"}
    return Config.model_validate({"store": store, "accounts": [one]})


async def outage(x: X, clock: FastClock, post: str) -> tuple[set[str], set[str], list[str]]:
    """Eight hours in which people write and X answers nobody: who mentions us, who does not, and the crises."""
    x.fail("*", "*", faults.HTML_503, times=10**6)
    for stream in list(x.streams):
        await stream.close()
    mentioned, unmentioned, crises = [], [], []
    for number in range(16):
        crisis = number in (3, 9)
        first = await x.say(f"{'dying' if crisis else 'awful'} {number}", author=f"{3000 + number}", reply_to=post)
        crises += [first] if crisis else []
        mentioned += [first, await x.say(f"fine {number}", author=f"{4000 + number}", reply_to=post)]
        unmentioned.append(await x.say(f"awful too {number}", author=f"{5000 + number}", reply_to=first))
        clock.advance(timedelta(minutes=30))
        await asyncio.sleep(0.1)
    x._faults.orders.clear()
    return set(mentioned), set(unmentioned), crises


def gaps(app: App) -> list[str]:
    """What a person was told of the reading, in order."""
    told = select(audit.c.detail).where(audit.c.what == "gap").order_by(audit.c.id)
    return [str(each) for each in app.db.read_now(lambda tx: tx.execute(told).scalars().all())]


def known(app: App) -> list[str]:
    """The comments in the store, in the order in which they came there."""
    ids = select(comment_table.c.external_id).order_by(comment_table.c.id)
    return list(app.db.read_now(lambda tx: tx.execute(ids).scalars().all()))
