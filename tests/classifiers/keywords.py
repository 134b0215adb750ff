"""A small real classifier: it counts words. For tests of what stands around a classifier."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from classifiers.base import Scored
from classifiers.calibration import Calibration, fit
from classifiers.labels import Label, Span, SpanType

NAME = re.compile(r"\b(?:Maureen|Liam)\b")


@cache
def _calibration() -> Calibration:
    logits = np.array([2.0] * 300 + [-2.0] * 700)
    return fit(dict.fromkeys(Label, logits), {label: (logits > 0).astype(float) for label in Label})


@dataclass(slots=True)
class Keywords:
    """+2 for a label whose name (its first word) is in the text, else -2. Fails on "boom", overflows on "overflow"."""

    labels: tuple[Label, ...] = tuple(Label)
    revision: str = "keywords-1"
    calibration: Calibration = field(default_factory=_calibration)
    calls: list[int] = field(default_factory=list)

    def score(self, texts: Sequence[str], parents: Sequence[str | None]) -> list[Scored]:
        self.calls.append(len(texts))
        if any("boom" in text for text in texts):
            raise RuntimeError("the tokenizer fell over")
        return [Scored({label: _logit(label, text) for label in self.labels}, _spans(text)) for text in texts]


def _logit(label: Label, text: str) -> float:
    if "overflow" in text:
        return math.nan
    return 2.0 if label.split("_", maxsplit=1)[0] in text else -2.0


def _spans(text: str) -> tuple[Span, ...]:
    if "astray" in text:
        return (Span(0, len(text) + 1, SpanType.PERSON),)
    return tuple(Span(*match.span(), SpanType.PERSON) for match in NAME.finditer(text))
