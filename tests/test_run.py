"""`chaperone run` as a process: signals, standard input, a second process on the same database."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

CONFIG = """
[classifier]
folder = "nowhere"
[[accounts]]
name = "practice"
platform = "replay"
country = "GB"
on_call = [{{ name = "dr sen" }}]
settings = {{ path = "{path}", follow = {follow} }}
"""
PATIENCE = 60.0  # seconds until something that must happen is given up


def start(folder: Path, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bot", *arguments, "--config", str(folder / "chaperone.toml")]
    return subprocess.Popen(command, stdin=stdin, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def config(folder: Path, path: str = "comments.jsonl", follow: str = "true") -> None:
    (folder / "chaperone.toml").write_text(CONFIG.format(path=path, follow=follow))


def line(id_: str) -> str:
    return json.dumps({"id": id_, "text": f"comment {id_}"}) + "\n"


def stored(folder: Path) -> int:
    file = folder / "chaperone.sqlite3"
    if not file.exists():
        return 0
    with sqlite3.connect(file) as db:
        try:
            found: int = db.execute("SELECT count(*) FROM decision").fetchone()[0]
        except sqlite3.OperationalError:  # not migrated yet
            return 0
        return found


def eventually(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def test_it_follows_a_growing_file_and_sigterm_ends_it_in_order(tmp_path: Path) -> None:
    config(tmp_path)
    comments = tmp_path / "comments.jsonl"
    comments.write_text(line("1"))
    process = start(tmp_path, "run")
    eventually(lambda: stored(tmp_path) == 1)
    with comments.open("a") as more:
        more.write(line("2"))
    eventually(lambda: stored(tmp_path) == 2)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, told
    assert "daemon_stopped" in told


def test_standard_input_is_read_to_its_end_by_each_run_and_not_left_on_the_disk(tmp_path: Path) -> None:
    config(tmp_path, path="-")
    for words, known in ((line("1") + line("2"), 2), (line("3") + line("4") + line("5"), 5)):
        process = start(tmp_path, "run", "--once", stdin=subprocess.PIPE)
        process.communicate(words, timeout=PATIENCE)
        assert process.returncode == 0
        assert stored(tmp_path) == known
        assert list((tmp_path / "chaperone.practice").iterdir()) == []


def test_once_ends_at_the_end_of_a_file_that_would_be_followed(tmp_path: Path) -> None:
    config(tmp_path)
    (tmp_path / "comments.jsonl").write_text(line("1") + line("2"))
    assert start(tmp_path, "run", "--once").wait(PATIENCE) == 0
    assert stored(tmp_path) == 2


def test_no_new_key_is_made_beside_a_database_that_it_would_not_open(tmp_path: Path) -> None:
    config(tmp_path, follow="false")
    (tmp_path / "comments.jsonl").write_text(line("1"))
    assert start(tmp_path, "run", "--once").wait(PATIENCE) == 0
    (tmp_path / "chaperone.key").unlink()
    refused = start(tmp_path, "queue")
    assert "is missing" in refused.communicate(timeout=PATIENCE)[1]
    assert refused.returncode != 0
    assert not (tmp_path / "chaperone.key").exists()


def test_a_second_process_on_the_same_database_is_refused(tmp_path: Path) -> None:
    config(tmp_path)
    (tmp_path / "comments.jsonl").write_text(line("1"))
    first = start(tmp_path, "run")
    eventually(lambda: stored(tmp_path) == 1)
    second = start(tmp_path, "run")
    _, told = second.communicate(timeout=PATIENCE)
    first.terminate()
    first.communicate(timeout=PATIENCE)
    assert second.returncode == 2
    assert "Another chaperone runs on" in told


def test_a_key_file_that_others_can_read_stops_the_start(tmp_path: Path) -> None:
    config(tmp_path)
    (tmp_path / "chaperone.key").write_text("x")
    (tmp_path / "chaperone.key").chmod(0o644)
    process = start(tmp_path, "run", "--once")
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "can be read by others. Run: chmod 600" in told
