"""What an engine promises to the rest: work asked for in a transaction is done at least once after its commit.

A job holds no data, only the number of a row of ours; a handler reads the row, and doing it twice is harmless.
An engine takes the most severe first, then the oldest.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sqlalchemy import Connection


class Queue(StrEnum):
    CLASSIFY = "classify"
    ACT = "act"
    NOTIFY = "notify"
    FIRE = "fire"


@dataclass(frozen=True, slots=True)
class Job:
    """ "Look at row `ref`." `run_at` None is as soon as possible; `key` is unique in a queue while the job waits."""

    key: str
    ref: int
    run_at: datetime | None = None
    priority: int = 0


Later = Mapping[int, datetime]  # which refs are not finished, and when to look again; the rest is done
Handler = Callable[[Sequence[int]], Awaitable[Later]]


class Engine(Protocol):
    def enqueue(self, tx: Connection, queue: Queue, jobs: Iterable[Job]) -> None:
        """Ask for work in the caller's transaction. A key that already waits is left as it is."""

    def handle(self, queue: Queue, handler: Handler, *, batch: int = 1, workers: int = 1) -> None:
        """Name who does the work of a queue, in batches of at most `batch` refs, by `workers` at once."""

    def wake(self) -> None:
        """Say that a transaction which asked for work has committed."""

    async def run(self) -> None:
        """Work until `stop`; what was leased is finished first."""

    def stop(self) -> None: ...

    async def idle(self) -> bool:
        """Whether nothing is due or under way."""

    async def waiting(self, queue: Queue) -> int:
        """How many jobs a queue holds."""
