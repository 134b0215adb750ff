"""A training row, and its file: JSON lines that stay outside the project, since they hold other people's words."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from classifiers.labels import Label, SpanType

LABELS = tuple(Label)
UNKNOWN: tuple[int | None, ...] = (None,) * len(LABELS)


@dataclass(frozen=True, slots=True)
class Mark:
    """Words `start` to `end` (code points, end exclusive) are one of `kinds`; unknown where there are none."""

    start: int
    end: int
    kinds: tuple[SpanType, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One text with what is known of it.

    `targets` has 1, 0 or None (unknown: masked in the loss) in the order of `Label`. `marks` is None where nothing
    is known of spans; else words outside every mark are none of the kinds, but may be one of `elsewhere`. `tells` is
    1 or 0 of a reply: whether it tells of somebody's care. `writer` is who wrote it, or the set it comes from: rows
    of one writer never stand on both sides of a split.
    """

    id: str
    writer: str
    text: str
    targets: tuple[int | None, ...]
    parent: str | None = None
    marks: tuple[Mark, ...] | None = None
    elsewhere: tuple[SpanType, ...] = ()
    hard: bool = False
    tells: int | None = None

    def target(self, label: Label) -> int | None:
        return self.targets[LABELS.index(label)]

    @property
    def public(self) -> bool:
        """Labelled by a public set, not for our guide."""
        return self.writer.startswith("public/")


_ROW = TypeAdapter(Row)


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8") as lines:
        return [_ROW.validate_json(line) for line in lines]


def write(rows: Iterable[Row], path: Path) -> str:
    """Writes the rows and returns the SHA-256 of the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = b"".join(_ROW.dump_json(row) + b"\n" for row in rows)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def known(labels: Iterable[str]) -> tuple[int, ...]:
    """Targets of a row on which all six labels are decided."""
    carried = {Label(label) for label in labels}
    return tuple(int(label in carried) for label in LABELS)


def partly(**targets: int) -> tuple[int | None, ...]:
    """Targets of a row on which only the labels given are decided."""
    by_label = {Label(name): value for name, value in targets.items()}
    return tuple(by_label.get(label) for label in LABELS)
