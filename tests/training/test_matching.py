"""What ships is brought to the scale of the models that were calibrated, and still ranks as it did."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from classifiers.training.matching import matched, straight_line

THEIRS = np.random.default_rng(1).normal(size=(400, 2))


def test_logits_that_were_stretched_and_moved_come_back() -> None:
    ours = THEIRS[::-1] * [1.3, 0.7] + [0.5, -2.0]
    state = {"verdict": torch.ones(3, 4), "bias": torch.tensor([0.5, -2.0, 9.0]), "words.weight": torch.ones(1)}
    found = matched(state, ours, [THEIRS, THEIRS])
    assert found["verdict"][:, 0].tolist() == pytest.approx([1 / 1.3, 1 / 0.7, 1.0])
    assert found["bias"].tolist() == pytest.approx([0.0, 0.0, 9.0], abs=1e-6)
    assert state["bias"][0] == 0.5  # not changed in place


@given(st.floats(0.2, 5), st.floats(-5, 5))
def test_what_is_surer_flags_as_many_as_before(stretch: float, shift: float) -> None:
    theirs = THEIRS[:, 0]
    ours = theirs[np.random.default_rng(2).permutation(theirs.size)] * stretch + shift
    slope, offset = straight_line(ours, theirs)
    assert slope > 0
    assert (ours * slope + offset > 1.0).sum() == pytest.approx((theirs > 1.0).sum(), abs=1)
