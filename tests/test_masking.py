"""Masking: nothing of a span is left, and nothing else is lost."""

from hypothesis import given
from hypothesis import strategies as st

from bot.masking import masked
from classifiers.labels import Span, SpanType


def test_spans_become_typed_placeholders() -> None:
    text = "my Ann has asthma since 2019 in Leeds"
    spans = [
        Span(11, 17, SpanType.CONDITION),
        Span(3, 6, SpanType.PERSON),
        Span(24, 28, SpanType.DATE),
        Span(32, 37, SpanType.TOWN),
    ]
    assert masked(text, spans) == "my [PERSON] has [CONDITION] since [DATE] in [PLACE]"


@given(
    text=st.text(alphabet="abc ", min_size=1, max_size=40),
    ends=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6),
)
def test_no_letter_inside_a_span_survives_and_every_other_one_does(text: str, ends: list[tuple[int, int]]) -> None:
    spans = [Span(min(pair), min(max(pair), len(text)), SpanType.PERSON) for pair in ends if min(pair) < len(text)]
    spans = [span for span in spans if span.start < span.end]
    inside = {at for span in spans for at in range(span.start, span.end)}
    left = "".join(sign for at, sign in enumerate(text) if at not in inside)
    assert masked(text, spans).replace("[PERSON]", "") == left
