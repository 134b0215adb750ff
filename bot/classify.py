"""Classify: comments that wait are scored in batches, off the event loop, and decided in the order they came.

Assessment, decision, actions, case, audit and the next jobs are one transaction. A comment that was decided for
this model and revision already is left as it is, so that a batch may come twice.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import repeat
from typing import Any, Protocol

from sqlalchemy import Connection, Row, insert, select, update

from bot import own_side, red_flags
from bot.actions import action_key
from bot.clock import Clock
from bot.config import Config, policy
from bot.decide import decide, flagged
from bot.edits import carry_over, edited
from bot.history import today
from bot.model import ActionState, AuthorKind, CommentState, Decision, Mark, Reason, Severity
from bot.never_hidden import spare
from bot.on_call import first_call, people, send_pending
from bot.store.database import Database
from bot.store.engine.port import Engine, Job, Later, Queue
from bot.store.queries import NewCase, Note, comments, open_action, opened, put_in_case, write_audit
from bot.store.tables import action, assessment, comment, decision
from bot.supportive import supportable
from classifiers.labels import Assessment, Label, NotAssessed
from classifiers.pipeline import Text

log = logging.getLogger("chaperone.comment")

Marks = Mapping[int, tuple[Mark, ...]]


class Assessor(Protocol):
    """What is asked of the classifiers' pipeline."""

    model: str

    def assess(self, texts: Sequence[Text]) -> list[Assessment]: ...

    def line(self, label: Label, when_right: float) -> float | None: ...

    def tells(self, reply: str) -> float | None: ...


class Classify:
    def __init__(self, config: Config, db: Database, engine: Engine, clock: Clock, assessor: Assessor) -> None:
        self._config, self._db, self._engine, self._clock = config, db, engine, clock
        supports = config.crisis.supportive_reply == "auto"
        self._assessor = assessor
        self._policy = policy(
            config.rules, config.not_assessed, assessor.line, supports=supports,
            red_flags_call=config.crisis.red_flags_call,
        )  # fmt: skip
        self._supportable = supportable(config) or frozenset[str]()
        self._revision = config.revision()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="classifier")

    async def __call__(self, ids: Sequence[int]) -> Later:
        """The handler of the classify queue."""
        rows = [row for row in await self._db.read(lambda tx: comments(tx, ids)) if row.state == CommentState.RECEIVED]
        texts = [self._text(row) for row in rows]
        loop = asyncio.get_running_loop()
        seen = await loop.run_in_executor(self._thread, self._assessor.assess, texts)
        marks = await self._marks(rows)
        await self._db.run(lambda tx: self._decide_all(tx, list(zip(rows, seen, strict=True)), marks))
        self._engine.wake()
        return {}

    def _text(self, row: Row[Any]) -> Text:
        body = opened(self._db.cipher, row.body)
        return Text(body.text, body.parent_text) if body else Text("")

    async def _marks(self, rows: Sequence[Row[Any]]) -> Marks:
        """What the reply guard says of our own side's words, by comment."""
        ours = [row for row in rows if row.author_kind == AuthorKind.STAFF]
        if not ours:
            return {}
        cipher, teller = self._db.cipher, self._assessor.tells
        said = await self._db.read(lambda tx: [own_side.answered(tx, cipher, row) for row in ours])
        texts = [self._text(row).text for row in ours]
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._thread, lambda: [*map(own_side.marks, ours, texts, said, repeat(teller))]
        )
        return {row.id: marks for row, marks in zip(ours, found, strict=True)}

    def _decide_all(self, tx: Connection, scored: Sequence[tuple[Row[Any], Assessment]], marks: Marks) -> None:
        now, waiting = self._clock.now(), _waiting(tx, [row.id for row, _ in scored])
        scored = [each for each in scored if each[0].id in waiting]
        days = {name: today(tx, name, _authors(scored, name), now) for name in {row.account for row, _ in scored}}
        ids = [row.id for row, _ in scored]
        decided, old = _decided(tx, ids, self._assessor.model, self._revision), edited(tx, ids)
        notes, quiet = [], []
        _write_assessments(tx, scored)
        for row, seen in scored:
            if row.id in decided:
                continue
            day = days[row.account]
            facts = day.facts(row, marks.get(row.id, ()), red_flag=self._red_flag(row, seen))
            made = self._possible(row, decide(seen, facts, self._policy))
            day.count(row, made, edited=row.id in old)
            acts = self._write(tx, row, made, now)
            notes.append(Note("decided", account=row.account, comment_id=row.id, detail=f"{made.verdict}: {made.rule}"))
            if not acts:
                quiet.append(row.id)
                _settled(row.id, row.account, made)
        tx.execute(update(comment).where(comment.c.id.in_(quiet)).values(state=CommentState.SETTLED))
        write_audit(tx, now, notes)
        for name in days:  # of what was edited while it waited
            carry_over(tx, name, {row.external_id for row, _ in scored if row.account == name}, now)

    def _red_flag(self, row: Row[Any], seen: Assessment) -> bool:
        """Whether it matters that the comment names a red flag, and it does."""
        matters = Label.DIAGNOSIS_REQUEST in flagged(seen, self._policy) or seen.reason is NotAssessed.MODEL_DOWN
        return matters and red_flags.named(self._text(row).text)

    def _possible(self, row: Row[Any], made: Decision) -> Decision:
        """No supportive reply where no help line is known to name in it."""
        if row.account in self._supportable:
            return made
        return replace(made, steps=tuple(step for step in made.steps if step.label is not Label.CRISIS))

    def _write(self, tx: Connection, row: Row[Any], made: Decision, now: datetime) -> bool:
        """Returns whether anything is to be done."""
        new = insert(decision).prefix_with("OR REPLACE").values(
            comment_id=row.id, model=self._assessor.model, revision=self._revision, at=now, account=row.account,
            verdict=made.verdict, rule=made.rule, why=made.why, severity=made.severity, label=made.label,
            flags=list(made.flags), reason=made.reason,
            marks=[[each.start, each.end, each.why] for each in made.marks] or None,
        )  # fmt: skip
        decision_id = tx.execute(new).inserted_primary_key[0]  # type: ignore[index]
        if made.steps:
            self._write_actions(tx, row, made, decision_id)
        if made.reason is not None:
            case_id = put_in_case(tx, self._case(row, made, now), row.id, now)
            if made.severity is Severity.CRISIS:
                first_call(tx, self._config, row.account, case_id, now)
                send_pending(tx, self._engine)
                return spare(tx, self._engine, row, decision_id, now) or bool(made.steps)
        return bool(made.steps)

    def _write_actions(self, tx: Connection, row: Row[Any], made: Decision, decision_id: int) -> None:
        origin = f"{self._assessor.model}/{self._revision}"
        rows = [
            {
                "key": action_key(row.account, row.external_id, row.edit, step.verb, origin),
                "comment_id": row.id,
                "decision_id": decision_id,
                "account": row.account,
                "label": step.label,
                "verb": step.verb,
                "template": step.template,
                "mode": row.mode,
                "severity": made.severity,
                "state": ActionState.PENDING,
            }
            for step in made.steps
        ]
        new = insert(action).returning(action.c.id, sort_by_parameter_order=True)
        ids = tx.execute(new, rows).scalars().all()
        open_action(tx, row.id, len(ids))
        self._engine.enqueue(tx, Queue.ACT, [Job(str(id_), id_, priority=made.severity) for id_ in ids])

    def _case(self, row: Row[Any], made: Decision, now: datetime) -> NewCase:
        crisis = made.severity is Severity.CRISIS
        minutes = self._config.desk.crisis_minutes if crisis else self._config.desk.remind_minutes
        closed, on_call = made.reason is Reason.ACTED, people(self._config, row.account)
        return NewCase(
            _case_key(row, made), row.account, made.reason or Reason.FLAGGED, made.label, made.why, made.severity,
            due_at=None if closed else now + timedelta(minutes=minutes),
            assigned_to=on_call[0].name if crisis and on_call else None,
            closed=closed,
        )  # fmt: skip


def _case_key(row: Row[Any], made: Decision) -> str:
    """A flood of one author under one post is one case; so is everything that a dead model left unread."""
    parts: tuple[str, ...] = (row.account, str(made.reason), str(made.label))
    if made.reason not in {*_NOT_ASSESSED}:
        parts += (row.author_key or "", row.thread)
    return "/".join(parts)


_NOT_ASSESSED = tuple(Reason(reason.value) for reason in NotAssessed)


def _authors(scored: Sequence[tuple[Row[Any], Assessment]], name: str) -> set[str]:
    return {row.author_key for row, _ in scored if row.account == name}


def _settled(comment_id: int, account: str, made: Decision) -> None:
    """The one line a comment gets, at the end of its way."""
    fields = {"comment": comment_id, "account": account, "verdict": made.verdict, "rule": made.rule}
    log.info("comment_settled", extra={"fields": fields})


def _write_assessments(tx: Connection, scored: Sequence[tuple[Row[Any], Assessment]]) -> None:
    rows = [
        {
            "comment_id": row.id,
            "model": seen.model,
            "probabilities": dict(seen.probabilities),
            "spans": [[span.start, span.end, span.type] for span in seen.spans],
            "not_assessed": seen.reason,
        }
        for row, seen in scored
    ]
    if rows:
        tx.execute(insert(assessment).prefix_with("OR REPLACE"), rows)


def _waiting(tx: Connection, ids: Sequence[int]) -> set[int]:
    """Without those whose authors deleted them while they were read."""
    received = comment.c.state == CommentState.RECEIVED
    return set(tx.execute(select(comment.c.id).where(comment.c.id.in_(ids), received)).scalars())


def _decided(tx: Connection, ids: Sequence[int], model: str, revision: str) -> set[int]:
    """Without those on which this model failed: where they come again, what it says now takes that one's place."""
    same = (decision.c.model == model) & (decision.c.revision == revision)
    same &= decision.c.comment_id.in_(ids) & decision.c.reason.is_distinct_from(Reason.MODEL_DOWN)
    return set(tx.execute(select(decision.c.comment_id).where(same)).scalars())
