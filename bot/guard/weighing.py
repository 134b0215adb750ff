"""Words weighed: what no rule knows, but reads like what has been a breach.

A logistic regression over the words of a sentence and their pairs, fitted to the sentences in `sentences/` and to
`tests/guard/development.jsonl` by `python -m benchmarks.guard_weights`. It seconds the rules and never overrules them.
"""

import json
import math
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

WEIGHTS = Path(__file__).parent / "weights.json"
TOKEN = re.compile(r"[\w']+|[!?$£]")
FEWEST = 7  # words and pairs: four words say too little to go by
DIGITS = re.compile(r"\d+")


def features(sentence: str) -> list[str]:
    """Its words and pairs of words, each once; every number is the same."""
    words = TOKEN.findall(DIGITS.sub("0", sentence.lower()))
    return list(dict.fromkeys([*words, *map(" ".join, pairwise(words))]))


def doubtful(sentence: str) -> bool:
    """Whether it weighs more than nearly all safe sentences do."""
    table = _table()
    found = features(sentence)
    known = [table["weights"][each] for each in found if each in table["weights"]]
    return len(found) >= FEWEST and table["bias"] + sum(known) / math.sqrt(len(known)) > table["line"]


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return table
