"""What people do with a case, and what its card and its thread say of that."""

from pathlib import Path

from bot.app import _record_start
from bot.model import Ability, Capability, Mode, Verb
from bot.sandbox.discord import Discord
from bot.sandbox.discord_world import components
from bot.store.tables import ruling
from classifiers.labels import Label
from tests.discord_desk.room import Room, shown, told, until
from tests.support import House, opened_store


async def test_a_reply_goes_through_the_guard_and_takes_the_case(room: Room) -> None:
    case_id = await room.case(label=Label.DIAGNOSIS_REQUEST)
    opened = await room.press(case_id, "reply", room.ben)
    form = (await opened.answered())["data"]
    typed = next(part for part in components(form["components"]) if part.get("custom_id") == "words")
    assert typed["value"] == "Please ask your own doctor."
    await room.shows(case_id, "With `ben` until")
    refused = await room.server.submit(opened, {"words": "Thank you for your visit, Sam!"})
    assert "The reply guard did not let it pass" in await told(refused)
    assert not room.house.rows(ruling)
    await room.server.submit(opened, {"words": typed["value"]})
    await room.shows(case_id, "reply by `ben`: `answered`")
    assert room.house.platform.calls[0][1].text.words == "Please ask your own doctor."  # type: ignore[union-attr]


async def test_what_cannot_be_done_here_is_shown_and_cannot_be_pressed(room: Room) -> None:
    room.house.platform.able = {Verb.HIDE: Capability(Ability.IMPOSSIBLE, "no way to hide")}
    message = await room.card(await room.case())
    assert "Hide: cannot here `no way to hide`" in shown(message)
    disabled = {part["label"]: part.get("disabled") for part in components(message["components"]) if "label" in part}
    assert disabled["Hide"]
    assert not disabled["Keep"]


async def test_undo_relabel_assign_and_note_are_shown(room: Room) -> None:
    case_id = await room.case()
    await room.server.submit(await room.press(case_id, "label", room.cleo), {"labels": "solicitation"})
    await room.shows(case_id, "label solicitation")
    await room.server.submit(await room.press(case_id, "assign", room.ben), {"person": room.cleo})
    await room.shows(case_id, "For `")
    await room.server.submit(await room.press(case_id, "note", room.ben), {"words": "his brother called"})
    await room.shows(case_id, "`ben`: note")
    await room.press(case_id, "hide", room.ben)
    await room.shows(case_id, "`hidden`")
    await room.press(case_id, "undo", room.ben)
    message = await room.shows(case_id, "restore by `ben`: `restored`")
    assert "brother" not in shown(message)


async def test_open_cards_say_at_once_that_their_account_went_live(server: Discord, tmp_path: Path) -> None:
    with opened_store(tmp_path) as db:
        async with Room(server, House(db, mode=Mode.SHADOW)) as room:
            case_id = await room.case()
            await room.shows(case_id, "The account is in shadow")
            live = room.cards.config.accounts[0].model_copy(update={"mode": Mode.LIVE})
            config = room.cards.config.model_copy(update={"accounts": [live]})
            await db.run(lambda tx: _record_start(tx, config, "m", room.house.clock))
            await until(lambda: not any("in shadow" in shown(each) for each in room.messages()))


async def test_a_flood_is_one_card_and_one_thread(room: Room) -> None:
    case_id = await room.case(count=30)
    message = await room.card(case_id)
    listed = await until(lambda: room.messages(message["id"]) if message["id"] in room.server.world.messages else None)
    assert len(listed) == 1
    assert "1 to 15 of 30" in shown(listed[0])
    await room.press(case_id, "hide", room.ben)
    await room.shows(case_id, "`hidden` × 30")
    assert len(room.messages()) == 1


async def test_the_rest_of_a_flood_is_read_page_by_page(room: Room) -> None:
    case_id = await room.case(count=40)
    card_id = (await room.card(case_id))["id"]
    thread = await until(
        lambda: next(iter(room.messages(card_id)), None) if card_id in room.server.world.messages else None
    )
    assert "comments 1 to 15 of 40" in shown(thread)
    pressed = await room.server.press(thread["id"], f"desk:list:{case_id}:1", room.cleo)
    assert "comments 16 to 30 of 40" in await told(pressed)
    turned = await room.server.press(pressed.shown[0]["id"], f"desk:list:{case_id}:2", room.cleo)
    await turned.answered()
    await until(lambda: "comments 31 to 40 of 40" in shown(pressed.shown[0]) or None)
    offered = [part["label"] for part in components(pressed.shown[0]["components"]) if "label" in part]
    assert offered == ["Before"]
    forged = await room.server.press(thread["id"], f"desk:list:{case_id}:99999", room.cleo)
    assert "comments 1 to 15 of 40" in await told(forged)
    assert len(room.messages(card_id)) == 1
