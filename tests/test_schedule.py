"""Timers and retention: each slot once, in time, the next person for crisis, words go and knowledge stays."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from bot import retention
from bot.app import running
from bot.classify import Classify
from bot.clock import StillClock
from bot.config import Config
from bot.model import Batch, CaseState, Mode, Reason, Severity, Verb, Verdict
from bot.schedule import EVERY, Schedule, remind
from bot.store.cipher import Cipher, new_key
from bot.store.engine.port import Queue
from bot.store.queries import NewCase, opened, put_in_case
from bot.store.tables import assessment, case, comment, decision, job, metadata, ruling, sched_run, set_aside
from classifiers.labels import Label
from tests.support import NOON, PRACTICE, House, StubAssessor, opened_store, posted

CONFIG = Config.model_validate(
    {
        "store": {"keep_text_days": 30, "keep_crisis_text_days": 90},
        "accounts": [
            {"name": PRACTICE, "platform": "replay", "on_call": [{"name": "dr sen"}, {"name": "manager"}]},
        ],
    }
)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened_store(tmp_path) as db:
        yield House(db)


async def received(house: House, *texts: str) -> None:
    events = tuple(posted(str(number), text) for number, text in enumerate(texts, 1))
    await house.inbox.receive(PRACTICE, Mode.LIVE, Batch(events, "c"))


def put(house: House, severity: Severity, comment_id: int | None = None, assigned: str | None = None) -> int:
    due = NOON + timedelta(minutes=10)
    new = NewCase(f"k{severity}", PRACTICE, Reason.FLAGGED, Label.CRISIS, "why", severity, due, assigned)
    return house.db.run_now(lambda tx: put_in_case(tx, new, comment_id, NOON))


def reminded(house: House, minutes: int) -> None:
    house.db.run_now(lambda tx: remind(tx, CONFIG, NOON + timedelta(minutes=minutes)))


async def test_a_slot_fires_once_however_often_the_clock_does(house: House) -> None:
    schedule = Schedule(CONFIG, house.db, house.engine, house.clock)
    for _ in range(3):
        await schedule.fire("timers")
    house.clock.advance(EVERY["timers"])
    await schedule.fire("timers")
    assert len(house.rows(sched_run)) == 2
    assert [row.queue for row in house.rows(job)] == [Queue.FIRE] * 2


async def work(house: House, schedule: Schedule) -> None:
    """Fire, and do what is asked for, as the engine would."""
    before = {row.slot for row in house.rows(sched_run)}
    await schedule.fire("timers")
    await schedule([row.id for row in house.rows(sched_run) if row.slot not in before])


async def test_a_clock_set_back_by_an_hour_delays_no_call_by_more_than_the_usual_wait(house: House) -> None:
    schedule = Schedule(CONFIG, house.db, house.engine, house.clock)
    put(house, Severity.CRISIS)
    await work(house, schedule)
    house.clock.advance(-timedelta(hours=1))
    reminders = []
    for _ in range(12):
        await work(house, schedule)
        reminders.append(house.rows(case)[0].reminders)
        house.clock.advance(EVERY["timers"])
    assert reminders == [0] * 10 + [1, 1]


async def test_a_claim_of_before_the_clock_was_set_back_holds_no_calls(house: House) -> None:
    put(house, Severity.CRISIS)
    later = NOON + timedelta(days=1)
    house.db.run_now(lambda tx: tx.execute(update(case).values(claimed_by="asha", claimed_until=later, due_at=later)))
    for minutes in (0, 9, 10):
        assert [row.reminders for row in house.rows(case)] == [0]
        reminded(house, minutes)
    assert [row.reminders for row in house.rows(case)] == [1]


async def test_a_timer_that_sleeps_for_an_hour_since_the_clock_went_back_is_woken(house: House) -> None:
    schedule = Schedule(CONFIG, house.db, house.engine, house.clock)
    schedule.timer.start()
    for each in schedule.timer.get_jobs():
        each.modify(next_run_time=datetime.now(UTC) + timedelta(hours=3))
    task = asyncio.create_task(schedule.mind_the_wall_clock(0.01))
    async with asyncio.timeout(20):
        while {row.name for row in house.rows(sched_run)} != set(EVERY):
            await asyncio.sleep(0.01)
    task.cancel()
    schedule.stop()


async def test_slots_of_before_the_clock_was_set_back_hold_up_no_start(house: House) -> None:
    put(house, Severity.CRISIS)
    for minutes in (60, 61, 0, 1):
        schedule = Schedule(CONFIG, house.db, house.engine, StillClock(NOON + timedelta(minutes=minutes)))
        await work(house, schedule)
    assert [row.slot for row in house.rows(sched_run)] == [NOON, NOON + timedelta(minutes=1)]


async def test_a_clock_set_back_before_a_start_delays_no_call_by_more_than_the_usual_wait(house: House) -> None:
    put(house, Severity.CRISIS)
    put(house, Severity.HIGH)
    for minutes in (-60, -51, -50):
        assert [row.reminders for row in house.rows(case)] == [0, 0]
        reminded(house, minutes)
    assert [row.reminders for row in house.rows(case)] == [1, 0]


async def test_a_crisis_goes_to_the_next_person_and_round_again(house: House) -> None:
    put(house, Severity.CRISIS, assigned="dr sen")
    told = []
    for minutes in (9, 10, 20, 30):
        reminded(house, minutes)
        told.append(house.rows(case)[0].assigned_to)
    assert told == ["dr sen", "manager", "dr sen", "manager"]


async def test_a_sleep_of_hours_catches_up_with_one_reminder(house: House) -> None:
    put(house, Severity.CRISIS, assigned="dr sen")
    reminded(house, 600)
    reminded(house, 601)
    assert house.rows(case)[0].reminders == 1


async def test_other_cases_are_reminded_of_and_stay_with_whom_they_were(house: House) -> None:
    put(house, Severity.HIGH, assigned="asha")
    reminded(house, 10)
    row = house.rows(case)[0]
    assert (row.assigned_to, row.reminders, row.due_at) == ("asha", 1, NOON + timedelta(minutes=10 + 240))


def judged(house: House, comment_id: int, severity: Severity) -> None:
    row = {
        "comment_id": comment_id, "model": "m", "revision": "r", "at": NOON, "account": PRACTICE, "why": "w",
        "verdict": Verdict.ASK, "rule": "r", "severity": severity, "label": Label.CRISIS, "flags": [],
    }  # fmt: skip
    house.db.run_now(lambda tx: tx.execute(insert(decision).values(row)))


def noted(house: House, case_id: int, what: str = "note") -> int:
    """A ruling with words, at noon."""
    row = {"case_id": case_id, "actor": "asha", "role": "lead", "what": what, "words": b"x", "at": NOON}
    id_: int = house.db.run_now(lambda tx: tx.execute(insert(ruling).values(row).returning(ruling.c.id)).scalar_one())
    return id_


def expired(house: House, days: int, config: Config = CONFIG) -> list[bool]:
    house.db.run_now(lambda tx: retention.expire(tx, config, NOON + timedelta(days=days)))
    return [row.body is None for row in house.rows(comment)]


async def test_words_go_after_their_time_and_crisis_is_kept_longer(house: House) -> None:
    await received(house, "plain", "crisis")
    judged(house, 1, Severity.NORMAL)
    judged(house, 2, Severity.CRISIS)
    assert [expired(house, days) for days in (29, 31, 89, 91)] == [
        [False, False],
        [True, False],
        [True, False],
        [True, True],
    ]


async def test_words_of_a_crisis_may_go_sooner_than_the_rest(house: House) -> None:
    await received(house, "plain", "crisis")
    judged(house, 2, Severity.CRISIS)
    noted(house, put(house, Severity.CRISIS, comment_id=2), "keep")
    house.db.run_now(lambda tx: tx.execute(case.update().values(state=CaseState.CLOSED)))
    sooner = CONFIG.model_copy(update={"store": CONFIG.store.model_copy(update={"keep_crisis_text_days": 7})})
    assert [expired(house, days, sooner) for days in (6, 8)] == [[False, False], [False, True]]
    assert house.rows(ruling)[0].words is None


async def test_a_typed_reply_goes_after_its_time_also_where_the_words_it_answers_went_before(house: House) -> None:
    await received(house, "plain")
    case_id = put(house, Severity.HIGH, comment_id=1)
    house.wish(1, Verb.REPLY, ruling_id=noted(house, case_id, "reply"), words=house.db.cipher.seal("typed"))
    house.db.run_now(lambda tx: tx.execute(comment.update().values(body=None)))
    assert [(expired(house, days), house.action(1).words is None)[1] for days in (29, 31)] == [False, True]


async def test_a_run_that_is_soon_over_forgets_all_that_is_old(tmp_path: Path) -> None:
    lines = [json.dumps({"id": str(number), "text": "hello"}) for number in range(retention.LONGEST_BATCH + 1)]
    (tmp_path / "c.jsonl").write_text("\n".join(lines) + "\n")
    account = {
        "name": PRACTICE,
        "platform": "replay",
        "settings": {"path": tmp_path / "c.jsonl", "follow": False},
    }
    store = {"path": tmp_path / "chaperone.sqlite3", "key_file": tmp_path / "s.key", "keep_text_days": 30}
    config = Config.model_validate({"store": store, "accounts": [account]})
    left = []
    for days in (0, 31):
        async with running(config, StubAssessor({}), StillClock(NOON + timedelta(days=days))) as app:
            await app.run(once=True)
            rows = await app.db.read(lambda tx: tx.execute(select(comment.c.body)).scalars().all())
        left.append(sum(body is not None for body in rows))
    assert left == [len(lines), 0]


async def test_an_open_case_keeps_its_words(house: House) -> None:
    await received(house, "open")
    put(house, Severity.HIGH, comment_id=1)
    assert expired(house, 400) == [False]
    house.db.run_now(lambda tx: tx.execute(case.update().values(state=CaseState.CLOSED)))
    assert expired(house, 400) == [True]


async def test_what_was_set_aside_expires_too(house: House) -> None:
    row = {"account": PRACTICE, "position": "line 1", "text_key": "k", "why": "w", "words": b"x", "at": NOON}
    house.db.run_now(lambda tx: tx.execute(insert(set_aside).values(row)))
    expired(house, 31)
    assert house.rows(set_aside)[0].words is None


async def test_erasing_a_person_leaves_scores_about_nobody(house: House) -> None:
    await received(house, "my words", "more of them")
    row = {"comment_id": 1, "model": "m", "probabilities": {"crisis": 0.2}, "spans": [[0, 2, "person"]]}
    house.db.run_now(lambda tx: tx.execute(insert(assessment).values(row)))
    house.wish(1, Verb.REPLY, words=house.db.cipher.seal("typed"))
    key = house.db.cipher.keyed_hash("author", PRACTICE, "u1")
    assert house.db.run_now(lambda tx: retention.erase(tx, house.db.cipher, key, "asha", NOON)) == 2
    assert [(row.body, row.author_key) for row in house.rows(comment)] == [(None, None)] * 2
    assert house.rows(assessment)[0].probabilities == {"crisis": 0.2}
    assert house.rows(assessment)[0].spans == []
    assert house.action(1).words is None


async def test_erasing_a_person_forgets_what_was_typed_in_their_cases(house: House) -> None:
    await received(house, "my words")
    noted(house, put(house, Severity.HIGH, comment_id=1))
    noted(house, put(house, Severity.NORMAL))
    key = house.db.cipher.keyed_hash("author", PRACTICE, "u1")
    house.db.run_now(lambda tx: retention.erase(tx, house.db.cipher, key, "asha", NOON))
    assert [(row.what, row.words is None) for row in house.rows(ruling)] == [("note", True), ("note", False)]


async def test_erasing_a_person_leaves_nothing_that_joins_their_cases(house: House) -> None:
    await received(house, "you fool", "fool again")
    judge = Classify(CONFIG, house.db, house.engine, house.clock, StubAssessor({"fool": {Label.HARASSMENT: 0.9}}))
    await judge([1, 2])
    key = house.db.cipher.keyed_hash("author", PRACTICE, "u1")
    assert [key in row.key for row in house.rows(case)] == [True]
    put(house, Severity.HIGH, comment_id=1)
    house.db.run_now(lambda tx: retention.erase(tx, house.db.cipher, key, "asha", NOON))
    assert [row.key for row in house.rows(case)] == ["erased/1", f"k{Severity.HIGH}"]
    for table in metadata.sorted_tables:
        assert key not in str(house.rows(table))


async def test_a_rotated_key_opens_everything_and_the_old_one_nothing(tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    with opened_store(tmp_path, old) as db:
        await received(House(db), "my words")
    with opened_store(tmp_path, new, old) as db:
        count = db.run_now(lambda tx: retention.rotate(tx, db.cipher))
    assert count == 2  # the comment, and the database's own secret
    with opened_store(tmp_path, new) as db:
        body = House(db).comment(1).body
        words = opened(Cipher([new]), body)
    assert words is not None
    assert words.text == "my words"
