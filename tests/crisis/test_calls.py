"""A crisis is told to one person after the other until somebody takes it."""

import pytest

from bot.classify import Classify
from bot.config import Crisis
from bot.inbox import REMOVED
from bot.model import Batch, Gone, Mode, Role, Severity, Verb
from bot.notify import Notify, Told
from bot.on_call import NoticeState
from bot.review import cases, rulings
from bot.review.cards import Here, card
from bot.review.cases import Person
from bot.review.story import case_story
from bot.store.tables import action, audit, case, notice
from classifiers.labels import Label
from classifiers.pipeline import Pipeline
from classifiers.settings import Settings
from tests.crisis.lane import ASHA, BEN, THREE, WORDS, A, B, C, Lane, Post, person
from tests.support import PRACTICE, House, StubAssessor, posted


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


async def test_a_crisis_of_an_account_that_left_the_config_calls_whoever_is_on_call_for_another(house: House) -> None:
    lane = Lane(house, Post(down={A}), [person(ASHA), person(BEN)], name="renamed")
    await lane.hear()
    await lane.minutes(10)
    assert lane.told() == [A, A, A, B]
    assert house.rows(case)[0].assigned_to == BEN


async def test_a_notice_never_holds_a_word_of_the_comment_or_whose_it_is(house: House) -> None:
    lane = Lane(house, Post(), THREE)
    await lane.hear()
    ((_, told),) = lane.post.got
    assert f"Account {PRACTICE}, case 1" in told.body
    assert not {"tonight", "cannot", "Sam", "u1", "crisis"} & set(f"{told.title} {told.body}".replace(",", " ").split())


async def test_taking_the_case_stops_the_calls_until_the_claim_runs_out(house: House) -> None:
    lane = Lane(house, Post(), THREE)
    await lane.hear()
    await lane.minutes(5)
    now, by = house.clock.now(), Person("ben", Role.TRIAGE)
    house.db.run_now(lambda tx: cases.claim(tx, 1, by, now, 10))
    lane.post.got.clear()
    await lane.minutes(9)
    assert not lane.post.got
    await lane.minutes(2)
    assert lane.told() == [B]


async def test_a_ruling_ends_it_and_calls_off_what_was_not_sent(house: House) -> None:
    lane = Lane(house, Post(down={A}), THREE)
    await lane.hear()
    said = cases.Said(cases.Ruling.KEEP, Person("ben", Role.TRIAGE))
    house.db.run_now(lambda tx: rulings.rule(tx, house.engine, house.db.cipher, 1, said, house.clock.now()))
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


async def test_a_person_who_labels_a_crisis_raises_the_alarm_from_the_first_person_on(house: House) -> None:
    lane = Lane(house, Post(), THREE, StubAssessor({"fool": {Label.HARASSMENT: 0.9}}))
    await lane.hear("you fool")
    assert not lane.post.got
    said = cases.Said(cases.Ruling.LABEL, Person("cleo", Role.TRIAGE), labels=(Label.CRISIS,))
    house.db.run_now(lambda tx: rulings.rule(tx, house.engine, house.db.cipher, 1, said, house.clock.now()))
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
