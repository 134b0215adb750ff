"""X's ids hold the time at which they were given out."""

from datetime import UTC, datetime

_EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657000, tzinfo=UTC)  # of X's ids, whose upper 42 bits are milliseconds


def first_id(at: datetime) -> str:
    """The smallest id that could have been given out then."""
    return str(max(0, int((at - _EPOCH).total_seconds() * 1000)) << 22)
