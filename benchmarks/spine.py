"""What the spine itself costs, with the classifier stubbed: `python -m benchmarks.spine [COMMENTS]`.

Comments are made up, 36 words each, a tenth of them harassment that is hidden and a tenth that is asked about. Prints
comments a second, CPU milliseconds a comment, peak memory, and the ratio to as many bare, unbatched SQLite commits.
"""

import asyncio
import json
import logging
import random
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bot.app import running
from bot.config import Config
from classifiers.labels import Assessment, Label
from classifiers.pipeline import Text

WORDS = "thank you doctor this helped my mother very much where can one read more about sleep".split()  # noqa: SIM905


class Stub:
    """Finds harassment in what says so."""

    model = "stub-1"

    def assess(self, texts: Sequence[Text]) -> list[Assessment]:
        return [Assessment(self.model, dict.fromkeys(Label, 0.01) | {Label.HARASSMENT: _score(it)}) for it in texts]

    def line(self, label: Label, when_right: float) -> float:
        return 0.95 if when_right > 0.9 else 0.5

    def tells(self, reply: str) -> float | None:
        return None


def _score(it: Text) -> float:
    return {"awful": 0.99, "perhaps": 0.7}.get(it.text.split()[0], 0.01)


def main(count: int) -> None:
    logging.disable()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_comments(folder / "comments.jsonl", count)
        bare = _bare_commits(folder / "bare.sqlite3", count)
        before, began = _cpu(), time.perf_counter()
        asyncio.run(_run(_config(folder)))
        cpu, wall = _cpu() - before, time.perf_counter() - began
        outcomes = len((folder / "outcomes.jsonl").read_text().splitlines())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"comments {count}, acted on {outcomes}")
    print(f"comments/s {count / wall:.0f}, CPU ms a comment {1000 * cpu / count:.2f}, peak memory MB {peak:.0f}")
    print(f"bare commits/s {count / bare:.0f}, the spine's throughput against them {bare / wall:.2f}")


async def _run(config: Config) -> None:
    async with running(config, Stub()) as app:
        await app.run(once=True)


def _config(folder: Path) -> Config:
    settings = {"path": folder / "comments.jsonl", "follow": False, "outcomes": folder / "outcomes.jsonl"}
    return Config.model_validate(
        {
            "store": {"path": folder / "spine.sqlite3", "key_file": folder / "spine.key"},
            "rules": {"harassment": {"do": ["hide"], "budget_per_day": 10**9}},
            "accounts": [{"name": "bench", "platform": "replay", "mode": "live", "settings": settings}],
        }
    )


def _write_comments(file: Path, count: int) -> None:
    draw = random.Random(1)
    with file.open("w") as out:
        for number in range(count):
            first = draw.choices(["awful", "perhaps", "fine"], [1, 1, 8])[0]
            text = " ".join([first, *draw.choices(WORDS, k=35)])
            row = {"id": number, "text": text, "author": draw.randrange(count // 3 + 1), "thread": number % 50}
            out.write(json.dumps(row) + "\n")


def _bare_commits(file: Path, count: int) -> float:
    """Seconds for one durable insert a comment, the least that a store could do unbatched."""
    db = sqlite3.connect(file, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE it (id INTEGER PRIMARY KEY, words TEXT)")
    began = time.perf_counter()
    for _ in range(count):
        db.execute("INSERT INTO it (words) VALUES (?)", (" ".join(WORDS),))
    return time.perf_counter() - began


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
