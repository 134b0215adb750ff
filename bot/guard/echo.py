"""What the commenter disclosed and is called, found again in an answer.

Where their spans are not known, patterns find dates and contacts in their words, and the table's words of health what
they tell of themselves or of somebody of theirs. A general sentence may name what a question asked about.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import takewhile

from bot.guard.reading import Reading
from bot.guard.rules import book, pattern
from classifiers.identifiers import found
from classifiers.labels import Span, SpanType
from classifiers.normalise import normalise

# What tells nothing of anybody in a general question, such as whether you are open on Monday.
OF_ANYBODY = frozenset({SpanType.CONDITION, SpanType.TREATMENT, SpanType.DATE})
NOBODYS = frozenset({SpanType.TOWN})
SHORTEST = 3  # letters of a word that tells something
SAME = 5  # letters that two forms of a word begin with: pregnant, pregnancy
WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?", re.IGNORECASE)
NUMBER = re.compile(r"\d{2,}")


def repeated(it: Reading, said: str, spans: Iterable[Span], called: str) -> Iterator[tuple[int, int]]:
    """Offsets, in the answer, of words that point to the commenter or to what they told about somebody."""
    told = _told(said, spans)
    names = {match[0].lower() for match in WORD.finditer(called)}
    asked = "?" in said
    for match in WORD.finditer(it.text):
        word = match[0].lower()
        named = word in names and match[0][0].isupper()
        if named or (any(_alike(word, each) for each in told) and not (asked and _general(it, match))):
            yield match.span()


def _told(said: str, spans: Iterable[Span]) -> set[str]:
    """Words that identify, and where the commenter tells of somebody also those of health, dates and numbers."""
    text = normalise(said).text
    personal = bool(pattern("{first}").search(text))
    spare = frozenset[SpanType]() if personal else OF_ANYBODY | NOBODYS
    pieces = [said[each.start : each.end] for each in spans if each.type not in spare]
    pieces += [text[each.start : each.end] for each in found(text) if each.type not in spare]
    if personal:
        pieces += [match[0] for match in pattern("{clinical}|{sensitive}").finditer(text)]
        pieces += NUMBER.findall(text)
    return {word for piece in pieces for word in _words(piece)}


def _general(it: Reading, match: re.Match[str]) -> bool:
    """Whether the sentence speaks of anybody: “a mole that changes”, “anyone with a rash”."""
    start, end = next(each for each in it.sentences if each[0] <= match.start() < each[1])
    return bool(pattern("{general}").search(it.text, start, end))


def _words(text: str) -> set[str]:
    words = {match[0].lower() for match in WORD.finditer(text)}
    return {word for word in words if (len(word) >= SHORTEST or word.isdigit()) and word not in book().plain}


def _alike(word: str, told: str) -> bool:
    """The same word, or two forms of one."""
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, told, strict=False)))
    return word == told or (same >= SAME and same >= max(len(word), len(told)) - 3) or word.removesuffix("s") == told
