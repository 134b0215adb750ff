"""Which polls there are, how often each is made, and how far each has come: the cursor."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


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
    """The newest id that each poll has read; "" = none yet. And what is looked up again, for what was deleted."""

    own: str = ""
    mentions: str = ""
    search: str = ""
    search_until: str = ""  # a search that the day's budget cut short goes on from this id downwards,
    search_top: str = ""  # and has then read everything up to this one
    recent: tuple[str, ...] = ()
    rechecked: str = ""  # when they were last looked up; ISO 8601

    @classmethod
    def read(cls, cursor: str | None, now: datetime) -> "Marks":
        kept = json.loads(cursor) if cursor else {}
        marks = cls(**kept | {"recent": tuple(kept.get("recent", ()))})
        return marks if marks.rechecked else replace(marks, rechecked=now.isoformat())

    def recheck_at(self, every: float) -> datetime:
        return datetime.fromisoformat(self.rechecked) + timedelta(seconds=every)

    def written(self) -> str:
        return json.dumps(asdict(self))
