"""The crisis lexicon: weighted words and cues, for when no model can be asked.

It is no substitute for the model: it knows words, not what they say. What it misses still goes to a person, as every
comment does while the model is down; what it hits goes to a named person at once.
"""

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
WORD = re.compile(r"[a-z0-9]+")
FOLD = re.compile(r"\n\s*")  # a pattern may be written over several lines


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What each cue and word weighs, the sum from which a text is a hit, and how good that was on held-out rows.

    `precision` is the share of hits that were crises, `recall` the share of crises that were hits.
    """

    cues: dict[str, float]
    words: dict[str, float]
    line: float
    precision: float
    recall: float


def crisis(text: str) -> float | None:
    """How likely a text (normalised) that the lexicon hits is a crisis; None where it does not hit."""
    lexicon = _lexicon()
    return lexicon.precision if weigh(lexicon, text) >= lexicon.line else None


def weigh(lexicon: Lexicon, text: str) -> float:
    words, cues = found(text)
    return sum(lexicon.words.get(word, 0) for word in words) + sum(lexicon.cues.get(cue, 0) for cue in cues)


def found(text: str) -> tuple[set[str], set[str]]:
    """The words of a text, and the names of the cues in it."""
    low = text.lower().replace("'", "")
    return set(WORD.findall(low)), {name for name, pattern in patterns().items() if pattern.search(low)}


@cache
def patterns() -> dict[str, re.Pattern[str]]:
    table = tomllib.loads((HERE / "lexicon.toml").read_text(encoding="utf-8"))
    return {name: _pattern(cue["any"], table["parts"]) for name, cue in table["cue"].items()}


def _pattern(alternatives: list[str], parts: dict[str, str]) -> re.Pattern[str]:
    joined = "|".join(alternatives)
    for name, part in parts.items():
        joined = joined.replace(f"{{{name}}}", part)
    return re.compile(rf"\b(?:{FOLD.sub('', joined)})\b")


def revision() -> str:
    """Twelve hexadecimal digits that change whenever a hit could."""
    content = b"".join((HERE / f"lexicon.{kind}").read_bytes() for kind in ("toml", "json"))
    return hashlib.sha256(content).hexdigest()[:12]


@cache
def _lexicon() -> Lexicon:
    return Lexicon(**json.loads((HERE / "lexicon.json").read_text(encoding="utf-8")))
