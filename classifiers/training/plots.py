"""Precision against recall, and calibration, of every label out of fold."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from classifiers.calibration import Calibration
from classifiers.training.report import probabilities
from classifiers.training.rows import LABELS
from classifiers.training.scoring import Scores


def draw(pooled: Scores, curves: Calibration, folder: Path) -> None:
    """Writes `precision-recall.png` and `calibration.png`."""
    figure, axes = plt.subplots(figsize=(6, 5))
    for i, label in enumerate(LABELS):
        precision, recall, _ = precision_recall_curve(pooled.truths[:, i], pooled.logits[:, i])
        axes.plot(recall, precision, label=label)
    axes.set(xlabel="recall", ylabel="precision", title="Held-out writers")
    _finish(figure, axes, folder / "precision-recall.png")
    figure, axes = plt.subplots(figsize=(6, 5))
    real = pooled.of([row.writer.startswith("relabelled/") for row in pooled.rows])
    for i, label in enumerate(LABELS):
        p, truths = probabilities(curves, real, label), real.truths[:, i]
        bins = np.array_split(np.argsort(p), 10)
        axes.plot([p[part].mean() for part in bins], [truths[part].mean() for part in bins], "o-", label=label)
    axes.plot([0, 1], [0, 1], "k:", linewidth=1)
    axes.set(xlabel="probability", ylabel="share that carry the label", title="Held-out real comments")
    _finish(figure, axes, folder / "calibration.png")


def _finish(figure: Figure, axes: Axes, path: Path) -> None:
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=80, bbox_inches="tight")
    plt.close(figure)
