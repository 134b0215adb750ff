"""Which cards there should be, which there are, and which of them are out of date. Transaction bodies; no chat.

The audit says what changed: every case that a new row of it touches has its cards marked, and a case that has none
gets a row, before anything is posted. A row is up to date when its message tells all up to the last of those.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, exists, func, insert, or_, select, union, update

from bot.config import OnDiscord
from bot.errors import DeskError
from bot.model import ActionState, CaseState, Mode, Target
from bot.review.story import CaseStory, case_story
from bot.store.cipher import Cipher
from bot.store.queries import opened, save_cursor, stored_cursor
from bot.store.tables import account, action, audit, card, case, case_comment, comment

FEED = "@discord"  # how far the audit was read, among the cursors
CARD, THREAD = "card", "thread"


@dataclass(frozen=True, slots=True)
class Told:
    """What a card is drawn from, all of one moment."""

    story: CaseStory
    changed: int
    mode: Mode
    target: Target | None  # of its first comment; none where there is none, or its author's id expired


def take_in(tx: Connection, desk: OnDiscord, now: datetime) -> None:
    """Mark what changed since the audit was last read, and open rows for cases that have none."""
    since = int(stored_cursor(tx, FEED) or 0)
    last = tx.execute(select(func.max(audit.c.id))).scalar() or 0
    if last <= since:
        return
    news = (audit.c.id > since) & (audit.c.id <= last)
    waits = (case.c.account == audit.c.account) & (case.c.state == CaseState.OPEN)
    touched = union(
        select(audit.c.case_id).where(news, audit.c.case_id.is_not(None)),
        select(case_comment.c.case_id).join(audit, audit.c.comment_id == case_comment.c.comment_id).where(news),
        select(case.c.id).join(audit, waits).where(news, audit.c.what == "mode"),  # what a ruling would do has changed
    )
    tx.execute(update(card).where(card.c.case_id.in_(touched)).values(changed=last))
    states = [CaseState.OPEN, CaseState.ACTED] if desk.show_acted else [CaseState.OPEN]
    shown = select(case.c.id).where(case.c.id.in_(touched), case.c.state.in_(states))
    _open_rows(tx, shown, CARD, desk, last)
    _open_rows(tx, shown.where(case.c.comments >= desk.flood_comments), THREAD, desk, last)
    save_cursor(tx, FEED, str(last), now)


def standing(tx: Connection) -> dict[str, list[str]]:
    """The messages of open cases that should be there, by channel."""
    found = select(card.c.channel, card.c.message).join(case, case.c.id == card.c.case_id)
    by_channel: dict[str, list[str]] = {}
    for row in tx.execute(found.where(case.c.state == CaseState.OPEN, card.c.message.is_not(None))):
        by_channel.setdefault(row.channel, []).append(row.message)
    return by_channel


def stir(tx: Connection) -> None:
    """Cards that wait for an action are out of date as time goes by: when it comes next is not in the audit."""
    waits = select(case_comment.c.case_id).join(action, action.c.comment_id == case_comment.c.comment_id)
    waits = waits.where(action.c.state.in_([ActionState.PENDING, ActionState.SENDING]))
    tx.execute(update(card).where(card.c.case_id.in_(waits)).values(covered=None))


def due(tx: Connection, limit: int, without: Collection[int] = ()) -> Sequence[Row[Any]]:
    """Rows that are out of date, of the most severe and oldest case first."""
    stale = or_(card.c.covered.is_(None), card.c.covered < card.c.changed)
    found = select(card).join(case, case.c.id == card.c.case_id).where(stale, card.c.id.not_in(without))
    return tx.execute(found.order_by(case.c.severity.desc(), case.c.opened_at, card.c.id).limit(limit)).all()


def told(tx: Connection, cipher: Cipher, case_id: int, comments: int, skip: int = 0) -> Told:
    """With so many of its comments. Raises `DeskError` when there is no such case."""
    story = case_story(tx, cipher, case_id, limit=comments, skip=skip)
    changed = tx.execute(select(func.max(card.c.changed)).where(card.c.case_id == case_id)).scalar() or 0
    mode = tx.execute(select(account.c.mode).where(account.c.name == story.row.account)).scalar() or Mode.SHADOW
    target = _target(tx, cipher, story.comments[0].id) if story.comments else None
    return Told(story, changed, Mode(mode), target)


def begin(tx: Connection, row_id: int, channel: str, now: datetime) -> None:
    """Written before a message is posted."""
    tx.execute(update(card).where(card.c.id == row_id).values(sent_at=now, channel=channel))


def posted(tx: Connection, row_id: int, message: str, changed: int, digest: str) -> None:
    """Written after it was posted or edited. What it shows is true up to `changed`."""
    tx.execute(update(card).where(card.c.id == row_id).values(message=message, covered=changed, shown=digest))


def lost(tx: Connection, messages: Collection[str], channel: str) -> None:
    """These messages are not there any more: an open case gets its card again, another's is let go.

    It is posted in `channel`, for where it was may be gone too.
    """
    gone = card.c.message.in_(messages)
    still_open = exists().where(case.c.id == card.c.case_id, case.c.state == CaseState.OPEN)
    again = {"message": None, "covered": None, "shown": None, "sent_at": None, "posts": card.c.posts + 1}
    tx.execute(update(card).where(gone, still_open).values(again | {"channel": channel}))
    tx.execute(card.delete().where(gone))


def let_go(tx: Connection, row_id: int) -> None:
    """It cannot be posted: when its case changes it is tried again."""
    tx.execute(card.delete().where(card.c.id == row_id))


def adopt(tx: Connection, case_id: int, channel: str, message: str) -> None:
    """A card that we posted but have no row of: it is kept up to date like the rest. Raises `DeskError`."""
    if tx.execute(select(card.c.id).where(card.c.channel == channel, card.c.message == message)).first():
        return
    if tx.execute(select(case.c.id).where(case.c.id == case_id)).first() is None:
        raise DeskError(f"There is no case {case_id}")
    waits = (card.c.case_id == case_id) & (card.c.kind == CARD) & card.c.message.is_(None)
    under_way = tx.execute(select(card.c.id).where(waits, card.c.channel == channel)).scalar()
    if under_way is not None:  # it was pressed before we wrote down that it was posted
        tx.execute(update(card).where(card.c.id == under_way).values(message=message))
        return
    row = {"case_id": case_id, "kind": CARD, "channel": channel, "message": message, "changed": 0, "pings": 1}
    tx.execute(insert(card).values(row))


def card_message(tx: Connection, case_id: int) -> str | None:
    """The message that a thread hangs on."""
    mine = (card.c.case_id == case_id) & (card.c.kind == CARD) & card.c.message.is_not(None)
    return tx.execute(select(card.c.message).where(mine).order_by(card.c.id)).scalar()


def uncalled(tx: Connection, severities: Collection[int]) -> Sequence[Row[Any]]:
    """Open cases with a card whose people were not called to it as often as they should: once, and at each reminder."""
    found = select(card.c.id, card.c.message, card.c.pings, case.c.id.label("case_id"), case).join(
        case, case.c.id == card.c.case_id
    )
    found = found.where(card.c.kind == CARD, card.c.message.is_not(None), card.c.pings <= case.c.reminders)
    found = found.where(case.c.state == CaseState.OPEN, case.c.severity.in_(severities))
    return tx.execute(found.order_by(case.c.severity.desc(), case.c.id).limit(10)).all()


def called(tx: Connection, row_id: int, pings: int, severity: int) -> None:
    """Unless the case became graver meanwhile: then they are called to that."""
    same = exists().where(case.c.id == card.c.case_id, case.c.severity == severity)
    tx.execute(update(card).where(card.c.id == row_id, same).values(pings=pings))


def _open_rows(tx: Connection, cases: Select[tuple[int]], kind: str, desk: OnDiscord, last: int) -> None:
    has_one = exists().where(card.c.case_id == case.c.id, card.c.kind == kind)
    ids = tx.execute(cases.where(~has_one).order_by(case.c.id)).scalars().all()
    rows = [{"case_id": id_, "kind": kind, "channel": str(desk.channel), "changed": last} for id_ in ids]
    if rows:
        tx.execute(insert(card), rows)


def _target(tx: Connection, cipher: Cipher, comment_id: int) -> Target | None:
    row = tx.execute(select(comment).where(comment.c.id == comment_id)).one()
    body = opened(cipher, row.body)
    if body is None:
        return None
    return Target(row.external_id, body.author_id, row.thread, row.parent, row.summoned, row.posted_at)
