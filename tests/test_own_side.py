"""Our own side is watched too: a breach comes before all but crisis, and nothing happens to it unless a person says."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from bot import own_side
from bot.classify import Classify
from bot.config import Config
from bot.errors import DeskError
from bot.guard.rules import book
from bot.model import (
    Ability,
    ActionState,
    Author,
    AuthorKind,
    Batch,
    Capability,
    Mode,
    Posted,
    Reason,
    Role,
    Severity,
    Verb,
    Verdict,
)
from bot.review import cases, rulings, undoing
from bot.review.cards import BREACH, Button, Card, Here, card
from bot.review.cases import Person, Ruling, Said
from bot.review.story import case_story
from bot.sandbox.discord import Discord
from bot.store.queries import NewCase, put_in_case
from bot.store.tables import action, assessment, case, comment, decision
from classifiers.labels import Label, NotAssessed, SpanType
from tests.discord_desk.room import Room
from tests.support import NOON, PRACTICE, Finding, House, StubAssessor, opened_store, posted

SURE: Mapping[str, Finding] = {label.value: {label: 0.999} for label in Label}
UNREAD: Mapping[str, Finding] = {reason.value: reason for reason in NotAssessed}
ACTS_ON_EVERYTHING: dict[str, Any] = {label.value: {"do": ["hide", "warn", "mute"]} for label in Label}
ACTS_ON_EVERYTHING |= {"crisis": {}, "health_disclosure": {"do": ["hide", "nudge"], "about_oneself": ["hide"]}}
ASHA, BEN, CLEO = Person("asha", Role.LEAD), Person("ben", Role.MODERATOR), Person("cleo", Role.TRIAGE)
URL = "https://x.com/i/web/status/1"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened_store(tmp_path) as db:
        yield House(db)


async def judged(house: House, *events: Posted) -> None:
    """Received and decided by rules that act on all they can, on a live account."""
    account = {"name": PRACTICE, "platform": "replay", "mode": "live", "country": "GB", "on_call": [{"name": "asha"}]}
    said = {"rules": ACTS_ON_EVERYTHING, "crisis": {"supportive_reply": "auto"}, "accounts": [account]}
    known = {row.id for row in house.rows(comment)}
    await house.inbox.receive(PRACTICE, Mode.LIVE, Batch(events, "c"))
    new = [row.id for row in house.rows(comment) if row.id not in known]
    judge = Classify(Config.model_validate(said), house.db, house.engine, house.clock, StubAssessor({**SURE, **UNREAD}))
    await judge(new)


def staff(id_: str, text: str, **values: Any) -> Posted:
    return posted(id_, text, AuthorKind.STAFF, **values)


@pytest.mark.parametrize("found", [*Label, *NotAssessed])
@pytest.mark.parametrize("kind", AuthorKind)
async def test_nothing_automatic_ever_happens_to_our_own_side(
    house: House, found: Label | NotAssessed, kind: AuthorKind
) -> None:
    texts = (found.value, f"{found.value} thank you for your visit, Mrs. Okafor")
    await judged(house, *(posted(str(number), text, kind) for number, text in enumerate(texts)))
    if kind is AuthorKind.STAFF:
        assert not house.rows(action)
        assert all(row.verdict != Verdict.ACT for row in house.rows(decision))
        assert house.rows(decision)[1].reason == (Reason.FLAGGED if found is Label.CRISIS else Reason.BREACH)
    acts = kind is AuthorKind.PUBLIC and isinstance(found, Label)
    assert bool(house.rows(action)) is acts  # that the rules do act is what makes the rest worth testing


async def test_what_a_rule_wanted_before_is_not_done_to_our_own_side(house: House) -> None:
    await house.inbox.receive(PRACTICE, Mode.LIVE, Batch((staff("1", "text"),), "c"))
    id_ = house.wish(1, Verb.HIDE)
    await house.act([id_])
    assert (house.action(id_).state, house.action(id_).note) == (
        ActionState.REFUSED, "left to a person: our own side wrote it",
    )  # fmt: skip
    assert house.platform.calls == []


POST = "1"  # of its own: nobody is answered
SAYS = [
    ("so glad your biopsy came back clear", "5", Reason.BREACH, Severity.URGENT),
    ("Thank you for your visit", POST, Reason.BREACH, Severity.URGENT),
    ("Mrs. Okafor, please call us", "5", Reason.BREACH, Severity.URGENT),
    ("health_disclosure", POST, Reason.BREACH, Severity.URGENT),
    ("You should take two paracetamol and rest", "5", Reason.STAFF, Severity.NORMAL),
    ("harassment", "5", Reason.STAFF, Severity.HIGH),
    ("solicitation", POST, Reason.STAFF, Severity.NORMAL),
    ("model_down It was lovely to see you again", "5", Reason.BREACH, Severity.URGENT),
    ("model_down", "5", Reason.MODEL_DOWN, Severity.HIGH),
    ("Is your skin ready for the summer?", POST, None, Severity.LOW),
    ("We are open on Saturday", "5", None, Severity.LOW),
    ("❤️ wordless", "5", None, Severity.LOW),
]


@pytest.mark.parametrize(("text", "thread", "reason", "severity"), SAYS, ids=[each[0] for each in SAYS])
async def test_what_our_own_side_says(
    house: House, text: str, thread: str, reason: Reason | None, severity: Severity
) -> None:
    await judged(house, staff("1", text, thread=thread))
    (made,) = house.rows(decision)
    assert (made.reason, made.severity) == (reason, severity)
    assert [row.reason for row in house.rows(case)] == ([reason] if reason else [])


async def test_a_breach_comes_after_crisis_and_before_the_rest(house: House) -> None:
    events = [posted("1", "harassment misinformation"), staff("2", "thank you for your visit"), posted("3", "crisis")]
    await judged(house, *(replace_author(event, f"u{number}") for number, event in enumerate(events)))
    waiting = house.db.read_now(cases.queue)
    assert [row.severity for row in waiting[:2]] == [Severity.CRISIS, Severity.URGENT]
    assert waiting[1].reason == Reason.BREACH


def replace_author(event: Posted, id_: str) -> Posted:
    it = event.comment
    return Posted(replace(it, author=Author(id_, it.author.name, it.author.kind)))


async def test_what_a_reader_told_is_not_repeated_by_a_colleague(house: House) -> None:
    await judged(house, posted("1", "I have psoriasis and nobody helps"))
    await judged(house, staff("2", "Psoriasis is no laughing matter", parent="1"))
    await judged(house, staff("3", "Psoriasis is no laughing matter"))
    assert [row.reason for row in house.rows(decision)[1:]] == [Reason.BREACH, None]


async def test_an_answer_to_what_was_never_stored_is_held_against_what_came_with_it(house: House) -> None:
    said = staff("2", "Psoriasis is no laughing matter", parent="1", parent_text="I have psoriasis")
    await judged(house, said)
    assert house.rows(decision)[0].reason == Reason.BREACH


def test_the_rules_that_are_told_apart_are_rules_of_the_guard() -> None:
    known = {rule.name for rule in book().rules} | {"length", "unreadable"}
    assert known >= own_side.UNWISE | own_side.TO_EVERYBODY


async def test_a_moderator_removes_what_our_side_wrote_and_a_lead_what_others_did(house: House) -> None:
    await judged(house, staff("1", "thank you for your visit"), replace_author(posted("2", "harassment"), "u2"))
    ours, others = (row.id for row in house.rows(case))
    with pytest.raises(DeskError, match="cleo is triage"):
        rule(house, ours, Ruling.DELETE, CLEO)
    with pytest.raises(DeskError, match="ben is moderator"):
        rule(house, others, Ruling.DELETE, BEN)
    assert rule(house, ours, Ruling.DELETE, BEN).actions == 1


@pytest.mark.parametrize("what", [Ruling.WARN, Ruling.REPLY])
async def test_our_own_side_is_never_answered(house: House, what: Ruling) -> None:
    await judged(house, staff("1", "thank you for your visit"))
    with pytest.raises(DeskError, match="nothing is said to them in public"):
        rule(house, 1, what, ASHA)
    assert not house.rows(action)


def rule(house: House, case_id: int, what: Ruling, by: Person) -> cases.Ruled:
    said = Said(what, by)
    return house.db.run_now(lambda tx: rulings.rule(tx, house.engine, house.db.cipher, case_id, said, NOON))


async def test_what_was_removed_is_done_and_cannot_be_undone(house: House) -> None:
    await judged(house, staff("1", "thank you for your visit"))
    rule(house, 1, Ruling.DELETE, BEN)
    await house.act([1])
    assert house.platform.effects[0][0] is Verb.DELETE
    undone = house.db.run_now(lambda tx: undoing.undo(tx, house.engine, house.db.cipher, 1, ASHA, NOON))
    assert undone.cannot == ("comment 1: deleted cannot be undone by us",)


def buttons(it: Card) -> list[Button]:
    return [each for box in it.boxes for row in box.rows for each in row]


def told(it: Card) -> str:
    return "\n".join(each for box in it.boxes for each in box.paragraphs)


async def drawn(house: House, able: Mapping[Verb, Capability], text: str, **values: Any) -> Card:
    await judged(house, staff("1", text, url=URL, **values))
    story = house.db.read_now(lambda tx: case_story(tx, house.db.cipher, 1))
    return card(story, Here(able, Mode.LIVE, blur=False))


async def test_the_card_says_which_words_and_why_and_proposes_to_remove_them(house: House) -> None:
    it = await drawn(house, {Verb.DELETE: Capability(Ability.NATIVE)}, "Hello all. Thank you for your visit")
    for words in (BREACH, "Thank you for your visit", "was here", "colleague ", "Remove: cannot be undone", URL):
        assert words in told(it)
    assert {each.what for each in buttons(it)} == {"keep", "remove", "take", "more"}
    assert all(each.enabled for each in buttons(it))


async def test_abuse_is_titled_as_abuse_also_where_the_guard_marks_its_words(house: House) -> None:
    it = await drawn(house, {}, "harassment You are a pathetic, stupid excuse for a human")
    assert house.rows(case)[0].reason == Reason.BREACH
    assert "urgent · harassment by a colleague; it may reveal a patient too" in told(it)


async def test_where_it_cannot_be_deleted_the_card_says_so_and_where_it_stands(house: House) -> None:
    able = {Verb.DELETE: Capability(Ability.IMPOSSIBLE, "not ours"), Verb.HIDE: Capability(Ability.NATIVE)}
    it = await drawn(house, able, "thank you for your visit")
    assert "Remove: cannot here `not ours`" in told(it)
    assert f"[Open it where it stands]({URL})" in told(it)
    enabled = {each.what: each.enabled for each in buttons(it)}
    assert (enabled["remove"], enabled["hide"]) == (False, True)


async def test_marked_words_are_masked_and_unknown_ones_not_shown(house: House) -> None:
    """`zzyzx` might be a name: nobody knows."""
    text = "we saw you, Quentin, for your zzyzx"
    await judged(house, staff("1", text))
    at = text.index("Quentin")
    spans = {"spans": [[at, at + 7, SpanType.PERSON]]}
    house.db.run_now(lambda tx: tx.execute(assessment.update().values(spans)))
    story = house.db.read_now(lambda tx: case_story(tx, house.db.cipher, 1))
    shown = told(card(story, Here()))
    assert "saw you" in shown
    for secret in ("Quentin", "zzyzx"):
        assert secret not in shown


@pytest.mark.parametrize(
    "url", ["https://x.com/a) [b](https://evil.example/c", "javascript:alert(1)", "http://x.com/a"]
)
async def test_a_place_that_is_none_is_no_link(house: House, url: str) -> None:
    await judged(house, staff("1", "thank you for your visit", url=url))
    story = house.db.read_now(lambda tx: case_story(tx, house.db.cipher, 1))
    assert "](" not in told(card(story, Here()))


async def test_a_press_is_asked_about_once_more_and_then_removes(tmp_path: Path) -> None:
    async with Discord(limits={}) as server:
        with opened_store(tmp_path) as db:
            async with Room(server, House(db)) as room:
                case_id = await breach(room)
                form = await room.press(case_id, "remove", room.ben)
                asked = (await form.answered())["data"]
                assert "cannot be undone" in str(asked["components"])
                assert room.house.platform.calls == []
                await room.server.submit(form, {"words": "it names her"})
                await room.shows(case_id, "delete by `ben`: `deleted`")
                assert [verb for verb, _ in room.house.platform.effects] == [Verb.DELETE]


async def breach(room: Room) -> int:
    await room.house.inbox.receive(PRACTICE, Mode.LIVE, Batch((staff("1", "thank you for your visit"),), "c"))
    new = NewCase("k", PRACTICE, Reason.BREACH, None, BREACH, Severity.URGENT)
    judged = {"comment_id": 1, "model": "m", "probabilities": dict.fromkeys(Label, 0.01), "spans": []}

    def body(tx: Any) -> int:
        tx.execute(insert(assessment).values(judged))
        return put_in_case(tx, new, 1, NOON)

    return await room.house.db.run(body)
