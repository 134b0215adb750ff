"""Lanes: what is spent is remembered, what a platform says is believed, and the desk is told how long it takes."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert

from bot.lanes import Lanes, expected
from bot.model import Ability, ActionState, Allowance, Capability, Lane, Mode, Verb
from bot.store.database import Database
from bot.store.tables import action, comment
from tests.support import NOON, PRACTICE, opened_store

HIDES = Lane("hide", 50, 900)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with opened_store(tmp_path) as db:
        yield db


def spend(db: Database, times: int = 1, at: timedelta = timedelta(), heard: Allowance | None = None) -> int:
    """How many of so many calls the lane lets through."""
    lanes, able = Lanes({(PRACTICE, "hide"): HIDES}), Capability(Ability.NATIVE, lane="hide", heard=heard)
    waits = [db.run_now(lambda tx: lanes.spend(tx, PRACTICE, able, NOON + at)) for _ in range(times)]
    return waits.count(None)


def test_a_window_lets_its_limit_through_and_begins_anew(db: Database) -> None:
    assert spend(db, 60) == 50
    assert spend(db, at=14 * MINUTE) == 0
    assert spend(db, 60, at=15 * MINUTE) == 50


HEARD = [
    # what the platform said; how many go through at once, and how many one minute after its window ended
    (Allowance(50, NOON + 15 * MINUTE), 50, 50),
    (Allowance(10, NOON + 5 * MINUTE), 10, 50),  # somebody else spends too
    (Allowance(0, NOON + 5 * MINUTE), 0, 50),
    (Allowance(0, NOON - 5 * MINUTE), 50, 50),  # of a window that is over
]


@pytest.mark.parametrize(("heard", "now", "after"), HEARD)
def test_what_the_platform_says_is_left_is_believed(db: Database, heard: Allowance, now: int, after: int) -> None:
    assert spend(db, 60, heard=heard) == now
    assert spend(db, 60, at=16 * MINUTE, heard=heard) == after


def test_calls_under_way_that_the_platform_did_not_count_yet_are_counted(db: Database) -> None:
    assert spend(db, 30) == 30
    assert spend(db, 60, heard=Allowance(49, NOON + 15 * MINUTE)) == 20


def test_a_short_pause_does_not_fill_a_lane_again(db: Database) -> None:
    assert spend(db, 40) == 40
    db.run_now(lambda tx: Lanes({}).block(tx, PRACTICE, "hide", NOON + MINUTE))
    assert spend(db, 1) == 0
    assert spend(db, 60, at=MINUTE) == 10


def wish(tx: Connection, verb: Verb, count: int, state: ActionState = ActionState.PENDING) -> None:
    row = {
        "account": PRACTICE, "external_id": f"{verb}{state}", "edit": 0, "author_kind": "public", "thread": "",
        "summoned": False, "posted_at": NOON, "seen_at": NOON, "mode": Mode.LIVE, "text_key": "", "state": "acting",
    }  # fmt: skip
    (id_,) = tx.execute(insert(comment).values(row).returning(comment.c.id)).one()
    rows = [
        {
            "key": f"{verb}{state}{n}", "comment_id": id_, "account": PRACTICE, "verb": verb, "mode": Mode.LIVE,
            "severity": 20, "state": state,
        }
        for n in range(count)
    ]  # fmt: skip
    tx.execute(insert(action), rows)


@pytest.mark.parametrize(
    ("spent", "hides", "minutes"), [(0, 50, 0), (0, 51, 15), (50, 2, 15), (20, 30, 0), (20, 31, 15), (50, 950, 19 * 15)]
)
def test_the_time_to_drain_is_told(db: Database, spent: int, hides: int, minutes: int) -> None:
    assert spend(db, spent) == spent
    db.run_now(lambda tx: wish(tx, Verb.HIDE, hides - 1))
    db.run_now(lambda tx: wish(tx, Verb.RESTORE, 1))
    db.run_now(lambda tx: wish(tx, Verb.HIDE, 7, ActionState.DONE))
    spends = {Verb.HIDE: "hide", Verb.RESTORE: "hide"}
    (wait,) = db.read_now(lambda tx: expected(tx, PRACTICE, [HIDES, Lane("dm", 15, 900)], spends, NOON))
    assert (wait.actions, wait.done_by - NOON) == (hides, minutes * MINUTE)
