"""What X's answers mean to us. One table, tried line by line in `tests/test_x.py`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.errors import Ambiguous, CredentialsRevoked, Later, PlatformError, QuotaSpent, Refused, Vanished

SOON = timedelta(seconds=5)  # until a call is repeated that met a passing fault
BUSY = timedelta(seconds=30)  # the same, where X itself is in trouble
WINDOW = timedelta(minutes=15)  # of X's rate limits; waited for where no header says when it ends

READ_ONLY = "the keys of this account may only read: give the app `Read and write` at X, then make new tokens"

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


def error(told: Answer, *, creates: bool, now: datetime) -> PlatformError:
    """`creates`: the call makes something new, so that one whose answer got lost must not be repeated blindly."""
    match told.status:
        case 401:
            return CredentialsRevoked("X does not accept this account's keys: make new ones and put them in place")
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
    return Later("X is in trouble", now + (BUSY if told.status else SOON))


def _forbidden(told: Answer) -> PlatformError:
    if "duplicate content" in told.detail.casefold():
        return Duplicate("X takes it for a repetition of an earlier post")
    if told.problem == "oauth1-permissions" or "oauth1 app permissions" in told.detail:
        return Refused(READ_ONLY)
    return Refused(f"X does not allow it (403{_named(told)})")


def _too_many(told: Answer, now: datetime) -> PlatformError:
    if told.problem == "usage-capped":
        return QuotaSpent("the usage that was paid for is spent; raise the cap at X", next_day(now))
    if told.headers.get("x-user-limit-24hour-remaining") == "0":
        day = _seconds(told.headers.get("x-user-limit-24hour-reset"))
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
