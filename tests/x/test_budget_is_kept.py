"""What a day may cost: it is kept over a restart, slows the reading, and is told."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.clock import FastClock, StillClock
from bot.errors import Ambiguous, Later, QuotaSpent, Refused
from bot.model import Gap
from bot.sandbox.faults import FORBIDDEN, RESET, TOO_MANY
from bot.sandbox.x import USAGE_CAPPED, X
from bot.x.ledger import Budget, Ledger
from tests.support import NOON
from tests.x.practice import Connect, posted


def test_a_days_budget_is_kept_over_a_restart_and_full_again_the_next_day(tmp_path: Path) -> None:
    clock, file = StillClock(NOON), tmp_path / "spent.json"
    ledger = Ledger(file, Budget(reads=10, posts=2, dollars=1.0), clock)
    ledger.spend(0.9, reads=9, posts=1)
    ledger = Ledger(file, Budget(reads=10, posts=2, dollars=1.0), clock)
    assert (ledger.may_read(), ledger.why_not_post(0.05)) == (True, "")
    with pytest.raises(QuotaSpent, match="dollars_per_day"), ledger.post("k", 0.2):
        pass
    ledger.spend(0.01, reads=1)
    assert not ledger.may_read()
    told = ["10 of 10 reads, 1 of 2 posts, $0.91 of $1.00 today (until midnight UTC)", ledger.slowed(1800)]
    assert ledger.standing(1800) == told
    for word in ("10 reads", "`reads_per_day`", "Until 2026-03-02 00:00 UTC", "every 30 minutes", "raise that limit"):
        assert word in ledger.slowed(1800)
    ledger.spend(0.1, posts=1)
    assert "replies and messages wait until 2026-03-02 00:00 UTC: no more than 2" in ledger.standing(1800)[-1]
    clock.advance(ledger.full_again() - clock.now())
    assert (ledger.may_read(), ledger.today.day) == (True, "2026-03-02")


async def test_when_the_budget_is_spent_it_slows_and_says_so(connect: Connect, x: X) -> None:
    async with connect(stream=True, reads_per_day=2, posts_per_day=0, slow_seconds=1) as practice:
        ids = [await x.say(f"@clinic {n}", reply_to=practice.post) for n in range(3)]
        events = await practice.events(lambda found: any(isinstance(e, Gap) for e in found))
        assert {c.id for c in posted(events)} == {practice.post, *ids}
        (gap,) = [e for e in events if isinstance(e, Gap)]
        assert "budget for X is spent" in gap.why
        late = await x.say("@clinic late", reply_to=practice.post)
        assert late in {
            c.id for c in posted(await practice.events(lambda found: any(c.id == late for c in posted(found))))
        }
        assert not x.streams
        with pytest.raises(QuotaSpent):
            await practice.adapter.reply(practice.order("k", late, "Our words"))
    assert not x.journal.calls("POST", "/2/tweets")


async def test_many_replies_at_once_keep_to_the_days_posts(connect: Connect, x: X) -> None:
    async with connect(posts_per_day=2) as practice:
        asked = [await x.say(f"@clinic {n}", reply_to=practice.post) for n in range(6)]
        replies = [practice.adapter.reply(practice.order(id_, id_, f"Our words to {id_}")) for id_ in asked]
        ends = await asyncio.gather(*replies, return_exceptions=True)
    assert [type(end) for end in ends] == [type(None)] * 2 + [QuotaSpent] * 4
    assert len(x.journal.calls("POST", "/2/tweets")) == 2


async def test_a_reply_is_counted_once_however_often_it_is_tried_and_not_where_x_said_no(
    connect: Connect, x: X
) -> None:
    async with connect(posts_per_day=1) as practice:
        first, second = [await x.say(f"@clinic {n}", reply_to=practice.post) for n in range(2)]
        order, today = practice.order("k", first, "Our words"), practice.adapter._ledger.today
        for fault, error, posts in ((FORBIDDEN, Refused, 0), (TOO_MANY, Later, 0), (RESET, Ambiguous, 1)):
            x.fail("POST", "*", fault)
            with pytest.raises(error):
                await practice.adapter.reply(order)
            assert (today.posts, today.dollars) == (posts, pytest.approx(posts * 0.015))
        with pytest.raises(QuotaSpent):
            await practice.adapter.reply(practice.order("another", second, "Our words"))
        await practice.adapter.reply(order)
        assert (today.posts, today.dollars) == (1, pytest.approx(0.015))


PRICED = [
    ("https://clinic.example/faq", 0.2), ("www.clinic.example", 0.2), ("clinic.example/@team", 0.2),
    ("first.last@mail.clinic.example", 0.015), ("@clinic.example", 0.015),
]  # fmt: skip


@pytest.mark.parametrize(("told", "dollars"), PRICED)
async def test_a_reply_with_a_link_is_counted_at_its_price(connect: Connect, x: X, told: str, dollars: float) -> None:
    async with connect() as practice:
        asked = await x.say("@clinic how?", reply_to=practice.post)
        await practice.adapter.reply(practice.order("k", asked, f"All is told at {told}."))
        assert practice.adapter._ledger.today.dollars == pytest.approx(dollars)


def test_nothing_is_given_back_to_a_day_that_did_not_count_it(tmp_path: Path) -> None:
    clock = StillClock(NOON)
    ledger = Ledger(tmp_path / "spent.json", Budget(reads=10, posts=2, dollars=1.0), clock)
    with pytest.raises(Refused), ledger.post("k", 0.1):
        clock.advance(timedelta(days=1))
        raise Refused("no")
    assert (ledger.today.posts, ledger.today.dollars) == (0, 0.0)


async def test_a_search_ends_with_the_days_budget_and_goes_on_the_next_day(connect: Connect, x: X) -> None:
    clock = FastClock(datetime.now(UTC).replace(hour=12), speed=50)
    async with connect(clock, search_seconds=20, reads_per_day=30, slow_seconds=20) as practice:
        middle = await x.say("one", author="7", reply_to=practice.post)
        ids = [await x.say(f"unseen {n}", author="8", reply_to=middle) for n in range(40)]
        events = practice.adapter.events(None)
        found: list[str] = []
        spent: list[int] = []
        async for batch in events:
            found += [c.id for c in posted(list(batch.events)) if c.id in ids]
            if any("the day's budget" in e.why for e in batch.events if isinstance(e, Gap)):
                spent.append(practice.adapter._ledger.today.reads)
                clock.advance(timedelta(days=1))
            if len(found) == 40:
                break
    assert spent[0] <= 40
    assert len(set(found)) == 40


async def test_a_usage_cap_waits_for_the_next_day(connect: Connect, x: X) -> None:
    async with connect() as practice:
        id_ = await x.say("awful", reply_to=practice.post)
        x.fail("PUT", "*", USAGE_CAPPED)
        with pytest.raises(QuotaSpent) as caught:
            await practice.adapter.hide(practice.order("k", id_))
    assert caught.value.at.astimezone(UTC).hour == 0
    assert caught.value.at > datetime.now(UTC)
