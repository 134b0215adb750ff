"""`/undo` with a label takes back all that its rule did, in whichever cases that stands."""

from datetime import timedelta

from bot.model import ActionState, CaseState, Verb
from bot.store.tables import action, case
from classifiers.labels import Label
from tests.discord_desk.room import Room, told, until


async def test_a_hide_of_today_is_found_in_an_old_case_and_in_one_that_asks_for_another_label(room: Room) -> None:
    old = await room.case(key="old", closed=True)
    room.house.clock.advance(timedelta(days=2))
    asks = await room.case(key="asks", label=Label.MISINFORMATION)
    hides = [room.house.wish(number, Verb.HIDE) for number in (1, 2)]
    await until(lambda: all(room.house.action(each).state == ActionState.DONE for each in hides))
    given = await room.server.command("undo", room.asha, room.channel, label="harassment")
    assert "2 comments: 2 actions to be taken back" in await told(given)
    assert {row.undo_of for row in room.house.rows(action) if row.verb == Verb.RESTORE} == {*hides}
    assert {row.id: row.state for row in room.house.rows(case)} == {old: CaseState.CLOSED, asks: CaseState.OPEN}
    again = await room.server.command("undo", room.asha, room.channel, label="harassment")
    assert "nothing to take back" in await told(again)
