"""Undoing: what was done in a case, or by a rule, is taken back, and what waits is called off.

An undo is a ruling too. What was said cannot be taken back, and is told as such.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, true, update

from bot.actions import ACTIONS
from bot.model import ActionState, CaseState, Mode, Role, Severity, Verb
from bot.review.cases import Person, Ruled, Ruling, Said, close_case, comments_of, find_case
from bot.review.rulings import ask, wish, write_ruling
from bot.store.cipher import Cipher
from bot.store.engine.port import Engine
from bot.store.queries import call_off
from bot.store.tables import action, ruling
from bot.taken_back import done_by_rule, to_take_back
from classifiers.labels import Label


def undo(
    tx: Connection, engine: Engine, cipher: Cipher, case_id: int, by: Person, now: datetime, why: str = "",
    comment_id: int | None = None,
) -> Ruled:  # fmt: skip
    """Take back everything that was done in a case, by the machine or by a person, and call off what was not.

    With `comment_id`, only what was done to that comment: then the case stays as it is. Raises `DeskError`.
    """
    by.must_be(Role.MODERATOR, "undo")
    row, comments = find_case(tx, case_id), comments_of(tx, case_id, comment_id)
    ruling_id = write_ruling(tx, cipher, row, Said(Ruling.UNDO, by, why, comment_id=comment_id), now)
    earlier = (ruling.c.case_id == case_id) & (ruling.c.id != ruling_id)
    if comment_id is not None:
        earlier &= ruling.c.comment_id == comment_id
    tx.execute(update(ruling).where(earlier).values(undone_by=ruling_id))
    ruled = _take_back(tx, engine, comments, true(), ruling_id, by, now)
    if comment_id is None and row.state != CaseState.CLOSED:
        close_case(tx, row, by, now)
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
        row, those = find_case(tx, case_id), action.c.id.in_([each.id for each in acts])
        ruling_id = write_ruling(tx, cipher, row, Said(Ruling.UNDO, by, comment_id=comment_id), now)
        ruled.append(_take_back(tx, engine, comments_of(tx, case_id, comment_id), those, ruling_id, by, now))
        if row.state == CaseState.ACTED:
            close_case(tx, row, by, now)
    return ruled


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
        new = wish(by_id[act.comment_id], back, ruling_id, Severity.HIGH)
        rows.setdefault(new["key"], new | {"undo_of": act.id, "mode": act.mode, "label": act.label})
    return ask(tx, engine, [*rows.values()], cannot, comments)
