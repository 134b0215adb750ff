"""How often the reply guard errs: `python -m benchmarks.guard`, with the model and without it.

On `tests/guard`, which neither the model nor whoever writes rules has read: what it errs on there is never printed. Of
the replies that the model was trained on, figures would flatter; `python -m benchmarks.guard_weights` has honest ones.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from bot.commandline import pipeline
from bot.guard import Said, Teller, judge

FRESH = Path(__file__).parent.parent / "tests" / "guard"


@dataclass(frozen=True, slots=True)
class Score:
    """Of so many breaches so many were refused, and of so many safe replies."""

    breaches: int
    stopped: int
    safe: int
    refused: int

    @property
    def recall(self) -> float:
        return self.stopped / self.breaches

    @property
    def false_refusals(self) -> float:
        return self.refused / self.safe


def score(file: Path, teller: Teller | None) -> Score:
    """Of a file of {"said", "reply", "breach"} a line."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    found = [judge(row["reply"], Said(row["said"]) if row["said"] else None, teller=teller).refused for row in rows]
    breach = [refused for row, refused in zip(rows, found, strict=True) if row["breach"]]
    safe = [refused for row, refused in zip(rows, found, strict=True) if not row["breach"]]
    return Score(len(breach), sum(breach), len(safe), sum(safe))


def main() -> None:
    """Print the figures of each file."""
    for file in sorted(FRESH.glob("*.jsonl")):
        for with_what, teller in (("with the model", pipeline(None).tells), ("rules alone", None)):
            it = score(file, teller)
            print(
                f"{file.stem}, {with_what}: recall {it.recall:.3f} of {it.breaches}, "
                f"false refusals {it.false_refusals:.3f} of {it.safe}"
            )


if __name__ == "__main__":
    main()
