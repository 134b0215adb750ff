"""Abusive replies of one minute, at 50 hides in 15 minutes: their order, and the time to drain."""

import asyncio
import random
import statistics
from datetime import datetime, timedelta
from itertools import pairwise

from benchmarks.tables import show
from benchmarks.x.daemon import LeapClock, daemon, settled
from bot.sandbox.x import X


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
    show(f"a raid of {count}", told | {"worked off": str(done)})
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
