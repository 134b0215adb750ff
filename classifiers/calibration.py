"""From a classifier's raw logits to probabilities that mean what they say, and to lines that keep promises.

Probability: Platt scaling per label (Platt 1999, with his smoothed targets), so that of comments given 0.3
about three in ten carry the label, at the share of positives (the base rate) of the rows it was fitted on.
For a stream with another share, Bayes' rule moves the log odds by the difference of the log odds of the two
shares (Saerens, Latinne and Decaestecker 2002), which is right as long as positives look alike in both, and
negatives too.

Promise: `line` is the lowest probability at or above which held-out rows were right so often that the
one-sided 95 % Clopper-Pearson lower bound of that share, moved to the stream's base rate likewise, still
keeps the promise. The bounds are worked out once, on held-out logits, and ship with the weights. Too few rows
give a low bound, hence no line, and a person is asked. The bound is for one line; choosing the best of many
makes it a little hopeful.

Arrays here have shape (rows,): logits, truths (1 or 0; nan where unknown) and probabilities.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from classifiers.errors import ClassifierError, ModelUnavailable
from classifiers.labels import Label

Array = NDArray[np.float64]

MISS = 0.05  # how often a bound may be too high: one minus the confidence
STEPS = 100  # how many candidate lines a label keeps


@dataclass(frozen=True, slots=True)
class Promise:
    """Of the held-out rows, `flagged` had this `logit` or more and `right` of them carried the label.

    `lower` is the bound of right / flagged at the curve's base rate.
    """

    logit: float
    right: int
    flagged: int
    lower: float


@dataclass(frozen=True, slots=True)
class Curve:
    """One label: probability = sigmoid(slope * logit + offset), at `base_rate`."""

    slope: float
    offset: float
    base_rate: float
    promises: tuple[Promise, ...] = ()

    def probability(self, logit: float) -> float:
        """Calibrated, to 4 places. Never falls when the logit rises."""
        return round(_sigmoid(self.slope * logit + self.offset), 4)

    def line(self, when_right: float) -> float | None:
        """The lowest probability at or above which the promise holds; None where data is too thin."""
        kept = [promise.logit for promise in self.promises if promise.lower >= when_right]
        return self.probability(min(kept)) if kept else None

    def moved(self, base_rate: float) -> "Curve":
        """The same curve for a stream in which this share of comments carries the label."""
        shift = _logit(base_rate) - _logit(self.base_rate)
        promises = tuple(replace(p, lower=_sigmoid(_logit(p.lower) + shift)) for p in self.promises)
        return Curve(self.slope, self.offset + shift, base_rate, promises)


@dataclass(frozen=True, slots=True)
class Calibration:
    """A curve for every label that its classifier scores."""

    curves: Mapping[Label, Curve]

    def probability(self, label: Label, logit: float) -> float:
        return self.curves[label].probability(logit)

    def line(self, label: Label, when_right: float) -> float | None:
        """None also for a label that the classifier does not score."""
        curve = self.curves.get(label)
        return curve.line(when_right) if curve else None

    def moved(self, base_rate: Mapping[Label, float]) -> "Calibration":
        """For a stream with these base rates; a label left out stays as it is."""
        return Calibration({n: c.moved(base_rate[n]) if n in base_rate else c for n, c in self.curves.items()})

    def to_json(self) -> str:
        return _FILE.dump_json(self, indent=1).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> "Calibration":
        """What `to_json` wrote. Raises ModelUnavailable."""
        try:
            return _FILE.validate_json(text)
        except ValidationError as error:
            raise ModelUnavailable(f"calibration: {error.error_count()} faults; fetch the weights again") from error


_FILE = TypeAdapter(Calibration)


def fit(logits: Mapping[Label, Array], truths: Mapping[Label, Array]) -> Calibration:
    """A curve for each label of `logits`, from rows that the classifier was not trained on.

    Raises ClassifierError where a label has no positive or no negative, or where its logits do not tell them
    apart.
    """
    return Calibration({label: _curve(label, logits[label], truths[label]) for label in logits})


def expected_calibration_error(probabilities: Array, truths: Array, bins: int = 10) -> float:
    """Mean distance of probability and share of positives over bins of equal mass, weighted by rows."""
    known = ~np.isnan(truths)
    order = np.argsort(probabilities[known], kind="stable")
    gaps = [abs(probabilities[known][part].sum() - truths[known][part].sum()) for part in np.array_split(order, bins)]
    return float(sum(gaps) / max(order.size, 1))


def lower_bound(right: int, of: int, miss: float = MISS) -> float:
    """Clopper-Pearson: the true share is below this in at most `miss` of all samples. 0 where `right` is 0.

    The share at which so many right ones or more would come with probability `miss`, found by bisection.
    """
    if right == 0:
        return 0.0
    low, high = 0.0, right / of
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(of - right, of, 1 - middle) < miss else (low, middle)
    return low


def _curve(label: Label, logits: Array, truths: Array) -> Curve:
    known = ~np.isnan(truths)
    x, y = logits[known].astype(np.float64), truths[known].astype(np.float64)
    if not 0 < y.sum() < y.size:
        raise ClassifierError(f"{label}: calibrating needs positives and negatives, there are not both")
    slope, offset = _platt(x, y)
    if slope <= 0:
        raise ClassifierError(f"{label}: the logits do not rise with the truth; train before calibrating")
    return Curve(slope, offset, float(y.mean()), _promises(x, y))


def _platt(x: Array, y: Array) -> tuple[float, float]:
    """Slope and offset by Newton's method with step halving (Lin, Lin and Weng 2007)."""
    positives, negatives = y.sum(), y.size - y.sum()
    target = np.where(y == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    rows = np.stack([x, np.ones_like(x)])
    now = np.array([0.0, math.log((positives + 1) / (negatives + 1))])
    for _ in range(100):
        p = 1 / (1 + np.exp(-now @ rows))
        hessian = (rows * (p * (1 - p))) @ rows.T + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, rows @ (p - target))
        size = 1.0
        while size > 1e-6 and _loss(now - size * step, rows, target) > _loss(now, rows, target):
            size /= 2
        now = now - size * step
        if np.abs(step).max() < 1e-9:
            break
    return float(now[0]), float(now[1])


def _loss(parameters: Array, rows: Array, target: Array) -> float:
    z = parameters @ rows
    return float((np.logaddexp(0, z) - target * z).sum())


def _promises(x: Array, y: Array) -> tuple[Promise, ...]:
    """Candidate lines at evenly spaced positives, strictest first."""
    positives = np.sort(x[y == 1])[::-1]
    picks = np.unique(np.linspace(0, positives.size - 1, STEPS).astype(int))
    lines = []
    for logit in sorted(set(positives[picks].tolist()), reverse=True):
        flagged, right = int((x >= logit).sum()), int((positives >= logit).sum())
        lines.append(Promise(logit, right, flagged, lower_bound(right, flagged)))
    return tuple(lines)


def _at_most(k: int, n: int, p: float) -> float:
    """Probability of at most k of n, each with probability p in (0, 1)."""
    i = np.arange(1, k + 1)
    choose = np.concatenate([[0.0], np.cumsum(np.log((n - i + 1) / i))])
    terms = choose + np.arange(k + 1) * math.log(p) + (n - np.arange(k + 1)) * math.log1p(-p)
    return float(np.exp(terms).sum())


def _sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


def _logit(p: float) -> float:
    if p <= 0:
        return -math.inf
    return math.log(p) - math.log1p(-p) if p < 1 else math.inf
