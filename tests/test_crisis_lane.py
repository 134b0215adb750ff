"""The crisis lane: never hidden by the machine, and told to one person after the other until somebody takes it."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import chain, combinations, product
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.classify import Classify
from bot.commands.setup import _call, _reached
from bot.config import Account, Config, Crisis, OnCall
from bot.decide import Facts, decide
from bot.errors import ConfigError, DeskError
from bot.inbox import REMOVED
from bot.model import AuthorKind, Batch, Gone, Mode, Role, Severity, Verb
from bot.notify import Notify, Told, address, holds_secret, service, through_apprise
from bot.on_call import NoticeState
from bot.retention import expire
from bot.review import cases
from bot.review.cards import Here, card
from bot.review.cases import Person
from bot.review.story import case_story
from bot.schedule import Schedule
from bot.store.engine.port import Handler
from bot.store.tables import action, audit, case, job, notice, ruling
from bot.supportive import supportable
from classifiers.labels import Assessment, Label, NotAssessed
from classifiers.pipeline import Pipeline
from classifiers.settings import Settings
from tests.support import PRACTICE, House, StubAssessor, opened_store, posted
from tests.test_decide import shipped_policy

ASHA, BEN, CLEO = "Asha", "Ben", "Cleo"
OTHERS = [label for label in Label if label is not Label.CRISIS]
COMBINATIONS = list(chain.from_iterable(combinations(OTHERS, count) for count in range(len(OTHERS) + 1)))
WORDS = "i cannot go on, tonight i end it"


@pytest.mark.parametrize("others", COMBINATIONS, ids=lambda found: "+".join(found) or "alone")
def test_whatever_else_a_crisis_is_the_machine_does_nothing_to_it(others: Sequence[Label]) -> None:
    found = dict.fromkeys(Label, 0.01) | dict.fromkeys(others, 1.0) | {Label.CRISIS: 0.5}
    for kind, reason in product(AuthorKind, [None, *NotAssessed]):
        made = decide(Assessment("m", found, (), reason), Facts(kind), shipped_policy(everything_done()))
        assert (made.steps, made.severity, made.label) == ((), Severity.CRISIS, Label.CRISIS), (kind, reason)


def everything_done() -> Any:
    """Rules under which every other label is hidden, answered and muted."""
    rules = {label.value: {"do": ["hide", "warn", "mute"]} for label in OTHERS}
    return Config.model_validate({"rules": rules, "accounts": [{"name": "a", "platform": "replay"}]}).rules


@dataclass
class Post:
    """The second channel: it keeps what it was sent, and loses what comes to an address in `down`."""

    got: list[tuple[str, Told]] = field(default_factory=list)
    down: set[str] = field(default_factory=set)

    def __call__(self, written: str, told: Told) -> bool:
        self.got.append((written, told))
        return written not in self.down


class Lane:
    """A house whose comments are judged and whose notices are sent as jobs ask for it, on a clock that stands still."""

    def __init__(self, house: House, post: Post, people: Sequence[dict[str, Any]], assessor: Any = None) -> None:
        account = {"name": PRACTICE, "platform": "replay", "on_call": people}
        self.config = Config.model_validate({"accounts": [account]})
        self.house, self.post = house, post
        self.classify = Classify(
            self.config, house.db, house.engine, house.clock,
            assessor or StubAssessor({"tonight": {Label.CRISIS: 0.9, Label.HARASSMENT: 0.99}}),
        )  # fmt: skip
        self.notify = Notify(self.config, house.db, house.engine, house.clock, post)
        self.schedule = Schedule(self.config, house.db, house.engine, house.clock)

    async def hear(self, text: str = WORDS, mode: Mode = Mode.SHADOW) -> None:
        await self.house.inbox.receive(PRACTICE, mode, Batch((posted("1", text),), "c"))
        await self.work()

    async def minutes(self, count: int) -> None:
        """So many pass; the timers fire at each."""
        for _ in range(count):
            self.house.clock.advance(timedelta(minutes=1))
            await self.schedule.fire("timers")
            await self.work()

    async def work(self) -> None:
        """What is due, in turn, as the engine would."""
        handlers: dict[str, Handler] = {"classify": self.classify, "notify": self.notify, "fire": self.schedule}
        handlers["act"] = self.house.act
        while due := [
            row for row in self.house.rows(job) if row.run_at is None or row.run_at <= self.house.clock.now()
        ]:
            for row in due:
                later = await handlers[row.queue]([row.ref])
                self.house.db.run_now(partial(settle, row=row, later=later))

    def told(self) -> list[str]:
        return [written for written, _ in self.post.got]


def settle(tx: Any, row: Any, later: Any) -> None:
    mine = job.c.id == row.id
    tx.execute(job.update().where(mine).values(run_at=later[row.ref]) if row.ref in later else job.delete().where(mine))


def person(name: str, *notify: str) -> dict[str, Any]:
    return {"name": name, "notify": notify or [f"json://{name.lower()}"]}


THREE = [person(ASHA), person(BEN), person(CLEO)]
A, B, C = "json://asha", "json://ben", "json://cleo"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened_store(tmp_path) as db:
        yield House(db)


@pytest.mark.parametrize("mode", Mode)
async def test_one_after_the_other_is_told_then_everybody_again_and_again(house: House, mode: Mode) -> None:
    lane = Lane(house, Post(), THREE)
    await lane.hear(mode=mode)
    assert lane.told() == [A]
    told = []
    for _ in range(5):
        lane.post.got.clear()
        await lane.minutes(10)
        told.append(lane.told())
    assert told == [[B], [C], [A, B, C], [A, B, C], [A, B, C]]
    assert not house.rows(action)


async def test_a_notice_never_holds_a_word_of_the_comment_or_whose_it_is(house: House) -> None:
    lane = Lane(house, Post(), THREE)
    await lane.hear()
    ((_, told),) = lane.post.got
    assert f"Account {PRACTICE}, case 1" in told.body
    assert not {"tonight", "cannot", "Sam", "u1", "crisis"} & set(f"{told.title} {told.body}".replace(",", " ").split())


async def test_taking_the_case_stops_the_calls_until_the_claim_runs_out(house: House) -> None:
    lane = Lane(house, Post(), THREE)
    await lane.hear()
    now, by = house.clock.now(), Person("ben", Role.TRIAGE)
    house.db.run_now(lambda tx: cases.claim(tx, 1, by, now + timedelta(minutes=5), 10))
    lane.post.got.clear()
    await lane.minutes(14)
    assert not lane.post.got
    await lane.minutes(2)
    assert lane.told() == [B]


async def test_a_ruling_ends_it_and_calls_off_what_was_not_sent(house: House) -> None:
    lane = Lane(house, Post(down={A}), THREE)
    await lane.hear()
    said = cases.Said(cases.Ruling.KEEP, Person("ben", Role.TRIAGE))
    house.db.run_now(lambda tx: cases.rule(tx, house.engine, house.db.cipher, 1, said, house.clock.now()))
    await lane.minutes(40)
    assert [row.state for row in house.rows(notice)] == [NoticeState.CANCELLED]


async def test_who_cannot_be_reached_is_tried_again_and_then_the_next_is_told_at_once(house: House) -> None:
    lane = Lane(house, Post(down={A, "json://asha-too"}), [person(ASHA, A, "json://asha-too"), person(BEN)])
    await lane.hear()
    await lane.minutes(4)
    assert lane.told() == [A] * 3 + ["json://asha-too"] * 3 + [B]
    assert [row.state for row in house.rows(notice)] == [NoticeState.FAILED, NoticeState.SENT]
    assert house.rows(case)[0].assigned_to == BEN


async def test_where_nobody_can_be_reached_it_goes_on_with_the_timer_and_makes_no_storm(house: House) -> None:
    lane = Lane(house, Post(down={A, B}), [person(ASHA), person(BEN)])
    await lane.hear()
    await lane.minutes(9)
    assert lane.told() == [A] * 3 + [B] * 3 + [A, B] * 3
    lane.post.down.clear()
    await lane.minutes(5)
    assert lane.told()[12:] == [A, B]


async def test_a_crash_before_or_after_sending_loses_no_notice(house: House) -> None:
    class Crash(BaseException):
        pass

    def crash(written: str, told: Told) -> bool:
        raise Crash

    lane = Lane(house, Post(), THREE)
    await house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted("1", WORDS),), "c"))
    await lane.classify([1])
    with pytest.raises(Crash):
        await Notify(lane.config, house.db, house.engine, house.clock, crash)([1])
    assert [row.state for row in house.rows(notice)] == [NoticeState.SENDING]
    after = Lane(house.restarted(), lane.post, THREE)
    await after.work()
    assert after.told() == [A]
    await after.notify([1])  # the job came twice
    assert after.told() == [A]
    assert [row.what for row in house.rows(audit)].count("notice_sent") == 1


async def test_further_comments_of_a_case_call_nobody_twice(house: House) -> None:
    lane = Lane(house, Post(), THREE)
    for number in range(3):
        await house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted(str(number), f"{WORDS} {number}"),), "c"))
    await lane.work()
    assert (lane.told(), len(house.rows(case))) == ([A], 1)


@pytest.mark.parametrize("words", ["i want to kill myself tonight", "crushing chest pain, my left arm is numb"])
async def test_it_works_without_the_model(house: House, words: str) -> None:
    lane = Lane(house, Post(), THREE, Pipeline.without_model(Settings(), "no weights"))
    await lane.hear(words)
    assert lane.told() == [A]


@pytest.mark.parametrize(("calls", "told"), [(True, [A, B]), (False, [])])
async def test_who_asks_for_a_diagnosis_and_names_a_red_flag_is_answered_and_called_for(
    house: House, calls: bool, told: list[str]
) -> None:
    lane = Lane(house, Post(), THREE)
    lane.config = lane.config.model_copy(update={"crisis": Crisis(red_flags_call=calls)})
    asks = StubAssessor({"numb": {Label.DIAGNOSIS_REQUEST: 0.99, Label.HARASSMENT: 0.99}})
    lane.classify = Classify(lane.config, house.db, house.engine, house.clock, asks)
    await lane.hear("crushing chest pain since noon, my left arm is numb", Mode.LIVE)
    await lane.minutes(10)
    assert lane.told() == told
    if calls:
        assert [row.verb for row in house.rows(action)] == [Verb.REPLY]
        assert [row.severity for row in house.rows(case)] == [Severity.CRISIS]


async def test_who_deletes_their_words_is_still_in_danger(house: House) -> None:
    lane = Lane(house, Post(), THREE)
    await lane.hear()
    for cursor in ("d", "e"):  # told of twice
        await house.inbox.receive(PRACTICE, Mode.SHADOW, Batch((Gone("1"),), cursor))
    (row,) = house.rows(case)
    assert (row.state, row.severity, row.why.count(REMOVED)) == ("open", Severity.CRISIS, 1)
    await lane.minutes(20)
    assert lane.told() == [A, B, C]
    story = house.db.read_now(lambda tx: case_story(tx, house.db.cipher, 1))
    assert REMOVED in str(card(story, Here()))


async def test_whoever_has_no_way_to_be_reached_is_passed_over(house: House) -> None:
    lane = Lane(house, Post(), [{"name": ASHA}, person(BEN)])
    await lane.hear()
    assert (lane.told(), house.rows(case)[0].assigned_to) == ([B], BEN)


@asynccontextmanager
async def webhook(status: int = 200) -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """A receiver on loopback, as an address of apprise."""
    got: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        got.append(await request.json())
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/{rest:.*}", take)
    async with TestServer(app) as server:
        yield f"json://127.0.0.1:{server.port}/", got


@pytest.mark.parametrize(("status", "arrived"), [(200, True), (500, False)])
async def test_the_real_library_delivers_to_a_real_receiver(status: int, arrived: bool) -> None:
    async with webhook(status) as (where, got):
        assert await asyncio.to_thread(through_apprise, where, Told("title", "body")) is arrived
    assert [(each["title"], each["message"]) for each in got] == [("title", "body")]


def test_nobody_at_the_address_is_no_error() -> None:
    assert through_apprise("json://127.0.0.1:9/", Told("title", "body")) is False
    assert through_apprise("json://$CHAPERONE_NOT_SET/", Told("title", "body")) is False


def test_addresses_take_their_secrets_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAPERONE_MAIL_PASSWORD", "hunter2")
    written = "mailto://alerts:$CHAPERONE_MAIL_PASSWORD@mail.example.org?to=you@example.org"
    assert ":hunter2@" in address(written)
    assert service(written) == "E-Mail"
    assert not holds_secret(written)
    assert holds_secret("mailto://alerts:hunter2@mail.example.org")
    with pytest.raises(ConfigError, match="Set CHAPERONE_OTHER in the environment"):
        service("json://$CHAPERONE_OTHER/")
    with pytest.raises(ConfigError) as told:
        service("nonsense://hunter2")
    assert "hunter2" not in str(told.value)


async def test_a_comment_edited_into_a_crisis_is_spared_and_shown_again(house: House) -> None:
    """What the machine had done to its first edit is taken back; what it was about to do is called off."""
    lane = Lane(house, Post(), THREE, StubAssessor({"fool": {Label.HARASSMENT: 0.99}, "tonight": {Label.CRISIS: 0.9}}))
    for id_, text in (("1", "you fool"), ("2", "fool again")):
        await house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted(id_, text),), id_))
    await lane.classify([1, 2])
    await house.act([1])
    assert house.platform.effects == [(Verb.HIDE, house.action(1).key)]
    for id_ in ("1", "2"):
        await house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted(id_, f"tonight {id_}"),), f"e{id_}"))
    await lane.classify([3, 4])
    await house.act([row.id for row in house.rows(action)])
    assert [(row.verb, row.state) for row in house.rows(action)] == [
        ("hide", "done"),
        ("hide", "cancelled"),
        ("restore", "done"),
    ]


async def test_whoever_waits_for_a_person_is_not_hidden_in_their_next_comment(house: House) -> None:
    lane = Lane(house, Post(), THREE, StubAssessor({"fool": {Label.HARASSMENT: 0.99}, "tonight": {Label.CRISIS: 0.9}}))
    await lane.hear(mode=Mode.LIVE)
    await house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted("2", "you fool"),), "2"))
    await lane.work()
    assert not house.rows(action)
    assert [row.label for row in house.rows(case)] == [Label.CRISIS, Label.HARASSMENT]


def supporting(house: House, reply: str, country: str = "GB") -> Lane:
    lane = Lane(house, Post(), THREE, StubAssessor({"tonight": {Label.CRISIS: 0.99}}))
    account = lane.config.accounts[0].model_copy(update={"country": country})
    crisis = lane.config.crisis.model_copy(update={"supportive_reply": reply})
    lane.config = lane.config.model_copy(update={"accounts": (account,), "crisis": crisis})
    assessor = StubAssessor({"tonight": {Label.CRISIS: 0.99}})
    lane.classify = Classify(lane.config, house.db, house.engine, house.clock, assessor)
    return lane


def pressed(house: House, config: Config, case_id: int) -> cases.Ruled:
    said = cases.Said(cases.Ruling.WARN, Person("ben", Role.MODERATOR))
    now, may = house.clock.now(), supportable(config)
    return house.db.run_now(lambda tx: cases.rule(tx, house.engine, house.db.cipher, case_id, said, now, may))


@pytest.mark.parametrize(("reply", "said"), [("off", 0), ("press", 0), ("auto", 1)])
async def test_the_machine_says_nothing_alone_unless_the_config_says_so(house: House, reply: str, said: int) -> None:
    lane = supporting(house, reply)
    for number in range(3):
        await lane.house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted(str(number), f"tonight {number}"),), "c"))
    await lane.classify([1, 2, 3])
    assert [(row.verb, row.template) for row in house.rows(action)] == [(Verb.REPLY, Label.CRISIS)] * said


async def test_a_supportive_reply_in_shadow_was_said_to_nobody(house: House) -> None:
    lane = supporting(house, "auto")
    for number, mode in enumerate((Mode.SHADOW, Mode.SHADOW, Mode.LIVE, Mode.LIVE), 1):
        await lane.house.inbox.receive(PRACTICE, mode, Batch((posted(str(number), f"tonight {number}"),), "c"))
        await lane.classify([number])
    assert [(row.comment_id, row.mode) for row in house.rows(action)] == [(1, Mode.SHADOW), (3, Mode.LIVE)]


async def test_a_shadow_reply_does_not_keep_a_person_from_pressing_once_it_is_live(house: House) -> None:
    lane = supporting(house, "auto")
    await lane.house.inbox.receive(PRACTICE, Mode.SHADOW, Batch((posted("1", "tonight"),), "c"))
    await lane.classify([1])
    assert [row.mode for row in house.rows(action)] == [Mode.SHADOW]
    assert pressed(house, lane.config, 1).actions == 1


async def test_a_person_may_press_for_one_supportive_reply_and_no_more(house: House) -> None:
    lane = supporting(house, "press")
    await lane.house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted("1", "tonight"), posted("2", "tonight 2")), "c"))
    await lane.classify([1, 2])
    ruled = pressed(house, lane.config, 1)
    assert (ruled.actions, len(ruled.cannot)) == (1, 1)
    await lane.house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted("3", "tonight 3"),), "d"))
    await lane.classify([3])
    assert pressed(house, lane.config, 2).actions == 0
    assert len(house.rows(action)) == 1


async def test_where_no_help_line_is_known_it_cannot_be_pressed_for(house: House) -> None:
    lane = supporting(house, "press", country="IE")
    await lane.hear("tonight")
    with pytest.raises(DeskError, match="no help line"):
        pressed(house, lane.config, 1)


async def test_without_leave_in_the_config_a_crisis_is_never_warned(house: House) -> None:
    lane = supporting(house, "off")
    await lane.hear("tonight")
    with pytest.raises(DeskError, match="supportive reply is off"):
        pressed(house, lane.config, 1)


async def test_the_words_of_a_crisis_are_kept_longer_and_the_card_forgets_with_them(house: House) -> None:
    lane = Lane(house, Post(), THREE)
    await lane.hear()
    said = cases.Said(cases.Ruling.NOTE, Person("ben", Role.MODERATOR), why="she wrote that tonight she ends it")
    now = house.clock.now()
    house.db.run_now(lambda tx: cases.rule(tx, house.engine, house.db.cipher, 1, said, now))
    keep = cases.Said(cases.Ruling.KEEP, Person("ben", Role.MODERATOR))
    house.db.run_now(lambda tx: cases.rule(tx, house.engine, house.db.cipher, 1, keep, now))
    kept = []
    for days in (31, 89, 91):
        house.db.run_now(partial(expire, config=lane.config, now=now + timedelta(days=days)))
        kept.append((house.comment(1).body is not None, house.rows(ruling)[0].words is not None))
    assert kept == [(True, True), (True, True), (False, False)]
    assert "text_expired" in [row.what for row in house.rows(audit)]  # by which the card on Discord is drawn again


async def test_a_person_who_labels_a_crisis_raises_the_alarm_from_the_first_person_on(house: House) -> None:
    lane = Lane(house, Post(), THREE, StubAssessor({"fool": {Label.HARASSMENT: 0.9}}))
    await lane.hear("you fool")
    assert not lane.post.got
    said = cases.Said(cases.Ruling.LABEL, Person("cleo", Role.TRIAGE), labels=(Label.CRISIS,))
    house.db.run_now(lambda tx: cases.rule(tx, house.engine, house.db.cipher, 1, said, house.clock.now()))
    await lane.minutes(12)
    assert lane.told() == [A, B]


async def test_the_card_tells_whom_to_call_and_who_was_told(house: House) -> None:
    lane = Lane(house, Post(down={A}), [person(ASHA), person(BEN)])
    await lane.hear()
    await lane.minutes(3)
    story = house.db.read_now(lambda tx: case_story(tx, house.db.cipher, 1))
    assert story.notices == ("12:02 UTC could not reach Asha", "12:02 UTC told Ben")
    shown = str(card(story, Here(calls=("emergency: 999", "Samaritans: 116 123"))).boxes)
    for words in ("Samaritans: 116 123", "12:02 UTC told Ben", "Details of a method are what you may hide"):
        assert words in shown
    buttons = {each.what: each.enabled for box in card(story, Here()).boxes for row in box.rows for each in row}
    assert buttons["hide"]
    assert not buttons["warn"]


async def test_check_call_tries_every_address() -> None:
    async with webhook() as (good, got), webhook(500) as (bad, _):
        people = [{"name": ASHA, "notify": [good, bad]}]
        config = Config.model_validate({"accounts": [{"name": "a", "platform": "replay", "on_call": people}]})
        found = await asyncio.to_thread(lambda: list(_call(config)))
    assert [finding for finding, _, _ in found] == ["ok", "FAIL"]
    assert "Nothing has happened" in got[0]["message"]


def test_check_reads_the_addresses_and_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAPERONE_MAIL_PASSWORD", "hunter2")
    good = "mailto://alerts:$CHAPERONE_MAIL_PASSWORD@mail.example.org"
    asha = OnCall(name=ASHA, notify=(good, "nonsense://hunter2", "json://$CHAPERONE_NOT_SET/", "json://a:hunter2@b/"))
    found = list(_reached(Account(name="a", platform="replay"), asha))
    assert [finding for finding, _, _ in found] == ["ok", "FAIL", "FAIL", "ok", "warn"]
    assert "hunter2" not in str(found)
    assert "written like mailto://" in found[1][2]
    (unreachable,) = _reached(Account(name="a", platform="replay"), OnCall(name=ASHA))
    assert unreachable[2].startswith(ASHA)
