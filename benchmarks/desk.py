"""The desk on Discord, discord.py itself against the emulator: `python -m benchmarks.desk transcript` (or another):

transcript  a comment on X becomes a card, a moderator presses Hide, X hides, the card says so; then a restart and a
            month, and another card of old still works. Writes docs/discord-transcript.md, and docs/card.png
race        two moderators press different buttons within 10 ms, 200 times
outcomes    everything that goes wrong, one after the other, and what came of it
masking     all that reached Discord of our own disclosures and crises, searched for every identifier marked in them
latency     press to acknowledgement, to platform call, to edited card; and 1,000 cases without rate limits
"""

import argparse
import asyncio
import logging
import random
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any

from benchmarks.tables import show
from bot.sandbox.discord import Discord
from bot.store.tables import ruling
from tests.discord_desk.room import Room, shown, told, until
from tests.support import House, MemoryPlatform, opened_store

GAP = 10  # milliseconds within which two moderators press


@asynccontextmanager
async def desk(settings: Mapping[str, Any] | None = None) -> AsyncIterator[Room]:
    """A desk on a server without rate limits."""
    with tempfile.TemporaryDirectory() as folder, opened_store(Path(folder)) as db:
        async with Discord(limits={}) as server, Room(server, House(db), settings or {}, poll=0.5) as room:
            yield room


async def cards(room: Room, count: int, key: str = "k") -> dict[int, str]:
    """So many new cases with the messages of their cards."""
    ids = [await room.case(key=f"{key}{number}") for number in range(count)]
    wanted = set(ids)
    await until_true(lambda: wanted <= set(_on(room)), 0.1)
    return {id_: message for id_, message in _on(room).items() if id_ in wanted}


def _on(room: Room) -> dict[int, str]:
    return {int(shown(each).split()[2]): each["id"] for each in room.messages()}


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


async def latency(presses: int, cases: int) -> int:
    async with desk() as room:
        times = [await _press(room, id_, on) for id_, on in (await cards(room, presses)).items()]
        rows = {}
        for name, column in zip(
            ("acknowledged", "platform called", "card edited"), zip(*times, strict=True), strict=True
        ):
            cuts = quantiles(column, n=20)
            rows[f"press to {name}"] = f"p50 {cuts[9]:.0f} ms, p95 {cuts[18]:.0f} ms"
        started = perf_counter()
        await cards(room, cases, "m")
        rows[f"{cases} cases shown, without rate limits"] = f"{perf_counter() - started:.0f} s"
        show(f"{presses} presses, one after the other", rows)
    return 0


async def _press(room: Room, case_id: int, message: str) -> tuple[float, float, float]:
    platform: MemoryPlatform = room.house.platform
    calls, started = len(platform.calls), perf_counter()
    pressed = await room.server.press(message, f"desk:hide:{case_id}", room.ben)
    await pressed.answered()
    acknowledged = perf_counter()
    await until_true(lambda: len(platform.calls) > calls)
    called = perf_counter()
    found = room.server.world.messages[room.channel][message]
    await until_true(lambda: "`hidden`" in shown(found))
    return tuple((each - started) * 1000 for each in (acknowledged, called, perf_counter()))  # type: ignore[return-value]


async def until_true(holds: Callable[[], bool], pause: float = 0.001) -> None:
    while not holds():
        await asyncio.sleep(pause)


def main() -> int:
    from benchmarks import desk_masking, desk_outcomes, desk_transcript  # noqa: PLC0415 - they use what is above

    parser = argparse.ArgumentParser(prog="python -m benchmarks.desk")
    whats = ["transcript", "race", "outcomes", "masking", "latency"]
    parser.add_argument("what", choices=whats, nargs="?", default="latency")
    parser.add_argument("--presses", type=int, default=200, help="of race and latency")
    parser.add_argument("--cases", type=int, default=1000, help="of outcomes and latency")
    parser.add_argument("--rows", type=int, help="of masking; left out = all")
    parser.add_argument("--log", action="store_true", help="show the daemon's log")
    it = parser.parse_args()
    if not it.log:
        logging.disable()
    shows: dict[str, Callable[[], Coroutine[Any, Any, int]]] = {
        "transcript": desk_transcript.transcript, "race": lambda: race(it.presses),
        "masking": lambda: desk_masking.masking(it.rows), "latency": lambda: latency(it.presses, it.cases),
    }  # fmt: skip
    return desk_outcomes.outcomes(it.cases) if it.what == "outcomes" else asyncio.run(shows[it.what]())


if __name__ == "__main__":
    sys.exit(main())
