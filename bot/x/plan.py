"""Which polls there are, how often each is made, and how far each has come: the cursor."""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
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
    """The newest id that each poll has read; "" = none yet."""

    own: str = ""
    mentions: str = ""
    search: str = ""

    @classmethod
    def read(cls, cursor: str | None) -> "Marks":
        return cls(**json.loads(cursor)) if cursor else cls()

    def written(self) -> str:
        return json.dumps(asdict(self))
