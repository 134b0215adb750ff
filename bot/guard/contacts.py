"""Ways to reach somebody that stand in a text and are not known to be the practice's own.

Where the practice's own contacts are known (`own`), no other may be said; public numbers (999, 116 123) are none.
Where they are not, what looks private is refused: free mail, messengers.
"""

import re
from collections.abc import Iterator

from classifiers.identifiers import found
from classifiers.labels import SpanType

LETTER = re.compile(r"[^\W\d]")
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
    said = contact.lower().rstrip(".,;:!?)")  # the end of a sentence, which a link takes in
    if LETTER.search(said):
        return any(said in each.lower() for each in own)
    return any(_digits(said) in _digits(each) for each in own)  # a number is the same however it is spaced


def _digits(contact: str) -> str:
    return re.sub(r"\D", "", contact)
