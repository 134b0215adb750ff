"""How often the reply guard errs: `python -m benchmarks.guard`.

Rules and weights were made with `development` and `held-out` in sight, so of those the figures flatter;
`python -m benchmarks.guard_weights` cross-validates. `held-out-2` is never read by whoever writes rules. What it errs
on is printed for the development file alone.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from bot.guard import Said, judge

READ = Path(__file__).parent.parent / "classifiers" / "training" / "replies"
FRESH = Path(__file__).parent.parent / "tests" / "guard"
SHOWN = "development"


@dataclass(frozen=True, slots=True)
class Score:
    """`missed` are breaches that passed, `refused` safe replies that did not; both as (id, reply)."""

    breaches: int
    safe: int
    missed: tuple[tuple[str, str], ...]
    refused: tuple[tuple[str, str], ...]

    @property
    def recall(self) -> float:
        return 1 - len(self.missed) / self.breaches

    @property
    def false_refusals(self) -> float:
        return len(self.refused) / self.safe


def score(file: Path) -> Score:
    """Of a file of {"id", "said", "reply", "breach"} a line."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    found = [(row, judge(row["reply"], Said(said) if (said := row.get("said")) else None).refused) for row in rows]
    breaches = sum(row["breach"] for row in rows)
    missed = tuple((row["id"], row["reply"]) for row, refused in found if row["breach"] and not refused)
    wrongly = tuple((row["id"], row["reply"]) for row, refused in found if refused and not row["breach"])
    return Score(breaches, len(rows) - breaches, missed, wrongly)


def main() -> None:
    """Print the figures of each file."""
    for file in (*sorted(READ.glob("*.jsonl")), *sorted(FRESH.glob("*.jsonl"))):
        it = score(file)
        print(
            f"{file.stem}: recall {it.recall:.3f} of {it.breaches}, false refusals {it.false_refusals:.3f} of {it.safe}"
        )
        if file.stem == SHOWN:
            for title, rows in (("passed, and is a breach", it.missed), ("refused, and is safe", it.refused)):
                for id_, reply in rows:
                    print(f"  {title}: {id_} {reply}")


if __name__ == "__main__":
    main()
