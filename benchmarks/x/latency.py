"""From a line of the stream to the call that hides."""

import asyncio
import statistics

from benchmarks.tables import show
from benchmarks.x.daemon import daemon, settled
from bot.clock import SystemClock
from bot.sandbox.x import X


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
    show("from a line of the stream to the call that hides (the classifier stubbed)", rows)
    return 0
