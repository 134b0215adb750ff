"""The words everything else is said in: comments, events, verbs, capabilities, decisions, outcomes.

Only values live here: frozen, typed, without behaviour that reaches out. Times are aware and in UTC.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from classifiers.labels import Label


class AuthorKind(StrEnum):
    PUBLIC = "public"
    STAFF = "staff"  # our own side: the account's owner and colleagues
    BOT = "bot"  # what we posted ourselves, never moderated


@dataclass(frozen=True, slots=True)
class Author:
    id: str
    name: str = ""
    kind: AuthorKind = AuthorKind.PUBLIC


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment as its platform sent it. `thread` is the post it stands under, `parent` what it answers."""

    id: str
    text: str = field(repr=False)
    author: Author = field(repr=False)
    posted_at: datetime
    thread: str = ""
    parent: str | None = None
    parent_text: str | None = field(default=None, repr=False)
    summoned: bool = False  # the author addressed us, which some platforms ask for before we may answer
    url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Posted:
    """A comment, new or edited: the inbox knows an edit by the same id with another text."""

    comment: Comment


@dataclass(frozen=True, slots=True)
class Gone:
    """It was deleted on the platform, mostly by its author: words go, and the case closes unless it is a crisis."""

    id: str


@dataclass(frozen=True, slots=True)
class Gap:
    """The platform cannot say what came between; a person is told."""

    why: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """A payload that could not be read. It is kept aside, with where it stood and why, and counted."""

    position: str
    why: str
    raw: bytes = field(repr=False)


Event = Posted | Gone | Gap | Malformed


@dataclass(frozen=True, slots=True)
class Batch:
    """Events in order, and the cursor that covers them: both are stored in one transaction."""

    events: tuple[Event, ...]
    cursor: str


class Verb(StrEnum):
    """What can be done to a comment or its author. Each has a row in the table of `bot/actions.py`."""

    HIDE = "hide"
    RESTORE = "restore"
    DELETE = "delete"
    REPLY = "reply"
    MESSAGE = "message"
    MUTE = "mute"
    UNMUTE = "unmute"
    BAN = "ban"
    UNBAN = "unban"


class Ability(StrEnum):
    NATIVE = "native"
    APPROXIMATE = "approximate"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a platform itself last said of a lane: so many calls are left until then."""

    left: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Capability:
    """Whether a verb works for one comment now. `note` is what the card tells a person about it."""

    ability: Ability
    note: str = ""
    lane: str = ""  # the rate limit that a call spends; "" = none
    cost: int = 1
    undoable: bool = True
    observable: bool = True  # the platform can be asked afterwards whether it happened
    people_only: bool = False  # here the machine does not do it alone
    heard: Allowance | None = None  # of the lane, from the platform; it knows what others spent


@dataclass(frozen=True, slots=True)
class Lane:
    """A rate limit: at most `limit` calls in `seconds`."""

    name: str
    limit: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Target:
    """What an action is aimed at: ids and nothing that was written."""

    comment_id: str
    author_id: str
    thread: str = ""
    parent: str | None = None
    summoned: bool = False
    posted_at: datetime | None = None


class Mode(StrEnum):
    SHADOW = "shadow"
    LIVE = "live"


class Severity(IntEnum):
    """How soon a person must look, and who goes first when a rate limit is tight."""

    LOW = 10
    NORMAL = 20
    HIGH = 30
    URGENT = 40
    CRISIS = 50


class Verdict(StrEnum):
    LEAVE = "leave"
    ACT = "act"
    ASK = "ask"


class Reason(StrEnum):
    """Why there is a case. With a label it says what was found; the rest says why no machine decided."""

    FLAGGED = "flagged"
    RED_FLAG = "red_flag"  # names a sign of an emergency, and asks for a diagnosis or could not be assessed
    ACTED = "acted"
    BREACH = "breach"  # our own side may have revealed a patient
    STAFF = "staff"
    LANGUAGE = "language"
    WORDLESS = "wordless"
    UNREADABLE = "unreadable"
    MODEL_DOWN = "model_down"
    BUDGET = "budget"
    OVERTURNED = "overturned"
    PAUSED = "paused"
    REFUSED = "refused"
    UNKNOWN_OUTCOME = "unknown_outcome"
    GAP = "gap"
    STOPPED = "stopped"  # the account's credentials are refused
    DESK_STOPPED = "desk_stopped"  # Discord refuses the desk: no cards, and no calls


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: a verb, for words the template that is said, and the label whose rule wants it."""

    verb: Verb
    template: str | None = None
    label: Label | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Mark:
    """Words of our own side that the reply guard would not let pass: code points of the text, end exclusive."""

    start: int
    end: int
    why: str  # in a moderator's words; holds none of the text
    reveals: bool = True  # that somebody is a patient; else they are only unwise


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to become of a comment, with the rule that said so. `label` is the gravest that was found."""

    verdict: Verdict
    rule: str
    why: str
    severity: Severity = Severity.LOW
    label: Label | None = None
    flags: tuple[Label, ...] = ()
    reason: Reason | None = None  # of the case; None = no case
    steps: tuple[Step, ...] = ()
    marks: tuple[Mark, ...] = ()  # of our own side's words


class CommentState(StrEnum):
    RECEIVED = "received"
    ACTING = "acting"
    SETTLED = "settled"
    GONE = "gone"


class ActionState(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    DONE = "done"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class CaseState(StrEnum):
    OPEN = "open"
    ACTED = "acted"  # the machine did it alone: nobody needs to rule, anybody may look and undo
    CLOSED = "closed"


class Role(StrEnum):
    """What a person at the desk may do; each may do what those before it may."""

    TRIAGE = "triage"
    MODERATOR = "moderator"
    LEAD = "lead"
