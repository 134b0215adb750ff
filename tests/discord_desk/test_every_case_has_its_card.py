"""Deletions, restarts and an unreachable Discord: each open case keeps one card, which works."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.model import Severity
from bot.sandbox.discord import Discord
from bot.sandbox.faults import HTML_503, NOTHING, RESET, RESET_AFTER, Fault
from bot.store.tables import card, ruling
from tests.discord_desk.room import Room, shown, until
from tests.support import House, opened_store

FORBIDDEN = Fault(status=403, body={"code": 50001, "message": "Missing Access"})
NOT_YOURS = Fault(status=403, body={"code": 50005, "message": "Cannot edit a message authored by another user"})
HAS_A_THREAD = Fault(status=400, body={"code": 160004, "message": "A thread has already been created"})


async def test_a_deleted_card_comes_back_while_its_case_is_open(room: Room) -> None:
    case_id = await room.case()
    first = await room.card(case_id)
    await until(lambda: room.house.rows(card)[0].message)  # written down too
    await room.server.delete(first["id"])
    again = await until(lambda: next((each for each in room.messages() if each["id"] != first["id"]), None))
    await room.server.press(again["id"], f"desk:keep:{case_id}", room.ben)
    await room.shows(case_id, "closed by `ben`")
    await room.server.delete(again["id"])
    await until(lambda: not room.house.rows(card))
    assert not room.messages()


async def test_a_card_deleted_while_nobody_ran_comes_back(room: Room) -> None:
    case_id = await room.case()
    first = await room.card(case_id)
    await room.__aexit__()
    await room.server.delete(first["id"])
    async with room.restarted() as later:
        assert (await later.card(case_id))["id"] != first["id"]


async def test_a_card_deleted_while_the_gateway_was_away_comes_back(room: Room) -> None:
    """The process stays; Discord ends the session, and never tells of what was deleted meanwhile."""
    case_id = await room.case()
    first = await room.card(case_id)
    del room.server.world.messages[room.channel][first["id"]]  # nobody is told
    await room.server.invalidate()
    assert (await room.card(case_id))["id"] != first["id"]


async def test_cards_wait_for_a_gateway_that_cannot_be_reached_at_first(server: Discord, tmp_path: Path) -> None:
    with opened_store(tmp_path) as db:
        room = Room(server, House(db))
        case_id = await room.case()
        server.fail("GET", "/", RESET, times=2)
        async with room:
            await room.card(case_id)
        assert len(server.journal.calls("POST", f"*/channels/{room.channel}/messages")) == 1


async def test_cards_wait_for_an_unreachable_discord_and_none_is_posted_twice(room: Room) -> None:
    await room.chat.ready()
    room.server.fail("POST", "*/messages", HTML_503, times=3)
    room.server.fail("POST", "*/messages", RESET_AFTER, times=3)
    ids = [await room.case(key=f"k{number}") for number in range(12)]
    for case_id in ids:
        await room.card(case_id)
    assert len(room.messages()) == 12


async def test_an_old_card_works_after_a_restart_and_a_month(room: Room) -> None:
    case_id = await room.case()
    old = await room.card(case_id)
    await room.__aexit__()
    room.house.clock.advance(timedelta(days=31))
    async with room.restarted() as later:
        await later.chat.ready()
        pressed = await later.server.press(old["id"], f"desk:hide:{case_id}", later.ben)
        assert (await pressed.answered())["type"] == 6
        await later.shows(case_id, "`hidden`")
        assert len(later.messages()) == 1


async def test_a_form_that_was_open_over_a_restart_still_counts(room: Room) -> None:
    case_id = await room.case()
    opened = await room.press(case_id, "note", room.cleo)
    await opened.answered()
    await room.__aexit__()
    async with room.restarted() as later:
        await later.chat.ready()
        await later.server.submit(opened, {"words": "his brother called"})
        row = (await until(lambda: later.house.rows(ruling)))[0]
        assert later.house.db.cipher.open(row.words) == "his brother called"


async def test_the_gravest_case_is_posted_first(server: Discord, tmp_path: Path) -> None:
    with opened_store(tmp_path) as db:
        room = Room(server, House(db))
        for number, severity in enumerate([Severity.LOW, Severity.CRISIS, Severity.NORMAL, Severity.URGENT]):
            await room.case(key=f"k{number}", severity=severity)
        async with room:
            await until(lambda: len(room.messages()) == 4)
        assert [shown(each).split(" · ")[1] for each in room.messages()] == ["crisis", "urgent", "normal", "low"]


async def test_a_card_whose_answer_was_lost_is_found_and_not_posted_again(room: Room) -> None:
    """The process died between posting and writing it down, and Discord has forgotten the nonce."""
    case_id = await room.case()
    first = await room.card(case_id)
    await room.__aexit__()
    room.house.db.run_now(lambda tx: tx.execute(card.update().values(message=None, covered=None, shown=None)))
    room.server.world.nonces.clear()
    room.house.clock.advance(timedelta(minutes=10))
    sent = room.house.rows(card)[0].sent_at
    assert sent is not None
    room.server.world.messages[room.channel][first["id"]]["timestamp"] = sent.isoformat()
    async with room.restarted() as later:
        await until(lambda: later.house.rows(card)[0].message)
        assert [each["id"] for each in later.messages()] == [first["id"]]


@pytest.mark.parametrize(("anew", "there"), [(NOTHING, 1), (HAS_A_THREAD, 0)], ids=["a new one", "only ever one"])
async def test_a_deleted_thread_keeps_no_other_card_from_being_posted(room: Room, anew: Fault, there: int) -> None:
    """A moderator tidies up; then the flood goes on. Discord may not let the card have a second thread."""
    case_id = await room.case(count=30)
    thread, world = (await room.card(case_id))["id"], room.server.world
    await until(lambda: all(row.message for row in room.house.rows(card)) and len(room.house.rows(card)) == 2)
    del world.channels[thread], world.messages[thread]
    room.server.fail("POST", "*/threads", anew, times=100)
    await room.case()
    await room.press(case_id, "take", room.ben)
    await room.card(await room.case(key="later", severity=Severity.LOW))
    await until(lambda: all(row.message for row in room.house.rows(card)))
    assert len(world.messages.get(thread, ())) == there


async def test_a_desk_that_may_write_again_has_its_cards_and_calls(room: Room) -> None:
    room.server.fail("POST", f"*/channels/{room.channel}/messages", FORBIDDEN, times=4)
    await room.card(await room.case(severity=Severity.CRISIS))
    await until(lambda: [each for each in room.server.said(room.channel) if each["content"].endswith("waits: crisis")])


async def test_a_thread_that_we_may_not_begin_keeps_no_other_card_from_being_posted(room: Room) -> None:
    room.server.fail("POST", "*/threads", FORBIDDEN, times=100)
    await room.case(count=30, severity=Severity.HIGH)
    await room.card(await room.case(key="later", severity=Severity.LOW))


async def test_cards_of_a_channel_that_we_may_not_use_any_more_come_to_the_new_one(room: Room) -> None:
    """One was posted there, and one was to be."""
    posted = await room.case(severity=Severity.URGENT)
    await room.card(posted)
    room.server.fail("*", f"*/channels/{room.channel}/messages*", FORBIDDEN, times=1000)
    waits = await room.case(key="waits", severity=Severity.HIGH)
    await until(lambda: len(room.house.rows(card)) == 2)
    await room.__aexit__()
    later = room.restarted()
    later.channel = later.server.channel("new desk")
    async with later:
        await later.case()  # joins the one whose card is in the old channel
        for case_id in (posted, waits, await later.case(key="later", severity=Severity.LOW)):
            await later.card(case_id)


async def test_the_card_of_another_bot_is_posted_anew(room: Room) -> None:
    """Somebody made a new application: nobody hears what is pressed on the cards of the old one."""
    case_id = await room.case()
    first = await room.card(case_id)
    room.server.fail("PATCH", f"*/messages/{first['id']}", NOT_YOURS, times=100)
    await room.press(case_id, "take", room.ben)
    await until(lambda: len(room.messages()) == 2 or None)
