"""Each fault alone, and what the daemon did about it."""

from typing import Any

from rich.table import Table
from sqlalchemy import Connection, select

from benchmarks.tables import out
from benchmarks.x.daemon import LeapClock, daemon, until
from benchmarks.x.faults import CALLS, LINES
from bot.app import App
from bot.sandbox import faults
from bot.sandbox.faults import Fault
from bot.sandbox.journal import Call
from bot.sandbox.x import USAGE_CAPPED, X
from bot.store.tables import account, action, audit, case, case_comment, comment

HIDE, REPLY, DM = ("PUT", "/2/tweets/*/hidden"), ("POST", "/2/tweets"), ("POST", "/2/dm_conversations/*")
STREAM, LINE, MENTIONS = ("GET", "/2/tweets/search/stream"), ("SEND", "*"), ("GET", "/2/users/*/mentions")
TWICE = Fault(status=403, body={"detail": "You are not allowed to create a Tweet with duplicate content."})
NOT_FOUND = Fault(status=404, body={"type": "https://api.twitter.com/2/problems/resource-not-found"})
ALONE: list[tuple[str, str, tuple[str, str], Fault, int]] = [
    # what, the comment's word, the call that meets it, the fault, how often
    *[(f"hide: {name}", "abuse", HIDE, fault, 1) for name, fault in CALLS],
    ("hide: 429 usage cap", "abuse", HIDE, USAGE_CAPPED, 1),
    ("hide: 403", "abuse", HIDE, faults.FORBIDDEN, 1),
    ("hide: 404", "abuse", HIDE, NOT_FOUND, 1),
    *[(f"reply: {name}", "@clinic ask", REPLY, fault, 1) for name, fault in CALLS],
    ("reply: 403 duplicate", "@clinic ask", REPLY, TWICE, 1),
    *[(f"message: {name}", "ask", DM, fault, 1) for name, fault in CALLS[2:6]],
    ("message: 403 (closed)", "ask", DM, faults.FORBIDDEN, 1),
    *[(f"stream: {name}", "abuse", LINE, fault, 1) for name, fault in LINES],
    ("stream: silence", "abuse", LINE, faults.HANG, 6),
    *[(f"stream: connect meets {fault.status}", "abuse", STREAM, fault, 1) for fault in (
        faults.UNAUTHORISED, faults.FORBIDDEN, faults.TOO_MANY, faults.HTML_503, Fault(status=409, body={}))],
    *[(f"mentions: {name}", "abuse", MENTIONS, fault, 1) for name, fault in CALLS],
    ("hide: 401 for good", "abuse", HIDE, faults.UNAUTHORISED, 99),
]  # fmt: skip


async def each_fault() -> int:
    clock = LeapClock()
    table = Table(title="each fault alone", title_justify="left")
    for heading in ("fault", "calls that met it", "calls after", "what the daemon did", "effect", "at the end"):
        table.add_column(heading, overflow="fold")
    wrong = 0
    async with X(clock, keep_alive=1.0) as x:
        post = x.publish("A post of the practice")
        async with daemon(x, clock, poll_seconds=60, search_seconds=0, own_seconds=0, call_seconds=2) as app:
            for number, (what, words, call, fault, times) in enumerate(ALONE):
                row, right = await _alone(x, app, post, number, what, words, call, fault, times)
                table.add_row(*row)
                wrong += not right
    out.print(table)
    return int(wrong > 0)


async def _alone(
    x: X, app: App, post: str, number: int, what: str, words: str, call: tuple[str, str], fault: Fault, times: int
) -> tuple[list[str], bool]:
    author, before, stopped = str(50_000 + number), len(x.journal.calls()), times > 9
    if call == STREAM:  # a connection is needed that can fail
        for stream in list(x.streams):
            await stream.close()
    if stopped:
        x.fail("GET", "/2/users/me", fault, times)
    x.fail(*call, fault, times)
    id_ = await x.say(f"{words} {number}", author=author, reply_to=post)

    def mine() -> list[Call]:
        seen = [each for each in x.journal.calls()[before:] if each.matches(*call)]
        return seen if call in (STREAM, LINE, MENTIONS) else [each for each in seen if _about(each, id_, author)]

    await until(lambda: bool(app.db.read_now(lambda tx: _ended(tx, id_, stopped))), 60)
    if not stopped:
        await until(lambda: sum(bool(each.fault) for each in mine()) >= times, 60)
    if call in (STREAM, LINE, MENTIONS):
        await until(lambda: bool(x.streams) and (call == LINE or not mine()[-1].fault), 60)
    met = sum(bool(each.fault) for each in mine())
    row, story, end = app.db.read_now(lambda tx: _story(tx, id_))
    effect = id_ in x.hidden if "abuse" in words else _answers(x, id_, author) == 1
    if call in (STREAM, LINE, MENTIONS):
        story = _how_it_came(x.journal.calls()[before:], id_)
    told = [what, str(met), str(len(mine()) - met), story, _times(x, words, id_, author), f"{row.state}{end}"]
    return told, effect or _may(what)


def _how_it_came(seen: list[Call], id_: str) -> str:
    line = any(each.method == "SEND" and id_ in str(each.body) and each.fault in (None, "reset_after") for each in seen)
    streams = [each for each in seen if each.matches(*STREAM)]
    polls = [each for each in seen if each.matches(*MENTIONS)]
    return f"came by {'the stream' if line else 'the poll'}; {len(streams)} connects, {len(polls)} polls meanwhile"


def _may(what: str) -> bool:
    """Whether the fault is X's own word, so that a person is asked, or the comment is gone."""
    return any(word in what for word in ("403", "404", "for good"))


def _about(call: Call, id_: str, author: str) -> bool:
    reply = call.body.get("reply", {}) if isinstance(call.body, dict) else {}
    return id_ in call.path or author in call.path or reply.get("in_reply_to_tweet_id") == id_


def _answers(x: X, id_: str, author: str) -> int:
    replies = sum(it.author_id == x.me and it.answers is not None and it.answers.id == id_ for it in x.tweets.values())
    return replies + sum(to == author for to, _ in x.messages)


def _times(x: X, words: str, id_: str, author: str) -> str:
    if "abuse" in words:
        return "hidden" if id_ in x.hidden else "not hidden"
    return f"{_answers(x, id_, author)} ×"


def _ended(tx: Connection, id_: str, stopped: bool) -> bool:
    if stopped:
        return tx.execute(select(account.c.stopped_why)).scalar() is not None
    rows = tx.execute(select(action.c.state).join(comment).where(comment.c.external_id == id_)).scalars().all()
    return bool(rows) and all(state not in ("pending", "sending") for state in rows)


def _story(tx: Connection, id_: str) -> tuple[Any, str, str]:
    """The action, its way, and how it ended."""
    row = tx.execute(select(action).join(comment).where(comment.c.external_id == id_)).one()
    told = tx.execute(select(audit.c.detail).where(audit.c.action_id == row.id).order_by(audit.c.id)).scalars()
    steps = [(detail or "").removeprefix(f"{row.verb}: ").partition(": X")[0] for detail in told]
    stopped = tx.execute(select(account.c.stopped_why)).scalar()
    cases = select(case.c.reason).join(case_comment).where(case_comment.c.comment_id == row.comment_id)
    asked = tx.execute(cases.where(case.c.state == "open", case.c.reason != "acted")).scalars().all()
    end = "".join(f"; a case: {reason}" for reason in asked) + (
        f"; the account is stopped: {stopped}" if stopped else ""
    )
    return row, " → ".join(steps), end
