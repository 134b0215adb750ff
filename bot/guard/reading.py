"""A text made ready for the rules: undisguised, spelt as the rules spell, and cut into sentences."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise

from classifiers.disguise import words
from classifiers.labels import NotAssessed
from classifiers.language import LATIN, obstacle
from classifiers.normalise import Edit, Normalised, edited, normalise

LATIN_ONLY = "It is not in English, which is all that the guard can judge."
NO_WORDS = "There is nothing in it to judge."

# A full stop ends a sentence unless it stands after a title or an abbreviation, or within a time or a number.
END = re.compile(r"(?<!\bdr)(?<!\bmr)(?<!\bms)(?<!\bmrs)(?<!\bst)(?<!\bprof)(?<!\bno)(?<!\b[a-z])[.!?…]+(?=\s|$|[\"')])"
                 r"|[!?]+|\n\s*\n", re.IGNORECASE)  # fmt: skip
SAID = re.compile(r"\w")
OTHER_LETTERS = re.compile(rf"(?:(?!{LATIN.pattern})[^\W\d_]){{2}}", re.IGNORECASE)  # "β" and "µ" are said in English
WORD = re.compile(r"[a-z]{6,}(?!\w)", re.IGNORECASE)
ALIKE = 0.84  # of letters, as difflib counts them: appoitment, presciption, recieved


@dataclass(frozen=True, slots=True)
class Reading:
    """`sentences` are offsets of `text`; `original` leads back to what was typed."""

    text: str
    sentences: tuple[tuple[int, int], ...]
    source: Normalised
    unreadable: str = ""  # why it cannot be judged, where it cannot

    def original(self, start: int, end: int) -> tuple[int, int]:
        return self.source.starts[start], self.source.ends[end - 1]


def read(typed: str) -> Reading:
    now = normalise(typed)
    now = edited(now, [Edit(*match.span(), new) for match in WORD.finditer(now.text) if (new := _spelt(match[0]))])
    return Reading(now.text, _sentences(now.text), now, _obstacle(now.text))


def foreign(it: Reading) -> Iterator[tuple[int, int]]:
    """The sentences that are not in English, or hold words in other letters: each may say anything of anybody."""
    for start, end in it.sentences:
        said = it.text[start:end]
        if OTHER_LETTERS.search(said) or obstacle(said, ["en"]) is NotAssessed.LANGUAGE:
            yield start, end


def _obstacle(text: str) -> str:
    match obstacle(text, ["en"]):
        case NotAssessed.LANGUAGE:
            return LATIN_ONLY
        case _:
            return "" if text.strip() else NO_WORDS


def _sentences(text: str) -> tuple[tuple[int, int], ...]:
    ends = [match.end() for match in END.finditer(text)]
    cuts = [0, *ends, len(text)]
    return tuple((a, b) for a, b in pairwise(cuts) if SAID.search(text, a, b))


@lru_cache(maxsize=4096)
def _spelt(word: str) -> str | None:
    """A word of care that this one is meant to be; None where it is a word already, or like none of them."""
    low = word.lower()
    known = words().rank
    if low in known or low.removesuffix("s") in known or word[0].isupper():
        return None
    close = get_close_matches(low, CARE, 1, ALIKE)
    return close[0] if close and close[0] != low else None


# What is misspelt most where it matters.
CARE = (
    "appointment", "appointments", "prescription", "prescriptions", "prescribed", "treatment", "procedure",
    "diagnosis", "diagnosed", "surgery", "operation", "insurance", "insurer", "medication", "antibiotics",
    "results", "consultation", "referral", "referred", "discussed", "explained", "visited", "visiting", "patient",
    "received", "cancelled", "rescheduled", "scheduled", "recovering", "recovery", "symptoms", "records", "tablets",
    "ibuprofen", "paracetamol", "yesterday", "tomorrow", "definitely", "advised", "treated", "examined", "deductible",
    "infection", "pregnancy", "physician", "dentist", "registered", "discharged", "injection", "vaccination",
)  # fmt: skip
