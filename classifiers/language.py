"""Whether a text can be assessed at all: words in it, in a language that the classifier reads.

English is told first by its words: a short comment is full of slang, drug names and typing errors, which language
detectors mistake for anything (lingua, over 17 languages, for another language in 5 % of 10,000 English comments), but
hardly ever without words of `words.txt`. Where those are few or none, the script and lingua's low-accuracy models
(25 MB, loaded when first needed, 0.3 s) decide; where a word of `language.toml` stands among them, only for English if
that is the likeliest language. A text in two languages counts as the one with more words, but is only partly
read.
"""

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, lru_cache

from lingua import IsoCode639_1, Language, LanguageDetector, LanguageDetectorBuilder

from classifiers.disguise import HERE, words
from classifiers.labels import NotAssessed

ENGLISH = "en"
MOSTLY = 0.6  # share of known words from which a text is English
HARDLY = 0.4  # share below which a text of some length is not, whatever its letters are like
SOME = 4  # words
SURE = 0.7  # what lingua must give another language at least,
UNLIKELY = 0.1  # and English less than
ENDINGS = ("'s", "s", "es", "d", "ed", "ing", "er", "ers", "ly", "ish")

ADDRESS = r"(?<!\S)[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+"  # begins where a word does: a row of "@" must not cost its square
TAG = r"<(?:[@#][!&]?|a?:\w+:)\d+>|</?(?:[abip]|br) ?/?>"  # of Discord, of HTML: "<you clown>" is none
ELSEWHERE = re.compile(rf"https?://\S+|www\.\S+|{ADDRESS}|{TAG}|@\w+|&\w+;")
HASHTAG = re.compile(r"#\w*[^\W\d_]\w*")
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
NUMBER = re.compile(r"\d(?:[ ().-]?\d){6}")  # as long as a phone number
LATIN = re.compile(r"[a-z\u00c0-\u024f\u1e00-\u1eff]", re.IGNORECASE)
SENTENCE = re.compile(r"(?<=[.!?\u2026])\s+|\n+")
OTHER_SCRIPT = re.compile(  # with the vowel signs of Hebrew, Arabic and South Asia, which are no letters
    r"(?:(?:[^\W\d_a-z\u00c0-\u024f\u1e00-\u1eff]|[\u0591-\u05c7\u064b-\u065f\u0900-\u0eff])\s?){4,}", re.IGNORECASE
)
LAUGH = re.compile(  # and no word that says something: he, hit, HIV, KKK
    r"a*h[ah]+|heh|(?:h+[ei]+){2,}h*|(?:j[ae]){2,}j?|(?:ka|xa|rs){2,}|k{4,}|x+d+|l+o+l+[sz]*|l+m+f*a+o+|rofl|z{2,}"
    r"|[hm]m+|[aou]+h+|e+w+"
)


def obstacle(text: str, languages: Collection[str]) -> NotAssessed | None:
    """Why a text (normalised) cannot be assessed; None where it can be.

    `languages` are ISO 639-1 codes, known to lingua, of those that are assessed.
    """
    plain = HASHTAG.sub("", ELSEWHERE.sub(" ", text))
    said = [word for word in WORD.findall(plain.lower()) if not LAUGH.fullmatch(word)]
    if not said:
        tells = HASHTAG.search(text) or NUMBER.search(text) or not _table().hostile.isdisjoint(text)
        return None if tells else NotAssessed.WORDLESS
    if ENGLISH in languages and _english(plain, said):
        return None
    others = set(languages) - {ENGLISH}
    return None if others and _language(plain, frozenset(others)) in others else NotAssessed.LANGUAGE


def partly_read(text: str, languages: Collection[str]) -> bool:
    """Whether a sentence, or a few words in another script, of a text (normalised) that can be assessed cannot."""
    plain = ELSEWHERE.sub(" ", text)
    sentences = [sentence for sentence in SENTENCE.split(plain) if len(WORD.findall(sentence)) >= SOME]
    return any(obstacle(part, languages) is NotAssessed.LANGUAGE for part in (*sentences, *OTHER_SCRIPT.findall(plain)))


def _english(plain: str, said: list[str]) -> bool:
    letters = "".join(said)
    if len(LATIN.findall(letters)) * 2 < len(letters):
        return False
    known = sum(map(_known, said)) / len(said)
    foreign = not _table().small.isdisjoint(said)
    if known >= MOSTLY or (known >= 0.5 and len(said) < SOME and not foreign):
        return True
    if known < HARDLY and len(said) >= SOME:
        return False
    found = _detector(frozenset()).compute_language_confidence_values(plain)
    shares = {value.language: value.value for value in found}
    english, likeliest = shares[Language.ENGLISH], max(shares.values())
    if foreign:  # unsure is not enough: "me voy a matar" has no likely language
        return known > 0 and english == likeliest
    return english >= UNLIKELY or likeliest < SURE


@lru_cache(maxsize=65536)
def _known(word: str) -> bool:
    """Whether a word, or what it is a form of, is a common one of English."""
    rank = words().rank
    if word in rank:
        return word not in _table().small
    stems = [word.removesuffix(ending) for ending in ENDINGS if word.endswith(ending)]
    return any(len(stem) > 3 and (stem in rank or f"{stem}e" in rank) for stem in stems)


def _language(plain: str, others: frozenset[str]) -> str | None:
    """ISO 639-1 code of the likeliest language; None where none is."""
    found = _detector(others).detect_language_of(plain)
    return found.iso_code_639_1.name.lower() if found else None


@cache
def _detector(others: frozenset[str]) -> LanguageDetector:
    """Tells apart English, those of the table and `others`."""
    codes = {ENGLISH} | _table().foreign.keys() | others
    known = [getattr(IsoCode639_1, code.upper()) for code in sorted(codes)]
    return LanguageDetectorBuilder.from_iso_codes_639_1(*known).with_low_accuracy_mode().build()


@dataclass(frozen=True, slots=True)
class Table:
    """What language.toml holds: small words by language, all of them, and emoji that speak for themselves."""

    foreign: dict[str, frozenset[str]]
    small: frozenset[str]
    hostile: frozenset[str]


@cache
def _table() -> Table:
    read = tomllib.loads((HERE / "language.toml").read_text(encoding="utf-8"))
    foreign = {code: frozenset(small.split()) for code, small in read["foreign"].items()}
    return Table(foreign, frozenset().union(*foreign.values()), frozenset(read["hostile"]))
