"""Accounts, what is followed and done at them, and mail that several sources hold."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables of the revision before to this one."""
    op.create_table(
        "account",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="schemas.connector.ConnectorSpec.account"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="active, paused or reconnect"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False, comment="JSON"),
        sa.Column("secret", sa.Text(), nullable=False, comment="encrypted by services.vault"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "id", name=op.f("pk_account")),
    )
    op.create_table(
        "feed",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False, comment="when it is asked for news next"),
        sa.Column("tried_at", sa.BigInteger(), nullable=True),
        sa.Column("ok_at", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False, comment="in a row"),
        sa.Column("failed_at", sa.BigInteger(), nullable=True, comment="when the first of them was"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("is_complete", sa.Boolean(), nullable=False, comment="the first reading came to its end"),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("oldest_at", sa.BigInteger(), nullable=True, comment="of the items that came"),
        sa.Column("newest_at", sa.BigInteger(), nullable=True, comment="of the items that came"),
        sa.Column(
            "remote_at",
            sa.BigInteger(),
            nullable=True,
            comment="of the newest item that the other side holds",
        ),
        sa.Column(
            "checked_at", sa.BigInteger(), nullable=True, comment="when the other side was asked for that"
        ),
        sa.PrimaryKeyConstraint("owner", "account", "connector", name=op.f("pk_feed")),
    )
    op.create_table(
        "spending",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("quota", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "account", "quota", name=op.f("pk_spending")),
    )
    op.create_table(
        "outbox",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column(
            "key",
            sa.Text(),
            nullable=False,
            comment="what it is done for: done once, however often it is asked for",
        ),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="put, update, complete, reopen or mail"),
        sa.Column("subject", sa.Text(), nullable=False, comment="a follow-up's id, or a digest's week"),
        sa.Column("payload", sa.Text(), nullable=False, comment="JSON"),
        sa.Column("state", sa.Text(), nullable=False, comment="pending, in_flight, unsure, done or failed"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_state", "outbox", ["owner", "state", "next_at"])
    op.create_table(
        "task",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("followup", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column(
            "draft",
            sa.Text(),
            nullable=False,
            comment="schemas.connector.TaskDraft as JSON, as last written",
        ),
        sa.Column("state", sa.Text(), nullable=False, comment="open, done, or gone from the tool"),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "followup", "account", name=op.f("pk_task")),
    )
    op.create_table(
        "copy",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False, comment="the interaction's"),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="an event that tells of it again"),
        sa.PrimaryKeyConstraint("owner", "key", "seq", name=op.f("pk_copy")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_copy_seq", "copy", ["owner", "seq"])
