"""From a press to what it does, and many cards at once."""

from statistics import quantiles
from time import perf_counter

from benchmarks.desk.room import cards, desk, until_true
from benchmarks.tables import show
from tests.discord_desk.room import Room, shown
from tests.support import MemoryPlatform


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
