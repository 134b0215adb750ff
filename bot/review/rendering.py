"""How cases and stories look in a terminal. Comment text is hostile: printed inert, control signs made visible."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from sqlalchemy import Row

from bot.lanes import Wait
from bot.model import AuthorKind, CaseState, Reason, Severity, Verdict
from bot.review.story import CaseStory, Story, likely
from classifiers.labels import Assessment

COLOURS = {
    Severity.CRISIS: "bold white on red",
    Severity.URGENT: "bold red",
    Severity.HIGH: "yellow",
    Severity.NORMAL: "cyan",
    Severity.LOW: "dim",
}

DECIDED = {Verdict.LEAVE: "leave it alone", Verdict.ASK: "ask a person", Verdict.ACT: "act"}
FOUND = (Reason.FLAGGED, Reason.ACTED)
WHY = {  # what a case is about beside its label; of what was merely found, the label says all
    Reason.BREACH: "a colleague may have revealed a patient",
    Reason.STAFF: "written by our own side",
    Reason.RED_FLAG: "names a sign of an emergency",
    Reason.LANGUAGE: "in another language",
    Reason.WORDLESS: "without words",
    Reason.UNREADABLE: "cannot be read",
    Reason.MODEL_DOWN: "not judged, the model was down",
    Reason.BUDGET: "the day's automatic actions are used up",
    Reason.OVERTURNED: "too many of today's actions were overturned",
    Reason.PAUSED: "acting is paused",
    Reason.REFUSED: "the platform refused",
    Reason.UNKNOWN_OUTCOME: "nobody knows whether it was done",
    Reason.GAP: "some comments may not have been read",
    Reason.STOPPED: "the account is stopped",
    Reason.DESK_STOPPED: "no cards and no calls on Discord",
}

PANEL = 110  # columns at most; a pipe has more

WHO = {AuthorKind.PUBLIC: "a reader", AuthorKind.STAFF: "our own side", AuthorKind.BOT: "the bot"}


def severity(value: int) -> Text:
    level = Severity(value)
    return Text(level.name.lower(), style=COLOURS[level])


def inert(text: str) -> Text:
    """The words as they are, without terminal codes, marks that turn the writing round, or rich markup."""
    return Text("".join(sign if sign.isprintable() or sign == "\n" else "�" for sign in text))


def about(row: Row[Any]) -> str:
    """What a case is about, in a few plain words."""
    label = row.label.replace("_", " ") if row.label else ""
    why = "" if row.reason in FOUND else WHY.get(row.reason, row.reason.replace("_", " "))
    return ": ".join(each for each in (label, why) if each)


def queue_table(rows: Sequence[Row[Any]], now: datetime) -> RenderableType:
    if not rows:
        return Text("Nothing waits for a person.")
    table = Table(box=None, pad_edge=False)
    for heading in ("case", "severity", "account", "what", "comments", "age", "with"):
        table.add_column(heading)
    for row in rows:
        with_ = row.claimed_by or (f"on call: {row.assigned_to}" if row.assigned_to else "")
        cells = (str(row.id), severity(row.severity), row.account, about(row), str(row.comments), _age(row, now), with_)
        table.add_row(*cells)
    return table


def waiting_line(it: Wait) -> str:
    limit = f"{it.lane}: {it.limit} in {it.seconds // 60} minutes"
    until = f"{it.done_by:%Y-%m-%d %H:%M} UTC"
    if it.closed_until is not None:
        limit += f"; closed until {it.closed_until:%Y-%m-%d %H:%M} UTC, see `chaperone status`"
    return f"{it.account}: {it.actions} actions wait for the platform's limit ({limit}); done by about {until}"


def case_panel(it: CaseStory, calls: Sequence[str] = ()) -> RenderableType:
    """`calls`, for a crisis: whom somebody in danger can call."""
    row = it.row
    called = f" · on call: {row.assigned_to}" if row.assigned_to else ""
    with_ = f" · with {row.claimed_by}" if row.claimed_by else called
    head = Text.assemble("case ", str(row.id), " · ", severity(row.severity), f" · {row.account} · {row.state}{with_}")
    danger = Text(" · ".join(["somebody may be in danger", *calls]), style=COLOURS[Severity.CRISIS])
    parts: list[RenderableType] = [danger] if calls else []
    parts += [Text(row.why), *(_comment(each) for each in it.comments)]
    if row.comments > 1 and row.state != CaseState.CLOSED:
        told = f"To rule on all {row.comments}: chaperone rule {row.id} … --seen {row.comments}"
        parts.append(Text(told, style="dim"))
    parts += [Text(line) for line in it.notices]
    parts += [Text(f"ruled: {line}") for line in it.rulings]
    return Panel(Group(*parts), title=head, title_align="left", width=PANEL)


def _comment(it: Story) -> RenderableType:
    lines: list[RenderableType] = [
        Text(f"\ncomment {it.id} by {WHO[it.author_kind]}{past(it)}, seen {it.seen_at:%Y-%m-%d %H:%M}", style="dim"),
        inert(it.text),
        Text(_found(it.assessment)),
    ]
    lines += [Text(f"{told.what} by {told.by}: {told.outcome}") for told in it.actions]
    return Group(*lines)


def story_lines(it: Story) -> RenderableType:
    """`why`: words → what was found → decision → what was done."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in _why(it):
        table.add_row(name, value)
    return table


def _why(it: Story) -> Iterable[tuple[str, Text]]:
    yield "comment", Text(f"{it.id} of {it.account} (there: {it.external_id}{', edited' * (it.edit > 0)}), {it.state}")
    yield "written by", Text(WHO[it.author_kind] + past(it))
    yield "words", inert(it.text)
    if it.assessment is not None:
        yield from _judged(it.assessment)
    if (made := it.decision) is not None:
        yield "decision", Text(DECIDED[made.verdict])
        yield "  because", Text(made.why)
        yield "  rule", Text(f"{made.rule}, config {made.revision}")
    for told in it.actions:
        at = f", {told.at:%Y-%m-%d %H:%M:%S} UTC" if told.at else ""
        yield f"{told.what}", Text(f"by {told.by}: {told.outcome}{at}")
    yield "cases", Text(", ".join(str(id_) for id_ in it.cases) or "none")


def _judged(seen: Assessment) -> Iterable[tuple[str, Text]]:
    """What was found, the likeliest first, and how sure the model is of each."""
    yield "masked", Text(", ".join(dict.fromkeys(span.type.replace("_", " ") for span in seen.spans)) or "nothing")
    if not seen.assessed:
        yield "NOT JUDGED", Text(f"{seen.reason}".replace("_", " "))
    if seen.probabilities:
        yield "how sure it is of", Text()
    for label, p in sorted(seen.probabilities.items(), key=lambda each: -each[1]):
        yield f"  {label.replace('_', ' ')}", Text(f"{p:6.1%}  {likely(p)}")
    yield "judged by", Text(seen.model)


def past(it: Story) -> str:
    times = "once" if it.earlier_findings == 1 else f"{it.earlier_findings} times"
    return f", flagged {times} before" if it.earlier_findings else ", never flagged before"


def as_json(it: Any) -> str:
    """A row, a story or a list of them, for other programs."""
    return as_plain_json(_plain(it))


def as_plain_json(it: Any) -> str:
    return json.dumps(it, ensure_ascii=False, default=str)


def _plain(it: Any) -> Any:
    if isinstance(it, Row):
        return dict(it._mapping)
    if isinstance(it, CaseStory):
        return {"case": _plain(it.row), "comments": [asdict(each) for each in it.comments], "rulings": it.rulings}
    if isinstance(it, Story):
        return asdict(it)
    return [_plain(each) for each in it]


def _found(seen: Assessment | None) -> str:
    if seen is None:
        return "not assessed yet"
    high = [(p, label) for label, p in seen.probabilities.items() if p >= 0.33]
    found = ", ".join(f"{label.replace('_', ' ')} ({likely(p)})" for p, label in sorted(high, reverse=True))
    if seen.assessed:
        return f"found: {found or 'nothing'}"
    return f"not judged: {seen.reason}; {found}".replace("_", " ").rstrip("; ")


def _age(row: Row[Any], now: datetime) -> str:
    minutes = int((now - row.opened_at).total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"
