"""The rehearsal of the whole: `chaperone demo` on the shipped comments with the shipped model."""

import io
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.__main__ import app
from bot.demo import _asked


def test_the_demo_works_the_stream_off_and_tells_what_it_did(tmp_path: Path) -> None:
    piped = CliRunner().invoke(app, ["demo", "--once", "--data", str(tmp_path)]).stdout
    assert re.search(r"women like you belong .*\n    (a person is asked|hidden): harassment", piped)
    assert "line 35" in piped
    assert "\x1b" not in piped
    assert max(len(line) for line in piped.partition("Try next")[0].splitlines()) <= 120
    done = CliRunner().invoke(app, ["demo", "--once", "--json", "--data", str(tmp_path)])
    assert done.exit_code == 0, (done.output, done.exception)
    told = json.loads(done.stdout)
    assert told["comments_seen"] == 34  # 33 and an edit; one is our own answer, one its author deleted
    assert told["not_assessed"] == {"wordless": 1, "language": 1}
    assert told["assessed"] == told["comments_seen"] - 2 - 2
    assert told["set_aside"] == 1
    assert told["flags"]["crisis"] >= 2
    assert told["cases"]["open"] > 0
    queue = CliRunner().invoke(app, ["queue", "--json", "-c", str(tmp_path / "demo.toml")])
    cases = json.loads(queue.stdout)
    assert cases[0]["label"] == "crisis"
    assert cases[0]["assigned_to"] == "Dr Sen"
    assert any(case["reason"] == "breach" for case in cases)


def test_where_nobody_can_answer_the_demo_ends_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert _asked() == "q"
