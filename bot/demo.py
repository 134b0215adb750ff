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
from rich.console import Console
from rich.prompt import Prompt
from rich.text import Text
from sqlalchemy import Connection, select

from bot import logs
from bot.app import opened, running
from bot.classify import Assessor
from bot.clock import SystemClock
from bot.commandline import JsonOption, console, pipeline
from bot.commands.counts import number_of, summary
from bot.commands.running import stop_on_signals
from bot.commands.status import day, page
from bot.config import Config, read
from bot.errors import DeskError
from bot.model import AuthorKind, CaseState, CommentState, Role, Verdict
from bot.review import cases, rulings
from bot.review.rendering import as_plain_json, case_panel, inert
from bot.review.story import Story, case_story, comment_story, likely
from bot.shipped import shipped
from bot.store.database import Database
from bot.store.engine.local import LocalEngine
from bot.store.tables import case, comment

PACE_SECONDS = 0.5  # between two comments, so that a person can follow
WIDEST = 100  # columns of a comment's line
ONE_LINE: dict[str, Any] = {"sep": "\n    ", "no_wrap": True, "overflow": "ellipsis"}
STYLES = {Verdict.ACT: "yellow", Verdict.ASK: "cyan", Verdict.LEAVE: "dim"}
CHOICES = {"h": cases.Ruling.HIDE, "k": cases.Ruling.KEEP, "w": cases.Ruling.WARN, "m": cases.Ruling.MUTE}
YOU = cases.Person("you", Role.LEAD)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Work the comments off and stop.")] = False,
    json: JsonOption = False,
    data: Annotated[Path | None, typer.Option("--data", help="Keep its files in this folder.")] = None,
) -> None:
    """See it work on shipped comments, then rule on what it asks."""
    folder = data or Path(tempfile.mkdtemp(prefix="chaperone-demo-"))
    config = _prepare(folder, slowly=not (once or json))
    logs.configure("error", json=False)
    out = console(stderr=json)
    out.print("Loading the model …")
    assessor = pipeline(config)
    asyncio.run(_work_off(config, assessor, out, watch=not json))
    if not (once or json) and sys.stdin.isatty():
        _rule_on_what_is_asked(config, out)
        asyncio.run(_work_off(config, assessor, out, watch=False))
    if json:
        console().print(as_plain_json(_told(_counts(config))), soft_wrap=True, markup=False)
    else:
        _end(config, folder, out)
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
            view = group.create_task(_watch(app.db, out), name="view") if watch else None
            await app.run(once=True)
            if view:
                view.cancel()


async def _watch(db: Database, out: Console) -> None:
    """Print each comment once it is settled: the same in a terminal, a pipe and a recording."""
    shown = set[int]()
    try:
        while True:
            _show_settled(db, out, shown)
            await asyncio.sleep(0.1)
    finally:
        _show_settled(db, out, shown)


def _show_settled(db: Database, out: Console, shown: set[int]) -> None:
    settled = select(comment.c.id).where(comment.c.state.in_([CommentState.SETTLED, CommentState.GONE]))
    for id_ in db.read_now(lambda tx: tx.execute(settled.order_by(comment.c.id)).scalars().all()):
        if id_ not in shown:
            shown.add(id_)
            out.print(*db.read_now(partial(_told_of, db=db, id_=id_)), **ONE_LINE, width=min(out.width, WIDEST))


def _told_of(tx: Connection, db: Database, id_: int) -> tuple[Text, Text]:
    """A comment's words, and what became of it."""
    it = comment_story(tx, db.cipher, id_)
    waits = number_of(tx, case, case.c.id.in_(it.cases), case.c.state == CaseState.OPEN) > 0
    return inert(" ".join(it.text.split())), _became(it, waits)


def _became(it: Story, waits: bool) -> Text:
    if it.author_kind is AuthorKind.BOT:
        return Text("what we answered", style="dim")
    if it.assessment is None or it.decision is None:
        return Text("not judged", style="dim")
    found = [f"{label.replace('_', ' ')}, {likely(it.assessment.probabilities[label])}" for label in it.decision.flags]
    found += [f"not judged ({it.assessment.reason})"] if it.assessment.reason else []
    done = [each.outcome for each in it.actions] + ["a person is asked"] * waits or ["left alone"]
    return Text(": ".join([" and ".join(done), *["; ".join(found)] * bool(found)]), style=STYLES[it.decision.verdict])


def _rule_on_what_is_asked(config: Config, out: Console) -> None:
    """Ask about each open case, as the desk would; the next run does what was ruled."""
    clock = SystemClock()
    with opened(config) as db:
        engine = LocalEngine(db, clock)
        for row in db.read_now(cases.queue):
            out.print(case_panel(db.read_now(partial(case_story, cipher=db.cipher, case_id=row.id))))
            asked = _asked()
            if asked == "q":
                break
            if asked in CHOICES:
                said = cases.Said(CHOICES[asked], YOU)
                rule = partial(
                    rulings.rule, engine=engine, cipher=db.cipher, case_id=row.id, said=said, now=clock.now()
                )
                try:
                    db.run_now(rule)
                except DeskError as error:
                    out.print(str(error), markup=False)


def _asked() -> str:
    try:
        return Prompt.ask("(h)ide (k)eep (w)arn (m)ute (s)kip (q)uit", choices=[*CHOICES, "s", "q"], default="s")
    except EOFError:  # a terminal that only records
        return "q"


def _counts(config: Config) -> dict[str, Any]:
    with opened(config) as db:
        return db.read_now(summary)


def _end(config: Config, folder: Path, out: Console) -> None:
    with opened(config) as db:
        sections = db.read_now(partial(day, now=SystemClock().now()))
    out.print(Text(), page(sections), width=min(out.width, WIDEST))
    file = folder / "demo.toml"
    after = Text.assemble(
        ("\nTry next:\n", "bold"),
        f"  chaperone queue -c {file}\n  chaperone why 3 -c {file}\n  chaperone queue --acted -c {file}\n",
        f'  what the bot did on the "platform": {folder / "outcomes.jsonl"}',
    )
    out.print(after, soft_wrap=True)


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
