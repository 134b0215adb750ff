"""What scores say: figures a label, at the ask line and at the act line, on all rows and on parts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifiers.calibration import Calibration, expected_calibration_error
from classifiers.labels import IDENTIFIERS, Label, Span, SpanType
from classifiers.training.measures import At, at, average_precision, best
from classifiers.training.rows import LABELS, Row
from classifiers.training.scoring import Scores

ASK: Mapping[Label, float] = dict.fromkeys(LABELS, 0.8) | {
    Label.HARASSMENT: 0.75,
    Label.HEALTH_DISCLOSURE: 0.85,
    Label.CRISIS: 0.5,
}
GRID = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)
# Crisis is never acted on alone, whatever its line; a request is only answered, which hides nothing.
ACT: Mapping[Label, float] = dict.fromkeys(LABELS, 0.98) | {Label.DIAGNOSIS_REQUEST: 0.97}


@dataclass(frozen=True, slots=True)
class Figures:
    """One label on one part of the rows."""

    positives: int
    average_precision: float
    ask: At
    act: At
    best: At
    calibration_error: float


@dataclass(frozen=True, slots=True)
class Report:
    """`parts` has figures by part and label (of labels that some row carries), `flagged` the share of clean rows a kind
    that any label asks about.
    """

    rows: int
    lines: Mapping[Label, tuple[float | None, float | None]]  # ask, act
    parts: Mapping[str, Mapping[Label, Figures]]
    flagged: Mapping[str, tuple[float, float, int]]  # at ask, at act, rows
    typed: int  # rows with every span marked
    identifiers: tuple[float, float]  # precision, recall of spans that overlap
    masks: Mapping[str, float]  # recall of characters a kind
    grid: Mapping[float, tuple[Mapping[Label, At], float]]  # by when_right: each label, real clean rows flagged


PARTS: Mapping[str, Callable[[Row], bool]] = {
    "all": lambda row: True,
    "real": lambda row: row.writer.startswith("relabelled/"),
    "written": lambda row: not row.writer.startswith("relabelled/"),
}
CLEAN: Mapping[str, Callable[[Row], bool]] = {
    "real clean comments": lambda row: row.writer.startswith("relabelled/"),
    "written near misses": lambda row: not row.writer.startswith("relabelled/") and row.hard,
    "written everyday comments": lambda row: row.writer == "corpus/everyday",
}


def report(pooled: Scores, curves: Calibration) -> Report:
    """Figures of the labels on all rows, of the spans on the rows that have every span marked."""
    lines = {label: (curves.line(label, ASK[label]), curves.line(label, ACT[label])) for label in LABELS}
    parts = {name: pooled.of([takes(row) for row in pooled.rows]) for name, takes in PARTS.items()}
    clean = pooled.of([not any(row.targets) for row in pooled.rows])
    flagged = {
        name: _flagged(clean.of([takes(row) for row in clean.rows]), curves, lines) for name, takes in CLEAN.items()
    }
    typed = pooled.of([row.marks is not None and not row.elsewhere for row in pooled.rows])
    return Report(
        rows=len(pooled.rows),
        lines=lines,
        parts={name: _figures(part, curves, lines) for name, part in parts.items()},
        flagged=flagged,
        typed=len(typed.rows),
        identifiers=_identifiers(typed),
        masks=_masks(typed),
        grid={when_right: _promised(when_right, pooled, clean, curves) for when_right in GRID},
    )


def _promised(when_right: float, pooled: Scores, clean: Scores, curves: Calibration) -> tuple[dict[Label, At], float]:
    """Every label at its line for this promise, and the share of real clean rows that any of them flags."""
    lines = {label: (curves.line(label, when_right), None) for label in LABELS}
    figures = {
        label: at(lines[label][0], probabilities(curves, pooled, label), pooled.truths[:, i])
        for i, label in enumerate(LABELS)
    }
    real = clean.of([PARTS["real"](row) for row in clean.rows])
    return figures, _flagged(real, curves, lines)[0]


def probabilities(curves: Calibration, found: Scores, label: Label) -> NDArray[np.float64]:
    column = found.logits[:, LABELS.index(label)]
    return np.array([curves.probability(label, float(logit)) for logit in column])


def _figures(
    part: Scores, curves: Calibration, lines: Mapping[Label, tuple[float | None, float | None]]
) -> dict[Label, Figures]:
    figures = {}
    for i, label in enumerate(LABELS):
        p, truths = probabilities(curves, part, label), part.truths[:, i]
        if not truths.any():
            continue
        ask, act = (at(line, p, truths) for line in lines[label])
        error = expected_calibration_error(p, truths)
        ap = average_precision(p, truths)
        figures[label] = Figures(int(truths.sum()), ap, ask, act, best(p, truths), error)
    return figures


def _flagged(
    part: Scores, curves: Calibration, lines: Mapping[Label, tuple[float | None, float | None]]
) -> tuple[float, float, int]:
    """Share of rows that any label flags, at ask and at act."""
    flags = np.zeros((2, len(part.rows)), dtype=bool)
    for label in LABELS:
        p = probabilities(curves, part, label)
        for which, line in enumerate(lines[label]):
            flags[which] |= p >= (2.0 if line is None else line)
    at_ask, at_act = flags.sum(1) / max(len(part.rows), 1)
    return float(at_ask), float(at_act), len(part.rows)


def _identifiers(typed: Scores) -> tuple[float, float]:
    """Precision and recall of spans that point to a person, any overlap counts."""
    found, true = 0, 0
    right, met = 0, 0
    for row, spans in zip(typed.rows, typed.spans, strict=True):
        marks = [(m.start, m.end) for m in row.marks or () if set(m.kinds) <= IDENTIFIERS]
        guesses = [(s.start, s.end) for s in spans if s.type in IDENTIFIERS]
        found, true = found + len(guesses), true + len(marks)
        right += sum(any(_overlap(g, m) for m in marks) for g in guesses)
        met += sum(any(_overlap(g, m) for g in guesses) for m in marks)
    return right / max(found, 1), met / max(true, 1)


def _masks(typed: Scores) -> dict[str, float]:
    """Share of marked characters that any span covers, by kind and in all."""
    covered: dict[str, list[float]] = {"all": []}
    for row, spans in zip(typed.rows, typed.spans, strict=True):
        for mark in row.marks or ():
            share = _covered(mark.start, mark.end, spans)
            covered["all"].append(share)
            covered.setdefault(SpanType(mark.kinds[0]).value, []).append(share)
    return {kind: float(np.mean(shares)) for kind, shares in covered.items() if shares}


def _covered(start: int, end: int, spans: tuple[Span, ...]) -> float:
    return sum(any(s.start <= i < s.end for s in spans) for i in range(start, end)) / (end - start)


def _overlap(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[0] < b[1] and b[0] < a[1]
