"""The desk on Discord: discord.py itself against the emulator. What is pressed is ruled once, done, and shown."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import insert

from bot.app import running
from bot.chat import Chats
from bot.clock import SystemClock
from bot.config import Config, OnDiscord
from bot.guard import ReplyGuard
from bot.model import Ability, Batch, Capability, Gone, Mode, Reason, Role, Severity, Target, Verb
from bot.review import postings
from bot.review.discord_calls import is_quiet
from bot.review.discord_cards import DiscordCards
from bot.review.discord_commands import registration
from bot.review.discord_desk import DiscordDesk
from bot.review.presses import What, read
from bot.sandbox.discord import TOKEN, Discord
from bot.sandbox.discord_interactions import Interaction
from bot.sandbox.discord_world import THREAD, Json, components
from bot.sandbox.faults import HTML_503, RESET, RESET_AFTER, Fault
from bot.sandbox.resolver import connector
from bot.store.engine.port import Queue
from bot.store.queries import NewCase, put_in_case
from bot.store.tables import action, assessment, audit, card, ruling
from classifiers.labels import IDENTIFIERS, Label, SpanType
from tests.support import NOON, PRACTICE, TEMPLATES, House, StubAssessor, opened_store, posted

T = TypeVar("T")
CORPUS = Path(__file__).parent.parent / "classifiers/training/corpus"
ACCOUNT = {"name": PRACTICE, "platform": "replay", "on_call": [{"name": "Asha", "contact": "1" * 18}]}


@dataclass
class Room:
    """A server with a desk, its people, and the house behind it; `restarted` is what a crash leaves of it."""

    server: Discord
    house: House
    settings: Mapping[str, Any] = field(default_factory=dict)
    poll: float = 0.01
    comments: int = 0

    def __post_init__(self) -> None:
        self.channel = self.server.channel("desk")
        roles = {role: self.server.role(role) for role in (*Role, "reveal", "called")}
        self.roles = roles
        self.asha = self.server.member("asha", roles[Role.LEAD], roles["reveal"])
        self.ben = self.server.member("ben", roles[Role.MODERATOR])
        self.cleo = self.server.member("cleo", roles[Role.TRIAGE])
        self.mallory = self.server.member("mallory")

    async def __aenter__(self) -> "Room":
        self._stack = AsyncExitStack()
        on = OnDiscord.model_validate(
            {"channel": int(self.channel), "roles": {role: [int(self.roles[role])] for role in Role}, **self.settings}
        )
        config = Config.model_validate({"accounts": [ACCOUNT], "desk": {"discord": on.model_dump()}})
        chats = await self._stack.enter_async_context(Chats(SystemClock(), lambda: connector(self.server)))
        self.chat, db, clock = chats.of(TOKEN), self.house.db, self.house.clock
        self.cards = DiscordCards(config, db, clock, self.chat, self._able, self.poll)
        guard = ReplyGuard()
        self.desk = DiscordDesk(config, db, self.house.engine, clock, TEMPLATES, guard, self.cards)
        self.desk.listen(self.chat)
        self.chat.prepare(registration(self.desk))
        self.house.engine.handle(Queue.ACT, self.house.act, batch=16)
        self._tasks = [asyncio.create_task(self.cards.run()), asyncio.create_task(self.house.engine.run())]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._tasks[0].cancel()
        self.house.engine.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    def _able(self, account: str, verb: Verb, target: Target, now: datetime) -> Capability:
        return self.house.platform.capability(verb, target, now)

    def restarted(self) -> "Room":
        again = Room.__new__(Room)
        again.__dict__ |= self.__dict__ | {"house": self.house.restarted()}
        return again

    async def case(self, text: str = "you fool", count: int = 1, key: str = "k", **new: Any) -> int:
        """So many comments in one open case."""
        ids = range(self.comments + 1, self.comments + 1 + count)
        self.comments += count
        batch = Batch(tuple(posted(str(number), f"{text} {number}") for number in ids), "c")
        await self.house.inbox.receive(PRACTICE, self.house.mode, batch)
        values: dict[str, Any] = {"reason": Reason.FLAGGED, "label": Label.HARASSMENT, "severity": Severity.NORMAL}
        values |= {"why": "harassment 0.94"} | new
        judged = {"model": "m", "probabilities": dict.fromkeys(Label, 0.01) | {values["label"]: 0.94}, "spans": []}

        def body(tx: Any) -> int:
            tx.execute(insert(assessment), [judged | {"comment_id": id_} for id_ in ids])
            found = [put_in_case(tx, NewCase(key=key, account=PRACTICE, **values), id_, NOON) for id_ in ids]
            return found[0]

        return await self.house.db.run(body)

    def messages(self, channel: str | None = None) -> list[Json]:
        return [each for each in self.server.said(channel or self.channel) if each["components"]]

    async def card(self, case_id: int) -> Json:
        """The message of its card, waited for."""
        return await until(lambda: next((each for each in self.messages() if f"Case {case_id} " in shown(each)), None))

    async def shows(self, case_id: int, words: str) -> Json:
        return await until(
            lambda: next(
                (each for each in self.messages() if f"Case {case_id} " in shown(each) and words in shown(each)), None
            )
        )

    async def press(self, case_id: int, what: str, by: str) -> Interaction:
        message = await self.card(case_id)
        return await self.server.press(message["id"], f"desk:{what}:{case_id}", by)


async def until(found: Callable[[], T | None]) -> T:
    """What `found` finds, waited for."""
    async with asyncio.timeout(60):
        while not (it := found()):
            await asyncio.sleep(0.005)
        return it


def shown(message: Json) -> str:
    return "\n".join(str(part.get("content", "")) for part in components(message["components"]))


async def told(it: Interaction) -> str:
    """What only who pressed was told."""
    message = await until(lambda: next((each for each in it.shown if each["content"] or each["components"]), None))
    return message["content"] or shown(message)


@pytest.fixture
async def server() -> AsyncIterator[Discord]:
    async with Discord(limits={}) as server:
        yield server


@pytest.fixture
async def room(server: Discord, tmp_path: Path) -> AsyncIterator[Room]:
    with opened_store(tmp_path) as db:
        async with Room(server, House(db)) as room:
            yield room


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


async def test_an_interaction_that_expired_rules_nothing(room: Room) -> None:
    case_id = await room.case()
    on = (await room.card(case_id))["id"]
    room.server.fail("POST", "*/callback", Fault(status=404, body={"code": 10062, "message": "Unknown interaction"}))
    await room.server.press(on, f"desk:hide:{case_id}", room.ben)
    await room.server.journal.arrival("POST", "*/callback")
    await (await room.server.press(on, f"desk:keep:{case_id}", room.ben)).answered()
    await room.shows(case_id, "closed by")
    assert [row.what for row in room.house.rows(ruling)] == ["keep"]


async def test_a_deleted_card_comes_back_while_its_case_is_open(room: Room) -> None:
    case_id = await room.case()
    first = await room.card(case_id)
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


async def test_cards_wait_for_an_unreachable_discord_and_none_is_posted_twice(room: Room) -> None:
    await room.chat.ready()
    room.server.fail("POST", "*/messages", HTML_503, times=3)
    room.server.fail("POST", "*/messages", RESET_AFTER, times=3)
    ids = [await room.case(key=f"k{number}") for number in range(12)]
    for case_id in ids:
        await room.card(case_id)
    assert len(room.messages()) == 12


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


async def test_nobody_rules_what_another_has_taken(room: Room) -> None:
    case_id = await room.case()
    await room.press(case_id, "take", room.ben)
    await room.shows(case_id, "With `ben` until")
    assert "is with ben" in await told(await room.press(case_id, "hide", room.asha))


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


async def test_words_leave_discord_when_they_expire(room: Room) -> None:
    case_id = await room.case()
    await room.shows(case_id, "you fool")
    await room.house.inbox.receive(PRACTICE, Mode.LIVE, Batch((Gone("1"),), "d"))
    message = await room.shows(case_id, "deleted on the platform")
    assert "fool" not in shown(message)


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


def test_a_press_is_read_as_it_was_written() -> None:
    for what in What:
        assert read(f"desk:{what}:12") is not None
    for custom_id in ("", "desk:keep:", "desk:keep:0", "desk:keep:-1", "desk:keep:1 ", "desk:Keep:1", "keep:1"):
        assert read(custom_id) is None


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


async def test_a_comment_becomes_a_card_and_a_press_is_done_on_the_platform(
    server: Discord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole app: replay brings a comment, a moderator presses Hide, the platform hides, the card says so."""
    monkeypatch.setenv("CHAPERONE_DISCORD_TOKEN", TOKEN)
    (tmp_path / "comments.jsonl").write_text('{"id": "17", "text": "you fool", "author": "u9"}\n')
    channel, role = server.channel("desk"), server.role("moderators")
    ben = server.member("ben", role)
    config = Config.model_validate({
        "store": {"path": tmp_path / "c.sqlite3", "key_file": tmp_path / "c.key"},
        "desk": {"discord": {"channel": int(channel), "roles": {"moderator": [int(role)]}}},
        "rules": {"harassment": {"do": []}},
        "accounts": [{
            "name": PRACTICE, "platform": "replay", "mode": "live",
            "settings": {"path": tmp_path / "comments.jsonl", "outcomes": tmp_path / "outcomes.jsonl"},
        }],
    })  # fmt: skip
    assessor = StubAssessor({"fool": {Label.HARASSMENT: 0.95}})
    async with running(config, assessor, chats=Chats(SystemClock(), lambda: connector(server))) as app:
        task = asyncio.create_task(app.run())
        card_here = await until(lambda: next((each for each in server.said(channel) if each["components"]), None))
        assert "you fool" in shown(card_here)
        await server.press(card_here["id"], "desk:hide:1", ben)
        await until(lambda: "hide by `ben`: `hidden`" in shown(server.said(channel)[0]) or None)
        app.stop()
        await task
    assert json.loads((tmp_path / "outcomes.jsonl").read_text().splitlines()[0])["verb"] == "hide"
