"""What is pressed is ruled once, by who may, and done."""

import asyncio
from pathlib import Path

import pytest

from bot.model import Severity, Verb
from bot.review.presses import What, read
from bot.sandbox.discord import Discord
from bot.sandbox.discord_world import Json, components
from bot.sandbox.faults import Fault
from bot.store.tables import action, ruling
from tests.discord_desk.room import Room, shown, told, until
from tests.support import House, opened_store


async def test_a_press_becomes_a_ruling_an_act_and_an_edited_card(room: Room) -> None:
    case_id = await room.case()
    before = await room.card(case_id)
    assert "you fool 1" in shown(before)
    pressed = await room.press(case_id, "hide", room.ben)
    assert (await pressed.answered())["type"] == 6
    after = await room.shows(case_id, "hide by `ben`: `hidden`")
    assert after["id"] == before["id"]
    assert "closed by `ben`" in shown(after)
    assert [verb for verb, _ in room.house.platform.effects] == [Verb.HIDE]
    assert len(room.messages()) == 1


async def test_two_moderators_never_rule_one_case(room: Room) -> None:
    """Different buttons within a few milliseconds, 200 times: one ruling each, and the other is told who was first."""
    ids = [await room.case(key=f"k{number}") for number in range(200)]
    await until(lambda: len(room.messages()) == len(ids))
    cards = {shown(each).split()[2]: each["id"] for each in room.messages()}
    for case_id in ids:
        await race(room, case_id, cards[str(case_id)])
    rulings = room.house.rows(ruling)
    assert len({row.case_id for row in rulings}) == len(rulings) == 200
    await until(lambda: {row.state for row in room.house.rows(action)} <= {"done"})
    hides = [row.case_id for row in rulings if row.what == "hide"]
    assert len(room.house.platform.effects) == len(hides)


async def race(room: Room, case_id: int, on: str) -> None:
    first, second = (("hide", room.ben), ("keep", room.asha))[:: 1 if case_id % 2 else -1]
    pressed = await asyncio.gather(
        *(room.server.press(on, f"desk:{what}:{case_id}", by) for what, by in (first, second))
    )
    loser = await until(lambda: next((each for each in pressed if each.shown), None))
    winner = next(each for each in pressed if each is not loser)
    name = "ben" if winner.member == room.ben else "asha"
    assert f"closed by {name}" in await told(loser)
    assert not winner.shown


REFUSED = [
    ("no role", "mallory", "desk:hide:{}", "You have no role at this desk"),
    ("triage may not hide", "cleo", "desk:hide:{}", "one must be moderator"),
    ("a moderator may not ban", "ben", "desk:ban:{}", ""),
    ("another case", "ben", "desk:hide:99", "There is no case 99"),
    ("no such button", "asha", "desk:erase:{}", "There is no such button"),
    ("a case in words", "asha", "desk:hide:1 OR 1=1", "There is no such button"),
    ("a huge number", "asha", "desk:hide:" + "9" * 60, "There is no such button"),
    ("revealing is off", "ben", "desk:reveal:{}", "not revealed to your roles"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("who", "custom_id", "why"), [rest for _, *rest in REFUSED], ids=[name for name, *_ in REFUSED]
)
async def test_who_may_not_or_forges_is_told_and_nothing_is_ruled(
    room: Room, who: str, custom_id: str, why: str
) -> None:
    case_id = await room.case()
    on = (await room.card(case_id))["id"]
    pressed = await room.server.press(on, custom_id.format(case_id), getattr(room, who))
    if "ban" in custom_id:  # the form opens; sending it is what is refused
        pressed, why = await room.server.submit(pressed, {"words": "enough"}), "one must be lead"
    assert why in await told(pressed)
    assert not room.house.rows(ruling)
    assert not room.house.rows(action)


def test_a_press_is_read_as_it_was_written() -> None:
    for what in What:
        for custom_id in (f"desk:{what}:12", f"desk:{what}:12:3"):
            press = read(custom_id)
            assert press is not None
            assert press.custom_id() == custom_id
    for custom_id in ("", "desk:keep:", "desk:keep:0", "desk:keep:-1", "desk:keep:1 ", "desk:Keep:1", "keep:1"):
        assert read(custom_id) is None


async def test_an_interaction_that_expired_rules_nothing(room: Room) -> None:
    case_id = await room.case()
    on = (await room.card(case_id))["id"]
    room.server.fail("POST", "*/callback", Fault(status=404, body={"code": 10062, "message": "Unknown interaction"}))
    await room.server.press(on, f"desk:hide:{case_id}", room.ben)
    await room.server.journal.arrival("POST", "*/callback")
    await (await room.server.press(on, f"desk:keep:{case_id}", room.ben)).answered()
    await room.shows(case_id, "closed by")
    assert [row.what for row in room.house.rows(ruling)] == ["keep"]


async def test_nobody_rules_what_another_has_taken(room: Room) -> None:
    case_id = await room.case()
    await room.press(case_id, "take", room.ben)
    await room.shows(case_id, "With `ben` until")
    assert "is with ben" in await told(await room.press(case_id, "hide", room.asha))


async def test_a_press_behind_more_is_ruled_and_said_to_who_pressed(room: Room) -> None:
    case_id = await room.case()
    await room.press(case_id, "hide", room.ben)
    await room.shows(case_id, "`hidden`")
    menu = await room.press(case_id, "more", room.ben)
    await told(menu)
    undone = await room.server.press(menu.shown[0]["id"], f"desk:undo:{case_id}", room.ben)
    assert "undo is written down" in await told(undone)
    await room.shows(case_id, "restore by `ben`: `restored`")
    refused = await room.server.press(menu.shown[0]["id"], f"desk:hide:{case_id}", room.mallory)
    assert "You have no role" in await told(refused)


async def test_nobody_has_to_rule_severe_cases_all_day(server: Discord, tmp_path: Path) -> None:
    with opened_store(tmp_path) as db:
        async with Room(server, House(db), {"severe_per_day": 2}) as room:
            for number in range(2):
                case_id = await room.case(key=f"k{number}", severity=Severity.HIGH)
                await room.press(case_id, "keep", room.ben)
                await room.shows(case_id, "closed by")
            third, crisis = await room.case(severity=Severity.HIGH), await room.case(key="c", severity=Severity.CRISIS)
            assert "Leave this one to a colleague" in await told(await room.press(third, "keep", room.ben))
            await room.press(crisis, "keep", room.ben)
            await room.shows(crisis, "closed by `ben`")


async def test_nobody_rules_on_comments_that_joined_after_the_card_was_drawn(room: Room) -> None:
    """But to hide: in a flood they join faster than anybody presses, and it can be undone."""
    case_id = await room.case(count=2)
    drawn = await room.card(case_id)
    assert {f"desk:keep:{case_id}:2", f"desk:more:{case_id}:2"} <= _custom_ids(drawn)
    await room.case()  # joins it
    menu = await room.server.press(drawn["id"], f"desk:more:{case_id}:2", room.asha)
    await told(menu)
    assert f"desk:ban:{case_id}:2" in _custom_ids(menu.shown[0])
    keep = await room.server.press(drawn["id"], f"desk:keep:{case_id}:2", room.ben)
    ban = await room.server.press(menu.shown[0]["id"], f"desk:ban:{case_id}:2", room.asha)
    for pressed in (keep, await room.server.submit(ban, {"words": "enough"})):
        assert f"Case {case_id} has 3 comments, 1 more than you saw" in await told(pressed)
    assert not room.house.rows(ruling)
    await room.server.press(drawn["id"], f"desk:hide:{case_id}:2", room.ben)
    await room.shows(case_id, "`hidden` × 3")


def _custom_ids(message: Json) -> set[str]:
    return {part["custom_id"] for part in components(message["components"]) if "custom_id" in part}
