"""Commands answer one person, and people are called when they are needed."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.config import OnDiscord
from bot.model import Severity
from bot.review.discord_calls import is_quiet
from bot.sandbox.discord import Discord
from bot.sandbox.faults import FORBIDDEN
from bot.schedule import remind
from bot.store.tables import card
from classifiers.labels import Label
from tests.discord_desk.room import Room, told, until
from tests.support import NOON, PRACTICE, House, opened_store

COMMANDS: list[tuple[str, str, dict[str, Any], str]] = [
    ("queue", "ben", {}, "1 case for a person"),
    ("why", "ben", {"comment": 1}, "very likely (0.9400)"),
    ("history", "cleo", {"number": 1}, "1 comment seen"),
    ("stats", "cleo", {}, "normal: 1 case, the oldest for"),
    ("case", "cleo", {"number": 1}, "Case 1 "),
    ("case", "cleo", {"number": 7}, "There is no case 7"),
    ("pause", "ben", {"account": PRACTICE, "label": "harassment"}, "harassment goes to a person"),
    ("resume", "ben", {"account": PRACTICE}, "one must be lead"),
    ("resume", "asha", {"account": PRACTICE}, "was not paused"),
    ("undo", "ben", {"number": 1}, "1 case: 0 actions"),
    ("undo", "ben", {"label": "harassment"}, "one must be lead"),
    ("undo", "asha", {"label": "harassment"}, "nothing to take back"),
    ("undo", "asha", {"revision": "ab12"}, "comes with tuning"),
    ("simulate", "ben", {}, "comes with tuning"),
    ("guard", "ben", {"draft": "Thank you for your visit!"}, "`your visit` It says that somebody was here."),
    ("guard", "ben", {"draft": "Thank you for your comment."}, "nothing against it"),
    ("guard", "ben", {"draft": "Lupus is hard.", "answers": "I have lupus"}, "It repeats what the commenter told"),
    ("help", "ben", {}, "/queue"),
    ("queue", "mallory", {}, "You have no role at this desk"),
]


async def test_commands_answer_privately_and_by_role(room: Room) -> None:
    await room.card(await room.case())
    for name, who, options, answer in COMMANDS:
        given = await room.server.command(name, getattr(room, who), room.channel, **options)
        assert (await given.answered())["type"] == 5
        assert answer in await told(given), (name, who)
    assert len(room.messages()) == 1


async def test_a_press_that_the_store_cannot_take_is_told_to_be_done_again(room: Room) -> None:
    case_id, db = await room.case(), room.house.db
    await room.card(case_id)
    db.run_now(lambda tx: tx.exec_driver_sql("PRAGMA busy_timeout = 0"))
    with closing(sqlite3.connect(db.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        said = await told(await room.press(case_id, "keep", room.ben))
    assert "write lock" in said
    assert "not written down: do it again" in said
    assert db.path.name not in said
    await room.press(case_id, "keep", room.ben)
    await room.shows(case_id, "closed by")


async def test_people_are_called_by_severity_once_and_at_each_reminder(server: Discord, tmp_path: Path) -> None:
    with opened_store(tmp_path) as db:
        settings = {"ping": {"crisis": 7, "urgent": 8}, "quiet_hours": "11:00-13:00"}
        async with Room(server, House(db), settings) as room:
            known: dict[str, Any] = {"label": Label.CRISIS, "assigned_to": "Asha"}
            urgent = await room.case(key="u", severity=Severity.URGENT, **known)
            crisis = await room.case(key="c", severity=Severity.CRISIS, **known)
            said = await until(lambda: [each["content"] for each in server.said(room.channel) if each["content"]])
            assert said == [f"<@&7> <@{'1' * 18}> case {crisis} waits: crisis"]
            room.house.clock.advance(timedelta(hours=2))
            await until(lambda: any(f"case {urgent} waits" in each["content"] for each in server.said(room.channel)))


async def test_a_case_that_a_person_labels_a_crisis_calls_the_first_on_call(server: Discord, tmp_path: Path) -> None:
    """People were called to it already, a moment ago, for a lesser reason."""
    with opened_store(tmp_path) as db:
        async with Room(server, House(db), {"ping": {"crisis": 7, "urgent": 8}}) as room:
            case_id = await room.case(severity=Severity.URGENT)
            await until(lambda: (room.house.rows(card) and room.house.rows(card)[0].pings) or None)
            await room.server.submit(await room.press(case_id, "label", room.cleo), {"labels": "crisis"})
            await room.shows(case_id, "label crisis")
            await db.run(partial(remind, config=room.cards.config, now=room.house.clock.now()))
            await until(lambda: room.house.rows(card)[0].pings)
            calls = [each["content"] for each in server.said(room.channel) if each["content"]]
            assert calls == [f"<@&8> case {case_id} waits: urgent", f"<@&7> <@{'1' * 18}> case {case_id} waits: crisis"]


async def test_whoever_is_assigned_is_called_to_the_case(room: Room) -> None:
    case_id = await room.case()
    await room.server.submit(await room.press(case_id, "assign", room.cleo), {"person": room.ben})
    await room.server.submit(await room.press(case_id, "assign", room.ben), {"person": room.cleo})
    await until(lambda: any(each["content"] for each in room.server.said(room.channel)))
    calls = [each["content"] for each in room.server.said(room.channel) if each["content"]]
    assert calls == [f"<@{room.cleo}> case {case_id} is yours: `/case` shows it"]


async def test_a_card_that_cannot_be_edited_keeps_nobody_from_being_called(room: Room) -> None:
    case_id = await room.case()
    message = await room.card(case_id)
    room.server.fail("PATCH", f"*/messages/{message['id']}", FORBIDDEN, times=1000)
    await room.press(case_id, "take", room.ben)
    await room.server.journal.arrival("PATCH", f"*/messages/{message['id']}")
    crisis = await room.case(key="c", severity=Severity.CRISIS, label=Label.CRISIS, assigned_to="Asha")
    await until(lambda: any(f"case {crisis} waits" in each["content"] for each in room.server.said(room.channel)))


async def test_a_call_that_may_have_been_made_is_looked_up_and_not_made_twice(server: Discord, tmp_path: Path) -> None:
    """The process died between calling and writing it down, long enough ago for Discord to forget the nonce."""
    with opened_store(tmp_path) as db:
        room = Room(server, House(db), {"ping": {"urgent": 8}})
        async with room:
            case_id = await room.case(severity=Severity.URGENT)
            await until(lambda: (room.house.rows(card) and room.house.rows(card)[0].pings) or None)
        room.house.db.run_now(lambda tx: tx.execute(card.update().values(pings=0)))
        server.world.nonces.clear()
        room.house.clock.advance(timedelta(hours=1))
        async with room.restarted() as later:
            await until(lambda: later.house.rows(card)[0].pings or None)
        calls = [each["content"] for each in server.said(room.channel) if each["content"]]
        assert calls == [f"<@&8> case {case_id} waits: urgent"]


QUIET = [("", 3, False), ("22:00-07:00", 23, True), ("22:00-07:00", 3, True), ("22:00-07:00", 7, False),
         ("12:00-13:00", 12, True), ("12:00-13:00", 13, False)]  # fmt: skip


@pytest.mark.parametrize(("hours", "hour", "quiet"), QUIET)
def test_quiet_hours(hours: str, hour: int, quiet: bool) -> None:
    assert is_quiet(OnDiscord(quiet_hours=hours), NOON.replace(hour=hour)) is quiet
