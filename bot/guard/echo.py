"""What the commenter disclosed and is called, found again in an answer.

Where their spans are not known, patterns find dates and contacts in their words, and the table's words of health what
they tell of themselves or of somebody of theirs. A general sentence may name what a question asked about.
"""

import re
from collections.abc import Callable, Iterator
from itertools import takewhile

from bot.guard.reading import Reading
from bot.guard.rules import book, pattern
from bot.replies import Said
from classifiers.identifiers import found
from classifiers.labels import SpanType
from classifiers.normalise import normalise

# What tells nothing of anybody in a general question, such as whether you are open on Monday.
OF_ANYBODY = frozenset({SpanType.CONDITION, SpanType.TREATMENT, SpanType.DATE, SpanType.TOWN})
HANDLE = re.compile(r"[_.\d]+")
SHORTEST = 3  # letters of a word that tells something
SAME = 5  # letters that two forms of a word begin with: pregnant, pregnancy
WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?", re.IGNORECASE)
NUMBER = re.compile(r"\d{2,}")


def named(it: Reading, said: Said) -> Iterator[tuple[int, int]]:
    """Offsets, in the answer, of words that point to the commenter, or to whom they told of."""
    called = {match[0].lower() for match in WORD.finditer(f"{said.name} {HANDLE.sub(' ', said.handle)} {said.handle}")}
    told = _told(said, lambda kind: kind not in OF_ANYBODY)
    for match in WORD.finditer(it.text):
        word = match[0].lower()
        if (word in called and match[0][0].isupper()) or any(_alike(word, each) for each in told):
            yield match.span()


def echoed(it: Reading, said: Said) -> Iterator[tuple[int, int]]:
    """Offsets, in the answer, of what the commenter told of somebody's health; it may be no more than the subject."""
    text = normalise(said.text).text
    if not pattern("{first}").search(text):
        return
    told = _told(said, OF_ANYBODY.__contains__)
    told |= {word for match in pattern("{clinical}|{sensitive}").finditer(text) for word in _words(match[0])}
    told |= _words(" ".join(NUMBER.findall(text)))
    for match in WORD.finditer(it.text):
        if any(_alike(match[0].lower(), each) for each in told) and not ("?" in text and _general(it, match)):
            yield match.span()


def _told(said: Said, wanted: Callable[[SpanType], bool]) -> set[str]:
    """The words of such spans, the model's and those that patterns find."""
    text = normalise(said.text).text
    pieces = [said.text[each.start : each.end] for each in said.spans if wanted(each.type)]
    pieces += [text[each.start : each.end] for each in found(text) if wanted(each.type)]
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
