"""App: the one place where everything is wired together, started and stopped.

One TaskGroup owns every task: an intake for each account, the engine's workers, the schedule, and whoever
watches for the end.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from aiohttp import TCPConnector
from sqlalchemy import Connection, exists, select, update
from sqlalchemy.dialects.sqlite import insert

from bot.act import Act
from bot.chat import Chats, Connect, token
from bot.classify import Assessor, Classify
from bot.clock import Clock, SystemClock
from bot.config import Account, Config, Secrets
from bot.consequences import Live, Shadow, Side
from bot.errors import ConfigError, CredentialsRevoked
from bot.guard import ReplyGuard, contacts
from bot.inbox import Inbox
from bot.lanes import Lanes, Wait, expected
from bot.model import Ability, ActionState, Capability, Mode, Target, Verb
from bot.notify import Notify
from bot.on_call import send_pending
from bot.outage import assess_again
from bot.platforms import base as platforms
from bot.replies import Occasion, Templates
from bot.review.discord_cards import DiscordCards
from bot.review.discord_commands import registration
from bot.review.discord_desk import DiscordDesk
from bot.schedule import Schedule
from bot.store.cipher import keys_from
from bot.store.database import Database
from bot.store.engine.local import LocalEngine
from bot.store.engine.port import Engine, Queue
from bot.store.lock import process_lock
from bot.store.queries import Note, start_account, stop_account, stored_cursor, write_audit
from bot.store.tables import account, action, revision
from bot.supportive import templates

log = logging.getLogger("chaperone.app")

CLASSIFY_BATCH = 64  # comments scored and decided in one go
ACT_BATCH = 16
ACT_WORKERS = 4
NOTIFY_BATCH = 8
INTAKE_BACKLOG = 2_000  # comments that may wait for classification before an intake holds back
LONGEST_WAIT = 300.0  # seconds between two tries to reach a platform


def open_store(config: Config) -> Database:
    """Raises `StoreError` or `ConfigError`."""
    store, key = config.store, Secrets().key
    if store.path.exists() and not store.key_file.exists() and not key:
        raise ConfigError(
            f"The key file {store.key_file} is missing, and {store.path} cannot be read without it. "
            "Put it back from your backup, or set CHAPERONE_KEY."
        )
    keys = keys_from(key, store.key_file)
    return Database.open(config.store.path, keys)


@contextmanager
def opened(config: Config) -> Iterator[Database]:
    """The store for a command, which does not make one. Raises `StoreError` or `ConfigError`."""
    if not config.store.path.exists():
        raise ConfigError(
            f"Nothing has run yet: there is no database at {config.store.path}. `chaperone run` makes it there; if "
            "there is one elsewhere, correct `store.path` in the config."
        )
    db = open_store(config)
    try:
        yield db
    finally:
        db.close()


@dataclass(slots=True)
class App:
    """What runs. Made by `running`."""

    config: Config
    db: Database
    engine: Engine
    clock: Clock
    inbox: Inbox
    schedule: Schedule
    adapters: dict[str, platforms.Platform]
    stopping: asyncio.Event
    desk: DiscordCards | None = None  # none where the config names no channel for it
    reading: int = 0  # intakes that are not at their end

    async def run(self, *, once: bool = False) -> None:
        """Work until `stop`; with `once`, until what the platforms had is worked off."""
        await self.schedule.start()
        log.info("daemon_started", extra={"fields": {"accounts": len(self.adapters)}})
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.engine.run(), name="engine")
                self.reading = len(self.adapters)
                intakes = [
                    group.create_task(self._intake(one), name=f"intake-{one.name}") for one in self.config.accounts
                ]
                rest = [group.create_task(self.schedule.mind_the_wall_clock(), name="schedule")]
                rest += [group.create_task(self.desk.run(), name="desk")] if self.desk else []
                if once:
                    group.create_task(self._finish(), name="finish")
                await self.stopping.wait()
                for task in (*intakes, *rest):
                    task.cancel()
                self.engine.stop()
        finally:
            self.schedule.stop()
            log.info("daemon_stopped", extra={"fields": {}})

    def stop(self) -> None:
        """Take no more work, finish what is leased."""
        self.stopping.set()

    async def _intake(self, one: Account) -> None:
        """Read one account's comments, for ever; what goes wrong is tried again, ever more slowly."""
        wait = 1.0
        try:
            while not self.stopping.is_set():
                try:
                    cursor = await self.db.read(lambda tx: stored_cursor(tx, one.name))
                    async for batch in self.adapters[one.name].events(cursor):
                        await self.inbox.receive(one.name, one.mode, batch)
                        wait = 1.0
                        await self._hold_back()
                    return
                except CredentialsRevoked as error:
                    now, remind = self.clock.now(), timedelta(minutes=self.config.desk.remind_minutes)
                    await self.db.run(partial(stop_account, name=one.name, why=str(error), now=now, remind=remind))
                    log.error("account_stopped", extra={"fields": {"account": one.name}})
                    return
                except Exception as error:  # the top of a task: an account's trouble is not the others'
                    log.error("intake_failed", extra={"fields": {"account": one.name}}, exc_info=error)
                    await self.clock.sleep(wait)
                    wait = min(wait * 2, LONGEST_WAIT)
        finally:
            self.reading -= 1

    async def _hold_back(self) -> None:
        """Back-pressure: the platform keeps what the classifier cannot take yet."""
        while await self.engine.waiting(Queue.CLASSIFY) > INTAKE_BACKLOG and not self.stopping.is_set():
            await asyncio.sleep(0.1)

    async def _finish(self) -> None:
        names = [one.name for one in self.config.accounts]
        while self.reading or not await self.engine.idle() or await self.db.read(partial(_in_doubt, names=names)):
            await asyncio.sleep(0.1)
        self.stop()


@asynccontextmanager
async def running(
    config: Config, assessor: Assessor, clock: Clock | None = None, chats: Chats | None = None,
    connector: Connect = TCPConnector,
) -> AsyncIterator[App]:  # fmt: skip
    """The app, connected and ready to `run`. Raises `ChaperoneError` when something it needs is not there."""
    clock = clock or SystemClock()
    says = templates(config)
    guard = ReplyGuard(contacts([one.links for one in config.accounts], says), assessor.tells)
    async with AsyncExitStack() as stack:
        stack.enter_context(process_lock(config.store.path))
        db = open_store(config)
        stack.callback(db.close)
        chats = await stack.enter_async_context(chats or Chats(clock, connector))
        engine = LocalEngine(db, clock)
        adapters = dict[str, platforms.Platform]()
        desk = _desk(config, db, engine, clock, chats, says, guard, adapters)  # it listens before anybody connects
        adapters |= {
            one.name: await stack.enter_async_context(connected(config, one, clock, chats, connector))
            for one in config.accounts
        }
        classify = Classify(config, db, engine, clock, assessor)
        schedule = Schedule(config, db, engine, clock)
        sides = {one.name: _side(one, adapters[one.name]) for one in config.accounts}
        lanes = Lanes({(name, each.name): each for name, it in adapters.items() for each in it.lanes})
        remind = timedelta(minutes=config.desk.remind_minutes)
        act = Act(db, clock, sides, lanes, says, guard, remind)
        engine.handle(Queue.CLASSIFY, classify, batch=CLASSIFY_BATCH)
        engine.handle(Queue.ACT, act, batch=ACT_BATCH, workers=ACT_WORKERS)
        engine.handle(Queue.FIRE, schedule)
        engine.handle(Queue.NOTIFY, Notify(config, db, engine, clock), batch=NOTIFY_BATCH)
        await db.run(lambda tx: _record_start(tx, config, assessor.model, clock))
        await db.run(lambda tx: send_pending(tx, engine))
        await db.run(lambda tx: assess_again(tx, engine, assessor.model, clock.now()))
        yield App(config, db, engine, clock, Inbox(db, engine, clock), schedule, adapters, asyncio.Event(), desk)


def _desk(
    config: Config, db: Database, engine: Engine, clock: Clock, chats: Chats, templates: Templates,
    guard: ReplyGuard, adapters: Mapping[str, platforms.Platform],
) -> DiscordCards | None:  # fmt: skip
    """The desk on Discord, where the config has a channel for it. Raises `ConfigError` without a token."""
    if config.desk.discord.channel is None:
        return None

    def able(account: str, verb: Verb, target: Target, now: datetime) -> Capability:
        gone = Capability(Ability.IMPOSSIBLE, "this account is not in the config any more")
        return adapters[account].capability(verb, target, now) if account in adapters else gone

    chat = chats.of(token())
    cards = DiscordCards(config, db, clock, chat, able)
    desk = DiscordDesk(config, db, engine, clock, templates, guard, cards)
    desk.listen(chat)
    chat.prepare(registration(desk))
    return cards


def connected(
    config: Config, one: Account, clock: Clock, chats: Chats, connector: Connect = TCPConnector
) -> AbstractAsyncContextManager[platforms.Platform]:
    """One account's adapter, connected; it may share `chats`. Raises `PlatformError` or `ConfigError`."""
    _, adapter = platforms.load(one.platform)
    staff, desk = frozenset(one.staff), config.desk.discord.channel
    around = platforms.Surroundings(one.name, clock, _folder(config, one), staff, chats, connector, desk)
    return adapter.connect(one.platform_settings(), around)


def _folder(config: Config, one: Account) -> Path:
    """What an adapter must remember outside the store."""
    return config.store.path.parent / f"{config.store.path.stem}.{one.name}"


def standings(config: Config, clock: Clock) -> list[str]:
    """What there is to say of the accounts without asking their platforms, such as what is left of the day's budget."""
    told: list[str] = []
    for one in config.accounts:
        _, adapter = platforms.load(one.platform)
        around = platforms.Surroundings(one.name, clock, _folder(config, one))
        told += [f"{one.name}: {line}" for line in adapter.standing(one.platform_settings(), around)]
    return told


def ahead(tx: Connection, config: Config, now: datetime) -> list[Wait]:
    """What waits for a rate limit, of every account, and when it is expected to be done."""
    found: list[Wait] = []
    for one in config.accounts:
        _, adapter = platforms.load(one.platform)
        found += expected(tx, one.name, adapter.lanes, adapter.spends, now)
    return [each for each in found if each.done_by > now]


def _side(one: Account, adapter: platforms.Platform) -> Side:
    says = Occasion(one.platform, one.country, links=one.links)
    return Side(one.mode, {Mode.LIVE: Live(adapter), Mode.SHADOW: Shadow(adapter)}, says)


def _in_doubt(tx: Connection, names: Sequence[str]) -> bool:
    """Calls whose end nobody saw yet, on accounts that can be asked."""
    stopped = select(account.c.name).where(account.c.stopped_why.is_not(None))
    asked = action.c.account.in_(names) & action.c.account.not_in(stopped)
    return tx.execute(select(exists().where(action.c.state == ActionState.SENDING, asked))).scalar_one()


def _record_start(tx: Connection, config: Config, model: str, clock: Clock) -> None:
    """Write down what decides from now on, and each account whose mode changed."""
    now = clock.now()
    ruling = config.model_dump(mode="json", include={"classifier", "not_assessed", "rules"})
    row = insert(revision).values(id=config.revision(), model=model, config=ruling, at=now)
    tx.execute(row.on_conflict_do_nothing())
    for one in config.accounts:
        before = tx.execute(select(account.c.mode).where(account.c.name == one.name)).scalar()
        new = insert(account).values(name=one.name, platform=one.platform, mode=one.mode, mode_since=now)
        tx.execute(new.on_conflict_do_nothing())
        start_account(tx, one.name, now)
        if before != one.mode:
            tx.execute(update(account).where(account.c.name == one.name).values(mode=one.mode, mode_since=now))
            write_audit(tx, now, [Note("mode", account=one.name, detail=f"{before or 'new'} to {one.mode}")])
    write_audit(tx, now, [Note("started", detail=f"{model}/{config.revision()}")])
