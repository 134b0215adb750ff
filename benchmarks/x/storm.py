"""Many replies, with a fault drawn at random on every tenth call."""

import random
import time
from collections import Counter

from sqlalchemy import func, select

from benchmarks.tables import show
from benchmarks.x.daemon import START, LeapClock, daemon, settled
from benchmarks.x.faults import Rough
from bot.app import App
from bot.store.tables import action, comment


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
    show("2,000 replies with a fault on every tenth call", rows)
    show("faults met", {name: str(count) for name, count in sorted(x.drawn.met.items())})
    twice = sum(n - 1 for n in [*replies.values(), *messages.values()])
    return int(bool(set(said) - stored or wanted - x.hidden or twice))
