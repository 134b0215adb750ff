"""X, measured against its emulator with the unmodified tweepy: `python -m benchmarks.x storm` (or another):

storm    2,000 replies, half of them to be acted on, with a fault drawn at random on every tenth call
faults   each fault alone, and what the daemon did about it
raid     1,000 abusive replies in a minute at 50 hides in 15 minutes: their order, and the time to drain
check    what `chaperone check` says with good, wrong, read-only, revoked and suspended keys, and without a network
latency  from a line of the stream to the call that hides, at 5 comments a second

Hours pass in seconds, for the clock leaps to the next thing that is due whenever nothing is under way.
"""

import argparse
import asyncio
import logging
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, func, select

from bot.app import App, running
from bot.clock import Clock, SystemClock
from bot.commands.setup import platform_checks
from bot.config import Config
from bot.sandbox import faults
from bot.sandbox.faults import Fault, Faults
from bot.sandbox.journal import Call
from bot.sandbox.resolver import connector
from bot.sandbox.x import HALF_LINE, MISSING_TAG, USAGE_CAPPED, X
from bot.store.tables import account, action, audit, case, case_comment, comment, job
from classifiers.labels import Assessment, Label
from classifiers.pipeline import Text

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
PATIENCE = 500.0  # real seconds until a measurement is given up
LABELS = {
    "abuse": Label.HARASSMENT, "seller": Label.SOLICITATION, "rumour": Label.MISINFORMATION,
    "ask": Label.DIAGNOSIS_REQUEST,
}  # fmt: skip
RULES: dict[str, dict[str, Any]] = {
    "harassment": {"do": ["hide"], "severity": "high"},
    "solicitation": {"do": ["hide"], "severity": "normal"},
    "misinformation": {"do": ["hide"], "severity": "low"},
    "diagnosis_request": {"do": ["warn"]},
}
out = Console(width=150, highlight=False)


class Stub:
    """Finds what the first word says."""

    model = "stub-1"

    def assess(self, texts: Sequence[Text]) -> list[Assessment]:
        return [Assessment(self.model, dict.fromkeys(Label, 0.01) | _found(it.text)) for it in texts]

    def line(self, label: Label, when_right: float) -> float:
        return 0.95 if when_right > 0.9 else 0.5

    def tells(self, reply: str) -> float | None:
        return None


def _found(text: str) -> dict[Label, float]:
    words = [word for word in text.split() if not word.startswith("@")]
    label = LABELS.get(words[0]) if words else None
    return {label: 0.99} if label else {}


class LeapClock:
    """Runs `speed` times as fast as the wall's, and can leap; who sleeps is woken by a leap past their time."""

    def __init__(self, speed: float = 2.0) -> None:
        self._start, self._zero, self.speed = START, time.monotonic(), speed
        self._moved = asyncio.Event()
        self.sleepers: list[datetime] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=(time.monotonic() - self._zero) * self.speed)

    async def sleep(self, seconds: float) -> None:
        until = self.now() + timedelta(seconds=seconds)
        self.sleepers.append(until)
        try:
            while (left := (until - self.now()).total_seconds()) > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._moved.wait(), left / self.speed)
        finally:
            self.sleepers.remove(until)

    def leap(self, to: datetime) -> None:
        self._start += max(timedelta(), to - self.now())
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


class Drawn(Faults):
    """Every tenth call, and every tenth line, meets a fault that is drawn."""

    def __init__(self, clock: Clock, seed: int) -> None:
        super().__init__()
        self._clock, self._draw = clock, random.Random(seed)
        self._seen: Counter[str] = Counter()
        self.met: Counter[str] = Counter()
        self.on = False

    def meet(self, call: Call) -> Fault:
        kind = "line" if call.method == "SEND" else "call"
        self._seen[kind] += 1
        if not self.on or self._seen[kind] % 10:
            return faults.NOTHING
        name, fault = self._draw.choice(LINES if kind == "line" else self._calls(call))
        call.fault = fault.kind
        self.met[f"{kind}: {name}"] += 1
        return fault

    def _calls(self, call: Call) -> list[tuple[str, Fault]]:
        reset = str(int(self._clock.now().timestamp()) + 60)
        busy = Fault(status=429, body={"title": "Too Many Requests"}, headers={"x-rate-limit-reset": reset})
        found = [*CALLS, ("429 with a reset", busy)]
        if call.method == "GET":
            found.append(("403", faults.FORBIDDEN))  # of a wish it would be a refusal, which is a person's
        else:
            found.append(("429 usage cap", USAGE_CAPPED))
        return found


CALLS = [
    ("401", faults.UNAUTHORISED), ("429 without a reset", faults.TOO_MANY), ("HTML 503", faults.HTML_503),
    ("hang", faults.HANG), ("drop before the effect", faults.RESET), ("drop after the effect", faults.RESET_AFTER),
    ("half an answer", faults.HALF), ("close", faults.CLOSE),
]  # fmt: skip
LINES = [
    ("half a line", HALF_LINE), ("rule without a tag", MISSING_TAG), ("clean close", faults.CLOSE),
    ("lost", faults.HANG), ("drop before the line", faults.RESET), ("drop after the line", faults.RESET_AFTER),
    ("ended within the line", faults.HALF),
]  # fmt: skip


class Rough(X):
    def __init__(self, clock: Clock, seed: int) -> None:
        super().__init__(clock, keep_alive=1.0)
        self._faults = self.drawn = Drawn(clock, seed)


def config(folder: Path, **settings: Any) -> Config:
    rules = {name: {**rule, "budget_per_day": 10**6} for name, rule in RULES.items()}
    generous: dict[str, Any] = {
        "reads_per_day": 10**6,
        "posts_per_day": 10**6,
        "dollars_per_day": 1e6,
        "look_back_hours": 168,
    }
    one = {
        "name": "bench", "platform": "x", "mode": "live", "country": "GB",
        "settings": {"handle": "clinic", "call_seconds": 10.0, "silence_seconds": 3.0} | generous | settings,
    }  # fmt: skip
    store = {"path": folder / "bench.sqlite3", "key_file": folder / "bench.key"}
    return Config.model_validate({"store": store, "rules": rules, "accounts": [one]})


@asynccontextmanager
async def daemon(x: X, clock: Clock, **settings: Any) -> AsyncIterator[App]:
    """The app at work on the emulated account."""
    os.environ.update(x.keys.environment("bench"))
    with tempfile.TemporaryDirectory() as folder:
        chosen = config(Path(folder), **settings)
        async with running(chosen, Stub(), clock, connector=lambda: connector(x)) as app, asyncio.TaskGroup() as group:
            group.create_task(app.run())
            leaping = group.create_task(_leap(app, clock)) if isinstance(clock, LeapClock) else None
            await until(lambda: bool(x.streams))
            yield app
            if leaping:
                leaping.cancel()
            app.stop()


async def _leap(app: App, clock: LeapClock) -> None:
    next_job = select(func.min(func.coalesce(job.c.run_at, START)))
    while True:
        await asyncio.sleep(0.03)
        app.engine.wake()
        if await app.engine.idle():
            due = await app.db.read(lambda tx: tx.execute(next_job).scalar())
            times = [*clock.sleepers, *([due] if due else [])]
            if times and (soonest := min(times)) > clock.now():
                clock.leap(soonest)


async def until(true: Callable[[], bool], patience: float = PATIENCE) -> bool:
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.02)
    return True


async def settled(app: App, comments: int) -> bool:
    """Whether so many comments came, and nothing is to be done any more."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        seen, waiting, unread = await app.db.read(_state)
        if seen >= comments and not waiting and not unread:
            return True
        await asyncio.sleep(0.1)
    return False


def _state(tx: Connection) -> tuple[int, int, int]:
    seen = tx.execute(select(func.count(func.distinct(comment.c.external_id)))).scalar_one()
    waiting = tx.execute(select(func.count()).where(action.c.state.in_(["pending", "sending"]))).scalar_one()
    unread = tx.execute(select(func.count()).where(comment.c.state == "received")).scalar_one()
    return seen, waiting, unread


async def storm(count: int) -> int:
    clock = LeapClock()
    draw = random.Random(1)
    async with Rough(clock, seed=7) as x:
        posts = [x.publish(f"Post {number} of the practice") for number in range(4)]
        began = time.monotonic()
        async with daemon(x, clock, poll_seconds=60, search_seconds=0, own_seconds=600, call_seconds=3) as app:
            x.drawn.on = True
            said: dict[str, tuple[str, str]] = {}
            for number in range(count):
                word = ["abuse", "seller", "abuse", "ask", "fine", "fine", "fine", "fine", "abuse", "fine"][number % 10]
                name = "@clinic " if word == "ask" and number % 20 < 10 else ""
                author = str(10_000 + number)
                id_ = await x.say(f"{name}{word} {number}", author=author, reply_to=draw.choice(posts))
                said[id_] = (word, author)
                if number % 5 == 4:
                    await clock.sleep(60)
            done = await settled(app, len(said) + len(posts))
            x.drawn.on = False
            return _storm_told(x, app, said, done, time.monotonic() - began, clock)


def _storm_told(
    x: Rough, app: App, said: dict[str, tuple[str, str]], done: bool, seconds: float, clock: LeapClock
) -> int:
    stored = set(app.db.read_now(lambda tx: tx.execute(select(comment.c.external_id)).scalars().all()))
    states = app.db.read_now(
        lambda tx: tx.execute(select(action.c.verb, action.c.state, func.count()).group_by("verb", "state")).all()
    )
    wanted = {id_ for id_, (word, _) in said.items() if word in ("abuse", "seller")}
    asked = {id_ for id_, (word, _) in said.items() if word == "ask"}
    replies = Counter(it.answers.id for it in x.tweets.values() if it.author_id == x.me and it.answers)
    messages = Counter(to for to, _ in x.messages)
    answered = set(replies) | {id_ for id_, (_, author) in said.items() if author in messages}
    rows = {
        "replies streamed / stored / lost": f"{len(said)} / {len(stored & set(said))} / {len(set(said) - stored)}",
        "hides wanted / hidden / missing / not wanted": f"{len(wanted)} / {len(wanted & x.hidden)} / "
        f"{len(wanted - x.hidden)} / {len(x.hidden - wanted)}",
        "to be answered / replies + messages / missing": f"{len(asked)} / {sum(replies.values())} + "
        f"{sum(messages.values())} / {len(asked - answered)}",
        "replies twice / messages twice": f"{sum(n - 1 for n in replies.values())} / "
        f"{sum(n - 1 for n in messages.values())}",
        "calls / lines": f"{sum(c.method != 'SEND' for c in x.journal.calls())} / {len(x.journal.calls('SEND'))}",
        "faults met": str(sum(x.drawn.met.values())),
        "actions": ", ".join(f"{verb} {state} {n}" for verb, state, n in states),
        "worked off": f"{done}; {seconds:.0f} s here, {(clock.now() - START).total_seconds() / 3600:.1f} h there",
    }
    _print("2,000 replies with a fault on every tenth call", rows)
    _print("faults met", {name: str(count) for name, count in sorted(x.drawn.met.items())})
    twice = sum(n - 1 for n in [*replies.values(), *messages.values()])
    return int(bool(set(said) - stored or wanted - x.hidden or twice))


def _print(title: str, rows: dict[str, str]) -> None:
    table = Table(title=title, show_header=False, title_justify="left")
    for name, value in rows.items():
        table.add_row(name, value)
    out.print(table)


HIDE, REPLY, DM = ("PUT", "/2/tweets/*/hidden"), ("POST", "/2/tweets"), ("POST", "/2/dm_conversations/*")
STREAM, LINE, MENTIONS = ("GET", "/2/tweets/search/stream"), ("SEND", "*"), ("GET", "/2/users/*/mentions")
TWICE = Fault(status=403, body={"detail": "You are not allowed to create a Tweet with duplicate content."})
NOT_FOUND = Fault(status=404, body={"type": "https://api.twitter.com/2/problems/resource-not-found"})
ALONE: list[tuple[str, str, tuple[str, str], Fault, int]] = [
    # what, the comment's word, the call that meets it, the fault, how often
    *[(f"hide: {name}", "abuse", HIDE, fault, 1) for name, fault in CALLS],
    ("hide: 429 usage cap", "abuse", HIDE, USAGE_CAPPED, 1),
    ("hide: 403", "abuse", HIDE, faults.FORBIDDEN, 1),
    ("hide: 404", "abuse", HIDE, NOT_FOUND, 1),
    *[(f"reply: {name}", "@clinic ask", REPLY, fault, 1) for name, fault in CALLS],
    ("reply: 403 duplicate", "@clinic ask", REPLY, TWICE, 1),
    *[(f"message: {name}", "ask", DM, fault, 1) for name, fault in CALLS[2:6]],
    ("message: 403 (closed)", "ask", DM, faults.FORBIDDEN, 1),
    *[(f"stream: {name}", "abuse", LINE, fault, 1) for name, fault in LINES],
    ("stream: silence", "abuse", LINE, faults.HANG, 6),
    *[(f"stream: connect meets {fault.status}", "abuse", STREAM, fault, 1) for fault in (
        faults.UNAUTHORISED, faults.FORBIDDEN, faults.TOO_MANY, faults.HTML_503, Fault(status=409, body={}))],
    *[(f"mentions: {name}", "abuse", MENTIONS, fault, 1) for name, fault in CALLS],
    ("hide: 401 for good", "abuse", HIDE, faults.UNAUTHORISED, 99),
]  # fmt: skip


async def each_fault() -> int:
    clock = LeapClock()
    table = Table(title="each fault alone", title_justify="left")
    for heading in ("fault", "calls that met it", "calls after", "what the daemon did", "effect", "at the end"):
        table.add_column(heading, overflow="fold")
    wrong = 0
    async with X(clock, keep_alive=1.0) as x:
        post = x.publish("A post of the practice")
        async with daemon(x, clock, poll_seconds=60, search_seconds=0, own_seconds=0, call_seconds=2) as app:
            for number, (what, words, call, fault, times) in enumerate(ALONE):
                row, right = await _alone(x, app, post, number, what, words, call, fault, times)
                table.add_row(*row)
                wrong += not right
    out.print(table)
    return int(wrong > 0)


async def _alone(
    x: X, app: App, post: str, number: int, what: str, words: str, call: tuple[str, str], fault: Fault, times: int
) -> tuple[list[str], bool]:
    author, before, stopped = str(50_000 + number), len(x.journal.calls()), times > 9
    if call == STREAM:  # a connection is needed that can fail
        for stream in list(x.streams):
            await stream.close()
    if stopped:
        x.fail("GET", "/2/users/me", fault, times)
    x.fail(*call, fault, times)
    id_ = await x.say(f"{words} {number}", author=author, reply_to=post)

    def mine() -> list[Call]:
        seen = [each for each in x.journal.calls()[before:] if each.matches(*call)]
        return seen if call in (STREAM, LINE, MENTIONS) else [each for each in seen if _about(each, id_, author)]

    await until(lambda: bool(app.db.read_now(lambda tx: _ended(tx, id_, stopped))), 60)
    if not stopped:
        await until(lambda: sum(bool(each.fault) for each in mine()) >= times, 60)
    if call in (STREAM, LINE, MENTIONS):
        await until(lambda: bool(x.streams) and (call == LINE or not mine()[-1].fault), 60)
    met = sum(bool(each.fault) for each in mine())
    row, story, end = app.db.read_now(lambda tx: _story(tx, id_))
    effect = id_ in x.hidden if "abuse" in words else _answers(x, id_, author) == 1
    if call in (STREAM, LINE, MENTIONS):
        story = _how_it_came(x.journal.calls()[before:], id_)
    told = [what, str(met), str(len(mine()) - met), story, _times(x, words, id_, author), f"{row.state}{end}"]
    return told, effect or _may(what)


def _how_it_came(seen: list[Call], id_: str) -> str:
    line = any(each.method == "SEND" and id_ in str(each.body) and each.fault in (None, "reset_after") for each in seen)
    streams = [each for each in seen if each.matches(*STREAM)]
    polls = [each for each in seen if each.matches(*MENTIONS)]
    return f"came by {'the stream' if line else 'the poll'}; {len(streams)} connects, {len(polls)} polls meanwhile"


def _may(what: str) -> bool:
    """Whether the fault is X's own word, so that a person is asked, or the comment is gone."""
    return any(word in what for word in ("403", "404", "for good"))


def _about(call: Call, id_: str, author: str) -> bool:
    reply = call.body.get("reply", {}) if isinstance(call.body, dict) else {}
    return id_ in call.path or author in call.path or reply.get("in_reply_to_tweet_id") == id_


def _answers(x: X, id_: str, author: str) -> int:
    replies = sum(it.author_id == x.me and it.answers is not None and it.answers.id == id_ for it in x.tweets.values())
    return replies + sum(to == author for to, _ in x.messages)


def _times(x: X, words: str, id_: str, author: str) -> str:
    if "abuse" in words:
        return "hidden" if id_ in x.hidden else "not hidden"
    return f"{_answers(x, id_, author)} ×"


def _ended(tx: Connection, id_: str, stopped: bool) -> bool:
    if stopped:
        return tx.execute(select(account.c.stopped_why)).scalar() is not None
    rows = tx.execute(select(action.c.state).join(comment).where(comment.c.external_id == id_)).scalars().all()
    return bool(rows) and all(state not in ("pending", "sending") for state in rows)


def _story(tx: Connection, id_: str) -> tuple[Any, str, str]:
    """The action, its way, and how it ended."""
    row = tx.execute(select(action).join(comment).where(comment.c.external_id == id_)).one()
    told = tx.execute(select(audit.c.detail).where(audit.c.action_id == row.id).order_by(audit.c.id)).scalars()
    steps = [(detail or "").removeprefix(f"{row.verb}: ").partition(": X")[0] for detail in told]
    stopped = tx.execute(select(account.c.stopped_why)).scalar()
    cases = select(case.c.reason).join(case_comment).where(case_comment.c.comment_id == row.comment_id)
    asked = tx.execute(cases.where(case.c.state == "open", case.c.reason != "acted")).scalars().all()
    end = "".join(f"; a case: {reason}" for reason in asked) + (
        f"; the account is stopped: {stopped}" if stopped else ""
    )
    return row, " → ".join(steps), end


async def raid(count: int) -> int:
    clock, draw = LeapClock(), random.Random(3)
    words = ["abuse", "seller", "rumour"]
    async with X(clock, keep_alive=1.0) as x:
        posts = [x.publish("A post"), x.publish("Another post")]
        async with daemon(x, clock, poll_seconds=600, search_seconds=0, own_seconds=0) as app:
            said = {}
            for number in range(count):
                word = draw.choice(words)
                id_ = await x.say(f"{word} {number}", author=str(10_000 + number), reply_to=posts[number % 2])
                said[id_] = words.index(word)
                await asyncio.sleep(60 / clock.speed / count)
            arrived = clock.now()
            done = await settled(app, len(said))
            told = _raid_told(x, said, arrived)
    _print(f"a raid of {count}", told | {"worked off": str(done)})
    return int(not done)


def _raid_told(x: X, said: dict[str, int], arrived: datetime) -> dict[str, str]:
    calls = [it for it in x.journal.calls("PUT", "/2/tweets/*/hidden") if it.status == 200]
    order = [(it.when, said[it.path.split("/")[3]]) for it in calls]
    took = (order[-1][0] - order[0][0]).total_seconds()
    best = (-(-len(said) // 50) - 1) * 900.0
    later = [severity for when, severity in order if when > arrived + timedelta(minutes=1)]
    upside_down = sum(one > other for one, other in pairwise(later))
    mean = {n: statistics.mean(at for at, (_, severity) in enumerate(order) if severity == n) for n in range(3)}
    refused = sum(it.status == 429 for it in x.journal.calls("PUT", "/2/tweets/*/hidden"))
    return {
        "hidden": f"{len(set(said) & x.hidden)} of {len(said)}, by {len(calls)} calls; {refused} more were too many",
        "order: mean place of high / normal / low severity": " / ".join(f"{mean[n]:.0f}" for n in range(3)),
        "less severe before more severe, once all had come": f"{upside_down} of {max(0, len(later) - 1)} pairs",
        "time to drain": f"{took:.0f} s; the limit's own best {best:.0f} s; ratio {took / best:.4f}",
    }


CHECKED = (
    "good", "wrong secret", "wrong bearer", "read-only", "revoked", "suspended", "another account's", "missing",
    "clock 12 minutes slow", "no internet",
)  # fmt: skip


class Gone(X):
    """Nobody listens where it should be."""

    tls_port, certificate = 9, ""


async def check() -> int:
    table = Table(title="chaperone check", title_justify="left")
    for heading in ("keys", "finding", "told"):
        table.add_column(heading, overflow="fold")
    verdicts = []
    with tempfile.TemporaryDirectory() as folder:
        for name in CHECKED:
            async with X() as x:
                environment = x.keys.environment("bench")
                spoil = {"wrong secret": "ACCESS_SECRET", "wrong bearer": "BEARER_TOKEN"}.get(name)
                environment |= {f"CHAPERONE_X_BENCH_{spoil}": "wrong"} if spoil else {}
                x.keys.level = "read" if name == "read-only" else x.keys.level
                x.keys.revoked, x.keys.suspended = name == "revoked", name == "suspended"
                x.keys.ahead = 720.0 if name == "clock 12 minutes slow" else 0.0
                os.environ.update(dict.fromkeys(environment, "") if name == "missing" else environment)
                one = config(Path(folder), handle="hospital" if name == "another account's" else "clinic")
                reached = Gone() if name == "no internet" else x
                lines = await asyncio.to_thread(_checked, one, reached)
                for finding, _, told in lines:
                    table.add_row(name, finding, told)
                changed = [it for it in x.journal.calls() if it.method in ("POST", "PUT", "DELETE")]
                verdicts.append((all(finding == "ok" for finding, _, _ in lines) == (name == "good")) and not changed)
    out.print(table)
    return int(not all(verdicts))


def _checked(it: Config, x: X) -> list[tuple[str, str, str]]:
    """In a thread of its own, as the command has its own loop."""
    return list(platform_checks(it, it.accounts[0], lambda: connector(x)))


async def latency(count: int) -> int:
    """A fifth is to be hidden, so that all of it fits into one window of X's limit."""
    async with X(SystemClock()) as x:
        post = x.publish("A post of the practice")
        async with daemon(x, SystemClock(), poll_seconds=3600, search_seconds=0, own_seconds=0) as app:
            said = {}
            for number in range(count):
                id_ = await x.say(
                    f"{'abuse' if number % 5 == 0 else 'fine'} {number}", author=str(10_000 + number), reply_to=post
                )
                said[id_] = number
                await asyncio.sleep(0.2)
            await settled(app, count)
    lines = {it.body["data"]["id"]: it.when for it in x.journal.calls("SEND") if isinstance(it.body, dict)}
    took = sorted(
        1000 * (it.when - lines[it.path.split("/")[3]]).total_seconds()
        for it in x.journal.calls("PUT", "/2/tweets/*/hidden")
    )
    p95 = took[int(0.95 * (len(took) - 1))]
    rows = {
        "comments / hides": f"{count} at 5 a second / {len(took)}",
        "p50 / p95 / most": f"{statistics.median(took):.0f} / {p95:.0f} / {took[-1]:.0f} ms",
    }
    _print("from a line of the stream to the call that hides (the classifier stubbed)", rows)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.x")
    parser.add_argument("what", choices=["storm", "faults", "raid", "check", "latency"])
    parser.add_argument("--count", type=int, help="of replies")
    parser.add_argument("--log", action="store_true", help="show the daemon's log")
    arguments = parser.parse_args()
    if not arguments.log:
        logging.disable()
    count = arguments.count
    shows: dict[str, Callable[[], Coroutine[Any, Any, int]]] = {
        "storm": lambda: storm(count or 2000), "faults": each_fault, "raid": lambda: raid(count or 1000),
        "check": check, "latency": lambda: latency(count or 240),
    }  # fmt: skip
    return asyncio.run(shows[arguments.what]())


if __name__ == "__main__":
    sys.exit(main())
