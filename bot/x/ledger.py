"""What a day on X costs: every read and post is counted, kept over restarts, and held to the day's budget."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from pydantic import Field

from bot.clock import Clock
from bot.errors import CredentialsRevoked, Later, QuotaSpent, Refused, Vanished
from bot.platforms import base
from bot.x.errors import next_day
from bot.x.files import parsed, replace


class Prices(base.Settings):
    """Of X's pay per use, in dollars (2026)."""

    read: float = Field(0.005, ge=0, description="a post read")
    mention: float = Field(0.001, ge=0, description="a mention of the account read by itself")
    post: float = Field(0.015, ge=0, description="a post written")
    post_with_link: float = Field(0.20, ge=0, description="a post written that holds a link")
    message: float = Field(0.015, ge=0, description="a direct message; X's list has no price of its own for it")


@dataclass(slots=True)
class Spent:
    """Of one day, in UTC."""

    day: str
    reads: int = 0
    posts: int = 0
    dollars: float = 0.0


@dataclass(frozen=True, slots=True)
class Budget:
    reads: int
    posts: int
    dollars: float


class Ledger:
    """What the day cost, kept over restarts."""

    def __init__(self, file: Path, budget: Budget, clock: Clock) -> None:
        self._file, self._budget, self._clock = file, budget, clock
        self._spent = Spent("")
        self._counted: set[str] = set()  # the keys of the day's posts
        if file.exists():
            match parsed(file.read_bytes()):
                case {"day": str(day), "reads": int(reads), "posts": int(posts), "dollars": float(dollars)}:
                    self._spent = Spent(day, reads, posts, dollars)

    @property
    def today(self) -> Spent:
        day = self._clock.now().date().isoformat()
        if self._spent.day != day:
            self._spent = Spent(day)
            self._counted.clear()
        return self._spent

    def spend(self, dollars: float, *, reads: int = 0, posts: int = 0) -> None:
        today = self.today
        today.reads, today.posts, today.dollars = today.reads + reads, today.posts + posts, today.dollars + dollars
        self._file.parent.mkdir(parents=True, exist_ok=True)
        replace(self._file, json.dumps(asdict(today)).encode())

    @contextmanager
    def post(self, key: str, dollars: float) -> Iterator[None]:
        """Counts a post before its call, for others are under way meanwhile; and once, however often it is repeated.

        It is given back where X surely did not take it. Raises `QuotaSpent` where the day's budget does not hold it.
        """
        today = self.today
        if key not in self._counted:
            self._hold(dollars)
            self._counted.add(key)
        try:
            yield
        except (CredentialsRevoked, Later, Refused, Vanished):
            if self.today is today:  # a new day has counted nothing of it
                self._counted.remove(key)
                self.spend(-dollars, posts=-1)
            raise

    def _hold(self, dollars: float) -> None:
        if why := self.why_not_post(dollars):
            until = self.full_again()
            raise QuotaSpent(f"until {until:%Y-%m-%d %H:%M} UTC, for {why}", until)
        self.spend(dollars, posts=1)

    def may_read(self) -> bool:
        return not self.why_not_read()

    def reads_left(self, price: float) -> int:
        """Posts at `price` dollars that the day's budget still holds."""
        left = self._budget.reads - self.today.reads
        affordable = int((self._budget.dollars - self.today.dollars) / price) if price else left
        return max(0, min(left, affordable))

    def why_not_post(self, dollars: float) -> str:
        """Which limit of the day a post of this price would break, by its name in the config; "" = none."""
        it, limit = self.today, self._budget
        if it.posts >= limit.posts:
            return f"no more than {limit.posts} replies and messages a day are allowed (`posts_per_day`)"
        if it.dollars + dollars > limit.dollars:
            return f"of the ${limit.dollars:.2f} for today too little is left (`dollars_per_day`)"
        return ""

    def why_not_read(self) -> str:
        it, limit = self.today, self._budget
        if it.reads >= limit.reads:
            return f"the {limit.reads} reads for today are used up (`reads_per_day`)"
        if it.dollars >= limit.dollars:
            return f"the ${limit.dollars:.2f} for today are spent (`dollars_per_day`)"
        return ""

    def slowed(self, slow_seconds: float) -> str:
        """What the spent budget slows, until when, and what to do; "" = nothing."""
        if not (why := self.why_not_read()):
            return ""
        return (
            f"the day's budget for X is spent: {why}. Until {self.full_again():%Y-%m-%d %H:%M} UTC only the mentions "
            f"are read, every {slow_seconds / 60:.0f} minutes, and what mentions nobody is seen late; hiding goes on. "
            "To read on today, raise that limit in the config and start again"
        )

    def standing(self, slow_seconds: float) -> list[str]:
        """For `chaperone status`: what was used, and what that slows or holds."""
        held = self.why_not_post(0.0)
        until = f"replies and messages wait until {self.full_again():%Y-%m-%d %H:%M} UTC: {held}; hiding goes on"
        return [each for each in (self.told(), self.slowed(slow_seconds), until if held else "") if each]

    def full_again(self) -> datetime:
        return next_day(self._clock.now())

    def told(self) -> str:
        it, limit = self.today, self._budget
        return (
            f"{it.reads} of {limit.reads} reads, {it.posts} of {limit.posts} posts, "
            f"${it.dollars:.2f} of ${limit.dollars:.2f} today (until midnight UTC)"
        )
