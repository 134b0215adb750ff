"""A house whose crises call people, and a post that keeps what it was given to send."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from bot.classify import Classify
from bot.config import Config
from bot.model import Batch, Mode
from bot.notify import Notify, Told
from bot.schedule import Schedule
from bot.store.engine.port import Handler
from bot.store.tables import job
from classifiers.labels import Label
from tests.support import PRACTICE, House, StubAssessor, posted

ASHA, BEN, CLEO = "Asha", "Ben", "Cleo"
WORDS = "i cannot go on, tonight i end it"


@dataclass
class Post:
    """The second channel: it keeps what it was sent, and loses what comes to an address in `down`."""

    got: list[tuple[str, Told]] = field(default_factory=list)
    down: set[str] = field(default_factory=set)

    def __call__(self, written: str, told: Told) -> bool:
        self.got.append((written, told))
        return written not in self.down


class Lane:
    """A house whose comments are judged and whose notices are sent as jobs ask for it, on a clock that stands still."""

    def __init__(
        self, house: House, post: Post, people: Sequence[dict[str, Any]], assessor: Any = None, name: str = PRACTICE
    ) -> None:  # fmt: skip
        account = {"name": name, "platform": "replay", "on_call": people}
        self.config = Config.model_validate({"accounts": [account]})
        self.house, self.post = house, post
        self.classify = Classify(
            self.config, house.db, house.engine, house.clock,
            assessor or StubAssessor({"tonight": {Label.CRISIS: 0.9, Label.HARASSMENT: 0.99}}),
        )  # fmt: skip
        self.notify = Notify(self.config, house.db, house.engine, house.clock, post)
        self.schedule = Schedule(self.config, house.db, house.engine, house.clock)

    async def hear(self, text: str = WORDS, mode: Mode = Mode.SHADOW) -> None:
        await self.house.inbox.receive(PRACTICE, mode, Batch((posted("1", text),), "c"))
        await self.work()

    async def minutes(self, count: int) -> None:
        """So many pass; the timers fire at each."""
        for _ in range(count):
            self.house.clock.advance(timedelta(minutes=1))
            await self.schedule.fire("timers")
            await self.work()

    async def work(self) -> None:
        """What is due, in turn, as the engine would."""
        handlers: dict[str, Handler] = {"classify": self.classify, "notify": self.notify, "fire": self.schedule}
        handlers["act"] = self.house.act
        while due := [
            row for row in self.house.rows(job) if row.run_at is None or row.run_at <= self.house.clock.now()
        ]:
            for row in due:
                later = await handlers[row.queue]([row.ref])
                self.house.db.run_now(partial(settle, row=row, later=later))

    def told(self) -> list[str]:
        return [written for written, _ in self.post.got]


def settle(tx: Any, row: Any, later: Any) -> None:
    mine = job.c.id == row.id
    tx.execute(job.update().where(mine).values(run_at=later[row.ref]) if row.ref in later else job.delete().where(mine))


def person(name: str, *notify: str) -> dict[str, Any]:
    return {"name": name, "notify": notify or [f"json://{name.lower()}"]}


THREE = [person(ASHA), person(BEN), person(CLEO)]
A, B, C = "json://asha", "json://ben", "json://cleo"
