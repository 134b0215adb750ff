"""Run one of the measurements."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from benchmarks.desk.latency import latency
from benchmarks.desk.masking import masking
from benchmarks.desk.outcomes import outcomes
from benchmarks.desk.race import race
from benchmarks.desk.transcript import transcript


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.desk")
    whats = ["transcript", "race", "outcomes", "masking", "latency"]
    parser.add_argument("what", choices=whats, nargs="?", default="latency")
    parser.add_argument("--presses", type=int, default=200, help="of race and latency")
    parser.add_argument("--cases", type=int, default=1000, help="of outcomes and latency")
    parser.add_argument("--rows", type=int, help="of masking; left out = all")
    parser.add_argument("--log", action="store_true", help="show the daemon's log")
    it = parser.parse_args()
    if not it.log:
        logging.disable()
    shows: dict[str, Callable[[], Coroutine[Any, Any, int]]] = {
        "transcript": transcript, "race": lambda: race(it.presses),
        "masking": lambda: masking(it.rows), "latency": lambda: latency(it.presses, it.cases),
    }  # fmt: skip
    return outcomes(it.cases) if it.what == "outcomes" else asyncio.run(shows[it.what]())


if __name__ == "__main__":
    sys.exit(main())
