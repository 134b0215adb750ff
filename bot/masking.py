"""Typed placeholders for what points to a person: “my [PERSON] has [CONDITION] since [DATE]”."""

from collections.abc import Iterable

from classifiers.labels import Span, SpanType

PLACEHOLDERS = {
    SpanType.BIRTH_DATE: "DATE",
    SpanType.TOWN: "PLACE",
}


def masked(text: str, spans: Iterable[Span]) -> str:
    """The text with each span replaced. Overlapping spans are masked as one, under the first one's name."""
    parts, at = [], 0
    for span in sorted(spans, key=lambda each: (each.start, -each.end)):
        if span.start >= at:
            parts += [text[at : span.start], f"[{PLACEHOLDERS.get(span.type, span.type.upper())}]"]
        at = max(at, span.end)
    return "".join([*parts, text[at:]])
