"""Killed at any instant and started again, the spine ends where it would have ended, and does nothing twice."""

import json
import multiprocessing
import random
import sqlite3
import time
from collections import Counter
from contextlib import closing
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from tests import crash_run

PROCESSES = multiprocessing.get_context("forkserver")  # each is real, and none imports everything anew
PROCESSES.set_forkserver_preload([crash_run.__name__])
COMMENTS = 300
KILLS = 5
COMPARED = {
    "comments": "SELECT external_id, edit, state, actions_open FROM comment",
    "decisions": "SELECT external_id, edit, verdict, rule, why, label, severity, reason FROM decision"
    " JOIN comment ON comment.id = comment_id",
    "actions": "SELECT key, verb, state FROM action",
    "cases": 'SELECT reason, label, state, severity, comments FROM "case"',  # a key holds a hash of this store's own
    "set aside": "SELECT position, why FROM set_aside",
    "audit": "SELECT what, comment_id FROM audit WHERE what IN ('received', 'decided', 'gone')",
    "jobs": "SELECT queue, key FROM job",
}


def write_comments(file: Path) -> None:
    """Clean, flagged, edited, deleted and broken ones, always the same."""
    draw, lines = random.Random(7), []
    for number in range(COMMENTS):
        word = draw.choice([*crash_run.CHOSEN, "good", "morning", "thanks"])
        said = {"id": f"c{number}", "text": f"{word} {number}", "author": f"u{draw.randrange(60)}", "thread": "t"}
        match number % 25:
            case 5:
                lines.append("not a comment")
            case 10:
                lines += [json.dumps(said), json.dumps(said | {"text": f"abuse {number}"})]
            case 20:
                lines += [json.dumps(said), json.dumps({"id": said["id"], "deleted": True})]
            case _:
                lines.append(json.dumps(said))
    file.write_text("\n".join(lines))


def start(folder: Path, since: float) -> ForkServerProcess:
    process = PROCESSES.Process(target=crash_run.run, args=[folder, since])
    process.start()
    return process


def finish(process: ForkServerProcess) -> None:
    process.join()
    assert process.exitcode == 0


def rows(folder: Path, query: str) -> Counter[Any]:
    with closing(sqlite3.connect(folder / "chaperone.sqlite3")) as db:
        return Counter(db.execute(query).fetchall())


def outcomes(folder: Path) -> Counter[str]:
    file = folder / "outcomes.jsonl"
    return Counter(file.read_text().splitlines()) if file.exists() else Counter()


def progress(folder: Path) -> int:
    """How much is written down: comments, decisions, outcomes."""
    try:
        found = rows(folder, "SELECT (SELECT count(*) FROM comment) + (SELECT count(*) FROM decision)")
    except sqlite3.OperationalError:
        return 0  # there are no tables yet
    ((count,),) = found
    return int(count) + outcomes(folder).total()


def kill_at(folder: Path, since: float, when: int) -> bool:
    """Run until so much is written down, and kill it there. False where it came to its end."""
    process = start(folder, since)
    while process.is_alive() and progress(folder) < when:
        time.sleep(0.005)
    process.kill()
    process.join()
    return process.exitcode != 0


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("calm")
    write_comments(folder / "comments.jsonl")
    finish(start(folder, time.time()))
    return folder


def test_the_undisturbed_run_is_worth_comparing_with(calm: Path) -> None:
    kinds = rows(calm, "SELECT DISTINCT reason FROM decision WHERE reason IS NOT NULL")
    assert {reason for (reason,) in kinds} == {"acted", "flagged", "budget", "language"}
    assert rows(calm, "SELECT DISTINCT state FROM comment").keys() == {("settled",), ("gone",)}
    assert rows(calm, "SELECT DISTINCT verb FROM action").keys() == {("hide",), ("reply",), ("mute",)}
    assert outcomes(calm).total() == rows(calm, "SELECT key FROM action WHERE state = 'done'").total() > 50


def test_killed_and_started_again_it_ends_the_same(calm: Path, tmp_path: Path) -> None:
    write_comments(tmp_path / "comments.jsonl")
    since, part = time.time(), progress(calm) // KILLS
    instants = [random.randrange(number * part, (number + 1) * part) + 1 for number in range(KILLS)]
    killed = [kill_at(tmp_path, since, instant) for instant in instants]
    assert any(killed), f"killed at none of {instants}"
    finish(start(tmp_path, since))
    assert max(outcomes(tmp_path).values()) == 1, f"done twice; killed at {instants}"
    assert outcomes(tmp_path) == outcomes(calm), f"killed at {instants}"
    for what, query in COMPARED.items():
        assert rows(tmp_path, query) == rows(calm, query), f"{what} differ; killed at {instants}"
