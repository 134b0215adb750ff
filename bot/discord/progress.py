"""How far a server was read: what the cursor of its account says."""

import json
from datetime import datetime

import discord

MOST_CHANNELS = 1_000  # in a cursor, threads too
ALL = "all"  # beside the channels: up to this message, or this moment of the first start, nothing is left to read


class Progress:
    """The last message read of each channel. One that is not named begins where all is read, however old it is: what
    stands there from before was read, or is the backlog, on which nobody acts.
    """

    def __init__(self, cursor: str | None, first_start: datetime) -> None:
        self._read: dict[str, int] = json.loads(cursor or "{}")
        begin = max(self._read.values(), default=discord.utils.time_snowflake(first_start))
        self._read.setdefault(ALL, begin)  # cursors once had none

    @property
    def cursor(self) -> str:
        return json.dumps(self._read)

    @property
    def newest(self) -> int:
        return max(self._read.values())

    @property
    def since(self) -> datetime:
        """When the last message came of those up to which nothing is left to read."""
        return discord.utils.snowflake_time(self._read[ALL])

    def knows(self, channel: int) -> bool:
        return str(channel) in self._read

    def last(self, channel: int) -> int:
        """The message to read on from; the first one of a thread may have the thread's own id."""
        return self._read.setdefault(str(channel), max(channel - 1, self._read[ALL]))

    def read(self, channel: int, message: int) -> None:
        self._read[str(channel)] = max(self.last(channel), message)

    def heard(self, channel: int, message: int) -> None:
        """The gateway told of it, after all that came before."""
        self.read(channel, message)
        self.all_read(message)

    def all_read(self, message: int) -> None:
        """Nothing is left to read up to this message, in whichever channel."""
        self._read[ALL] = max(self._read[ALL], message)

    def forget_quiet_ones(self) -> None:
        """Keep the cursor short where threads come and go."""
        channels = sorted(self._read.keys() - {ALL}, key=self._read.__getitem__)
        for name in channels[:-MOST_CHANNELS]:
            del self._read[name]
