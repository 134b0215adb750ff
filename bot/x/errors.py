"""What X's answers mean to us. One table, tried line by line in `tests/x/test_answers_become_errors.py`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from bot.errors import Ambiguous, CredentialsRevoked, Later, PlatformError, QuotaSpent, Refused, Unanswered, Vanished

SOON = timedelta(seconds=5)  # until a call is repeated that met a passing fault
BUSY = timedelta(seconds=30)  # the same, where X itself is in trouble
WINDOW = timedelta(minutes=15)  # of X's rate limits; waited for where no header says when it ends

CLOCK_OFF = timedelta(minutes=4)  # X takes a signature for five
READ_ONLY = (
    "the keys of this account may only read: at developer.x.com set your app's permissions to `Read and write and "
    "Direct message`, then make a new access token and secret, put them into the environment and start again"
)
MAY_NOT = READ_ONLY.replace("may only read", "may not do this")
NO_MESSAGES = READ_ONLY.replace("may only read", "may not send messages")
REVOKED = (
    "X does not accept this account's keys: they were typed wrong, revoked or replaced. At developer.x.com, in your "
    "app's Keys and tokens, make new ones, put them into the environment and start again"
)

_PROBLEM = re.compile(r"[a-z0-9-]{1,60}")


class Duplicate(Refused):
    """X takes what we said for a repetition of what we said before."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What X answered instead of what was asked for. `status` 0: nothing that could be read."""

    status: int
    problem: str = ""  # the last part of the problem's type
    detail: str = ""  # X's own words, looked at and never passed on
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(status: int, body: object, headers: Mapping[str, str]) -> Answer:
    """From the body of an answer, which may hold anything."""
    said = body if isinstance(body, dict) else {}
    listed = said.get("errors")
    first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
    type_ = str(said.get("type") or first.get("type") or "").rpartition("/")[2]
    detail = str(said.get("detail") or first.get("detail") or first.get("message") or "")
    return Answer(status, type_ if _PROBLEM.fullmatch(type_) else "", detail, headers)


def error(told: Answer, *, creates: bool, now: datetime, signed: datetime | None = None) -> PlatformError:
    """`creates`: the call makes something new, so that one whose answer got lost must not be repeated blindly.

    `signed`: this machine's own time, which stands in a signature whatever `now` is.
    """
    match told.status:
        case 401:
            return _wrong_clock(told, now, signed) or CredentialsRevoked(REVOKED)
        case 403:
            return _forbidden(told)
        case 404:
            return Vanished("X has no such post or person any more")
        case 429:
            return _too_many(told, now)
        case status if 400 <= status < 500:
            return Refused(f"X refused the call ({status}{_named(told)})")
    if creates:
        return Ambiguous("X did not say whether it was done")
    why = "X is in trouble, or the line to it; this is tried again by itself"
    return Unanswered(why, now + (BUSY if told.status else SOON))


def _wrong_clock(told: Answer, now: datetime, signed: datetime | None) -> Later | None:
    """X refuses signatures of another time, and says its own in each answer."""
    try:
        off = signed - parsedate_to_datetime(told.headers.get("date", "")) if signed else timedelta()
    except (ValueError, TypeError):  # none, or one without a zone
        return None
    if abs(off) < CLOCK_OFF:
        return None
    how = f"{abs(off).total_seconds() / 60:.0f} minutes {'fast' if off > timedelta() else 'slow'}"
    return Later(
        f"the clock of this machine is {how}, so X refuses what it signs: set it right, best over the network (NTP)",
        now + BUSY,
    )


# What X says in a 403 (in small letters), and what it is to us; the first line that fits.
FORBIDDEN: tuple[tuple[str, type[PlatformError], str], ...] = (
    ("duplicate content", Duplicate, "X takes it for a repetition of an earlier post"),
    ("oauth1 app permissions", Refused, MAY_NOT),
    ("your account is suspended", CredentialsRevoked, "X has suspended this account: log in at x.com and appeal, then "
     "start again"),
    ("temporarily locked", CredentialsRevoked, "X has locked this account: log in at x.com, do what X asks there, and "
     "start again"),
    ("suspended application", CredentialsRevoked, "X has suspended the app whose keys these are: see developer.x.com"),
    ("not been mentioned", Refused, "X lets us answer in public only who mentioned or quoted the account"),
    ("deleted or not visible", Refused, "the post is deleted, or its author keeps it from the account"),
    ("dm one or more participants", Refused, "this person takes no messages from the account"),
)  # fmt: skip
PROBLEMS = {
    "oauth1-permissions": MAY_NOT,
    "client-forbidden": "X does not let the app do this: at developer.x.com, see that it is in a project, and its plan",
    "not-authorized-for-resource": "X keeps this post from the account: it is not in a conversation the account began, "
    "or its author is protected, suspended, or has blocked the account",
}


def _forbidden(told: Answer) -> PlatformError:
    detail = told.detail.casefold()
    for words, kind, meaning in FORBIDDEN:
        if words in detail:
            return kind(meaning)
    return Refused(PROBLEMS.get(told.problem, f"X does not allow it (403{_named(told)})"))


def _too_many(told: Answer, now: datetime) -> PlatformError:
    if told.problem == "usage-capped":
        return QuotaSpent("the usage that X was paid for is spent: raise the cap at developer.x.com", next_day(now))
    for whose in ("user", "app"):
        if told.headers.get(f"x-{whose}-limit-24hour-remaining") == "0":
            day = _seconds(told.headers.get(f"x-{whose}-limit-24hour-reset"))
            return QuotaSpent("X allows no more of this today", day or next_day(now))
    return Later("X's rate limit", _seconds(told.headers.get("x-rate-limit-reset")) or now + WINDOW)


def _named(told: Answer) -> str:
    return f" {told.problem}" if told.problem else ""


def _seconds(text: str | None) -> datetime | None:
    return datetime.fromtimestamp(int(text), UTC) if text and text.isdecimal() and len(text) < 12 else None


def next_day(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def resets_at(headers: Mapping[str, str]) -> datetime | None:
    return _seconds(headers.get("x-rate-limit-reset"))
