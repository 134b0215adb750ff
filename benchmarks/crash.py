"""Kill it, start it again, and compare: `python -m benchmarks.crash COMMENTS.jsonl [--kills 20] [--stdin]`.

Runs `chaperone run --once` on the comments undisturbed, then once more with `kill -9` at random moments, and compares
comment states, decisions, action keys and outcomes. Exits with 1 when anything is lost, done twice, or different.
"""

import argparse
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from rich.progress import track

CONFIG = """
[rules.harassment]
budget_per_day = 1000000
[rules.diagnosis_request]
budget_per_day = 1000000
[rules.solicitation]
budget_per_day = 1000000
[log]
level = "error"
[[accounts]]
name = "crash"
platform = "replay"
mode = "live"
country = "GB"
on_call = [{ name = "nobody" }]
settings = { path = "%s", follow = false }
"""

COMPARED = {
    "comment states": "SELECT external_id, edit, state FROM comment",
    "assessments": "SELECT c.external_id, c.edit, a.not_assessed FROM assessment a "
    "JOIN comment c ON c.id = a.comment_id",
    "decisions": "SELECT c.external_id, c.edit, d.verdict, d.rule, d.flags, d.why FROM decision d "
    "JOIN comment c ON c.id = d.comment_id",
    "actions": "SELECT key, verb, state FROM action",
    "cases": 'SELECT account, state, reason, label, comments FROM "case"',
    "set aside": "SELECT position, why FROM set_aside",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crash")
    parser.add_argument("comments", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--stdin", action="store_true", help="hand the comments in on standard input")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        calm, rough = Path(name) / "calm", Path(name) / "rough"
        began = time.monotonic()
        _finish(_start(calm, arguments.comments, arguments.stdin))
        seconds = time.monotonic() - began
        draw = random.Random(arguments.seed)
        for _ in track(range(arguments.kills), "killing", disable=not sys.stderr.isatty()):
            process = _start(rough, arguments.comments, arguments.stdin)
            time.sleep(draw.uniform(0.3, 1.0) * max(6.0, 2 * seconds / arguments.kills))
            process.kill()
            process.wait()
        _finish(_start(rough, arguments.comments, arguments.stdin))
        print(f"undisturbed: {seconds:.0f} s; then {arguments.kills} times killed with -9 and started again")
        return _compare(calm, rough)


def _start(folder: Path, comments: Path, stdin: bool) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    source = "-" if stdin else str(comments.resolve())
    (folder / "chaperone.toml").write_text(CONFIG % source)
    command = [sys.executable, "-m", "bot", "run", "--once", "--config", str(folder / "chaperone.toml")]
    return subprocess.Popen(command, stdin=comments.open("rb") if stdin else subprocess.DEVNULL)


def _finish(process: subprocess.Popen[bytes]) -> None:
    if process.wait() != 0:
        raise SystemExit(f"the run ended with {process.returncode}")


def _compare(calm: Path, rough: Path) -> int:
    wrong = 0
    for what, query in COMPARED.items():
        one, other = _rows(calm, query), _rows(rough, query)
        lost, added = one - other, other - one
        wrong += lost.total() + added.total()
        print(f"{what}: {one.total()} undisturbed, {lost.total()} lost, {added.total()} added")
    one, other = _outcomes(calm), _outcomes(rough)
    twice = sum(count - 1 for count in other.values())
    missing, more = (one - other).total(), (other - one).total()
    print(f"outcomes: {one.total()} undisturbed, {missing} lost, {more} added, {twice} twice")
    return 1 if wrong or twice or one != other else 0


def _rows(folder: Path, query: str) -> Counter[Any]:
    with sqlite3.connect(folder / "chaperone.sqlite3") as db:
        return Counter(db.execute(query).fetchall())


def _outcomes(folder: Path) -> Counter[str]:
    file = folder / "outcomes.jsonl"
    return Counter(json.loads(line)["key"] for line in file.read_text().splitlines()) if file.exists() else Counter()


if __name__ == "__main__":
    sys.exit(main())
