"""What points to a person never reaches Discord; words are for who may see them, and leave when they expire."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from bot.model import Batch, Gone, Mode, Reason, Severity
from bot.review import postings
from bot.sandbox.discord import Discord
from bot.sandbox.discord_world import THREAD, components
from bot.store.queries import NewCase, put_in_case
from bot.store.tables import assessment, audit, ruling
from classifiers.labels import IDENTIFIERS, Label, SpanType
from tests.discord_desk.room import Room, shown, told, until
from tests.support import NOON, PRACTICE, House, opened_store, posted


async def test_words_are_revealed_to_who_may_alone_and_logged(server: Discord, tmp_path: Path) -> None:
    with opened_store(tmp_path) as db:
        room = Room(server, House(db))
        room.settings = {"reveal_roles": [int(room.roles["reveal"])]}
        async with room:
            case_id = await room.case("my son Quentin has lupus", label=Label.HEALTH_DISCLOSURE)
            assert "No words here" in shown(await room.card(case_id))
            assert "not revealed" in await told(await room.press(case_id, "reveal", room.ben))
            assert "Quentin" in await told(await room.press(case_id, "reveal", room.asha))
        revealed = [row.actor.split("/")[0] for row in room.house.rows(audit) if row.what == "revealed"]
        assert revealed == ["asha"]
        assert "Quentin" not in json.dumps(server.said(room.channel))


async def test_why_and_the_menu_are_for_one_person_and_hold_no_words(room: Room) -> None:
    case_id = await room.case("my son Quentin has lupus", label=Label.HEALTH_DISCLOSURE)
    why = await told(await room.press(case_id, "why", room.ben))
    assert "very likely (0.9400)" in why
    assert "Quentin" not in why
    menu = await room.press(case_id, "more", room.ben)
    await told(menu)
    offered = {part.get("custom_id") for part in components(menu.shown[0]["components"])}
    assert offered >= {f"desk:{what}:{case_id}" for what in ("ban", "label", "assign", "why", "undo", "note", "reveal")}


TYPED = "Please ask a pharmacist, **today**.\n```Any``` of them."


async def test_words_that_come_to_nothing_go_back_to_who_typed_them_alone(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "chaperone")
    case_id = await room.case()
    drawn = await room.card(case_id)
    reply = await room.server.press(drawn["id"], f"desk:reply:{case_id}:1", room.ben)
    await reply.answered()
    await room.case()  # joins it
    sent = await room.server.submit(reply, {"words": TYPED})
    why, back = await until(lambda: sent.shown if len(sent.shown) == 2 else None)
    assert "1 more than you saw" in why["content"]
    assert "```\nPlease ask a pharmacist, **today**.\nˋˋˋAnyˋˋˋ of them.\n```" in back["content"]
    assert not room.house.rows(ruling)
    assert "pharmacist" not in caplog.text
    assert "pharmacist" not in json.dumps(room.server.said(room.channel))


async def test_an_answer_to_what_was_deleted_goes_back_to_who_typed_it(room: Room) -> None:
    case_id = await room.case(severity=Severity.CRISIS)  # which no deleting closes
    reply = await room.press(case_id, "reply", room.ben)
    await reply.answered()
    await room.house.inbox.receive(PRACTICE, Mode.LIVE, Batch((Gone("1"),), "d"))
    sent = await room.server.submit(reply, {"words": TYPED})
    why, back = await until(lambda: sent.shown if len(sent.shown) == 2 else None)
    assert "it was deleted on the platform" in why["content"]
    assert "Please ask a pharmacist" in back["content"]


async def test_words_leave_discord_when_they_expire(room: Room) -> None:
    case_id = await room.case()
    await room.shows(case_id, "you fool")
    await room.house.inbox.receive(PRACTICE, Mode.LIVE, Batch((Gone("1"),), "d"))
    message = await room.shows(case_id, "deleted on the platform")
    assert "fool" not in shown(message)


CORPUS = Path(__file__).parents[2] / "classifiers/training/corpus"


def disclosures() -> list[tuple[str, list[str], list[list[Any]]]]:
    """Our own disclosures: the text, its identifiers, and the spans of a masker that missed the last of those."""
    found = []
    for line in (CORPUS / "requests-disclosures.jsonl").read_text().splitlines():
        raw = json.loads(line)
        names = [part for part, kind in raw["spans"] if SpanType(kind) in IDENTIFIERS]
        spans = [
            [hit.start(), hit.end(), kind]
            for part, kind in raw["spans"]
            for hit in re.finditer(rf"(?<!\w){re.escape(part)}(?!\w)", raw["text"])
            if part not in names[-1:]
        ]
        if "health_disclosure" in raw["labels"]:
            found.append((raw["text"], names, spans))
    return found


async def test_nothing_that_points_to_a_person_ever_reaches_discord(room: Room) -> None:
    """Over everything that was said to Discord, by cards, threads and answers, of more than 500 disclosures."""
    rows = disclosures()
    assert len(rows) > 500
    events = tuple(posted(str(number), text) for number, (text, *_) in enumerate(rows, 1))
    await room.house.inbox.receive(PRACTICE, room.house.mode, Batch(events, "c"))
    probabilities = dict.fromkeys(Label, 0.01) | {Label.HEALTH_DISCLOSURE: 0.97}

    def body(tx: Any) -> None:
        for id_, (_, _, spans) in enumerate(rows, 1):
            seen = {"comment_id": id_, "model": "m", "probabilities": probabilities, "spans": spans}
            tx.execute(insert(assessment).values(seen))
            flagged = (Reason.FLAGGED, Label.HEALTH_DISCLOSURE, "why", Severity.NORMAL)
            put_in_case(tx, NewCase(f"k{id_ // 15}", PRACTICE, *flagged), id_, NOON)

    await room.house.db.run(body)
    for case_id in range(1, len(rows) // 15 + 2):
        await room.card(case_id)
    for case_id in range(1, 6):
        await told(await room.press(case_id, "why", room.ben))
    threads = room.server.world.channels.values()
    await until(lambda: sum(each["type"] == THREAD for each in threads) == len(rows) // 15 or None)
    await until(lambda: not room.house.db.read_now(lambda tx: postings.due(tx, 1)) or None)
    traffic = "\n".join(json.dumps(call.body, ensure_ascii=False) for call in room.server.journal.calls("P*"))
    assert traffic.count("No words here") > 500
    for _, names, _ in rows:
        for name in names:
            assert not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", traffic), name
