"""Ways to reach somebody that stand in a text and are not known to be the practice's own.

Where the practice's own contacts are known (`own`), no other may be said but short public numbers (999, 116 123).
Where they are not, what looks private is refused: free mail, messengers.
"""

import re
from collections.abc import Iterator

from classifiers.identifiers import found
from classifiers.labels import SpanType

SHORT = 6  # digits of a public number: 111, 999, 116 123
LINK = re.compile(r"(?:https?://|www\.)([\w.-]+)\S*", re.IGNORECASE)
PRIVATE = re.compile(
    r"@(?:gmail|googlemail|hotmail|outlook|live|yahoo|ymail|icloud|me|aol|proton(?:mail)?|gmx|msn)\.|(?:wa|t|m)\.me/|linktr",
    re.IGNORECASE,
)


def strangers(text: str, own: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Offsets of contacts that must not be said."""
    for link in LINK.finditer(text) if own else ():
        if not any(link[1].lower() in each.lower() for each in own):
            yield link.span()
    for span in found(text):
        if span.type is SpanType.CONTACT and not _known(text[span.start : span.end], own):
            yield span.start, span.end


def _known(contact: str, own: frozenset[str]) -> bool:
    if not own:
        return not PRIVATE.search(contact)
    digits = re.sub(r"\D", "", contact)
    if 0 < len(digits) <= SHORT:
        return True
    return any(contact.lower() in each.lower() or (digits and digits in re.sub(r"\D", "", each)) for each in own)
