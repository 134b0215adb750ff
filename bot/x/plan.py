"""Which polls there are, how often each is made, and how far each has come: the cursor."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.x.ids import first_id


class Poll(StrEnum):
    OWN = "own"  # first, for it says which conversations are ours
    MENTIONS = "mentions"
    SEARCH = "search"
    RECHECK = "recheck"


@dataclass(frozen=True, slots=True)
class Plan:
    """How often each poll is made, in seconds (0 = never), and what a read costs in dollars."""

    every: dict[Poll, float]
    slow_seconds: float  # between two polls of the mentions, once the day's budget is spent
    look_back: timedelta  # how much of the past is read at the very first start
    read_price: float
    mention_price: float


@dataclass(frozen=True, slots=True)
class Marks:
    """The id up to which each poll has read. And what is looked up again, for what was deleted."""

    own: str
    mentions: str
    search: str
    searched: str  # when the last search was made; ISO 8601
    rechecked: str  # when the posts below were last looked up; ISO 8601
    search_until: str = ""  # a search that the day's budget cut short goes on from this id downwards,
    search_top: str = ""  # and has then read everything up to this one
    recent: tuple[str, ...] = ()

    @classmethod
    def read(cls, cursor: str | None, now: datetime, look_back: timedelta) -> "Marks":
        """A poll that was never made begins `look_back` before now."""
        began, at = first_id(now - look_back), now.isoformat()
        new = {"own": began, "mentions": began, "search": began, "searched": at, "rechecked": at}
        kept = {name: value for name, value in json.loads(cursor or "{}").items() if value}
        return cls(**new | kept | {"recent": tuple(kept.get("recent", ()))})

    def recheck_at(self, every: float) -> datetime:
        return datetime.fromisoformat(self.rechecked) + timedelta(seconds=every)

    def written(self) -> str:
        return json.dumps(asdict(self))
