"""Words in disguise: d1sgu1sed, d-isguised, d******ed, disguiiiised, d i s g u i s e d.

A word is undisguised only where that makes a common word of English (`words.txt`) or one of `disguises.toml`, so that
doses, formulae, drug names, postcodes and handles stay what they are.
"""

import math
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice, product
from pathlib import Path

HERE = Path(__file__).parent
READINGS = 64  # tried of one token
LONGEST = 40  # no token beyond this hides a word
ENDINGS = ("", "s", "es", "ed", "er", "ers", "ing", "y")
ALONE = frozenset({"fuck", "shit", "bitch", "cunt"})  # known by their first letter: f***

RUN = re.compile(r"([a-z])\1{2,}")
ROMAN = re.compile(r"[ivxlcdm]+")
ADDRESS = re.compile(r"https?:|www\.|\w@\w+\.\w|\w\.(?:com|org|net|uk|io|ly|me|co)\b")
GLUE = re.compile(r"(?<=[^\W_])[.*_\-~|/\\]+(?=[^\W_])")
DIGIT = re.compile(r"[0-9]")
STARS = re.compile(r"[*#@%$!]")
NUMBER = re.compile(r"^[1-9@#]|\d$|[^\w@$!|+€£¢¥]")  # a dose, a code, a handle, or not letters and signs alone


@dataclass(frozen=True, slots=True)
class Words:
    """`rank` of each common word, from 1; `hidden` words as listed, and `forms` of them with endings."""

    rank: dict[str, int]
    hidden: tuple[str, ...]
    forms: frozenset[str]
    signs: dict[str, str]


@cache
def words() -> Words:
    common = (HERE / "words.txt").read_text(encoding="utf-8").split()
    table = tomllib.loads((HERE / "disguises.toml").read_text(encoding="utf-8"))
    signs = table.pop("signs")
    hidden = tuple(word for kind in table.values() for word in kind)
    forms = frozenset(word + ending for word in hidden for ending in ENDINGS)
    return Words({word: n for n, word in enumerate(common, 1)}, hidden, forms, signs)


@lru_cache(maxsize=4096)
def undisguised(token: str) -> str | None:
    """The word that a token without white space hides, in lower case; None where it hides none."""
    low = token.lower()
    if len(low) > LONGEST or ADDRESS.search(low):
        return None
    if low.isascii() and low.isalpha():
        return _stretched(low)
    return (_wordlike(low) and (_listed(low) or _common(low))) or _starred(low)


def spelled(letters: str) -> str:
    """The words, with spaces between, that single letters spell; nothing where they are not all used up.

    Words are as likely as their rank says (Zipf); the likeliest row of them wins (Viterbi).
    """
    rank, low = words().rank, letters.lower()
    if low in words().forms:
        return low
    best: list[tuple[float, str] | None] = [(0.0, "")]
    for end in range(1, len(low) + 1):
        rows = (
            (row[0] + math.log(len(rank) * rank[low[start:end]]), f"{row[1]} {low[start:end]}")
            for start in range(max(0, end - 15), end)
            if (row := best[start]) and low[start:end] in rank
        )
        best.append(min(rows, default=None))
    return best[-1][1].strip() if best[-1] else ""


def _wordlike(low: str) -> bool:
    """Letters enough for a word, and no amount such as 600k before them."""
    return sum(map(str.isalpha, low)) >= 0.4 * len(low) and not low[:2].isdigit()


def _stretched(low: str) -> str | None:
    """A run of three or more of a letter stands for one or two: the listed or else the commonest word wins."""
    if not RUN.search(low) or ROMAN.fullmatch(low) or len(set(low)) < 2:
        return None
    return min(filter(_weight, _squeezed(low)), key=_weight, default=None)


def _listed(low: str) -> str | None:
    """Signs for letters, and what was put between letters: f-uck, 5h!t, but not bull-shit, which hides nothing."""
    pieces = GLUE.split(low)
    if len(pieces) > 1 and all(len(piece) > 1 and piece in words().rank for piece in pieces):
        return None
    return next((word for word in _readings("".join(pieces)) if word in words().forms), None)


def _common(low: str) -> str | None:
    if NUMBER.search(low):
        return None
    known = words().rank
    lowest = 3000 if len(low) == 3 and DIGIT.search(low) else len(known)  # B4D is bad, T1A a stage of a tumour
    return next((word for word in _readings(low) if len(word) > 2 and known.get(word, lowest + 1) <= lowest), None)


def _starred(low: str) -> str | None:
    """Letters starred out; one seen letter will do for four words, two for the others."""
    seen = STARS.sub("", low)
    if seen == low or not seen.isalpha() or not low[0].isalpha() or _emphasis(low):
        return None
    pattern = re.compile(STARS.sub(".", low))
    fits = (word for word in words().hidden if pattern.fullmatch(word))
    return next((word for word in fits if len(seen) > 1 or word in ALONE), None)


def _emphasis(low: str) -> bool:
    """Whether stars stand about a word, not for its letters."""
    inner = low.strip("*")
    return len(inner) > 1 and inner in words().rank


def _readings(token: str) -> Iterator[str]:
    """What the signs in a token can stand for; a sign that stands for nothing stays."""
    signs = words().signs
    for letters in islice(product(*(signs.get(letter, letter) for letter in token)), READINGS):
        reading = "".join(letters)
        yield from _squeezed(reading) if RUN.search(reading) else (reading,)


def _squeezed(word: str) -> Iterator[str]:
    parts = RUN.split(word)  # what stands between runs, and the letter of each run, in turn
    runs = [(part, part * 2) if n % 2 else (part,) for n, part in enumerate(parts)]
    return map("".join, islice(product(*runs), READINGS))


def _weight(word: str) -> int:
    """Lower wins; 0 is no word."""
    return 1 if word in words().forms else words().rank.get(word, -1) + 1
