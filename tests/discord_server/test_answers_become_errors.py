"""What an answer of Discord means to us, and none at all."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from bot.chat import Chats
from bot.chat_errors import translated
from bot.clock import StillClock
from bot.errors import Ambiguous, CredentialsRevoked, Later, PlatformError, QuotaSpent, Refused, Unanswered, Vanished
from bot.model import Verb
from bot.platforms.base import Observed, Order, Surroundings
from bot.platforms.discord_server import Adapter, Settings
from bot.sandbox.discord import too_many
from bot.sandbox.faults import CLOSE, RESET, RESET_AFTER, Fault
from bot.sandbox.resolver import connector
from tests.discord_server.practice import WORDS, Practice
from tests.support import NOON

Call = Callable[[Adapter, Order], Coroutine[Any, Any, None]]
CALLS: dict[str, tuple[Verb, Call, str]] = {
    "hide": (Verb.HIDE, lambda it, order: it.hide(order), "DELETE"),
    "reply": (Verb.REPLY, lambda it, order: it.reply(order), "POST"),
    "mute": (Verb.MUTE, lambda it, order: it.mute(order), "PATCH"),
    "ban": (Verb.BAN, lambda it, order: it.ban(order), "PUT"),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(("fault", "happened"), [(RESET_AFTER, True), (RESET, False), (CLOSE, False)])
async def test_a_call_that_broke_is_ambiguous_and_then_observed(
    practice: Practice, name: str, fault: Fault, happened: bool
) -> None:
    verb, call, method = CALLS[name]
    order = replace(await practice.order(), text=WORDS)
    practice.discord.fail(method, "/api/*", fault, times=2)  # aiohttp itself sends DELETE and PUT again, once
    with pytest.raises(Ambiguous):
        await call(practice.adapter, order)
    assert await practice.adapter.observe(verb, order) is (Observed.DONE if happened else Observed.NOT_DONE)


HTML = Fault(status=503, body="<h1>busy</h1>", headers={"Content-Type": "text/html"})
ANSWERS: list[tuple[Fault, type[PlatformError], type[PlatformError]]] = [
    (Fault(status=401, body={"code": 0, "message": "401: Unauthorized"}), CredentialsRevoked, CredentialsRevoked),
    (Fault(status=403, body={"code": 50013, "message": "Missing Permissions"}), Refused, Refused),
    (Fault(status=403, body={"code": 99999, "message": "new"}), Refused, Refused),
    (Fault(status=404, body={"code": 10003, "message": "Unknown Channel"}), Vanished, Vanished),
    (Fault(status=400, body={"code": 50035, "message": "Invalid Form Body"}), Refused, Refused),
    (too_many(90), Later, Later),
    (Fault(status=429, body="<h1>banned</h1>"), QuotaSpent, QuotaSpent),
    (HTML, Unanswered, Ambiguous),
]


@pytest.mark.parametrize(("fault", "hiding", "replying"), ANSWERS)
async def test_an_error_of_discord_is_told_as_ours(
    practice: Practice, fault: Fault, hiding: type[PlatformError], replying: type[PlatformError]
) -> None:
    order = replace(await practice.order(), text=WORDS)
    for method, call, expected in (
        ("DELETE", practice.adapter.hide, hiding),
        ("POST", practice.adapter.reply, replying),
    ):
        practice.discord.fail(method, "*/messages*", fault)
        with pytest.raises(PlatformError) as caught:
            await call(order)
        assert type(caught.value) is expected
        if isinstance(caught.value, Later):
            assert caught.value.at > practice.clock.now()
    assert practice.standing() == ["you charlatan"]


def test_what_never_reached_discord_is_tried_again_later() -> None:
    unreached = aiohttp.ClientConnectorError(None, OSError(111, "refused"))  # type: ignore[arg-type]
    assert type(translated(unreached, StillClock(NOON), creating=True)) is Later
    assert type(translated(aiohttp.ServerDisconnectedError(), StillClock(NOON), creating=False)) is Ambiguous


async def test_before_the_login_every_call_comes_back_later(practice: Practice) -> None:
    async with Chats(practice.clock, lambda: connector(practice.discord)) as chats:
        around = Surroundings("practice", practice.clock, practice.folder, chats=chats)
        async with Adapter.connect(Settings(server=1), around) as adapter:
            for verb in Verb:
                with pytest.raises(Later):
                    await getattr(adapter, verb.value)(practice.about("1", text=WORDS))
