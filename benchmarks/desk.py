"""How fast the desk on Discord is, discord.py against the emulator: `python -m benchmarks.desk [--presses 200]`.

Prints p50 and p95, in milliseconds, of press to acknowledgement, press to platform call, and press to edited card;
then how long 1,000 cases take to be shown, without rate limits (Discord's own allow about one a second).
"""

import argparse
import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from time import perf_counter

from bot.sandbox.discord import Discord
from tests.support import House, MemoryPlatform, opened_store
from tests.test_discord_desk import Room, shown


async def main(presses: int, cases: int) -> None:
    with tempfile.TemporaryDirectory() as folder, opened_store(Path(folder)) as db:
        async with Discord(limits={}) as server, Room(server, House(db), poll=0.5) as room:
            ids = [await room.case(key=f"k{number}") for number in range(presses)]
            await _until(lambda: len(room.messages()) == presses)
            on = {int(shown(each).split()[2]): each["id"] for each in room.messages()}
            times = [await _press(room, id_, on[id_]) for id_ in ids]
            for name, column in zip(
                ("acknowledged", "platform called", "card edited"), zip(*times, strict=True), strict=True
            ):
                cuts = quantiles(column, n=20)
                print(f"press to {name}: p50 {cuts[9]:.0f} ms, p95 {cuts[18]:.0f} ms")
            started = perf_counter()
            for number in range(cases):
                await room.case(key=f"m{number}")
            await _until(lambda: len(room.messages()) == presses + cases, 0.2)
            print(f"{cases} cases shown in {perf_counter() - started:.0f} s")


async def _press(room: Room, case_id: int, message: str) -> tuple[float, float, float]:
    platform: MemoryPlatform = room.house.platform
    calls, started = len(platform.calls), perf_counter()
    pressed = await room.server.press(message, f"desk:hide:{case_id}", room.ben)
    await pressed.answered()
    acknowledged = perf_counter()
    await _until(lambda: len(platform.calls) > calls)
    called = perf_counter()
    found = room.server.world.messages[room.channel][message]
    await _until(lambda: "`hidden`" in shown(found))
    return tuple((each - started) * 1000 for each in (acknowledged, called, perf_counter()))  # type: ignore[return-value]


async def _until(holds: Callable[[], bool], pause: float = 0.001) -> None:
    while not holds():
        await asyncio.sleep(pause)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.desk")
    parser.add_argument("--presses", type=int, default=200)
    parser.add_argument("--cases", type=int, default=1000)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.presses, arguments.cases))
