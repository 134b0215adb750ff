"""Which words of a masked text may be shown where a patient may have written it: only those known to be safe.

The masker finds what it was taught to find; a name written small, a village, a rare illness may pass it by. So
nothing is shown because nothing was found in it. A text is sure when all that the masker left in clear is in
`everyday.txt`, written as everyday words are: in small letters, but for the first word of a sentence. One number,
handle, address, foreign or misspelt word, or capital in the middle, and the text is not sure.

"doctor" is safe where what follows it cannot be a name, and "will" where somebody does it ("they will").
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from bot.masking import PLACEHOLDERS
from classifiers.labels import SpanType

BLANK = "▁▁"  # stands for whatever is not sure

_PLACEHOLDER = re.compile(
    r"\[(?:" + "|".join({PLACEHOLDERS.get(each, each.upper()) for each in SpanType}) + r")\](?:'s)?"
)
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_FACES = "\U0001f600-\U0001f636\U0001f638-\U0001f64f\U0001f44d-\U0001f44f\U0001f494-\U0001f49f\u2764\ufe0f"  # no masks
_STRANGE = re.compile(rf"[^\s.,;:!?'’\"“”()…–—&{_FACES}-]+")  # what may not stand around words: it may spell something
_JOINT = re.compile(r"(?<=\S)[.:&](?=\S)")  # without a space it may make an address of two words
_TOKEN = re.compile(r"\S+?(?=[.,;:!?…]*(?:\s|$))")
ENDS_SENTENCE = re.compile(rf"[.!?…:\n{_FACES}]")
_ALWAYS_LARGE = frozenset({"I", "I'm", "I've", "I'd", "I'll", "TV"})
_TITLES = frozenset({"dr", "doctor", "doc", "nurse", "gp", "mr", "mrs"})
_AFTER_TITLES = """\
    i you he she it we they me him us them my your his her its our their the a an this that these those and or but so
    if when because who which what how why than is are was were be been isn't wasn't aren't has have had hasn't hadn't
    do does did doesn't didn't can could can't couldn't won't would wouldn't should shouldn't said says say saying told
    tells tell asked asks ask gave gives give wants wanted just only also then there here to of in on at by with for
    from about as not never always still even please thank thanks"""
_NEVER_A_NAME = frozenset(_AFTER_TITLES.split())
_DOERS = frozenset({"i", "you", "he", "she", "it", "we", "they"})


class _Word(NamedTuple):
    """One that is shown; `text` is None for a placeholder. `opens`: it begins a sentence."""

    start: int
    end: int
    text: str | None
    opens: bool


def sure(masked: str) -> bool:
    """Whether every word that `masked` (see `bot/masking.py`) shows in clear is known to be safe."""
    return not any(_unsafe(masked))


def blanked(masked: str) -> str:
    """`masked` with a blank for each run of signs without a space in which anything is not known to be safe."""
    unsafe = [range(*span) for span in _unsafe(masked)]

    def shown(token: re.Match[str]) -> str:
        covers = range(*token.span())
        return BLANK if any(it.start < covers.stop and covers.start < it.stop for it in unsafe) else token.group()

    return _TOKEN.sub(shown, masked)


@cache
def everyday() -> frozenset[str]:
    """The words of `everyday.txt`, in small letters."""
    lines = Path(__file__).with_name("everyday.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def _unsafe(masked: str) -> Iterator[tuple[int, int]]:
    """Where there is what may not be shown: words, and signs between them."""
    words, at = list(_words(masked)), 0
    for place, it in enumerate(words):
        yield from _signs(masked, at, it.start)
        last = words[place - 1].text if place else None
        after = words[place + 1].text if place + 1 < len(words) else None
        if it.text is not None and not _safe(it.text, last, after, opens=it.opens):
            yield it.start, it.end
        at = it.end
    yield from _signs(masked, at, len(masked))


def _words(masked: str) -> Iterator[_Word]:
    text = masked.replace("’", "'")
    shown = [(*it.span(), None) for it in _PLACEHOLDER.finditer(text)]
    covered = _PLACEHOLDER.sub(lambda it: "\0" * len(it.group()), text)
    if covered.isupper():  # somebody who shouts writes names no larger than the rest
        covered = covered.lower()
    at = 0
    for start, end, word in sorted([*shown, *((*it.span(), it.group()) for it in WORD.finditer(covered))]):
        yield _Word(start, end, word, at == 0 or ENDS_SENTENCE.search(text[at:start]) is not None)
        at = end


def _signs(masked: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """What between two words does more than stand there."""
    yield from (it.span() for it in _STRANGE.finditer(masked, start, end))
    if end - start == 1 and _JOINT.match(masked, start):
        yield start, end


def _safe(word: str, last: str | None, after: str | None, *, opens: bool) -> bool:
    small = word.lower()
    if small in _TITLES:
        return word in (small, small.capitalize(), "GP") and (after is None or after.lower() in _NEVER_A_NAME)
    if word == "will":
        return last is not None and last.lower() in _DOERS
    return word in _ALWAYS_LARGE or (small in everyday() and (word == small or (opens and word == small.capitalize())))
