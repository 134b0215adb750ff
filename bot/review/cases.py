"""Cases: what a person is asked, and what follows from what they rule. No chat library, no platform.

Every function is a transaction body: a ruling, its actions, its audit and its jobs commit together, and the act
worker does the rest. Every desk (console, Discord) calls these.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, true, update
from sqlalchemy.dialects.sqlite import insert as upsert

from bot.actions import ACTIONS, action_key
from bot.edits import newest
from bot.errors import DeskError
from bot.history import supported
from bot.model import ActionState, AuthorKind, CaseState, CommentState, Mode, Role, Severity, Verb
from bot.store.cipher import Cipher
from bot.store.engine.port import Engine, Job, Queue
from bot.store.queries import Note, call_off, cancel_pending, open_action, write_audit
from bot.store.tables import account, action, card, case, case_comment, comment, pause, ruling
from bot.taken_back import done_by_rule, to_take_back
from classifiers.labels import Label


class Ruling(StrEnum):
    """What a moderator can say of a case."""

    KEEP = "keep"
    HIDE = "hide"
    WARN = "warn"
    REPLY = "reply"
    MUTE = "mute"
    DELETE = "delete"
    BAN = "ban"
    LABEL = "label"
    NOTE = "note"  # for whoever looks next
    UNDO = "undo"


LEAST_ROLE = {
    Ruling.KEEP: Role.TRIAGE, Ruling.LABEL: Role.TRIAGE, Ruling.NOTE: Role.TRIAGE, Ruling.BAN: Role.LEAD,
    Ruling.DELETE: Role.LEAD,
}  # fmt: skip
LEAVES_OPEN = frozenset({Ruling.LABEL, Ruling.NOTE})
VERBS = {
    Ruling.HIDE: Verb.HIDE, Ruling.WARN: Verb.REPLY, Ruling.REPLY: Verb.REPLY, Ruling.MUTE: Verb.MUTE,
    Ruling.DELETE: Verb.DELETE, Ruling.BAN: Verb.BAN,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """Who rules."""

    name: str
    role: Role

    def must_be(self, least: Role, what: str) -> None:
        """Raises `DeskError`."""
        order = list(Role)
        if order.index(self.role) < order.index(least):
            raise DeskError(f"{_known_as(self.name)} is {self.role}; to {what} one must be {least}")


@dataclass(frozen=True, slots=True)
class Said:
    """A ruling as it was said. `words` is a typed reply, which the guard has let pass already."""

    what: Ruling
    by: Person
    why: str = ""
    labels: tuple[Label, ...] = ()
    template: str | None = None
    words: str | None = None
    comment_id: int | None = None  # only this comment of the case; None = all of them


@dataclass(frozen=True, slots=True)
class Ruled:
    """What came of it: actions asked for, and what could not be done, in words for a person."""

    actions: int
    cannot: tuple[str, ...] = ()
    mode: Mode = Mode.SHADOW  # in which that is done: in shadow nothing happens on the platform


def queue(tx: Connection, account_name: str | None = None, state: CaseState = CaseState.OPEN) -> Sequence[Row[Any]]:
    """Cases, the most severe first, then the oldest."""
    found = select(case).where(case.c.state == state)
    if account_name is not None:
        found = found.where(case.c.account == account_name)
    return tx.execute(found.order_by(case.c.severity.desc(), case.c.opened_at, case.c.id)).all()


def claim(tx: Connection, case_id: int, by: Person, now: datetime, minutes: int) -> None:
    """Take a case, so that nobody else acts on it meanwhile. Raises `DeskError` when somebody has it."""
    row = _open_case(tx, case_id, by, now)
    until = now + timedelta(minutes=minutes)
    tx.execute(update(case).where(case.c.id == row.id).values(claimed_by=by.name, claimed_until=until))
    write_audit(tx, now, [Note("claimed", by.name, row.account, case_id=row.id)])


def assign(tx: Connection, case_id: int, to: str, by: Person, now: datetime) -> None:
    """Say whose case it is. Raises `DeskError`."""
    by.must_be(Role.MODERATOR, "assign")
    row = _open_case(tx, case_id, by, now)
    tx.execute(update(case).where(case.c.id == row.id).values(assigned_to=to))
    write_audit(tx, now, [Note("assigned", by.name, row.account, case_id=row.id, detail=to)])


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
    row = _open_case(tx, case_id, said.by, now)
    comments = _comments(tx, case_id, said.comment_id)
    _may(said, comments)
    ruling_id = _write_ruling(tx, cipher, row, said, now)
    ruled = Ruled(0)
    if said.what in VERBS:
        said = _supportive(row, said, supportable)
        ruled = _ask_for(tx, engine, cipher, comments, row, said, ruling_id)
    if Label.CRISIS in said.labels and row.severity != Severity.CRISIS:
        _raise_alarm(tx, row, now)
    if said.what is Ruling.KEEP:
        cancel_pending(tx, [each.id for each in comments], f"{said.by.name} ruled keep", now, undos=False)
    if said.what not in LEAVES_OPEN and said.comment_id is None:
        _close(tx, row, said.by, now)
    return ruled


def undo(
    tx: Connection, engine: Engine, cipher: Cipher, case_id: int, by: Person, now: datetime, why: str = "",
    comment_id: int | None = None,
) -> Ruled:  # fmt: skip
    """Take back everything that was done in a case, by the machine or by a person, and call off what was not.

    With `comment_id`, only what was done to that comment: then the case stays as it is. Raises `DeskError`.
    """
    by.must_be(Role.MODERATOR, "undo")
    row, comments = _case(tx, case_id), _comments(tx, case_id, comment_id)
    ruling_id = _write_ruling(tx, cipher, row, Said(Ruling.UNDO, by, why, comment_id=comment_id), now)
    earlier = (ruling.c.case_id == case_id) & (ruling.c.id != ruling_id)
    if comment_id is not None:
        earlier &= ruling.c.comment_id == comment_id
    tx.execute(update(ruling).where(earlier).values(undone_by=ruling_id))
    ruled = _take_back(tx, engine, comments, true(), ruling_id, by, now)
    if comment_id is None and row.state != CaseState.CLOSED:
        _close(tx, row, by, now)
    return ruled


def undo_rule(
    tx: Connection, engine: Engine, cipher: Cipher, label: Label, since: datetime, by: Person, now: datetime
) -> list[Ruled]:
    """Take back what the machine did for this label since then, and call off what waits. What came of it, by comment.

    What another rule did stays, and what a person asked for too; whoever is asked in a case is still asked.
    """
    by.must_be(Role.LEAD, "undo all that a rule did")
    ruled = []
    found = done_by_rule(tx, label, since)
    for (case_id, comment_id), acts in groupby(found, key=lambda each: (each.case_id, each.comment_id)):
        row, those = _case(tx, case_id), action.c.id.in_([each.id for each in acts])
        ruling_id = _write_ruling(tx, cipher, row, Said(Ruling.UNDO, by, comment_id=comment_id), now)
        ruled.append(_take_back(tx, engine, _comments(tx, case_id, comment_id), those, ruling_id, by, now))
        if row.state == CaseState.ACTED:
            _close(tx, row, by, now)
    return ruled


def set_pause(tx: Connection, account_name: str, label: Label | None, by: Person, now: datetime) -> None:
    """From now on the machine only asks: for one label, or for all. What people rule is still done."""
    by.must_be(Role.MODERATOR, "pause")
    row = upsert(pause).values(account=account_name, label=label or "", by=by.name, at=now)
    tx.execute(row.on_conflict_do_nothing())
    write_audit(tx, now, [Note("paused", by.name, account_name, detail=label or "every label")])


def lift_pause(tx: Connection, account_name: str, label: Label | None, by: Person, now: datetime) -> bool:
    """Let the machine act again. False when it was not paused."""
    by.must_be(Role.LEAD, "resume")
    mine = (pause.c.account == account_name) & (pause.c.label == (label or ""))
    lifted = tx.execute(delete(pause).where(mine)).rowcount > 0
    write_audit(tx, now, [Note("resumed", by.name, account_name, detail=label or "every label")])
    return lifted


def _may(said: Said, comments: Sequence[Row[Any]]) -> None:
    """Raises `DeskError`. What our own side wrote is never answered, and a moderator may remove it."""
    ours = [each.author_kind == AuthorKind.STAFF for each in comments]
    if VERBS.get(said.what) is Verb.REPLY and any(ours):
        raise DeskError("Our own side wrote it: nothing is said to them in public. Speak to them yourself.")
    removes = said.what is Ruling.DELETE and ours and all(ours)
    said.by.must_be(Role.MODERATOR if removes else LEAST_ROLE.get(said.what, Role.MODERATOR), said.what)


def _known_as(actor: str | None) -> str:
    """Without what stands behind the slash, which makes them unmistakable and is nothing for people."""
    return (actor or "nobody").partition("/")[0]


def _case(tx: Connection, case_id: int) -> Row[Any]:
    row = tx.execute(select(case).where(case.c.id == case_id)).first()
    if row is None:
        raise DeskError(f"There is no case {case_id}; the queue lists the open ones")
    return row


def _open_case(tx: Connection, case_id: int, by: Person, now: datetime) -> Row[Any]:
    row = _case(tx, case_id)
    if row.state == CaseState.CLOSED:
        raise DeskError(
            f"Case {case_id} was closed by {_known_as(row.closed_by)} at {row.closed_at:%Y-%m-%d %H:%M} UTC"
        )
    if row.claimed_by not in (None, by.name) and row.claimed_until > now:
        raise DeskError(f"Case {case_id} is with {_known_as(row.claimed_by)} until {row.claimed_until:%H:%M} UTC")
    return row


def _comments(tx: Connection, case_id: int, only: int | None) -> Sequence[Row[Any]]:
    found = select(comment, account.c.mode.label("account_mode")).join(account, account.c.name == comment.c.account)
    found = found.join(case_comment, case_comment.c.comment_id == comment.c.id)
    found = found.where(case_comment.c.case_id == case_id)
    if only is not None:
        found = found.where(comment.c.id == only)
    rows = tx.execute(found.order_by(comment.c.id)).all()
    if only is not None and not rows:
        raise DeskError(f"Comment {only} is not in case {case_id}")
    return rows


def _write_ruling(tx: Connection, cipher: Cipher, row: Row[Any], said: Said, now: datetime) -> int:
    new = insert(ruling).values(
        case_id=row.id, comment_id=said.comment_id, actor=said.by.name, role=said.by.role, what=said.what, at=now,
        labels=list(said.labels) if said.what is Ruling.LABEL else None,
        words=cipher.seal(said.why) if said.why else None,
    )  # fmt: skip
    ruling_id: int = tx.execute(new.returning(ruling.c.id)).scalar_one()
    detail = f"{said.what} as {said.by.role}"
    write_audit(tx, now, [Note("ruled", said.by.name, row.account, said.comment_id, row.id, detail=detail)])
    return ruling_id


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
    tx: Connection,
    engine: Engine,
    cipher: Cipher,
    comments: Sequence[Row[Any]],
    of: Row[Any],
    said: Said,
    ruling_id: int,
) -> Ruled:
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
        rows.append(
            _action(each, verb, ruling_id, of.severity)
            | {
                "template": template,
                "label": of.label,
                "words": cipher.seal(said.words) if said.words else None,
            }
        )
    return Ruled(_insert(tx, engine, rows), tuple(cannot), _mode(rows, comments))


def _take_back(
    tx: Connection, engine: Engine, comments: Sequence[Row[Any]], those: ColumnElement[bool], ruling_id: int,
    by: Person, now: datetime,
) -> Ruled:  # fmt: skip
    """Of what these comments had done to them, or wait for, those actions."""
    those = those & action.c.comment_id.in_([each.id for each in comments])
    call_off(tx, those & action.c.undo_of.is_(None), f"{by.name} undid it", now)
    return _ask_back(tx, engine, comments, to_take_back(tx, those), ruling_id)


def _ask_back(
    tx: Connection, engine: Engine, comments: Sequence[Row[Any]], acts: Sequence[Row[Any]], ruling_id: int
) -> Ruled:
    by_id = {each.id: each for each in comments}
    rows: dict[str, dict[str, Any]] = {}  # by key: a comment that was hidden twice is restored once
    cannot = []
    for act in acts:
        back = ACTIONS[Verb(act.verb)].undone_by
        if back is None and (act.mode == Mode.SHADOW or act.state == ActionState.CANCELLED):
            continue  # nothing was said, or deleted
        if back is None:
            cannot.append(f"comment {act.comment_id}: {ACTIONS[Verb(act.verb)].told} cannot be undone by us")
            continue
        new = _action(by_id[act.comment_id], back, ruling_id, Severity.HIGH)
        rows.setdefault(new["key"], new | {"undo_of": act.id, "mode": act.mode, "label": act.label})
    asked = [*rows.values()]
    return Ruled(_insert(tx, engine, asked), tuple(cannot), _mode(asked, comments))


def _action(of: Row[Any], verb: Verb, ruling_id: int, severity: int) -> dict[str, Any]:
    """A person decided now, so it follows the account's mode of now, not that of when the comment was seen."""
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


def _mode(rows: Sequence[dict[str, Any]], comments: Sequence[Row[Any]]) -> Mode:
    modes = {row["mode"] for row in rows} or {each.account_mode for each in comments}
    return Mode.LIVE if Mode.LIVE in modes else Mode.SHADOW


def _insert(tx: Connection, engine: Engine, rows: Sequence[dict[str, Any]]) -> int:
    for row in rows:
        id_ = tx.execute(insert(action).values(row).returning(action.c.id)).scalar_one()
        open_action(tx, row["comment_id"])
        engine.enqueue(tx, Queue.ACT, [Job(str(id_), id_, priority=row["severity"])])
    return len(rows)


def _close(tx: Connection, row: Row[Any], by: Person, now: datetime) -> None:
    closed = {"state": CaseState.CLOSED, "closed_at": now, "closed_by": by.name, "due_at": None}
    tx.execute(update(case).where(case.c.id == row.id).values(closed))
    write_audit(tx, now, [Note("case_closed", by.name, row.account, case_id=row.id)])
