"""Words and findings weighed together: whether a text speaks of one person's care.

A logistic regression over the words of each sentence, their pairs, and the same with words replaced by their kinds
(“your test was past”); the heaviest sentence counts. A second one over that and the number of the rules' findings
decides. Fitted by `python -m benchmarks.guard_weights`, which cross-validates.
"""

import json
import math
import re
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from bot.guard.rules import pattern

WEIGHTS = Path(__file__).parent / "weights.json"
TOKEN = re.compile(r"[\w']+|[!?$£€]")
DIGITS = re.compile(r"\d+")
MOST = 4  # findings; more say nothing more
OTHER = "w"
# Families of the rules' table whose words are one kind, in the order they are tried.
KINDS = (
    "you", "your", "body", "sign", "illness", "remedy", "test", "kin", "day", "month",
    "sensitive", "money", "booking", "record",
)  # fmt: skip
CLINICAL = frozenset({"body", "sign", "illness", "remedy", "test"})
# Words that stay themselves, as they carry the grammar: whose, whether, when.
GRAMMAR = frozenset(
    """a an the this that these those we i us our my me he she him her his they them their it its if when whether unless
    to for of in on at with by from and or but not never no can cannot can't could may might must should will would do
    does did do don't have has had 've 'll 'd please thank thanks sorry glad hope who what how why ? ! so as about here
    there""".split()  # noqa: SIM905
)
ANYBODY = frozenset(
    """anyone anybody everyone everybody people patients somebody someone nobody those whoever all every any many most
    some adults children parents women men""".split()  # noqa: SIM905
)
STAFF = re.compile(
    r"(?:doctor|nurse|surgeon|dentist|team|staff|reception|receptionist|manager|dr|hygienist|midwife|physio|therapist|"
    r"counsellor|consultant|gp|pharmacist)s?"
)


def features(sentence: str) -> list[str]:
    """Its words and pairs, and its kinds of words in pairs and threes, each once; every number is the same."""
    typed = TOKEN.findall(DIGITS.sub("0", sentence))
    words = [word.lower() for word in typed]
    kinds = ["<", *map(kind, typed), ">"]
    threes = list(zip(kinds, kinds[1:], kinds[2:], strict=False))
    shapes = [*kinds, *map(" ".join, pairwise(kinds)), *map(" ".join, threes), *(f"{a} _ {c}" for a, _, c in threes)]
    telling = [f"#{shape}" for shape in shapes if set(shape.split()) != {OTHER}]
    return list(dict.fromkeys([*words, *map(" ".join, pairwise(words)), *telling]))


@lru_cache(maxsize=8192)
def kind(word: str) -> str:
    """What stands for a word in a shape: itself where it is grammar, else its family, else how it is formed."""
    low = word.lower()
    if low == "0":
        return "NUMBER"
    if low in ANYBODY:
        return "ANYBODY"
    if low in GRAMMAR:
        return low
    if word[0].isupper() and pattern("{first_name}").fullmatch(low):
        return "NAME"
    family = next((name for name in KINDS if pattern(f"{{{name}}}").fullmatch(low)), "")
    if family:
        return "CLINICAL" if family in CLINICAL else family.upper()
    return _formed(word, low)


def _formed(word: str, low: str) -> str:
    if STAFF.fullmatch(low):
        return "STAFF"
    if low.endswith("ing"):
        return "ING"
    if pattern("{past}").fullmatch(low):
        return "PAST"
    return "ADVERB" if low.endswith("ly") else "Capital" if word[0].isupper() else OTHER


def weight(sentence: str) -> float:
    """How much it reads like what has told of somebody's care; more than 0 is likelier to than not."""
    return weighed(_table(), sentence)


def weighed(table: dict[str, Any], sentence: str) -> float:
    found = features(sentence)
    return float(table["bias"] + sum(table["weights"].get(each, 0.0) for each in found) / math.sqrt(len(found) or 1))


def evidence(heaviest: float, findings: int) -> tuple[float, float, float]:
    """What the second regression goes by."""
    return heaviest, float(findings > 0), min(findings, MOST) / 2


def tells(heaviest: float, findings: int) -> bool:
    """Whether a text may be a breach: its heaviest sentence, and how often rules speak."""
    table = _table()
    return bool(sum(map(float.__mul__, table["evidence"], evidence(heaviest, findings))) > table["line"])


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return table
