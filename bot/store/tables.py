"""The tables: our own truth. The job table only says "look at row N".

Words and people's ids are in encrypted columns (`body`, `words`), which expire; everything else stays.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Utc(TypeDecorator[datetime]):
    """Aware times in UTC, also where the database forgets the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC)


account = Table(
    "account",
    metadata,
    Column("name", String, primary_key=True),
    Column("platform", String, nullable=False),
    Column("mode", String, nullable=False),
    Column("mode_since", Utc, nullable=False),
    Column("stopped_why", String),
)

comment = Table(
    "comment",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account", String, nullable=False),
    Column("external_id", String, nullable=False),
    Column("edit", Integer, nullable=False),
    Column("author_key", String),
    Column("author_kind", String, nullable=False),
    Column("thread", String, nullable=False),
    Column("parent", String),
    Column("summoned", Boolean, nullable=False),
    Column("posted_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
    Column("mode", String, nullable=False),  # of the account when the comment was seen
    Column("text_key", String, nullable=False),
    Column("body", LargeBinary),
    Column("state", String, nullable=False),
    Column("actions_open", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("account", "external_id", "edit"),
    Index(None, "account", "author_key"),
    Index(None, "account", "parent"),
    Index(None, "state"),
    Index("ix_comment_kept", "seen_at", sqlite_where=text("body IS NOT NULL")),
)

assessment = Table(
    "assessment",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("comment_id", ForeignKey("comment.id"), nullable=False),
    Column("model", String, nullable=False),
    Column("probabilities", JSON, nullable=False),
    Column("spans", JSON, nullable=False),
    Column("not_assessed", String),
    UniqueConstraint("comment_id", "model"),
)

decision = Table(
    "decision",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("comment_id", ForeignKey("comment.id"), nullable=False),
    Column("model", String, nullable=False),
    Column("revision", String, nullable=False),
    Column("at", Utc, nullable=False),
    Column("account", String, nullable=False),
    Column("verdict", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("why", String, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("label", String),
    Column("flags", JSON, nullable=False),
    Column("reason", String),
    Column("marks", JSON),  # of our own side's words: start, end, why
    UniqueConstraint("comment_id", "model", "revision"),
    Index(None, "account", "verdict", "at"),
    Index(None, "account", "at"),
)

action = Table(
    "action",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("comment_id", ForeignKey("comment.id"), nullable=False),
    Column("decision_id", ForeignKey("decision.id")),
    Column("ruling_id", ForeignKey("ruling.id")),
    Column("undo_of", ForeignKey("action.id")),
    Column("account", String, nullable=False),
    Column("label", String),
    Column("verb", String, nullable=False),
    Column("template", String),
    Column("words", LargeBinary),  # a reply as a moderator typed it
    Column("mode", String, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("sent_at", Utc),
    Column("settled_at", Utc),
    Column("note", String),
    Index(None, "comment_id"),
    Index(None, "decision_id"),
    Index(None, "ruling_id", sqlite_where=text("ruling_id IS NOT NULL")),  # most have none: not a way to find them
    Index(None, "undo_of", sqlite_where=text("undo_of IS NOT NULL")),
    Index(None, "state"),
)

case = Table(
    "case",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String, nullable=False),
    Column("account", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("label", String),
    Column("why", String, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("comments", Integer, nullable=False),
    Column("claimed_by", String),
    Column("claimed_until", Utc),
    Column("assigned_to", String),
    Column("reminders", Integer, nullable=False, server_default=text("0")),
    Column("due_at", Utc),
    Column("closed_at", Utc),
    Column("closed_by", String),
    Index("ux_case_open", "key", unique=True, sqlite_where=text("state = 'open'")),
    Index(None, "state", "severity"),
)

case_comment = Table(
    "case_comment",
    metadata,
    Column("case_id", ForeignKey("case.id"), primary_key=True),
    Column("comment_id", ForeignKey("comment.id"), primary_key=True, index=True),
)

# What a desk in a chat has posted of a case. A row stands here before anything is posted.
card = Table(
    "card",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", ForeignKey("case.id"), nullable=False, index=True),
    Column("kind", String, nullable=False),  # "card", or "thread" for the comments of a flood
    Column("channel", String, nullable=False),
    Column("message", String),  # none = not there, or nobody knows yet
    Column("posts", Integer, nullable=False, server_default=text("0")),  # that were lost before this one
    Column("sent_at", Utc),  # when posting it was last begun
    Column("changed", Integer, nullable=False),  # the audit row that last touched the case
    Column("covered", Integer),  # the audit row up to which the message tells it
    Column("shown", String),  # the digest of what the message shows
    Column("pings", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("channel", "message"),
)

# That somebody on call is told of a crisis, without Discord. A row stands here before anything is sent.
notice = Table(
    "notice",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", ForeignKey("case.id"), nullable=False),
    Column("account", String, nullable=False),
    Column("round", Integer, nullable=False),  # 0 = the first person's
    Column("person", String, nullable=False),  # as the config names them; their addresses stay there
    Column("state", String, nullable=False),
    Column("way", Integer, nullable=False, server_default=text("0")),  # which of their addresses is tried
    Column("tries", Integer, nullable=False, server_default=text("0")),  # at that address
    Column("made_at", Utc, nullable=False),
    Column("sent_at", Utc),
    Column("settled_at", Utc),
    UniqueConstraint("case_id", "round", "person"),
    Index(None, "state"),
)

ruling = Table(
    "ruling",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", ForeignKey("case.id"), nullable=False),
    Column("comment_id", ForeignKey("comment.id")),
    Column("actor", String, nullable=False),
    Column("role", String, nullable=False),
    Column("what", String, nullable=False),
    Column("labels", JSON),
    Column("words", LargeBinary),  # why, as the moderator typed it
    Column("at", Utc, nullable=False),
    Column("undone_by", ForeignKey("ruling.id")),
    Index(None, "case_id"),
    Index(None, "at"),
)

lane = Table(
    "lane",
    metadata,
    Column("account", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("window_from", Utc, nullable=False),
    Column("spent", Integer, nullable=False),
    Column("blocked_until", Utc),
)

cursor = Table(
    "cursor",
    metadata,
    Column("account", String, primary_key=True),
    Column("value", String, nullable=False),
    Column("at", Utc, nullable=False),
)

set_aside = Table(
    "set_aside",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account", String, nullable=False),
    Column("position", String, nullable=False),
    Column("text_key", String, nullable=False),
    Column("why", String, nullable=False),
    Column("words", LargeBinary),
    Column("at", Utc, nullable=False),
    UniqueConstraint("account", "position", "text_key"),
)

pause = Table(
    "pause",
    metadata,
    Column("account", String, primary_key=True),
    Column("label", String, primary_key=True),  # "" = every label
    Column("by", String, nullable=False),
    Column("at", Utc, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("actor", String, nullable=False),
    Column("what", String, nullable=False),
    Column("account", String),
    Column("comment_id", Integer, index=True),
    Column("case_id", Integer),
    Column("action_id", Integer),
    Column("detail", String),
)

revision = Table(
    "revision",
    metadata,
    Column("id", String, primary_key=True),
    Column("model", String, nullable=False),
    Column("config", JSON, nullable=False),
    Column("at", Utc, nullable=False),
)

sched_run = Table(
    "sched_run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("slot", Utc, nullable=False),
    UniqueConstraint("name", "slot"),
)

job = Table(
    "job",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("queue", String, nullable=False),
    Column("key", String, nullable=False),
    Column("ref", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("run_at", Utc),  # none = as soon as possible, whatever the clock says
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("owner", String),
    Column("lease_until", Utc),
    UniqueConstraint("queue", "key"),
    Index("ix_job_next", "queue", text("priority DESC"), "id"),
)

secret = Table(
    "secret",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
