"""`chaperone status`: the operator's page. What is healthy, what waits for a person, what was done today, what was set
aside and why, in words; what there is none of is left out. With `--json`, the counts of the whole store."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any

from rich.console import Group
from rich.text import Text
from sqlalchemy import Connection, Row, func, select

from bot.actions import ACTIONS
from bot.app import ahead, opened, standings
from bot.clock import SystemClock
from bot.commandline import CONFIG, ConfigOption, JsonOption, console
from bot.commands.counts import number_of, summary, tally
from bot.config import Account, Config, read
from bot.model import ActionState, CaseState, Mode, Severity, Verb, Verdict
from bot.on_call import NoticeState, desk_stopped
from bot.review.answers import counted
from bot.review.rendering import about, as_plain_json, waiting_line
from bot.store.engine.port import Queue
from bot.store.lock import is_running
from bot.store.tables import account, action, assessment, case, comment, cursor, decision, job, notice, pause, ruling
from bot.store.tables import set_aside as aside
from classifiers.labels import NotAssessed

Section = tuple[str, list[str]]  # a title, and the lines under it

VERDICTS = {Verdict.LEAVE: "left alone", Verdict.ASK: "put before a person", Verdict.ACT: "to act on"}
NOT_JUDGED = {
    NotAssessed.LANGUAGE: "in another language",
    NotAssessed.WORDLESS: "without words",
    NotAssessed.UNREADABLE: "unreadable",
    NotAssessed.MODEL_DOWN: "while the model was down",
}
NOTICES = {NoticeState.SENT: "told by a notice", NoticeState.FAILED: "NOT REACHED by a notice"}
ASIDE_SHOWN = 5


def status(config: ConfigOption = CONFIG, json: JsonOption = False) -> None:
    """Show what is healthy, what waits, and what was done today."""
    settings, now = read(config), SystemClock().now()
    with opened(settings) as db:
        runs = is_running(settings.store.path)
        if not json:
            console().print(page(db.read_now(lambda tx: [health(tx, settings, now, runs=runs), *day(tx, now)])))
            return
        found = {"running": runs, "desk_stopped": db.read_now(desk_stopped), **db.read_now(summary)}
        found["waits"] = [asdict(each) for each in db.read_now(partial(ahead, config=settings, now=now))]
        found["platforms"] = standings(settings, SystemClock())
    console().print(as_plain_json(found), soft_wrap=True, markup=False)


def page(sections: Iterable[Section]) -> Group:
    lines = [[Text(title, style="bold"), *(Text(f"  {line}") for line in told)] for title, told in sections]
    return Group(*(line for section in lines for line in section))


def health(tx: Connection, config: Config, now: datetime, *, runs: bool) -> Section:
    title = "Running" if runs else "NOT RUNNING: nothing is read, judged or done until `chaperone run` is started"
    heard = select(account, cursor.c.at).outerjoin(cursor, cursor.c.account == account.c.name)
    rows = {row.name: row for row in tx.execute(heard)}
    lines = [_account(one, rows.get(one.name)) for one in config.accounts]
    if why := desk_stopped(tx):
        lines.append(f"the desk on Discord: STOPPED until the next start, no cards and no calls: {why}")
    lines += [
        f"{row.account}: paused by {row.by} since {_at(row.at)}; {_plain(row.label) or 'all'} goes to a person"
        for row in tx.execute(select(pause))
    ]
    lines += [*standings(config, SystemClock()), *_under_way(tx), *map(waiting_line, ahead(tx, config, now))]
    return title, [*lines, f"database {config.store.path}"]


def day(tx: Connection, now: datetime) -> list[Section]:
    """What waits for a person, what was done since midnight UTC, and what was set aside."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    found: list[Section] = [_waits(tx), ("Today, since midnight UTC", list(_today(tx, midnight)) or ["nothing"])]
    if number := number_of(tx, aside):
        found.append((f"Set aside: {number} that could not be read as a comment, so nobody judged it", _aside(tx)))
    return found


def _account(one: Account, row: Row[Any] | None) -> str:
    name = f"{one.name} ({one.platform})"
    if row is None:
        return f"{name}: not started yet"
    if row.stopped_why:
        return f"{name}: STOPPED until the next start: {row.stopped_why}"
    does = "live, it acts" if row.mode == Mode.LIVE else "in shadow, nothing is done on the platform"
    heard = f"last heard from {_at(row.at)}" if row.at else "nothing heard from it yet"
    later = "" if row.mode == one.mode else f"; the config says {one.mode} by now: start it again"
    return f"{name}: {does}; {heard}{later}"


def _under_way(tx: Connection) -> Iterator[str]:
    if waits := number_of(tx, job, job.c.queue == Queue.CLASSIFY):
        yield f"{counted(waits, 'comment')} still to be judged"
    if waits := number_of(tx, action, action.c.state.in_([ActionState.PENDING, ActionState.SENDING])):
        yield f"{counted(waits, 'action')} still to be done"


def _waits(tx: Connection) -> Section:
    is_open = case.c.state == CaseState.OPEN
    levels = tally(tx, case.c.severity, is_open)
    if not levels:
        return "Nothing waits for a person", []
    what = Counter(about(row) for row in tx.execute(select(case).where(is_open)))
    urgency = _listed({Severity(int(level)).name.lower(): levels[level] for level in sorted(levels, reverse=True)})
    since = tx.execute(select(func.min(case.c.opened_at)).where(is_open)).scalar_one()
    title = f"{counted(sum(levels.values()), 'case')} for a person: `chaperone queue` shows them"
    return title, [f"{urgency}; the oldest since {_at(since)}", f"about: {_listed(dict(what.most_common()))}"]


def _today(tx: Connection, midnight: datetime) -> Iterator[str]:
    seen = comment.c.seen_at >= midnight
    verdicts = tally(tx, decision.c.verdict, decision.c.at >= midnight)
    became = {told: verdicts.get(verdict, 0) for verdict, told in VERDICTS.items()}
    yield from _line("comments", {"seen": number_of(tx, comment, seen)} | became)
    reasons = tally(tx, assessment.c.not_assessed, assessment.c.comment_id.in_(select(comment.c.id).where(seen)))
    yield from _line("not judged", {told: reasons.get(reason, 0) for reason, told in NOT_JUDGED.items()})
    flags = tx.execute(select(decision.c.flags).where(decision.c.at >= midnight)).scalars()
    yield from _line("found", Counter(_plain(label) for row in flags for label in row))
    yield from _done(tx, midnight)
    yield from _line("people ruled", tally(tx, ruling.c.what, ruling.c.at >= midnight))
    told = tx.execute(select(notice).where(notice.c.settled_at >= midnight, notice.c.state.in_(NOTICES)))
    yield from _line("on call", Counter(f"{row.person} {NOTICES[NoticeState(row.state)]}" for row in told))


def _done(tx: Connection, midnight: datetime) -> Iterator[str]:
    ruled = action.c.ruling_id.is_not(None)
    for asked, by in ((~ruled, "by itself"), (ruled, "as people ruled")):
        for mode, told in (
            (Mode.LIVE, f"done {by}"),
            (Mode.SHADOW, f"not done, for it is in shadow; {by} it would have"),
        ):
            of_today = (
                action.c.settled_at >= midnight,
                action.c.mode == mode,
                action.c.state == ActionState.DONE,
                asked,
            )
            verbs = tally(tx, action.c.verb, *of_today)
            yield from _line(told, {ACTIONS[Verb(verb)].told: count for verb, count in verbs.items()})


def _aside(tx: Connection) -> list[str]:
    rows = tx.execute(select(aside).order_by(aside.c.id.desc()).limit(ASIDE_SHOWN + 1)).all()
    lines = [f"{row.account}, {row.position}, {_at(row.at)}: {row.why}" for row in rows[:ASIDE_SHOWN]]
    return [*lines, *["… and earlier ones"] * (len(rows) > ASIDE_SHOWN)]


def _line(what: str, counts: Mapping[str, int]) -> Iterator[str]:
    if any(counts.values()):
        yield f"{what}: {_listed(counts)}"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}".strip() for what, count in counts.items() if count)


def _plain(word: str) -> str:
    return word.replace("_", " ")


def _at(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
