"""Indexes: so that nothing which the writer asks for often reads a growing table from end to end"""

from alembic import op
from sqlalchemy import text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("comment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_comment_account_parent"), ["account", "parent"], unique=False)
        kept = text("body IS NOT NULL")
        batch_op.create_index("ix_comment_kept", ["seen_at"], unique=False, sqlite_where=kept)
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_decision_account_at"), ["account", "at"], unique=False)
    with op.batch_alter_table("action", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_action_decision_id"), ["decision_id"], unique=False)
        for name in ("ruling_id", "undo_of"):
            some = text(f"{name} IS NOT NULL")
            batch_op.create_index(batch_op.f(f"ix_action_{name}"), [name], unique=False, sqlite_where=some)
    with op.batch_alter_table("ruling", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ruling_at"), ["at"], unique=False)
