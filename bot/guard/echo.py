"""What the commenter disclosed and is called, found again in an answer."""

import re
from collections.abc import Iterable, Iterator

from bot.guard.reading import Reading
from bot.guard.rules import book, pattern
from classifiers.labels import Span, SpanType
from classifiers.normalise import normalise

TOLD = frozenset(SpanType) - {SpanType.TOWN}
SHORTEST = 3
WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?", re.IGNORECASE)


def repeated(it: Reading, said: str, spans: Iterable[Span], called: str) -> Iterator[tuple[int, int]]:
    """Offsets, in the answer, of words that point to the commenter or to what they told about somebody."""
    told = {_stem(word) for span in spans if span.type in TOLD for word in _words(said[span.start : span.end])}
    told |= _told_of_somebody(said)
    names = {match[0].lower() for match in WORD.finditer(called)}
    for match in WORD.finditer(it.text):
        word = match[0].lower()
        if (word in names and match[0][0].isupper()) or (_stem(word) in told and not _general(it, match)):
            yield match.span()


def _told_of_somebody(said: str) -> set[str]:
    """Words of health in what they say of themselves or somebody of theirs."""
    text = normalise(said).text
    if not pattern("{first}").search(text):
        return set()
    return {_stem(word) for match in pattern("{clinical}").finditer(text) for word in _words(match[0])}


def _general(it: Reading, match: re.Match[str]) -> bool:
    """Whether the sentence speaks of anybody: “a mole that changes”, “anyone with a rash”."""
    start, end = next(each for each in it.sentences if each[0] <= match.start() < each[1])
    return bool(pattern("{general}").search(it.text, start, end))


def _words(text: str) -> set[str]:
    plain = book().plain
    found = {match[0].lower() for match in WORD.finditer(text)}
    return {word for word in found if len(word) >= SHORTEST and word not in plain}


def _stem(word: str) -> str:
    for ending in ("'s", "ing", "es", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending)
    return word
