"""What the model reads in a text, weighed with what rules find: may it tell of somebody's care?

A logistic regression over three facts, fitted by `python -m benchmarks.guard_weights` on replies whose writers neither
the model nor the rules had seen. Without a model whatever a rule finds is refused: safe, and often wrong.
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
class Weights:
    """Of the model's logit, of a finding, of a finding by a certain rule; from `line` on a text is refused."""

    logit: float
    found: float
    certain: float
    line: float

    def sum(self, logit: float, found: bool, certain: bool) -> float:
        return self.logit * logit + self.found * found + self.certain * certain


def tells(logit: float | None, found: bool, certain: bool) -> bool:
    """Whether a text is refused."""
    if logit is None:
        return found
    return weights().sum(logit, found, certain) >= weights().line


@cache
def weights() -> Weights:
    return Weights(**json.loads(WEIGHTS.read_text(encoding="utf-8")))
