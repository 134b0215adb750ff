"""What the model reads in a text, weighed with what rules find: may it tell of somebody's care?

A logistic regression over four facts, fitted by `python -m benchmarks.guard_weights` on replies whose writers neither
the model nor the rules had seen. Without a model whatever
a rule finds or the commenter told is refused: safe, and often wrong.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights.json"

# The logit of a text telling of somebody's care (`Pipeline.tells`); None where nothing can judge it.
Teller = Callable[[str], float | None]


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks against a text besides the model: rules, certain ones, and words of the commenter said again."""

    found: bool
    certain: bool
    echoed: bool


@dataclass(frozen=True, slots=True)
class Weights:
    """Of the model's logit and of each sign; from `line` on a text is refused."""

    logit: float
    found: float
    certain: float
    echoed: float
    line: float

    def sum(self, logit: float, signs: Signs) -> float:
        marks = self.found * signs.found + self.certain * signs.certain + self.echoed * signs.echoed
        return self.logit * logit + marks


def tells(logit: float | None, signs: Signs) -> bool:
    """Whether a text is refused."""
    if logit is None:
        return signs.found or signs.echoed
    return weights().sum(logit, signs) >= weights().line


@cache
def weights() -> Weights:
    return Weights(**json.loads(WEIGHTS.read_text(encoding="utf-8")))
