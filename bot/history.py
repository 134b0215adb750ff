"""What is known beside the text when a comment is decided: the author's past with us, and the account's day."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from bot.decide import Facts
from bot.model import ActionState, AuthorKind, CaseState, Decision, Mark, Severity, Verb
from bot.store.tables import account as accounts
from bot.store.tables import action, case, case_comment, comment, decision, pause, ruling
from classifiers.labels import Label

_WORDS = (Verb.REPLY, Verb.MESSAGE)
SAID_AGAIN = timedelta(days=1)  # after which the same may be said to an author in the same thread

InThread = tuple[str, str, str]  # author, thread, and the mode it was said in


@dataclass(slots=True)
class Today:
    """One account's past and day. `count` carries it on while a batch is decided, so that order alone matters."""

    acted: Counter[Label] = field(default_factory=Counter)
    overturned: Counter[Label] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    said: dict[InThread, set[str]] = field(default_factory=dict)  # templates; "" = typed words
    in_crisis: set[str] = field(default_factory=set)
    supported: set[tuple[str, str]] = field(default_factory=set)  # author, and the mode it was said in
    paused: frozenset[Label] = frozenset()

    def facts(self, row: Row[Any], marks: tuple[Mark, ...] = (), *, red_flag: bool = False) -> Facts:
        return Facts(
            marks=marks,
            red_flag=red_flag,
            author=AuthorKind(row.author_kind),
            earlier_findings=self.findings[row.author_key],
            said_in_thread=frozenset(self.said.get((row.author_key, row.thread, row.mode), ())),
            in_crisis=row.author_key in self.in_crisis,
            supported=(row.author_key, row.mode) in self.supported,
            acted_today=self.acted,
            overturned_today=self.overturned,
            paused=self.paused,
        )

    def count(self, row: Row[Any], made: Decision, *, edited: bool = False) -> None:
        """`edited`: a newer edit waits already, so what would be said to this one is called off."""
        if made.flags:
            self.findings[row.author_key] += 1
        self.acted.update({step.label for step in made.steps if step.label})
        says = {step.template or "" for step in made.steps if step.verb in _WORDS and not edited}
        if says:
            self.said.setdefault((row.author_key, row.thread, row.mode), set()).update(says)
        if made.severity is Severity.CRISIS:
            self.in_crisis.add(row.author_key)
        if says and made.label is Label.CRISIS:
            self.supported.add((row.author_key, row.mode))


def today(tx: Connection, account: str, authors: Collection[str], now: datetime) -> Today:
    """Read it from the store; the day begins at midnight UTC."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Today(
        acted=_acted(tx, account, midnight),
        overturned=_overturned(tx, account, midnight),
        findings=_findings(tx, account, authors),
        said=_lately(tx, account, authors, now - SAID_AGAIN),
        in_crisis=_in_crisis(tx, account, authors),
        supported=_supported(tx, account, authors),
        paused=paused(tx, account),
    )


def paused(tx: Connection, account: str) -> frozenset[Label]:
    """The labels that the machine may not act on; a pause of the account is all of them."""
    labels = set(tx.execute(select(pause.c.label).where(pause.c.account == account)).scalars())
    return frozenset(Label) if "" in labels else frozenset(Label(label) for label in labels)


def supported(tx: Connection, account: str, authors: Collection[str]) -> set[str]:
    """Those who got the supportive reply, or are about to, in the mode that the account is in now."""
    mode = tx.execute(select(accounts.c.mode).where(accounts.c.name == account)).scalar()
    return {key for key, said_in in _supported(tx, account, authors) if said_in == mode}


def _supported(tx: Connection, account: str, authors: Collection[str]) -> set[tuple[str, str]]:
    said = _said(account, authors).where(action.c.template == Label.CRISIS)
    return {(row.author_key, row.mode) for row in tx.execute(said)}


def _lately(tx: Connection, account: str, authors: Collection[str], since: datetime) -> dict[InThread, set[str]]:
    lately = action.c.settled_at.is_(None) | (action.c.settled_at > since)
    found: dict[InThread, set[str]] = {}
    for row in tx.execute(_said(account, authors).where(lately)):
        found.setdefault((row.author_key, row.thread, row.mode), set()).add(row.template or "")
    return found


def _said(account: str, authors: Collection[str]) -> Select[Any]:
    """Words that reached these authors, or are about to. In shadow nobody hears them, so the mode is told as well."""
    found = select(comment.c.author_key, comment.c.thread, action.c.mode, action.c.template)
    theirs = (comment.c.account == account) & comment.c.author_key.in_(authors)
    words = action.c.verb.in_(_WORDS) & action.c.state.not_in([ActionState.REFUSED, ActionState.CANCELLED])
    return found.join(action, action.c.comment_id == comment.c.id).where(theirs, words)


def _in_crisis(tx: Connection, account: str, authors: Collection[str]) -> set[str]:
    waits = (case.c.account == account) & (case.c.state == CaseState.OPEN) & (case.c.severity == Severity.CRISIS)
    theirs = select(comment.c.author_key).join(case_comment, case_comment.c.comment_id == comment.c.id)
    theirs = theirs.join(case, case.c.id == case_comment.c.case_id).where(waits, comment.c.author_key.in_(authors))
    return set(tx.execute(theirs).scalars())


def _acted(tx: Connection, account: str, since: datetime) -> Counter[Label]:
    """Comments acted on today, by the label whose rule wanted it."""
    rows = tx.execute(
        select(action.c.label, func.count(func.distinct(action.c.comment_id)))
        .join(decision, decision.c.id == action.c.decision_id)
        .where(decision.c.account == account, decision.c.at >= since)
        .group_by(action.c.label)
    )
    return Counter({Label(label): count for label, count in rows if label})


def _overturned(tx: Connection, account: str, since: datetime) -> Counter[Label]:
    """Actions that a decision asked for and a person undid."""
    undo = action.alias()
    rows = tx.execute(
        select(action.c.label, func.count(func.distinct(action.c.id)))
        .join(undo, undo.c.undo_of == action.c.id)
        .join(ruling, ruling.c.id == undo.c.ruling_id)
        .where(action.c.account == account, action.c.ruling_id.is_(None), ruling.c.at >= since)
        .group_by(action.c.label)
    )
    return Counter({Label(label): count for label, count in rows if label})


def _findings(tx: Connection, account: str, authors: Collection[str]) -> Counter[str]:
    rows = tx.execute(
        select(comment.c.author_key, func.count())
        .join(decision, decision.c.comment_id == comment.c.id)
        .where(comment.c.account == account, comment.c.author_key.in_(authors), decision.c.label.is_not(None))
        .group_by(comment.c.author_key)
    )
    return Counter({key: count for key, count in rows if key})
