"""Measures, calibrates and writes what ships: `python -m classifiers.training.evaluate --rows DIR --runs DIR`.

Every row of ours is scored by the fold that never saw its writer. Those scores give the calibration, the lines and
most figures of the card; the weights are those of `final`, trained on everything by the same recipe, and are measured
themselves on `unseen.jsonl`. Writes
`--weights` (model, tokenizer, calibration, card, plots) and, beside the runs, `errors.jsonl`: the worst mistakes, with
their words, which stay outside the project.
"""

import argparse
import hashlib
import json
import pickle
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from classifiers import calibration, int8
from classifiers.calibration import Calibration
from classifiers.encoder import SHIPPED, Encoder
from classifiers.training import card, export, plots, ranges, suites
from classifiers.training.matching import matched
from classifiers.training.measures import best
from classifiers.training.report import Report, report
from classifiers.training.rows import LABELS, Row, read
from classifiers.training.scoring import Scores, encoder, scores
from classifiers.training.splits import FOLDS, held_out
from classifiers.training.start import base
from classifiers.training.train import keep_memory


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m classifiers.training.evaluate")
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=SHIPPED)
    parser.add_argument("--final", default="final.pt", help="the run whose weights ship")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    keep_memory()
    sys.exit(evaluate(arguments.rows, arguments.runs, arguments.weights, arguments.final))


def evaluate(rows: Path, runs: Path, weights: Path, final: str) -> int:
    """Exit status 1 where the clinical suite's gate is not passed."""
    pooled = out_of_fold(rows, runs)
    curves = fitted(pooled)
    found = report(pooled, curves)
    tokenizer = base()[1]
    state = on_their_scale(rows, runs, final)
    export.write(state, weights / "model.safetensors")
    tokenizer.save(str(weights / "tokenizer.json"), pretty=False)
    (weights / "calibration.json").write_text(curves.to_json() + "\n")
    shipped = encoder(export.as_shipped(state), tokenizer, curves)
    ranges.main(weights)
    gates = suites.run(shipped, found.lines)
    themselves = report(scores(shipped, read(rows / "unseen.jsonl"), "unseen"), curves)
    sources = json.loads((rows / "sources.json").read_text())
    lost = rounding(runs, pooled, weights / "tokenizer.json")
    plots.draw(pooled, curves, weights)
    added = gain(runs, pooled)
    (weights / "README.md").write_text(card.card(found, themselves, gates, sources, lost, added))
    (runs / "errors.jsonl").write_text("".join(errors(pooled, curves, found)))
    print(card.tables(found, gates), card.unseen(themselves), sep="\n")
    return 0 if gates.passed else 1


def out_of_fold(rows: Path, runs: Path) -> Scores:
    """Scores of every row of ours, each by the fold that held its writer out; kept beside the runs."""
    own = read(rows / "own.jsonl")
    tokenizer = base()[1]
    parts = []
    for fold in range(len(FOLDS)):
        path = runs / f"fold-{fold}" / "network.pt"
        if path.exists():
            model = encoder(export.as_shipped(torch.load(path)), tokenizer)
            parts.append(_kept(model, held_out(own, fold), path))
    return sum(parts[1:], start=parts[0])


def on_their_scale(rows: Path, runs: Path, final: str) -> dict[str, Tensor]:
    """The weights of `final`, their logits on the scale of the folds', which the lines are fitted on."""
    unread, tokenizer = read(rows / "unread.jsonl"), base()[1]
    paths = [runs / f"fold-{fold}" / "network.pt" for fold in range(len(FOLDS))]
    models = {path: encoder(export.as_shipped(torch.load(path)), tokenizer) for path in (runs / final, *paths)}
    ours, *folds = (_kept(model, unread, path).logits for path, model in models.items())
    return matched(torch.load(runs / final), ours, folds)


def _kept(model: Encoder, rows: list[Row], network: Path) -> Scores:
    """The scores of these rows by this network, worked out once."""
    digest = hashlib.sha256(network.read_bytes() + repr(rows).encode()).hexdigest()[:16]
    path = network.with_name(f"scores-{digest}.pickle")
    if path.exists():
        kept: Scores = pickle.loads(path.read_bytes())  # our own file of a moment ago
        return kept
    found = scores(model, rows, network.parent.name)
    path.write_bytes(pickle.dumps(found))
    return found


def gain(runs: Path, pooled: Scores, every: int = 5) -> dict[str, tuple[float, float]]:
    """Best F1 of each label on some of the rows, by `public.pt`, which read the public sets alone, and by the folds."""
    part = pooled.of(np.arange(len(pooled.rows)) % every == 0)
    path = runs / "public.pt"
    before = _kept(encoder(export.as_shipped(torch.load(path)), base()[1]), part.rows, path)
    pairs = zip(_best_f1(before), _best_f1(part), strict=True)
    return dict(zip(LABELS, pairs, strict=True))


def fitted(pooled: Scores) -> Calibration:
    columns = range(len(LABELS))
    logits = {LABELS[i]: pooled.logits[:, i] for i in columns}
    return calibration.fit(logits, {LABELS[i]: pooled.truths[:, i] for i in columns})


def rounding(runs: Path, pooled: Scores, tokenizer: Path, every: int = 2) -> float:
    """Macro F1 given up by scoring in int8 on every second row of the first fold, each label at its best line."""
    rows = pooled.of([row.writer in FOLDS[0] for row in pooled.rows]).rows[::every]
    state = torch.load(runs / "fold-0" / "network.pt")
    exact = encoder(export.as_shipped(state, exact=True), base()[1])
    network = export.as_shipped(state)
    quick = replace(exact, forward=int8.Int8(network, int8.observed(network, ranges.batches(tokenizer))))
    return macro(scores(exact, rows, "fp32")) - macro(scores(quick, rows, "int8"))


def macro(found: Scores) -> float:
    """Mean over labels of the best F1."""
    return float(np.mean(_best_f1(found)))


def _best_f1(found: Scores) -> list[float]:
    return [best(found.logits[:, i], found.truths[:, i]).f1 for i in range(len(LABELS))]


def errors(pooled: Scores, curves: Calibration, found: Report, count: int = 40) -> list[str]:
    """The most confident mistakes of each label, as JSON lines."""
    lines = []
    for i, label in enumerate(LABELS):
        probabilities = probability(curves, pooled, i)
        wrong = np.abs(probabilities - pooled.truths[:, i])
        for at in np.argsort(-wrong)[:count]:
            row = pooled.rows[at]
            facts = {"label": label, "truth": row.targets[i], "probability": float(probabilities[at])}
            lines.append(json.dumps(facts | {"id": row.id, "writer": row.writer, "text": row.text}) + "\n")
    return lines


def probability(curves: Calibration, found: Scores, i: int) -> NDArray[np.float64]:
    return np.array([curves.probability(LABELS[i], float(logit)) for logit in found.logits[:, i]])


if __name__ == "__main__":
    main()
