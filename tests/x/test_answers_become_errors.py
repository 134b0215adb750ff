"""What an answer of X means to us, and what a person is told of it."""

from datetime import timedelta

import pytest

from bot.errors import Ambiguous, CredentialsRevoked, Later, PlatformError, QuotaSpent, Refused, Unanswered, Vanished
from bot.x.errors import Duplicate, answer, error
from tests.support import NOON
from tests.x.practice import PROBLEMS


def at(seconds: float) -> str:
    return str(int((NOON + timedelta(seconds=seconds)).timestamp()))


DUPLICATE = {"detail": "You are not allowed to create a Tweet with duplicate content."}
MAP: list[tuple[int, object, dict[str, str], type[PlatformError], type[PlatformError], timedelta | None]] = [
    # status, body, headers; what a wish becomes, what a creation becomes; when it may be tried again
    (400, {"title": "Invalid"}, {}, Refused, Refused, None),
    (401, {}, {}, CredentialsRevoked, CredentialsRevoked, None),
    (403, {"detail": "Forbidden"}, {}, Refused, Refused, None),
    (403, DUPLICATE, {}, Duplicate, Duplicate, None),
    (403, {"type": PROBLEMS + "oauth1-permissions"}, {}, Refused, Refused, None),
    (403, {"detail": "Your account is suspended and…"}, {}, CredentialsRevoked, CredentialsRevoked, None),
    (403, {"errors": [{"code": 326, "message": "…, this account is temporarily locked. Please log in"}]}, {},
     CredentialsRevoked, CredentialsRevoked, None),
    (404, {"type": PROBLEMS + "resource-not-found"}, {}, Vanished, Vanished, None),
    (409, {}, {}, Refused, Refused, None),
    (429, {}, {"x-rate-limit-reset": at(60)}, Later, Later, timedelta(seconds=60)),
    (429, {}, {"x-rate-limit-reset": "soon"}, Later, Later, timedelta(minutes=15)),
    (429, "<html>", {}, Later, Later, timedelta(minutes=15)),
    (429, {"type": PROBLEMS + "usage-capped"}, {}, QuotaSpent, QuotaSpent, timedelta(hours=12)),
    (
        429, {}, {"x-user-limit-24hour-remaining": "0", "x-user-limit-24hour-reset": at(3600)},
        QuotaSpent, QuotaSpent, timedelta(hours=1),
    ),
    (
        429, {}, {"x-app-limit-24hour-remaining": "0", "x-app-limit-24hour-reset": at(7200)},
        QuotaSpent, QuotaSpent, timedelta(hours=2),
    ),
    (500, {}, {}, Unanswered, Ambiguous, timedelta(seconds=30)),
    (503, "<h1>Over capacity</h1>", {}, Unanswered, Ambiguous, timedelta(seconds=30)),
    (0, None, {}, Unanswered, Ambiguous, timedelta(seconds=5)),  # no answer, or none that can be read
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "headers", "wish", "creation", "again"), MAP)
def test_what_an_answer_means(
    status: int, body: object, headers: dict[str, str], wish: type, creation: type, again: timedelta | None
) -> None:
    told = answer(status, body, headers)
    wished = error(told, creates=False, now=NOON)
    assert type(wished) is wish
    assert type(error(told, creates=True, now=NOON)) is creation
    assert (wished.at - NOON if isinstance(wished, Later) else None) == again


def test_what_x_says_in_its_own_words_is_not_passed_on() -> None:
    told = answer(403, {"detail": "somebody wrote this", "type": "https://x.example/a sentence"}, {})
    assert str(error(told, creates=True, now=NOON)) == "X does not allow it (403)"


FORBIDDEN = [
    ({"type": PROBLEMS + "not-authorized-for-resource"}, "protected, suspended, or has blocked the account"),
    ({"type": PROBLEMS + "client-forbidden"}, "see that it is in a project"),
    (
        {"detail": "Reply to this conversation is not allowed because you have not been mentioned…"},
        "mentioned or quoted",
    ),
    ({"detail": "You attempted to reply to a Tweet that is deleted or not visible to you."}, "the post is deleted"),
    ({"detail": "You do not have permission to DM one or more participants."}, "takes no messages"),
    ({"type": "about:blank"}, "X does not allow it (403)"),
]


@pytest.mark.parametrize(("body", "why"), FORBIDDEN)
def test_a_refusal_says_why_in_our_own_words(body: dict[str, str], why: str) -> None:
    assert why in str(error(answer(403, body, {}), creates=True, now=NOON))


def test_a_clock_that_is_wrong_is_not_taken_for_wrong_keys() -> None:
    told = answer(401, {}, {"date": "Sun, 01 Mar 2026 12:00:00 GMT"})
    for minutes, how in ((-12, "12 minutes slow"), (12, "12 minutes fast")):
        wrong = error(told, creates=False, now=NOON, signed=NOON + timedelta(minutes=minutes))
        assert isinstance(wrong, Later)
        assert how in str(wrong)
    for date in ({}, {"date": "soon"}, {"date": "Sun, 01 Mar 2026 12:00:00 GMT"}):
        found = error(answer(401, {}, date), creates=False, now=NOON, signed=NOON + timedelta(minutes=1))
        assert isinstance(found, CredentialsRevoked)
