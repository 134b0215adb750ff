"""Builds the training rows: `python -m classifiers.training.corpus --data DIR --out DIR`.

`--data` is the folder with `authored/`, `relabelled/` and the public sets; our own rows are `corpus/*.jsonl` beside
this file, and replies to comments `replies/*.jsonl`. Writes `own.jsonl` (all six labels decided), `replies.jsonl`
(does a reply tell of somebody's care?), `public.jsonl` (labels masked), `unseen.jsonl` (all six labels decided; nothing
is ever trained on it), `unread.jsonl` (no labels; nor on this) and `sources.json` (rows and labels a source, hashes of
what was read and written), which is all of it that may enter the project.
"""

import argparse
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from classifiers.labels import IDENTIFIERS, SpanType
from classifiers.training import public, readings
from classifiers.training.rows import LABELS, UNKNOWN, Mark, Row, known, write

OWN = Path(__file__).parent / "corpus"
REPLIES = Path(__file__).parent / "replies"
UNSEEN = Path(__file__).parent / "unseen"  # what the shipped weights are measured on: `written/`, `real/` by hash
SPANS = Path(__file__).parent / "spans.jsonl"  # spans of rows that were marked after they were written: id, spans
TYPED = {"requests-disclosures", "requests-2"}  # files of ours whose rows have every span marked
OTHER_KINDS = tuple(kind for kind in SpanType if kind not in IDENTIFIERS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m classifiers.training.corpus")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder for the rows, outside the project")
    arguments = parser.parse_args()
    build(arguments.data, OWN, arguments.out)


def build(data: Path, corpus: Path, out: Path, labels: Path = readings.LABELS, unseen: Path = UNSEEN) -> None:
    """Reads the sets and writes the files. Rows with the text of an earlier row are left out."""
    written = [*authored(corpus, "corpus"), *authored(data / "authored", "authored")]
    differ = readings.arguable(labels)
    real = [row for row in (*relabelled(data), *readings.read(data, labels)) if readings.digest(row.text) not in differ]
    own = list(unique([*written, *real]))
    test = list(unique([*authored(unseen / "written", "unseen"), *readings.read(data, unseen / "real")], without=own))
    ours = readings.read_by_us(labels) | readings.read_by_us(unseen / "real")
    others = list(unique((row for row in public.rows(data) if readings.digest(row.text) not in ours), without=own))
    answers = list(unique(replies()))
    unread = list(unique(public.unread(data), without=[*own, *others, *test]))
    made = {"own": own, "replies": answers, "public": others, "unseen": test, "unread": unread}
    summary = {
        "written": {name: write(rows, out / f"{name}.jsonl") for name, rows in made.items()},
        "read": _hashes(data, corpus, labels, REPLIES, unseen),
        "sources": counts([*own, *answers, *others]),
    }
    (out / "sources.json").write_text(json.dumps(summary, indent=1) + "\n")
    print(", ".join(f"{len(rows)} rows {name}" for name, rows in made.items()), f"in {out}")


def authored(folder: Path, writer: str) -> Iterator[Row]:
    """Rows written for our guide: one writer a file."""
    later = {row["id"]: {"spans": row["spans"], "typed": True} for row in _lines(SPANS)}
    for path in sorted(folder.glob("*.jsonl")):
        for written in _lines(path):
            raw = written | later.get(written["id"], {})
            yield Row(
                id=raw["id"],
                writer=f"{writer}/{path.stem}",
                text=raw["text"],
                targets=known(raw["labels"]),
                parent=raw["parent_post"],
                marks=_marks(raw, path.stem),
                elsewhere=() if _typed(raw, path.stem) else OTHER_KINDS,
                hard=bool(raw.get("hard", not raw["labels"])),
            )


def replies(folder: Path = REPLIES) -> Iterator[Row]:
    """What a practice might answer: one writer a file."""
    for path in sorted(folder.glob("*.jsonl")):
        for raw in _lines(path):
            writer = f"replies/{path.stem}"
            yield Row(raw["id"], writer, raw["reply"], UNKNOWN, raw.get("said"), tells=int(raw["breach"]))


def relabelled(data: Path) -> Iterator[Row]:
    """Public comments labelled for our guide; the set is the writer. Arguable rows are left out."""
    for path in sorted((data / "relabelled").glob("*.jsonl")):
        for raw in _lines(path):
            if not raw["skip"]:
                targets = known(raw["labels"])
                yield Row(raw["id"], f"relabelled/{raw['set']}", raw["text"], targets, raw["parent_post"])


def unique(rows: Iterable[Row], without: Iterable[Row] = ()) -> Iterator[Row]:
    """The rows whose words no row before them has, nor one of `without`."""
    seen = {_words(row.text) for row in without}
    for row in rows:
        words = _words(row.text)
        if words not in seen and words:
            seen.add(words)
            yield row


def counts(rows: Iterable[Row]) -> dict[str, dict[str, int]]:
    """Rows and positives a label of every writer."""
    table: dict[str, Counter[str]] = {}
    for row in rows:
        carried = (label for label, target in zip(LABELS, row.targets, strict=True) if target)
        table.setdefault(row.writer, Counter()).update(["rows", *carried])
    return {writer: dict(count) for writer, count in sorted(table.items())}


def _typed(raw: dict[str, Any], stem: str) -> bool:
    """Whether every span of the row is marked, with its type."""
    if raw.get("typed") or raw.get("spans"):
        return True
    return stem in TYPED and "identifiers" not in raw.get("attributes", {})


def _marks(raw: dict[str, Any], stem: str) -> tuple[Mark, ...] | None:
    if _typed(raw, stem):
        found: list[tuple[str, tuple[SpanType, ...]]] = [(w, (SpanType(kind),)) for w, kind in raw.get("spans", [])]
    elif identifiers := raw.get("attributes", {}).get("identifiers"):
        found = [(words, tuple(IDENTIFIERS)) for words in identifiers]
    else:
        return None
    marks = {
        (at.start(), at.end()): Mark(at.start(), at.end(), tuple(sorted(kinds)))
        for words, kinds in found
        for at in re.finditer(rf"(?<!\w){re.escape(words)}(?!\w)", raw["text"])
    }
    return tuple(marks[place] for place in sorted(marks))


def _words(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip() or text.strip()


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _hashes(*folders: Path) -> dict[str, str]:
    paths = [path for folder in folders for path in sorted(folder.rglob("*.jsonl*"))]
    return {f"{p.parent.name}/{p.name}": hashlib.sha256(p.read_bytes()).hexdigest()[:16] for p in paths}


if __name__ == "__main__":
    main()
