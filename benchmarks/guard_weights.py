"""Fit the guard's weights (`bot/guard/weighing.py`): `python -m benchmarks.guard_weights --rows DIR --runs DIR`.

The folders are those of a training (`classifiers/training/README.md`). Each reply is judged by the fold that never saw
its writer, and every figure printed is cross-validated over the replies. The files that rules were written with are in
sight of the rules, not of the model.
"""

import argparse
import json
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from bot.guard.judging import seen
from bot.guard.reading import read as ready
from bot.guard.weighing import WEIGHTS, Weights
from bot.replies import Said
from classifiers.normalise import normalise
from classifiers.training import export
from classifiers.training.rows import Row, read
from classifiers.training.scoring import encoder
from classifiers.training.splits import FOLDS, held_out
from classifiers.training.start import base

RECALL = 0.94  # of breaches among the training replies, harder than what people usually write (`benchmarks.guard`)
SEED = 1
SIGHTED = frozenset({"replies/development", "replies/sentences"})  # what rules were written with


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard_weights")
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    arguments = parser.parse_args()
    table = fitted(*judged(arguments.rows, arguments.runs))
    WEIGHTS.write_text(json.dumps(asdict(table)) + "\n", encoding="utf-8")


def judged(rows: Path, runs: Path) -> tuple[list[Row], Any]:
    """Replies, and of each (the logit of a model that never saw its writer, what rules and the comment say of it)."""
    replies = read(rows / "replies.jsonl")
    tokenizer, kept, known = base()[1], [], []
    for fold in range(len(FOLDS)):
        model = encoder(export.as_shipped(torch.load(runs / f"fold-{fold}" / "network.pt")), tokenizer)
        part = held_out(replies, fold)
        logits = model.tells([normalise(row.text).text for row in part])
        kept += part
        known += [(logit, *_signs(row)) for row, logit in zip(part, logits, strict=True)]
    return kept, np.array(known)


def fitted(rows: list[Row], known: Any) -> Weights:
    """On the replies that no rule was written with; prints what it would do to each file."""
    writer, breach = np.array([row.writer for row in rows]), np.array([bool(row.tells) for row in rows])
    fresh = ~np.isin(writer, list(SIGHTED))
    model = LogisticRegression(class_weight="balanced")
    folds = StratifiedKFold(8, shuffle=True, random_state=SEED)
    scores = cross_val_predict(model, known[fresh], breach[fresh], cv=folds, method="decision_function")
    line = float(np.quantile(scores[breach[fresh]], 1 - RECALL, method="lower"))
    model.fit(known[fresh], breach[fresh])
    print(f"{len(rows)} replies; by cross-validation on the {fresh.sum()} that no rule was written with:")
    for recall in (0.9, 0.95, 0.96, 0.97, 0.98, 0.99):
        at = np.quantile(scores[breach[fresh]], 1 - recall, method="lower")
        print(f"  recall {recall:.2f}: {(scores[~breach[fresh]] >= at).mean():.3f} of safe ones refused")
    for name in sorted(set(writer)):
        ours, refused = writer == name, model.decision_function(known) >= line
        told = f"recall {refused[ours & breach].mean():.3f}, false refusals {refused[ours & ~breach].mean():.3f}"
        print(f"  {name} ({ours.sum()}): {told}")
    logit, found, certain, echoed = (round(float(each), 3) for each in model.coef_[0])
    return Weights(logit, found, certain, echoed, round(line - float(model.intercept_[0]), 3))


def _signs(row: Row) -> tuple[bool, ...]:
    return astuple(seen(ready(row.text), Said(row.parent or ""))[2])


if __name__ == "__main__":
    main()
