"""Run one of the measurements."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from benchmarks.x.check import check
from benchmarks.x.each_fault import each_fault
from benchmarks.x.latency import latency
from benchmarks.x.raid import raid
from benchmarks.x.storm import storm


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.x")
    parser.add_argument("what", choices=["storm", "faults", "raid", "check", "latency"])
    parser.add_argument("--count", type=int, help="of replies")
    parser.add_argument("--log", action="store_true", help="show the daemon's log")
    arguments = parser.parse_args()
    if not arguments.log:
        logging.disable()
    count = arguments.count
    shows: dict[str, Callable[[], Coroutine[Any, Any, int]]] = {
        "storm": lambda: storm(count or 2000), "faults": each_fault, "raid": lambda: raid(count or 1000),
        "check": check, "latency": lambda: latency(count or 240),
    }  # fmt: skip
    return asyncio.run(shows[arguments.what]())


if __name__ == "__main__":
    sys.exit(main())
