"""`chaperone run` and `chaperone status`."""

import asyncio
import os
import signal
from collections import Counter
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy import Connection, func, select

from bot import logs
from bot.app import App, ahead, opened, running, standings
from bot.classify import Assessor
from bot.clock import SystemClock
from bot.commandline import CONFIG, ConfigOption, JsonOption, console, pipeline
from bot.config import Account, Config, read
from bot.model import CaseState
from bot.platforms import base as platforms
from bot.review.rendering import as_plain_json
from bot.store.lock import is_running
from bot.store.tables import (
    account,
    action,
    assessment,
    case,
    comment,
    cursor,
    decision,
    job,
    lane,
    notice,
    pause,
    set_aside,
)


def run(
    config: ConfigOption = CONFIG,
    once: Annotated[bool, typer.Option("--once", help="Stop when everything the platforms had is worked off.")] = False,
) -> None:
    """Read, judge and act, until it is stopped. SIGTERM or Ctrl-C finishes what is under way; a second one does not."""
    settings = to_its_end(read(config)) if once else read(config)
    logs.configure(settings.log.level, json=settings.log.json_lines)
    asyncio.run(_run(settings, pipeline(settings), once))


def to_its_end(config: Config) -> Config:
    """The same config, but a file that is read does not wait for more at its end."""
    return config.model_copy(update={"accounts": tuple(_without_waiting(one) for one in config.accounts)})


def _without_waiting(one: Account) -> Account:
    waits = "follow" in platforms.load(one.platform)[0].model_fields
    return one.model_copy(update={"settings": one.settings | {"follow": False}}) if waits else one


async def _run(config: Config, assessor: Assessor, once: bool) -> None:
    async with running(config, assessor) as app:
        stop_on_signals(app)
        await app.run(once=once)


def stop_on_signals(app: App) -> None:
    """The first signal stops in order, the second at once; what was under way is checked at the next start."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if app.stopping.is_set():
            os._exit(130)
        app.stop()

    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop)


def status(config: ConfigOption = CONFIG, json: JsonOption = False) -> None:
    """Say what is going on: accounts, comments, what waits, what was set aside."""
    settings = read(config)
    with opened(settings) as db:
        waits = db.read_now(partial(ahead, config=settings, now=SystemClock().now()))
        counts = {"running": is_running(settings.store.path), **db.read_now(summary)}
        counts["waits"] = [asdict(each) for each in waits]
        counts["platforms"] = standings(settings, SystemClock())
    out = console()
    if json:
        out.print(as_plain_json(counts), soft_wrap=True, markup=False)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in counts.items():
        table.add_row(name.replace("_", " "), told(value))
    out.print(table)


def summary(tx: Connection) -> dict[str, Any]:
    """Counts over the whole store, as `status` and `demo` print them."""
    first = select(func.min(assessment.c.id)).group_by(assessment.c.comment_id)
    seen = select(assessment.c.not_assessed).where(assessment.c.id.in_(first))
    reasons = Counter(tx.execute(seen).scalars())
    flags = Counter(label for row in tx.execute(select(decision.c.flags)).scalars() for label in row)
    return {
        "comments": _count(tx, comment),
        "assessed": reasons.pop(None, 0),
        "not_assessed": dict(reasons),
        "flags": dict(flags),
        "verdicts": _counts(tx, decision.c.verdict),
        "actions": _pairs(tx, action.c.verb, action.c.state),
        "modes_of_actions": _counts(tx, action.c.mode),
        "cases": _counts(tx, case.c.state),
        "cases_open_by_reason": _counts(tx, case.c.reason, case.c.state == CaseState.OPEN),
        "states": _counts(tx, comment.c.state),
        "notices": _counts(tx, notice.c.state),
        "set_aside": _count(tx, set_aside),
        "jobs_waiting": _counts(tx, job.c.queue),
        "accounts": [dict(row) for row in tx.execute(select(account)).mappings()],
        "paused": [dict(row) for row in tx.execute(select(pause)).mappings()],
        "lanes": [dict(row) for row in tx.execute(select(lane)).mappings()],
        "read_until": [dict(row) for row in tx.execute(select(cursor.c.account, cursor.c.at)).mappings()],
    }


def _count(tx: Connection, table: Any) -> int:
    return tx.execute(select(func.count()).select_from(table)).scalar_one()


def _counts(tx: Connection, column: Any, *where: Any) -> dict[str, int]:
    return dict(tx.execute(select(column, func.count()).where(*where).group_by(column)).tuples().all())


def _pairs(tx: Connection, first: Any, second: Any) -> dict[str, int]:
    rows = tx.execute(select(first, second, func.count()).group_by(first, second))
    return {f"{one} {other}": count for one, other, count in rows}


def told(value: Any) -> str:
    """A count, or counts by name, in a line a person reads."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {count}" for key, count in value.items()) or "none"
    if isinstance(value, list):
        return "\n".join(map(_row, value)) or "none"
    return str(value)


def _row(row: Any) -> str:
    return row if isinstance(row, str) else ", ".join(f"{k} {v}" for k, v in row.items() if v is not None)
