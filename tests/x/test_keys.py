"""Keys that are missing, wrong or refused: what is said, what stops, and what is not tried."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.app import running
from bot.clock import StillClock, SystemClock
from bot.config import Config
from bot.errors import ConfigError, CredentialsRevoked, Later, PlatformError, Refused
from bot.model import Ability, ActionState, Reason, Target, Verb
from bot.platforms import base
from bot.platforms.x import Adapter, Settings
from bot.sandbox import faults
from bot.sandbox.resolver import connector
from bot.sandbox.x import X
from bot.store.tables import account, action, case
from bot.x.errors import NO_MESSAGES, READ_ONLY
from classifiers.labels import Label
from tests.support import NOON, StubAssessor
from tests.x.practice import PATIENCE, Connect, hand_over_keys, streaming


def test_missing_keys_are_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "API_SECRET", "ACCESS_TOKEN", "ACCESS_SECRET"):
        monkeypatch.setenv(f"CHAPERONE_X_ST_MARYS_{name}", "12-secret")
    around = base.Surroundings("st-marys", StillClock(NOON), tmp_path)

    async def enter() -> None:
        async with Adapter.connect(Settings(handle="clinic"), around):
            pass

    with pytest.raises(ConfigError, match="CHAPERONE_X_ST_MARYS_BEARER_TOKEN"):
        asyncio.run(enter())
    monkeypatch.setenv("CHAPERONE_X_ST_MARYS_ACCESS_TOKEN", "no number")
    with pytest.raises(ConfigError, match="CHAPERONE_X_ST_MARYS_ACCESS_TOKEN") as told:
        asyncio.run(enter())
    assert "no number" not in str(told.value)


def spoilt(**keys: Any) -> Callable[[X], None]:
    def spoil(x: X) -> None:
        for name, value in keys.items():
            setattr(x.keys, name, value)

    return spoil


CHECKED = [
    (spoilt(level="read"), Refused, READ_ONLY),
    (spoilt(api_secret="another"), CredentialsRevoked, "typed wrong, revoked or replaced"),
    (spoilt(revoked=True), CredentialsRevoked, "make new ones, put them into the environment and start again"),
    (spoilt(bearer="another"), CredentialsRevoked, "bearer token"),
    (spoilt(suspended=True), CredentialsRevoked, "log in at x.com and appeal"),
    (spoilt(ahead=720.0), Later, "12 minutes slow"),
    (spoilt(ahead=-720.0), Later, "12 minutes fast"),
]


@pytest.mark.parametrize(("spoil", "kind", "told"), CHECKED)
async def test_a_check_says_what_is_wrong_and_what_to_do(
    connect: Connect, x: X, spoil: Callable[[X], None], kind: type[PlatformError], told: str
) -> None:
    spoil(x)
    async with connect(stream=True) as practice:
        with pytest.raises(kind, match=re.escape(told)):
            await practice.adapter.check()


async def test_a_check_without_a_network_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with X() as x:
        hand_over_keys(x, monkeypatch)
    around = base.Surroundings("practice", SystemClock(), tmp_path, connector=lambda: connector(x))
    async with Adapter.connect(Settings(handle="clinic"), around) as adapter:
        with pytest.raises(Later, match="on the internet"):
            await adapter.check()


async def test_no_message_is_tried_with_keys_that_may_send_none(connect: Connect, x: X) -> None:
    x.keys.level = "read-write"
    async with connect() as practice:
        target = Target("1", "2001", practice.post)
        with pytest.raises(Refused, match="may not do this"):
            await practice.adapter.message(practice.order("k", "1", "Our words"))
        assert any(NO_MESSAGES in line for line in await practice.adapter.check())
        assert practice.adapter.capability(Verb.MESSAGE, target, NOON).note == NO_MESSAGES
        assert practice.adapter.capability(Verb.HIDE, target, NOON).ability is Ability.NATIVE


async def test_one_401_is_asked_about_again_and_only_then_believed(connect: Connect, x: X) -> None:
    async with connect() as practice:
        id_ = await x.say("awful", reply_to=practice.post)
        x.fail("PUT", "*", faults.UNAUTHORISED)
        with pytest.raises(Later):
            await practice.adapter.hide(practice.order("k", id_))
        x.keys.revoked = True
        with pytest.raises(CredentialsRevoked):
            await practice.adapter.hide(practice.order("k", id_))
        with pytest.raises(CredentialsRevoked):
            await practice.events(lambda found: False)


async def test_the_stream_of_refused_keys_ends(connect: Connect, x: X) -> None:
    async with connect(stream=True) as practice:
        reading = asyncio.create_task(practice.events(lambda found: False))
        await streaming(x)
        x.keys.revoked = True
        with pytest.raises(CredentialsRevoked):
            await reading
        async with asyncio.timeout(PATIENCE):
            while x.streams:
                await asyncio.sleep(0.01)


async def test_refused_keys_stop_their_account_alone_keep_its_queue_and_are_told(
    x: X, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_over_keys(x, monkeypatch)
    comments = tmp_path / "comments.jsonl"
    comments.write_text("")
    config = Config.model_validate(
        {
            "store": {"path": tmp_path / "db.sqlite3", "key_file": tmp_path / "db.key"},
            "accounts": [
                {"name": "practice", "platform": "x", "mode": "live", "settings": {"handle": "clinic"}},
                {"name": "other", "platform": "replay", "mode": "live", "settings": {
                    "path": comments, "outcomes": tmp_path / "outcomes.jsonl"}},
            ],
        }
    )  # fmt: skip
    post = x.publish("Our opening hours")
    assessor = StubAssessor({"awful": {Label.HARASSMENT: 0.99}})
    async with running(config, assessor, connector=lambda: connector(x)) as app, asyncio.TaskGroup() as group:
        group.create_task(app.run())
        await streaming(x)
        for method, path in (("PUT", "*"), ("GET", "/2/users/me")):  # and no poll, so that the comment surely arrives
            x.fail(method, path, faults.UNAUTHORISED, times=9)
        await x.say("awful", reply_to=post)
        while not (
            stopped := app.db.read_now(lambda tx: tx.execute(select(account).where(account.c.stopped_why != "")).all())
        ):
            await asyncio.sleep(0.05)
        comments.write_text('{"id": "1", "text": "awful", "author": "u"}\n')
        while not (tmp_path / "outcomes.jsonl").exists():
            await asyncio.sleep(0.05)
        app.stop()
        waits = app.db.read_now(lambda tx: tx.execute(select(action).where(action.c.account == "practice")).one())
        told = app.db.read_now(lambda tx: tx.execute(select(case).where(case.c.reason == Reason.STOPPED)).one())
    assert [row.name for row in stopped] == ["practice"]
    assert (waits.verb, waits.state) == (Verb.HIDE, ActionState.PENDING)
    assert (told.account, told.state) == ("practice", "open")
    assert "make new ones" in told.why
