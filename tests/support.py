"""What the tests share: small stand-ins that are real objects, and a store on disk to use them with."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Row, Table, insert, select

from bot.act import Act
from bot.actions import action_key
from bot.clock import StillClock
from bot.consequences import Live, Shadow, Side
from bot.guard import ReplyGuard
from bot.inbox import Inbox
from bot.lanes import Lanes
from bot.model import (
    Ability,
    ActionState,
    Author,
    AuthorKind,
    Capability,
    Comment,
    Lane,
    Mode,
    Posted,
    Severity,
    Target,
    Verb,
)
from bot.platforms.base import Observed, Order, Platform
from bot.replies import Templates
from bot.store.cipher import new_key
from bot.store.database import Database
from bot.store.engine.local import LocalEngine
from bot.store.engine.port import Job, Queue
from bot.store.queries import open_action
from bot.store.tables import account, action, comment
from classifiers.labels import Assessment, Label, NotAssessed

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = new_key()
PRACTICE = "practice"
TEMPLATES = Templates({"diagnosis_request": ("Please ask your own doctor.",)})

Finding = Mapping[Label, float] | NotAssessed


class HasText(Protocol):
    @property
    def text(self) -> str: ...


class StubAssessor:
    """Judges by words: a text has the probabilities of each word of `chosen` that stands in it, else none.

    Calibrated to the letter: what is promised to be right so often is what reaches that probability.
    """

    def __init__(self, chosen: Mapping[str, Finding], model: str = "stub-1") -> None:
        self.model = model
        self._chosen = chosen

    def assess(self, texts: Sequence[HasText]) -> list[Assessment]:
        return [self._assess(each.text) for each in texts]

    def line(self, label: Label, when_right: float) -> float | None:
        return when_right

    def tells(self, reply: str) -> float | None:
        return None

    def _assess(self, text: str) -> Assessment:
        probabilities = dict.fromkeys(Label, 0.01)
        for word in text.split():
            match self._chosen.get(word):
                case NotAssessed() as reason:
                    return Assessment(self.model, reason=reason)
                case Mapping() as found:
                    probabilities |= found
        return Assessment(self.model, probabilities)


Answer = Exception | Callable[[], Awaitable[None]] | None


@dataclass
class MemoryPlatform(Platform):
    """A platform in memory: it does as it is asked and remembers it, unless `answers` holds something else.

    An answer is raised, or awaited; where it is awaited, `effect_first` says whether the call had arrived by then.
    """

    answers: list[Answer] = field(default_factory=list)
    able: Mapping[Verb, Capability] = field(default_factory=dict)
    found: Observed | Answer = None  # what `observe` says; None = the truth
    lanes: tuple[Lane, ...] = ()
    call_seconds: float = 5.0
    effect_first: bool = False
    calls: list[tuple[Verb, Order]] = field(default_factory=list)
    effects: list[tuple[Verb, str]] = field(default_factory=list)

    def capability(self, verb: Verb, target: Target, now: datetime) -> Capability:
        return self.able.get(verb, Capability(Ability.NATIVE))

    async def observe(self, verb: Verb, order: Order) -> Observed:
        if isinstance(self.found, Exception):
            raise self.found
        if isinstance(self.found, Observed):
            return self.found
        if self.found is not None:
            await self.found()
        return Observed.DONE if (verb, order.key) in self.effects else Observed.NOT_DONE

    async def _call(self, verb: Verb, order: Order) -> None:
        self.calls.append((verb, order))
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        if self.effect_first or answer is None:
            self.effects.append((verb, order.key))
        if answer is not None:
            await answer()

    async def hide(self, order: Order) -> None:
        await self._call(Verb.HIDE, order)

    async def restore(self, order: Order) -> None:
        await self._call(Verb.RESTORE, order)

    async def delete(self, order: Order) -> None:
        await self._call(Verb.DELETE, order)

    async def reply(self, order: Order) -> None:
        await self._call(Verb.REPLY, order)

    async def message(self, order: Order) -> None:
        await self._call(Verb.MESSAGE, order)

    async def mute(self, order: Order) -> None:
        await self._call(Verb.MUTE, order)

    async def unmute(self, order: Order) -> None:
        await self._call(Verb.UNMUTE, order)

    async def ban(self, order: Order) -> None:
        await self._call(Verb.BAN, order)


@contextmanager
def opened_store(folder: Path, *keys: str) -> Iterator[Database]:
    """The store of this folder, made at the first call."""
    db = Database.open(folder / "chaperone.sqlite3", list(keys) or [KEY])
    try:
        yield db
    finally:
        db.close()


@dataclass
class House:
    """Store, engine, inbox, and the worker that acts for one account; `restarted` is what a crash leaves of it."""

    db: Database
    clock: StillClock = field(default_factory=lambda: StillClock(NOON))
    platform: MemoryPlatform = field(default_factory=MemoryPlatform)
    mode: Mode = Mode.LIVE

    def __post_init__(self) -> None:
        self.engine = LocalEngine(self.db, self.clock, poll=0.01)
        self.inbox = Inbox(self.db, self.engine, self.clock)
        limits = {(PRACTICE, lane.name): lane for lane in self.platform.lanes}
        side = Side(self.mode, {Mode.LIVE: Live(self.platform), Mode.SHADOW: Shadow(self.platform)})
        guard = ReplyGuard()
        self.act = Act(self.db, self.clock, {PRACTICE: side}, Lanes(limits), TEMPLATES, guard)
        self.db.run_now(self._write_account)

    def _write_account(self, tx: Connection) -> None:
        row = {"name": PRACTICE, "platform": "memory", "mode": self.mode, "mode_since": NOON}
        tx.execute(insert(account).prefix_with("OR REPLACE"), row)

    def restarted(self, mode: Mode | None = None) -> "House":
        return House(self.db, self.clock, self.platform, mode or self.mode)

    def wish(self, comment_id: int, verb: Verb, **values: Any) -> int:
        """Ask for an action as a decision does, with `values` for its columns."""
        return self.db.run_now(lambda tx: self._wish(tx, comment_id, verb, values))

    def _wish(self, tx: Connection, comment_id: int, verb: Verb, values: dict[str, Any]) -> int:
        key = action_key(PRACTICE, str(comment_id), 0, verb, "test")
        row: dict[str, Any] = {
            "key": key, "comment_id": comment_id, "account": PRACTICE, "verb": verb, "mode": Mode.LIVE,
            "severity": Severity.NORMAL, "state": ActionState.PENDING, "label": Label.HARASSMENT,
        } | values  # fmt: skip
        id_: int = tx.execute(insert(action).values(row).returning(action.c.id)).scalar_one()
        open_action(tx, comment_id)
        self.engine.enqueue(tx, Queue.ACT, [Job(str(id_), id_, priority=row["severity"])])
        return id_

    def rows(self, table: Table) -> Sequence[Row[Any]]:
        return self.db.read_now(lambda tx: tx.execute(select(table).order_by(*table.primary_key)).all())

    def action(self, id_: int) -> Row[Any]:
        return next(row for row in self.rows(action) if row.id == id_)

    def comment(self, id_: int) -> Row[Any]:
        return next(row for row in self.rows(comment) if row.id == id_)


def posted(id_: str = "1", text: str = "good morning", kind: AuthorKind = AuthorKind.PUBLIC, **values: Any) -> Posted:
    """A comment as it arrives; `values` for the other fields of `Comment`."""
    return Posted(Comment(id_, text, Author("u1", "Sam", kind), NOON, **values))
