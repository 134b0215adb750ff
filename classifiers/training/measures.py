"""Figures of a label: arrays of shape (rows,), probabilities and truths (1 or 0)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class At:
    """At one line: how many rows are flagged, and how well."""

    line: float
    precision: float
    recall: float
    flagged: int

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def at(line: float | None, probabilities: Array, truths: Array) -> At:
    """Precision is 1 where nothing is flagged; no line flags nothing."""
    if line is None:
        return At(2.0, 1.0, 0.0, 0)
    flagged = probabilities >= line
    right = float(truths[flagged].sum())
    return At(line, right / flagged.sum() if flagged.any() else 1.0, right / truths.sum(), int(flagged.sum()))


def best(probabilities: Array, truths: Array) -> At:
    """The line with the highest F1."""
    order = np.argsort(-probabilities, kind="stable")
    right = np.cumsum(truths[order])
    f1 = 2 * right / (np.arange(1, order.size + 1) + truths.sum())
    return at(float(probabilities[order][int(f1.argmax())]), probabilities, truths)


def average_precision(probabilities: Array, truths: Array) -> float:
    return float(average_precision_score(truths, probabilities))
