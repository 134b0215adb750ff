"""The console desk: the same cases, worked from the command line.

Whoever may read the database's key may do everything, unless `desk.people` in the config names people and their
roles; then `--as` must be one of them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy import Connection

from bot.app import ahead, opened
from bot.clock import SystemClock
from bot.commandline import CONFIG, ConfigOption, JsonOption, console, pipeline
from bot.config import Config, read
from bot.errors import DeskError, ReplyRefused
from bot.guard import ReplyGuard, contacts
from bot.heard import said_in
from bot.model import CaseState, Mode, Role
from bot.near import nearest
from bot.review import cases, pauses, rulings, typed, undoing
from bot.review.answers import counted
from bot.review.joined import none_joined
from bot.review.refusal import refused_text
from bot.review.rendering import as_json, case_panel, queue_table, story_lines, waiting_line
from bot.review.story import case_story, comment_number, comment_story
from bot.store.database import Database
from bot.store.engine.local import LocalEngine
from bot.store.lock import is_running
from bot.store.queries import Note, write_audit
from bot.supportive import crisis_lines, supportable, templates
from classifiers.labels import Label

desk = typer.Typer()

AsOption = Annotated[str, typer.Option("--as", help="Who you are; it stands in the audit.", envvar="CHAPERONE_AS")]
WhyOption = Annotated[str, typer.Option("--why", help="Your reason; kept encrypted.")]
RevealOption = Annotated[bool, typer.Option("--reveal", help="Show the words unmasked; this is logged.")]
SeenOption = Annotated[
    int,
    typer.Option(
        min=1,
        help="How many comments of the case you saw, as `show` says; with more in it by now, nothing is done. "
        "For a script: `comments` of the case in `show --json`.",
    ),
]
CaseArgument = Annotated[int, typer.Argument(help="The number of the case.", metavar="CASE")]


@dataclass(frozen=True, slots=True)
class _Desk:
    config: Config
    db: Database
    engine: LocalEngine
    out: Console
    now: datetime


@contextmanager
def _open(config_file: Path) -> Iterator[_Desk]:
    config, clock = read(config_file), SystemClock()
    with opened(config) as db:
        yield _Desk(config, db, LocalEngine(db, clock), console(), clock.now())


def _person(config: Config, name: str) -> cases.Person:
    people = config.desk.people
    if people and name not in people:
        raise DeskError(f"{name!r} is not one of `desk.people` in the config{nearest(name, people)}")
    return cases.Person(name, people.get(name, Role.LEAD))


@desk.command()
def queue(
    account_name: Annotated[str | None, typer.Option("--account", help="Only this account.")] = None,
    acted: Annotated[bool, typer.Option("--acted", help="What the bot did alone, instead of what waits.")] = False,
    json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """List the cases that wait for a person, the most severe first."""
    with _open(config) as it:
        state = CaseState.ACTED if acted else CaseState.OPEN
        rows = it.db.read_now(lambda tx: cases.queue(tx, account_name, state))
        if json:
            it.out.print(as_json(rows), soft_wrap=True, markup=False)
            return
        it.out.print(queue_table(rows, it.now))
        for wait in it.db.read_now(lambda tx: ahead(tx, it.config, it.now)):
            it.out.print(waiting_line(wait), markup=False)


@desk.command()
def show(
    case_id: CaseArgument,
    reveal: RevealOption = False,
    by: AsOption = "",
    json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Show a case: its comments, what was found, what was done."""
    with _open(config) as it:
        if reveal:
            _log_reveal(it, by, partial(Note, case_id=case_id))
        story = it.db.read_now(lambda tx: case_story(tx, it.db.cipher, case_id, reveal=reveal))
        calls = crisis_lines(it.config, story.row)
        it.out.print(as_json(story), soft_wrap=True, markup=False) if json else it.out.print(case_panel(story, calls))


@desk.command()
def why(
    comment: Annotated[str, typer.Argument(help="A comment's number here, or its id on the platform.")],
    reveal: RevealOption = False,
    by: AsOption = "",
    json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Tell why a comment was treated as it was. Its words, what was found in them, the rule, and what was done."""
    with _open(config) as it:
        number = int(comment) if comment.isdecimal() else None
        found = it.db.read_now(lambda tx: comment_number(tx, comment)) or number
        if found is None:
            raise DeskError(f"There is no comment {comment}")
        if reveal:
            _log_reveal(it, by, partial(Note, comment_id=found))
        story = it.db.read_now(lambda tx: comment_story(tx, it.db.cipher, found, reveal=reveal))
        it.out.print(as_json(story), soft_wrap=True, markup=False) if json else it.out.print(story_lines(story))


@desk.command()
def claim(case_id: CaseArgument, by: AsOption, config: ConfigOption = CONFIG) -> None:
    """Take a case, so that nobody else acts on it meanwhile."""
    with _open(config) as it:
        person, minutes = _person(it.config, by), it.config.desk.claim_minutes
        it.db.run_now(lambda tx: cases.claim(tx, case_id, person, it.now, minutes))
        it.out.print(f"Case {case_id} is with {by} for {minutes} minutes.")


@desk.command()
def rule(
    case_id: CaseArgument,
    what: Annotated[cases.Ruling, typer.Argument(help="What is to become of it.")],
    words: Annotated[
        str, typer.Argument(help="For reply: the text. For label: the right labels, or none. Else: your reason.")
    ] = "",
    by: AsOption = "",
    reason: WhyOption = "",
    template: Annotated[str | None, typer.Option(help="For warn: another template than the label's own.")] = None,
    comment_id: Annotated[int | None, typer.Option("--comment", help="Only this comment of the case.")] = None,
    seen: SeenOption = 1,
    config: ConfigOption = CONFIG,
) -> None:
    """Rule on a case. `keep` leaves everything as it is; `undo` takes back what was done."""
    reason = typed.reason(what, words, reason)
    with _open(config) as it:
        said = cases.Said(
            what, _person(it.config, _named(by)), reason, template=template, comment_id=comment_id,
            labels=typed.labels(words) if what is cases.Ruling.LABEL else (),
            words=_cleared(it, words, case_id, comment_id) if what is cases.Ruling.REPLY else None,
        )  # fmt: skip
        if what is cases.Ruling.UNDO:
            ruled = it.db.run_now(
                lambda tx: undoing.undo(tx, it.engine, it.db.cipher, case_id, said.by, it.now, reason, comment_id)
            )
        else:
            ruled = it.db.run_now(lambda tx: _ruled(tx, it, case_id, said, seen))
        _tell(it, case_id, what, ruled)


@desk.command()
def undo(case_id: CaseArgument, by: AsOption, reason: WhyOption = "", config: ConfigOption = CONFIG) -> None:
    """Take back everything that was done in a case."""
    rule(case_id, cases.Ruling.UNDO, by=by, reason=reason, config=config)


@desk.command()
def pause(
    account_name: Annotated[str, typer.Argument(metavar="ACCOUNT")],
    by: AsOption,
    label: Annotated[Label | None, typer.Option(help="Only this label; every label if left out.")] = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Stop it from acting: it only asks, until `resume`. For an account, or one label of it."""
    with _open(config) as it:
        name, person = it.config.account(account_name).name, _person(it.config, by)
        it.db.run_now(lambda tx: pauses.set_pause(tx, name, label, person, it.now))
        it.out.print(f"Paused {name}: {label or 'every label'} goes to a person until `chaperone resume`.")


@desk.command()
def resume(
    account_name: Annotated[str, typer.Argument(metavar="ACCOUNT")],
    by: AsOption,
    label: Annotated[Label | None, typer.Option(help="The label that was paused; as in `pause`.")] = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Let it act again."""
    with _open(config) as it:
        name, person = it.config.account(account_name).name, _person(it.config, by)
        lifted = it.db.run_now(lambda tx: pauses.lift_pause(tx, name, label, person, it.now))
        it.out.print(f"{name}: {label or 'every label'} {'acts again' if lifted else 'was not paused'}.")


def _ruled(tx: Connection, it: _Desk, case_id: int, said: cases.Said, seen: int) -> cases.Ruled:
    if said.comment_id is None:
        look = f"`chaperone show {case_id}` shows the case, and the number for --seen."
        none_joined(tx, case_id, seen, said.what, look)
    return rulings.rule(tx, it.engine, it.db.cipher, case_id, said, it.now, supportable(it.config))


def _tell(it: _Desk, case_id: int, what: cases.Ruling, ruled: cases.Ruled) -> None:
    it.out.print(f"Case {case_id}: {what} is written down. {_follows(it, what, ruled)}")
    for line in ruled.cannot:
        it.out.print(f"  not done: {line}", markup=False)


def _follows(it: _Desk, what: cases.Ruling, ruled: cases.Ruled) -> str:
    """What comes of it on the platform."""
    if ruled.mode is Mode.SHADOW and what is cases.Ruling.UNDO:
        return "In shadow nothing was done on the platform, so there is nothing to take back there."
    if ruled.mode is Mode.SHADOW and what in cases.VERBS:
        return "The account is in shadow: nothing is done on the platform."
    if not ruled.actions:
        return "Nothing is to be done on the platform."
    later = "" if is_running(it.config.store.path) else ", once chaperone runs again: it is not running"
    return f"{counted(ruled.actions, 'action')} to be done on the platform{later}."


def _log_reveal(it: _Desk, by: str, note: Callable[[str, str], Note]) -> None:
    person = _person(it.config, _named(by))
    it.db.run_now(lambda tx: write_audit(tx, it.now, [note("revealed", person.name)]))


def _named(by: str) -> str:
    if not by:
        raise DeskError("Say who you are with --as NAME; it stands in the audit.")
    return by


def _cleared(it: _Desk, words: str, case_id: int, comment_id: int | None) -> str:
    """Raises `ReplyRefused`, after showing which words and why."""
    links = [one.links for one in it.config.accounts]
    guard = ReplyGuard(contacts(links, templates(it.config)), pipeline(it.config).tells)
    said = it.db.read_now(lambda tx: said_in(tx, it.db.cipher, case_id, comment_id))
    try:
        return guard.clear(words, said).words
    except ReplyRefused as error:
        it.out.print(refused_text(error), soft_wrap=True)
        raise
