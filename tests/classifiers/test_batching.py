"""Long texts are read whole, in parts, and what stands together is read together."""

from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.batching import parts


def test_a_short_text_is_one_part() -> None:
    assert parts(range(16), 16) == [list(range(16))]


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(16, 96))
def test_every_token_is_read_beside_its_neighbours(count: int, limit: int) -> None:
    found = parts(range(count), limit)
    assert all(0 < len(part) <= limit and part[0] == 0 and part[-1] == count - 1 for part in found)
    together, read = limit // 8, [set(part) for part in found]
    for start in range(1, count - 1 - together):
        assert any(part.issuperset(range(start, start + together)) for part in read)
