"""Fit the guard's weights (`bot/guard/weighing.py`): `python -m benchmarks.guard_weights`.

Every figure it prints is cross-validated: of replies that taught neither the weights nor the line. The second
regression and the line go by `held-out.jsonl` alone, as rules were written with the other sentences in sight.
Run it after adding sentences or changing rules.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from bot.guard.judging import findings
from bot.guard.reading import read
from bot.guard.weighing import WEIGHTS, evidence, features, weighed

RECALL = 0.94  # of breaches, by cross-validation; where both cannot be had, this goes before few false refusals
FOLDS = 8
SEED = 1
LEAST = 0.02  # weights that are smaller are left out
TOLD = Path(__file__).parent.parent / "classifiers" / "training" / "replies"
FRESH = "held-out"


@dataclass(frozen=True, slots=True)
class Row:
    sentences: tuple[str, ...]
    breach: bool
    found: int = 0  # by rules
    certain: bool = False  # refused by a rule alone
    fresh: bool = False


def main() -> None:
    """Fit, choose the line, write."""
    rows = _rows()
    fresh = [row for row in rows if row.fresh]
    breach = np.array([row.breach for row in fresh])
    heaviest = _held_out(rows, fresh, breach)
    seen = np.array([evidence(each, row.found) for each, row in zip(heaviest, fresh, strict=True)])
    second = LogisticRegression(C=0.5, class_weight="balanced")
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED + 1)
    scores = cross_val_predict(second, seen, breach, cv=folds, method="decision_function")
    scores[[row.certain for row in fresh]] = np.inf
    line = float(np.quantile(scores[breach], 1 - RECALL, method="lower"))
    second.fit(seen, breach)
    print(f"{len(rows)} replies, by cross-validation on {len(fresh)}:")
    for at in sorted(
        {line, *(float(np.quantile(scores[breach], 1 - each, method="lower")) for each in (0.85, 0.9, 0.93, 0.98))}
    ):
        print(f"  recall {(scores[breach] >= at).mean():.3f}, false refusals {(scores[~breach] >= at).mean():.3f}")
    decides = {
        "evidence": [round(float(each), 3) for each in second.coef_[0]],
        "line": round(line - float(second.intercept_[0]), 3),
    }
    table = _fitted(rows) | decides
    table["weights"] = {name: each for name, each in table["weights"].items() if abs(each) >= LEAST}
    WEIGHTS.write_text(json.dumps(table, ensure_ascii=False, indent=0, sort_keys=True) + "\n", encoding="utf-8")


def _held_out(rows: Sequence[Row], fresh: Sequence[Row], breach: Any) -> list[float]:
    """The heaviest sentence of each fresh reply, by weights which the reply did not teach."""
    heaviest = [0.0] * len(fresh)
    rest = [row for row in rows if not row.fresh]
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(fresh, breach):
        table = _fitted([*rest, *(fresh[n] for n in train)])
        for n in test:
            heaviest[n] = max(weighed(table, each) for each in fresh[n].sentences)
    return heaviest


def _rows() -> list[Row]:
    own = []
    for stem in ("sentences", "development", FRESH):
        for line in (TOLD / f"{stem}.jsonl").read_text(encoding="utf-8").splitlines():
            told = json.loads(line)
            found = findings(read(told["reply"]))
            certain = any(rule.certain for rule, _ in found)
            own.append(Row(_sentences(told["reply"]), bool(told["breach"]), len(found), certain, stem == FRESH))
    return own


def _sentences(reply: str) -> tuple[str, ...]:
    it = read(reply)
    return tuple(it.text[start:end] for start, end in it.sentences) or ("",)


def _fitted(rows: Sequence[Row], rounds: int = 2) -> dict[str, Any]:
    """Of a long breach nobody says which sentence it is: first short ones teach, then of each the heaviest."""
    told = [(n, row.breach, len(row.sentences), each) for n, row in enumerate(rows) for each in row.sentences]
    listed = [features(each) for *_, each in told]
    count = DictVectorizer()
    seen = count.fit_transform({name: 1 / np.sqrt(len(each)) for name in each} for each in listed)
    twice = np.asarray((seen != 0).sum(axis=0)).ravel() >= 2
    seen, breach = seen[:, twice], np.array([each for _, each, *_ in told])
    teaches = ~breach | (np.array([each for *_, each, _ in told]) <= 2)
    for _ in range(rounds + 1):
        fit = LogisticRegression(C=10, class_weight="balanced", max_iter=2000).fit(seen[teaches], breach[teaches])
        weights = fit.decision_function(seen)
        heaviest = {told[n][0]: n for n in np.argsort(weights)}
        teaches = ~breach | (weights > 1)
        teaches[list(heaviest.values())] = True
    names = count.get_feature_names_out()[twice].tolist()
    named = {name: round(float(each), 2) for name, each in zip(names, fit.coef_[0], strict=True)}
    return {"bias": round(float(fit.intercept_[0]), 3), "weights": named}


if __name__ == "__main__":
    main()
