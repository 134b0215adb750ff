"""Act: what was decided is done, once. Intent is written before the call, and the outcome after.

    pending ──▶ sending ──call──▶ done · refused · pending again (rate limit) · unknown
                   ▲          a row found in `sending` was interrupted: it is observed before it is repeated

Who carries an action out is a provider of consequences: the platform where the account is live, `Shadow` where
it is not. What follows from each answer is the table in `_outcome`.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from bot import red_flags
from bot.actions import ACTIONS
from bot.clock import Clock
from bot.consequences import Consequences, Side
from bot.errors import Ambiguous, CredentialsRevoked, PlatformError, Refused, ReplyRefused, Unanswered, Vanished
from bot.errors import Later as ComeBack
from bot.heard import said
from bot.history import paused
from bot.lanes import Lanes
from bot.model import Ability, ActionState, AuthorKind, CommentState, Mode, Reason, Severity, Target, Verb
from bot.platforms.base import Observed, Order
from bot.replies import Guard, Said, Templates
from bot.store.database import Database
from bot.store.engine.port import Later
from bot.store.queries import NewCase, Note, close_action, opened, put_in_case, stop_account, write_audit
from bot.store.tables import account, action, comment
from bot.taken_back import is_called_off, is_early
from classifiers.labels import Label

log = logging.getLogger("chaperone.act")

MOST_ATTEMPTS = 5
WAIT_SECONDS = 60  # until a stopped or paused account, or a call that is to be undone, is looked at again


@dataclass(frozen=True, slots=True)
class _Work:
    row: Row[Any]
    verb: Verb  # the row's, or what stands in for it
    order: Order
    mode: Mode
    provider: Consequences
    interrupted: bool  # it may have been sent already, so it is observed
    answers: Said | None  # of typed words: what of the commenter's they must not repeat


@dataclass(frozen=True, slots=True)
class _Outcome:
    state: ActionState
    note: str
    again_at: datetime | None = None
    reason: Reason | None = None  # of the case that a person gets
    counts: bool = True  # whether an attempt was used up
    mode: Mode | None = None  # in which it was done, where that is not the one it was asked for in


class Act:
    def __init__(
        self, db: Database, clock: Clock, sides: Mapping[str, Side], lanes: Lanes, templates: Templates, guard: Guard,
        remind: timedelta = timedelta(hours=4),
    ) -> None:  # fmt: skip
        self._db, self._clock, self._sides, self._lanes = db, clock, sides, lanes
        self._templates, self._guard, self._remind = templates, guard, remind

    async def __call__(self, ids: Sequence[int]) -> Later:
        """The handler of the act queue."""
        works, later = await self._db.run(lambda tx: self._begin(tx, ids))
        ends = await asyncio.gather(*(self._carry_out(work) for work in works), return_exceptions=True)
        for end in ends:  # only now: no call may be left under way
            if isinstance(end, BaseException):
                raise end
            later |= end
        return later

    def _begin(self, tx: Connection, ids: Sequence[int]) -> tuple[list[_Work], dict[int, datetime]]:
        """Write the intent of everything that may be done now; the rest is told when to come back."""
        now, works, later = self._clock.now(), [], {}
        for row in _actions(tx, ids):
            if row.state not in (ActionState.PENDING, ActionState.SENDING):
                continue
            if row.account not in self._sides:  # taken out of the config: it waits until it is put back
                later[row.id] = now + timedelta(seconds=WAIT_SECONDS)
                continue
            work = self._work(tx, row)
            wait = self._wait(tx, work, now)
            if wait is None:
                works.append(work)
            else:
                later[row.id] = wait
        tried = [work.row.id for work in works]
        sending = {"state": ActionState.SENDING, "attempts": action.c.attempts + 1}
        tx.execute(update(action).where(action.c.id.in_(tried)).values(sending))
        for work in works:
            self._note_stand_in(tx, work, now)
        sent = [work.row.id for work in works if not work.interrupted]
        tx.execute(update(action).where(action.c.id.in_(sent)).values(sent_at=now))
        return works, later

    def _work(self, tx: Connection, row: Row[Any]) -> _Work:
        side, body = self._sides[row.account], opened(self._db.cipher, row.body)
        interrupted = row.state == ActionState.SENDING or (side.mode is Mode.SHADOW and row.attempts > 0)
        mode = Mode.LIVE if row.mode == Mode.LIVE and (interrupted or side.mode is Mode.LIVE) else Mode.SHADOW
        author_id = body.author_id if body else ""
        target = Target(row.external_id, author_id, row.thread, row.parent, row.summoned, row.posted_at)
        provider, verb = side.providers[mode], Verb(row.verb)
        if not interrupted:
            verb = _possible(verb, provider, target, self._clock.now())
        copy = body.text if body and verb is Verb.RESTORE else None
        answers = said(tx, self._db.cipher, [row.comment_id]) if row.words is not None else None
        return _Work(row, verb, Order(row.key, target, copy=copy), mode, provider, interrupted, answers)

    def _note_stand_in(self, tx: Connection, work: _Work, now: datetime) -> None:
        """From now on the row says what is done in place of what cannot be done."""
        row = work.row
        if work.verb == row.verb:
            return
        why = work.provider.capability(Verb(row.verb), work.order.target, now).note
        detail = f"{work.verb} in place of {row.verb}: {why}"
        tx.execute(update(action).where(action.c.id == row.id).values(verb=work.verb))
        note = Note("action_changed", account=row.account, comment_id=row.comment_id, action_id=row.id, detail=detail)
        write_audit(tx, now, [note])

    def _wait(self, tx: Connection, work: _Work, now: datetime) -> datetime | None:
        """When to come back: account stopped or paused, what it undoes under way, lane full. None = now is fine."""
        row = work.row
        if row.stopped_why is not None:
            return now + timedelta(seconds=WAIT_SECONDS)
        if work.interrupted:
            return _still_out(work, now)
        if is_early(tx, row):
            return now + timedelta(seconds=WAIT_SECONDS)
        new = row.ruling_id is None and row.undo_of is None  # a pause never keeps a crisis hidden
        if new and row.label and Label(row.label) in paused(tx, row.account):
            return now + timedelta(seconds=WAIT_SECONDS)
        able = work.provider.capability(work.verb, work.order.target, now)
        return self._lanes.spend(tx, row.account, able, now)

    async def _carry_out(self, work: _Work) -> Later:
        outcome = await self._outcome(work)
        await self._db.run(lambda tx: self._settle(tx, work, outcome))
        return {} if outcome.again_at is None else {work.row.id: outcome.again_at}

    async def _outcome(self, work: _Work) -> _Outcome:
        """The one place where an adapter's answer becomes what happens to the action."""
        row, spec, now = work.row, ACTIONS[work.verb], self._clock.now()
        waiting = ActionState.SENDING if work.interrupted else ActionState.PENDING
        again = now + timedelta(seconds=2.0**row.attempts)
        try:
            if work.interrupted:
                return await self._after_a_crash(work, again)
            await self._perform(work)
        except Vanished:
            gone = _Outcome(ActionState.REFUSED, "the comment is gone")
            return _Outcome(ActionState.DONE, "gone") if spec.gone_is_done else gone
        except (Refused, ReplyRefused) as error:
            refused = _Outcome(ActionState.REFUSED, str(error), reason=Reason.REFUSED)
            return _NOBODY_KNOWS if work.interrupted else refused  # a look-up that is refused says nothing of the call
        except CredentialsRevoked as error:
            wait = now + timedelta(seconds=WAIT_SECONDS)
            why = str(error)
            await self._db.run(lambda tx: stop_account(tx, row.account, why, now, self._remind))
            return _Outcome(waiting, "stopped: renew the credentials", wait, counts=False)
        except ComeBack as error:
            until = max(error.at, now + timedelta(seconds=1))  # the platform's clock may be behind ours
            await self._db.run(lambda tx: self._lanes.block(tx, row.account, self._lane(work), until))
            first = isinstance(error, Unanswered) and row.attempts == 0  # it may have arrived; that counts once
            return _Outcome(waiting, f"waiting: {error}", until, counts=first)
        except (Ambiguous, TimeoutError, PlatformError, OSError):
            given_up = work.interrupted and row.attempts >= MOST_ATTEMPTS
            return _NOBODY_KNOWS if given_up else _Outcome(ActionState.SENDING, "checking", again)
        except Exception as error:  # the top of a task: an adapter's mistake is a person's case, not our end
            log.error("adapter_failed", extra={"fields": {"account": row.account, "verb": work.verb}}, exc_info=error)
            return _Outcome(ActionState.UNKNOWN, "the adapter failed", reason=Reason.UNKNOWN_OUTCOME)
        return _Outcome(ActionState.DONE, "") if work.mode is Mode.LIVE else _in_shadow(row)

    async def _perform(self, work: _Work) -> None:
        row, verb = work.row, work.verb
        if row.comment_state == CommentState.GONE:
            raise Vanished("the comment was deleted on the platform")
        able = work.provider.capability(verb, work.order.target, self._clock.now())
        if able.ability is Ability.IMPOSSIBLE:
            raise Refused(able.note)
        if row.author_kind == AuthorKind.STAFF and row.ruling_id is None:
            raise Refused("left to a person: our own side wrote it")
        if able.people_only and row.ruling_id is None:
            raise Refused(f"left to a person: {able.note}")
        if not work.order.target.author_id:
            raise Refused("the text and the author of this comment have expired")
        await work.provider.perform(verb, self._worded(work))

    def _worded(self, work: _Work) -> Order:
        """With the words to say. What a template says is nobody's words, so it is not held against the commenter's."""
        row, order = work.row, work.order
        if row.words is not None:
            return replace(order, text=self._guard.clear(self._db.cipher.open(row.words), work.answers))
        if row.template is not None:
            body = opened(self._db.cipher, row.body)
            urgent = body is not None and red_flags.named(body.text)
            on = replace(self._sides[row.account].says, private=work.verb is Verb.MESSAGE, urgent=urgent)
            return replace(order, text=self._guard.clear(self._templates.words(row.template, row.key, on)))
        return order

    async def _after_a_crash(self, work: _Work, again: datetime) -> _Outcome:
        row, verb = work.row, work.verb
        found = await work.provider.observe(verb, work.order)
        if found is Observed.DONE:
            return _Outcome(ActionState.DONE, "found done")
        if found is Observed.GONE:
            raise Vanished("the comment is gone")
        sends = self._sides[row.account].mode is Mode.LIVE
        if found is Observed.NOT_DONE and not sends:
            return _in_shadow(row)
        may_repeat = sends and (found is Observed.NOT_DONE or ACTIONS[verb].repeatable)
        if may_repeat and row.attempts < MOST_ATTEMPTS:
            return _Outcome(ActionState.PENDING, "sent again", again, counts=False)
        return _NOBODY_KNOWS

    def _lane(self, work: _Work) -> str:
        return work.provider.capability(work.verb, work.order.target, self._clock.now()).lane

    def _settle(self, tx: Connection, work: _Work, outcome: _Outcome) -> None:
        row, now = work.row, self._clock.now()
        if outcome.state is ActionState.PENDING and is_called_off(tx, row):
            outcome = replace(outcome, state=ActionState.CANCELLED, note="called off while it was sent")
        final = outcome.state not in (ActionState.PENDING, ActionState.SENDING)
        tx.execute(
            update(action)
            .where(action.c.id == row.id)
            .values(
                state=outcome.state, mode=outcome.mode or row.mode, note=outcome.note,
                settled_at=now if final else None, attempts=action.c.attempts - (not outcome.counts),
            )
        )  # fmt: skip
        note = Note(
            f"action_{outcome.state}", account=row.account, comment_id=row.comment_id, action_id=row.id,
            detail=f"{work.verb}: {outcome.note}" if outcome.note else work.verb,
        )  # fmt: skip
        write_audit(tx, now, [note])
        if outcome.reason is not None:
            put_in_case(tx, self._case(work, outcome, now), row.comment_id, now)
        if final and close_action(tx, row.comment_id):
            log.info("comment_settled", extra={"fields": {"comment": row.comment_id, "account": row.account}})

    def _case(self, work: _Work, outcome: _Outcome, now: datetime) -> NewCase:
        row = work.row
        key = f"{row.account}/{outcome.reason}/{work.verb}/{outcome.note}"
        why = f"{work.verb}: {outcome.note}"
        severity = Severity(max(row.severity, Severity.NORMAL))
        due, reason = now + self._remind, outcome.reason or Reason.REFUSED
        return NewCase(key, row.account, reason, row.label, why, severity, due_at=due)


_NOBODY_KNOWS = _Outcome(ActionState.UNKNOWN, "nobody knows whether it arrived", reason=Reason.UNKNOWN_OUTCOME)
_STANDS = "the account is in shadow: nothing was taken back"


def _in_shadow(row: Row[Any]) -> _Outcome:
    """What comes of it where nothing is done. What stands on the platform is not taken back by that."""
    if row.undo_of is not None and row.mode == Mode.LIVE:
        return _Outcome(ActionState.REFUSED, _STANDS, reason=Reason.REFUSED)
    return _Outcome(ActionState.DONE, "shadow: nothing was done", mode=Mode.SHADOW)


def _possible(verb: Verb, provider: Consequences, target: Target, now: datetime) -> Verb:
    """The verb, or what stands in for it where it is impossible: a private word for a public one."""
    instead = ACTIONS[verb].instead
    if instead is None or provider.capability(verb, target, now).ability is not Ability.IMPOSSIBLE:
        return verb
    return verb if provider.capability(instead, target, now).ability is Ability.IMPOSSIBLE else instead


def _still_out(work: _Work, now: datetime) -> datetime | None:
    """The interrupted call may still be under way; nothing is observed before it must have ended."""
    ended: datetime = work.row.sent_at + timedelta(seconds=work.provider.call_seconds)
    return ended if work.row.sent_at <= now < ended else None


def _actions(tx: Connection, ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Actions with their comment and account, most severe first."""
    columns = [
        *action.c, account.c.stopped_why, comment.c.external_id, comment.c.thread, comment.c.parent,
        comment.c.summoned, comment.c.posted_at, comment.c.body, comment.c.state.label("comment_state"),
        comment.c.author_kind,
    ]  # fmt: skip
    joined = action.join(comment, comment.c.id == action.c.comment_id)
    joined = joined.join(account, account.c.name == action.c.account)
    order = (action.c.severity.desc(), action.c.id)
    return tx.execute(select(*columns).select_from(joined).where(action.c.id.in_(ids)).order_by(*order)).all()
