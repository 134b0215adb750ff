"""All that reached Discord of our own disclosures and crises, searched for every identifier marked in them.

The whole way: a replay file, the app with the shipped classifier, discord.py, the emulator. The spans are the
model's own; only the label is taken from the row, so that every row becomes a case.
"""

import asyncio
import json
import os
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.table import Table
from sqlalchemy import Connection, func, select

from benchmarks.desk.room import until_true
from benchmarks.tables import out
from bot.app import running
from bot.chat import Chats
from bot.clock import SystemClock
from bot.config import Config
from bot.masking import masked
from bot.model import CommentState
from bot.review import postings
from bot.review.cards import FAIL_CLOSED, MAY_DISCLOSE
from bot.sandbox.discord import TOKEN, Discord
from bot.sandbox.resolver import connector
from bot.store.tables import case_comment, comment
from classifiers.labels import IDENTIFIERS, Assessment, Label, Span, SpanType
from classifiers.pipeline import Pipeline, Text
from classifiers.settings import Settings

CORPUS = Path(__file__).parents[2] / "classifiers/training/corpus"
SUMMARY = "No words here"
OF_CASE = re.compile(r"desk:[a-z]+:(\d+)")
COUNTS = re.compile(r"\d+ (?:words?|question marks?|×)|\d+\.\d% sure")  # of ours
CONTROL = "ok then"  # the text of a case whose card has no words but ours
ASKED = 30  # cases of which a moderator also asks why, sees what is behind More, and gives commands


@dataclass(frozen=True, slots=True)
class Row:
    text: str
    label: Label
    marked: tuple[tuple[str, SpanType], ...]


class AsMarked:
    """The shipped classifier; the row's own label is found for certain."""

    def __init__(self, pipeline: Pipeline, labels: dict[str, Label]) -> None:
        self._pipeline, self._labels, self.model = pipeline, labels, pipeline.model
        self.judged: dict[str, Assessment] = {}  # what the model itself says, by text

    def assess(self, texts: Sequence[Text]) -> list[Assessment]:
        found = self._pipeline.assess(texts)
        self.judged |= {it.text: seen for it, seen in zip(texts, found, strict=True)}
        return [self._found(it.text, seen) for it, seen in zip(texts, found, strict=True)]

    def _found(self, text: str, seen: Assessment) -> Assessment:
        probabilities = dict.fromkeys(Label, 0.01) | dict(seen.probabilities) | {self._labels[text]: 1.0}
        return replace(seen, probabilities=probabilities)

    def line(self, label: Label, when_right: float) -> float | None:
        return self._pipeline.line(label, when_right)

    def tells(self, reply: str) -> float | None:
        return self._pipeline.tells(reply)


def rows(limit: int | None) -> list[Row]:
    found = []
    for name, label in (("requests-disclosures", Label.HEALTH_DISCLOSURE), ("crisis", Label.CRISIS)):
        lines = [json.loads(line) for line in (CORPUS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
        mine = [raw for raw in lines if label in raw["labels"]][:limit]
        found += [Row(raw["text"], label, _marked(raw)) for raw in mine]
    unique = {each.text: each for each in found}
    return list(unique.values())


def _marked(raw: dict[str, Any]) -> tuple[tuple[str, SpanType], ...]:
    """Crises have no spans marked."""
    return tuple((part, SpanType(kind)) for part, kind in raw.get("spans", ()))


async def masking(limit: int | None) -> int:
    given = rows(limit)
    labels = {it.text: it.label for it in given} | {CONTROL: Label.HEALTH_DISCLOSURE}
    assessor = AsMarked(Pipeline.load(Settings()), labels)
    leaks = 0
    for blanks in (False, True):
        sent = await _sent(given, assessor, blanks=blanks)
        found = _told(given, assessor, sent, blanks=blanks)
        leaks += 0 if blanks else found  # a desk that asks for blanks gets the words between them
    return int(leaks > 0)


@dataclass(frozen=True, slots=True)
class Sent:
    """Every body that was sent to Discord, those after somebody pressed Reveal, and the case of each text."""

    bodies: list[str]
    revealed: list[str]
    cases: dict[str, int]


async def _sent(given: Sequence[Row], assessor: AsMarked, *, blanks: bool) -> Sent:
    os.environ["CHAPERONE_DISCORD_TOKEN"] = TOKEN
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = [*(it.text for it in given), CONTROL]
        lines = [{"id": f"c{n}", "text": text, "author": f"u{n}", "thread": f"t{n}"} for n, text in enumerate(texts)]
        (folder / "comments.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        async with Discord(limits={}) as server:
            channel, role = server.channel("desk"), server.role("leads")
            asha = server.member("asha", role)
            on = {
                "channel": int(channel),
                "roles": {"lead": [int(role)]},
                "reveal_roles": [int(role)],
                "blank_unsure": blanks,
            }
            config = Config.model_validate({
                "store": {"path": folder / "c.sqlite3", "key_file": folder / "c.key"}, "desk": {"discord": on},
                "rules": {"harassment": {"do": []}, "solicitation": {"do": []}, "diagnosis_request": {"do": []}},
                "not_assessed": {"wordless": "ask"},
                "accounts": [{
                    "name": "practice", "platform": "replay", "country": "GB", "on_call": [{"name": "Asha"}],
                    "settings": {"path": folder / "comments.jsonl"},
                }],
            })  # fmt: skip
            async with running(config, assessor, chats=Chats(SystemClock(), lambda: connector(server))) as app:
                task = asyncio.create_task(app.run())
                await until_true(lambda: task.done() or app.db.read_now(partial(_all_shown, count=len(texts))), 1)
                cases = await app.db.read(_cases)
                for message in _messages(server, channel)[:ASKED]:
                    (id_,) = set(OF_CASE.findall(json.dumps(message["components"])))
                    for what in ("why", "more", "reply"):
                        await (await server.press(message["id"], f"desk:{what}:{id_}", asha)).answered()
                    for command in ("case", "history"):
                        await (await server.command(command, asha, channel, number=int(id_))).answered()
                await (await server.command("queue", asha, channel)).answered()
                bodies = await _bodies(server)
                for message in _messages(server, channel)[:ASKED]:
                    (id_,) = set(OF_CASE.findall(json.dumps(message["components"])))
                    await (await server.press(message["id"], f"desk:reveal:{id_}", asha)).answered()
                revealed = (await _bodies(server))[len(bodies) :]
                app.stop()
                await task
            return Sent(bodies, revealed, {text: cases[f"c{n}"] for n, text in enumerate(texts) if f"c{n}" in cases})


async def _bodies(server: Discord) -> list[str]:
    """What was sent, a text for each call, once nothing more comes."""
    count = -1
    while count != len(server.journal.calls("P*")):
        count = len(server.journal.calls("P*"))
        await asyncio.sleep(3)
    calls = server.journal.calls("P*")
    return ["\n".join([call.path, *_strings(call.body)]) for call in calls if call.body is not None]


def _strings(body: Any) -> Iterator[str]:
    """Every string of it, without what `inert` breaks a mention or an address with."""
    if isinstance(body, str):
        yield body.replace("\u200b", "").replace("[:]//", "://")
    elif isinstance(body, dict | list):
        for each in body.values() if isinstance(body, dict) else body:
            yield from _strings(each)


def _messages(server: Discord, channel: str) -> list[dict[str, Any]]:
    return [each for each in server.said(channel) if each["components"]]


def _all_shown(tx: Connection, count: int) -> bool:
    """Whether so many comments were judged, and every card tells all of it."""
    judged = tx.execute(select(func.count()).where(comment.c.state != CommentState.RECEIVED)).scalar_one()
    return judged >= count and not postings.due(tx, 1)


def _cases(tx: Connection) -> dict[str, int]:
    found = select(comment.c.external_id, case_comment.c.case_id).join(
        case_comment, case_comment.c.comment_id == comment.c.id
    )
    return {row.external_id: row.case_id for row in tx.execute(found)}


def _told(given: Sequence[Row], assessor: AsMarked, sent: Sent, *, blanks: bool) -> int:
    """Print what was found; returns how many identifiers were in clear."""
    traffic, cases = sent.bodies, sent.cases
    of_case: dict[int, list[str]] = defaultdict(list)
    for body in traffic:
        for id_ in set(OF_CASE.findall(body)):
            of_case[int(id_)].append(body)
    ours = set(re.findall(r"\w+", " ".join(of_case[cases[CONTROL]]).lower()))
    everything = "\n".join(traffic).lower()
    table = Table(title=f"not sure of every word: {'blanks' if blanks else 'a summary'}", title_justify="left")
    for heading in ("label", "rows", "with a card", "summary instead of words", "identifiers", "in clear"):
        table.add_column(heading)
    total = 0
    for label in (Label.HEALTH_DISCLOSURE, Label.CRISIS):
        mine = [it for it in given if it.label is label]
        carded = [it for it in mine if of_case.get(cases.get(it.text, 0))]
        fell = sum(any(SUMMARY in body for body in of_case[cases[it.text]]) for it in carded)
        looked = Counter(kind for it in carded for _, kind in it.marked)
        clear = Counter(kind for it in carded for kind in _in_clear(it, of_case[cases[it.text]], ours))
        clear += Counter(kind for it in mine for kind in _anywhere(it, everything, ours))
        total += sum(clear.values())
        by_type = ", ".join(f"{kind} {n}" for kind, n in clear.items()) or "none"
        share = f"{fell} ({100 * fell / max(1, len(carded)):.1f} %)"
        table.add_row(label, str(len(mine)), str(len(carded)), share, str(looked.total()), by_type)
    out.print(table)
    shown = "\n".join(sent.revealed).lower()
    found = sum(_stands(part, shown) for it in given for part, kind in it.marked if kind in IDENTIFIERS)
    out.print(f"after {ASKED} presses on Reveal, the same search finds {found} identifiers that point to a person")
    if not blanks:
        _missed(given, assessor)
    return total


def _in_clear(it: Row, bodies: Sequence[str], ours: set[str]) -> Iterator[SpanType]:
    """The types of what is marked in it and stands in what was sent of its case, but for words of ours."""
    said = COUNTS.sub("", "\n".join(bodies).lower())
    for part, kind in it.marked:
        if _stands(part, said) and not set(re.findall(r"\w+", part.lower())) <= ours:
            yield kind


def _anywhere(it: Row, everything: str, ours: set[str]) -> Iterator[SpanType]:
    """The same over all traffic, for what points to a person."""
    for part, kind in it.marked:
        if kind in IDENTIFIERS and _stands(part, everything) and not set(re.findall(r"\w+", part.lower())) <= ours:
            yield kind


def _stands(part: str, said: str) -> bool:
    return part.lower() in said and re.search(rf"(?<!\w){re.escape(part.lower())}(?!\w)", said) is not None


def _missed(given: Sequence[Row], assessor: AsMarked) -> None:
    """Disclosures that the model itself does not take for one: a card of theirs would show what it did not mask."""
    passed = [
        it for it in given
        if it.label is Label.HEALTH_DISCLOSURE
        and (seen := assessor.judged[it.text]).assessed
        and all(seen.probabilities[label] < MAY_DISCLOSE for label in FAIL_CLOSED)
    ]  # fmt: skip
    left: Counter[SpanType] = Counter()
    for it in passed:
        spans: tuple[Span, ...] = assessor.judged[it.text].spans
        shown = masked(it.text, spans).lower()
        left += Counter(kind for part, kind in it.marked if _stands(part, shown))
    by_type = ", ".join(f"{kind} {n}" for kind, n in left.items()) or "nothing"
    out.print(
        f"{len(passed)} disclosures the model gives less than {MAY_DISCLOSE}; were they flagged for something else, "
        f"their masked words would show: {by_type}"
    )
