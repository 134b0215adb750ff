"""The story of a comment and of a case, as values: what a card shows, and what `why` tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select

from bot.actions import ACTIONS
from bot.errors import DeskError
from bot.masking import masked
from bot.model import ActionState, AuthorKind, Mode, Verb, Verdict
from bot.on_call import NoticeState
from bot.store.cipher import Cipher
from bot.store.engine.port import Queue
from bot.store.queries import opened
from bot.store.tables import action, assessment, case, case_comment, comment, decision, job, notice, ruling
from classifiers.labels import Assessment, Label, NotAssessed, Span, SpanType

PSEUDONYM = 6  # signs of the keyed hash of an author
EXPIRED = "(the words have expired)"
GONE = "(deleted on the platform, by its author or a moderator there)"


@dataclass(frozen=True, slots=True)
class Told:
    """One action as people are told of it."""

    id: int
    what: str
    outcome: str
    by: str
    at: datetime | None
    key: str


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision as it was written; `revision` is the config's."""

    verdict: Verdict
    rule: str
    why: str
    flags: tuple[Label, ...]
    revision: str


@dataclass(frozen=True, slots=True)
class Marked:
    """Words of our own side that the reply guard would not let pass, masked unless revealed."""

    words: str
    why: str


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that happened to one comment. `text` is masked unless it was revealed."""

    id: int
    external_id: str
    account: str
    edit: int
    author_kind: AuthorKind
    earlier_findings: int
    seen_at: datetime
    state: str
    mode: str
    text: str
    assessment: Assessment | None  # none as long as it waits
    decision: Decided | None
    actions: tuple[Told, ...]
    cases: tuple[int, ...]
    marked: tuple[Marked, ...] = ()
    url: str | None = None  # where it stands on its platform
    pseudonym: str = ""  # the same for whatever its author writes on this account


@dataclass(frozen=True, slots=True)
class Heard:
    """One ruling as people are told of it. `why` was typed by its actor and may quote anybody."""

    at: datetime
    actor: str
    role: str
    what: str
    labels: tuple[Label, ...] | None  # the right ones, where that is what was said
    why: str
    undone: bool

    def __str__(self) -> str:
        labels = "" if self.labels is None else f" {', '.join(self.labels) or 'none'}"
        why = f" because: {self.why}" if self.why else ""
        return (
            f"{self.at:%Y-%m-%d %H:%M} {self.actor} ({self.role}): {self.what}{labels}{why}{self.undone * ' (undone)'}"
        )


@dataclass(frozen=True, slots=True)
class CaseStory:
    row: Row[Any]
    comments: tuple[Story, ...]
    rulings: tuple[Heard, ...]
    actions: tuple[Told, ...] = ()  # of all its comments, also of those beyond the first
    notices: tuple[str, ...] = ()  # for a crisis: who on call was told, or not, through the second channel


def likely(probability: float) -> str:
    """A probability in words; the words of the IPCC's scale, shortened."""
    scale = ((0.99, "virtually certain"), (0.9, "very likely"), (0.66, "likely"), (0.33, "about as likely as not"))
    return next((words for least, words in scale if probability >= least), "unlikely")


def comment_story(tx: Connection, cipher: Cipher, comment_id: int, *, reveal: bool = False) -> Story:
    """Raises `DeskError` when there is no such comment."""
    row = tx.execute(select(comment).where(comment.c.id == comment_id)).first()
    if row is None:
        raise DeskError(f"There is no comment {comment_id}; its case lists its comments")
    judged = _assessed(tx, comment_id)
    return Story(
        id=row.id, external_id=row.external_id, account=row.account, edit=row.edit,
        author_kind=AuthorKind(row.author_kind), earlier_findings=_findings(tx, row), seen_at=row.seen_at,
        state=row.state, mode=row.mode, text=_words(cipher, row, judged.spans if judged else (), reveal),
        assessment=judged, decision=_decided(tx, comment_id), actions=_actions(tx, action.c.comment_id == comment_id),
        cases=_cases(tx, comment_id), marked=_marked(tx, cipher, row, judged.spans if judged else (), reveal),
        url=_url(cipher, row), pseudonym=(row.author_key or "")[:PSEUDONYM],
    )  # fmt: skip


def case_story(
    tx: Connection, cipher: Cipher, case_id: int, *, reveal: bool = False, limit: int | None = None, skip: int = 0
) -> CaseStory:
    """With `limit` of its comments after the first `skip`; None = all. Raises `DeskError` where there is none."""
    row = tx.execute(select(case).where(case.c.id == case_id)).first()
    if row is None:
        raise DeskError(f"There is no case {case_id}; the queue lists the open ones")
    ids = tx.execute(
        select(case_comment.c.comment_id).where(case_comment.c.case_id == case_id)
        .order_by("comment_id").limit(limit).offset(skip)
    ).scalars()  # fmt: skip
    stories = tuple(comment_story(tx, cipher, id_, reveal=reveal) for id_ in ids)
    of_case = action.c.comment_id.in_(select(case_comment.c.comment_id).where(case_comment.c.case_id == case_id))
    return CaseStory(row, stories, _rulings(tx, cipher, case_id), _actions(tx, of_case), _notices(tx, case_id))


def comment_number(tx: Connection, external_id: str) -> int | None:
    """Ours for the platform's; the newest edit where there are several."""
    found = select(func.max(comment.c.id)).where(comment.c.external_id == external_id)
    return tx.execute(found).scalar()


def _latest(tx: Connection, table: Any, comment_id: int) -> Row[Any] | None:
    found = select(table).where(table.c.comment_id == comment_id).order_by(table.c.id.desc()).limit(1)
    return tx.execute(found).first()


def _assessed(tx: Connection, comment_id: int) -> Assessment | None:
    row = _latest(tx, assessment, comment_id)
    if row is None:
        return None
    probabilities = {Label(name): p for name, p in row.probabilities.items()}
    spans = tuple(Span(start, end, SpanType(kind)) for start, end, kind in row.spans)
    return Assessment(row.model, probabilities, spans, NotAssessed(row.not_assessed) if row.not_assessed else None)


def _decided(tx: Connection, comment_id: int) -> Decided | None:
    row = _latest(tx, decision, comment_id)
    if row is None:
        return None
    return Decided(Verdict(row.verdict), row.rule, row.why, tuple(Label(name) for name in row.flags), row.revision)


def _words(cipher: Cipher, row: Row[Any], spans: Sequence[Span], reveal: bool) -> str:
    body = opened(cipher, row.body)
    if body is None:
        return GONE if row.state == "gone" else EXPIRED
    return body.text if reveal else masked(body.text, spans)


def _url(cipher: Cipher, row: Row[Any]) -> str | None:
    body = opened(cipher, row.body)
    return body.url if body else None


def _marked(tx: Connection, cipher: Cipher, row: Row[Any], spans: Sequence[Span], reveal: bool) -> tuple[Marked, ...]:
    body, made = opened(cipher, row.body), _latest(tx, decision, row.id)
    if body is None or made is None:
        return ()
    return tuple(
        Marked(body.text[start:end] if reveal else masked(body.text[start:end], _within(spans, start, end)), why)
        for start, end, why in made.marks or ()
    )


def _within(spans: Sequence[Span], start: int, end: int) -> list[Span]:
    """What of the spans lies there, counted from `start`."""
    cut = [(max(each.start, start) - start, min(each.end, end) - start, each.type) for each in spans]
    return [Span(*each) for each in cut if each[0] < each[1]]


def _findings(tx: Connection, row: Row[Any]) -> int:
    if row.author_key is None:
        return 0
    found = select(func.count(func.distinct(comment.c.id))).join(decision, decision.c.comment_id == comment.c.id)
    same = (comment.c.account == row.account) & (comment.c.author_key == row.author_key) & (comment.c.id < row.id)
    return tx.execute(found.where(same, decision.c.label.is_not(None))).scalar_one()


def _actions(tx: Connection, which: ColumnElement[bool]) -> tuple[Told, ...]:
    rows = tx.execute(
        select(action, ruling.c.actor, job.c.run_at).outerjoin(ruling, ruling.c.id == action.c.ruling_id)
        .outerjoin(job, (job.c.queue == Queue.ACT) & (job.c.ref == action.c.id))
        .where(which).order_by(action.c.id)
    )  # fmt: skip
    return tuple(
        Told(row.id, row.verb, outcome(row), row.actor or "chaperone", row.settled_at, row.key) for row in rows
    )


def outcome(row: Row[Any]) -> str:
    """An action's state in words for a person: done, not done, or cannot here. `row` is joined with its job."""
    told = ACTIONS[Verb(row.verb)].told
    done = f"would be {told} (shadow)" if row.mode == Mode.SHADOW else f"{told}"
    words = {
        ActionState.PENDING: f"waiting until {row.run_at:%H:%M} UTC" if row.run_at else "waiting",
        ActionState.SENDING: "checking",
        ActionState.DONE: done,
        ActionState.UNKNOWN: "nobody knows",
        ActionState.REFUSED: "cannot here",
        ActionState.CANCELLED: "called off",
    }[ActionState(row.state)]
    return f"{words}: {row.note}" if row.note and not row.note.startswith("shadow") else words


def _cases(tx: Connection, comment_id: int) -> tuple[int, ...]:
    found = select(case_comment.c.case_id).where(case_comment.c.comment_id == comment_id)
    return tuple(tx.execute(found.order_by("case_id")).scalars())


def _rulings(tx: Connection, cipher: Cipher, case_id: int) -> tuple[Heard, ...]:
    rows = tx.execute(select(ruling).where(ruling.c.case_id == case_id).order_by(ruling.c.id))
    return tuple(_ruling(cipher, row) for row in rows)


def _notices(tx: Connection, case_id: int) -> tuple[str, ...]:
    words = {NoticeState.SENT: "told", NoticeState.FAILED: "could not reach"}
    ended = (notice.c.case_id == case_id) & notice.c.state.in_(words)
    rows = tx.execute(select(notice).where(ended).order_by(notice.c.settled_at, notice.c.id))
    return tuple(f"{row.settled_at:%H:%M} UTC {words[NoticeState(row.state)]} {row.person}" for row in rows)


def _ruling(cipher: Cipher, row: Row[Any]) -> Heard:
    labels = None if row.labels is None else tuple(Label(name) for name in row.labels)
    why = cipher.open(row.words) if row.words else ""
    return Heard(row.at, row.actor, row.role, row.what, labels, why, row.undone_by is not None)
