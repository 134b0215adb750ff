"""Brings the logits of the weights that ship to the scale of those that the calibration was fitted on.

The weights that ship have read every row, and longer, and are surer of themselves than the folds, whose held-out scores
the probabilities and lines come from: at a line drawn for 0.98 they were right 0.94 of the time. So each label's logits
are laid over the folds' by a straight line, fitted on comments that none of them has read and that nobody has labelled:
sorted logits against sorted logits. A line then flags about as many comments as it did for the models it was drawn for,
and since the weights that ship rank better, it is right at least as often.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]


def straight_line(ours: Array, theirs: Array) -> tuple[float, float]:
    """Slope and offset that lay the sorted logits `ours`, (rows,), over the sorted `theirs`, by least squares."""
    slope, offset = np.polyfit(np.sort(ours), np.sort(theirs), 1)
    return float(slope), float(offset)


def matched(state: Mapping[str, Tensor], ours: Array, folds: Sequence[Array]) -> dict[str, Tensor]:
    """The weights with every label's logit on the folds' scale. Logits are (rows, labels), of the same comments.

    What is said of replies, the outputs after the labels, stays as it is.
    """
    theirs = np.mean([np.sort(fold, axis=0) for fold in folds], axis=0)
    changed = {name: tensor.clone() for name, tensor in state.items()}
    for label in range(ours.shape[1]):
        slope, offset = straight_line(ours[:, label], theirs[:, label])
        changed["verdict"][label] *= slope
        changed["bias"][label] = changed["bias"][label] * slope + offset
    return changed
