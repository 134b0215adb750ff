"""`chaperone score`: read comments as JSON lines, write what the classifier says of them, in order.

In:  {"id": "17", "text": "…", "parent_post": "…"}                                    (`parent_post` may be left out)
Out: {"id": "17", "assessed": true, "labels": {"harassment": 0.01, …}, "flags": [], "acts": [],
      "spans": [{"start": 0, "end": 3, "type": "person"}]}, and "reason" where `assessed` is false.

`flags` and `acts` are the labels at or above the ask and act lines. This contract is stable.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rich.progress import Progress

from bot.commandline import CONFIG, ConfigOption, complain, console
from bot.config import Rules, WhenNotAssessed, policy, read
from bot.decide import certain, flagged
from bot.errors import ConfigError
from bot.platforms.base import readable
from bot.rules import Policy
from classifiers.labels import Assessment
from classifiers.pipeline import Pipeline, Text
from classifiers.settings import Settings

MALFORMED = "malformed"
CHUNK = 512  # lines in hand at once, so that memory stays flat however long the file is


class _Line(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    id: str = Field(coerce_numbers_to_str=True)
    text: str
    parent_post: str | None = None


def score(
    file: Annotated[Path, typer.Argument(help='Comments as JSON lines; "-" is standard input.')] = Path("-"),
    config: ConfigOption = CONFIG,
    json_lines: Annotated[bool, typer.Option("--json", help="JSON lines; the only form there is.")] = True,
) -> None:
    """Judge comments of your own. JSON lines in, JSON lines out, in the same order; nothing is stored."""
    model, rules, when = Settings(), Rules(), WhenNotAssessed()
    if config.exists():
        chosen = read(config)
        model, rules, when = chosen.classifier, chosen.rules, chosen.not_assessed
    pipeline = Pipeline.load(model)
    lines = policy(rules, when, pipeline.line)
    malformed = 0
    with _source(file) as source, Progress(console=console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("scoring", total=None)
        while chunk := list(islice(source, CHUNK)):
            rows = _scored(chunk, pipeline, lines)
            malformed += sum(row.get("reason") == MALFORMED for row in rows)
            sys.stdout.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            sys.stdout.flush()
            bar.advance(task, len(rows))
    if malformed:
        complain(f"{malformed} lines could not be read; their rows say so. A line is an object with `id` and `text`.")


def _scored(chunk: list[bytes], pipeline: Pipeline, lines: Policy) -> list[dict[str, Any]]:
    read_lines = [_read(raw) for raw in chunk]
    texts = [_text(line) for line in read_lines if isinstance(line, _Line)]
    seen = iter(pipeline.assess(texts))
    return [_row(line.id, next(seen), lines) if isinstance(line, _Line) else line for line in read_lines]


def _read(raw: bytes) -> "_Line | dict[str, Any]":
    """The line; or the row that says it could not be read, so that lines out are lines in."""
    try:
        return _Line.model_validate_json(raw)
    except ValidationError:
        return {
            "id": _id(raw),
            "assessed": False,
            "reason": MALFORMED,
            "labels": {},
            "flags": [],
            "acts": [],
            "spans": [],
        }


def _id(raw: bytes) -> str | None:
    try:
        return str(json.loads(raw)["id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _text(line: _Line) -> Text:
    return Text(readable(line.text), readable(line.parent_post) if line.parent_post else None)


def _row(id_: str, seen: Assessment, lines: Policy) -> dict[str, Any]:
    return {
        "id": id_,
        "assessed": seen.assessed,
        **({"reason": seen.reason} if seen.reason else {}),
        "labels": dict(seen.probabilities),
        "flags": flagged(seen, lines),
        "acts": certain(seen, lines),
        "spans": [{"start": span.start, "end": span.end, "type": span.type} for span in seen.spans],
    }


@contextmanager
def _source(file: Path) -> Iterator[Iterator[bytes]]:
    if str(file) == "-":
        yield iter(sys.stdin.buffer)
        return
    try:
        with file.open("rb") as opened:
            yield iter(opened)
    except OSError as error:
        raise ConfigError(f"The file {file} cannot be read: {error.strerror}") from None
