"""The suites that gate a model: clinical language that must not be flagged, and disguises that must be."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from classifiers.encoder import Encoder
from classifiers.labels import Label
from classifiers.normalise import normalise

FOLDER = Path(__file__).parent / "suites"
MOST_AT_ASK = 0.01
Lines = Mapping[Label, tuple[float | None, float | None]]


@dataclass(frozen=True, slots=True)
class Gates:
    """`clinical`: rows, wrongly flagged at ask, at act, and the ids; `found`: label to (found at ask, of)."""

    rows: int
    at_ask: int
    at_act: int
    wrong: tuple[str, ...]
    obfuscated: Mapping[str, tuple[int, int]]
    obfuscated_wrong: tuple[int, int] = field(default=(0, 0))

    @property
    def passed(self) -> bool:
        return self.at_act == 0 and self.at_ask <= MOST_AT_ASK * self.rows


def run(model: Encoder, lines: Lines) -> Gates:
    clinical = _read("clinical")
    ask, act = (_flags(model, clinical, lines, which) for which in (0, 1))
    wrong_ask = [bool(flags & set(row["never"])) for flags, row in zip(ask, clinical, strict=True)]
    wrong_act = [bool(flags & set(row["never"])) for flags, row in zip(act, clinical, strict=True)]
    ids = tuple(row["id"] for row, wrong in zip(clinical, wrong_ask, strict=True) if wrong)
    obfuscated = _read("obfuscated")
    found, clean = _found(obfuscated, _flags(model, obfuscated, lines, 0))
    return Gates(len(clinical), sum(wrong_ask), sum(wrong_act), ids, found, clean)


def _found(rows: list[dict[str, Any]], flags: list[set[str]]) -> tuple[dict[str, tuple[int, int]], tuple[int, int]]:
    met: Counter[str] = Counter()
    of: Counter[str] = Counter()
    clean = [0, 0]
    for row, flagged in zip(rows, flags, strict=True):
        of.update(row["labels"])
        met.update(set(row["labels"]) & flagged)
        clean[1] += not row["labels"]
        clean[0] += not row["labels"] and bool(flagged)
    return {label: (met[label], of[label]) for label in of}, (clean[0], clean[1])


def _flags(model: Encoder, rows: list[dict[str, Any]], lines: Lines, which: int) -> list[set[str]]:
    texts = [normalise(row["text"]).text for row in rows]
    flags = []
    for scored in model.score(texts, [row.get("parent_post") for row in rows]):
        probabilities = {n: model.calibration.probability(n, logit) for n, logit in scored.logits.items()}
        met = {n: lines[n][which] for n in probabilities}
        flags.append({str(n) for n, p in probabilities.items() if (line := met[n]) is not None and p >= line})
    return flags


def _read(name: str) -> list[dict[str, Any]]:
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]
