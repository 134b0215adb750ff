"""Rows to logits and spans, through the same code that scores comments."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from tokenizers import Tokenizer

from classifiers.calibration import Calibration
from classifiers.encoder import Encoder, Network, plain
from classifiers.identifiers import found as patterns
from classifiers.identifiers import merged
from classifiers.labels import Span
from classifiers.normalise import normalise
from classifiers.training.rows import LABELS, Row

PART = 512


@dataclass(frozen=True, slots=True)
class Scores:
    """Of rows in order: logits (rows, labels), spans of the original texts, truths (rows, labels; nan unknown)."""

    rows: list[Row]
    logits: NDArray[np.float64]
    spans: list[tuple[Span, ...]]

    @property
    def truths(self) -> NDArray[np.float64]:
        return np.array([[np.nan if t is None else t for t in row.targets] for row in self.rows], dtype=float)

    def of(self, keep: Sequence[bool] | NDArray[np.bool_]) -> "Scores":
        """Only the rows where `keep` is true."""
        places = np.flatnonzero(np.asarray(keep))
        return Scores([self.rows[i] for i in places], self.logits[places], [self.spans[i] for i in places])

    def __add__(self, more: "Scores") -> "Scores":
        return Scores(self.rows + more.rows, np.concatenate([self.logits, more.logits]), self.spans + more.spans)


def encoder(network: Network, tokenizer: Tokenizer, calibration: Calibration | None = None) -> Encoder:
    """The run-time encoder around a network that is not shipped yet."""
    return Encoder(plain(network), tokenizer, calibration or Calibration({}), "unshipped", 256, 512)


def scores(model: Encoder, rows: Sequence[Row], name: str = "scoring") -> Scores:
    logits: list[list[float]] = []
    spans: list[tuple[Span, ...]] = []
    for start in track(range(0, len(rows), PART), name):
        part = rows[start : start + PART]
        texts = [normalise(row.text) for row in part]
        for text, found in zip(texts, model.score([t.text for t in texts], [r.parent for r in part]), strict=True):
            logits.append([found.logits[label] for label in LABELS])
            spans.append(merged(map(text.original, (*patterns(text.text), *found.spans))))
    return Scores(list(rows), np.array(logits), spans)
