"""Whatever else a crisis is, the machine does nothing to it."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from itertools import chain, combinations, product
from typing import Any

import pytest

from bot.config import Config
from bot.decide import Facts, decide
from bot.errors import Refused, Unanswered
from bot.model import AuthorKind, Batch, Mode, Role, Severity, Verb
from bot.retention import expire
from bot.review import cases, pauses, rulings
from bot.review.cases import Person
from bot.store.tables import action, audit, case, ruling
from classifiers.labels import Assessment, Label, NotAssessed
from tests.crisis.lane import THREE, Lane, Post
from tests.support import PRACTICE, House, StubAssessor, posted
from tests.test_decide import shipped_policy

OTHERS = [label for label in Label if label is not Label.CRISIS]
COMBINATIONS = list(chain.from_iterable(combinations(OTHERS, count) for count in range(len(OTHERS) + 1)))


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


async def test_a_hide_that_was_not_answered_before_the_edit_into_a_crisis_is_taken_back(house: House) -> None:
    lane = Lane(house, Post(), THREE, StubAssessor({"fool": {Label.HARASSMENT: 0.99}, "tonight": {Label.CRISIS: 0.9}}))
    house.platform.answers = [Unanswered("no answer", house.clock.now() + timedelta(seconds=30))]
    await lane.hear("you fool", Mode.LIVE)
    await lane.hear("tonight", Mode.LIVE)
    await lane.minutes(3)
    assert [(row.verb, row.state) for row in house.rows(action)] == [("hide", "cancelled"), ("restore", "done")]


@pytest.mark.parametrize("label", [Label.HARASSMENT, None])
async def test_a_pause_keeps_no_crisis_hidden(house: House, label: Label | None) -> None:
    lane = Lane(house, Post(), THREE, StubAssessor({"fool": {Label.HARASSMENT: 0.99}, "tonight": {Label.CRISIS: 0.9}}))
    await lane.hear("you fool", Mode.LIVE)
    ben = Person("ben", Role.MODERATOR)
    house.db.run_now(lambda tx: pauses.set_pause(tx, PRACTICE, label, ben, house.clock.now()))
    await lane.hear("tonight", Mode.LIVE)
    assert [(row.verb, row.state) for row in house.rows(action)] == [("hide", "done"), ("restore", "done")]


async def test_an_undo_that_failed_keeps_no_crisis_hidden(house: House) -> None:
    lane = Lane(house, Post(), THREE, StubAssessor({"fool": {Label.HARASSMENT: 0.99}, "tonight": {Label.CRISIS: 0.9}}))
    await lane.hear("you fool", Mode.LIVE)
    house.platform.answers = [Refused("not allowed")]
    await lane.hear("tonight", Mode.LIVE)
    await lane.hear("tonight for sure", Mode.LIVE)
    assert [(row.verb, row.state) for row in house.rows(action)] == [
        ("hide", "done"),
        ("restore", "refused"),
        ("restore", "done"),
    ]


async def test_whoever_waits_for_a_person_is_not_hidden_in_their_next_comment(house: House) -> None:
    lane = Lane(house, Post(), THREE, StubAssessor({"fool": {Label.HARASSMENT: 0.99}, "tonight": {Label.CRISIS: 0.9}}))
    await lane.hear(mode=Mode.LIVE)
    await house.inbox.receive(PRACTICE, Mode.LIVE, Batch((posted("2", "you fool"),), "2"))
    await lane.work()
    assert not house.rows(action)
    assert [row.label for row in house.rows(case)] == [Label.CRISIS, Label.HARASSMENT]


async def test_the_words_of_a_crisis_are_kept_longer_and_the_card_forgets_with_them(house: House) -> None:
    lane = Lane(house, Post(), THREE)
    await lane.hear()
    said = cases.Said(cases.Ruling.NOTE, Person("ben", Role.MODERATOR), why="she wrote that tonight she ends it")
    now = house.clock.now()
    house.db.run_now(lambda tx: rulings.rule(tx, house.engine, house.db.cipher, 1, said, now))
    keep = cases.Said(cases.Ruling.KEEP, Person("ben", Role.MODERATOR))
    house.db.run_now(lambda tx: rulings.rule(tx, house.engine, house.db.cipher, 1, keep, now))
    kept = []
    for days in (31, 89, 91):
        house.db.run_now(partial(expire, config=lane.config, now=now + timedelta(days=days)))
        kept.append((house.comment(1).body is not None, house.rows(ruling)[0].words is not None))
    assert kept == [(True, True), (True, True), (False, False)]
    assert "text_expired" in [row.what for row in house.rows(audit)]  # by which the card on Discord is drawn again
