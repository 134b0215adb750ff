"""Where people are reached: the real library, a real receiver, and what `check` says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.commands.setup import _account, _call, _reached
from bot.config import Account, Config, OnCall
from bot.errors import ConfigError
from bot.notify import Told, address, holds_secret, service, through_apprise
from tests.crisis.lane import ASHA


@asynccontextmanager
async def webhook(status: int = 200) -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """A receiver on loopback, as an address of apprise."""
    got: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        got.append(await request.json())
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/{rest:.*}", take)
    async with TestServer(app) as server:
        yield f"json://127.0.0.1:{server.port}/", got


@pytest.mark.parametrize(("status", "arrived"), [(200, True), (500, False)])
async def test_the_real_library_delivers_to_a_real_receiver(status: int, arrived: bool) -> None:
    async with webhook(status) as (where, got):
        assert await asyncio.to_thread(through_apprise, where, Told("title", "body")) is arrived
    assert [(each["title"], each["message"]) for each in got] == [("title", "body")]


def test_nobody_at_the_address_is_no_error() -> None:
    assert through_apprise("json://127.0.0.1:9/", Told("title", "body")) is False
    assert through_apprise("json://$CHAPERONE_NOT_SET/", Told("title", "body")) is False


def test_addresses_take_their_secrets_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAPERONE_MAIL_PASSWORD", "hunter2")
    written = "mailto://alerts:$CHAPERONE_MAIL_PASSWORD@mail.example.org?to=you@example.org"
    assert ":hunter2@" in address(written)
    assert service(written) == "E-Mail"
    assert not holds_secret(written)
    assert holds_secret("mailto://alerts:hunter2@mail.example.org")
    with pytest.raises(ConfigError, match="Set CHAPERONE_OTHER in the environment"):
        service("json://$CHAPERONE_OTHER/")
    with pytest.raises(ConfigError) as told:
        service("nonsense://hunter2")
    assert "hunter2" not in str(told.value)


async def test_check_call_tries_every_address() -> None:
    async with webhook() as (good, got), webhook(500) as (bad, _):
        people = [{"name": ASHA, "notify": [good, bad]}]
        config = Config.model_validate({"accounts": [{"name": "a", "platform": "replay", "on_call": people}]})
        found = await asyncio.to_thread(lambda: list(_call(config)))
    assert [finding for finding, _, _ in found] == ["ok", "FAIL"]
    assert "Nothing has happened" in got[0]["message"]


def test_check_reads_the_addresses_and_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAPERONE_MAIL_PASSWORD", "hunter2")
    good = "mailto://alerts:$CHAPERONE_MAIL_PASSWORD@mail.example.org"
    asha = OnCall(name=ASHA, notify=(good, "nonsense://hunter2", "json://$CHAPERONE_NOT_SET/", "json://a:hunter2@b/"))
    found = list(_reached(Account(name="a", platform="replay"), asha))
    assert [finding for finding, _, _ in found] == ["ok", "FAIL", "FAIL", "ok", "warn"]
    assert "hunter2" not in str(found)
    assert "written like mailto://" in found[1][2]
    (unreachable,) = _reached(Account(name="a", platform="replay"), OnCall(name=ASHA))
    assert unreachable[2].startswith(ASHA)


@pytest.mark.parametrize("contact", ["@asha", "07700900123"])
def test_check_fails_a_live_crisis_that_calls_nobody_because_no_contact_is_a_discord_id(contact: str) -> None:
    assert _amiss(contact) == ["warn", "FAIL"]
    assert _amiss("100000000000000000") == []


def _amiss(contact: str) -> list[str]:
    """What `check` finds amiss with a live account, a desk on Discord, and one person on call."""
    account = {"name": "a", "platform": "replay", "mode": "live", "on_call": [{"name": ASHA, "contact": contact}]}
    config = Config.model_validate({"desk": {"discord": {"channel": 1}}, "accounts": [account]})
    return [finding for finding, _, told in _account(config, config.accounts[0]) if "contact" in told]
