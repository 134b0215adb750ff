"""The spine at work on a file, for a process of its own that may be killed."""

import asyncio
import os
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from bot.app import running
from bot.clock import FastClock
from bot.config import Config
from classifiers.labels import Label, NotAssessed
from tests.support import KEY, NOON, Finding, StubAssessor

SPEED = 50.0
CHOSEN: Mapping[str, Finding] = {
    "abuse": {Label.HARASSMENT: 0.99},
    "rude": {Label.HARASSMENT: 0.9},
    "pills": {Label.SOLICITATION: 0.99},
    "lump": {Label.DIAGNOSIS_REQUEST: 0.99},
    "despair": {Label.CRISIS: 0.99},
    "hola": NotAssessed.LANGUAGE,
}


def config(folder: Path) -> Config:
    settings = {"path": folder / "comments.jsonl", "outcomes": folder / "outcomes.jsonl", "follow": False}
    people = [{"name": "asha"}]
    account = {"name": "practice", "platform": "replay", "mode": "live", "on_call": people, "settings": settings}
    rules = {"harassment": {"do": ["hide", "mute"], "budget_per_day": 20}}
    return Config.model_validate(
        {"store": {"path": folder / "chaperone.sqlite3"}, "rules": rules, "accounts": [account]}
    )


def run(folder: Path, since: float) -> None:
    """Work the comments of the folder off.

    `since` is when the first run on it began, in seconds since the epoch: their clock goes on from there, and goes
    faster than ours, so that no run waits long for what a crash left in doubt.
    """
    os.environ["CHAPERONE_KEY"] = KEY
    asyncio.run(_work(folder, since))


async def _work(folder: Path, since: float) -> None:
    clock = FastClock(NOON + timedelta(seconds=(time.time() - since) * SPEED), SPEED)
    async with running(config(folder), StubAssessor(CHOSEN), clock) as app:
        await app.run(once=True)
