"""Weighs the cues of who disclosed about whom: writes `classifiers/subject.json` and prints how good it is.

    python -m classifiers.training.subject DATA

DATA is the folder of public sets with `authored/`. Fitted by logistic regression (Newton's method, ridge 1) on the
disclosures of `authored/` and of the even ids of corpus/requests-disclosures.jsonl; held out are its odd ids. The two
lines are the least strict ones at which WHEN_RIGHT of the answers given on the fitted rows are right.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.normalise import normalise
from classifiers.subject import CUES, cues, subject

FILE = "requests-disclosures.jsonl"
CORPUS = Path(__file__).parent / "corpus" / FILE
OUT = Path(__file__).parent.parent / "subject.json"
NAMES = list(CUES)
WHEN_RIGHT = 0.97
RIDGE, STEPS = 1.0, 30

Row = tuple[str, bool]  # text, whether it tells of somebody else (alone or besides)
Numbers = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m classifiers.training.subject")
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    fitted, held = [*rows(data / "authored" / FILE), *rows(CORPUS, odd=False)], list(rows(CORPUS, odd=True))
    weights, bias, sums = _fit(fitted)
    truths = np.array([other for _, other in fitted])
    oneself, other = -_line(-sums, ~truths), _line(sums, truths)
    written = {
        "cues": {name: round(float(weight), 3) for name, weight in zip(NAMES, weights, strict=True)},
        "bias": round(bias, 3), "oneself": round(oneself, 3), "somebody_else": round(other, 3),
    }  # fmt: skip
    OUT.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    print(table(held))


def rows(file: Path, odd: bool | None = None) -> Iterable[Row]:
    """Disclosures that say whose they are; of the ids with that parity, if any is given."""
    for line in file.read_text(encoding="utf-8").strip().split("\n"):
        row = json.loads(line)
        whose = (row.get("attributes") or {}).get("subject")
        if whose and (odd is None or int(row["id"].split("-")[1]) % 2 == odd):
            yield normalise(row["text"]).text, whose != "self"


def table(held: Sequence[Row]) -> str:
    """How often each answer is given, and is right, by what is true."""
    counts = Counter((other, subject(text)) for text, other in held)
    lines = [f"{'somebody else' if other else 'oneself'}: {answer} {counts[other, answer]}" for other, answer in counts]
    return "\n".join(sorted(lines))


def _fit(fitted: Sequence[Row]) -> tuple[Numbers, float, Numbers]:
    seen = [cues(text) for text, _ in fitted]
    x = np.array([[name in one for name in NAMES] + [True] for one in seen], dtype=np.float64)
    y = np.array([other for _, other in fitted], dtype=np.float64)
    penalty, weights = RIDGE * np.diag([1.0] * len(NAMES) + [0.0]), np.zeros(len(NAMES) + 1)
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-x @ weights))
        step = np.linalg.solve(x.T @ (x * (p * (1 - p))[:, None]) + penalty, x.T @ (p - y) + penalty @ weights)
        weights = weights - step
    return weights[:-1], float(weights[-1]), x @ weights


def _line(sums: Numbers, right: NDArray[np.bool_]) -> float:
    """The least sum at and above which WHEN_RIGHT of the rows are right."""
    order = np.argsort(-sums)
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(share >= WHEN_RIGHT)
    return float(sums[order[good[-1]]]) if len(good) else float(sums.max() + 1)


if __name__ == "__main__":
    main()
