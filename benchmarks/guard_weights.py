"""Fit the guard's weights of words (`bot/guard/weighing.py`): `python -m benchmarks.guard_weights`.

The line is where FALSE of the safe replies would be refused, by cross-validation. Run it after adding sentences.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import Normalizer

from bot.guard.reading import read
from bot.guard.weighing import WEIGHTS, features

FALSE = 0.02
FOLDS = 8
SENTENCES = WEIGHTS.parent / "sentences"
DEVELOPMENT = Path(__file__).parent.parent / "tests" / "guard" / "development.jsonl"

Row = tuple[list[str], bool]  # the sentences of a reply, and whether it is a breach


def main() -> None:
    """Fit, choose the line, write."""
    rows = _rows()
    breach = np.array([each for _, each in rows])
    weights = np.zeros(len(rows))
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=1).split(rows, breach):
        table = _fitted([rows[n] for n in train])
        weights[test] = [max(_weight(table, each) for each in rows[n][0]) for n in test]
    line = float(np.quantile(weights[~breach], 1 - FALSE))
    table = _fitted(rows) | {"line": round(line, 3)}
    WEIGHTS.write_text(json.dumps(table, ensure_ascii=False, indent=0, sort_keys=True) + "\n", encoding="utf-8")
    print(
        f"{len(rows)} replies; beyond the line: {(weights[breach] > line).mean():.3f} of breaches, {FALSE} of safe ones"
    )


def _rows() -> list[Row]:
    rows = [(_sentences(line), kind == "breaches") for kind in ("breaches", "safe") for line in _lines(kind)]
    told = [json.loads(line) for line in DEVELOPMENT.read_text(encoding="utf-8").splitlines()]
    return [*rows, *((_sentences(each["reply"]), bool(each["breach"])) for each in told)]


def _lines(kind: str) -> list[str]:
    return [line for line in (SENTENCES / f"{kind}.txt").read_text(encoding="utf-8").splitlines() if line.strip()]


def _sentences(reply: str) -> list[str]:
    it = read(reply)
    return [it.text[start:end] for start, end in it.sentences]


def _fitted(rows: Sequence[Row]) -> dict[str, Any]:
    """Of a long breach nobody says which sentence it is, so only short ones teach."""
    short = [(each, breach) for sentences, breach in rows for each in sentences if not breach or len(sentences) <= 2]
    count = CountVectorizer(analyzer=features, binary=True, min_df=2)
    seen = Normalizer().fit_transform(count.fit_transform([sentence for sentence, _ in short]))
    fit = LogisticRegression(C=10, class_weight="balanced", max_iter=3000).fit(seen, [breach for _, breach in short])
    names = count.get_feature_names_out().tolist()
    weights = {name: round(float(weight), 2) for name, weight in zip(names, fit.coef_[0], strict=True)}
    return {"bias": round(float(fit.intercept_[0]), 3), "weights": weights}


def _weight(table: dict[str, Any], sentence: str) -> float:
    known = [table["weights"][each] for each in features(sentence) if each in table["weights"]]
    return float(table["bias"]) + (sum(known) / math.sqrt(len(known)) if known else 0.0)


if __name__ == "__main__":
    main()
