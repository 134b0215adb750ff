"""Everything that can go wrong, as a tree.

ChaperoneError                its message is ours and safe to show: no comment text, no secret
├── ConfigError               the config file cannot be used: the start is stopped
├── StoreError                the database cannot be used
│   ├── StoreNewer            it was written by a newer Chaperone
│   ├── StoreKeyWrong         the key does not open what is stored
│   └── StoreUnavailable      locked, full, read-only: nothing was changed; jobs are tried again, people are told to
├── DeskError                 what a moderator asked cannot be done; the message tells them why
├── ReplyRefused              the reply guard did not let a text pass
├── UnreadablePayload         what a platform sent is malformed: it is set aside
└── PlatformError             what an adapter says instead of "done" (see `bot/act.py` for what follows)
    ├── Later                 rate limit, or a passing fault of a call that may be repeated
    ├── Unanswered            like Later, of a call that may have arrived: no answer came, or one of trouble over there
    ├── QuotaSpent            the allowance is used up until a given time
    ├── Ambiguous             nobody knows whether it happened: observe before anything is repeated
    ├── Refused               the platform, or what it is able to do, says no
    ├── Vanished              the comment is not there any more
    └── CredentialsRevoked    the account is stopped until its owner renews them
"""

from collections.abc import Sequence
from datetime import datetime


class ChaperoneError(Exception):
    """The root; every message is safe to print, and says what was tried, where, and what to do."""


class ConfigError(ChaperoneError):
    pass


class StoreError(ChaperoneError):
    pass


class StoreNewer(StoreError):
    pass


class StoreKeyWrong(StoreError):
    pass


class StoreUnavailable(StoreError):
    pass


class DeskError(ChaperoneError):
    pass


class ReplyRefused(ChaperoneError):
    """The message says why and holds none of the words; whoever typed them is shown `words`, marked, and `safer`.

    `marks` are code points of `words`, start and end, each with its reason.
    """

    def __init__(self, why: str, words: str = "", marks: Sequence[tuple[int, int, str]] = (), safer: str = "") -> None:
        super().__init__(why)
        self.words, self.marks, self.safer = words, tuple(marks), safer


class UnreadablePayload(ChaperoneError):
    pass


class PlatformError(ChaperoneError):
    pass


class Later(PlatformError):
    def __init__(self, why: str, at: datetime) -> None:
        super().__init__(why)
        self.at = at


class Unanswered(Later):
    """Like `Later`, of a call that may have arrived and may be repeated."""


class QuotaSpent(Later):
    """Like `Later`, for a whole allowance; `at` is when it is filled again."""


class Ambiguous(PlatformError):
    pass


class Refused(PlatformError):
    pass


class Vanished(PlatformError):
    pass


class CredentialsRevoked(PlatformError):
    pass
