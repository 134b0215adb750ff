"""Weighs the cues and words of the crisis lexicon: writes `classifiers/lexicon.json`.

    python -m classifiers.training.lexicon DATA

DATA is the folder of public sets with `authored/` and `relabelled/`. Rows written for crisis and its near misses are
weighed against each other and against everyday comments by a sparse logistic regression (L1); weights are the
coefficients, the line is where out-of-fold recall is RECALL. Held out are the odd ids of corpus/crisis.jsonl.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict

from classifiers.lexicon import HERE, Lexicon, found, weigh
from classifiers.normalise import normalise

CORPUS = Path(__file__).parent / "corpus"
RECALL = 0.78
EVERYDAY = 3.0  # weight of a row of everyday comments, which are rarer here than where the lexicon works
RARE = 4  # sightings below which a word is left out

Row = tuple[str, bool]  # text, whether it is a crisis


def main(data: Path) -> None:
    ours = [*_rows(data / "authored" / "crisis.jsonl"), *_crisis_rows(odd=False)]
    others = [row for path in sorted(CORPUS.glob("*.jsonl")) if path.name != "crisis.jsonl" for row in _rows(path)]
    train = [*ours, *others, *_everyday(data)]
    weights = np.array([1.0] * (len(ours) + len(others)) + [EVERYDAY] * (len(train) - len(ours) - len(others)))
    lexicon = _weighed(train, weights, len(ours))
    precision, recall = _measured(lexicon, list(_crisis_rows(odd=True)))
    lexicon = replace(lexicon, precision=precision, recall=recall)
    text = json.dumps(asdict(lexicon), indent=1, ensure_ascii=False)
    (HERE / "lexicon.json").write_text(f"{text}\n", encoding="utf-8")
    print(f"{len(lexicon.words)} words; held out: precision {lexicon.precision}, recall {lexicon.recall}")


def _weighed(rows: list[Row], weights: np.ndarray, ours: int) -> Lexicon:
    counter = CountVectorizer(analyzer=_signs, binary=True, min_df=RARE)
    counts = counter.fit_transform([text for text, _ in rows])
    truths = np.array([truth for _, truth in rows])
    model = LogisticRegression(C=0.4, l1_ratio=1, solver="liblinear", max_iter=1000, random_state=0)
    apart = cross_val_predict(
        model,
        counts,
        truths,
        groups=np.arange(len(rows)) // 10,  # twins stand next to each other
        cv=GroupKFold(5),
        method="decision_function",
        params={"sample_weight": weights},
    )
    model.fit(counts, truths, sample_weight=weights)
    line = np.quantile(apart[:ours][truths[:ours]], 1 - RECALL) - model.intercept_[0]
    table = zip(counter.get_feature_names_out(), model.coef_[0].round(2).tolist(), strict=True)
    heavy = {name: weight for name, weight in table if weight}
    words = {name: weight for name, weight in heavy.items() if not name.startswith("*")}
    cues = {name[1:]: weight for name, weight in heavy.items() if name.startswith("*")}
    return Lexicon(cues, words, round(float(line), 2), 0, 0)


def _signs(text: str) -> set[str]:
    words, cues = found(text)
    return words | {f"*{cue}" for cue in cues}


def _measured(lexicon: Lexicon, rows: list[Row]) -> tuple[float, float]:
    """Precision and recall."""
    hits = [truth for text, truth in rows if weigh(lexicon, text) >= lexicon.line]
    return round(sum(hits) / len(hits), 2), round(sum(hits) / sum(truth for _, truth in rows), 2)


def _crisis_rows(odd: bool) -> Iterator[Row]:
    for line in (CORPUS / "crisis.jsonl").read_text(encoding="utf-8").strip().split("\n"):
        row = json.loads(line)
        if int(row["id"].rpartition("-")[2]) % 2 == odd:
            yield normalise(row["text"]).text, "crisis" in row["labels"]


def _rows(path: Path) -> Iterator[Row]:
    for line in path.read_text(encoding="utf-8").strip().split("\n"):
        row = json.loads(line)
        if not row.get("skip"):
            yield normalise(row["text"]).text, "crisis" in row["labels"]


def _everyday(data: Path) -> Iterator[Row]:
    for path in sorted((data / "relabelled").glob("*.jsonl")):
        yield from list(_rows(path))[::3]
    with gzip.open(data / "goemotions.jsonl.gz", "rt", encoding="utf-8") as rows:
        for number, row in enumerate(rows):
            if number % 20 == 0:
                yield normalise(json.loads(row)["text"]).text, False


if __name__ == "__main__":
    main(Path(sys.argv[1]))
