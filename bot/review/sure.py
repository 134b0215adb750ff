"""Whether a masked text may be shown where a patient may have written it: only if every word of it is known to be safe.

The masker finds what it was taught to find; a name written small, a village, a rare illness may pass it by. So
nothing is shown because nothing was found in it. A text is sure when all that the masker left in clear is in
`everyday.txt`, written as everyday words are: in small letters, but for the first word of a sentence. One number,
handle, address, emoji, foreign or misspelt word, or capital in the middle, and no word of the text is shown.
"""

import re
from functools import cache
from pathlib import Path

from bot.masking import PLACEHOLDERS
from classifiers.labels import SpanType

_PLACEHOLDER = re.compile(
    r"\[(?:" + "|".join({PLACEHOLDERS.get(each, each.upper()) for each in SpanType}) + r")\](?:'s)?"
)
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_AROUND = re.compile(r"[\s.,;:!?'\"()…–—-]*")  # what may stand around words: no sign that spells anything
_ENDS_SENTENCE = re.compile(r"[.!?…:\n]")
_ALWAYS_LARGE = frozenset({"I", "I'm", "I've", "I'd", "I'll"})


def sure(masked: str) -> bool:
    """Whether every word that `masked` (see `bot/masking.py`) shows in clear is known to be safe."""
    text = masked.replace("’", "'")
    shown = [(it.start(), it.end(), None) for it in _PLACEHOLDER.finditer(text)]
    covered = _PLACEHOLDER.sub(lambda it: "\0" * len(it.group()), text)
    words = sorted([*shown, *((it.start(), it.end(), it.group()) for it in _WORD.finditer(covered))])
    at = 0
    for start, end, word in words:
        between = text[at:start]
        if not _apart(between) or (word is not None and not _safe(word, opens=_opens(between, at))):
            return False
        at = end
    return _apart(text[at:])


@cache
def everyday() -> frozenset[str]:
    """The words of `everyday.txt`, in small letters."""
    lines = Path(__file__).with_name("everyday.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def _apart(between: str) -> bool:
    return _AROUND.fullmatch(between) is not None


def _safe(word: str, *, opens: bool) -> bool:
    if word in _ALWAYS_LARGE:
        return True
    small = word.lower()
    if small not in everyday():
        return False
    return word == small or (opens and word == small.capitalize())


def _opens(between: str, at: int) -> bool:
    """Whether a word after this begins a sentence."""
    return at == 0 or _ENDS_SENTENCE.search(between) is not None
