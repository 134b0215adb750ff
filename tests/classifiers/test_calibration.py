import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.calibration import (
    Calibration,
    Curve,
    Promise,
    expected_calibration_error,
    fit,
    lower_bound,
)
from classifiers.errors import ClassifierError, ModelUnavailable
from classifiers.labels import Label

CRISIS = Label.CRISIS


def stream(rows: int, base_rate: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits two apart on average, so the best possible slope is 2 and many rows are in doubt."""
    noise = np.random.default_rng(seed)
    truths = (noise.random(rows) < base_rate).astype(float)
    return truths * 2 - 1 + noise.normal(size=rows), truths


@cache
def calibrated(rows: int = 20_000, base_rate: float = 0.3) -> Calibration:
    logits, truths = stream(rows, base_rate, seed=1)
    return fit({CRISIS: logits}, {CRISIS: truths})


def test_probabilities_mean_what_they_say_on_new_rows() -> None:
    logits, truths = stream(20_000, 0.3, seed=2)
    probabilities = np.array([calibrated().probability(CRISIS, x) for x in logits])
    assert expected_calibration_error(probabilities, truths) < 0.01


def test_probabilities_mean_what_they_say_in_a_stream_with_a_stated_base_rate() -> None:
    logits, truths = stream(40_000, 0.03, seed=3)
    moved, still = calibrated().moved({CRISIS: 0.03}), calibrated()
    assert expected_calibration_error(np.array([moved.probability(CRISIS, x) for x in logits]), truths) < 0.005
    assert expected_calibration_error(np.array([still.probability(CRISIS, x) for x in logits]), truths) > 0.1


@pytest.mark.parametrize(("base_rate", "when_right"), [(0.3, 0.95), (0.1, 0.9), (0.03, 0.7)])
def test_a_promise_is_kept_in_a_new_stream_of_its_base_rate(base_rate: float, when_right: float) -> None:
    curves = calibrated().moved({CRISIS: base_rate})
    line = curves.line(CRISIS, when_right)
    assert line is not None
    logits, truths = stream(200_000, base_rate, seed=4)
    over = np.array([curves.probability(CRISIS, x) for x in logits]) >= line
    assert over.sum() > 200
    assert truths[over].mean() >= when_right


def test_thin_data_makes_no_promise() -> None:
    logits = np.array([3.0] * 20 + [-3.0] * 20)
    curves = fit({CRISIS: logits}, {CRISIS: (logits > 0).astype(float)})
    assert curves.line(CRISIS, 0.98) is None  # twenty of twenty: the bound is 0.05 ** (1 / 20) = 0.861
    assert curves.line(CRISIS, 0.86) is not None


def test_a_label_nobody_scores_makes_no_promise() -> None:
    assert calibrated().line(Label.HARASSMENT, 0.1) is None


def test_unknown_truths_are_left_out() -> None:
    logits, truths = stream(2_000, 0.3, seed=5)
    some = fit({CRISIS: logits}, {CRISIS: truths})
    padded = fit({CRISIS: np.concatenate([logits, logits])}, {CRISIS: np.concatenate([truths, truths * np.nan])})
    assert padded == some


@pytest.mark.parametrize(
    ("logits", "truths"),
    [([1.0, 2.0], [1.0, 1.0]), ([1.0, 2.0], [0.0, 0.0]), ([3.0, 2.0, 1.0, 0.0], [0.0, 0.0, 1.0, 1.0])],
    ids=["only positives", "only negatives", "upside down"],
)
def test_what_cannot_be_calibrated_is_refused(logits: list[float], truths: list[float]) -> None:
    with pytest.raises(ClassifierError, match="crisis"):
        fit({CRISIS: np.array(logits)}, {CRISIS: np.array(truths)})


def test_it_survives_its_file() -> None:
    assert Calibration.from_json(calibrated().to_json()) == calibrated()


@pytest.mark.parametrize("text", ["", "{}", '{"curves": {"crisis": {"slope": "steep"}}}', '{"curves": {"x": 1}}'])
def test_a_broken_file_is_named_as_such(text: str) -> None:
    with pytest.raises(ModelUnavailable, match="calibration"):
        Calibration.from_json(text)


@pytest.mark.parametrize(
    ("right", "of", "published"),
    [(10, 10, 0.7411), (9, 10, 0.6058), (95, 100, 0.8977), (1, 20, 0.00256)],
)
def test_the_bound_is_clopper_pearsons(right: int, of: int, published: float) -> None:
    """One-sided 95 %; the quantile of Beta(right, of - right + 1) at 0.05."""
    assert lower_bound(right, of) == pytest.approx(published, abs=1e-4)


@given(st.integers(1, 300), st.data())
def test_the_bound_stays_below_the_share_and_rises_with_it(of: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, of))
    assert 0 <= lower_bound(right, of) <= right / of
    assert lower_bound(right, of) <= lower_bound(min(right + 1, of), of)


logits = st.floats(-30, 30)
shares = st.floats(0.001, 0.999)


@given(st.floats(0.1, 5), st.floats(-5, 5), shares, shares, logits, logits)
def test_a_higher_logit_is_never_less_probable_wherever_it_is_moved(
    slope: float, offset: float, here: float, there: float, one: float, other: float
) -> None:
    curve = Curve(slope, offset, here).moved(there)
    low, high = sorted([one, other])
    assert 0 <= curve.probability(low) <= curve.probability(high) <= 1


@given(st.lists(st.tuples(logits, st.floats(0, 1)), max_size=20), shares, st.floats(0, 1), st.floats(0, 1))
def test_a_harder_promise_has_no_lower_line_and_none_once_there_is_none(
    steps: list[tuple[float, float]], there: float, one: float, other: float
) -> None:
    curve = Curve(1, 0, 0.3, tuple(Promise(x, 1, 1, lower) for x, lower in steps)).moved(there)
    easy, hard = (curve.line(when_right) for when_right in sorted([one, other]))
    assert hard is None or (easy is not None and easy <= hard)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(logits, st.booleans()), min_size=2, max_size=60))
def test_fitting_ends_with_finite_curves_or_says_why(rows: list[tuple[float, bool]]) -> None:
    x, y = np.array([r[0] for r in rows]), np.array([float(r[1]) for r in rows])
    try:
        curve = fit({CRISIS: x}, {CRISIS: y}).curves[CRISIS]
    except ClassifierError:
        return
    assert math.isfinite(curve.slope)
    assert math.isfinite(curve.offset)


def test_no_rows_have_no_error() -> None:
    assert expected_calibration_error(np.array([]), np.array([])) == 0
