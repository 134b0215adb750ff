"""Two moderators press different buttons at once."""

import asyncio
import random
from collections import Counter
from statistics import median

from benchmarks.desk.room import cards, desk, until_true
from benchmarks.tables import show
from bot.store.tables import ruling
from tests.discord_desk.room import told, until

GAP = 10  # milliseconds within which two moderators press


async def race(count: int) -> int:
    draw, gaps, who = random.Random(1), list[float](), Counter[str]()
    async with desk() as room:
        for case_id, on in (await cards(room, count)).items():
            presses = [
                room.server.press(on, f"desk:{what}:{case_id}", by)
                for what, by in (("hide", room.ben), ("keep", room.asha))
            ]
            draw.shuffle(presses)
            both = await asyncio.gather(*presses)
            loser = await until(lambda: next((each for each in both if each.shown), None))  # noqa: B023
            winner = "ben" if loser.member == room.asha else "asha"
            who[winner] += 1
            who["told who was first"] += f"closed by {winner}" in await told(loser)
            gaps.append(abs((both[0].at - both[1].at).total_seconds()) * 1000)
        rulings, platform = room.house.rows(ruling), room.house.platform
        await until_true(lambda: len(platform.effects) >= who["ben"])
        each = Counter(row.case_id for row in rulings)
        rows = {
            "cases, presses": f"{count}, {2 * count}",
            "between two presses": f"median {median(gaps):.2f} ms; within {GAP} ms: {sum(gap <= GAP for gap in gaps)}",
            "rulings, cases with exactly one": f"{len(rulings)}, {sum(n == 1 for n in each.values())}",
            "hide was first, keep was first": f"{who['ben']}, {who['asha']}",
            "the other was told who was first": str(who["told who was first"]),
            "calls to the platform, of them twice": f"{len(platform.effects)}, "
            f"{len(platform.effects) - len(set(platform.effects))}",
        }
        show(f"two moderators press different buttons within {GAP} ms", rows)
        right = len(rulings) == len(each) == count == who["told who was first"]
        return int(not (right and len(platform.effects) == who["ben"]))
