"""What the desk answers in words: the queue, why, an author's history, the day's numbers. No comment's words in it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from bot.errors import DeskError
from bot.model import CaseState, Severity
from bot.review.cards import WHO, WORTH_TELLING
from bot.review.inert import one_line
from bot.review.story import Story, likely
from bot.store.tables import action, case, case_comment, comment, decision, pause, ruling

QUEUE_SHOWN, HISTORY_SHOWN = 15, 15
LONGEST = 1900  # characters of an answer; Discord takes 2000


def queue_text(rows: Sequence[Row[Any]], now: datetime) -> str:
    if not rows:
        return "Nothing waits for a person."
    lines = [f"**{counted(len(rows), 'case')} for a person**, the gravest first. `/case` shows one."]
    for row in rows[:QUEUE_SHOWN]:
        what = (row.label or row.reason).replace("_", " ")
        with_ = f", with {one_line(row.claimed_by.partition('/')[0], 32)}" if row.claimed_by else ""
        age = _age(now - row.opened_at)
        severity = Severity(row.severity).name.lower()
        many = f" · {row.comments} comments" if row.comments > 1 else ""
        lines.append(f"**{row.id}** {severity} · {what} · {one_line(row.account, 40)}{many} · for {age}{with_}")
    return _cut(lines, len(rows) + 1)


def why_text(it: Story) -> str:
    """Text → spans → probabilities → rule → action → outcome, but for the text."""
    return _cut([f"**Comment {it.id}**", *_why(it)])


def _why(it: Story) -> Iterator[str]:
    past = f"flagged {counted(it.earlier_findings, 'time')} before" if it.earlier_findings else "never flagged before"
    yield f"Written by {WHO[it.author_kind]}, {past}; now {it.state}"
    if (seen := it.assessment) is not None:
        spans = ", ".join(f"{each.type.replace('_', ' ')} at {each.start}-{each.end}" for each in seen.spans)
        yield f"Masked: {spans or 'nothing'}"[:400]
        if not seen.assessed:
            yield f"**Not assessed**: {seen.reason}"
        found = sorted(seen.probabilities.items(), key=lambda each: -each[1])
        yield from (f"{label.replace('_', ' ')}: {likely(p)} ({p:.4f})" for label, p in found if p >= WORTH_TELLING)
        if rest := ", ".join(f"{label.replace('_', ' ')} {p:.4f}" for label, p in found if p < WORTH_TELLING):
            yield f"unlikely: {rest}"
        yield f"Model {one_line(seen.model, 60)}"
    if (made := it.decision) is not None:
        yield f"Decision: {made.verdict}, by {one_line(made.rule, 60)} of config {one_line(made.revision, 20)}"
        yield f"Because {one_line(made.why, 300)}"
    for told in it.actions[-5:]:
        yield f"{told.what} by {one_line(told.by.partition('/')[0], 32)}: {one_line(told.outcome, 90)}"


def history_text(tx: Connection, case_id: int) -> str:
    """What the author of a case did with us before. Raises `DeskError`."""
    first = select(comment).join(case_comment, case_comment.c.comment_id == comment.c.id)
    row = tx.execute(first.where(case_comment.c.case_id == case_id).order_by(comment.c.id).limit(1)).first()
    if row is None or row.author_key is None:
        raise DeskError(f"Nobody is known to have written case {case_id}")
    theirs = (comment.c.account == row.account) & (comment.c.author_key == row.author_key)
    total = tx.execute(select(func.count()).select_from(comment).where(theirs)).scalar_one()
    found = select(comment.c.id, comment.c.posted_at, decision.c.verdict, decision.c.flags).join(
        decision, decision.c.comment_id == comment.c.id
    )
    flagged = tx.execute(found.where(theirs, decision.c.label.is_not(None)).order_by(comment.c.id.desc())).all()
    lines = [f"**The author of case {case_id}**: {counted(total, 'comment')} seen, {len(flagged)} flagged"]
    for each in flagged[:HISTORY_SHOWN]:
        done = tx.execute(
            select(action.c.verb, action.c.state).where(action.c.comment_id == each.id).order_by(action.c.id)
        )
        told = ", ".join(f"{act.verb} {act.state}" for act in done) or "nothing done"
        flags = ", ".join(flag.replace("_", " ") for flag in each.flags)
        lines.append(f"{each.posted_at:%d %b %Y} · comment {each.id} · {flags} · {told}")
    return _cut(lines, len(flagged) + 1)


def stats_text(tx: Connection, now: datetime) -> str:
    """The day's numbers; it begins at midnight UTC."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    waiting = tx.execute(
        select(case.c.severity, func.count(), func.min(case.c.opened_at)).where(case.c.state == CaseState.OPEN)
        .group_by(case.c.severity).order_by(case.c.severity.desc())
    ).all()  # fmt: skip
    ruled = tx.execute(select(ruling.c.what, func.count()).where(ruling.c.at >= midnight).group_by(ruling.c.what)).all()
    acted = tx.execute(
        select(action.c.verb, action.c.state, func.count()).where(action.c.settled_at >= midnight)
        .group_by(action.c.verb, action.c.state)
    ).all()  # fmt: skip
    paused = tx.execute(select(pause.c.account, pause.c.label)).all()
    lines = ["**Waiting**"]
    lines += [
        f"{Severity(level).name.lower()}: {counted(count, 'case')}, the oldest for {_age(now - since)}"
        for level, count, since in waiting
    ]
    lines += ["nothing"] * (not waiting) + ["**Since midnight UTC**"]
    lines += [f"people ruled {what}: {count}" for what, count in ruled]
    lines += [f"the platform was asked to {verb}, {state}: {n}" for verb, state, n in acted]
    lines += ["nothing"] * (not ruled and not acted)
    lines += [f"**Paused** {one_line(account, 40)}: {label or 'every label'}" for account, label in paused]
    return _cut(lines)


def _age(past: timedelta) -> str:
    minutes = int(past.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"


def counted(number: int, what: str) -> str:
    """ "1 case", "2 cases"."""
    return f"{number} {what}{'s' * (number != 1)}"


def _cut(lines: Sequence[str], of: int = 0) -> str:
    """As many whole lines as an answer can hold, and how many of all (`of`) are not there."""
    kept, length = list[str](), 0
    for line in lines:
        length += len(line) + 1
        if length > LONGEST - 30:
            break
        kept.append(line)
    missing = max(of, len(lines)) - len(kept)
    return "\n".join([*kept, f"… and {missing} more"] if missing else kept)
