"""Public comments read for our guide whose words stay outside: `labels/*.jsonl` holds set, hash and labels only.

The hash is the first 16 hex digits of the SHA-256 of the text; the words are found again in the data folder.
`labels/arguable.json` names comments that a second, blind reader labelled differently: they are left out.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from classifiers.training.rows import Row, known

LABELS = Path(__file__).parent / "labels"


def read(data: Path, folder: Path = LABELS) -> Iterator[Row]:
    """The rows with their words; the set is the writer. Arguable rows are left out."""
    labelled = {(row["set"], row["hash"]): row["labels"] for row in _labels(folder) if not row["skip"]}
    for name in sorted({set_ for set_, _ in labelled}):
        for raw in _raw(data / f"{name}.jsonl.gz"):
            key = (name, digest(raw["text"]))
            if (labels := labelled.pop(key, None)) is not None:
                parent = raw.get("context") or None
                yield Row(f"{name}-{key[1]}", f"relabelled/{name}", raw["text"], known(labels), parent)


def arguable(folder: Path = LABELS) -> set[str]:
    """Hashes of the comments on which two readers differ."""
    path = folder / "arguable.json"
    return {row["hash"] for row in json.loads(path.read_text())} if path.exists() else set()


def read_by_us(folder: Path = LABELS) -> set[str]:
    """Hashes of every comment that has been read, arguable ones too: their sets' own labels are not wanted any more."""
    return {row["hash"] for row in _labels(folder)} | arguable(folder)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _labels(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.jsonl")):
        yield from map(json.loads, path.read_text().splitlines())


def _raw(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)
