"""Ways to reach somebody that stand in a text and are not known to be the practice's own.

Where the practice's own contacts are known (`own`), no other may be said; public numbers (999, 116 123) are none.
Where they are not, what looks private is refused: free mail, messengers. A part of ours is not ours: a link is known by
its host, or one under it, a number as `phonenumbers` compares them, and an address or a name as a whole.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import urlsplit

from phonenumbers import MatchType, is_number_match

from classifiers.identifiers import found
from classifiers.labels import SpanType

LETTER = re.compile(r"[^\W\d]")
LINK = re.compile(r"(?:https?://|www\.)\S*\w", re.IGNORECASE)
ENDS = ".,;:!?)"  # of a sentence, which a contact takes in
PRIVATE = re.compile(
    r"@(?:gmail|googlemail|hotmail|outlook|live|yahoo|ymail|icloud|me|aol|proton(?:mail)?|gmx|msn)\.|(?:wa|t|m)\.me/|linktr",
    re.IGNORECASE,
)


def strangers(text: str, own: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Offsets of contacts that must not be said."""
    for link in LINK.finditer(text) if own else ():
        if not f".{_host(link[0])}".endswith(_hosts(own)):
            yield link.span()
    for start, end in _contacts(text):
        if not _known(text[start:end].rstrip(ENDS), own):
            yield start, end


def _known(contact: str, own: frozenset[str]) -> bool:
    if not own:
        return not PRIVATE.search(contact)
    if LETTER.search(contact):
        whole = re.compile(rf"(?<![\w.+-]){re.escape(contact)}(?![\w@+-]|\.\w)", re.IGNORECASE)
        return any(map(whole.search, own))
    return any(is_number_match(contact, each) >= MatchType.NSN_MATCH for each in _numbers(own))


def _contacts(text: str) -> Iterator[tuple[int, int]]:
    return ((span.start, span.end) for span in found(text) if span.type is SpanType.CONTACT)


@lru_cache(maxsize=8)
def _numbers(own: frozenset[str]) -> tuple[str, ...]:
    """Those that stand in our contacts, however they are worded."""
    return tuple(each[start:end] for each in own for start, end in _contacts(each))


@lru_cache(maxsize=8)
def _hosts(own: frozenset[str]) -> tuple[str, ...]:
    """With a dot in front, so that "ourclinic.org" does not end as "clinic.org" does."""
    hosts = (_host(word.rstrip(ENDS)) for each in own for word in each.split())
    return tuple(f".{host}" for host in hosts if "." in host)


def _host(link: str) -> str:
    """Of a link, or an address without https://; "" where it has none."""
    try:
        host = urlsplit(link if "//" in link else f"//{link}").hostname or ""
    except ValueError:  # "https://["
        return ""
    return host.removeprefix("www.")
