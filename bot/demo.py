"""`chaperone demo`: realistic comments through everything, on this machine, with no account and no token.

What is judged, decided and done is real; only the platform is a file, and what is done lands in an outcomes file.
"""

import asyncio
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.prompt import Prompt
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection, select

from bot import logs
from bot.app import App, opened, running
from bot.classify import Assessor
from bot.clock import SystemClock
from bot.commandline import JsonOption, console, pipeline
from bot.commands.running import stop_on_signals, summary, told
from bot.config import Config, read
from bot.errors import DeskError
from bot.model import AuthorKind, Role, Verdict
from bot.review import cases
from bot.review.rendering import as_plain_json, case_panel, inert
from bot.review.story import Decided, Story, case_story, comment_story
from bot.shipped import shipped
from bot.store.database import Database
from bot.store.engine.local import LocalEngine
from bot.store.tables import comment

PACE_SECONDS = 0.5  # between two comments, so that a person can follow
ROWS = 14  # of the live view
CHOICES = {"h": cases.Ruling.HIDE, "k": cases.Ruling.KEEP, "w": cases.Ruling.WARN, "m": cases.Ruling.MUTE}
YOU = cases.Person("you", Role.LEAD)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Work the comments off and stop.")] = False,
    json: JsonOption = False,
    data: Annotated[Path | None, typer.Option("--data", help="Keep its files in this folder.")] = None,
) -> None:
    """See it work: shipped comments are judged and acted on; then rule on what it asks."""
    folder = data or Path(tempfile.mkdtemp(prefix="chaperone-demo-"))
    config = _prepare(folder, slowly=not (once or json))
    logs.configure("error", json=False)
    out = console(stderr=json)
    out.print("Loading the model …")
    assessor = pipeline(config)
    asyncio.run(_work_off(config, assessor, out, watch=not (once or json)))
    if not (once or json) and sys.stdin.isatty():
        _rule_on_what_is_asked(config, out)
        asyncio.run(_work_off(config, assessor, out, watch=False))
    counts = _counts(config)
    if json:
        console().print(as_plain_json(_told(counts)), soft_wrap=True, markup=False)
    else:
        out.print(_ending(counts, folder))
    if data is None and json:
        shutil.rmtree(folder)


def _prepare(folder: Path, *, slowly: bool) -> Config:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("demo.toml", "demo-comments.jsonl"):
        shutil.copy(shipped(name), folder / name)
    config = read(folder / "demo.toml")
    if not slowly:
        return config
    one = config.accounts[0]
    paced = one.model_copy(update={"settings": one.settings | {"pace_seconds": PACE_SECONDS}})
    return config.model_copy(update={"accounts": (paced,)})


async def _work_off(config: Config, assessor: Assessor, out: Console, *, watch: bool) -> None:
    async with running(config, assessor) as app:
        stop_on_signals(app)
        async with asyncio.TaskGroup() as group:
            view = group.create_task(_watch(app, out), name="view") if watch else None
            await app.run(once=True)
            if view:
                view.cancel()


async def _watch(app: App, out: Console) -> None:
    with Live(console=out, refresh_per_second=8) as live:
        try:
            while True:
                live.update(await app.db.read(lambda tx: _view(tx, app.db)))
                await asyncio.sleep(0.25)
        finally:
            live.update(app.db.read_now(lambda tx: _view(tx, app.db)))


def _view(tx: Connection, db: Database) -> RenderableType:
    table = Table(box=None, pad_edge=False, expand=True)
    for heading, ratio in (("comment", 5), ("found", 3), ("decision", 1), ("done", 2)):
        table.add_column(heading, ratio=ratio, no_wrap=True, overflow="ellipsis")
    latest = tx.execute(select(comment.c.id).order_by(comment.c.id.desc()).limit(ROWS)).scalars().all()
    for id_ in reversed(latest):
        it = comment_story(tx, db.cipher, id_)
        found = _found(it)
        done = ", ".join(each.outcome for each in it.actions)
        verdict = Text("ours", style="dim") if it.author_kind is AuthorKind.BOT else _verdict(it.decision)
        table.add_row(inert(it.text), Text(found), verdict, Text(done))
    return Group(table)


def _found(it: Story) -> str:
    if it.assessment is None or it.decision is None:
        return ""
    flags = ", ".join(f"{label} {it.assessment.probabilities[label]:.2f}" for label in it.decision.flags)
    return flags or (f"not assessed: {it.assessment.reason}" if it.assessment.reason else "")


def _verdict(made: Decided | None) -> Text:
    styles = {Verdict.ACT: "yellow", Verdict.ASK: "cyan", Verdict.LEAVE: "dim"}
    return Text(made.verdict, style=styles[made.verdict]) if made else Text("…")


def _rule_on_what_is_asked(config: Config, out: Console) -> None:
    """Ask about each open case, as the desk would; the next run does what was ruled."""
    clock = SystemClock()
    with opened(config) as db:
        engine = LocalEngine(db, clock)
        for row in db.read_now(cases.queue):
            out.print(case_panel(db.read_now(partial(case_story, cipher=db.cipher, case_id=row.id))))
            asked = Prompt.ask("(h)ide (k)eep (w)arn (m)ute (s)kip (q)uit", choices=[*CHOICES, "s", "q"], default="s")
            if asked == "q":
                break
            if asked in CHOICES:
                said = cases.Said(CHOICES[asked], YOU)
                rule = partial(cases.rule, engine=engine, cipher=db.cipher, case_id=row.id, said=said, now=clock.now())
                try:
                    db.run_now(rule)
                except DeskError as error:
                    out.print(str(error), markup=False)


def _counts(config: Config) -> dict[str, Any]:
    with opened(config) as db:
        return db.read_now(summary)


def _ending(counts: dict[str, Any], folder: Path) -> RenderableType:
    file = folder / "demo.toml"
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in _told(counts).items():
        table.add_row(name.replace("_", " "), told(value))
    after = Text.assemble(
        ("\nTry next:\n", "bold"),
        f"  chaperone queue -c {file}\n  chaperone why 3 -c {file}\n  chaperone queue --acted -c {file}\n",
        f'  what the bot did on the "platform": {folder / "outcomes.jsonl"}',
    )
    return Group(table, after)


def _told(counts: dict[str, Any]) -> dict[str, Any]:
    """The summary as `--json` prints it; stable."""
    return {
        "comments_seen": counts["comments"],
        "assessed": counts["assessed"],
        "not_assessed": counts["not_assessed"],
        "flags": counts["flags"],
        "actions": counts["actions"],
        "cases": counts["cases"],
        "set_aside": counts["set_aside"],
    }
