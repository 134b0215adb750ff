"""Figures of a model: worked out by hand on a few rows."""

import numpy as np
import pytest

from classifiers import calibration
from classifiers.labels import Label, Span, SpanType
from classifiers.training import suites
from classifiers.training.measures import at, best
from classifiers.training.report import report
from classifiers.training.rows import LABELS, Mark, Row, known
from classifiers.training.scoring import Scores

P = np.array([0.9, 0.8, 0.7, 0.2])
TRUTHS = np.array([1.0, 0.0, 1.0, 0.0])


def test_a_line_flags_what_is_at_or_above_it() -> None:
    found = at(0.8, P, TRUTHS)
    assert (found.precision, found.recall, found.flagged, found.f1) == (0.5, 0.5, 2, 0.5)


def test_no_line_flags_nothing_and_is_never_wrong() -> None:
    found = at(None, P, TRUTHS)
    assert (found.precision, found.recall, found.flagged, found.f1) == (1.0, 0.0, 0, 0.0)


def test_the_best_line_has_the_highest_f1() -> None:
    assert best(P, TRUTHS).line == 0.7
    assert best(P, TRUTHS).f1 == pytest.approx(0.8)


def _pooled() -> Scores:
    """200 rows: each label carried by every fourth, told apart by its logit but for one clean real row."""
    rows, logits = [], []
    for i in range(200):
        carried = LABELS if i % 4 == 0 else ()
        rows.append(Row(str(i), "relabelled/x" if i % 2 else "corpus/x", "x", known(carried), hard=not carried))
        logits.append([3.0 if carried or i == 1 else -3.0] * len(LABELS))
    return Scores(rows, np.array(logits), [()] * 200)


def test_clean_rows_that_any_label_flags_are_counted_once() -> None:
    pooled = _pooled()
    truths = {label: pooled.truths[:, i] for i, label in enumerate(LABELS)}
    curves = calibration.fit({label: pooled.logits[:, i] for i, label in enumerate(LABELS)}, truths)
    pooled.rows[3] = Row("3", "relabelled/x", "x", known(["crisis"]))  # so that the part has a positive of each
    pooled.rows[5] = Row("5", "relabelled/x", "x", known(LABELS))
    found = report(pooled, curves)
    asked, _, rows = found.flagged["real clean comments"]
    assert rows == 98
    assert asked == pytest.approx(1 / 98)
    assert found.parts["written"][Label.CRISIS].ask.recall == 1


def test_masks_are_measured_in_characters_and_identifiers_in_spans() -> None:
    pooled = _pooled()
    marks = (Mark(0, 4, (SpanType.PERSON,)), Mark(10, 20, (SpanType.CONDITION,)))
    pooled.rows[0] = Row("0", "corpus/x", "x" * 20, known(LABELS), marks=marks)
    pooled.spans[0] = (Span(2, 4, SpanType.PLACE), Span(10, 20, SpanType.TREATMENT), Span(6, 8, SpanType.PERSON))
    pooled.rows[5] = Row("5", "relabelled/x", "x", known(LABELS))
    truths = {label: pooled.truths[:, i] for i, label in enumerate(LABELS)}
    found = report(pooled, calibration.fit({n: pooled.logits[:, i] for i, n in enumerate(LABELS)}, truths))
    assert found.identifiers == (0.5, 1.0)
    assert found.masks == {"all": 0.75, "person": 0.5, "condition": 1.0}


def test_a_model_that_acts_on_clinical_language_does_not_pass() -> None:
    assert suites.Gates(300, 3, 0, (), {}).passed
    assert not suites.Gates(300, 4, 0, (), {}).passed
    assert not suites.Gates(300, 1, 1, (), {}).passed
