"""Rulings: what a person says of a case, and what follows from it.

What their role does not allow, and what was ruled already, is refused; what it takes is asked of the act worker.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, update

from bot.actions import action_key
from bot.edits import newest
from bot.errors import DeskError
from bot.history import supported
from bot.model import ActionState, AuthorKind, CommentState, Mode, Role, Severity, Verb
from bot.review.cases import LEAST_ROLE, LEAVES_OPEN, VERBS, Ruled, Ruling, Said, case_for, close_case, comments_of
from bot.store.cipher import Cipher
from bot.store.engine.port import Engine, Job, Queue
from bot.store.queries import Note, cancel_pending, open_action, write_audit
from bot.store.tables import action, card, case, ruling
from classifiers.labels import Label


def rule(
    tx: Connection, engine: Engine, cipher: Cipher, case_id: int, said: Said, now: datetime,
    supportable: Collection[str] | None = None,
) -> Ruled:  # fmt: skip
    """Write the ruling and ask for what it takes. Raises `DeskError` when it cannot be said.

    To warn in a case of crisis is to say the one supportive reply; `supportable` are the accounts for which that can be
    said, None where it is off.

    A label corrects what was found, a note is left; the case stays open. The rest closes it, once it is about all
    comments.
    """
    row = case_for(tx, case_id, said.by, now)
    comments = comments_of(tx, case_id, said.comment_id)
    _may(said, comments)
    ruling_id = write_ruling(tx, cipher, row, said, now)
    ruled = Ruled(0)
    if said.what in VERBS:
        said = _supportive(row, said, supportable)
        ruled = _ask_for(tx, engine, cipher, comments, row, said, ruling_id)
    if Label.CRISIS in said.labels and row.severity != Severity.CRISIS:
        _raise_alarm(tx, row, now)
    if said.what is Ruling.KEEP:
        cancel_pending(tx, [each.id for each in comments], f"{said.by.name} ruled keep", now, undos=False)
    if said.what not in LEAVES_OPEN and said.comment_id is None:
        close_case(tx, row, said.by, now)
    return ruled


def write_ruling(tx: Connection, cipher: Cipher, row: Row[Any], said: Said, now: datetime) -> int:
    """Who said it and what, with its audit. Returns the id."""
    new = insert(ruling).values(
        case_id=row.id, comment_id=said.comment_id, actor=said.by.name, role=said.by.role, what=said.what, at=now,
        labels=list(said.labels) if said.what is Ruling.LABEL else None,
        words=cipher.seal(said.why) if said.why else None,
    )  # fmt: skip
    ruling_id: int = tx.execute(new.returning(ruling.c.id)).scalar_one()
    detail = f"{said.what} as {said.by.role}"
    write_audit(tx, now, [Note("ruled", said.by.name, row.account, said.comment_id, row.id, detail=detail)])
    return ruling_id


def wish(of: Row[Any], verb: Verb, ruling_id: int, severity: int) -> dict[str, Any]:
    """A row of `action`. It follows the account's mode of now, when a person decides, not of when it was seen."""
    return {
        "key": action_key(of.account, of.external_id, of.edit, verb, f"ruling:{ruling_id}"),
        "comment_id": of.id,
        "ruling_id": ruling_id,
        "account": of.account,
        "verb": verb,
        "mode": of.account_mode,
        "severity": severity,
        "state": ActionState.PENDING,
    }


def ask(
    tx: Connection, engine: Engine, wishes: Sequence[dict[str, Any]], cannot: Sequence[str], about: Sequence[Row[Any]]
) -> Ruled:
    """Have the worker do what is wished. `cannot` tells what is not, `about` are the comments ruled on."""
    for each in wishes:
        id_ = tx.execute(insert(action).values(each).returning(action.c.id)).scalar_one()
        open_action(tx, each["comment_id"])
        engine.enqueue(tx, Queue.ACT, [Job(str(id_), id_, priority=each["severity"])])
    modes = {each["mode"] for each in wishes} or {each.account_mode for each in about}
    return Ruled(len(wishes), tuple(cannot), Mode.LIVE if Mode.LIVE in modes else Mode.SHADOW)


def _may(said: Said, comments: Sequence[Row[Any]]) -> None:
    """Raises `DeskError`. What our own side wrote is never answered, and a moderator may remove it."""
    ours = [each.author_kind == AuthorKind.STAFF for each in comments]
    if VERBS.get(said.what) is Verb.REPLY and any(ours):
        raise DeskError("Our own side wrote it: nothing is said to them in public. Speak to them yourself.")
    removes = said.what is Ruling.DELETE and ours and all(ours)
    said.by.must_be(Role.MODERATOR if removes else LEAST_ROLE.get(said.what, Role.MODERATOR), said.what)


def _raise_alarm(tx: Connection, row: Row[Any], now: datetime) -> None:
    """A person says that it is a crisis: at the next firing of the timers the first on call is told, and so on."""
    told_nobody = {"severity": Severity.CRISIS, "label": Label.CRISIS, "due_at": now, "reminders": -1}
    tx.execute(update(case).where(case.c.id == row.id).values(told_nobody))
    tx.execute(update(card).where(card.c.case_id == row.id).values(pings=0))  # calls for a lesser reason do not count


def _supportive(row: Row[Any], said: Said, supportable: Collection[str] | None) -> Said:
    """Nothing else is ever said in public to somebody in danger by a press of Warn. Raises `DeskError`."""
    if said.what is not Ruling.WARN or (said.template or row.label) != Label.CRISIS:
        return said
    if supportable is None:
        raise DeskError("The supportive reply is off: `crisis.supportive_reply` in the config allows it.")
    if row.account not in supportable:
        raise DeskError(f"There is no help line for {row.account}: add its country's to a file of `crisis.helplines`.")
    return replace(said, template=Label.CRISIS.value)


def _ask_for(
    tx: Connection, engine: Engine, cipher: Cipher, comments: Sequence[Row[Any]], of: Row[Any], said: Said,
    ruling_id: int,
) -> Ruled:  # fmt: skip
    verb = VERBS[said.what]
    template = said.template or of.label if said.what is Ruling.WARN else None
    if said.what is Ruling.WARN and template is None:
        raise DeskError("This case has no label, so say which template to use with --template")
    rows, cannot = [], []
    once = template == Label.CRISIS
    had = supported(tx, of.account, {each.author_key for each in comments}) if once else set()
    for each in newest(comments):
        if once and each.author_key in had:
            cannot.append(f"comment {each.id}: its author got the supportive reply, which is said once")
            continue
        had.add(each.author_key)
        if each.state == CommentState.GONE:
            cannot.append(f"comment {each.id}: it was deleted on the platform")
            continue
        words = cipher.seal(said.words) if said.words else None
        says = {"template": template, "label": of.label, "words": words}
        rows.append(wish(each, verb, ruling_id, of.severity) | says)
    return ask(tx, engine, rows, cannot, comments)
