"""Undoes what people do to a text so that a filter cannot read it, and remembers where everything stood.

Plain English comes out as it went in. Undone are: invisible characters and stacked accents, letters of other shapes
(full width, circled, mathematical, small capitals) and of look-alike alphabets, s p e l l e d  o u t words, and words
disguised by signs, stars, cuts or stretched letters (`disguise.py`). Accents and emoji stay.

`ftfy` and NFKC do part of this, but forget offsets; the tables of `confusable-homoglyphs` lack the small capitals
and half of the Cyrillic that is used.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from classifiers.disguise import spelled, undisguised
from classifiers.labels import Span


@dataclass(frozen=True, slots=True)
class Normalised:
    """A text to score. Its code point `i` came from code points `starts[i]` to `ends[i]` of the original."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def original(self, span: Span) -> Span:
        """The same span with offsets of the original text. `span` must not be empty."""
        return Span(self.starts[span.start], self.ends[span.end - 1], span.type)


class Edit(NamedTuple):
    """Code points `start` to `end` are to read `text`."""

    start: int
    end: int
    text: str


def normalise(text: str) -> Normalised:
    """Never fails, whatever the text. Doing it twice changes nothing more."""
    now = Normalised(text, range(len(text)), range(1, len(text) + 1))
    for step in (_visible, _marks, _shapes, _lookalikes, _spelled_out, _disguises):
        now = edited(now, list(step(now.text)))
    return now


def edited(old: Normalised, edits: list[Edit]) -> Normalised:
    """Where lengths agree, code points keep their places one by one; else each comes from the whole edit."""
    if not edits:
        return old
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for start, end, new in (*edits, Edit(len(old.text), len(old.text), "")):
        text += old.text[done:start], new
        starts += old.starts[done:start]
        ends += old.ends[done:start]
        same = len(new) == end - start
        starts += old.starts[start:end] if same else [old.starts[start]] * len(new)
        ends += old.ends[start:end] if same else [old.ends[end - 1]] * len(new)
        done = end
    return Normalised("".join(text), starts, ends)


ODD = re.compile(r"[^\t\n\r -~]")
MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
MARKED = re.compile(f"[^{MARKS}]?[{MARKS}]+")
WORD = re.compile(r"[^\W\d_]+")
# Four single letters or more, each set apart by the same one to three of these.
LETTERS = re.compile(r"(?<![^\W_])(?<!@)[^\W\d_](?:[ .\-_*·•~|+]{1,3}[^\W\d_](?![^\W_])){3,}")
SINGLE = re.compile(r"[^\W\d_]")
TOKEN = re.compile(r"[^\s\"()\[\]{}<>,;?…]+")
EDGES = "!.:'`~_-"

# Blank, though no category says so: a joiner, fillers, a Braille cell, selectors of variants.
BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {
    chr(n) for block in (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)) for n in block
}
QUOTES = {"‘": "'", "’": "'", "‛": "'", "ʼ": "'", "´": "'", "“": '"', "”": '"', "„": '"', "‟": '"'}
NAMED = re.compile(r"LATIN LETTER SMALL CAPITAL ([A-Z])$|\w*(?: \w+)?NEGATIVE \w+ LATIN CAPITAL LETTER ([A-Z])$")
GREEK = "\u03ff"  # its last letter: one alone is science
LOOKALIKES = (
    str.maketrans("абвгеёкмнопрстухьяѕіјһѡԁԛԝӏ", "abbreekmhonpctyxbrsijhwdqwl")  # Cyrillic
    | str.maketrans("АВЕКМНОРСТУХЯИЅІЈӀԌԚԜ", "ABEKMHOPCTYXRNSIJIGQW")
    | str.maketrans("αβγεζηικνορτυχω", "abyeznikvoptuxw")  # Greek
    | str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX")
    | str.maketrans("ոօսհցյաՏՍՕզ", "nouhgjwSUOq")  # Armenian
    | str.maketrans("ᎠᎡᎢᎥᎪᎫᎬᎳᎷᎻᏀᏃᏔᏚᏟᏢᏦᏴ", "DRTiAJEWMHGZWSCPKB")  # Cherokee
    | str.maketrans("ɑɡɩʋɐꞮ", "agivaI")
)


def _visible(text: str) -> Iterator[Edit]:
    return _by_character(text, _seen)


def _shapes(text: str) -> Iterator[Edit]:
    return _by_character(text, _shape)


def _by_character(text: str, read: Callable[[str], str]) -> Iterator[Edit]:
    for match in ODD.finditer(text):
        if (new := read(match.group())) != match.group():
            yield Edit(match.start(), match.end(), new)


@lru_cache(maxsize=4096)
def _seen(character: str) -> str:
    """Nothing for what nobody sees, a space for any space."""
    category = unicodedata.category(character)
    if category == "Cs":
        return "\ufffd"  # half of a character
    if category.startswith("Z") or character in "\v\f\x85":
        return " "
    return "" if category in {"Cc", "Cf"} or character in BLANK else character


@lru_cache(maxsize=4096)
def _shape(character: str) -> str:
    """Plain letters and digits for those in fancy dress; m² becomes m2, ½ and ™ stay."""
    if character in QUOTES:
        return QUOTES[character]
    plain = unicodedata.normalize("NFKC", character)
    if plain.isascii() and plain.isalnum() and character not in "™℠":
        return plain
    named = NAMED.match(unicodedata.name(character, ""))
    return named[named.lastindex or 0] if named else character


def _marks(text: str) -> Iterator[Edit]:
    """A letter keeps the accents that make one character with it; the other marks go."""
    for match in MARKED.finditer(text):
        new = ""
        for character in match.group():
            joined = unicodedata.normalize("NFC", new + character)
            new = joined if len(joined) == 1 and not unicodedata.combining(joined) else new
        if new != match.group():
            yield Edit(match.start(), match.end(), new)


def _lookalikes(text: str) -> Iterator[Edit]:
    """Among Latin letters, and as whole words of a text in Latin letters, others are read as what they look like."""
    if text.isascii():
        return
    latin = sum(map(str.isalpha, ascii_of(text))) * 2 > sum(map(str.isalpha, text))
    for match in WORD.finditer(text):
        word = match.group()
        new = word.translate(LOOKALIKES)
        if new != word and (ascii_of(word) or (latin and new.isascii() and (len(word) > 1 or word > GREEK))):
            yield Edit(match.start(), match.end(), new)


def _spelled_out(text: str) -> Iterator[Edit]:
    """Within a run of single letters the commonest gap parts letters, any other gap words.

    A run that spells no word of four letters is more likely initials, and stays.
    """
    for match in LETTERS.finditer(text):
        letters = list(SINGLE.finditer(text, match.start(), match.end()))
        gaps = [text[a.end() : b.start()] for a, b in pairwise(letters)]
        usual = Counter(gaps).most_common(1)[0][0]
        parts = [0, *(n for n, gap in enumerate(gaps, 1) if gap != usual), len(letters)]
        words = [letters[first:after] for first, after in pairwise(parts)]
        read = [(word, spelled("".join(letter.group() for letter in word))) for word in words]
        if any(len(piece) > 3 for _, new in read for piece in new.split()):
            yield from (Edit(word[0].start(), word[-1].end(), new) for word, new in read if new)


def _disguises(text: str) -> Iterator[Edit]:
    for match in TOKEN.finditer(text):
        token = match.group().rstrip(EDGES)
        start = match.start() + len(token) - len(token := token.lstrip(EDGES))
        new = undisguised(token) if len(token) > 2 else None
        if new and new != token.lower():
            yield Edit(start, start + len(token), new)


def ascii_of(text: str) -> str:
    return text.encode("ascii", "ignore").decode("ascii")
