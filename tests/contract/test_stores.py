"""What every engine of `bot/store/engine` promises; a new file in that folder is found by itself."""

import asyncio
import importlib
import pkgutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

import bot.store.engine
from bot.clock import StillClock
from bot.store.database import Database
from bot.store.engine.local import LocalEngine
from bot.store.engine.port import Engine, Job, Later, Queue
from bot.store.tables import job
from tests.support import NOON, opened_store

HOUR = timedelta(hours=1)
Make = Callable[[Database, StillClock], Engine]


def engines() -> list[type]:
    """The class whose name ends in `Engine`, of every file beside the port."""
    files = [file.name for file in pkgutil.iter_modules(bot.store.engine.__path__) if file.name != "port"]
    modules = [importlib.import_module(f"bot.store.engine.{name}") for name in files]
    found = [vars(module) for module in modules]
    return [
        next(each for name, each in names.items() if name.endswith("Engine") and name != "Engine") for names in found
    ]


@pytest.fixture(params=engines(), ids=lambda engine: engine.__name__)
def make(request: pytest.FixtureRequest) -> Make:
    engine: type = request.param
    return lambda db, clock: engine(db, clock, poll=0.01)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with opened_store(tmp_path) as db:
        yield db


@pytest.fixture
def clock() -> StillClock:
    return StillClock(NOON)


class Worker:
    """A handler that notes what it is asked to do, and answers with what is on top of `answers`."""

    def __init__(self, *answers: Later | Exception) -> None:
        self.calls: list[list[int]] = []
        self.answers = list(answers)

    async def __call__(self, refs: Sequence[int]) -> Later:
        self.calls.append(list(refs))
        answer = self.answers.pop(0) if self.answers else {}
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def done(self) -> list[int]:
        return [ref for call in self.calls for ref in call]


class Slow(Worker):
    """Every call waits until its turn of `free` is set."""

    def __init__(self, *free: asyncio.Event) -> None:
        super().__init__()
        self.free = list(free)

    async def __call__(self, refs: Sequence[int]) -> Later:
        mine = self.free[len(self.calls)]
        answer = await super().__call__(refs)
        await mine.wait()
        return answer


async def ask(db: Database, engine: Engine, *jobs: Job, queue: Queue = Queue.ACT) -> None:
    await db.run(lambda tx: engine.enqueue(tx, queue, jobs))
    engine.wake()


@asynccontextmanager
async def working(engine: Engine) -> AsyncIterator[None]:
    """The engine at work; at the end it is stopped as it should be, and should it fail, so does the test."""
    async with asyncio.TaskGroup() as group:
        group.create_task(engine.run())
        yield
        engine.stop()


async def until(happened: Callable[[], bool]) -> None:
    while not happened():
        await asyncio.sleep(0.005)


async def rest(engine: Engine) -> None:
    while not await engine.idle():
        await asyncio.sleep(0.005)


async def test_what_is_asked_for_in_a_transaction_is_done_after_its_commit(
    make: Make, db: Database, clock: StillClock
) -> None:
    engine, worker = make(db, clock), Worker()
    engine.handle(Queue.ACT, worker)
    await ask(db, engine, Job("a", 1), Job("b", 2))
    assert await engine.waiting(Queue.ACT) == 2
    assert not await engine.idle()
    async with working(engine):
        await rest(engine)
    assert worker.calls == [[1], [2]]
    assert await engine.waiting(Queue.ACT) == 0


async def test_what_is_rolled_back_was_not_asked_for(make: Make, db: Database, clock: StillClock) -> None:
    engine, worker = make(db, clock), Worker()
    engine.handle(Queue.ACT, worker)

    def body(tx: object) -> None:
        engine.enqueue(tx, Queue.ACT, [Job("a", 1)])  # type: ignore[arg-type]
        raise ValueError("a mistake")

    with pytest.raises(ValueError, match="a mistake"):
        await db.run(body)
    async with working(engine):
        await ask(db, engine, Job("b", 2))
        await rest(engine)
    assert worker.done == [2]


async def test_every_queue_has_its_own_worker_and_a_batch_its_limit(
    make: Make, db: Database, clock: StillClock
) -> None:
    engine, acts, texts = make(db, clock), Worker(), Worker()
    engine.handle(Queue.ACT, acts)
    engine.handle(Queue.CLASSIFY, texts, batch=3)
    await ask(db, engine, Job("a", 1))
    await ask(db, engine, *(Job(str(ref), ref) for ref in range(10, 17)), queue=Queue.CLASSIFY)
    async with working(engine):
        await rest(engine)
    assert acts.calls == [[1]]
    assert texts.calls == [[10, 11, 12], [13, 14, 15], [16]]


async def test_the_most_severe_goes_first_then_the_oldest(make: Make, db: Database, clock: StillClock) -> None:
    engine, worker = make(db, clock), Worker()
    engine.handle(Queue.ACT, worker)
    jobs = [(1, 10), (2, 50), (3, 10), (4, 30), (5, 50)]
    await ask(db, engine, *(Job(str(ref), ref, priority=priority) for ref, priority in jobs))
    async with working(engine):
        await rest(engine)
    assert worker.done == [2, 5, 4, 1, 3]


async def test_a_key_waits_once_and_may_be_asked_for_again_when_done(
    make: Make, db: Database, clock: StillClock
) -> None:
    engine, worker = make(db, clock), Worker()
    engine.handle(Queue.ACT, worker)
    await ask(db, engine, Job("a", 1), Job("a", 2))
    await ask(db, engine, Job("a", 3))
    await ask(db, engine, Job("a", 9), queue=Queue.FIRE)
    assert await engine.waiting(Queue.ACT) == await engine.waiting(Queue.FIRE) == 1
    async with working(engine):
        await until(lambda: worker.done == [1])
        while await engine.waiting(Queue.ACT):
            await asyncio.sleep(0.005)
        await ask(db, engine, Job("a", 4))
        await until(lambda: worker.done == [1, 4])


async def test_work_for_later_waits_for_its_time(make: Make, db: Database, clock: StillClock) -> None:
    engine, worker = make(db, clock), Worker()
    engine.handle(Queue.ACT, worker)
    await ask(db, engine, Job("a", 1, run_at=NOON + HOUR), Job("b", 2))
    async with working(engine):
        await rest(engine)
        assert worker.done == [2]
        clock.advance(HOUR)
        await until(lambda: worker.done == [2, 1])


async def test_what_is_not_finished_comes_again_when_the_handler_says(
    make: Make, db: Database, clock: StillClock
) -> None:
    engine, worker = make(db, clock), Worker({2: NOON + HOUR})
    engine.handle(Queue.ACT, worker, batch=3)
    await ask(db, engine, *(Job(str(ref), ref) for ref in (1, 2, 3)))
    async with working(engine):
        await rest(engine)
        assert worker.calls == [[1, 2, 3]]
        assert await engine.waiting(Queue.ACT) == 1
        clock.advance(HOUR)
        await until(lambda: worker.calls == [[1, 2, 3], [2]])
    assert await engine.waiting(Queue.ACT) == 0


async def test_after_an_exception_work_comes_again_ever_later(make: Make, db: Database, clock: StillClock) -> None:
    engine, worker = make(db, clock), Worker(*[ValueError("a mistake")] * 4)
    engine.handle(Queue.ACT, worker)
    waits = []
    await ask(db, engine, Job("a", 1))
    async with working(engine):
        for turn in range(1, 5):
            await until(lambda turn=turn: len(worker.calls) == turn)  # type: ignore[misc]
            await rest(engine)
            waits.append(await seconds_until_due(engine, clock))
        await until(lambda: len(worker.calls) == 5)
    assert waits == sorted(set(waits))
    assert worker.calls == [[1]] * 5


async def seconds_until_due(engine: Engine, clock: StillClock) -> int:
    """Let seconds pass until the work is due again."""
    seconds = 0
    while await engine.idle():
        clock.advance(timedelta(seconds=1))
        seconds += 1
    return seconds


class Poisoned(Worker):
    async def __call__(self, refs: Sequence[int]) -> Later:
        await super().__call__(refs)
        if 3 in refs:
            raise ValueError("3 cannot be done")
        return {}


async def test_work_that_always_fails_does_not_take_its_batch_with_it(
    make: Make, db: Database, clock: StillClock
) -> None:
    engine, worker = make(db, clock), Poisoned()
    engine.handle(Queue.ACT, worker, batch=5)
    await ask(db, engine, *(Job(str(ref), ref) for ref in range(1, 6)))
    async with working(engine):
        for _ in range(3):
            await until(lambda: len(worker.calls) > 0)
            await rest(engine)
            clock.advance(HOUR)
        await rest(engine)
        assert await engine.waiting(Queue.ACT) == 1
    alone = [call for call in worker.calls if 3 not in call]
    assert sorted(ref for call in alone for ref in call) == [1, 2, 4, 5]


async def test_work_under_way_at_a_crash_is_done_after_the_restart(make: Make, db: Database, clock: StillClock) -> None:
    first, slow = make(db, clock), Slow(asyncio.Event())
    first.handle(Queue.ACT, slow, batch=2)
    await ask(db, first, Job("a", 1), Job("b", 2))
    running = asyncio.create_task(first.run())
    await until(lambda: slow.calls == [[1, 2]])
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    second, worker = make(db, clock), Worker()
    second.handle(Queue.ACT, worker)
    async with working(second):
        await rest(second)
    assert worker.done == [1, 2]


async def test_a_lease_is_held_by_one_worker_until_it_runs_out(make: Make, db: Database, clock: StillClock) -> None:
    free = [asyncio.Event(), asyncio.Event()]
    engine, slow = make(db, clock), Slow(*free)
    engine.handle(Queue.ACT, slow, workers=2)
    await ask(db, engine, Job("a", 1))
    async with working(engine):
        await until(lambda: len(slow.calls) == 1)
        clock.advance(timedelta(seconds=90))
        engine.wake()
        await asyncio.sleep(0.1)
        assert slow.calls == [[1]]
        clock.advance(HOUR)
        await until(lambda: slow.calls == [[1], [1]])
        free[1].set()
        free[0].set()


async def test_work_that_outlived_its_lease_does_not_complete_anothers(
    make: Make, db: Database, clock: StillClock
) -> None:
    free = [asyncio.Event(), asyncio.Event()]
    engine, slow = make(db, clock), Slow(*free)
    engine.handle(Queue.ACT, slow, workers=2)
    await ask(db, engine, Job("a", 1))
    async with working(engine):
        await until(lambda: len(slow.calls) == 1)
        clock.advance(HOUR)
        await until(lambda: len(slow.calls) == 2)
        free[0].set()
        await ask(db, engine, Job("b", 2, run_at=NOON + 10 * HOUR))  # a write after that of the first worker
        await asyncio.sleep(0.1)
        assert await engine.waiting(Queue.ACT) == 2
        free[1].set()
        while await engine.waiting(Queue.ACT) > 1:
            await asyncio.sleep(0.005)


async def test_stopping_finishes_what_is_leased_and_takes_no_more(make: Make, db: Database, clock: StillClock) -> None:
    free = asyncio.Event()
    engine, slow = make(db, clock), Slow(free)
    engine.handle(Queue.ACT, slow)
    await ask(db, engine, Job("a", 1), Job("b", 2))
    running = asyncio.create_task(engine.run())
    await until(lambda: slow.calls == [[1]])
    engine.stop()
    await asyncio.sleep(0)
    assert not running.done()
    free.set()
    await running
    assert slow.calls == [[1]]
    assert await engine.waiting(Queue.ACT) == 1


async def test_a_clock_gone_back_an_hour_loses_nothing_and_holds_up_no_new_work(
    make: Make, db: Database, clock: StillClock
) -> None:
    free = asyncio.Event()
    engine, slow = make(db, clock), Slow(free)
    engine.handle(Queue.ACT, slow)
    later = Worker({9: NOON + timedelta(seconds=2)})
    engine.handle(Queue.FIRE, later)
    await ask(db, engine, Job("a", 1))
    await ask(db, engine, Job("z", 9), queue=Queue.FIRE)
    async with working(engine):
        await until(lambda: slow.calls == [[1]] and later.calls == [[9]])
        clock.advance(-HOUR)
        slow.free += [free, free]
        free.set()
        await ask(db, engine, Job("b", 2), Job("c", 3, run_at=clock.now()))
        await until(lambda: slow.calls == [[1], [2], [3]])
        await rest(engine)
        clock.advance(HOUR + timedelta(seconds=2))
        await until(lambda: later.calls == [[9], [9]])
    assert await engine.waiting(Queue.ACT) == await engine.waiting(Queue.FIRE) == 0


async def test_a_restart_after_the_clock_went_back_does_what_was_under_way(
    make: Make, db: Database, clock: StillClock
) -> None:
    first, slow = make(db, clock), Slow(asyncio.Event())
    first.handle(Queue.ACT, slow)
    await ask(db, first, Job("a", 1))
    running = asyncio.create_task(first.run())
    await until(lambda: slow.calls == [[1]])
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    clock.advance(-HOUR)
    second, worker = make(db, clock), Worker()
    second.handle(Queue.ACT, worker)
    async with working(second):
        await until(lambda: worker.calls == [[1]])


async def test_a_wait_after_very_many_failures_is_still_minutes(db: Database, clock: StillClock) -> None:
    """Only of the embedded engine, whose table is ours to write to."""
    engine, worker = LocalEngine(db, clock, poll=0.01), Worker(ValueError("a mistake"))
    engine.handle(Queue.ACT, worker)
    await ask(db, engine, Job("a", 1))
    await db.run(lambda tx: tx.execute(update(job).values(attempts=5000)))
    async with working(engine):
        await until(lambda: len(worker.calls) == 1)
        await rest(engine)
        clock.advance(timedelta(minutes=5))
        await until(lambda: len(worker.calls) == 2)
