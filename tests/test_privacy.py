"""No comment text, name or secret in any log: a whole run at debug level, with failures injected, then searched."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot import logs
from bot.app import running
from bot.config import Config, Secrets
from bot.model import Batch, Malformed
from bot.platforms import base
from classifiers.labels import Label
from tests.support import StubAssessor, posted

MARK = "SENTINEL"  # stands in every text, name and id of an author that goes in
TEXTS = ["awful {m}", "fine {m}", "{m} \u0000 \u202e", "breaks {m}", "awful again {m}", "asks {m}"]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    before = logging.root.handlers[:], logging.root.level, logging.getLogRecordFactory()
    stream = io.StringIO()
    logs.configure("debug", json=False, stream=stream)
    yield stream
    logging.root.handlers[:], factory = before[0], before[2]
    logging.root.setLevel(before[1])
    logging.setLogRecordFactory(factory)


class Failing(StubAssessor):
    """Fails once on a whole batch, quoting what it was given."""

    failed = False

    def assess(self, texts):  # type: ignore[no-untyped-def]
        if not self.failed:
            self.failed = True
            raise ValueError(f"cannot score {[each.text for each in texts]}")
        return super().assess(texts)


def config(folder: Path) -> Config:
    lines = [
        {"id": str(n), "text": text.format(m=MARK), "author": f"{MARK}-{n}", "name": MARK, "parent_post": MARK}
        for n, text in enumerate(TEXTS)
    ]
    broken = [f'{{"id": "x", "text": "{MARK}', f'{{"text": "{MARK}"}}', f'{{"id": {{"{MARK}": 1}}, "text": 1}}']
    (folder / "c.jsonl").write_text("\n".join([*map(json.dumps, lines), *broken]) + "\n")
    settings = {"path": folder / "c.jsonl", "follow": False, "outcomes": folder / "out" / "outcomes.jsonl"}
    return Config.model_validate(
        {
            "store": {"path": folder / "s.sqlite3", "key_file": folder / "s.key"},
            "accounts": [{"name": "practice", "platform": "replay", "mode": "live", "settings": settings}],
        }
    )


async def test_a_whole_run_with_failures_leaves_no_words_in_the_log(
    tmp_path: Path, log: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    assessor = Failing({"awful": {Label.HARASSMENT: 0.99}, "asks": {Label.DIAGNOSIS_REQUEST: 0.99}})
    (tmp_path / "out").write_text("in the way, so that every verb fails")
    async with asyncio.timeout(60), running(config(tmp_path), assessor) as app:
        failing = FailsWithWords(app.adapters["practice"])
        app.adapters["practice"] = failing  # type: ignore[assignment]
        logging.getLogger("some.library").error("payload %s", MARK, extra={"body": MARK})
        await app.run(once=True)
    out, err = capfd.readouterr()
    told = log.getvalue()
    assert "intake_failed" in told
    assert "job_failed" in told
    assert "set_aside" in told
    assert "ValueError" in told
    for where in (told, out, err):
        assert MARK not in where


class FailsWithWords:
    """The adapter, whose stream breaks once with an error that quotes a comment."""

    def __init__(self, inner: base.Platform) -> None:
        self._inner, self._broken = inner, False

    async def events(self, cursor: str | None) -> AsyncIterator[Batch]:
        if not self._broken:
            self._broken = True
            raise RuntimeError(f"bad payload: {MARK}")
        async for batch in self._inner.events(cursor):
            yield batch


def test_no_secret_stands_in_a_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAPERONE_KEY", MARK)
    assert MARK not in repr(Secrets())


def test_words_and_names_are_left_out_of_every_repr() -> None:
    assert MARK not in repr(posted(text=MARK))
    assert MARK not in repr(Malformed("line 1", "why", MARK.encode()))
    assert "Sam" not in repr(posted())
