"""Everything that goes wrong at the desk, one after the other, and what came of it.

Where hours pass, they pass on an event loop whose time runs faster: discord.py's own waiting, the daemon's and the
emulator's rate limits keep their proportions, and nothing is patched.
"""

import asyncio
import selectors
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from rich.table import Table

from benchmarks.desk.room import cards, desk, until_true
from benchmarks.tables import out
from bot.clock import StillClock
from bot.model import CaseState, Role, Severity
from bot.review import rulings
from bot.review.cases import Person, Ruling, Said
from bot.sandbox.discord import LIMITS, Discord
from bot.sandbox.faults import RESET, Fault
from bot.store.tables import card, case, ruling
from tests.discord_desk.room import Room, shown, told
from tests.support import NOON, House, opened_store

HOUR = 3600.0
AT_ONCE = 50  # cases, of the thousand
EXPIRED = Fault(status=404, body={"code": 10062, "message": "Unknown interaction"})
FORGED = ("desk:hide:99", "desk:erase:1", "desk:hide:1 OR 1=1", "desk:hide:" + "9" * 60, "desk:list:1:99999")


@dataclass(frozen=True, slots=True)
class Outcome:
    what: str
    happened: str
    lost: int  # open cases without a card, at the end
    twice: int  # calls to the platform that were made before, cards and rulings of one case that are more than one


class FastLoop(asyncio.SelectorEventLoop):
    """Its time runs `speed` times as fast as the wall's."""

    def __init__(self, speed: float) -> None:
        self._speed, self._zero = speed, time.monotonic()
        super().__init__(_Scaled(speed))

    def time(self) -> float:
        return self._zero + (time.monotonic() - self._zero) * self._speed


class _Scaled(selectors.DefaultSelector):
    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def select(self, timeout: float | None = None) -> Any:
        return super().select(timeout / self._speed if timeout else timeout)


class LoopClock:
    """The loop's time, from noon on."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._zero = loop, loop.time()

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self._loop.time() - self._zero)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@asynccontextmanager
async def _fast_desk() -> AsyncIterator[Room]:
    """With Discord's rate limits, all on the loop's clock."""
    clock = LoopClock(asyncio.get_running_loop())
    with tempfile.TemporaryDirectory() as folder, opened_store(Path(folder)) as db:
        house = House(db, cast(StillClock, clock))
        async with Discord(clock, LIMITS) as server, Room(server, house, poll=0.5) as room:
            yield room


def outcomes(count: int) -> int:
    table = Table(title="what goes wrong, and what comes of it", title_justify="left")
    for heading in ("what", "what happened", "cases lost", "acted twice"):
        table.add_column(heading, overflow="fold", justify="left")
    plays: list[tuple[float, Callable[[], Coroutine[Any, Any, Outcome]]]] = [
        (1, _no_role), (1, _forged), (1, _expired), (1, _deleted_card), (1, _deleted_while_away), (10, _no_gateway),
        (30, _unreachable), (4, lambda: _many(count)),
    ]  # fmt: skip
    wrong = 0
    for speed, play in plays:
        with asyncio.Runner(loop_factory=lambda speed=speed: FastLoop(speed)) as runner:  # type: ignore[misc]
            it = runner.run(play())
        wrong += it.lost + it.twice
        table.add_row(it.what, it.happened, str(it.lost), str(it.twice))
    out.print(table)
    return int(wrong > 0)


async def _ended(room: Room, what: str, happened: str) -> Outcome:
    """Count, once all that is open has its card."""
    waits = {row.id for row in room.house.rows(case) if row.state == CaseState.OPEN}
    shown_of = Counter(int(shown(each).split()[2]) for each in room.messages())
    calls = Counter(room.house.platform.effects)
    ruled = Counter(row.case_id for row in room.house.rows(ruling) if row.what != Ruling.NOTE)
    twice = sum(n - 1 for counted in (shown_of, calls, ruled) for n in counted.values())
    return Outcome(what, happened, len(waits - set(shown_of)), twice)


async def _no_role() -> Outcome:
    async with desk() as room:
        ((id_, on),) = (await cards(room, 1)).items()
        answer = await told(await room.server.press(on, f"desk:hide:{id_}", room.mallory))
        below = await told(await room.server.press(on, f"desk:hide:{id_}", room.cleo))
        happened = f"told “{answer}”; from triage: “{below}”; {len(room.house.rows(ruling))} rulings"
        return await _ended(room, "a person without the role", happened)


async def _forged() -> Outcome:
    async with desk() as room:
        ((_, on),) = (await cards(room, 1)).items()
        answers = [await told(await room.server.press(on, forged, room.asha)) for forged in FORGED]
        counted = ", ".join(f"“{' '.join(each.split())[:60]}” × {n}" for each, n in Counter(answers).items())
        return await _ended(room, "forged `custom_id`s", f"{counted}; {len(room.house.rows(ruling))} rulings")


async def _expired() -> Outcome:
    async with desk() as room:
        ((id_, on),) = (await cards(room, 1)).items()
        room.server.fail("POST", "*/callback", EXPIRED)
        await room.server.press(on, f"desk:hide:{id_}", room.ben)
        await room.server.journal.arrival("POST", "*/callback")
        ruled = len(room.house.rows(ruling))
        await (await room.server.press(on, f"desk:hide:{id_}", room.ben)).answered()
        await room.shows(id_, "`hidden`")
        return await _ended(
            room, "an interaction that expired", f"{ruled} rulings; Discord says that it failed; pressed again: hidden"
        )


async def _deleted_card() -> Outcome:
    async with desk() as room:
        ((id_, on),) = (await cards(room, 1)).items()
        await room.server.delete(on)
        again = await _other(room, on)
        await room.server.press(again, f"desk:hide:{id_}", room.ben)
        await room.shows(id_, "`hidden`")
        return await _ended(room, "a deleted card", "posted again while its case is open; pressed: hidden")


async def _deleted_while_away() -> Outcome:
    async with desk() as room:
        ((id_, on),) = (await cards(room, 1)).items()
        del room.server.world.messages[room.channel][on]  # nobody is told
        await room.server.invalidate()
        await room.server.press(await _other(room, on), f"desk:hide:{id_}", room.ben)
        await room.shows(id_, "`hidden`")
        happened = "the session ended, the channel was read again, the card was posted again; pressed: hidden"
        return await _ended(room, "a card deleted while the gateway was away", happened)


async def _other(room: Room, than: str) -> str:
    await until_true(lambda: any(each["id"] != than for each in room.messages()), 0.01)
    return next(str(each["id"]) for each in room.messages() if each["id"] != than)


async def _no_gateway() -> Outcome:
    with tempfile.TemporaryDirectory() as folder, opened_store(Path(folder)) as db:
        async with Discord(limits={}) as server:
            room = Room(server, House(db))
            server.fail("GET", "/", RESET, times=5)
            loop = asyncio.get_running_loop()
            began = loop.time()
            async with room:
                ids = [await room.case(key=f"k{number}") for number in range(20)]
                await until_true(lambda: len(room.messages()) >= len(ids), 0.1)
                met = [call for call in server.journal.calls("GET", "/") if call.fault]
                happened = (
                    f"discord.py ended {len(met)} times and was begun anew; all {len(ids)} cards after "
                    f"{loop.time() - began:.0f} s"
                )
                return await _ended(room, "the gateway lost at first connect", happened)


async def _unreachable() -> Outcome:
    async with _fast_desk() as room:
        loop = asyncio.get_running_loop()
        before = await cards(room, 5)
        room.server.fail("*", "*", RESET, times=10**6)
        for stream in [*room.server.streams]:
            await stream.close(1001)
        first = next(iter(before))
        by = Person("asha", Role.LEAD)
        said = Said(Ruling.HIDE, by)
        house = room.house
        await house.db.run(lambda tx: rulings.rule(tx, house.engine, house.db.cipher, first, said, house.clock.now()))
        house.engine.wake()
        for number in range(30):
            severity = Severity.CRISIS if number == 20 else Severity.NORMAL
            await room.case(key=f"m{number}", severity=severity)
            await asyncio.sleep(HOUR / 30)
        hidden = len(house.platform.effects)
        tries = sum(call.fault is not None for call in room.server.journal.calls())
        room.server._faults.orders.clear()
        back = loop.time()
        await until_true(lambda: len(room.messages()) >= 35 and not _stale(room), 0.1)
        order = [shown(each).split(" · ")[1] for each in room.messages()[5:]]
        happened = (
            f"30 cases came; one was ruled from the command line, and done on its platform at once ({hidden}); "
            f"{tries} calls failed; back again: all 35 cards right after {loop.time() - back:.0f} s, "
            f"the crisis as number {order.index('crisis') + 1}"
        )
        return await _ended(room, "Discord unreachable for an hour", happened)


def _stale(room: Room) -> bool:
    return any(row.covered is None or row.covered < row.changed for row in room.house.rows(card))


async def _many(count: int) -> Outcome:
    async with _fast_desk() as room:
        loop = asyncio.get_running_loop()
        began, crises, waits = loop.time(), dict[int, datetime](), list[float]()

        async def one(number: int) -> None:
            crisis, now = number % 100 == 50, room.house.clock.now()
            id_ = await room.case(key=f"k{number}", severity=Severity.CRISIS if crisis else Severity.NORMAL)
            crises.update({id_: now} if crisis else {})

        for first in range(0, count, AT_ONCE):
            await asyncio.gather(*(one(number) for number in range(first, min(first + AT_ONCE, count))))
            await asyncio.sleep(max(0.0, began + 60 * (first + AT_ONCE) / count - loop.time()))
        came = loop.time() - began
        pressed: dict[int, float] = {}
        while len(room.messages()) < count or _stale(room):
            for each in room.messages()[: 20 * (len(pressed) < 20)]:
                id_ = int(shown(each).split()[2])
                if id_ not in pressed:
                    pressed[id_] = loop.time()
                    await (await room.server.press(each["id"], f"desk:hide:{id_}", room.ben)).answered()
                    waits.append(loop.time() - pressed[id_])
            await asyncio.sleep(5)
        at_card = {int(shown(each).split()[2]): datetime.fromisoformat(each["timestamp"]) for each in room.messages()}
        longest = max(((at_card[id_] - at).total_seconds() for id_, at in crises.items()), default=0.0)
        refused = sum(call.status == 429 for call in room.server.journal.calls())
        happened = (
            f"came within {came:.0f} s; shown within {(loop.time() - began) / 60:.0f} min at Discord's limits "
            f"({refused} calls refused by them); {len(crises)} crises, each within {longest:.0f} s; {len(pressed)} "
            f"pressed meanwhile, acknowledged within {max(waits, default=0):.1f} s, "
            f"{len(room.house.platform.effects)} hidden"
        )
        return await _ended(room, f"{count} cases in a minute", happened)
