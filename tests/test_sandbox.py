"""The emulators' base, the resolver and the guard, tried with the clients that will use them."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import discord
import pytest
import requests
import tweepy
from aiohttp import web
from tweepy.asynchronous import AsyncClient, AsyncStreamingClient

from bot.clock import StillClock
from bot.sandbox.base import Emulator
from bot.sandbox.faults import (
    CLOSE,
    FORBIDDEN,
    HALF,
    HANG,
    HTML_503,
    NOTHING,
    RESET,
    RESET_AFTER,
    TOO_MANY,
    UNAUTHORISED,
    Fault,
    answer,
)
from bot.sandbox.guard import NotLoopbackError
from bot.sandbox.resolver import connector

pytest_plugins = ["pytester"]

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
DISCORD_USER = {"id": "7", "username": "chaperone", "discriminator": "0", "avatar": None, "bot": True}


class Platform(Emulator):
    """As much of X and Discord as two clients need, and a shelf to see effects on."""

    hosts = ("api.twitter.com", "discord.com", "gateway.discord.gg")

    def __init__(self) -> None:
        super().__init__(StillClock(NOON))
        self.shelf: list[object] = []

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/2/users/me", self.x_me),
            web.get("/2/tweets/search/stream", self.lines),
            web.get("/api/v10/users/@me", self.discord_me),
            web.get("/api/v10/oauth2/applications/@me", self.discord_application),
            web.post("/shelf", self.put),
            web.get("/live", self.live),
            web.get("/", self.echo),
        ]

    async def x_me(self, _: web.Request) -> web.Response:
        return answer({"data": {"id": "42", "name": "Clinic", "username": "clinic"}})

    async def discord_me(self, _: web.Request) -> web.Response:
        return answer(DISCORD_USER)

    async def discord_application(self, _: web.Request) -> web.Response:
        text = dict.fromkeys(("name", "description", "icon", "verify_key"), "")
        flags = dict.fromkeys(("bot_public", "bot_require_code_grant"), False)
        return answer({"id": "7", "owner": DISCORD_USER} | text | flags)

    async def put(self, request: web.Request) -> web.Response:
        self.shelf.append(await request.json())
        return answer({"on the shelf": len(self.shelf)}, status=201)

    async def lines(self, request: web.Request) -> web.StreamResponse:
        async with self.stream(request) as stream:
            for id_ in ("0", "1", "2"):
                tweet = {"id": id_, "text": "…", "edit_history_tweet_ids": [id_]}
                await stream.send(json.dumps({"data": tweet}) + "\r\n")
        return stream.response

    async def live(self, request: web.Request) -> web.StreamResponse:
        async with self.stream(request) as stream:
            await stream.ended.wait()
        return stream.response

    async def echo(self, request: web.Request) -> web.StreamResponse:
        async with self.stream(request) as stream:
            async for message in stream.received():
                await stream.send(message)
        return stream.response


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    async with Platform() as platform:
        yield platform


@pytest.fixture
async def session(platform: Platform) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(platform.url) as session:
        yield session


async def test_every_call_is_journalled_in_order(platform: Platform, session: aiohttp.ClientSession) -> None:
    await session.post("/shelf", params={"a": "1"}, json={"b": 2})
    await session.get("/nowhere")
    first, second = platform.journal.calls()
    assert (first.when, first.method, first.path) == (NOON, "POST", "/shelf")
    assert (first.query, first.body, first.status) == ({"a": "1"}, {"b": 2}, 201)
    assert (second.body, second.status) == (None, 404)
    assert platform.journal.calls("GET", "/no*") == [second]
    assert json.loads(platform.journal.jsonl("POST"))["when"] == NOON.isoformat()


async def test_a_call_can_be_waited_for(platform: Platform, session: aiohttp.ClientSession) -> None:
    waiting = asyncio.create_task(platform.journal.arrival("POST", "/shelf", count=2))
    for body in ("first", "second"):
        await session.post("/shelf", json=body)
    assert (await waiting).body == "second"


@pytest.mark.parametrize("fault", [HTML_503, UNAUTHORISED, FORBIDDEN, TOO_MANY])
async def test_an_answer_comes_instead_of_the_effect(
    platform: Platform, session: aiohttp.ClientSession, fault: Fault
) -> None:
    platform.fail("POST", "/sh*", fault, times=2)
    answers = [await session.post("/shelf", json=n) for n in range(3)]
    assert [answer.status for answer in answers] == [fault.status, fault.status, 201]
    assert platform.shelf == [2]
    assert [call.fault for call in platform.journal.calls()] == ["answer", "answer", None]


async def test_an_answer_carries_its_own_headers(platform: Platform, session: aiohttp.ClientSession) -> None:
    platform.fail("*", "*", Fault(status=429, body={"code": 88}, headers={"x-rate-limit-reset": "1793534460"}))
    response = await session.post("/shelf")
    assert response.headers["x-rate-limit-reset"] == "1793534460"
    assert response.headers["Content-Type"] == "application/json"
    assert await response.json() == {"code": 88}


@pytest.mark.parametrize(
    ("fault", "error", "effects"),
    [
        (RESET, aiohttp.ClientOSError, 0),
        (RESET_AFTER, aiohttp.ClientOSError, 1),
        (CLOSE, aiohttp.ServerDisconnectedError, 0),
        (HALF, aiohttp.ClientPayloadError, 1),
    ],
)
async def test_a_broken_call_has_its_effect_or_not(
    platform: Platform,
    session: aiohttp.ClientSession,
    fault: Fault,
    error: type[Exception],
    effects: int,
) -> None:
    platform.fail("POST", "/shelf", fault)
    with pytest.raises(error):
        async with session.post("/shelf", json=1) as response:
            await response.read()
    assert len(platform.shelf) == effects
    assert platform.journal.calls()[0].status is None


async def test_a_call_can_hang(platform: Platform, session: aiohttp.ClientSession) -> None:
    platform.fail("POST", "/shelf", HANG)
    hanging = asyncio.ensure_future(session.post("/shelf", json="first"))
    await platform.journal.arrival("POST", "/shelf")
    await session.post("/shelf", json="second")
    assert not hanging.done()
    assert platform.shelf == ["second"]
    hanging.cancel()


async def test_orders_are_met_in_the_order_they_were_given(platform: Platform, session: aiohttp.ClientSession) -> None:
    platform.fail("POST", "*", NOTHING)
    platform.fail("POST", "*", FORBIDDEN)
    assert [(await session.post("/shelf", json=n)).status for n in range(3)] == [201, 403, 201]


@pytest.mark.parametrize(
    ("fault", "seen", "error"),
    [
        (NOTHING, ["0", "1", "2"], None),
        (HANG, ["0", "2"], None),
        (Fault(body='{"da\r\n'), ["0", None, "2"], None),
        (RESET, ["0"], aiohttp.ClientPayloadError),
        (RESET_AFTER, ["0", "1"], aiohttp.ClientPayloadError),
        (HALF, ["0"], aiohttp.ClientPayloadError),
        (CLOSE, ["0"], None),
    ],
)
async def test_a_stream_breaks_in_the_middle(
    platform: Platform,
    session: aiohttp.ClientSession,
    fault: Fault,
    seen: list[str | None],
    error: type[Exception] | None,
) -> None:
    platform.fail("SEND", "/2/*", NOTHING)
    platform.fail("SEND", "/2/*", fault)
    lines, ending = await read_lines(session)
    assert [number(line) for line in lines] == seen
    assert ending is error
    pieces_sent = 2 if fault in (RESET, RESET_AFTER, HALF, CLOSE) else 3
    assert len(platform.journal.calls("SEND")) == pieces_sent


async def read_lines(session: aiohttp.ClientSession) -> tuple[list[bytes], type[Exception] | None]:
    """What came through the stream, and the error that ended it."""
    lines = []
    try:
        async with session.get("/2/tweets/search/stream") as response:
            async for line in response.content:
                lines.append(line)
    except aiohttp.ClientError as error:
        return lines, type(error)
    return lines, None


def number(line: bytes) -> str | None:
    try:
        return str(json.loads(line)["data"]["id"])
    except ValueError:
        return None


async def test_pieces_are_pushed_to_open_streams(platform: Platform, session: aiohttp.ClientSession) -> None:
    async with session.get("/live") as response:
        (stream,) = platform.streams
        await stream.send("news\n")
        assert await response.content.readline() == b"news\n"
        await stream.close()
        assert await response.content.readline() == b""
        await stream.send("dropped")
    assert [call.body for call in platform.journal.calls("SEND", "/live")] == ["news\n"]


async def test_a_client_that_leaves_ends_its_stream(platform: Platform, session: aiohttp.ClientSession) -> None:
    async with session.get("/live"):
        (stream,) = platform.streams
    while platform.streams:
        await asyncio.sleep(0)
    await stream.send("dropped")


async def test_a_websocket_meets_faults_both_ways(platform: Platform, session: aiohttp.ClientSession) -> None:
    platform.fail("RECEIVE", "/", HANG)
    platform.fail("SEND", "/", HALF)
    async with session.ws_connect("/") as client:
        await client.send_str("lost")
        await client.send_str("halfway")
        assert (await client.receive()).data == "hal"
        assert (await client.receive()).type is aiohttp.WSMsgType.CLOSED
    assert [call.body for call in platform.journal.calls("RECEIVE")] == ["lost", "halfway"]


async def test_a_websocket_says_something_else(platform: Platform, session: aiohttp.ClientSession) -> None:
    platform.fail("SEND", "/", Fault(body={"op": 9}))
    async with session.ws_connect("/") as client:
        await client.send_str("identify")
        assert await client.receive_json() == {"op": 9}


async def test_a_websocket_is_closed_with_a_code(platform: Platform, session: aiohttp.ClientSession) -> None:
    platform.fail("RECEIVE", "/", Fault(CLOSE.kind, status=4004))
    async with session.ws_connect("/") as client:
        await client.send_str("identify")
        assert (await client.receive()).data == 4004


async def test_another_process_orders_faults_and_reads_the_journal(
    platform: Platform, session: aiohttp.ClientSession
) -> None:
    order = {"path": "/shelf", "fault": {"kind": "answer", "status": 503}}
    assert (await session.post("/__sandbox__/faults", json=order)).status == 200
    assert (await session.post("/shelf")).status == 503
    await session.get("/nowhere")
    text = await (await session.get("/__sandbox__/journal", params={"path": "/shelf"})).text()
    assert [json.loads(line)["status"] for line in text.splitlines()] == [503]
    await session.post("/__sandbox__/faults", json=order)
    await session.delete("/__sandbox__/faults")
    assert await (await session.get("/__sandbox__/faults")).json() == []
    assert not platform.journal.calls(path="/__sandbox__/*")


@pytest.mark.parametrize("order", [{"fault": {"kind": "rest"}}, {"fault": {}, "time": 2}, {"fault": {}, "times": 0}])
async def test_an_order_with_a_mistake_is_refused(session: aiohttp.ClientSession, order: object) -> None:
    assert (await session.post("/__sandbox__/faults", json=order)).status == 400


async def test_the_platform_lives_ahead_when_told_to(platform: Platform, session: aiohttp.ClientSession) -> None:
    told = await session.post("/__sandbox__/clock", json={"advance": 900})
    assert await told.json() == {"now": (NOON + timedelta(minutes=15)).isoformat()}
    assert platform.clock.now() == NOON + timedelta(minutes=15)


async def test_tweepy_runs_unmodified(platform: Platform) -> None:
    client = AsyncClient("bearer", "key", "secret", "token", "secret")
    client.session = aiohttp.ClientSession(connector=connector(platform))
    async with client.session:
        assert (await client.get_me()).data.username == "clinic"


async def test_the_stream_of_tweepy_runs_unmodified(platform: Platform) -> None:
    seen: list[int] = []

    async def see(tweet: tweepy.Tweet) -> None:
        seen.append(tweet.id)

    async def leave(_: object) -> None:
        stream.disconnect()

    platform.fail("SEND", "/2/*", NOTHING, times=2)
    platform.fail("SEND", "/2/*", CLOSE)
    stream = AsyncStreamingClient("bearer")
    stream.on_tweet, stream.on_closed = see, leave
    stream.session = aiohttp.ClientSession(connector=connector(platform))
    await stream.filter()
    assert seen == [0, 1]


async def test_discord_runs_unmodified(platform: Platform) -> None:
    async with discord.Client(intents=discord.Intents.none(), connector=connector(platform)) as client:
        await client.login("token")
        assert client.user is not None
        assert client.user.id == 7


@pytest.mark.parametrize("url", ["https://api.x.com/2/users/me", "https://93.184.215.14/", "http://[2606:2800::1]/"])
async def test_the_resolver_refuses_every_other_host(platform: Platform, hosts_tried: list[str], url: str) -> None:
    async with aiohttp.ClientSession(connector=connector(platform)) as session:
        with pytest.raises(NotLoopbackError, match="was refused"):
            await session.get(url)
    assert not hosts_tried  # it never came so far


async def test_only_the_emulators_own_certificate_is_trusted(platform: Platform) -> None:
    async with Platform() as other:
        session = aiohttp.ClientSession(connector=connector(platform))
        async with session:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.get(f"https://127.0.0.1:{other.tls_port}/2/users/me")


async def aiohttp_by_name() -> None:
    async with aiohttp.ClientSession() as session:
        await session.get("http://example.org/")


async def aiohttp_by_number() -> None:
    async with aiohttp.ClientSession() as session:
        await session.get("http://192.0.2.1/")


async def asyncio_streams() -> None:
    await asyncio.open_connection("192.0.2.1", 80)


async def requests_in_a_thread() -> None:
    await asyncio.to_thread(requests.get, "http://192.0.2.1/", timeout=1)


async def raw_socket() -> None:
    with socket.socket(socket.AF_INET6) as raw:
        raw.connect_ex(("2001:db8::1", 80))


async def datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as raw:
        raw.sendto(b"", ("192.0.2.1", 53))


async def look_up() -> None:
    socket.gethostbyname("example.org")


async def look_up_bytes() -> None:
    socket.getaddrinfo(b"example.org", 80)


@pytest.mark.parametrize(
    "leave",
    [
        aiohttp_by_name,
        aiohttp_by_number,
        asyncio_streams,
        requests_in_a_thread,
        raw_socket,
        datagram,
        look_up,
        look_up_bytes,
    ],
)
async def test_nothing_leaves_the_machine(leave: Callable[[], Awaitable[None]], hosts_tried: list[str]) -> None:
    with pytest.raises(NotLoopbackError, match="only this machine"):
        await leave()
    assert hosts_tried.pop() in ("example.org", "192.0.2.1", "2001:db8::1")
    assert not hosts_tried


def test_sockets_within_the_machine_are_let_through() -> None:
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other, socket.create_server(("", 0)) as server:
        for host in ("localhost", "127.0.0.1", "0.0.0.0"):
            socket.create_connection((host, server.getsockname()[1])).close()


def test_an_attempt_that_was_swallowed_fails_its_test(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(Path(__file__).with_name("conftest.py").read_text())
    pytester.makepyfile(
        """
        import contextlib, socket

        def test_swallows():
            with contextlib.suppress(Exception):
                socket.gethostbyname("example.org")
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*tried to reach example.org: only this machine*"])
